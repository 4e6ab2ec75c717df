//! `Key: value` stanzas with indented continuation lines: Python's core metadata, Debian's control files.

use std::borrow::Cow;

/// One stanza; keys are compared without regard to case.
#[derive(Clone, Copy)]
pub(crate) struct Stanza<'a>(&'a str);

/// The stanzas of a text, split at empty lines.
pub(crate) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (stanza, after) = split_at_empty_line(rest);
            rest = after;
            if !stanza.is_empty() {
                return Some(Stanza(stanza));
            }
        }
    })
}

/// The stanza a text begins with, such as the headers of a message.
pub(crate) fn first(text: &str) -> Stanza<'_> {
    stanzas(text).next().unwrap_or(Stanza(""))
}

fn split_at_empty_line(text: &str) -> (&str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end_matches(['\r', '\n']).is_empty() {
            return (&text[..at], &text[at + line.len()..]);
        }
        at += line.len();
    }
    (text, "")
}

impl<'a> Stanza<'a> {
    /// Every field in order. A value's lines are joined with line feeds, without their indentation.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let mut lines = self.0.lines().peekable();
        std::iter::from_fn(move || {
            loop {
                let line = lines.next()?;
                let Some((key, value)) = line.split_once(':').filter(|_| !is_continuation(line)) else { continue };
                let mut value = Cow::Borrowed(value.trim());
                while let Some(more) = lines.next_if(|line| is_continuation(line)) {
                    let value = value.to_mut();
                    value.push('\n');
                    value.push_str(more.trim());
                }
                return Some((key.trim(), value));
            }
        })
    }

    /// The first field of this name.
    pub(crate) fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.all(key).next()
    }

    /// All fields of this name.
    pub(crate) fn all(self, key: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.fields().filter(move |(found, _)| found.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }
}

fn is_continuation(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::{first, stanzas};

    #[test]
    fn fields_fold_and_stanzas_end_at_empty_lines() {
        let text = "A: 1\r\nb:two\n  more\n\t.\nnoise\n\n\nA: 3\n";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("a").as_deref(), Some("1"));
        assert_eq!(all[0].get("B").as_deref(), Some("two\nmore\n."));
        assert_eq!(all[1].get("A").as_deref(), Some("3"));
        assert!(first("").get("A").is_none());
        assert!(first("\n\n").get("A").is_none());
    }
}
