//! Finds by where they are: the system's packages, each lock file, installed packages of a language together.

use super::{
    Options, Subject,
    kinds::{self, Kind},
    model::{ModifiedFinding, Outcome, Package, Vulnerability},
    package::{Surroundings, id, id_of_system, package},
    vulnerability::vulnerability,
};
use crate::{ScanResult, catalogue::ScoredFinding, ignore::Suppressed};
use assay_model::{
    component::{Component, Occurrence},
    ecosystem,
    finding::FindingKind,
    inventory::Inventory,
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Finds that make one result.
pub(super) struct Group<'a> {
    pub(super) target: String,
    pub(super) class: &'static str,
    pub(super) kind: String,
    pub(super) found: Vec<(Kind, &'a Occurrence)>,
}

/// All groups: the system first, then by target. What a system package owns is that package's.
pub(super) fn groups<'a>(subject: &Subject, inventory: &'a Inventory) -> Vec<Group<'a>> {
    let around = Surroundings::of(inventory, &subject.name);
    let mut system: BTreeMap<(String, String), Group<'a>> = BTreeMap::new();
    let mut languages: BTreeMap<(String, String), Group<'a>> = BTreeMap::new();
    for found in inventory.components.iter().filter(|o| o.owned_by.is_none()) {
        let kind = kinds::of(found);
        if kind.name.is_empty() && kinds::is_of_bill(found) {
            // no package of any ecosystem
            continue;
        }
        let (target, name) = match (kind.is_system, kind.together) {
            (true, _) => system_target(subject, inventory, found),
            (false, Some(together)) => (together.to_owned(), kind.name.to_owned()),
            (false, None) => (around.path(found).to_owned(), kind.name.to_owned()),
        };
        let (all, class) = if kind.is_system { (&mut system, "os-pkgs") } else { (&mut languages, "lang-pkgs") };
        all.entry((target.clone(), name.clone()))
            .or_insert_with(|| Group { target, class, kind: name, found: Vec::new() })
            .found
            .push((kind, found));
    }
    system.into_values().chain(languages.into_values()).collect()
}

/// Target and type of a package of a system. A loose package file stands for itself.
fn system_target(subject: &Subject, inventory: &Inventory, found: &Occurrence) -> (String, String) {
    match &inventory.os {
        Some(os) => {
            let family = kinds::family(os);
            (format!("{} ({family} {})", subject.name, os.version), family.to_owned())
        }
        None => {
            let component = &found.component;
            let kind = if component.namespace.is_empty() { &component.purl_type } else { &component.namespace };
            (subject.name.clone(), kind.clone())
        }
    }
}

/// The results about packages.
pub(super) fn outcomes(
    scan: &ScanResult,
    subject: &Subject,
    artifact: &str,
    options: &Options,
    suppressed: &[Suppressed],
) -> Vec<Outcome> {
    let around = Surroundings::of(&scan.inventory, &subject.name);
    let mut findings: BTreeMap<&Component, Vec<&ScoredFinding>> = BTreeMap::new();
    for one in &scan.findings {
        findings.entry(&one.component).or_default().push(one);
    }
    let mut left_out: BTreeMap<&Component, Vec<&Suppressed>> = BTreeMap::new();
    for one in suppressed {
        left_out.entry(&one.finding.component).or_default().push(one);
    }
    let groups = groups(subject, &scan.inventory);
    let about = About { subject, around, findings, left_out, scan, artifact, options };
    groups.into_iter().map(|group| outcome(group, &about)).collect()
}

/// What all results are made from.
struct About<'a> {
    subject: &'a Subject,
    around: Surroundings<'a>,
    findings: BTreeMap<&'a Component, Vec<&'a ScoredFinding>>,
    left_out: BTreeMap<&'a Component, Vec<&'a Suppressed>>,
    scan: &'a ScanResult,
    artifact: &'a str,
    options: &'a Options,
}

/// The identifiers of a group as reports write them, by those that refer to one another.
fn ids<'a>(group: &Group<'a>, about: &About<'_>) -> BTreeMap<&'a str, String> {
    let named = group.found.iter().filter(|(_, found)| !found.id.is_empty());
    let written = |kind: &Kind, found: &Occurrence| match kind.is_system {
        true => id_of_system(found, &about.around),
        false => id(found, *kind, &about.subject.name),
    };
    named.map(|(kind, found)| (found.id.as_str(), written(kind, found))).collect()
}

fn outcome(group: Group<'_>, about: &About<'_>) -> Outcome {
    let About { around, findings, scan, artifact, options, .. } = about;
    let ids = ids(&group, about);
    let mut packages: Vec<(Package, &Component)> =
        group.found.iter().map(|(kind, found)| (package(found, *kind, &ids, around), &found.component)).collect();
    if !options.include_dev {
        leave_development_out(&mut packages);
    }
    packages.sort_by(|(a, _), (b, _)| by_relationship(a, b));
    packages.dedup_by(|(a, _), (b, _)| a == b);
    let mut vulnerabilities: Vec<(Vulnerability, &Component)> = Vec::new();
    if options.vulnerabilities {
        for (package, component) in &packages {
            for one in findings.get(component).into_iter().flatten().filter(|one| is_listed(one)) {
                let detail = scan.details.get(&one.finding.id);
                vulnerabilities.push((vulnerability(one, detail, package, artifact, &group.target), component));
            }
        }
    }
    let modified_findings = modified(&packages, about, &group.target);
    Outcome {
        target: group.target,
        class: group.class.to_owned(),
        kind: group.kind,
        packages: if options.packages { packages.into_iter().map(|(package, _)| package).collect() } else { vec![] },
        vulnerabilities: distinct(vulnerabilities),
        modified_findings,
        ..Outcome::default()
    }
}

/// What was left out of a group's findings, each once, in the order of package and vulnerability.
fn modified(packages: &[(Package, &Component)], about: &About<'_>, target: &str) -> Vec<ModifiedFinding> {
    let mut all = Vec::new();
    for (package, component) in packages {
        for one in about.left_out.get(component).into_iter().flatten().filter(|one| is_listed(&one.finding)) {
            let detail = about.scan.details.get(&one.finding.finding.id);
            let v = vulnerability(&one.finding, detail, package, about.artifact, target);
            // Trivy's readers know VEX's own word for the reason, where there is one.
            let why = one.justification.as_ref().or(one.statement.as_ref());
            let told = ModifiedFinding {
                kind: "vulnerability".to_owned(),
                status: one.status.clone(),
                statement: why.cloned().unwrap_or_default(),
                source: one.source.clone(),
                finding: serde_json::to_value(&v).unwrap_or_default(),
            };
            all.push(((v.pkg_name, v.pkg_id, v.installed_version, v.vulnerability_id, v.pkg_path), told));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup_by(|(a, _), (b, _)| a == b);
    all.into_iter().map(|(_, told)| told).collect()
}

/// That a whole system is out of support is said of the system.
fn is_listed(one: &ScoredFinding) -> bool {
    one.finding.kind != FindingKind::EndOfLife || !one.component.purl.is_empty()
}

/// Packages only needed to develop go, and the project's own entries no longer name them.
fn leave_development_out(packages: &mut Vec<(Package, &Component)>) {
    let gone: BTreeSet<String> = packages.iter().filter(|(p, _)| p.dev).map(|(p, _)| p.id.clone()).collect();
    packages.retain(|(package, _)| !package.dev);
    let kept: BTreeSet<String> = packages.iter().map(|(p, _)| p.id.clone()).collect();
    for (package, _) in packages.iter_mut() {
        if matches!(package.relationship.as_str(), "root" | "workspace") {
            package.depends_on.retain(|id| !gone.contains(id) || kept.contains(id));
        }
    }
}

fn by_relationship(a: &Package, b: &Package) -> Ordering {
    let place = |p: &Package| match p.relationship.as_str() {
        "root" => 0,
        "workspace" => 1,
        "direct" => 2,
        "indirect" => 3,
        _ => 4,
    };
    let key = |p: &Package| (place(p), p.name.clone(), p.version.clone(), p.file_path.clone(), p.release.clone());
    key(a).cmp(&key(b)).then_with(|| a.identifier.uid.cmp(&b.identifier.uid))
}

/// Each vulnerability of a package once, with the highest version that is said to mend it; in the order of reports.
fn distinct(mut all: Vec<(Vulnerability, &Component)>) -> Vec<Vulnerability> {
    let severity =
        |v: &Vulnerability| assay_model::finding::Severity::parse(&v.severity).map_or(0, super::vulnerability::rank);
    all.sort_by(|(a, _), (b, _)| {
        let key = |v: &Vulnerability| (v.pkg_name.clone(), v.pkg_id.clone(), v.installed_version.clone());
        let rest = |v: &Vulnerability| (v.vulnerability_id.clone(), v.pkg_path.clone());
        key(a).cmp(&key(b)).then_with(|| severity(b).cmp(&severity(a))).then_with(|| rest(a).cmp(&rest(b)))
    });
    let mut kept: Vec<(Vulnerability, &Component)> = Vec::new();
    for (one, component) in all {
        match kept.last_mut().filter(|(last, _)| same(last, &one)) {
            Some((last, _)) => {
                if is_higher(component, &one.fixed_version, &last.fixed_version) {
                    *last = one;
                }
            }
            None => kept.push((one, component)),
        }
    }
    kept.into_iter().map(|(one, _)| one).collect()
}

fn same(a: &Vulnerability, b: &Vulnerability) -> bool {
    (&a.vulnerability_id, &a.pkg_id, &a.pkg_name, &a.installed_version, &a.pkg_path)
        == (&b.vulnerability_id, &b.pkg_id, &b.pkg_name, &b.installed_version, &b.pkg_path)
}

/// By the order of versions of the ecosystem, which is not that of the alphabet.
fn is_higher(component: &Component, a: &str, b: &str) -> bool {
    if a.is_empty() || b.is_empty() {
        return b.is_empty() && !a.is_empty();
    }
    let last = |text: &str| text.rsplit(", ").next().unwrap_or_default().to_owned();
    let law = ecosystem::of_purl(&component.purl_type, Some(&component.namespace));
    law.is_some_and(|law| matches!(law.scheme.compare(&last(a), &last(b)), Ok(Ordering::Greater)))
}
