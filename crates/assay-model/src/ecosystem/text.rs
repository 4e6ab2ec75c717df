//! Small helpers that every version scheme shares: numbers of any length and tokens.
//!
//! Numbers stay digit strings: a version is foreign text, and `99999999999999999999` must neither
//! overflow nor be refused. What a number means in a scheme lives with that scheme.

use std::cmp::Ordering;

/// Compares two runs of ASCII digits by value, whatever their length. The empty run counts as zero.
pub(super) fn cmp_digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// True for a non-empty run of ASCII digits.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// True when the run of digits has the value zero.
pub(super) fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

/// Splits off the longest prefix whose bytes satisfy `wanted`, which may only accept ASCII.
pub(super) fn take(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !wanted(b)).unwrap_or(text.len());
    text.split_at(end)
}

/// Splits off the leading ASCII digits.
pub(super) fn take_digits(text: &str) -> (&str, &str) {
    take(text, |b| b.is_ascii_digit())
}

/// Compares dotted numbers position by position; a missing position counts as zero.
pub(super) fn cmp_padded(a: &[&str], b: &[&str]) -> Ordering {
    (0..a.len().max(b.len()))
        .map(|i| cmp_digits(a.get(i).unwrap_or(&""), b.get(i).unwrap_or(&"")))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_compare_by_value_at_any_length() {
        assert_eq!(cmp_digits("10", "9"), Ordering::Greater);
        assert_eq!(cmp_digits("0010", "10"), Ordering::Equal);
        assert_eq!(cmp_digits("99999999999999999999999", "100000000000000000000000"), Ordering::Less);
        assert_eq!(cmp_digits("", "0"), Ordering::Equal);
    }

    #[test]
    fn a_missing_position_is_zero() {
        assert_eq!(cmp_padded(&["1"], &["1", "0"]), Ordering::Equal);
        assert_eq!(cmp_padded(&["1"], &["1", "0", "1"]), Ordering::Less);
    }
}
