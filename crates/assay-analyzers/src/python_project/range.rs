//! Ranges of versions: PEP 440's, and the `^`, `~` and `||` that poetry adds to them.

use std::cmp::Ordering;

use assay_model::ecosystem::Scheme;

/// Whether a version is in a range; pre-releases are like any other.
pub(crate) fn contains(range: &str, version: &str) -> bool {
    range.split("||").any(|part| part.split(',').all(|bound| one(bound.trim(), version)))
}

fn one(bound: &str, version: &str) -> bool {
    let operator = bound.find(|c| !matches!(c, '<' | '>' | '=' | '!' | '~' | '^')).unwrap_or(bound.len());
    let (operator, other) = bound.split_at(operator);
    let other = other.trim();
    if let Some(start) = other.strip_suffix('*') {
        let begins = begins_with(version, start.trim_end_matches('.'));
        return if operator == "!=" { !begins } else { begins };
    }
    let is = |wanted: fn(Ordering) -> bool| Scheme::Pep440.compare(version, other).is_ok_and(wanted);
    match operator {
        "" | "==" | "===" => is(Ordering::is_eq),
        "!=" => is(Ordering::is_ne),
        ">" => is(Ordering::is_gt),
        ">=" => is(Ordering::is_ge),
        "<" => is(Ordering::is_lt),
        "<=" => is(Ordering::is_le),
        "~=" => is(Ordering::is_ge) && release(other).split_last().is_some_and(|(_, front)| same(version, front)),
        "~" => is(Ordering::is_ge) && same(version, release(other).get(..2).unwrap_or(&release(other))),
        "^" => is(Ordering::is_ge) && same(version, caret(&release(other))),
        _ => false,
    }
}

/// The numbers that a caret keeps: up to the first that is not zero.
fn caret(numbers: &[u64]) -> &[u64] {
    let zeros = numbers.iter().take_while(|number| **number == 0).count();
    numbers.get(..(zeros + 1).min(numbers.len())).unwrap_or_default()
}

fn begins_with(version: &str, start: &str) -> bool {
    start.is_empty() || same(version, &release(start))
}

fn same(version: &str, front: &[u64]) -> bool {
    let own = release(version);
    front.iter().enumerate().all(|(at, number)| own.get(at).copied().unwrap_or(0) == *number)
}

/// The numbers of the release segment.
fn release(version: &str) -> Vec<u64> {
    let bare = version.trim_start_matches('v').rsplit('!').next().unwrap_or(version);
    let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    bare.get(..end).unwrap_or_default().split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn ranges() {
        for (range, inside, outside) in [
            ("*", &["1", "2.0rc1"][..], &[][..]),
            ("", &[], &[]),
            ("1.2.3", &["1.2.3"], &["1.2.4"]),
            (">=1.0,<2.0", &["1.0", "1.9.post1"], &["2.0", "0.9"]),
            ("~=1.4.2", &["1.4.2", "1.4.9"], &["1.5", "1.4.1"]),
            ("~=1.4", &["1.4", "1.9"], &["2.0"]),
            ("~1.4", &["1.4.7"], &["1.5"]),
            ("^1.2", &["1.2", "1.9"], &["2.0", "1.1"]),
            ("^0.2.1", &["0.2.5"], &["0.3"]),
            ("==1.4.*", &["1.4", "1.4.2"], &["1.5"]),
            ("!=1.4.*,>=1", &["1.5"], &["1.4.1"]),
            ("<1.0 || >=2.0", &["0.5", "2.1"], &["1.5"]),
        ] {
            for version in inside {
                assert!(contains(range, version), "{version} in {range}");
            }
            for version in outside {
                assert!(!contains(range, version), "{version} not in {range}");
            }
        }
    }
}
