//! What is put around expressions of a source before it is evaluated. Lines stay what they are.

use super::templates::quoted;
use std::ops::Range;

/// Text around an expression; expressions may stand within others.
pub(super) struct Wrap {
    start: usize,
    end: usize,
    before: &'static str,
    within: &'static str,
    after: &'static str,
}

impl Wrap {
    /// Text before an expression, before its last character, and after it.
    pub(super) fn around(range: Range<usize>, before: &'static str, within: &'static str, after: &'static str) -> Self {
        Self { start: range.start, end: range.end, before, within, after }
    }

    fn pieces(&self) -> [Piece; 3] {
        let width = i64::try_from(self.end.saturating_sub(self.start)).unwrap_or(i64::MAX);
        let last = self.end.saturating_sub(1);
        [
            (self.start, true, -width, self.before),
            (last, false, width, self.within),
            (self.end, false, width, self.after),
        ]
        .map(|(at, begins, width, text)| Piece { order: (at, begins, width), text })
    }
}

/// A text that is inserted.
struct Piece {
    /// The place; of several at one place those first that end something, inner ones before outer ones, and then those that
    /// begin something, outer ones before inner ones.
    order: (usize, bool, i64),
    text: &'static str,
}

/// The end of an expression that begins at a place and reaches at least so far: no bracket is open there.
pub(super) fn closed(source: &str, begin: usize, least: usize) -> usize {
    let (mut at, mut open) = (begin, 0_usize);
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        if at >= least && open == 0 {
            break;
        }
        at += match rest.as_bytes() {
            [b'"', ..] => quoted(rest),
            [b'`', ..] => rest.get(1..).and_then(|raw| raw.find('`')).map_or(rest.len(), |end| end + 2),
            [b'#', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'(' | b'[' | b'{', ..] => {
                open += 1;
                1
            }
            [b')' | b']' | b'}', ..] => {
                open = open.saturating_sub(1);
                1
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    at
}

/// The source with all of it; `None` where there is nothing to put in.
pub(super) fn wrapped(source: &str, wraps: &[Wrap]) -> Option<String> {
    let mut all: Vec<_> = wraps.iter().flat_map(Wrap::pieces).collect();
    if all.is_empty() {
        return None;
    }
    all.sort_by_key(|piece| piece.order);
    let mut out = String::with_capacity(source.len() + wraps.len() * 48);
    let mut done = 0;
    for Piece { order: (at, ..), text } in all {
        out.push_str(source.get(done..at)?);
        out.push_str(text);
        done = at;
    }
    out.push_str(source.get(done..)?);
    Some(out)
}
