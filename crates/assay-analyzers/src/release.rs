//! Which of several statements about the operating system's release counts.

use assay_model::inventory::OsRelease;

/// Where releases are told, the most telling first.
pub(crate) const PATHS: [&str; 4] =
    ["etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/debian_version"];

fn rank(path: &str) -> usize {
    PATHS.iter().position(|known| *known == path).unwrap_or(PATHS.len())
}

/// Keeps the better of the two.
pub(crate) fn keep_better(kept: &mut Option<OsRelease>, found: OsRelease) {
    if kept.as_ref().is_none_or(|kept| rank(&found.path) < rank(&kept.path)) {
        *kept = Some(found);
    }
}
