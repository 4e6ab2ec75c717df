//! Affected ranges of OSV records: the evaluation algorithm of the OSV schema.
//!
//! The events of one range are sorted by version and walked up to the version asked for. `GIT` ranges are
//! never evaluated: commits have no order outside their repository.

use super::{BadVersion, Scheme};
use std::cmp::Ordering;

/// One event of a range. The texts are versions of the range's ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The first affected version; `0` stands before all versions.
    Introduced(String),
    /// The first version that is no longer affected.
    Fixed(String),
    /// The last affected version, itself included.
    LastAffected(String),
    /// Where the range ends for certain, itself excluded; `*` is no limit.
    Limit(String),
}

impl Event {
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(v) | Self::Fixed(v) | Self::LastAffected(v) | Self::Limit(v) => v,
        }
    }

    /// `introduced: 0` stands before every version and is no version itself.
    fn is_beginning(&self) -> bool {
        matches!(self, Self::Introduced(version) if version == "0")
    }
}

/// Tells whether the version lies in the range that the events describe.
///
/// Events with the same version keep the order of the record. Without an `introduced` event nothing is
/// affected. Of several limits one that lies above is enough.
///
/// # Errors
/// `BadVersion` when the version or an event's version cannot be ordered. Under [`Scheme::Opaque`] that is
/// any range with a bound other than `introduced: 0`.
pub fn affects(scheme: Scheme, events: &[Event], version: &str) -> Result<bool, BadVersion> {
    if let [beginning] = events
        && beginning.is_beginning()
    {
        return Ok(true);
    }
    let placed = place(scheme, events, version)?;
    let mut affected = false;
    for (event, order) in &placed {
        match event {
            Event::Introduced(_) if order.is_le() => affected = true,
            Event::Fixed(_) if order.is_le() => affected = false,
            Event::LastAffected(_) if order.is_lt() => affected = false,
            _ => {}
        }
    }
    Ok(affected && below_limits(&placed))
}

/// The smallest fixed version above the given one: where a user of it should go. `None` when the range has
/// no such version, or holds a version that cannot be ordered.
pub fn next_fixed<'a>(scheme: Scheme, events: &'a [Event], version: &str) -> Option<&'a str> {
    let placed = place(scheme, events, version).ok()?;
    placed.into_iter().find_map(|(event, order)| match event {
        Event::Fixed(fixed) if order.is_gt() => Some(fixed.as_str()),
        _ => None,
    })
}

/// Events in ascending order, each with its place relative to the version: `Less` lies below it.
fn place<'a>(scheme: Scheme, events: &'a [Event], version: &str) -> Result<Vec<(&'a Event, Ordering)>, BadVersion> {
    scheme.check_rangeable(version)?;
    let mut placed = Vec::with_capacity(events.len());
    for event in events {
        let order = match event {
            _ if event.is_beginning() => Ordering::Less,
            Event::Limit(limit) if limit == "*" => Ordering::Greater,
            _ => {
                scheme.check_rangeable(event.version())?;
                scheme.compare(event.version(), version)?
            }
        };
        placed.push((event, order));
    }
    placed.sort_by(|(a, _), (b, _)| by_version(scheme, a, b));
    Ok(placed)
}

fn by_version(scheme: Scheme, a: &Event, b: &Event) -> Ordering {
    let open = |event: &Event| matches!(event, Event::Limit(limit) if limit == "*");
    match (a.is_beginning(), b.is_beginning()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => open(a).cmp(&open(b)).then_with(|| {
            // Both were compared with the version before, so neither can be refused here.
            scheme.compare(a.version(), b.version()).unwrap_or(Ordering::Equal)
        }),
    }
}

fn below_limits(placed: &[(&Event, Ordering)]) -> bool {
    let mut limits = placed.iter().filter(|(event, _)| matches!(event, Event::Limit(_))).peekable();
    limits.peek().is_none() || limits.any(|(_, order)| order.is_gt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduced(v: &str) -> Event {
        Event::Introduced(v.into())
    }
    fn fixed(v: &str) -> Event {
        Event::Fixed(v.into())
    }
    fn last(v: &str) -> Event {
        Event::LastAffected(v.into())
    }
    fn limit(v: &str) -> Event {
        Event::Limit(v.into())
    }

    #[track_caller]
    fn check(events: &[Event], affected: &[&str], safe: &[&str]) {
        for version in affected {
            assert_eq!(affects(Scheme::Semver, events, version), Ok(true), "{version}");
        }
        for version in safe {
            assert_eq!(affects(Scheme::Semver, events, version), Ok(false), "{version}");
        }
    }

    #[test]
    fn fixed_is_excluded_and_last_affected_included() {
        check(&[introduced("0"), fixed("1.2.0")], &["0.0.0-alpha", "1.1.9", "1.2.0-rc.1"], &["1.2.0", "2.0.0"]);
        check(&[introduced("1.0.0"), last("1.2.0")], &["1.0.0", "1.2.0"], &["0.9.0", "1.2.1"]);
        check(&[introduced("1.0.0"), last("1.0.0")], &["1.0.0"], &["0.9.0", "1.0.1"]);
        check(&[introduced("0")], &["0.0.0", "99.0.0"], &[]);
        check(&[fixed("1.0.0")], &[], &["0.1.0", "1.0.0"]);
    }

    #[test]
    fn several_pairs_in_any_order() {
        let events = [fixed("2.1.0"), introduced("2.0.0"), fixed("1.5.0"), introduced("1.0.0"), introduced("3.0.0")];
        check(&events, &["1.4.9", "2.0.5", "3.0.0", "4.0.0"], &["0.9.0", "1.5.0", "1.9.0", "2.1.0"]);
    }

    #[test]
    fn a_pair_that_touches_the_next_leaves_no_gap() {
        let events = [introduced("0"), fixed("1.0.0"), introduced("1.0.0"), fixed("2.0.0")];
        check(&events, &["0.5.0", "1.0.0", "1.9.0"], &["2.0.0"]);
    }

    #[test]
    fn limits_bound_the_range_and_one_above_is_enough() {
        check(&[introduced("1.0.0"), limit("2.0.0")], &["1.5.0"], &["2.0.0", "3.0.0"]);
        check(&[introduced("1.0.0"), limit("2.0.0"), limit("3.0.0")], &["2.5.0"], &["3.0.0"]);
        check(&[introduced("1.0.0"), limit("*")], &["9.0.0"], &["0.1.0"]);
    }

    #[test]
    fn the_next_fixed_version_is_the_smallest_above() {
        let events = [introduced("0"), fixed("1.5.0"), introduced("2.0.0"), fixed("2.10.0"), fixed("2.9.0")];
        assert_eq!(next_fixed(Scheme::Semver, &events, "1.0.0"), Some("1.5.0"));
        assert_eq!(next_fixed(Scheme::Semver, &events, "2.1.0"), Some("2.9.0"));
        assert_eq!(next_fixed(Scheme::Semver, &events, "2.10.0"), None);
        assert_eq!(next_fixed(Scheme::Semver, &[introduced("0")], "1.0.0"), None);
    }

    #[test]
    fn what_has_no_order_is_refused_unless_no_order_is_needed() {
        assert_eq!(affects(Scheme::Opaque, &[introduced("0")], "abc"), Ok(true));
        assert!(affects(Scheme::Opaque, &[introduced("0"), fixed("abd")], "abc").is_err());
        assert!(affects(Scheme::Go, &[introduced("0"), fixed("1.2.3")], "(devel)").is_err());
        assert!(affects(Scheme::Semver, &[introduced("0"), fixed("soon")], "1.0.0").is_err());
    }
}
