//! Maven: the order of the POM reference ("Version Order Specification"), which `ComparableVersion`
//! implements.
//!
//! A version is a list of numbers and words, each behind `.` or `-`; a change between digits and letters
//! is a `-`. Trailing nulls (`0`, `ga`, `final`, `release`) fall away, also before each `-` and before each
//! word, so `1.0.0-rc` is `1-rc`. Case is ignored.
//!
//! Deviation, on purpose: `ComparableVersion` is not transitive when a word stands between dots
//! (`a.sp.` > `a` > `a-alpha` > `a.sp.`). Here `.word` equals `-word`, so that the order is total.
//! Every text is a version.

use super::text::{cmp_digits, is_zero};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let (a, b) = (parse(&a), parse(&b));
    (0..=a.len().max(b.len()))
        .map(|i| compare_items(a.get(i), b.get(i)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item<'a> {
    Word(&'a str),
    DashNumber(&'a str),
    DotNumber(&'a str),
}

impl Item<'_> {
    fn is_null(self) -> bool {
        match self {
            Self::Word(word) => word.is_empty(),
            Self::DashNumber(digits) | Self::DotNumber(digits) => is_zero(digits),
        }
    }

    fn starts_list(self) -> bool {
        !matches!(self, Self::DotNumber(_))
    }
}

const END: u8 = 5;

/// Pre-releases, the end, `sp`, other words, `-number`, `.number`. A release word inside a version (a
/// trailing one was trimmed) has something greater behind it, hence it is above the end.
fn rank(item: Option<&Item<'_>>) -> u8 {
    match item {
        None => END,
        Some(Item::Word(word)) => match *word {
            "alpha" => 0,
            "beta" => 1,
            "milestone" => 2,
            "rc" => 3,
            "snapshot" => 4,
            "" => 6,
            "sp" => 7,
            _ => 8,
        },
        Some(Item::DashNumber(_)) => 9,
        Some(Item::DotNumber(_)) => 10,
    }
}

fn compare_items(a: Option<&Item<'_>>, b: Option<&Item<'_>>) -> Ordering {
    match (a, b) {
        (Some(Item::Word(a)), Some(Item::Word(b))) if a == b => Ordering::Equal,
        (Some(Item::DashNumber(a)), Some(Item::DashNumber(b)))
        | (Some(Item::DotNumber(a)), Some(Item::DotNumber(b))) => cmp_digits(a, b),
        (Some(Item::Word(x)), Some(Item::Word(y))) => rank(a).cmp(&rank(b)).then_with(|| x.cmp(y)),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn parse(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let (mut start, mut dash) = (0, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'.' | b'-' => {
                push(&mut items, &text[start..at], dash, false);
                (start, dash) = (at + 1, *byte == b'-');
            }
            _ => {
                let turn = at > start && bytes[at - 1].is_ascii_digit() != byte.is_ascii_digit();
                if turn {
                    push(&mut items, &text[start..at], dash, byte.is_ascii_digit());
                    (start, dash) = (at, true);
                }
            }
        }
    }
    push(&mut items, &text[start..], dash, false);
    trim(&mut items);
    items
}

/// Adds one token; an empty one stands for zero. What opens a list first drops the nulls before it.
fn push<'a>(items: &mut Vec<Item<'a>>, token: &'a str, dash: bool, before_digit: bool) {
    let item = if token.bytes().all(|b| b.is_ascii_digit()) {
        if dash { Item::DashNumber(token) } else { Item::DotNumber(token) }
    } else {
        Item::Word(canonical(token, before_digit))
    };
    if item.starts_list() {
        trim(items);
    }
    items.push(item);
}

fn canonical(word: &str, before_digit: bool) -> &str {
    match word {
        "a" if before_digit => "alpha",
        "b" if before_digit => "beta",
        "m" if before_digit => "milestone",
        "cr" => "rc",
        "ga" | "final" | "release" => "",
        other => other,
    }
}

fn trim(items: &mut Vec<Item<'_>>) {
    while items.last().is_some_and(|item| item.is_null()) {
        items.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the POM reference.
    #[test]
    fn the_reference_holds() {
        let ladder = ["1-a1", "1-beta", "1-m2", "1-rc1", "1-snapshot", "1", "1-sp", "1-foo", "1-1", "1.1"];
        for pair in ladder.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        for (a, b) in
            [("1.ga", "1"), ("1-0", "1.0"), ("1-a1", "1-alpha-1"), ("1.foo", "1-foo"), ("1.0.0-foo.0.0", "1-foo")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }
}
