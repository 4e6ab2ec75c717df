//! Which kinds of fact a policy reads, from its parsed source. When in doubt a kind is in: reading too much costs a
//! decision that changes nothing, reading too little would leave a package in the wrong state.

use super::{
    builtins,
    survey::{Step, Survey, Use},
};
use assay_model::policy::FactKind::{self, Epss, Findings, Inventory, Kev, Package, Repository, Tags, Time};
use regorus::unstable::Module;
use std::collections::{BTreeMap, BTreeSet};

/// Everything in the document. The clock is not in it.
const ALL: &[FactKind] = &[Package, Repository, Inventory, Findings, Epss, Kev, Tags];

/// Longest path that names are followed through; a longer one is cut, which reads more, never less.
const MAX_STEPS: usize = 12;

type Path = Vec<Step>;

/// The kinds of fact that a module reads.
pub(super) fn reads(module: &Module, survey: &Survey) -> BTreeSet<FactKind> {
    let names = names(module, survey);
    let mut kinds = BTreeSet::new();
    for reference in &survey.references {
        if matches!(reference.used, Use::Named(_) | Use::EachNamed(_)) {
            continue;
        }
        let counted = reference.used == Use::Counted;
        for path in resolve(&names, &reference.root, &reference.steps) {
            kinds.extend(of_path(&path, counted));
        }
    }
    if survey.calls.iter().any(|call| call.name == builtins::NOW) {
        kinds.insert(Time);
    }
    kinds
}

/// What every name may stand for: `input` itself, imports, and names that references were given, transitively.
fn names(module: &Module, survey: &Survey) -> BTreeMap<String, BTreeSet<Path>> {
    let mut names: BTreeMap<String, BTreeSet<Path>> = BTreeMap::new();
    names.insert("input".into(), BTreeSet::from([Path::new()]));
    for import in &module.imports {
        let Some(path) = super::survey::dotted(&import.refr) else { continue };
        let mut parts = path.split('.');
        if parts.next() != Some("input") {
            continue;
        }
        let steps: Path = parts.map(|part| Step::Key(part.to_owned())).collect();
        let last = path.rsplit('.').next().unwrap_or_default().to_owned();
        let name = import.r#as.as_ref().map_or(last, |span| span.text().to_owned());
        names.entry(name).or_default().insert(steps);
    }
    loop {
        let before: usize = names.values().map(BTreeSet::len).sum();
        for reference in &survey.references {
            let (name, each) = match &reference.used {
                Use::Named(name) => (name, false),
                Use::EachNamed(name) => (name, true),
                _ => continue,
            };
            let mut paths = resolve(&names, &reference.root, &reference.steps);
            if each {
                paths.iter_mut().filter(|path| path.len() < MAX_STEPS).for_each(|path| path.push(Step::Any));
            }
            if !paths.is_empty() {
                names.entry(name.clone()).or_default().extend(paths);
            }
        }
        if names.values().map(BTreeSet::len).sum::<usize>() == before {
            return names;
        }
    }
}

fn resolve(names: &BTreeMap<String, BTreeSet<Path>>, root: &str, steps: &[Step]) -> Vec<Path> {
    let starts = names.get(root).into_iter().flatten();
    starts.map(|start| start.iter().chain(steps).take(MAX_STEPS).cloned().collect()).collect()
}

/// The kinds behind a path below `input`.
fn of_path(path: &[Step], counted: bool) -> Vec<FactKind> {
    let [Step::Key(version), Step::Key(part), rest @ ..] = path else { return whole(path) };
    match (version.as_str(), part.as_str()) {
        ("v0" | "v1", "package") => of_package(rest),
        ("v0" | "v1", "repository") => vec![Repository],
        ("v0" | "v1", "workspace" | "model_security") => vec![],
        ("v0" | "v1", "identity") => vec![Package, Inventory],
        ("v0" | "v1", "metadata" | "upstream") => vec![Package],
        ("v0" | "v1", "osv") => vec![Findings],
        // Results are grouped by what the inventory found.
        ("v0" | "v1", "security_scan") => vec![Findings, Inventory],
        ("v0" | "v1", "sbom") => vec![Inventory, Package],
        ("v0", "vulnerabilities") => of_vulnerability(rest, counted, &[Epss]),
        ("v1", "vulnerabilities") => of_vulnerability(rest, counted, &[Epss, Kev]),
        ("v1", "components" | "os" | "completeness" | "secrets" | "licenses") => vec![Inventory],
        ("v1", "malware" | "end_of_life") => vec![Findings],
        ("v1", "kev") => vec![Findings, Kev],
        ("v1", "tags") => vec![Tags],
        ("v1", "format" | "published_at" | "age_at_arrival_days") => vec![Package],
        ("v0" | "v1", _) => ALL.to_vec(),
        _ => vec![],
    }
}

/// A path that ends at `input` or a version, or has a computed step there.
fn whole(path: &[Step]) -> Vec<FactKind> {
    match path {
        // A key that the document does not have is undefined, whatever happens.
        [Step::Key(version), ..] if version != "v0" && version != "v1" => vec![],
        _ => ALL.to_vec(),
    }
}

fn of_package(rest: &[Step]) -> Vec<FactKind> {
    match rest.first() {
        Some(Step::Key(field)) => match field.as_str() {
            "tags" => vec![Tags],
            "license" | "summary" | "architectures" | "distro" | "distro_version" => vec![Package, Inventory],
            "security_scan_status" => vec![Package, Inventory, Findings],
            field if field.starts_with("security_scan_") => vec![Inventory],
            _ => vec![Package],
        },
        _ => vec![Package, Tags, Inventory, Findings],
    }
}

/// `scores` are the kinds joined to each element: in, unless the path is seen to end elsewhere.
fn of_vulnerability(rest: &[Step], counted: bool, scores: &[FactKind]) -> Vec<FactKind> {
    let mut kinds = vec![Findings];
    match rest {
        [] if counted => {}
        [_, Step::Key(field), ..] => match field.as_str() {
            "epss" | "epss_score" => kinds.push(Epss),
            "kev" if scores.contains(&Kev) => kinds.push(Kev),
            _ => {}
        },
        _ => kinds.extend(scores),
    }
    kinds
}
