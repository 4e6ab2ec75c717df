//! Which kinds of fact a policy reads, from its parsed source. When in doubt a kind is in: reading too much costs a
//! decision that changes nothing, reading too little would leave a package in the wrong state.

use super::{
    builtins,
    survey::{Reference, Step, Survey, Use},
};
use crate::input::Parts;
use assay_model::policy::FactKind::{
    self, Advisories, Downloads, Epss, Findings, Freshness, Health, Inventory, Kev, Package, Repository, Signatures,
    Ssvc, Tags, Time, Vex, Waivers,
};
use regorus::unstable::Module;
use std::collections::{BTreeMap, BTreeSet};

/// Everything in the document. The clock is not in it.
const ALL: &[FactKind] = &[
    Package, Repository, Inventory, Findings, Advisories, Epss, Kev, Ssvc, Tags, Vex, Waivers, Health, Signatures,
    Freshness, Downloads,
];

/// Findings that count: statements and waivers take some away.
const COUNTED: &[FactKind] = &[Findings, Vex, Waivers];

/// Longest path that names are followed through; a longer one is cut, which reads more, never less.
const MAX_STEPS: usize = 12;

type Path = Vec<Step>;

/// The kinds of fact that a module reads.
pub(super) fn reads(module: &Module, survey: &Survey) -> BTreeSet<FactKind> {
    let names = names(module, survey);
    let mut kinds = BTreeSet::new();
    for (reference, path) in resolved(&names, survey) {
        kinds.extend(of_path(&path, reference.used != Use::Whole));
    }
    if survey.calls.iter().any(|call| call.name == builtins::NOW) {
        kinds.insert(Time);
    }
    kinds
}

/// The parts of the document that a module reads; all where it takes more than a part at once, or one that it computes.
pub(super) fn parts(module: &Module, survey: &Survey) -> Parts {
    let mut parts = BTreeSet::new();
    for (_, path) in resolved(&names(module, survey), survey) {
        match path.as_slice() {
            [Step::Key(version), ..] if version != "v0" && version != "v1" => {}
            [Step::Key(_), Step::Key(part), ..] => drop(parts.insert(part.clone())),
            _ => return Parts::all(),
        }
    }
    Parts::of(parts)
}

/// What each reference may reach. Only a name for a part, or for more, reads nothing: it always has a value. A name for
/// what is further down may have none, and one for each element has as many values as there are elements.
fn resolved<'a>(names: &BTreeMap<String, BTreeSet<Path>>, survey: &'a Survey) -> Vec<(&'a Reference, Path)> {
    let all = survey.references.iter().flat_map(|r| {
        let paths = resolve(names, &r.root, &r.steps).into_iter();
        paths.map(move |path| (r, path))
    });
    all.filter(|(r, path)| !matches!(r.used, Use::Named(_)) || path.len() > 2).collect()
}

/// Whether anything takes scores without naming them: a whole vulnerability, or all of them.
pub(super) fn takes_scores_unnamed(module: &Module, survey: &Survey) -> bool {
    let names = names(module, survey);
    let named = |step: &Step| matches!(step, Step::Key(key) if key == "epss");
    let used = survey.references.iter().filter(|r| !matches!(r.used, Use::Named(_) | Use::EachNamed(_)));
    used.flat_map(|r| resolve(&names, &r.root, &r.steps).into_iter().map(move |path| (path, r.used == Use::Counted)))
        .any(|(path, counted)| !path.iter().any(named) && of_path(&path, counted).contains(&Epss))
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
        ("v0" | "v1", "osv") => with(COUNTED, &[Advisories]),
        // Results are grouped by what the inventory found.
        ("v0" | "v1", "security_scan") => {
            with(COUNTED, if !counted && links(rest) { &[Inventory, Advisories] } else { &[Inventory] })
        }
        ("v0" | "v1", "sbom") => vec![Inventory, Package],
        ("v0", "vulnerabilities") => of_vulnerability(rest, counted, &[Epss, Advisories]),
        ("v1", "vulnerabilities") => of_vulnerability(rest, counted, &[Epss, Kev, Ssvc, Inventory, Advisories]),
        ("v1", "components" | "os" | "completeness" | "secrets" | "licenses") => vec![Inventory],
        ("v1", "malware" | "end_of_life") => of_vulnerability(rest, counted, &[Advisories]),
        ("v1", "suppressed") => COUNTED.to_vec(),
        ("v1", "kev") => with(COUNTED, &[Kev]),
        ("v1", "waivers") => vec![Waivers],
        ("v1", "labels") => vec![Repository],
        ("v1", "tags") => vec![Tags],
        ("v1", "scorecard" | "popularity") => vec![Health],
        ("v1", "signatures" | "provenance" | "speaks_of") => vec![Signatures],
        ("v1", "sources") => vec![Freshness],
        ("v1", "format" | "published_at" | "first_seen" | "age_at_arrival_days" | "requester") => vec![Package],
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

fn with(kinds: &[FactKind], more: &[FactKind]) -> Vec<FactKind> {
    kinds.iter().chain(more).copied().collect()
}

fn of_package(rest: &[Step]) -> Vec<FactKind> {
    match rest.first() {
        Some(Step::Key(field)) => match field.as_str() {
            "tags" => vec![Tags],
            "signed" => vec![Signatures],
            "last_downloaded_at" => vec![Downloads],
            "license" | "summary" | "architectures" | "distro" | "distro_version" | "release" | "epoch" => {
                vec![Package, Inventory]
            }
            "security_scan_status" => with(COUNTED, &[Package, Inventory]),
            field if field.starts_with("security_scan_") => vec![Inventory],
            _ => vec![Package],
        },
        _ => with(COUNTED, &[Package, Tags, Inventory, Signatures, Downloads]),
    }
}

/// Whether a path below `security_scan` may reach the address of a vulnerability's page, which findings do not keep.
fn links(rest: &[Step]) -> bool {
    let list = rest.iter().position(|step| matches!(step, Step::Key(key) if key == "Vulnerabilities"));
    match list.and_then(|at| rest.get(at + 2)) {
        Some(Step::Key(field)) => field == "PrimaryURL",
        _ => true,
    }
}

/// `joined` are the kinds joined to each element: in, unless the path is seen to end elsewhere.
fn of_vulnerability(rest: &[Step], counted: bool, joined: &[FactKind]) -> Vec<FactKind> {
    let of_field = |field: &str| match field {
        "epss" => Some(Epss),
        "kev" => Some(Kev),
        "ssvc" => Some(Ssvc),
        "depth" => Some(Inventory),
        // where to read about it
        "source" => Some(Advisories),
        _ => None,
    };
    let more: Vec<FactKind> = match rest {
        [] | [_] if counted => Vec::new(),
        [_, Step::Key(field), ..] => of_field(field).filter(|kind| joined.contains(kind)).into_iter().collect(),
        _ => joined.to_vec(),
    };
    with(COUNTED, &more)
}
