//! One package of Debian, from its stanza in a database or its own control file (deb-control(5)).

use crate::component::{OsPackage, set};
use crate::depends::Node;
use crate::part::{field, line};
use crate::stanza::Stanza;

const PURL_TYPE: &str = "deb";
/// Requirements of one package that are kept.
const REQUIREMENTS: usize = 4000;

/// States of which nothing is left in the file system but, perhaps, configuration. In all others the files are there.
const ABSENT: [&str; 2] = ["not-installed", "config-files"];

/// `Status: want flag state`. Where there is no such field, everything is installed.
pub(super) fn is_installed(stanza: Stanza<'_>) -> bool {
    let Some(status) = stanza.get("Status") else { return true };
    status.split_whitespace().nth(2).is_some_and(|state| !ABSENT.contains(&state))
}

/// None without a usable name or version.
pub(super) fn package(stanza: Stanza<'_>, path: &str, analyzer: &str) -> Option<Node> {
    let name = field(stanza.get("Package").as_deref())?;
    let version = field(stanza.get("Version").as_deref())?;
    let architecture = field(stanza.get("Architecture").as_deref()).unwrap_or_default();
    let stated = field(stanza.get("Source").as_deref());
    let (source, source_version) = match stated.as_deref().map(|source| source.split_once('(').unwrap_or((source, "")))
    {
        Some((source, version)) => (source.trim(), version.trim_end_matches(')').trim()),
        None => (name.as_str(), ""),
    };
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version: &version,
        architecture: &architecture,
        source,
        source_version: if source_version.is_empty() { &version } else { source_version },
    };
    let mut found = package.occurrence(path, analyzer).ok()?;
    found.summary = line(stanza.get("Description").as_deref());
    set(&mut found, "maintainer", &line(stanza.get("Maintainer").as_deref()).unwrap_or_default());
    found.requires = ["Pre-Depends", "Depends"].iter().flat_map(|key| list(stanza, key)).take(REQUIREMENTS).collect();
    let needs = found.requires.iter().flat_map(|one| one.split('|')).map(bare).collect();
    let provides = list(stanza, "Provides").take(REQUIREMENTS).map(|one| bare(&one)).collect();
    Some(Node { found, provides, needs })
}

/// Entries of a field with commas between.
fn list(stanza: Stanza<'_>, key: &str) -> impl Iterator<Item = String> {
    let value = stanza.get(key).unwrap_or_default();
    let entries: Vec<String> = value.split(',').map(|one| one.trim().replace('\n', " ")).collect();
    entries.into_iter().filter(|one| !one.is_empty())
}

/// The name in `python3:any (>= 3.5) [amd64]`.
fn bare(entry: &str) -> String {
    let end = entry.trim().find(|c: char| c.is_whitespace() || "(:[<".contains(c));
    entry.trim()[..end.unwrap_or(entry.trim().len())].to_owned()
}
