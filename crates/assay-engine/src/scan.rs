//! A scan without storing anything: the same inventory, matcher and scores, over what the feeds brought.

use crate::{
    Engine,
    catalogue::ScoredFinding,
    decide::worst_first,
    matching::{Filed, details},
};
use assay_model::{
    component::Component,
    ecosystem,
    finding::{Detail, Finding},
    inventory::Inventory,
    problem::Problem,
    seam::{
        format::Known,
        meta::{self, Tx},
    },
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Versions looked up in one transaction.
const KNOWN: usize = 500;

/// What a scan found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScanResult {
    /// What is inside.
    pub inventory: Inventory,
    /// Findings, worst first.
    pub findings: Vec<ScoredFinding>,
    /// What is known of each vulnerability, by the id of its findings.
    pub details: BTreeMap<String, Detail>,
    /// Number of advisories by source: nothing found and nothing to look in must not be confused.
    pub advisories: BTreeMap<String, i64>,
}

impl Engine {
    /// Matches an inventory that is not stored.
    ///
    /// # Errors
    /// From the store.
    pub async fn scan(self: &Arc<Self>, inventory: Inventory) -> Result<ScanResult, Problem> {
        let engine = self.clone();
        meta::read(self.meta(), move |tx| {
            let components: BTreeSet<Component> = inventory.matched().collect();
            let findings = engine.match_all(tx, &components)?;
            let details = details(tx, engine.parts.matcher.as_ref(), findings.iter().map(|f| &f.finding))?;
            Ok(ScanResult { inventory: inventory.clone(), findings, details, advisories: tx.advisory_counts()? })
        })
        .await
    }

    /// What the stored advisories say of versions of a language's packages, worst first, by purl type.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn known(
        self: &Arc<Self>,
        purl_type: &str,
        versions: &[(String, String)],
    ) -> Result<Vec<Known>, Problem> {
        let Some(law) = ecosystem::of_purl_type(purl_type) else { return Ok(Vec::new()) };
        let mut known = Vec::new();
        for some in versions.chunks(KNOWN) {
            let asked: BTreeMap<Component, (String, String)> = some
                .iter()
                .filter_map(|(name, version)| {
                    Some((Component::of_language(law.osv, name, version).ok()?, (name.clone(), version.clone())))
                })
                .collect();
            let engine = self.clone();
            known.extend(meta::read(self.meta(), move |tx| engine.known_now(tx, &asked)).await?);
        }
        Ok(known)
    }

    fn known_now(&self, tx: &mut dyn Tx, asked: &BTreeMap<Component, (String, String)>) -> Result<Vec<Known>, Problem> {
        let found = self.match_all(tx, &asked.keys().cloned().collect())?;
        let details = details(tx, self.parts.matcher.as_ref(), found.iter().map(|one| &one.finding))?;
        let known = |ScoredFinding { component, finding, .. }: ScoredFinding| {
            let (name, version) = asked.get(&component)?.clone();
            let detail = details.get(&finding.id).cloned().unwrap_or_default();
            Some(Known { name, version, finding, detail })
        };
        Ok(found.into_iter().filter_map(known).collect())
    }

    /// What there is to read about each vulnerability of these findings, by the id that they go by.
    ///
    /// # Errors
    /// From the store.
    pub async fn details(self: &Arc<Self>, findings: &[ScoredFinding]) -> Result<BTreeMap<String, Detail>, Problem> {
        let (engine, findings) = (self.clone(), findings.iter().map(|f| f.finding.clone()).collect::<Vec<_>>());
        meta::read(self.meta(), move |tx| details(tx, engine.parts.matcher.as_ref(), findings.iter())).await
    }

    fn match_all(&self, tx: &mut dyn Tx, components: &BTreeSet<Component>) -> Result<Vec<ScoredFinding>, Problem> {
        let matcher = self.parts.matcher.as_ref();
        let filed = Filed::load(tx, matcher, components.iter())?;
        let mut all: Vec<(Component, Finding)> = Vec::new();
        for component in components {
            let found = filed.findings(tx, matcher, component)?;
            all.extend(found.into_iter().map(|finding| (component.clone(), finding)));
        }
        worst_first(&mut all);
        let ids: BTreeSet<String> =
            all.iter().flat_map(|(_, f)| f.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
        let scores = tx.scores(&ids.into_iter().collect::<Vec<_>>())?;
        Ok(all.into_iter().map(|one| ScoredFinding::join(one, &scores)).collect())
    }
}
