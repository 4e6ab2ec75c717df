//! Joins components and advisories.
//!
//! `subject` and `key` say under which names they meet, `range` and `constraint` whether a version is affected, `identity`
//! which records speak of the same vulnerability, `severity` how bad it is, `finding` puts them together, `detail` says
//! what there is to read about it. `database` knows who writes which ids. Pure: the same facts give the same findings,
//! byte for byte, in whatever order they come.

mod constraint;
mod database;
mod detail;
mod finding;
mod identity;
mod key;
mod range;
mod severity;
mod subject;

use self::range::Named;
use self::subject::Subject;
use crate::statement::{Note, Statement};
use assay_model::advisory::Advisory;
use assay_model::component::Component;
use assay_model::finding::{Detail, Finding};
use assay_model::score::StatedSeverity;
use assay_model::seam::matcher::{Matcher, StoredAdvisory};
use std::collections::BTreeSet;

/// The matcher for records in the OSV schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsvMatcher;

/// An advisory that affects the component, with the entries that say so.
struct Hit<'a> {
    stored: &'a StoredAdvisory,
    named: Vec<Named<'a>>,
}

impl Hit<'_> {
    fn advisory(&self) -> &Advisory {
        &self.stored.advisory
    }
}

impl Matcher for OsvMatcher {
    fn keys(&self, component: &Component) -> Vec<(String, String)> {
        key::of_component(component)
    }

    fn filed_under(&self, advisory: &Advisory) -> Vec<(String, String)> {
        key::of_advisory(advisory)
    }

    fn searched(&self, key: &(String, String)) -> Vec<(String, String)> {
        key::searched(key)
    }

    fn about(&self, ids: &BTreeSet<String>) -> Vec<(String, String)> {
        key::of_vulnerabilities(ids.iter().map(String::as_str))
    }

    fn stated(&self, advisory: &Advisory) -> Vec<StatedSeverity> {
        severity::stated(advisory)
    }

    fn affecting<'a>(&self, component: &Component, candidates: &[&'a StoredAdvisory]) -> Vec<&'a StoredAdvisory> {
        hits(&Subject::new(component), candidates).into_iter().map(|hit| hit.stored).collect()
    }

    fn findings(
        &self,
        component: &Component,
        candidates: &[&StoredAdvisory],
        aliases: &[(String, String)],
        stated: &[StatedSeverity],
    ) -> Vec<Finding> {
        let subject = Subject::new(component);
        let hits = hits(&subject, candidates);
        let notes = notes(candidates);
        let mut findings: Vec<Finding> = identity::vulnerabilities(&hits, aliases)
            .iter()
            .map(|vulnerability| finding::of(&subject, &hits, vulnerability, &notes, stated))
            .collect();
        findings.sort_by(|a, b| a.id.cmp(&b.id));
        findings
    }

    fn detail(&self, records: &[&StoredAdvisory]) -> Detail {
        detail::of(records)
    }
}

/// The records that affect the component, in a fixed order.
fn hits<'a>(subject: &Subject<'_>, candidates: &[&'a StoredAdvisory]) -> Vec<Hit<'a>> {
    let mut hits: Vec<Hit<'a>> = Vec::new();
    let mut extended: BTreeSet<&str> = BTreeSet::new();
    for stored in candidates.iter().copied().filter(|stored| !is_withdrawn(&stored.advisory)) {
        let named = stored.advisory.affected.iter().filter_map(|affected| {
            let statement = Statement::of(affected);
            let version = key::version_for(subject, affected, statement.as_ref())?.to_owned();
            Some(Named { affected, statement, version })
        });
        let named: Vec<Named<'a>> = named.collect();
        if named.iter().any(|named| subject.extends(named.affected)) {
            extended.extend(identity::name(&stored.advisory));
        }
        let named: Vec<Named<'a>> = named.into_iter().filter(|named| named.affects(subject.scheme)).collect();
        if !named.is_empty() {
            hits.push(Hit { stored, named });
        }
    }
    // A release that is supported for longer has its own say in what the ordinary one no longer fixes.
    for hit in &mut hits {
        if identity::name(hit.advisory()).is_some_and(|name| extended.contains(name)) {
            hit.named.retain(|named| subject.extends(named.affected));
        }
    }
    hits.retain(|hit| !hit.named.is_empty());
    let order = |hit: &Hit<'a>| (&hit.stored.source, &hit.stored.advisory.id, &hit.stored.revision);
    hits.sort_by(|a, b| order(a).cmp(&order(b)));
    hits.dedup_by(|a, b| order(a) == order(b));
    hits
}

/// What is said of vulnerabilities apart from any package, in a fixed order.
fn notes<'a>(candidates: &[&'a StoredAdvisory]) -> Vec<(&'a StoredAdvisory, Note)> {
    let live = candidates.iter().copied().filter(|stored| !is_withdrawn(&stored.advisory));
    let mut notes: Vec<_> = live.filter_map(|stored| Some((stored, Note::of(&stored.advisory)?))).collect();
    notes.sort_by(|(a, _), (b, _)| (&a.source, &a.advisory.id).cmp(&(&b.source, &b.advisory.id)));
    notes
}

fn is_withdrawn(advisory: &Advisory) -> bool {
    advisory.withdrawn.as_ref().is_some_and(|when| !when.is_empty())
}

#[cfg(test)]
mod tests;
