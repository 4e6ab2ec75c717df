//! `SPDX-License-Identifier:` in the first lines of a file (SPDX 2.3, annex E).

use assay_model::inventory::{LicenseEvidence, LicenseFile};
use assay_model::license;

/// What is looked at of a file, in bytes and lines.
pub(crate) const HEAD_BYTES: u64 = 8 << 10;
const LINES: usize = 50;
const TAG: &str = "SPDX-License-Identifier:";
/// What closes a comment.
const CLOSERS: [&str; 8] = ["*/", "-->", "--}}", "#}", "%>", "*)", "\"\"\"", "-}"];

/// The licence that the head of a file states.
pub(crate) fn in_head(path: &str, head: &[u8]) -> Option<LicenseFile> {
    // Most files have none, and no text need be made of them.
    let at = find(head, TAG.as_bytes())?;
    let before = head.get(..at)?;
    if before.contains(&0) || before.iter().filter(|byte| **byte == b'\n').count() >= LINES {
        return None;
    }
    let rest = head.get(at + TAG.len()..)?;
    let line = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let text = std::str::from_utf8(line).ok()?;
    let text = CLOSERS.iter().fold(text, |text, closer| text.split(closer).next().unwrap_or(text));
    let text = text.trim().trim_matches(['"', '\'', '`', '*', '#', ';', '/', ',', '\\']).trim();
    let declared = license::normalise(text);
    let references = text.contains("LicenseRef-");
    (declared.known || references && !declared.expression.is_empty()).then(|| LicenseFile {
        path: path.to_owned(),
        layer: None,
        expression: declared.expression,
        confidence: 100,
        class: declared.class,
        evidence: LicenseEvidence::Header,
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    // The rarest byte of the tag first.
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == b'X').map(|at| from + at) {
        let begin = at.checked_sub(3);
        if let Some(begin) = begin
            && bytes.get(begin..begin + what.len()) == Some(what)
        {
            return Some(begin);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::in_head;

    #[test]
    fn headers_are_read_from_any_comment() {
        let tag = ["SPDX", "License", "Identifier:"].join("-");
        for (before, text, after, read) in [
            ("// ", "MIT", "\n", "MIT"),
            ("/* ", "GPL-2.0 WITH Linux-syscall-note", " */\n", "GPL-2.0-only WITH Linux-syscall-note"),
            ("<!-- ", "Apache-2.0 OR MIT", " -->", "Apache-2.0 OR MIT"),
            ("# X y\n# ", "(MIT AND LicenseRef-ours)", "\r\nx", "MIT AND LicenseRef-ours"),
        ] {
            let head = format!("{before}{tag} {text}{after}");
            assert_eq!(in_head("a.c", head.as_bytes()).unwrap().expression, read);
        }
        assert!(in_head("a", format!("{}{tag} MIT", "\n".repeat(60)).as_bytes()).is_none());
        assert!(in_head("a", format!("{tag} %s\"").as_bytes()).is_none());
        assert!(in_head("a", b"X XX XPDX").is_none());
    }
}
