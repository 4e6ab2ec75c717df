//! Conan (`conan.tools.scm.Version` of Conan 2): `item{.item}[-pre][+build]`.
//!
//! Items are numbers or words; zeros at the end do not count; a pre-release is below its release, a build above the
//! version without one. Numbers compare with numbers, and anything with a word in it by its leading digits, then as
//! text: Conan compares such pairs as text altogether, which is no order (`9 < 10 < 1a < 9`).

use super::text::{cmp_digits, is_digits, is_zero, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    Version::parse(a).compare(&Version::parse(b))
}

struct Version<'a> {
    items: Vec<&'a str>,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (rest, build) = match text.rsplit_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (rest, pre) = match rest.rsplit_once('-') {
            Some((rest, pre)) => (rest, Some(pre)),
            None => (rest, None),
        };
        Self {
            items: items(rest),
            pre: pre.filter(|pre| !pre.is_empty()),
            build: build.filter(|build| !build.is_empty()),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let pre = || match (self.pre, other.pre) {
            (Some(a), Some(b)) => compare_items(&items(a), &items(b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let build = || match (self.build, other.build) {
            (Some(a), Some(b)) => compare_items(&items(a), &items(b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        compare_items(&self.items, &other.items).then_with(pre).then_with(build)
    }
}

fn items(text: &str) -> Vec<&str> {
    let mut items: Vec<&str> = text.split('.').collect();
    while items.last().is_some_and(|item| is_digits(item) && is_zero(item)) {
        items.pop();
    }
    items
}

fn compare_items(a: &[&str], b: &[&str]) -> Ordering {
    let order = a.iter().zip(b).map(|(a, b)| compare_item(a, b)).find(|order| order.is_ne());
    order.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_item(a: &str, b: &str) -> Ordering {
    let ((x, rest_a), (y, rest_b)) = (take_digits(a), take_digits(b));
    // Letters come after all digits.
    let numbers = match (x.is_empty(), y.is_empty()) {
        (false, false) => cmp_digits(x, y),
        (a, b) => a.cmp(&b),
    };
    numbers.then_with(|| rest_a.cmp(rest_b))
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering::{Equal, Less};

    #[test]
    fn versions_of_conan() {
        let rising = [
            "1.0-a",
            "1.0-b",
            "1.0",
            "1.0+b1",
            "1.0+b2",
            "1.0.0.1",
            "1.1b",
            "1.2",
            "1.2.a",
            "1.3-alpha.9",
            "1.3-alpha.10",
            "1.10",
            "2.2b",
            "2.2b.1",
            "a",
            "master",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Less, "{pair:?}");
        }
        for (a, b) in [("1", "1.0.0"), ("1.0-1", "1-1.0"), ("1.00", "1")] {
            assert_eq!(compare(a, b), Equal, "{a} {b}");
        }
    }
}
