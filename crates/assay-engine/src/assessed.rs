//! What becomes of the findings of stored packages, for people: those of one package one by one, and the numbers in lists.
//! A finding that no policy sees, because a trusted statement or a waiver takes it away, is counted apart everywhere.

use crate::{
    catalogue::ScoredFinding,
    vex::{names_of, note_holders, said_about},
};
use assay_model::{
    assessment::Assessor,
    component::{Component, ComponentId},
    finding::{Finding, Severity},
    package::{File, Package, PackageId},
    problem::Problem,
    repository::Repository,
    seam::meta::Tx,
    vex::{Said, VexStatement, VexSubject},
    waiver::Waiver,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of findings by severity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Those that count.
    pub(crate) counting: BTreeMap<Severity, usize>,
    /// Those that do not.
    pub(crate) suppressed: BTreeMap<Severity, usize>,
}

/// Assesses the findings of one package; gives the names that statements and waivers know it by.
pub(crate) fn assess(
    tx: &mut dyn Tx,
    package: &Package,
    repository: &Repository,
    files: &[File],
    (findings, now): (&mut [ScoredFinding], Timestamp),
) -> Result<VexSubject, Problem> {
    let ids: BTreeSet<String> = findings.iter().flat_map(|found| found.finding.ids()).map(str::to_owned).collect();
    let statements = said_about(tx, &ids)?;
    let waivers = tx.waivers_in_force(now)?;
    let with_findings: Vec<&Component> = findings.iter().map(|found| &found.component).collect();
    let names = subject(tx, package, repository, files, (&statements, &with_findings))?;
    let assessor = Assessor::new(&names, &repository.name, &statements, &waivers, now);
    for found in findings {
        found.assessment = assessor.assess(&found.component, &found.finding);
    }
    Ok(names)
}

fn subject(
    tx: &mut dyn Tx,
    package: &Package,
    repository: &Repository,
    files: &[File],
    (statements, with_findings): (&[Said], &[&Component]),
) -> Result<VexSubject, Problem> {
    let upstream = match &package.origin {
        Some(origin) => tx.upstream(package.repository, origin)?,
        None => None,
    };
    let mut names = names_of(tx, package, repository, upstream.as_ref(), files)?;
    let statements: Vec<&VexStatement> = statements.iter().map(|said| &said.statement).collect();
    note_holders(tx, &mut names, files, &statements, with_findings.iter().copied())?;
    Ok(names)
}

/// Numbers of the findings of listed packages.
pub(crate) fn counts(
    tx: &mut dyn Tx,
    packages: &[Package],
    files: &BTreeMap<PackageId, Vec<File>>,
    now: Timestamp,
) -> Result<BTreeMap<PackageId, Counts>, Problem> {
    let ids: Vec<PackageId> = packages.iter().map(|package| package.id).collect();
    let mut components: BTreeMap<PackageId, Vec<ComponentId>> = BTreeMap::new();
    let mut known: BTreeMap<ComponentId, (Component, Vec<Finding>)> = BTreeMap::new();
    for (package, inside) in tx.components_of(&ids)? {
        components.insert(package, inside.iter().map(|stored| stored.id).collect());
        known.extend(inside.into_iter().map(|stored| (stored.id, (stored.component, Vec::new()))));
    }
    let mut spoken: BTreeSet<String> = BTreeSet::new();
    for one in tx.findings_of(&known.keys().copied().collect::<Vec<_>>())? {
        spoken.extend(one.finding.ids().map(str::to_owned));
        if let Some((_, findings)) = known.get_mut(&one.component) {
            findings.push(one.finding);
        }
    }
    let answers = Answers::load(tx, &spoken, now)?;
    let mut all = BTreeMap::new();
    for package in packages {
        let inside = components.get(&package.id).into_iter().flatten().filter_map(|id| known.get(id));
        let found: Vec<(&Component, &Finding)> =
            inside.flat_map(|(component, findings)| findings.iter().map(move |one| (component, one))).collect();
        let files = files.get(&package.id).map(Vec::as_slice).unwrap_or_default();
        all.insert(package.id, answers.count(tx, package, files, &found)?);
    }
    Ok(all)
}

/// What may take findings of a list away.
struct Answers {
    statements: Vec<Said>,
    waivers: Vec<Waiver>,
    now: Timestamp,
}

impl Answers {
    fn load(tx: &mut dyn Tx, ids: &BTreeSet<String>, now: Timestamp) -> Result<Self, Problem> {
        // only the word of those who are trusted takes anything away
        let statements = said_about(tx, ids)?.into_iter().filter(|said| said.trusted).collect();
        let mut waivers = tx.waivers_in_force(now)?;
        waivers.retain(|waiver| waiver.is_about_findings() && waiver.scope.policies.is_empty());
        Ok(Self { statements, waivers, now })
    }

    fn count(
        &self,
        tx: &mut dyn Tx,
        package: &Package,
        files: &[File],
        found: &[(&Component, &Finding)],
    ) -> Result<Counts, Problem> {
        let ids: BTreeSet<&str> = found.iter().flat_map(|(_, finding)| finding.ids()).collect();
        let about = |said: &&Said| said.statement.vulnerability.iter().any(|id| ids.contains(id.as_str()));
        let statements: Vec<Said> = self.statements.iter().filter(about).cloned().collect();
        let waived =
            self.waivers.iter().any(|waiver| waiver.scope.vulnerabilities.iter().any(|id| ids.contains(id.as_str())));
        let mut counts = Counts::default();
        let answered = waived || statements.iter().any(|said| said.statement.status.suppresses());
        let repository = if answered { tx.repository_by_id(package.repository)? } else { None };
        let Some(repository) = repository else {
            // what nobody speaks of counts, and needs no further look
            found.iter().for_each(|(_, finding)| *counts.counting.entry(finding.severity).or_default() += 1);
            return Ok(counts);
        };
        let with_findings: Vec<&Component> = found.iter().map(|(component, _)| *component).collect();
        let names = subject(tx, package, &repository, files, (&statements, &with_findings))?;
        let assessor = Assessor::new(&names, &repository.name, &statements, &self.waivers, self.now);
        for (component, finding) in found {
            let counted = match assessor.assess(component, finding).for_all() {
                Some(_) => &mut counts.suppressed,
                None => &mut counts.counting,
            };
            *counted.entry(finding.severity).or_default() += 1;
        }
        Ok(counts)
    }
}
