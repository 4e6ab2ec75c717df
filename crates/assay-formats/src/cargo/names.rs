//! Names and versions of crates, and the paths that follow from them: pure.

pub(super) use crate::kit::text::shown;

use assay_model::Problem;
use semver::Version;

/// Longest name and version, in bytes.
const NAME: usize = 64;
const VERSION: usize = 128;

/// Names that some systems cannot use for a file or folder, and that crates therefore do not have.
const RESERVED: &[&str] = &["nul", "con", "prn", "aux", "conin$", "conout$"];

/// The name as packages are found by it: in lower case. Hyphens and underscores stay, because the index tells them
/// apart.
///
/// # Errors
/// `Invalid` when it is no name of a crate.
pub(super) fn normalise(name: &str) -> Result<String, Problem> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if name.len() > NAME || !first || !name.bytes().all(inside) {
        return Err(Problem::invalid(
            "bad-name",
            format!(
                "`{}` is not a valid crate name: letters, digits, `-` and `_`, beginning with a letter or `_`, at most \
                 {NAME} bytes",
                shown(name)
            ),
        ));
    }
    let lower = name.to_ascii_lowercase();
    if is_reserved(&lower) {
        return Err(Problem::invalid("bad-name", format!("`{name}` is a reserved name")));
    }
    Ok(lower)
}

/// `com1` and its kin, and the words of [`RESERVED`].
fn is_reserved(lower: &str) -> bool {
    let device = |prefix| lower.strip_prefix(prefix).is_some_and(|n: &str| n.len() == 1 && n != "0");
    RESERVED.contains(&lower)
        || (lower.bytes().all(|b| b.is_ascii_alphanumeric())
            && (device("com") || device("lpt"))
            && lower.ends_with(|c: char| c.is_ascii_digit()))
}

/// A version (SemVer 2.0.0).
///
/// # Errors
/// `Invalid` when it is none.
pub(super) fn version(text: &str) -> Result<Version, Problem> {
    let parsed = if text.len() <= VERSION { Version::parse(text) } else { Version::parse("") };
    parsed.map_err(|why| {
        Problem::invalid("bad-version", format!("`{}` is not a version by SemVer 2.0.0: {why}", shown(text)))
    })
}

/// Whether a registry takes the two for one version: build metadata does not tell versions apart.
pub(super) fn same_version(a: &Version, b: &Version) -> bool {
    (a.major, a.minor, a.patch, &a.pre) == (b.major, b.minor, b.patch, &b.pre)
}

/// The folders in which the index keeps a name's file: `1`, `2`, `3/f`, `ab/cd`. Nothing for an empty name.
pub(super) fn prefix(name: &str) -> Option<String> {
    match name.len() {
        0 => None,
        1 => Some("1".to_owned()),
        2 => Some("2".to_owned()),
        3 => Some(format!("3/{}", name.get(..1)?)),
        _ => Some(format!("{}/{}", name.get(..2)?, name.get(2..4)?)),
    }
}

/// The path of a name's file in the index. Takes a normalised name.
pub(super) fn index_path(name: &str) -> String {
    format!("{}/{name}", prefix(name).unwrap_or_default())
}

/// The path of a version's file. Takes a normalised name.
pub(super) fn file_path(name: &str, version: &str) -> String {
    format!("{name}-{version}.crate")
}

/// The version whose file has this path.
pub(super) fn version_of<'p>(name: &str, path: &'p str) -> Option<&'p str> {
    path.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".crate")
}
