//! A source without the statements in which something is wrong, so that the rest can be looked at as well. A statement
//! begins at a line that begins with a word, and reaches to the next. Lines keep their numbers.

use super::diagnose::Fault;
use std::collections::BTreeSet;

/// A source, and the names that what was taken out gave.
pub(super) struct Mended {
    lines: Vec<String>,
    text: String,
    names: BTreeSet<String>,
}

impl Mended {
    /// The whole source.
    pub(super) fn new(source: &str) -> Self {
        Self { lines: source.lines().map(str::to_owned).collect(), text: source.to_owned(), names: BTreeSet::new() }
    }

    /// What is left.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes out the statement that a line (from 1) belongs to; false when there is nothing more to take out. Where the
    /// one before it was not closed, that is what is wrong, and it goes.
    pub(super) fn take_out(&mut self, line: u32) -> bool {
        let Some(at) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else { return false };
        let Some(mut begin) = self.begin_of(at.min(self.lines.len().saturating_sub(1))) else { return false };
        if let Some(before) = begin.checked_sub(1).and_then(|line| self.begin_of(line))
            && self.open(before, begin)
        {
            begin = before;
        }
        // without its package, nothing of a source can be read
        if self.lines.get(begin).is_none_or(|first| first.starts_with("package")) {
            return false;
        }
        let end = (begin + 1..self.lines.len()).find(|line| self.begins(*line)).unwrap_or(self.lines.len());
        for line in self.lines.iter_mut().take(end).skip(begin) {
            self.names.extend(named(line).map(str::to_owned));
            line.clear();
        }
        self.text = self.lines.join("\n");
        if self.names.contains("match") && !self.lines.iter().any(|line| named(line) == Some("match")) {
            // what is asked for has to be there
            self.text.push_str("\nmatch := true\n");
        }
        true
    }

    /// Whether something is said to be missing only because it was taken out.
    pub(super) fn hides(&self, fault: &Fault) -> bool {
        let name = fault.message.split(['`', '\'', '"']).nth(1).unwrap_or_default();
        let missing = matches!(fault.code, "rego_unsafe_var_error" | "rego_type_error") || fault.line == 0;
        missing && self.names.contains(name.rsplit('.').next().unwrap_or(name))
    }

    fn begins(&self, line: usize) -> bool {
        let word = |text: &String| text.starts_with(|first: char| first.is_alphabetic() || first == '_');
        self.lines.get(line).is_some_and(|text| word(text) && !text.starts_with("else"))
    }

    fn begin_of(&self, line: usize) -> Option<usize> {
        (0..=line).rev().find(|line| self.begins(*line))
    }

    /// Whether brackets that are opened between two lines are not closed there.
    fn open(&self, from: usize, to: usize) -> bool {
        let mut depth = 0_i32;
        for line in self.lines.iter().take(to).skip(from) {
            let mut rest = line.chars();
            while let Some(next) = rest.next() {
                match next {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth -= 1,
                    '#' => break,
                    '"' | '`' => skip(&mut rest, next),
                    _ => {}
                }
            }
        }
        depth > 0
    }
}

/// Skips to the end of a text.
fn skip(rest: &mut std::str::Chars<'_>, quote: char) {
    while let Some(next) = rest.next() {
        match next {
            '\\' if quote == '"' => drop(rest.next()),
            end if end == quote => return,
            _ => {}
        }
    }
}

/// The name that a statement gives, in its first line.
fn named(line: &str) -> Option<&str> {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    match line.starts_with(|first: char| first.is_alphabetic() || first == '_').then(|| words.next())?? {
        "default" => words.next(),
        "import" => words.next_back(),
        name => Some(name),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Fault, Mended};

    const SOURCE: &str = "package assay\n\na if {\n\tx(\n}\n\nb := 1\nelse := 2\n\nc if {\n\td\n";

    #[test]
    fn a_statement_goes_with_all_its_lines() {
        let mut source = Mended::new(SOURCE);
        assert!(source.take_out(4));
        assert!(!source.text().contains("x(") && source.text().contains("b := 1"), "{}", source.text());
        assert_eq!(source.text().lines().count(), SOURCE.lines().count());
        let missing = |name: &str| Fault::at((9, 1), format!("there is no function `{name}`")).coded("rego_type_error");
        assert!(source.hides(&missing("a")) && !source.hides(&missing("x")));
        assert!(source.take_out(8), "`else` belongs to what is before it");
        assert!(!source.text().contains("b := 1"));
        assert!(source.take_out(99) && !source.text().contains('d'), "{}", source.text());
        assert!(!source.take_out(1), "the package stays");
    }

    #[test]
    fn what_was_not_closed_goes_before_what_follows() {
        let mut source = Mended::new("package assay\n\na if {\n\tx\n\nb := 1\n");
        assert!(source.take_out(6));
        assert!(!source.text().contains("a if") && source.text().contains("b := 1"));
    }
}
