//! RubyGems (`Gem::Version`): segments of digits or letters, words below numbers, zeros before a word and
//! at the end do not count.
//!
//! A `-` begins a pre-release (`1.0-x` is `1.0.pre.x`). Characters that RubyGems refuses only separate.
//! What has no letter and no digit is no version.

use super::text::{cmp_digits, is_zero, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, usize> {
    let a = segments(a).ok_or(0_usize)?;
    let b = segments(b).ok_or(1_usize)?;
    Ok((0..a.len().max(b.len()))
        .map(|i| compare_segments(a.get(i), b.get(i)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Word(&'a str),
    Number(&'a str),
}

/// A missing segment counts as zero.
fn compare_segments(a: Option<&Segment<'_>>, b: Option<&Segment<'_>>) -> Ordering {
    let zero = Segment::Number("");
    match (a.unwrap_or(&zero), b.unwrap_or(&zero)) {
        (Segment::Word(a), Segment::Word(b)) => a.cmp(b),
        (Segment::Number(a), Segment::Number(b)) => cmp_digits(a, b),
        (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
        (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
    }
}

fn segments(text: &str) -> Option<Vec<Segment<'_>>> {
    let (mut list, mut rest, mut in_tail) = (Vec::new(), text, false);
    while let Some(byte) = rest.bytes().next() {
        match byte {
            b'0'..=b'9' => {
                let (digits, after) = take_digits(rest);
                list.push(Segment::Number(digits));
                rest = after;
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let (word, after) = take(rest, |b| b.is_ascii_alphabetic());
                begin_tail(&mut list, &mut in_tail);
                list.push(Segment::Word(word));
                rest = after;
            }
            b'-' => {
                begin_tail(&mut list, &mut in_tail);
                list.push(Segment::Word("pre"));
                rest = &rest[1..];
            }
            _ => {
                let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
                rest = &rest[rest.find(known).unwrap_or(rest.len())..];
            }
        }
    }
    let found = !list.is_empty();
    trim(&mut list);
    found.then_some(list)
}

/// The first word ends the release; the zeros before it do not count.
fn begin_tail(list: &mut Vec<Segment<'_>>, in_tail: &mut bool) {
    if !*in_tail {
        trim(list);
        *in_tail = true;
    }
}

fn trim(list: &mut Vec<Segment<'_>>) {
    while matches!(list.last(), Some(Segment::Number(digits)) if is_zero(digits)) {
        list.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_documentation_hold() {
        for pair in ["0.9", "1.0.a.2", "1.0.a.10", "1.0.b1", "1.0-1", "1.0", "1.0.1"].windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("1.0.0.a", "1.a.0"), Ok(Ordering::Equal));
        assert_eq!(compare("1.0-1", "1.pre.1"), Ok(Ordering::Equal));
        assert_eq!(compare("...", "1"), Err(0));
    }
}
