//! Go modules: semantic versions with `v`, pseudo-versions, `+incompatible`; and Go's own toolchain.
//!
//! The order is that of golang.org/x/mod/semver: `v1` and `v1.2` are short for `v1.0.0` and `v1.2.0`,
//! build metadata (`+incompatible`) is ignored. Two widenings, since advisories leave the `v` out and
//! binaries name their toolchain: the `v` is optional, and `go1.21rc2` reads as `v1.21.0-rc.2`.
//!
//! Fallback: what is no version (`(devel)`, a branch) sorts below all versions and equal to its kind.

use super::semver::cmp_identifiers;
use super::text::{cmp_digits, is_digits, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// True when the text is a version, so that no fallback order applies.
pub(super) fn is_canonical_scheme(text: &str) -> bool {
    Version::parse(text).is_some()
}

#[derive(Debug)]
struct Version<'a> {
    numbers: [&'a str; 3],
    pre: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(toolchain) = text.strip_prefix("go") {
            return Self::parse_toolchain(toolchain);
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let (major, rest) = number(text)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return Self::short([major, "0", "0"], rest);
        };
        let (minor, rest) = number(rest)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return Self::short([major, minor, "0"], rest);
        };
        let (patch, rest) = number(rest)?;
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (rest, None),
        };
        if !build.is_none_or(|build| identifiers(build, false)) {
            return None;
        }
        let pre = match rest.strip_prefix('-') {
            Some(pre) if identifiers(pre, true) => Some(pre.into()),
            None if rest.is_empty() => None,
            _ => return None,
        };
        Some(Self { numbers: [major, minor, patch], pre })
    }

    fn short(numbers: [&'a str; 3], rest: &str) -> Option<Self> {
        rest.is_empty().then_some(Self { numbers, pre: None })
    }

    fn parse_toolchain(text: &'a str) -> Option<Self> {
        let (major, rest) = number(text)?;
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        if let Some((patch, rest)) = rest.strip_prefix('.').and_then(number) {
            // A suffix such as ` X:boringcrypto` or `-fips` names the build, not the release.
            let _ = rest;
            return Some(Self { numbers: [major, minor, patch], pre: None });
        }
        let (word, digits) = take(rest, |b| b.is_ascii_lowercase());
        let pre = (!word.is_empty()).then(|| format!("{word}.{}", take_digits(digits).0).into());
        Some(Self { numbers: [major, minor, "0"], pre })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.iter().zip(&other.numbers);
        numbers.map(|(a, b)| cmp_digits(a, b)).find(|order| order.is_ne()).unwrap_or_else(|| {
            match (&self.pre, &other.pre) {
                (Some(a), Some(b)) => cmp_identifiers(a, b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        })
    }
}

/// A number without leading zeros.
fn number(text: &str) -> Option<(&str, &str)> {
    let (digits, rest) = take_digits(text);
    let sound = !digits.is_empty() && (digits == "0" || !digits.starts_with('0'));
    sound.then_some((digits, rest))
}

fn identifiers(text: &str, no_leading_zeros: bool) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !(no_leading_zeros && part.len() > 1 && part.starts_with('0') && is_digits(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_pseudo_versions_and_toolchains_are_ordered() {
        let ladder = [
            "bad",
            "v0.0.0-20190101000000-abcdefabcdef",
            "v0.0.0-20200101000000-000000000000",
            "v0.0.1",
            "v1",
            "v1.2.3-pre",
            "v1.2.3-pre.0.20200101000000-abcdefabcdef",
            "1.2.3",
            "v1.2.4",
            "v2.0.0+incompatible",
            "v2.1",
        ];
        for pair in ladder.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        let toolchains = ["go1.20.14", "go1.21beta1", "go1.21rc2", "go1.21rc10", "go1.21", "go1.21.1"];
        for pair in toolchains.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn equal_by_the_rules_of_modules() {
        for (a, b) in [("v1", "v1.0.0"), ("v1.2.3", "1.2.3+incompatible"), ("v1.02.3", "(devel)")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }
}
