//! The lines of a requirements file (pip's documentation, "Requirements File Format"). Does not live here: which of them
//! name a version.

use crate::part::field;
use crate::project::{PACKAGES, folder, follow};

/// What one logical line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// As PEP 508 writes it, or a path or address.
    Requirement { text: String, line: u32, hashes: Vec<String> },
    /// Another file whose requirements belong here too.
    Include(String),
    /// Another file that says which versions to take.
    Constraints(String),
}

impl Line {
    /// The path of the file that this line of the file at `path` names; what leaves the tree is told as it is written.
    pub(super) fn refers_to(&self, path: &str) -> Option<String> {
        match self {
            Self::Include(file) | Self::Constraints(file) => {
                Some(follow(folder(path), file).unwrap_or_else(|| file.clone()))
            }
            Self::Requirement { .. } => None,
        }
    }
}

/// All lines that say something, up to a bound; options that do not name packages are left out.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut found = logical_lines(text);
    found.truncate(LINES);
    found
}

/// One more than are believed, so that it can be told that there were too many.
pub(super) const LINES: usize = PACKAGES + 1;

fn logical_lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut pending = String::new();
    let mut begun = 1;
    for (number, raw) in (1_u32..).zip(text.lines()) {
        if pending.is_empty() {
            begun = number;
        }
        let is_comment = raw.trim_start().starts_with('#');
        match raw.trim_end().strip_suffix('\\').filter(|_| !is_comment) {
            Some(more) => {
                pending.push_str(more);
                // So that it does not look as if nothing had begun yet.
                pending.push(' ');
            }
            None => {
                if !is_comment {
                    pending.push_str(raw);
                }
                found.extend(logical(&pending, begun));
                pending.clear();
                if found.len() >= LINES {
                    return found;
                }
            }
        }
    }
    found.extend(logical(&pending, begun));
    found
}

fn logical(text: &str, line: u32) -> Option<Line> {
    let text = without_comment(text).trim();
    if text.is_empty() {
        return None;
    }
    if text.starts_with('-') {
        return option(text, line);
    }
    let (requirement, options) = text.split_once(" --").unwrap_or((text, ""));
    let hashes = options.split_whitespace().filter_map(|word| {
        let value = word.trim_start_matches('-').strip_prefix("hash")?;
        Some(value.trim_start_matches('=').to_owned()).filter(|value| !value.is_empty())
    });
    Some(Line::Requirement { text: requirement.trim().to_owned(), line, hashes: hashes.collect() })
}

fn option(text: &str, line: u32) -> Option<Line> {
    let value = |short: &str, long: &str| {
        let rest = match text.strip_prefix(long) {
            Some(rest) if rest.starts_with(['=', ' ']) => rest,
            _ if text.starts_with("--") => return None,
            _ => text.strip_prefix(short)?,
        };
        field(Some(rest.trim_start_matches(['=', ' ']).trim_matches(['"', '\''])))
    };
    if let Some(file) = value("-r", "--requirement") {
        return Some(Line::Include(file));
    }
    if let Some(file) = value("-c", "--constraint") {
        return Some(Line::Constraints(file));
    }
    let text = value("-e", "--editable")?;
    Some(Line::Requirement { text, line, hashes: Vec::new() })
}

/// A comment begins at the beginning or after a blank; addresses have fragments.
fn without_comment(text: &str) -> &str {
    let begins = |at: usize| at == 0 || text.as_bytes().get(at - 1).is_some_and(u8::is_ascii_whitespace);
    match text.match_indices('#').find(|(at, _)| begins(*at)) {
        Some((at, _)) => text.get(..at).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, lines};

    fn requirement(text: &str, line: u32, hashes: &[&str]) -> Line {
        Line::Requirement {
            text: text.to_owned(),
            line,
            hashes: hashes.iter().map(|hash| (*hash).to_owned()).collect(),
        }
    }

    #[test]
    fn every_kind_of_line() {
        let text = "# head\n\na==1 # why\nb==2 \\\r\n    --hash=sha256:00 \\\n    --hash sha256:01\n\
            -r  more.txt\n--requirement=most.txt\n-cconstraints.txt\n-i https://index.example/simple\n--pre\n\
            -e git+https://host.example/c.git#egg=c\nd \\\n # e\nf==1\\";
        assert_eq!(
            lines(text),
            [
                requirement("a==1", 3, &[]),
                requirement("b==2", 4, &["sha256:00"]),
                Line::Include("more.txt".to_owned()),
                Line::Include("most.txt".to_owned()),
                Line::Constraints("constraints.txt".to_owned()),
                requirement("git+https://host.example/c.git#egg=c", 12, &[]),
                requirement("d", 13, &[]),
                requirement("f==1", 15, &[]),
            ]
        );
    }
}
