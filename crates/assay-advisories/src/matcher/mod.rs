//! Joins components and advisories.
//!
//! `key` says under which names they meet, `range` whether a version is affected, `identity` which records speak of the
//! same vulnerability, `severity` how bad it is, `finding` puts them together. `database` knows who writes which ids.
//! Pure: the same facts give the same findings, byte for byte, in whatever order they come.

mod database;
mod finding;
mod identity;
mod key;
mod range;
mod severity;

use assay_model::advisory::{Advisory, Affected};
use assay_model::component::Component;
use assay_model::finding::Finding;
use assay_model::score::StatedSeverity;
use assay_model::seam::matcher::{Matcher, StoredAdvisory};

/// The matcher for records in the OSV schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsvMatcher;

/// An advisory that affects the component, with the entries that say so.
struct Hit<'a> {
    stored: &'a StoredAdvisory,
    affected: Vec<&'a Affected>,
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

    fn stated(&self, advisory: &Advisory) -> Vec<StatedSeverity> {
        severity::stated(advisory)
    }

    fn findings(
        &self,
        component: &Component,
        candidates: &[StoredAdvisory],
        aliases: &[(String, String)],
        stated: &[StatedSeverity],
    ) -> Vec<Finding> {
        let hits = hits(component, candidates);
        let mut findings: Vec<Finding> = identity::vulnerabilities(&hits, aliases)
            .iter()
            .map(|vulnerability| finding::of(component, &hits, vulnerability, stated))
            .collect();
        findings.sort_by(|a, b| a.id.cmp(&b.id));
        findings
    }
}

/// The records that affect the component, in a fixed order.
fn hits<'a>(component: &Component, candidates: &'a [StoredAdvisory]) -> Vec<Hit<'a>> {
    let mut hits: Vec<Hit<'a>> = candidates
        .iter()
        .filter(|stored| !is_withdrawn(&stored.advisory))
        .filter_map(|stored| {
            let named = stored.advisory.affected.iter().filter(|affected| key::covers(component, affected));
            let affected: Vec<_> = named.filter(|affected| range::is_affected(component, affected)).collect();
            (!affected.is_empty()).then_some(Hit { stored, affected })
        })
        .collect();
    let order = |hit: &Hit<'a>| (&hit.stored.source, &hit.stored.advisory.id, &hit.stored.revision);
    hits.sort_by(|a, b| order(a).cmp(&order(b)));
    hits.dedup_by(|a, b| order(a) == order(b));
    hits
}

fn is_withdrawn(advisory: &Advisory) -> bool {
    advisory.withdrawn.as_ref().is_some_and(|when| !when.is_empty())
}

#[cfg(test)]
mod tests;
