//! Version constraints in the notation of [vers](https://github.com/package-url/vers-spec): `>=1.2|<1.4`, in the order of
//! the ecosystem that they are about. Pure.

use crate::ecosystem::Scheme;
use std::{borrow::Cow, cmp::Ordering};

/// The longest text of constraints, in bytes.
const MAX_TEXT: usize = 1024;
/// More constraints than anybody writes.
const MAX_CONSTRAINTS: usize = 50;

/// Why a text is no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no range of versions: {reason}")]
pub struct BadRange {
    /// The text, cut to 100 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

const COMPARATORS: [(&str, Comparator); 7] = [
    (">=", Comparator::AtLeast),
    ("<=", Comparator::AtMost),
    ("!=", Comparator::NotEqual),
    ("==", Comparator::Equal),
    (">", Comparator::Greater),
    ("<", Comparator::Less),
    ("=", Comparator::Equal),
];

/// Versions of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    scheme: Scheme,
    /// In the order of their versions; none means every version.
    constraints: Vec<(Comparator, String)>,
}

impl VersionRange {
    /// Reads constraints separated by `|` (or `,`), with or without `vers:<type>/` before them; an empty text and `*` mean
    /// every version.
    ///
    /// # Errors
    /// When a version has no order in the scheme, or the text is too long.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, BadRange> {
        let bad = |reason: String| BadRange { text: text.chars().take(100).collect(), reason };
        if text.len() > MAX_TEXT {
            return Err(bad("it is longer than 1024 bytes".to_owned()));
        }
        let bare = match text.trim().strip_prefix("vers:") {
            Some(rest) => rest.split_once('/').map(|(_, rest)| rest).ok_or_else(|| bad("a type is missing".into()))?,
            None => text.trim(),
        };
        if bare.is_empty() || bare == "*" {
            return Ok(Self { scheme, constraints: Vec::new() });
        }
        let mut constraints = Vec::new();
        for one in bare.split(['|', ',']).map(str::trim) {
            let found = COMPARATORS.iter().find_map(|(sign, what)| Some((*what, one.strip_prefix(sign)?.trim())));
            let (comparator, version) = found.unwrap_or((Comparator::Equal, one));
            let version = written(scheme, version).into_owned();
            let ordered = !matches!(comparator, Comparator::Equal | Comparator::NotEqual);
            let checked = match ordered {
                true => scheme.check_rangeable(&version),
                false => scheme.compare(&version, &version).map(|_| ()),
            };
            checked.map_err(|error| bad(error.to_string()))?;
            constraints.push((comparator, version));
        }
        if constraints.len() > MAX_CONSTRAINTS {
            return Err(bad(format!("it has more than {MAX_CONSTRAINTS} constraints")));
        }
        constraints.sort_by(|(_, a), (_, b)| scheme.compare(a, b).unwrap_or(Ordering::Equal));
        Ok(Self { scheme, constraints })
    }

    /// Whether a version is within. One that has no order is only within what names it or means every version.
    pub fn contains(&self, version: &str) -> bool {
        if self.constraints.is_empty() {
            return true;
        }
        let version = written(self.scheme, version);
        let order = |other: &str| self.scheme.compare(&version, other).ok();
        for (comparator, other) in &self.constraints {
            let same = order(other) == Some(Ordering::Equal) || *version == *other;
            match comparator {
                Comparator::NotEqual if same => return false,
                Comparator::Equal | Comparator::AtMost | Comparator::AtLeast if same => return true,
                _ => {}
            }
        }
        let ranged =
            |(comparator, _): &&(Comparator, String)| !matches!(comparator, Comparator::Equal | Comparator::NotEqual);
        let bounds: Vec<&(Comparator, String)> = self.constraints.iter().filter(ranged).collect();
        if bounds.is_empty() {
            return self.constraints.iter().any(|(comparator, _)| *comparator == Comparator::NotEqual);
        }
        if self.scheme.check_rangeable(&version).is_err() {
            return false;
        }
        within(&bounds, order)
    }
}

/// The version between bounds that stand in order, of which it is none.
fn within(bounds: &[&(Comparator, String)], order: impl Fn(&str) -> Option<Ordering>) -> bool {
    let is_upper = |comparator: Comparator| matches!(comparator, Comparator::Less | Comparator::AtMost);
    let below = |bound: &str| order(bound) == Some(Ordering::Less);
    let above = |bound: &str| order(bound) == Some(Ordering::Greater);
    if bounds.first().is_some_and(|(comparator, bound)| is_upper(*comparator) && below(bound)) {
        return true;
    }
    if bounds.last().is_some_and(|(comparator, bound)| !is_upper(*comparator) && above(bound)) {
        return true;
    }
    bounds.windows(2).any(|pair| match pair {
        [(low, from), (high, to)] => !is_upper(*low) && is_upper(*high) && above(from) && below(to),
        _ => false,
    })
}

/// Go's versions begin with a `v` that people leave out.
fn written(scheme: Scheme, version: &str) -> Cow<'_, str> {
    match scheme == Scheme::Go && version.starts_with(|c: char| c.is_ascii_digit()) {
        true => Cow::Owned(format!("v{version}")),
        false => Cow::Borrowed(version),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scheme: Scheme, range: &str, within: &[&str], outside: &[&str]) {
        let range = VersionRange::parse(scheme, range).unwrap();
        for version in within {
            assert!(range.contains(version), "{version} in {range:?}");
        }
        for version in outside {
            assert!(!range.contains(version), "{version} not in {range:?}");
        }
    }

    #[test]
    fn ranges_follow_the_order_of_the_ecosystem() {
        check(
            Scheme::Pep440,
            ">=1.2|<1.10",
            &["1.2", "1.2.0", "1.9.post1", "1.10rc1"],
            &["1.1", "1.10", "1.10.0", "2"],
        );
        check(
            Scheme::Semver,
            "vers:npm/>=1.2.0,<2.0.0|>=3.0.0",
            &["1.2.0", "1.9.9", "3.0.0", "4.0.0"],
            &["2.0.0", "2.9.0"],
        );
        check(Scheme::Debian, "<1:2.0-1", &["1.9-1", "1:1.0-1"], &["1:2.0-1", "2:0.1"]);
        check(Scheme::Go, "<1.2.0", &["v1.1.9", "1.1.9"], &["v1.2.0", "(devel)"]);
        check(Scheme::Maven, ">1.0|!=1.5|<=2.0", &["1.1", "2.0"], &["1.0", "1.5", "2.1"]);
    }

    #[test]
    fn single_versions_and_all() {
        check(Scheme::Pep440, "", &["1", "anything"], &[]);
        check(Scheme::Pep440, "*", &["1"], &[]);
        check(Scheme::Pep440, "1.0", &["1.0", "1.0.0"], &["1.1"]);
        check(Scheme::Pep440, "1.0|=1.2", &["1.0.0", "1.2"], &["1.1"]);
        check(Scheme::Pep440, "!=1.0", &["1.1"], &["1.0.0"]);
        check(Scheme::Opaque, "sha256:ab", &["sha256:ab"], &["sha256:cd"]);
    }

    #[test]
    fn what_has_no_order_is_refused() {
        for (scheme, text) in
            [(Scheme::Opaque, ">=a"), (Scheme::Semver, ">=x"), (Scheme::Semver, ">=1.0.0|"), (Scheme::Go, "<devel")]
        {
            assert!(VersionRange::parse(scheme, text).is_err(), "{text}");
        }
        assert!(VersionRange::parse(Scheme::Pep440, &"1|".repeat(100)).is_err());
        assert!(VersionRange::parse(Scheme::Pep440, &"1".repeat(2000)).is_err());
    }
}
