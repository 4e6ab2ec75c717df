//! Debian (deb-version(7)): `epoch:upstream-revision`, `~` before everything. Also opam's order, which
//! is the same comparison over the whole text.
//!
//! An absent epoch is 0, an absent revision compares like `0`. Refused: an epoch that is no number, and
//! white space inside. Characters that the policy forbids are compared like dpkg does, by their code.

use super::text::{cmp_digits, is_digits, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, usize> {
    let a = Version::parse(a).ok_or(0_usize)?;
    let b = Version::parse(b).ok_or(1_usize)?;
    Ok(cmp_digits(a.epoch, b.epoch)
        .then_with(|| cmp_part(a.upstream, b.upstream))
        .then_with(|| cmp_part(a.revision, b.revision)))
}

struct Version<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if is_digits(epoch) => (epoch, rest),
            Some(_) => return None,
            None => ("", text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Some(Self { epoch, upstream, revision })
    }
}

/// Alternates between a run of other characters and a run of digits.
pub(super) fn cmp_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (a_word, b_word) = (word_len(a), word_len(b));
        let order = cmp_word(&a.as_bytes()[..a_word], &b.as_bytes()[..b_word]);
        if order.is_ne() {
            return order;
        }
        let (a_number, a_rest) = take_digits(&a[a_word..]);
        let (b_number, b_rest) = take_digits(&b[b_word..]);
        let order = cmp_digits(a_number, b_number);
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

fn word_len(text: &str) -> usize {
    text.bytes().position(|b| b.is_ascii_digit()).unwrap_or(text.len())
}

fn cmp_word(a: &[u8], b: &[u8]) -> Ordering {
    (0..a.len().max(b.len()))
        .map(|i| weight(a.get(i)).cmp(&weight(b.get(i))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// `~`, then the end, then letters, then everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_manual_hold() {
        for pair in ["1~~", "1~~a", "1~", "1", "1a", "1b", "1+", "1:0"].windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
    }

    #[test]
    fn a_bad_epoch_names_the_side() {
        assert_eq!(compare("1", "x:1"), Err(1));
        assert_eq!(compare(":1", "1"), Err(0));
        assert_eq!(compare("1 2", "1"), Err(0));
    }
}
