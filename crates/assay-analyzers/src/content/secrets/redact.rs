//! From a match to what is kept of it: the secret itself, and every other one near it, becomes `*`.

use assay_model::inventory::{CodeLine, Secret};

use super::rule::Rule;

/// Bytes around a secret that may be shown.
pub(super) const CONTEXT: usize = 2 << 10;
/// Lines longer than this are cut.
const LINE: usize = 100;
/// What is shown of a long line before and after the secret.
const BEFORE: usize = 30;
const AFTER: usize = 20;
/// The longest line that is kept.
const MATCHED: usize = 4 << 10;
/// Lines before and after.
const ABOVE: usize = 2;
const BELOW: usize = 1;

/// A match with what stands around it, still in clear. Lives until its file has been searched.
pub(super) struct Found {
    pub(super) rule: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) first_line: u32,
    pub(super) last_line: u32,
    pub(super) around: Vec<u8>,
    pub(super) around_from: u64,
}

impl Found {
    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// What is kept, in the order of place. `spans` are all secrets of the file, also those that are not told.
pub(super) fn redact(rules: &[Rule], path: &str, mut found: Vec<Found>, spans: &[(u64, u64)]) -> Vec<Secret> {
    found.sort_by_key(|one| (one.start, one.rule));
    let yields = |one: &Found| rules.get(one.rule).is_some_and(|rule| rule.yields);
    let told = |(at, one): (usize, &Found)| {
        let stronger = |(other_at, other): (usize, &Found)| {
            other_at != at && one.overlaps(other) && (!yields(other) || other_at < at)
        };
        !(yields(one) && found.iter().enumerate().any(stronger))
    };
    let told: Vec<&Found> = found.iter().enumerate().filter(|one| told(*one)).map(|(_, one)| one).collect();
    told.into_iter().filter_map(|one| Some(secret(rules.get(one.rule)?, path, one, spans))).collect()
}

fn secret(rule: &Rule, path: &str, found: &Found, spans: &[(u64, u64)]) -> Secret {
    let window = Window::new(found, spans);
    Secret {
        rule: rule.id.clone(),
        category: rule.category.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        path: path.to_owned(),
        layer: None,
        first_line: found.first_line,
        last_line: found.last_line,
        offset: found.start,
        matched: window.matched(),
        context: window.lines(found.first_line),
    }
}

/// The bytes around a match, redacted.
struct Window<'a> {
    clear: &'a [u8],
    text: Vec<u8>,
    start: usize,
    end: usize,
}

impl<'a> Window<'a> {
    fn new(found: &'a Found, spans: &[(u64, u64)]) -> Self {
        let mut text = found.around.clone();
        let index = |place: u64| {
            usize::try_from(place.saturating_sub(found.around_from)).unwrap_or(usize::MAX).min(found.around.len())
        };
        for (start, end) in spans {
            text[index(*start)..index(*end)].fill(b'*');
        }
        Self { clear: &found.around, text, start: index(found.start), end: index(found.end) }
    }

    /// The line of the secret. A secret of several lines is one line of `*`.
    fn own_line(&self) -> (usize, usize) {
        let from = self.text[..self.start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = self.text[self.end..].iter().position(|byte| *byte == b'\n');
        (from, rest.map_or(self.text.len(), |at| self.end + at))
    }

    fn matched(&self) -> String {
        let (mut from, mut to) = self.own_line();
        if to - from > LINE {
            from = from.max(self.start.saturating_sub(BEFORE));
            to = to.min(self.end + AFTER).min(from + MATCHED);
        }
        readable(&self.text[from..to])
    }

    fn lines(&self, first_line: u32) -> Vec<CodeLine> {
        let (from, to) = self.own_line();
        let mut above = Vec::new();
        let mut end = from;
        while end > 0 && above.len() < ABOVE {
            let line_end = end - 1;
            let begin = self.text[..line_end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            above.push(self.line(begin, line_end, first_line));
            end = begin;
        }
        above.reverse();
        let mut lines = above;
        lines.push(CodeLine { number: first_line, text: self.matched(), is_cause: true });
        let mut next = to + 1;
        for _ in 0..BELOW {
            if next >= self.text.len() {
                break;
            }
            let end = self.text[next..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |at| next + at);
            lines.push(self.line(next, end, first_line));
            next = end + 1;
        }
        lines
    }

    /// Another line; its number is counted in clear text, where every line still ends.
    fn line(&self, from: usize, to: usize, first_line: u32) -> CodeLine {
        let newlines = |bytes: &[u8]| u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        let number = match from < self.start {
            true => first_line.saturating_sub(newlines(&self.clear[from..self.start])),
            false => first_line + newlines(&self.clear[self.start..from]),
        };
        CodeLine { number, text: readable(&self.text[from..to.min(from + LINE)]), is_cause: false }
    }
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}
