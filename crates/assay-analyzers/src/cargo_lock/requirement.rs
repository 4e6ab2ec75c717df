//! Cargo's version requirements (The Cargo Book, "Specifying Dependencies"), as far as needed to tell which of several
//! locked versions one of them means. Pre-releases count as the version they lead to.

/// A version's numbers, as many as are written.
type Numbers = [Option<u64>; 3];

/// Whether all comparators of a requirement allow the version; false for one that is not understood.
pub(super) fn allows(requirement: &str, version: &str) -> bool {
    let Some([Some(major), Some(minor), Some(patch)]) = numbers(version) else { return false };
    requirement.split(',').all(|comparator| allows_one(comparator.trim(), [major, minor, patch]) == Some(true))
}

fn allows_one(comparator: &str, version: [u64; 3]) -> Option<bool> {
    let digits = comparator.find(|c: char| c.is_ascii_digit() || c == '*').unwrap_or(comparator.len());
    let (operator, written) = comparator.split_at_checked(digits)?;
    let wanted = numbers(written)?;
    let low = wanted.map(Option::unwrap_or_default);
    let is_partial = written.contains('*');
    Some(match operator.trim() {
        "" if is_partial => version >= low && below(version, same(wanted)),
        "" | "^" => version >= low && below(version, caret(wanted)),
        "~" => version >= low && below(version, same([wanted[0], wanted[1], None])),
        "=" => version >= low && below(version, same(wanted)),
        ">" => !below(version, same(wanted)),
        ">=" => version >= low,
        "<" => version < low,
        "<=" => below(version, same(wanted)),
        _ => return None,
    })
}

fn below(version: [u64; 3], bound: Option<[u64; 3]>) -> bool {
    bound.is_none_or(|bound| version < bound)
}

/// The first version that differs in what is written.
fn same(wanted: Numbers) -> Option<[u64; 3]> {
    match wanted {
        [None, ..] => None,
        [Some(major), None, _] => Some([major.saturating_add(1), 0, 0]),
        [Some(major), Some(minor), None] => Some([major, minor.saturating_add(1), 0]),
        [Some(major), Some(minor), Some(patch)] => Some([major, minor, patch.saturating_add(1)]),
    }
}

/// The first version that differs in the first number that is not zero.
fn caret(wanted: Numbers) -> Option<[u64; 3]> {
    match wanted {
        [Some(0), Some(0), Some(_)] => same(wanted),
        [Some(0), Some(minor), _] => same([Some(0), Some(minor), None]),
        _ => same([wanted[0], None, None]),
    }
}

fn numbers(written: &str) -> Option<Numbers> {
    let core = written.split(['-', '+']).next().unwrap_or_default().trim();
    let mut numbers = [None; 3];
    for (at, part) in core.split('.').enumerate() {
        if matches!(part, "*" | "x" | "X") {
            break;
        }
        *numbers.get_mut(at)? = Some(part.parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn requirements() {
        for (requirement, yes, no) in [
            ("1.2.3", "1.9.0", "2.0.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("0.0.3", "0.0.3", "0.0.4"),
            ("0", "0.9.0", "1.0.0"),
            ("~1.2", "1.2.9", "1.3.0"),
            ("~1", "1.9.0", "2.0.0"),
            ("1.*", "1.9.0", "2.0.0"),
            ("*", "9.0.0", "x"),
            ("=1.7.3", "1.7.3", "1.7.4"),
            ("=1.7", "1.7.4", "1.8.0"),
            (">=1, <1.5", "1.4.9", "1.5.0"),
            (">1.2", "1.3.0", "1.2.9"),
            ("<=1.2", "1.2.9", "1.3.0"),
            ("1.0.0-rc.1", "1.0.0", "0.9.0"),
        ] {
            assert!(allows(requirement, yes), "{requirement} {yes}");
            assert!(!allows(requirement, no), "{requirement} {no}");
        }
        assert!(!allows("!1", "1.0.0") && !allows("1.2.3.4", "1.2.3"));
    }
}
