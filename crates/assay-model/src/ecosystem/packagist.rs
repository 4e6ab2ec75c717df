//! Packagist (Composer): PHP's `version_compare` after Composer's clean-up: a leading `v` falls away and
//! stability words ignore case.
//!
//! The order of words is: unknown < `dev` < `alpha` < `beta` < `rc` < the end < numbers < `p`/`pl`/`patch`.
//! `1.0` is below `1.0.0`. Branches (`dev-main`) are below all releases.
//! `#` is PHP's placeholder for "any number": equal to every number and to the end. No version holds it;
//! with it the order is not transitive.

use super::text::{cmp_digits, is_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    for (x, y) in a.iter().zip(&b) {
        let order = match (x, y) {
            (Part::Number(x), Part::Number(y)) => cmp_digits(x, y),
            _ => x.rank().cmp(&y.rank()),
        };
        if order.is_ne() {
            return order;
        }
    }
    let shared = a.len().min(b.len());
    against_end(&a[shared..]).then(against_end(&b[shared..]).reverse())
}

/// What remains of the longer version against the end of the shorter.
fn against_end(rest: &[Part<'_>]) -> Ordering {
    for part in rest {
        let order = match part {
            Part::Number(_) => Ordering::Greater,
            word => word.rank().cmp(&NUMBER),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Number(&'a str),
    Word(&'a str),
}

const NUMBER: u8 = 5;

impl Part<'_> {
    /// PHP looks at the beginning of the word only, so `pre` counts as a patch.
    fn rank(self) -> u8 {
        let Self::Word(word) = self else {
            return NUMBER;
        };
        let begins = |prefix: &str| word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        match word {
            "#" => NUMBER,
            _ if begins("dev") => 1,
            _ if begins("a") => 2,
            _ if begins("b") => 3,
            _ if begins("rc") => 4,
            _ if begins("p") => 6,
            _ => 0,
        }
    }
}

/// Cuts at everything but letters and digits, and wherever letters and digits meet.
fn parts(text: &str) -> Vec<Part<'_>> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let mut list = Vec::new();
    for piece in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '#') {
        let mut start = 0;
        let bytes = piece.as_bytes();
        for at in 1..bytes.len() {
            if bytes[at].is_ascii_digit() != bytes[at - 1].is_ascii_digit() {
                list.push(&piece[start..at]);
                start = at;
            }
        }
        list.push(&piece[start..]);
    }
    list.into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| if is_digits(part) { Part::Number(part) } else { Part::Word(part) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_ordered() {
        let ladder =
            ["dev-main", "1.0-what", "1.0-dev", "1.0a1", "1.0-BETA2", "1.0RC1", "1.0", "1.0.0", "1.0pl1", "1.1"];
        for pair in ladder.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("v1.0_b-2", "1.0.beta2"), Ordering::Equal);
    }
}
