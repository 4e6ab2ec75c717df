//! Arch Linux (`vercmp` of pacman): `epoch:version-pkgrel`, segments of digits or letters.
//!
//! An absent epoch is 0. Where one side has no pkgrel, pkgrels are not compared: `1.5` equals `1.5-1` and `1.5-2`.
//! That makes equality no equivalence; [`order`] is the total order that lists are sorted by.

use super::text::{cmp_digits, is_digits, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Label::parse(a), Label::parse(b));
    a.without_release(&b).then_with(|| match (a.release, b.release) {
        (Some(a), Some(b)) => vercmp(a, b),
        _ => Ordering::Equal,
    })
}

/// As [`compare`], with an absent pkgrel below all others. Texts with separators that separate nothing, which `vercmp`
/// does not order consistently, come after all others, as text.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let (left, right) = (Label::parse(a), Label::parse(b));
    match (left.is_regular(), right.is_regular()) {
        (true, true) => left.without_release(&right).then_with(|| match (left.release, right.release) {
            (Some(a), Some(b)) => vercmp(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }),
        (false, false) => a.cmp(b),
        (left, right) => right.cmp(&left),
    }
}

struct Label<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Label<'a> {
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.is_empty() || is_digits(epoch) => (epoch, rest),
            _ => ("", text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        Self { epoch, version, release }
    }

    fn is_regular(&self) -> bool {
        let regular = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).all(|part| !part.is_empty());
        regular(self.version) && self.release.is_none_or(regular)
    }

    fn without_release(&self, other: &Self) -> Ordering {
        cmp_digits(self.epoch, other.epoch).then_with(|| vercmp(self.version, other.version))
    }
}

fn vercmp(mut a: &str, mut b: &str) -> Ordering {
    let is_separator = |byte: u8| !byte.is_ascii_alphanumeric();
    while !a.is_empty() && !b.is_empty() {
        let ((gap_a, rest_a), (gap_b, rest_b)) = (separators(a, is_separator), separators(b, is_separator));
        (a, b) = (rest_a, rest_b);
        if a.is_empty() || b.is_empty() {
            break;
        }
        if gap_a != gap_b {
            return gap_a.cmp(&gap_b);
        }
        let is_number = a.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let ((left, rest_a), (right, rest_b)) = if is_number {
            (take_digits(a), take_digits(b))
        } else {
            (take(a, |byte| byte.is_ascii_alphabetic()), take(b, |byte| byte.is_ascii_alphabetic()))
        };
        if right.is_empty() {
            return if is_number { Ordering::Greater } else { Ordering::Less };
        }
        let order = if is_number { cmp_digits(left, right) } else { left.cmp(right) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    match (a.bytes().next(), b.bytes().next()) {
        (None, None) => Ordering::Equal,
        (Some(left), _) if left.is_ascii_alphabetic() => Ordering::Less,
        (None, Some(right)) if !right.is_ascii_alphabetic() => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// Number of bytes that only separate, and what follows them.
fn separators(text: &str, is_separator: impl Fn(u8) -> bool) -> (usize, &str) {
    let gap = text.bytes().position(|byte| !is_separator(byte)).unwrap_or(text.len());
    (gap, text.get(gap..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering::{self, Equal, Greater, Less};

    #[test]
    fn what_the_manual_of_vercmp_says() {
        let rising = [
            "1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1", "1.1", "1.1.1", "1.2", "2.0",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Greater, "{pair:?}");
        }
    }

    #[test]
    fn labels_and_separators() {
        let cases: [(&str, &str, Ordering); 12] = [
            ("1.5", "1.5-1", Equal),
            ("1.5-2", "1.5", Equal),
            ("1.5-1", "1.5-2", Less),
            ("1.0-1", "1.1", Less),
            ("2.0", "2_0", Equal),
            ("2.0a", "2.0.a", Less),
            ("2___a", "2_a", Greater),
            ("1:1.0", "2.0", Greater),
            ("0:1.0", "1.0", Equal),
            ("1.5b-1", "1.5-1", Less),
            ("1.5.b-1", "1.5.b", Equal),
            ("001", "1", Equal),
        ];
        for (a, b, wanted) in cases {
            assert_eq!(compare(a, b), wanted, "{a} {b}");
            assert_eq!(compare(b, a), wanted.reverse(), "{b} {a}");
        }
    }
}
