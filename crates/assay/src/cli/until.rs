//! When something ends, as people type it: `7d`, `12h`, `30m`, `2w`, a day or a moment.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// Reads it; what is short counts from now, a day ends when it begins (UTC).
pub(super) fn until(text: &str) -> Result<Timestamp, String> {
    read(text.trim(), Timestamp::now())
        .ok_or_else(|| "write 30m, 12h, 7d, 2w, a day as 2030-12-31, or a moment as 2030-12-31T12:00:00Z".to_owned())
}

fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    let number: i64 = number.parse().ok().filter(|n| *n > 0)?;
    now.checked_add(SignedDuration::from_secs(number.checked_mul(seconds)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp::UNIX_EPOCH;
        for (text, seconds) in [
            ("30m", Some(1_800)),
            ("7d", Some(604_800)),
            ("2w", Some(1_209_600)),
            ("1970-01-02", Some(86_400)),
            ("1970-01-01T00:00:05Z", Some(5)),
            ("0d", None),
            ("-1h", None),
            ("soon", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(read(text, now).map(|at| at.as_second()), seconds, "{text}");
        }
    }
}
