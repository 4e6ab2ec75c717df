//! Constraints on versions, as databases write them beside ranges: `>= 1.0, < 1.2`, `<1.2 || >=2.0 <2.1`, `[1.0,1.2)`,
//! `~> 1.2`, `^1.2`, `1.2.x`.
//!
//! Commas and white space join what must hold together, `||` separates what may hold instead. Versions are compared in
//! the ecosystem's own order. A constraint with a version that the order refuses holds for nothing.

use super::range::compare;
use assay_model::ecosystem::Scheme;

const OPERATORS: [&str; 11] = ["===", "==", ">=", "<=", "!=", "~>", "~=", "=", ">", "<", "^"];

/// Whether the version meets the constraint.
pub(super) fn holds(scheme: Scheme, constraint: &str, version: &str) -> bool {
    constraint.split("||").any(|alternative| {
        let alternative = alternative.trim();
        if alternative.starts_with(['[', '(']) {
            intervals(scheme, alternative, version)
        } else {
            together(scheme, alternative, version)
        }
    })
}

/// Intervals as Maven and NuGet write them; several are alternatives.
fn intervals(scheme: Scheme, text: &str, version: &str) -> bool {
    let mut rest = text;
    while let Some(end) = rest.find([']', ')']) {
        if interval(scheme, rest[..=end].trim().trim_start_matches(',').trim(), version) == Some(true) {
            return true;
        }
        rest = &rest[end + 1..];
    }
    false
}

fn interval(scheme: Scheme, text: &str, version: &str) -> Option<bool> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let Some((low, high)) = inner.split_once(',') else {
        return Some(compare(scheme, version, inner.trim())?.is_eq());
    };
    let (low, high) = (low.trim(), high.trim());
    let above = low.is_empty() || {
        let order = compare(scheme, version, low)?;
        order.is_gt() || text.starts_with('[') && order.is_eq()
    };
    let below = high.is_empty() || {
        let order = compare(scheme, version, high)?;
        order.is_lt() || text.ends_with(']') && order.is_eq()
    };
    Some(above && below)
}

fn together(scheme: Scheme, text: &str, version: &str) -> bool {
    let comparators = comparators(text);
    comparators.iter().all(|(operator, bound)| comparator(scheme, operator, bound, version) == Some(true))
}

/// Operator and version of each comparator. `1.0 - 2.0` is what lies between.
fn comparators(text: &str) -> Vec<(&str, &str)> {
    if let Some((low, high)) = text.split_once(" - ") {
        return vec![(">=", low.trim()), ("<=", high.trim())];
    }
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() {
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator)).copied();
        let operator = operator.or_else(|| rest.starts_with('~').then_some("~")).unwrap_or("");
        let bound = rest[operator.len()..].trim_start();
        let end = bound.find([',', ' ', '\t', '<', '>', '=']).unwrap_or(bound.len());
        found.push((operator, &bound[..end]));
        rest = bound[end..].trim_start_matches([',', ' ', '\t']);
        if end == 0 && operator.is_empty() {
            break;
        }
    }
    found
}

fn comparator(scheme: Scheme, operator: &str, bound: &str, version: &str) -> Option<bool> {
    let wild = bound.split('.').position(|part| matches!(part, "*" | "x" | "X"));
    if let Some(at) = wild {
        let prefix = bound.split('.').take(at).collect::<Vec<_>>().join(".");
        return within_prefix(scheme, operator, &prefix, version);
    }
    let order = |bound: &str| compare(scheme, version, bound);
    Some(match operator {
        ">=" => order(bound)?.is_ge(),
        "<=" => order(bound)?.is_le(),
        ">" => order(bound)?.is_gt(),
        "<" => order(bound)?.is_lt(),
        "!=" => order(bound)?.is_ne(),
        "~>" | "~=" => order(bound)?.is_ge() && order(&next(bound, parts_of(bound).saturating_sub(1).max(1))?)?.is_lt(),
        "~" if scheme == Scheme::Packagist => {
            order(bound)?.is_ge() && order(&next(bound, parts_of(bound).saturating_sub(1).max(1))?)?.is_lt()
        }
        "~" => order(bound)?.is_ge() && order(&next(bound, parts_of(bound).min(2))?)?.is_lt(),
        "^" => order(bound)?.is_ge() && order(&next(bound, caret(bound))?)?.is_lt(),
        // A part of a version stands for all that begin with it.
        "" if scheme == Scheme::Npm && parts_of(bound) < 3 => return within_prefix(scheme, "", bound, version),
        _ => order(bound)?.is_eq(),
    })
}

fn within_prefix(scheme: Scheme, operator: &str, prefix: &str, version: &str) -> Option<bool> {
    if prefix.is_empty() {
        return Some(operator != "!=");
    }
    let from = compare(scheme, version, prefix)?;
    let to = compare(scheme, version, &next(prefix, parts_of(prefix))?)?;
    Some(match operator {
        "!=" => !(from.is_ge() && to.is_lt()),
        ">=" => from.is_ge(),
        ">" => to.is_ge(),
        "<" => from.is_lt(),
        "<=" => to.is_lt(),
        _ => from.is_ge() && to.is_lt(),
    })
}

/// The numbers at the beginning of a version.
fn numbers(version: &str) -> Vec<&str> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    version[..end].split('.').filter(|part| !part.is_empty()).collect()
}

fn parts_of(version: &str) -> usize {
    numbers(version.trim_start_matches('v')).len()
}

/// How many parts `^` keeps: up to the first that is not 0.
fn caret(version: &str) -> usize {
    let parts = numbers(version.trim_start_matches('v'));
    parts.iter().position(|part| !part.trim_start_matches('0').is_empty()).map_or(parts.len(), |at| at + 1)
}

/// The first version after all that share this many parts.
fn next(version: &str, keep: usize) -> Option<String> {
    let parts = numbers(version.trim_start_matches('v'));
    let kept = parts.get(..keep.min(parts.len()))?;
    let (last, before) = kept.split_last()?;
    let raised = last.parse::<u64>().ok()?.checked_add(1)?;
    let mut all: Vec<String> = before.iter().map(|part| (*part).to_owned()).collect();
    all.push(raised.to_string());
    while all.len() < 3.min(parts.len()) {
        all.push("0".to_owned());
    }
    Some(all.join("."))
}

/// The version in a constraint that names a fixed one: `1.2.3`, `= 1.2.3`, `>= 1.2.3`.
pub(super) fn fixed_version(constraint: &str) -> Option<&str> {
    let text = constraint.trim();
    let (operator, version) = *comparators(text).first()?;
    (comparators(text).len() == 1 && matches!(operator, "" | "=" | "==" | ">=" | "~>" | "^") && !version.is_empty())
        .then_some(version)
}

/// The versions below which the constraint holds.
pub(super) fn upper_bounds(constraint: &str) -> Vec<&str> {
    let alternatives = constraint.split("||");
    let below = |text: &str| -> Vec<String> {
        comparators(text).into_iter().filter(|(operator, _)| *operator == "<").map(|(_, v)| v.to_owned()).collect()
    };
    let mut found = Vec::new();
    for alternative in alternatives {
        let alternative = alternative.trim();
        if alternative.starts_with(['[', '(']) {
            let ends = alternative.split_inclusive([']', ')']).filter(|interval| interval.ends_with(')'));
            found.extend(
                ends.filter_map(|interval| interval.trim_end_matches(')').rsplit_once(',')).map(|(_, v)| v.trim()),
            );
        } else {
            for bound in below(alternative) {
                found.extend(alternative.find(bound.as_str()).and_then(|at| alternative.get(at..at + bound.len())));
            }
        }
    }
    found.retain(|version| !version.is_empty());
    found
}

/// Whether by these lists the version is affected. An empty text stands for a database that could not say: affected.
pub(super) fn is_affected(
    scheme: Scheme,
    vulnerable: &[String],
    secure: (&[String], &[String]),
    version: &str,
) -> bool {
    let (patched, unaffected) = secure;
    if vulnerable.iter().chain(patched).any(|text| text.trim().is_empty()) {
        return true;
    }
    // A text without order cannot lie outside of anything.
    if scheme.check_rangeable(version).is_err() {
        return false;
    }
    let any = |list: &[String]| list.iter().any(|constraint| holds(scheme, constraint, version));
    if !vulnerable.is_empty() && !any(vulnerable) {
        return false;
    }
    !any(patched) && !any(unaffected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_of_every_grammar() {
        for (scheme, constraint, yes, no) in [
            (Scheme::Semver, ">= 2.0.0, <= 2.9.10", &["2.0.0", "2.9.10"][..], &["1.9.9", "2.9.11"][..]),
            (Scheme::Semver, "<8.44", &["8.43"], &["8.44", "8.45"]),
            (Scheme::Npm, ">=1.0.0 <1.2.0||>=2.0.0 <2.1.0", &["1.1.9", "2.0.0"], &["1.2.0", "2.1.0", "0.9.0"]),
            (Scheme::Npm, "^1.2.3", &["1.2.3", "1.9.0"], &["2.0.0", "1.2.2"]),
            (Scheme::Npm, "^0.2.3", &["0.2.9"], &["0.3.0"]),
            (Scheme::Npm, "~1.2.3", &["1.2.9"], &["1.3.0"]),
            (Scheme::Npm, "1.2.x", &["1.2.0", "1.2.9"], &["1.3.0", "1.1.9"]),
            (Scheme::Npm, "1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
            (Scheme::Npm, "1.0.0 - 1.2.0", &["1.2.0"], &["1.2.1"]),
            (Scheme::Npm, "*", &["0.0.1"], &[]),
            (Scheme::Npm, "<2.0.0", &["2.0.0-rc.1"], &["2.0.0"]),
            (Scheme::Gem, "~> 2.3.5", &["2.3.5", "2.3.9"], &["2.4.0", "2.3.4"]),
            (Scheme::Gem, "~> 2.3", &["2.9"], &["3.0"]),
            (Scheme::Packagist, "~1.2", &["1.9.0"], &["2.0.0"]),
            (Scheme::Maven, "[2.9.0,2.9.10.7)", &["2.9.0", "2.9.10.6"], &["2.9.10.7", "2.8"]),
            (Scheme::Maven, "(,1.0],[2.0,2.1)", &["0.5", "1.0", "2.0"], &["1.5", "2.1"]),
            (Scheme::Maven, "(1.0,2.0)", &["1.5"], &["1.0", "2.0"]),
            (Scheme::Maven, "[1.0]", &["1.0"], &["1.0.1"]),
            (Scheme::Pep440, "==1.2.*", &["1.2.5"], &["1.3"]),
            (Scheme::Pep440, "~=1.4.5", &["1.4.9"], &["1.5"]),
            (Scheme::Pep440, "> 1.0, != 1.5", &["1.4"], &["1.0", "1.5"]),
            (Scheme::Go, "< v2.8.0", &["2.7.1", "v2.7.1"], &["2.8.0"]),
            (Scheme::Go, ">= 0, < 0.3.7", &["0.3.6"], &["0.3.7"]),
        ] {
            for version in yes {
                assert!(holds(scheme, constraint, version), "{version} meets {constraint}");
            }
            for version in no {
                assert!(!holds(scheme, constraint, version), "{version} does not meet {constraint}");
            }
        }
    }

    #[test]
    fn lists_say_what_is_affected() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let rust = |version| {
            is_affected(Scheme::Semver, &[], (&list(&[">= 3.1.0", ">= 2.1.3, < 3.0.0"]), &list(&["< 1.0.0"])), version)
        };
        assert_eq!(["0.9.0", "1.0.0", "2.1.3", "3.0.0", "3.1.0"].map(rust), [false, true, false, true, false]);
        assert!(is_affected(Scheme::Semver, &list(&[""]), (&[], &[]), "1.0.0"));
        assert!(!is_affected(Scheme::Semver, &list(&["< soon"]), (&[], &[]), "1.0.0"));
        assert!(!is_affected(Scheme::Go, &[], (&list(&["1.2.3"]), &[]), "(devel)"));
    }

    #[test]
    fn fixed_versions_are_read_from_either_side() {
        assert_eq!(fixed_version(">= 2.1.0"), Some("2.1.0"));
        assert_eq!(fixed_version("1.8.4"), Some("1.8.4"));
        assert_eq!(fixed_version(">= 2.1.3, < 3.0.0"), None);
        assert_eq!(upper_bounds(">= 1.0, < 1.2 || <2.1"), ["1.2", "2.1"]);
        assert_eq!(upper_bounds("[2.0,2.6.7.3),[2.7.0,2.7.9.5]"), ["2.6.7.3"]);
    }
}
