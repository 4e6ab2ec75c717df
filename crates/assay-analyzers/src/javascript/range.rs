//! Ranges of versions as Node's package managers write them: `^1.2`, `~1.2.3`, `1.x`, `>=1 <2 || 3`, `1.2 - 1.4`.

use std::cmp::Ordering;

use assay_model::ecosystem::Scheme;

/// Whether a version is in a range. A range that cannot be understood (a tag, an address) contains nothing.
pub(crate) fn contains(range: &str, version: &str) -> bool {
    range.split("||").any(|part| all_of(part.trim(), version))
}

fn all_of(part: &str, version: &str) -> bool {
    if let Some((low, high)) = part.split_once(" - ") {
        return bound(">=", low.trim(), version) && bound("<=", high.trim(), version);
    }
    let spaced = part.replace([',', '\t'], " ");
    let mut words = spaced.split(' ').filter(|word| !word.is_empty()).peekable();
    let mut has_any = false;
    while let Some(word) = words.next() {
        has_any = true;
        let digits = word.find(|c: char| !matches!(c, '<' | '>' | '=' | '^' | '~')).unwrap_or(word.len());
        let (operator, mut number) = word.split_at(digits);
        if number.is_empty() {
            number = words.next().unwrap_or("");
        }
        if !bound(operator, number, version) {
            return false;
        }
    }
    has_any || part.is_empty()
}

/// The numbers that a partial version states, `x` and what is left out being none; and its pre-release.
fn partial(number: &str) -> Option<(Vec<u64>, Option<&str>)> {
    let number = number.trim_start_matches(['v', '=']);
    let number = number.split('+').next().unwrap_or(number);
    let (core, pre) = number.split_once('-').map_or((number, None), |(core, pre)| (core, Some(pre)));
    let mut numbers = Vec::new();
    for part in core.split('.') {
        match part {
            "" | "x" | "X" | "*" => break,
            part => numbers.push(part.parse().ok()?),
        }
    }
    (numbers.len() <= 3).then_some((numbers, pre))
}

fn full(numbers: &[u64], pre: Option<&str>) -> String {
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let core = format!("{}.{}.{}", at(0), at(1), at(2));
    pre.map_or(core.clone(), |pre| format!("{core}-{pre}"))
}

/// The first version that no longer begins with these numbers.
fn next(numbers: &[u64]) -> Option<String> {
    let (last, before) = numbers.split_last()?;
    let mut raised = before.to_vec();
    raised.push(last.checked_add(1)?);
    Some(format!("{}-0", full(&raised, None)))
}

fn bound(operator: &str, number: &str, version: &str) -> bool {
    let Some((numbers, pre)) = partial(number) else { return false };
    let low = full(&numbers, pre);
    let is = |other: &str, wanted: fn(Ordering) -> bool| Scheme::Npm.compare(version, other).is_ok_and(wanted);
    let below = |end: Option<String>| end.is_none_or(|end| is(&end, Ordering::is_lt));
    let same = |count: usize| next(numbers.get(..count.min(numbers.len())).unwrap_or_default());
    match operator {
        ">" if numbers.len() == 3 => is(&low, Ordering::is_gt),
        ">" => next(&numbers).is_some_and(|end| is(&end, Ordering::is_ge)),
        ">=" => is(&low, Ordering::is_ge),
        "<" => is(&low, Ordering::is_lt),
        "<=" if numbers.len() == 3 => is(&low, Ordering::is_le),
        "<=" => below(next(&numbers)),
        "^" => {
            let zeros = numbers.iter().take_while(|number| **number == 0).count();
            is(&low, Ordering::is_ge) && below(same(zeros + 1))
        }
        "~" | "~>" => is(&low, Ordering::is_ge) && below(same(2)),
        "" | "=" if numbers.len() == 3 => is(&low, Ordering::is_eq),
        "" | "=" => is(&low, Ordering::is_ge) && below(next(&numbers)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn ranges() {
        for (range, inside, outside) in [
            ("^1.2.3", &["1.2.3", "1.9.0"][..], &["1.2.2", "2.0.0", "2.0.0-rc.1"][..]),
            ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.2.2"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4"]),
            ("~1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.1.9"]),
            ("1.x || 3", &["1.0.0", "3.4.5"], &["2.0.0", "4.0.0"]),
            (">=1.2 <2", &["1.2.0", "1.99.0"], &["1.1.0", "2.0.0"]),
            (">= 1.2.0 < 2", &["1.2.0"], &["2.1.0"]),
            ("1.2 - 1.4", &["1.2.0", "1.4.9"], &["1.5.0", "1.1.9"]),
            ("*", &["0.1.0", "9.0.0"], &[]),
            ("", &["1.0.0"], &[]),
            ("v1.2.3", &["1.2.3"], &["1.2.4"]),
            (">1.2", &["1.3.0"], &["1.2.9"]),
            ("latest", &[], &["1.0.0"]),
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
