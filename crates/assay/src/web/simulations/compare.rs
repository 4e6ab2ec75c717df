//! Two sources line by line, as a page shows them: what goes, what comes, and a few lines around.

use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const AROUND: usize = 3;

/// A line of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// How it looks.
    pub(super) class: &'static str,
    /// `-` goes, `+` comes, `@` begins at another place.
    pub(super) sign: char,
    /// Its text.
    pub(super) text: String,
}

/// The lines that differ, with those around them; before each group, the line at which it begins in either source.
pub(super) fn lines(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before.trim_end(), after.trim_end());
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        if let Some(first) = group.first() {
            let text = format!("line {} → {}", first.old_range().start + 1, first.new_range().start + 1);
            lines.push(Line { class: "place", sign: '@', text });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (class, sign) = match change.tag() {
                ChangeTag::Delete => ("gone", '-'),
                ChangeTag::Insert => ("come", '+'),
                ChangeTag::Equal => ("same", ' '),
            };
            lines.push(Line { class, sign, text: change.value().trim_end_matches(['\r', '\n']).to_owned() });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_goes_and_comes_is_told_with_what_is_around_it() {
        let before = "a\nb\nc\nd\ne\nf\n";
        let shown: Vec<String> =
            lines(before, "a\nb\nc\nd\nE\nf\n\n").iter().map(|line| format!("{}{}", line.sign, line.text)).collect();
        assert_eq!(shown, ["@line 2 → 2", " b", " c", " d", "-e", "+E", " f"]);
        assert!(lines(before, before).is_empty());
    }
}
