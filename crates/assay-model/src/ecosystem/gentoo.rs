//! Gentoo (Package Manager Specification 8, section 3): `number{.number}[letter]{_suffix[number]}[-rN]`.
//!
//! Numbers after the first compare as text when either begins with `0`, so `1.1` is above `1.02`. What does not follow
//! the grammar is no version.

use super::text::{cmp_digits, take_digits};
use std::cmp::Ordering;

/// Below zero: before the version without one.
const SUFFIXES: [(&str, i8); 5] = [("alpha", -4), ("beta", -3), ("pre", -2), ("rc", -1), ("p", 1)];

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, usize> {
    let a = Version::parse(a).ok_or(0_usize)?;
    let b = Version::parse(b).ok_or(1_usize)?;
    Ok(a.compare(&b))
}

struct Version<'a> {
    numbers: Vec<&'a str>,
    letter: Option<u8>,
    suffixes: Vec<(i8, &'a str)>,
    revision: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (mut numbers, mut rest) = (Vec::new(), text);
        loop {
            let (digits, after) = take_digits(rest);
            if digits.is_empty() {
                return None;
            }
            numbers.push(digits);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None => {
                    rest = after;
                    break;
                }
            }
        }
        let letter = rest.bytes().next().filter(u8::is_ascii_lowercase);
        rest = rest.get(usize::from(letter.is_some())..)?;
        let mut suffixes = Vec::new();
        while let Some(after) = rest.strip_prefix('_') {
            let (name, weight) = SUFFIXES.iter().find(|(name, _)| after.starts_with(name))?;
            let (number, after) = take_digits(after.get(name.len()..)?);
            suffixes.push((*weight, number));
            rest = after;
        }
        let revision = match rest.strip_prefix("-r") {
            Some(after) => {
                let (number, after) = take_digits(after);
                rest = after;
                (!number.is_empty()).then_some(number)?
            }
            None => "",
        };
        rest.is_empty().then_some(Self { numbers, letter, suffixes, revision })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.compare_numbers(other)
            .then_with(|| self.letter.cmp(&other.letter))
            .then_with(|| self.compare_suffixes(other))
            .then_with(|| cmp_digits(self.revision, other.revision))
    }

    fn compare_numbers(&self, other: &Self) -> Ordering {
        let mut pairs = self.numbers.iter().zip(&other.numbers).enumerate();
        let order = pairs.find_map(|(place, (a, b))| Some(compare_number(place, a, b)).filter(|order| order.is_ne()));
        order.unwrap_or_else(|| self.numbers.len().cmp(&other.numbers.len()))
    }

    fn compare_suffixes(&self, other: &Self) -> Ordering {
        let longest = self.suffixes.len().max(other.suffixes.len());
        let one = |at: usize| match (self.suffixes.get(at), other.suffixes.get(at)) {
            (Some((a, x)), Some((b, y))) => a.cmp(b).then_with(|| cmp_digits(x, y)),
            (Some((weight, _)), None) => weight.cmp(&0),
            (None, Some((weight, _))) => 0.cmp(weight),
            (None, None) => Ordering::Equal,
        };
        (0..longest).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn compare_number(place: usize, a: &str, b: &str) -> Ordering {
    if place > 0 && (a.starts_with('0') || b.starts_with('0')) {
        return a.trim_end_matches('0').cmp(b.trim_end_matches('0'));
    }
    cmp_digits(a, b)
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering::{Equal, Less};

    #[test]
    fn the_specification_orders() {
        let rising = [
            "0.9",
            "1_alpha",
            "1_alpha1",
            "1_beta2",
            "1_pre",
            "1_rc1_alpha",
            "1_rc1",
            "1",
            "1-r1",
            "1_p",
            "1_p1",
            "1a",
            "1b_rc1",
            "1b",
            "1.0",
            "1.01",
            "1.02",
            "1.1",
            "1.2",
            "1.10",
            "10",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Less), "{pair:?}");
        }
        for (a, b) in [("1-r0", "1"), ("1.0", "1.00"), ("01", "1"), ("1_alpha0", "1_alpha"), ("1-r01", "1-r1")] {
            assert_eq!(compare(a, b), Ok(Equal), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_version() {
        for text in ["", "a", "1.", "1..2", "1A", "1ab", "1_", "1_foo", "1-r", "1-1", "1_p1-r1x", " 1"] {
            assert!(compare(text, "1").is_err(), "{text:?}");
        }
    }
}
