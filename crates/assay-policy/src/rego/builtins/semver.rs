//! `semver.*`: as the reference reads versions, with or without a leading `v`, and leading zeros allowed.

use super::text;
use regorus::Value;
use std::cmp::Ordering;

/// A version in parts. What follows `+` counts for nothing.
#[derive(Debug, PartialEq, Eq)]
struct Version<'a> {
    numbers: [u64; 3],
    before: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
        let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if [before, build].into_iter().flatten().any(|dotted| !dotted.split('.').all(part)) {
            return None;
        }
        let digits = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let numbers: Vec<u64> = core
            .split('.')
            .map(|number| if digits(number) { number.parse().ok() } else { None })
            .collect::<Option<_>>()?;
        Some(Self { numbers: numbers.try_into().ok()?, before: before.unwrap_or_default() })
    }
    fn order(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => before(self.before, other.before),
        })
    }
}

/// Orders what follows the hyphen: numbers by value and before words.
fn before(one: &str, other: &str) -> Ordering {
    let mut others = other.split('.');
    for part in one.split('.') {
        let Some(other) = others.next() else { return Ordering::Greater };
        let order = match (part.parse::<u64>(), other.parse::<u64>()) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => part.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
    }
    if others.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// `semver.compare`: -1, 0, or 1.
pub(super) fn compare(args: &[Value]) -> Value {
    let version = |index| text(args, index).and_then(Version::parse);
    match (version(0), version(1)) {
        (Some(one), Some(other)) => Value::from(one.order(&other) as i64),
        _ => Value::Undefined,
    }
}

/// `semver.is_valid`.
pub(super) fn is_valid(args: &[Value]) -> Value {
    Value::from(text(args, 0).and_then(Version::parse).is_some())
}
