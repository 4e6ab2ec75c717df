//! The match stage: the findings of a component, from the advisories filed under its keys. No network, no inventory.

use crate::Engine;
use assay_model::{
    component::{ComponentId, StoredComponent},
    package::PackageId,
    problem::Problem,
    seam::{
        matcher::{Matcher, StoredAdvisory},
        meta::{self, Tx},
    },
    work::{Job, Lane, NewJob, Stage},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Lets only one transaction at a time bring new components or new advisories: of two that did not see each other,
/// neither would match the one's component with the other's advisory.
pub(crate) fn fence(tx: &mut dyn Tx) -> Result<(), Problem> {
    tx.put_setting("fence.matching", "")
}

/// Matches components anew; gives those whose findings changed.
pub(crate) fn match_components(
    tx: &mut dyn Tx,
    matcher: &dyn Matcher,
    ids: &[ComponentId],
) -> Result<Vec<ComponentId>, Problem> {
    let components = tx.components(ids)?;
    let filed = Filed::load(tx, matcher, components.iter().map(|stored| &stored.component))?;
    let mut changed = Vec::new();
    for StoredComponent { id, component } in &components {
        let findings = filed.findings(tx, matcher, component)?;
        if tx.set_findings(*id, &findings)? {
            changed.push(*id);
        }
    }
    Ok(changed)
}

/// Advisories by the key they are filed under, loaded once for a batch of components.
pub(crate) struct Filed {
    by_key: BTreeMap<(String, String), Vec<usize>>,
    advisories: Vec<StoredAdvisory>,
}

impl Filed {
    pub(crate) fn load<'a>(
        tx: &mut dyn Tx,
        matcher: &dyn Matcher,
        components: impl Iterator<Item = &'a assay_model::component::Component>,
    ) -> Result<Self, Problem> {
        let keys: BTreeSet<(String, String)> = components.flat_map(|c| matcher.keys(c)).collect();
        let keys: Vec<(String, String)> = keys.into_iter().collect();
        let advisories = tx.advisories_filed(&keys)?;
        let mut by_key: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (index, stored) in advisories.iter().enumerate() {
            for key in matcher.filed_under(&stored.advisory) {
                by_key.entry(key).or_default().push(index);
            }
        }
        Ok(Self { by_key, advisories })
    }

    pub(crate) fn findings(
        &self,
        tx: &mut dyn Tx,
        matcher: &dyn Matcher,
        component: &assay_model::component::Component,
    ) -> Result<Vec<assay_model::finding::Finding>, Problem> {
        let indexes: BTreeSet<usize> =
            matcher.keys(component).iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        if indexes.is_empty() {
            return Ok(Vec::new());
        }
        let candidates: Vec<StoredAdvisory> =
            indexes.into_iter().filter_map(|i| self.advisories.get(i)).cloned().collect();
        let ids: BTreeSet<String> =
            candidates.iter().flat_map(|c| c.advisory.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let aliases = tx.aliases_of(&ids)?;
        let all: BTreeSet<String> =
            ids.into_iter().chain(aliases.iter().flat_map(|(a, b)| [a.clone(), b.clone()])).collect();
        let stated = tx.stated_for(&all.into_iter().collect::<Vec<_>>())?;
        Ok(matcher.findings(component, &candidates, &aliases, &stated))
    }
}

/// Jobs that decide these packages.
pub(crate) fn decide_jobs(packages: &[PackageId], lane: Lane, cause: &str, due: Timestamp) -> Vec<NewJob> {
    let job = |id: &PackageId| NewJob { lane, stage: Stage::Decide, key: id.0, cause: cause.to_owned(), due };
    packages.iter().map(job).collect()
}

impl Engine {
    /// Matches the components of a batch of jobs and asks for decisions about the packages that hold those that changed.
    pub(crate) async fn match_batch(self: &Arc<Self>, jobs: &[Job]) -> Result<(), Problem> {
        let components: Vec<ComponentId> = jobs.iter().map(|job| ComponentId(job.key)).collect();
        let done: Vec<i64> = jobs.iter().map(|job| job.id).collect();
        let mut causes: BTreeMap<String, BTreeSet<ComponentId>> = BTreeMap::new();
        for job in jobs {
            causes.entry(job.cause.clone()).or_default().insert(ComponentId(job.key));
        }
        let (engine, now) = (self.clone(), self.now());
        meta::write(self.meta(), move |tx| {
            let changed = match_components(tx, engine.parts.matcher.as_ref(), &components)?;
            for (cause, asked) in &causes {
                let of: Vec<ComponentId> = changed.iter().filter(|id| asked.contains(id)).copied().collect();
                if !of.is_empty() {
                    let packages = tx.packages_with(&of)?;
                    tx.enqueue(&decide_jobs(&packages, Lane::Change, cause, now))?;
                }
            }
            tx.finish(&done)?;
            crate::workers::tally(tx, crate::workers::MATCHED, components.len())
        })
        .await
    }
}
