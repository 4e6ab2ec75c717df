//! Reading the catalogue for people: lists of packages with their state and worst finding, and one package whole.

mod severe;

use crate::{
    Engine,
    assessed::{self, Counts},
    decide::worst_first,
    downloads::{Pulls, pulls},
    waivers::waivers_used,
};
use assay_model::{
    access::{Caller, Permission},
    assessment::Assessment,
    component::{Component, ComponentId},
    decision::Decision,
    event::Event,
    finding::{Finding, Severity},
    health::Signature,
    inventory::{Inventory, StoredInventory},
    keeping::Downloads,
    overrides::{Approval, LicenseCorrection},
    package::{File, FileId, Package, PackageId, Reference, State},
    problem::Problem,
    refusal::Refusal,
    repository::{Repository, RepositoryId},
    score::{Epss, Kev, Scores},
    seam::meta::{self, EventFilter, PackageFilter, Tx},
    vex::VexSubject,
    waiver::Waiver,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A line in a list.
#[derive(Clone, Debug, Serialize)]
pub struct PackageRow {
    /// The package.
    #[serde(flatten)]
    pub package: Package,
    /// Name of its repository.
    pub repository_name: String,
    /// How it is shown (`requests 2.6.0`).
    pub display: String,
    /// Mutable names that point to it.
    pub references: Vec<String>,
    /// Bytes of its files.
    pub size: u64,
    /// Number of findings that count, by severity.
    #[serde(rename = "severities")]
    pub findings: BTreeMap<Severity, usize>,
    /// Number of those that trusted statements or waivers take away, by severity.
    pub suppressed: BTreeMap<Severity, usize>,
    /// The worst of those that count.
    pub worst: Option<Severity>,
    /// How often it was downloaded, and when last.
    pub downloads: Downloads,
}

/// A finding with its component and scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoredFinding {
    /// Whose.
    pub component: Component,
    /// What.
    #[serde(flatten)]
    pub finding: Finding,
    /// Exploit prediction.
    pub epss: Option<Epss>,
    /// Known to be exploited.
    pub kev: Option<Kev>,
    /// What becomes of it: who says otherwise, and which waivers take it away.
    #[serde(flatten)]
    pub assessment: Assessment,
}

impl ScoredFinding {
    pub(crate) fn join((component, finding): (Component, Finding), scores: &Scores) -> Self {
        let epss = finding.ids().find_map(|id| scores.epss.get(id)).cloned();
        let kev = finding.ids().find_map(|id| scores.kev.get(id)).cloned();
        Self { component, finding, epss, kev, assessment: Assessment::default() }
    }
}

/// One package, whole.
#[derive(Clone, Debug, Serialize)]
pub struct PackageDetail {
    /// As in a list.
    #[serde(flatten)]
    pub row: PackageRow,
    /// Where it lives.
    pub repository: Repository,
    /// Its files.
    pub files: Vec<File>,
    /// Paths under which those that are served can be downloaded in a browser.
    pub locations: BTreeMap<FileId, String>,
    /// What was found in them, joined.
    pub inventory: Inventory,
    /// Whether every file that should be was looked into.
    pub inventoried: bool,
    /// Findings, worst first.
    pub findings: Vec<ScoredFinding>,
    /// What it goes by in statements and waivers.
    #[serde(skip)]
    pub names: VexSubject,
    /// Waivers that the last decision rests on.
    pub waivers: Vec<Waiver>,
    /// Decisions, newest first.
    pub decisions: Vec<Decision>,
    /// Why the gate refuses it, where it does.
    pub refusal: Option<Refusal>,
    /// What happened to it, newest first.
    pub events: Vec<Event>,
    /// Who downloaded it, and when.
    pub pulls: Pulls,
    /// The licence as an operator corrected it.
    pub corrected_license: Option<LicenseCorrection>,
    /// Who signed it, and whether that holds.
    pub signatures: Vec<Signature>,
    /// For whom it was taken from an upstream.
    pub requester: Option<String>,
    /// Requests for approval, by policy.
    pub approvals: Vec<Approval>,
}

impl Engine {
    /// Packages that the caller may read.
    ///
    /// # Errors
    /// From the store.
    pub async fn list_packages(&self, caller: &Caller, mut filter: PackageFilter) -> Result<Vec<PackageRow>, Problem> {
        let readable = self.readable_repositories(caller).await?;
        let allowed: BTreeMap<RepositoryId, String> = readable.into_iter().map(|r| (r.id, r.name)).collect();
        let asked = filter.repositories.take();
        let chosen = |id: &&RepositoryId| asked.as_ref().is_none_or(|asked| asked.contains(id));
        filter.repositories = Some(allowed.keys().filter(chosen).copied().collect());
        filter.limit = filter.limit.clamp(1, 500);
        let (formats, now) = (self.parts.formats, self.now());
        meta::read(self.meta(), move |tx| {
            if filter.query.as_ref().is_some_and(|query| !query.severities().is_empty()) {
                return severe::listed(tx, &filter, |tx, page| rows(tx, page, &allowed, formats, now));
            }
            let packages = tx.list_packages(&filter)?;
            rows(tx, packages, &allowed, formats, now)
        })
        .await
    }

    /// One package with all that is known of it.
    ///
    /// # Errors
    /// `NotFound`, also for a package that the caller may not read.
    pub async fn package_detail(self: &Arc<Self>, caller: &Caller, id: PackageId) -> Result<PackageDetail, Problem> {
        let hidden = || Problem::not_found(format!("there is no package {}", id.0));
        let found = meta::read(self.meta(), move |tx| {
            let Some(package) = tx.packages(&[id])?.pop() else { return Ok(None) };
            let repository = tx.repository_by_id(package.repository)?;
            Ok(repository.map(|repository| (package, repository)))
        })
        .await?;
        let (package, repository) = found.ok_or_else(hidden)?;
        caller.require(Permission::Read, &repository)?;
        let scope = self.scope_of(&package).await?;
        let subject = scope.subject(&package.at.version);
        let (formats, now) = (self.parts.formats, self.now());
        let shelved = self.shelved(&scope, repository.id).await?;
        let place = repository.clone();
        let mut detail =
            meta::read(self.meta(), move |tx| load_detail(tx, &package, &place, &subject, formats, now)).await?;
        detail.signatures = self.signatures_of(&detail.row.package, &detail.repository.name).await?;
        let at = shelved.view.versions.iter().position(|v| v.package.id == id && v.blocked.is_some());
        if let Some(at) = at {
            detail.refusal = Some(self.refusal_in(&scope, &shelved.view, at).await?);
        }
        Ok(detail)
    }

    /// The package that a person means by `repository/format/name@version`, by `repository/format/name:reference`, by
    /// `format/name@version` or by id.
    ///
    /// # Errors
    /// `NotFound` saying what was looked for.
    pub async fn find_package(&self, caller: &Caller, what: &str) -> Result<PackageId, Problem> {
        if let Ok(id) = what.parse::<i64>() {
            return Ok(PackageId(id));
        }
        let unknown = || {
            Problem::not_found(format!(
                "no package `{what}`; name it as repository/format/name@version (or name:tag), as format/name@version, or by its number"
            ))
        };
        let readable = self.readable_repositories(caller).await?;
        let (first, rest) = what.split_once('/').ok_or_else(unknown)?;
        let (places, format, rest): (Vec<Repository>, &str, &str) = match rest.split_once('/') {
            Some((format, name)) if self.format(format).is_some() && readable.iter().any(|r| r.name == first) => {
                (readable.into_iter().filter(|r| r.name == first).collect(), format, name)
            }
            _ if self.format(first).is_some() => (readable, first, rest),
            _ => return Err(unknown()),
        };
        let wanted = Wanted::parse(format, rest);
        meta::read(self.meta(), move |tx| {
            for place in &places {
                if let Some(id) = wanted.find(tx, place.id)? {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        })
        .await?
        .ok_or_else(unknown)
    }

    /// Inventories of a package's files, for rendering.
    ///
    /// # Errors
    /// `NotFound`, `Busy` while they are being made.
    pub async fn inventories(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
    ) -> Result<(Package, Vec<StoredInventory>), Problem> {
        let detail = self.package_detail(caller, id).await?;
        let files = detail.files;
        let stored = meta::read(self.meta(), move |tx| {
            let mut all = Vec::new();
            for file in &files {
                if let Some(role) = file.role {
                    all.push(tx.inventory(&file.digest, role)?);
                }
            }
            Ok(all)
        })
        .await?;
        let stored: Option<Vec<StoredInventory>> = stored.into_iter().collect();
        match stored {
            Some(stored) => Ok((detail.row.package, stored)),
            None => Err(Problem::busy("the package is still being inspected", 2)),
        }
    }

    /// A decision, if the caller may read its package.
    ///
    /// # Errors
    /// `NotFound`, also for a decision about a package that the caller may not read.
    pub async fn decision(&self, caller: &Caller, id: &str) -> Result<Decision, Problem> {
        self.readable_decision(caller, id).await.map(|(logged, _)| logged.decision)
    }
}

struct Wanted {
    format: String,
    name: String,
    version: Option<String>,
    reference: Option<String>,
}

impl Wanted {
    fn parse(format: &str, rest: &str) -> Self {
        let (name, version, reference) = match rest.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() => (name, Some(version), None),
            _ => match rest.rsplit_once(':') {
                Some((name, reference)) => (name, None, Some(reference)),
                None => (rest, None, None),
            },
        };
        let owned = |s: Option<&str>| s.map(str::to_owned);
        Self { format: format.to_owned(), name: name.to_owned(), version: owned(version), reference: owned(reference) }
    }

    fn find(&self, tx: &mut dyn Tx, place: RepositoryId) -> Result<Option<PackageId>, Problem> {
        if let Some(wanted) = &self.reference {
            let references = tx.references(place, &self.format, &self.name)?;
            return Ok(references.iter().find(|r| r.name == *wanted).map(|r| r.package));
        }
        let found = tx.packages_named(place, &self.format, &self.name, self.version.as_deref())?;
        Ok(found.iter().map(|p| p.id).max())
    }
}

pub(crate) type Formats = &'static [&'static dyn assay_model::seam::format::Format];

pub(crate) fn rows(
    tx: &mut dyn Tx,
    packages: Vec<Package>,
    names: &BTreeMap<RepositoryId, String>,
    formats: Formats,
    now: Timestamp,
) -> Result<Vec<PackageRow>, Problem> {
    let ids: Vec<PackageId> = packages.iter().map(|p| p.id).collect();
    let mut files: BTreeMap<PackageId, Vec<File>> = BTreeMap::new();
    for file in tx.files_of(&ids)? {
        files.entry(file.package).or_default().push(file);
    }
    let mut counts = assessed::counts(tx, &packages, &files, now)?;
    let mut references: BTreeMap<PackageId, Vec<String>> = BTreeMap::new();
    for Reference { package, name, .. } in tx.references_to(&ids)? {
        references.entry(package).or_default().push(name);
    }
    let mut downloads = tx.downloads_of(&ids)?;
    let row = |package: Package| {
        let Counts { counting, suppressed } = counts.remove(&package.id).unwrap_or_default();
        PackageRow {
            repository_name: names.get(&package.repository).cloned().unwrap_or_default(),
            display: display(formats, &package),
            references: references.remove(&package.id).unwrap_or_default(),
            size: files.get(&package.id).into_iter().flatten().map(|file| file.size).sum(),
            worst: counting.keys().max().copied(),
            downloads: downloads.remove(&package.id).unwrap_or_default(),
            findings: counting,
            suppressed,
            package,
        }
    };
    Ok(packages.into_iter().map(row).collect())
}

pub(crate) fn display(formats: Formats, package: &Package) -> String {
    match formats.iter().find(|f| f.spec().id == package.at.format) {
        Some(format) => format.display(&package.at.name, &package.at.version),
        None => format!("{} {}", package.at.name, package.at.version),
    }
}

fn load_detail(
    tx: &mut dyn Tx,
    package: &Package,
    repository: &Repository,
    subject: &str,
    formats: Formats,
    now: Timestamp,
) -> Result<PackageDetail, Problem> {
    let names = BTreeMap::from([(repository.id, repository.name.clone())]);
    let row = rows(tx, vec![package.clone()], &names, formats, now)?;
    let row = row.into_iter().next().ok_or_else(|| Problem::bug("a package without row"))?;
    let files = tx.files_of(&[package.id])?;
    let (mut inventory, mut inventoried) = (Inventory::default(), true);
    for file in &files {
        let Some(role) = file.role else { continue };
        match tx.inventory(&file.digest, role)? {
            Some(stored) => inventory.absorb(stored.inventory),
            None => inventoried = false,
        }
    }
    let mut findings = findings_of(tx, package.id)?;
    let subject_names = assessed::assess(tx, package, repository, &files, (&mut findings, now))?;
    let decisions = tx.decisions_of(package.id, 50)?;
    let used = decisions.first().map(|decision| decision.basis.waivers.clone()).unwrap_or_default();
    let format = formats.iter().find(|f| f.spec().id == package.at.format);
    let location = |file: &File| Some((file.id, format?.location(&repository.name, &package.at.name, file)?));
    let served = files.iter().filter(|_| package.state == State::Available);
    Ok(PackageDetail {
        row,
        repository: repository.clone(),
        locations: served.filter_map(location).collect(),
        files,
        inventory,
        inventoried,
        findings,
        names: subject_names,
        waivers: waivers_used(tx, &used)?,
        decisions,
        pulls: pulls(tx, package.id, now)?,
        corrected_license: tx.corrected_licenses(&[package.id])?.remove(&package.id),
        signatures: Vec::new(),
        requester: tx.requesters(&[package.id])?.remove(&package.id),
        approvals: tx.approvals_of(&[package.id])?.remove(&package.id).unwrap_or_default(),
        refusal: None,
        events: tx.events(&EventFilter {
            after: 0,
            limit: 100,
            subject: Some(subject.to_owned()),
            newest_first: true,
        })?,
    })
}

pub(crate) fn findings_of(tx: &mut dyn Tx, package: PackageId) -> Result<Vec<ScoredFinding>, Problem> {
    let components = tx.components_of(&[package])?.remove(&package).unwrap_or_default();
    let known: BTreeMap<ComponentId, Component> = components.into_iter().map(|c| (c.id, c.component)).collect();
    let found = tx.findings_of(&known.keys().copied().collect::<Vec<_>>())?;
    let mut all: Vec<(Component, Finding)> =
        found.into_iter().filter_map(|one| Some((known.get(&one.component)?.clone(), one.finding))).collect();
    worst_first(&mut all);
    let ids: BTreeSet<String> = all.iter().flat_map(|(_, f)| f.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
    let scores = tx.scores(&ids.into_iter().collect::<Vec<_>>())?;
    Ok(all.into_iter().map(|one| ScoredFinding::join(one, &scores)).collect())
}
