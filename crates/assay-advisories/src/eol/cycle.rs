//! A release cycle as a range of versions: `3.10` is all of 3.10, `8` is all of 8.

use assay_model::advisory::{Range, RangeEvent};

/// The range of a cycle, where its name is made of numbers. Its end is a limit, no fix: the next cycle may have ended too.
pub(super) fn range(cycle: &str) -> Option<Range> {
    let numbers: Vec<&str> = cycle.split('.').collect();
    let are_numbers = numbers
        .iter()
        .all(|number| !number.is_empty() && number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit()));
    if !are_numbers {
        return None;
    }
    let (last, before) = numbers.split_last()?;
    let next = last.parse::<u64>().ok()? + 1;
    let mut end: Vec<String> = before.iter().map(|&number| number.to_owned()).collect();
    end.push(format!("{next:0width$}", width = last.len()));
    let event =
        |introduced: Option<String>, limit: Option<String>| RangeEvent { introduced, limit, ..RangeEvent::default() };
    Some(Range {
        kind: "ECOSYSTEM".to_owned(),
        events: vec![event(Some(cycle.to_owned()), None), event(None, Some(end.join(".")))],
        ..Range::default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::range;

    #[test]
    fn a_cycle_ends_where_the_next_begins() {
        let end = |cycle: &str| range(cycle).unwrap().events[1].limit.clone().unwrap();
        assert_eq!([end("3.10"), end("8"), end("18.04"), end("22.09")], ["3.11", "9", "18.05", "22.10"]);
        for text in ["", "lts", "2008-r2", "1.", "1.x", "99999999999"] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
