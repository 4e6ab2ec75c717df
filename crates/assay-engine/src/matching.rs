//! The match stage: the findings of a component, from the advisories filed under its keys. No network, no inventory.

use crate::Engine;
use assay_model::{
    advisory::is_entry_id,
    component::{ComponentId, StoredComponent},
    finding::{Detail, Finding},
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    seam::{
        matcher::{Matcher, StoredAdvisory},
        meta::{self, Tx},
    },
    work::{Due, Job, Lane, NewJob, Stage},
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
    now: Timestamp,
) -> Result<Vec<ComponentId>, Problem> {
    let components = tx.components(ids)?;
    let filed = Filed::load(tx, matcher, components.iter().map(|stored| &stored.component))?;
    let mut changed = Vec::new();
    for StoredComponent { id, component } in &components {
        let findings = filed.findings(tx, matcher, component)?;
        if tx.set_findings(*id, &findings, now)? {
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
    ) -> Result<Vec<Finding>, Problem> {
        let indexes: BTreeSet<usize> =
            matcher.keys(component).iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        let candidates: Vec<&StoredAdvisory> = indexes.into_iter().filter_map(|i| self.advisories.get(i)).collect();
        let affecting = matcher.affecting(component, &candidates);
        if affecting.is_empty() {
            return Ok(Vec::new());
        }
        let ids: BTreeSet<String> =
            affecting.iter().flat_map(|c| c.advisory.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
        let ids: Vec<String> = ids.into_iter().filter(|id| !is_entry_id(id)).collect();
        let aliases = tx.aliases_of(&ids)?;
        let all: BTreeSet<String> =
            ids.into_iter().chain(aliases.iter().flat_map(|(a, b)| [a.clone(), b.clone()])).collect();
        let about = tx.advisories_filed(&matcher.about(&all))?;
        let stated = tx.stated_for(&all.into_iter().collect::<Vec<_>>())?;
        let known: Vec<&StoredAdvisory> = affecting.into_iter().chain(&about).collect();
        Ok(matcher.findings(component, &known, &aliases, &stated))
    }
}

/// What there is to read about each vulnerability of these findings, by the id that they go by.
pub(crate) fn details<'a>(
    tx: &mut dyn Tx,
    matcher: &dyn Matcher,
    findings: impl Iterator<Item = &'a Finding>,
) -> Result<BTreeMap<String, Detail>, Problem> {
    let (mut sources, mut names): (BTreeMap<String, BTreeSet<String>>, BTreeMap<String, BTreeSet<String>>) =
        (BTreeMap::new(), BTreeMap::new());
    for finding in findings {
        sources.entry(finding.id.clone()).or_default().extend(finding.sources.iter().map(|s| s.advisory.clone()));
        names.entry(finding.id.clone()).or_default().extend(finding.ids().map(str::to_owned));
    }
    let all: BTreeSet<String> = sources.values().flatten().cloned().collect();
    let records = tx.advisories(&all.into_iter().collect::<Vec<_>>())?;
    let all: BTreeSet<String> = names.values().flatten().cloned().collect();
    let about = tx.advisories_filed(&matcher.about(&all))?;
    let mut by_id: BTreeMap<&str, Vec<&StoredAdvisory>> = BTreeMap::new();
    for stored in &records {
        by_id.entry(&stored.advisory.id).or_default().push(stored);
    }
    for stored in &about {
        stored.advisory.aliases.iter().for_each(|alias| by_id.entry(alias).or_default().push(stored));
    }
    let mut details = BTreeMap::new();
    for (id, mut spoken) in sources {
        spoken.extend(names.remove(&id).unwrap_or_default());
        let of_it: Vec<&StoredAdvisory> =
            spoken.iter().filter_map(|one| by_id.get(one.as_str())).flatten().copied().collect();
        details.insert(id, matcher.detail(&of_it));
    }
    Ok(details)
}

/// Jobs that decide these packages.
pub(crate) fn decide_jobs(packages: &[PackageId], lane: Lane, cause: &str, now: Timestamp) -> Vec<NewJob> {
    let job = |id: &PackageId| NewJob {
        lane,
        stage: Stage::Decide,
        key: id.0,
        cause: cause.to_owned(),
        due: Due::at_once(now),
    };
    packages.iter().map(job).collect()
}

impl Engine {
    /// Asks for decisions about packages to which other names point now, where a policy reads tags.
    pub(crate) fn decide_retagged(
        &self,
        tx: &mut dyn Tx,
        packages: BTreeSet<PackageId>,
        at: Timestamp,
    ) -> Result<(), Problem> {
        if packages.is_empty() || !self.rules(tx)?.reads().contains(&FactKind::Tags) {
            return Ok(());
        }
        tx.enqueue(&decide_jobs(&packages.into_iter().collect::<Vec<_>>(), Lane::Change, "tags changed", at))
    }

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
            let changed = match_components(tx, engine.parts.matcher.as_ref(), &components, now)?;
            for (cause, asked) in &causes {
                let of: Vec<ComponentId> = changed.iter().filter(|id| asked.contains(id)).copied().collect();
                if !of.is_empty() {
                    let packages = tx.packages_with(&of)?;
                    tx.enqueue(&decide_jobs(&packages, Lane::Change, cause, now))?;
                }
            }
            tx.finish(&done)?;
            let matched: Vec<i64> = components.iter().map(|id| id.0).collect();
            tx.note_attended(Stage::Match, &matched, now)?;
            crate::workers::tally(tx, crate::workers::MATCHED, components.len())
        })
        .await
    }
}
