//! Names, versions and file names of charts: pure.

pub(super) use crate::kit::text::shown;

use assay_model::{Problem, ecosystem::Scheme};
use std::cmp::Ordering;

/// Longest name and version, in bytes.
const NAME: usize = 250;
const VERSION: usize = 128;

/// Places where a file name is tried to be cut into name and version.
const CUTS: usize = 16;

/// What the signature of a chart is called after the chart.
pub(super) const PROVENANCE: &str = ".prov";

/// # Errors
/// `Invalid` when it is no name of a chart: letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if first && name.len() <= NAME && name.bytes().all(sound) && !name.contains("..") {
        return Ok(());
    }
    Err(Problem::invalid(
        "bad-name",
        format!(
            "`{}` cannot name a chart: letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most \
             {NAME} bytes",
            shown(name)
        ),
    ))
}

/// Helm takes semantic versions with one to three numbers, with or without a `v`.
///
/// # Errors
/// `Invalid` when it is none.
pub(super) fn check_version(text: &str) -> Result<(), Problem> {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) && (1..=20).contains(&part.len());
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let (numbers, pre) = rest.split_once('-').map_or((rest, None), |(rest, pre)| (rest, Some(pre)));
    let sound = text.len() <= VERSION
        && (1..=3).contains(&numbers.split('.').count())
        && numbers.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(part))
        && build.is_none_or(|build| build.split('.').all(part));
    if sound {
        return Ok(());
    }
    Err(Problem::invalid(
        "bad-version",
        format!("`{}` is not a semantic version such as 1.2.3 or 1.2.3-rc.1", shown(text)),
    ))
}

/// The order of versions; texts settle what the rules call equal.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    Scheme::Semver.compare(a, b).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
}

/// Whether two texts are one version.
pub(super) fn same(a: &str, b: &str) -> bool {
    let build = |text: &str| text.split_once('+').map(|(_, build)| build.to_owned());
    Scheme::Semver.compare(a, b).is_ok_and(Ordering::is_eq) && build(a) == build(b)
}

/// The file name of a chart.
pub(super) fn file_name(name: &str, version: &str) -> String {
    format!("{name}-{version}.tgz")
}

/// Names and versions that a chart of this file name, or its signature, can have: a name may have digits after a dash,
/// and a version dashes.
pub(super) fn readings(file: &str) -> Vec<(&str, &str)> {
    let stem = file.strip_suffix(PROVENANCE).unwrap_or(file);
    let Some(stem) = stem.strip_suffix(".tgz") else { return Vec::new() };
    let cuts = stem.match_indices('-').filter_map(|(at, _)| Some((stem.get(..at)?, stem.get(at + 1..)?)));
    cuts.filter(|(name, version)| check_name(name).is_ok() && check_version(version).is_ok()).take(CUTS).collect()
}
