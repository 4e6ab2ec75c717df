//! The matcher: joins components and advisories. Pure; implemented by `assay-advisories`.

use crate::{
    advisory::Advisory,
    component::Component,
    finding::{Detail, Finding},
    score::StatedSeverity,
};
use std::collections::BTreeSet;

/// An advisory as stored, with the digest of the revision.
#[derive(Clone, Debug)]
pub struct StoredAdvisory {
    /// The record.
    pub advisory: Advisory,
    /// Source that brought it.
    pub source: String,
    /// Digest of this revision's bytes.
    pub revision: String,
}

/// Joins components and advisories.
pub trait Matcher: Send + Sync {
    /// The (ecosystem, name) pairs under which advisories about this component are filed; several where an ecosystem has
    /// records with and without a release.
    fn keys(&self, component: &Component) -> Vec<(String, String)>;
    /// The (ecosystem, name) pairs under which this advisory is to be filed. Same normalisation as [`Matcher::keys`].
    fn filed_under(&self, advisory: &Advisory) -> Vec<(String, String)>;
    /// The (ecosystem, name) pairs to look for among components in order to find all that have this key, and some that do
    /// not: an ecosystem without release stands for all of its releases, a name for a component's own or its source's.
    fn searched(&self, key: &(String, String)) -> Vec<(String, String)>;
    /// The pairs under which records about these vulnerabilities apart from any package are filed.
    fn about(&self, ids: &BTreeSet<String>) -> Vec<(String, String)>;
    /// What this advisory states about severity, for each id it gives itself.
    fn stated(&self, advisory: &Advisory) -> Vec<StatedSeverity>;
    /// Those candidates that affect the component.
    fn affecting<'a>(&self, component: &Component, candidates: &[&'a StoredAdvisory]) -> Vec<&'a StoredAdvisory>;
    /// The findings of one component. `candidates` are the advisories filed under its keys, and those about the
    /// vulnerabilities they name (withdrawn ones are ignored), `aliases` are further pairs of ids known to be the same,
    /// `stated` are severities of any of the ids. Deterministic: sorted by id.
    fn findings(
        &self,
        component: &Component,
        candidates: &[&StoredAdvisory],
        aliases: &[(String, String)],
        stated: &[StatedSeverity],
    ) -> Vec<Finding>;
    /// What there is to read about a vulnerability in the records that speak of it, in whatever order they come.
    fn detail(&self, records: &[&StoredAdvisory]) -> Detail;
}
