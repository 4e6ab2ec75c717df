//! `time.add_date` and `time.parse_duration_ns`: the evaluator's own end a month at its last day and know no days.

use super::text;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use regorus::Value;

/// Units of a duration, in nanoseconds; longer names before their beginnings.
const UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
    ("d", 8.64e13),
    ("w", 6.048e14),
    ("y", 3.1536e16),
];

/// `time.add_date`: nanoseconds, years, months, days. A day that the month lacks runs over into the next.
pub(super) fn add_date(args: &[Value]) -> Value {
    let whole = |index: usize| args.get(index).and_then(|value| value.as_i64().ok());
    let added = || {
        let (at, years, months, days) = (whole(0)?, whole(1)?, whole(2)?, whole(3)?);
        let start = Timestamp::from_nanosecond(i128::from(at)).ok()?.to_zoned(TimeZone::UTC).datetime();
        let month = i64::from(start.month()).checked_add(months)?.checked_sub(1)?;
        let year = i64::from(start.year()).checked_add(years)?.checked_add(month.div_euclid(12))?;
        let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
        let first = Date::new(i16::try_from(year).ok()?, month, 1).ok()?;
        let days = days.checked_add(i64::from(start.day()) - 1)?;
        let date = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        let end = date.to_datetime(start.time()).to_zoned(TimeZone::UTC).ok()?;
        i64::try_from(end.timestamp().as_nanosecond()).ok()
    };
    added().map_or(Value::Undefined, Value::from)
}

/// `time.parse_duration_ns`: `1h30m`, `7d`, `-1.5h`.
pub(super) fn parse_duration(args: &[Value]) -> Value {
    text(args, 0).and_then(duration).map_or(Value::Undefined, Value::from)
}

fn duration(written: &str) -> Option<i64> {
    let (negative, mut rest) = match written.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written.strip_prefix('+').unwrap_or(written)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let unit_end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let part: f64 = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().ok()? };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        // Sizes are whole numbers below 2^53, and a part of one is smaller.
        #[allow(clippy::cast_possible_truncation, reason = "both are whole and fit")]
        let (size_ns, part_ns) = (*size as i128, (part * size) as i128);
        total = total.checked_add(whole.checked_mul(size_ns)?)?.checked_add(part_ns)?;
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}
