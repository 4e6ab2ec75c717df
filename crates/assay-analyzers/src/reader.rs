//! What analyzers of single files share: how they are taken, and the common steps of reading a package file.
//! Does not live here: any format.

use std::io::Read;

use assay_archive::{Budget, EntryHead, Flow, Kind, Limits, Tolerance, Walker};
use assay_model::component::{Component, Occurrence};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::purl::{BadPurl, Purl};
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry};
use serde::de::DeserializeOwned;

use crate::component::{occurrence, of_language};
use crate::part::{Halt, Part, corrupt, field};

/// Inside something else, larger archives of an ambiguous name are rather backups than packages.
const NESTED_BYTES: u64 = 64 << 20;
/// More declared requirements than any real package has.
pub(crate) const REQUIREMENTS: usize = 5000;

/// An analyzer of files that are each read by themselves.
pub(crate) struct Reader {
    pub(crate) spec: &'static AnalyzerSpec,
    pub(crate) wants: fn(&Entry<'_>) -> bool,
    pub(crate) look: fn(&Entry<'_>, &mut dyn ReadSeek, &Budget, &mut Inventory) -> Result<(), Problem>,
}

impl Analyzer for Reader {
    fn spec(&self) -> &'static AnalyzerSpec {
        self.spec
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        (self.wants)(entry)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        (self.look)(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Reader {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        (self.look)(entry, bytes, budget, out)
    }
}

/// Walks the members of a package, leaving out those with unsafe names: whoever opens the archive tells of them.
pub(crate) fn members(
    bytes: &mut dyn ReadSeek,
    kind: Kind,
    budget: &Budget,
    visit: impl FnMut(&EntryHead, &mut dyn Read) -> Result<Flow, Halt>,
) -> Result<(), Problem> {
    let walker = Walker::new(budget).tolerance(Tolerance::SkipAndReport);
    walker.walk(bytes, kind, visit).map(|_| ()).map_err(|halt| halt.0)
}

/// Whether a file of an ambiguous name (`.zip`, `.tgz`, `.tar.gz`) is small enough to find out.
pub(crate) fn may_be_package(entry: &Entry<'_>) -> bool {
    entry.is_artifact || entry.size <= NESTED_BYTES
}

/// What a file of an ambiguous name turned out to be: one that was not recognised before it broke is for others to report.
pub(crate) fn if_recognised<T>(outcome: Result<(), Problem>, found: Option<T>) -> Result<Option<T>, Problem> {
    match (outcome, found) {
        (_, None) => Ok(None),
        (Ok(()), found) => Ok(found),
        (Err(problem), Some(_)) => Err(problem),
    }
}

/// A package of a language by the name and version it states, with `name@version` as identifier.
pub(crate) fn package(osv: &str, name: &str, version: &str, path: &str, analyzer: &str) -> Result<Occurrence, Problem> {
    let (name, version) = stated(name, version, path)?;
    let component = of_language(osv, &name, &version).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, analyzer);
    found.id = identifier(&name, &version);
    Ok(found)
}

/// A package that no advisories exist for.
pub(crate) fn unmatched(
    purl_type: &str,
    namespace: &str,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> Result<Component, BadPurl> {
    let mut purl = Purl::builder(purl_type, name).namespace(namespace).version(version);
    for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
        purl = purl.qualifier(*key, *value);
    }
    let purl = purl.build()?;
    Ok(Component {
        purl: purl.as_str().to_owned(),
        purl_type: purl_type.to_owned(),
        namespace: purl.namespace().unwrap_or_default().to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ecosystem: String::new(),
        match_name: name.to_owned(),
        match_version: version.to_owned(),
    })
}

/// Usable name and version; a version may be absent where its package manager allows that.
pub(crate) fn stated(name: &str, version: &str, path: &str) -> Result<(String, String), Problem> {
    let name = field(Some(name)).ok_or_else(|| corrupt(format!("{path} has no usable name")))?;
    let version = if version.trim().is_empty() { Some(String::new()) } else { field(Some(version)) };
    Ok((name, version.ok_or_else(|| corrupt(format!("{path} has no usable version")))?))
}

/// `name@version`, as most package managers write it.
pub(crate) fn identifier(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
}

/// Requirements as they are told: usable ones, in bounded number.
pub(crate) fn requirements(all: impl Iterator<Item = String>) -> Vec<String> {
    all.filter_map(|one| field(Some(&one))).take(REQUIREMENTS).collect()
}

/// A YAML document as `T`; tags of its producer's own types are passed over.
pub(crate) fn yaml<T: DeserializeOwned>(text: &str, path: &str) -> Result<T, Problem> {
    crate::yaml::document(text).map_err(|mut problem| {
        problem.message = format!("{path}: {}", problem.message);
        problem
    })
}

/// A JSON document.
pub(crate) fn json(text: &str, path: &str) -> Result<serde_json::Value, Problem> {
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| corrupt(format!("{path} is no JSON: {error}")))
}
