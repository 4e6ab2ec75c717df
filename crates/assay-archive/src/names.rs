//! The rules for entry names and link targets: what is normalised, and what is refused.

use std::borrow::Cow;

use crate::error::ArchiveError;

/// Which names are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// A package archive: relative names only, and links that stay inside.
    #[default]
    Package,
    /// A file-system layer: a leading `/` is dropped, backslashes are ordinary, links may point anywhere (they are
    /// never followed here).
    Layer,
}

/// Without leading `./`, doubled slashes and `.` parts. The empty string is the archive's root.
pub(crate) fn normalise(raw: &[u8], names: Names) -> Result<String, ArchiveError> {
    let text = String::from_utf8_lossy(raw);
    let refuse = |why| unsafe_path(&text, why);
    if text.contains('\0') {
        return Err(refuse("it contains a NUL byte"));
    }
    if names == Names::Package {
        if text.starts_with('/') {
            return Err(refuse("it is absolute"));
        }
        if text.contains('\\') {
            return Err(refuse("it contains a backslash, which some systems read as a separator"));
        }
        if has_drive(&text) {
            return Err(refuse("it names a drive"));
        }
    }
    let mut path = String::with_capacity(text.len());
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refuse("it climbs with `..`")),
            part => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    Ok(path)
}

/// A symbolic link's target as stored, after checking that it stays inside the archive where that is the rule.
pub(crate) fn link_target(raw: &[u8], at: &str, names: Names) -> Result<String, ArchiveError> {
    let text: Cow<'_, str> = String::from_utf8_lossy(raw);
    let refuse = |why| unsafe_path(&format!("{at} -> {text}"), why);
    if text.contains('\0') {
        return Err(refuse("the link's target contains a NUL byte"));
    }
    if names == Names::Layer {
        return Ok(text.into_owned());
    }
    if text.starts_with('/') || text.contains('\\') || has_drive(&text) {
        return Err(refuse("the link points outside the archive"));
    }
    let mut level = at.matches('/').count();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if level == 0 => return Err(refuse("the link points outside the archive")),
            ".." => level -= 1,
            _ => level += 1,
        }
    }
    Ok(text.into_owned())
}

fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

fn unsafe_path(path: &str, why: &'static str) -> ArchiveError {
    ArchiveError::UnsafePath { path: path.to_owned(), why }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Names, link_target, normalise};

    #[test]
    fn names_are_normalised() {
        for (raw, path) in [("./a//b/./c", "a/b/c"), (".", ""), ("./", ""), ("a/", "a"), ("a...b/..c", "a...b/..c")] {
            assert_eq!(normalise(raw.as_bytes(), Names::Package).unwrap(), path);
        }
        assert_eq!(normalise(b"/etc/passwd", Names::Layer).unwrap(), "etc/passwd");
        assert_eq!(normalise(b"a\\x2db", Names::Layer).unwrap(), "a\\x2db");
    }

    #[test]
    fn tricks_are_refused() {
        for raw in ["/etc/passwd", "../x", "a/../../x", "a/..", "a\\..\\b", "C:/x", "a\0b"] {
            assert!(normalise(raw.as_bytes(), Names::Package).is_err(), "{raw:?}");
        }
        for raw in ["../x", "/../x", "a\0b"] {
            assert!(normalise(raw.as_bytes(), Names::Layer).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn links_stay_inside_a_package() {
        assert!(link_target(b"../b", "a/link", Names::Package).is_ok());
        for (target, at) in [("../b", "link"), ("../../b", "a/link"), ("/etc", "a/link"), ("x/../../..", "a/link")] {
            assert!(link_target(target.as_bytes(), at, Names::Package).is_err(), "{at} -> {target}");
            assert!(link_target(target.as_bytes(), at, Names::Layer).is_ok());
        }
    }
}
