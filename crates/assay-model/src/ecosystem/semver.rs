//! Semantic Versioning 2.0.0, read leniently, and its relatives: npm, NuGet, Pub.
//!
//! Leniency, because advisories hold what people wrote: a leading `v` or `=`, missing minor and patch
//! (zero), more than three numbers (compared as numbers, missing ones zero), leading zeros, a
//! pre-release without its hyphen. Numbers have any length. Build metadata is ignored except by Pub.
//! What does not begin with a number is no version.

use super::text::{cmp_digits, cmp_padded, is_digits, take_digits};
use std::cmp::Ordering;

/// What the dialects do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Semantic Versioning: build metadata is ignored, identifiers are case-sensitive.
    Plain,
    /// NuGet: pre-release identifiers ignore case.
    NuGet,
    /// Pub: build metadata breaks the tie, a version with it is the greater.
    Pub,
}

pub(super) fn compare(dialect: Dialect, a: &str, b: &str) -> Result<Ordering, usize> {
    let a = Version::parse(a).ok_or(0_usize)?;
    let b = Version::parse(b).ok_or(1_usize)?;
    Ok(a.compare(&b, dialect))
}

/// A version cut into its parts; nothing is copied.
#[derive(Debug)]
pub(super) struct Version<'a> {
    numbers: Vec<&'a str>,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
        let (public, build) = match text.split_once('+') {
            Some((public, build)) => (public, Some(build)),
            None => (text, None),
        };
        let (first, mut rest) = take_digits(public);
        if first.is_empty() {
            return None;
        }
        let mut numbers = vec![first];
        while let Some((digits, after)) =
            rest.strip_prefix('.').map(take_digits).filter(|(digits, _)| !digits.is_empty())
        {
            numbers.push(digits);
            rest = after;
        }
        let pre = rest.strip_prefix(['-', '.']).or((!rest.is_empty()).then_some(rest));
        Some(Self { numbers, pre, build })
    }

    fn compare(&self, other: &Self, dialect: Dialect) -> Ordering {
        let order = cmp_padded(&self.numbers, &other.numbers);
        let order = order.then_with(|| match (self.pre, other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if dialect == Dialect::NuGet => {
                cmp_identifiers(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
            }
            (Some(a), Some(b)) => cmp_identifiers(a, b),
        });
        match dialect {
            Dialect::Pub => order.then_with(|| match (self.build, other.build) {
                (Some(a), Some(b)) => cmp_identifiers(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            }),
            Dialect::Plain | Dialect::NuGet => order,
        }
    }
}

/// Section 11.4 of the specification: numbers below words, and the longer list is the greater.
pub(super) fn cmp_identifiers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (is_digits(a), is_digits(b)) {
                (true, true) => cmp_digits(a, b),
                (false, false) => a.cmp(b),
                (a_number, b_number) => b_number.cmp(&a_number),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(a: &str, b: &str) -> Ordering {
        compare(Dialect::Plain, a, b).unwrap_or(Ordering::Equal)
    }

    #[test]
    fn the_ladder_of_the_specification_holds() {
        let ladder = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ];
        for pair in ladder.windows(2) {
            assert_eq!(plain(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn loose_spellings_are_understood() {
        assert_eq!(plain("=v1.2.3", "1.2.3"), Ordering::Equal);
        assert_eq!(plain("1.2.3beta", "1.2.3-beta"), Ordering::Equal);
        assert_eq!(plain("1.2", "1.2.0"), Ordering::Equal);
        assert_eq!(plain("1.2.3.4", "1.2.3"), Ordering::Greater);
        assert!(Version::parse("latest").is_none());
    }

    #[test]
    fn dialects_differ_where_they_should() {
        let nuget = |a, b| compare(Dialect::NuGet, a, b);
        assert_eq!(nuget("1.0.0-RC.1", "1.0.0-rc.1"), Ok(Ordering::Equal));
        let pub_ = |a, b| compare(Dialect::Pub, a, b);
        assert_eq!(pub_("1.0.0+2", "1.0.0+10"), Ok(Ordering::Less));
        assert_eq!(pub_("1.0.0", "1.0.0+1"), Ok(Ordering::Less));
    }
}
