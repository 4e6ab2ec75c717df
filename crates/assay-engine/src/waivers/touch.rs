//! Which packages a waiver touches: found from its scope through the indexes, never by looking at all.

use crate::{Engine, matching::decide_jobs, vex::names_of};
use assay_model::{
    component::{ComponentId, StoredComponent},
    ecosystem::Scheme,
    package::{Package, PackageId},
    policy::FactKind,
    problem::Problem,
    purl::{OCI, Purl},
    repository::Repository,
    seam::meta::Tx,
    waiver::{Waiver, WaiverScope},
    work::Lane,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Asks for decisions about what a waiver touches, where a policy can see the difference; says how many.
    pub(super) fn decide_touched(
        &self,
        tx: &mut dyn Tx,
        waiver: &Waiver,
        cause: &str,
        now: Timestamp,
    ) -> Result<usize, Problem> {
        let seen = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
        let rules = self.rules(tx)?;
        if waiver.is_about_findings() && !seen.iter().any(|kind| rules.reads().contains(kind)) {
            return Ok(0);
        }
        let packages = touched(tx, &waiver.scope)?;
        tx.enqueue(&decide_jobs(&packages, Lane::Change, cause, now))?;
        Ok(packages.len())
    }
}

/// The packages that a scope is about.
pub(super) fn touched(tx: &mut dyn Tx, scope: &WaiverScope) -> Result<Vec<PackageId>, Problem> {
    let found = match scope.is_about_findings() {
        true => with_findings(tx, scope)?,
        false => {
            let mut judged = BTreeSet::new();
            for policy in &scope.policies {
                judged.extend(tx.packages_judged_by(policy)?);
            }
            named(tx, scope, judged)?
        }
    };
    if scope.repositories.is_empty() {
        return Ok(found.into_iter().collect());
    }
    let repositories: BTreeMap<_, Repository> = tx.repositories()?.into_iter().map(|one| (one.id, one)).collect();
    let here = |package: &Package| {
        repositories.get(&package.repository).is_some_and(|repository| scope.is_in(&repository.name))
    };
    let ids: Vec<PackageId> = found.into_iter().collect();
    Ok(tx.packages(&ids)?.into_iter().filter(here).map(|package| package.id).collect())
}

/// Packages with a component that has one of the vulnerabilities, where component or package are within the scope.
fn with_findings(tx: &mut dyn Tx, scope: &WaiverScope) -> Result<BTreeSet<PackageId>, Problem> {
    let ids: Vec<String> = scope.vulnerabilities.iter().cloned().collect();
    let components = tx.components_with_ids(&ids)?;
    if scope.packages.is_empty() {
        return Ok(tx.packages_with(&components)?.into_iter().collect());
    }
    let covered = |stored: &StoredComponent| scope.covers(std::iter::once(stored.component.purl.as_str()));
    let (within, without): (Vec<_>, Vec<_>) = tx.components(&components)?.into_iter().partition(covered);
    let holders = |tx: &mut dyn Tx, some: Vec<StoredComponent>| {
        let ids: Vec<ComponentId> = some.into_iter().map(|stored| stored.id).collect();
        tx.packages_with(&ids).map(|found| found.into_iter().collect::<BTreeSet<PackageId>>())
    };
    let mut found = holders(tx, within)?;
    let rest = holders(tx, without)?.difference(&found).copied().collect();
    found.extend(named(tx, scope, rest)?);
    Ok(found)
}

/// Those of the packages that go by a package URL of the scope themselves.
fn named(
    tx: &mut dyn Tx,
    scope: &WaiverScope,
    mut candidates: BTreeSet<PackageId>,
) -> Result<BTreeSet<PackageId>, Problem> {
    if scope.packages.is_empty() || candidates.is_empty() {
        return Ok(candidates);
    }
    let purls: Vec<Purl> = scope.packages.iter().filter_map(|range| range.purl.parse().ok()).collect();
    if !purls.iter().any(|purl| purl.kind() == OCI) {
        let keys: Vec<(String, String)> = purls.iter().filter_map(key).collect();
        let components: Vec<ComponentId> = tx.components_named(&keys)?.into_iter().map(|stored| stored.id).collect();
        let holding: BTreeSet<PackageId> = tx.packages_with(&components)?.into_iter().collect();
        candidates.retain(|id| holding.contains(id));
    }
    let ids: Vec<PackageId> = candidates.into_iter().collect();
    let mut found = BTreeSet::new();
    for package in tx.packages(&ids)? {
        let Some(repository) = tx.repository_by_id(package.repository)? else { continue };
        let upstream = match &package.origin {
            Some(origin) => tx.upstream(package.repository, origin)?,
            None => None,
        };
        let files = tx.files_of(&[package.id])?;
        let names = names_of(tx, &package, &repository, upstream.as_ref(), &files)?;
        if scope.covers(names.purls.iter().map(String::as_str)) {
            found.insert(package.id);
        }
    }
    Ok(found)
}

/// The key that components of a package URL are filed under.
fn key(purl: &Purl) -> Option<(String, String)> {
    let law = purl.law()?;
    let separator = if law.scheme == Scheme::Maven { ':' } else { '/' };
    let full = match purl.namespace() {
        Some(namespace) if !law.is_distribution() => format!("{namespace}{separator}{}", purl.name()),
        _ => purl.name().to_owned(),
    };
    Some((law.osv.to_owned(), law.normalize_name(&full).into_owned()))
}
