//! From a document to an inventory: places, ids, the graph, and what the document lacks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use assay_model::component::{Component, Occurrence, Relationship};
use assay_model::ecosystem::{Scheme, of_purl_type};
use assay_model::inventory::{Inventory, OsRelease, Skipped};
use assay_model::seam::analyzer::Entry;

use super::bom::{Bom, Item, Kind, UNRESOLVED};
use super::facts::{Facts, facts};
use super::lacks::Lacks;
use super::{image, os, settle};
use crate::component;
use crate::part::{field, line};

/// Adds what the document says to `out`. In a tree, all of it stands at the document's own path.
pub(super) fn add(mut bom: Bom, entry: &Entry<'_>, analyzer: &str, out: &mut Inventory) {
    let mut lacks = Lacks::default();
    let items: Vec<(Item, Facts)> = std::mem::take(&mut bom.items)
        .into_iter()
        .map(|item| {
            let facts = facts(&item.properties);
            (item, facts)
        })
        .collect();
    let system = system(&items, entry.path, &mut lacks);
    let places = Places::new(&items, &bom.edges);
    let format = bom.format.as_str();
    let mut reader = Reader { entry, analyzer, format, system: system.as_ref(), lacks, found: Vec::new() };
    if let Some(root) = &bom.root {
        reader.root(root);
    }
    for (item, facts) in &items {
        reader.item(item, facts, &places);
    }
    let Reader { mut found, mut lacks, .. } = reader;
    name_uniquely(&mut found);
    connect(&mut found, &bom, &items, &mut lacks);
    if entry.is_artifact {
        image::add(bom.root.as_ref(), &items, out);
        out.releases.extend(system.clone());
        out.os = out.os.take().or(system);
    }
    let is_empty = found.is_empty();
    out.components.extend(found.into_iter().map(|(_, occurrence)| occurrence));
    skip(bom, lacks.sentences(is_empty), entry.path, out);
}

fn skip(bom: Bom, lacks: Vec<String>, path: &str, out: &mut Inventory) {
    let one = |reason: &str, detail: String| Skipped { path: path.to_owned(), reason: reason.to_owned(), detail };
    for (reason, value) in bom.skipped {
        let (path, detail) = value.split_once(": ").unwrap_or(("", &value));
        out.skipped.push(Skipped { path: path.to_owned(), reason, detail: detail.to_owned() });
    }
    out.skipped.extend(bom.gaps.into_iter().map(|(reason, detail)| one(reason, format!("{}: {detail}", bom.format))));
    out.skipped.extend(lacks.into_iter().map(|detail| one(UNRESOLVED, format!("{}: {detail}", bom.format))));
}

/// The component that is an operating system; without one, the release that all packages agree on.
fn system(items: &[(Item, Facts)], path: &str, lacks: &mut Lacks) -> Option<OsRelease> {
    let mut all = items.iter().filter(|(item, _)| item.kind == Kind::OperatingSystem);
    if let Some((item, facts)) = all.next() {
        lacks.systems = 1 + all.count();
        let found = os::of_item(item, facts, path);
        lacks.unknown_system = found.is_none().then(|| item.name.clone());
        return found;
    }
    let mut found: Option<OsRelease> = None;
    for (item, _) in items.iter().filter(|(item, facts)| item.purl.contains("distro=") && !facts.own) {
        let stated = item.purl.parse().ok().and_then(|purl| os::of_purl(&purl, path));
        match (&found, stated) {
            (None, stated) => found = stated,
            (Some(known), Some(other)) if known.id != other.id || known.version != other.version => return None,
            _ => {}
        }
    }
    found
}

/// Whether an item stands for a file that names packages, rather than being one.
fn is_file(item: &Item, facts: &Facts) -> bool {
    item.kind == Kind::Application && item.purl.is_empty() && (!facts.kind.is_empty() || facts.own)
}

/// In which file each item was found, by reference: the nearest file in the document that leads to it.
struct Places<'a> {
    files: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Places<'a> {
    fn new(items: &'a [(Item, Facts)], edges: &'a [(String, String)]) -> Self {
        let files: Vec<_> = items.iter().filter(|(item, facts)| is_file(item, facts)).collect();
        let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in edges.iter().filter(|_| !files.is_empty()) {
            below.entry(from).or_default().push(to);
        }
        let mut places = Self { files: BTreeMap::new() };
        let mut queue: VecDeque<(&str, (&str, &str))> = VecDeque::new();
        for (item, facts) in files {
            let path = if facts.path.is_empty() { &item.name } else { &facts.path };
            queue.push_back((&item.reference, (path, &facts.kind)));
        }
        while let Some((at, file)) = queue.pop_front() {
            for to in below.get(at).into_iter().flatten() {
                if !places.files.contains_key(to) {
                    places.files.insert(to, file);
                    queue.push_back((to, file));
                }
            }
        }
        places
    }
}

struct Reader<'a> {
    entry: &'a Entry<'a>,
    analyzer: &'a str,
    format: &'a str,
    system: Option<&'a OsRelease>,
    lacks: Lacks,
    /// With the reference in the document.
    found: Vec<(String, Occurrence)>,
}

impl Reader<'_> {
    /// What the document is about, where that has a name that advisories could speak of.
    fn root(&mut self, root: &Item) {
        let facts = facts(&root.properties);
        if root.purl.is_empty() {
            return;
        }
        if let Some(mut found) = self.package(root, &facts, self.entry.path) {
            found.is_subject = self.entry.is_artifact;
            self.found.push((root.reference.clone(), found));
        }
    }

    fn item(&mut self, item: &Item, facts: &Facts, places: &Places<'_>) {
        let nameless = field(Some(&item.name)).is_none() && item.purl.is_empty();
        let other = matches!(item.kind, Kind::Other | Kind::Container) && item.purl.is_empty();
        if item.kind == Kind::OperatingSystem || is_file(item, facts) || other {
            return;
        }
        if nameless {
            self.lacks.nameless += 1;
            return;
        }
        let place = places.files.get(item.reference.as_str()).copied();
        let path = self.path(facts, place.map(|(path, _)| path), item);
        let Some(mut found) = self.package(item, facts, &path) else { return };
        let kind = if facts.kind.is_empty() { place.map_or("", |(_, kind)| kind) } else { &facts.kind };
        if !kind.is_empty() {
            found.properties.insert(format!("{}.type", self.analyzer), kind.to_owned());
        }
        self.found.push((item.reference.clone(), found));
    }

    /// Where it stands in the document, for reports about it.
    fn origin(&self, found: &mut Occurrence, item: &Item) {
        component::set(found, "format", self.format);
        // SPDX's identifiers mean nothing outside of the document.
        let reference = field(Some(&item.reference)).filter(|_| self.format.starts_with("CycloneDX"));
        component::set(found, "reference", &reference.unwrap_or_default());
    }

    fn path(&self, facts: &Facts, file: Option<&str>, item: &Item) -> String {
        // A package of a system has many files, of which any may be named first.
        let purl_type = item.purl.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let of_system =
            component::is_distribution(&Component { purl_type: purl_type.to_owned(), ..Component::default() });
        let stated = Some(facts.path.as_str()).filter(|path| !path.is_empty() && (facts.own || !of_system));
        match stated.or(file) {
            Some(path) if self.entry.is_artifact => path.to_owned(),
            _ => self.entry.path.to_owned(),
        }
    }

    fn package(&mut self, item: &Item, facts: &Facts, path: &str) -> Option<Occurrence> {
        let analyzer = if facts.own && !facts.analyzer.is_empty() { facts.analyzer.as_str() } else { self.analyzer };
        let name = field(Some(&item.name)).unwrap_or_default();
        self.lacks.seen += 1;
        let made = match settle::name(item) {
            settle::Name::Purl(purl) if facts.own => {
                Ok(component::occurrence(settle::own(item, facts, &purl), path, analyzer))
            }
            settle::Name::Purl(purl) => settle::package(item, facts, &purl, self.system, (path, analyzer)),
            settle::Name::Bad(bad) => {
                self.lacks.bad_purls.push(bad.to_string());
                settle::unnamed(item).map(|component| component::occurrence(component, path, analyzer))
            }
            settle::Name::None => {
                self.lacks.without_purl.push(name.clone());
                settle::unnamed(item).map(|component| component::occurrence(component, path, analyzer))
            }
        };
        let Ok(mut found) = made else {
            self.lacks.nameless += 1;
            return None;
        };
        if found.component.version.is_empty() {
            self.lacks.without_version.push(found.component.name.clone());
        }
        fill(&mut found, item, facts, analyzer);
        if !facts.own {
            self.origin(&mut found, item);
        }
        if path != facts.path && !facts.path.is_empty() && !facts.own {
            found.properties.insert(format!("{analyzer}.path"), facts.path.clone());
        }
        Some(found)
    }
}

/// What the item says beyond its name.
fn fill(found: &mut Occurrence, item: &Item, facts: &Facts, analyzer: &str) {
    let some = |text: &str| field(Some(text));
    let layer = if facts.layer.is_empty() { &facts.diff_id } else { &facts.layer };
    found.layer = some(layer);
    found.id = if facts.id.is_empty() { id(found) } else { facts.id.clone() };
    found.relationship = facts.relationship;
    found.dev = item.development || facts.development;
    found.is_subject = facts.subject;
    found.owned_by.clone_from(&facts.owned_by);
    found.vendored_in.clone_from(&facts.vendored_in);
    found.lines.clone_from(&facts.lines);
    found.digest = facts.digest.clone().or_else(|| digest(&item.hashes));
    found.licenses = item.licenses.iter().filter_map(|text| field(Some(text))).collect();
    found.summary = if facts.own { some(&item.summary) } else { line(Some(&item.summary)) };
    found.requires.clone_from(&facts.requires);
    found.properties.extend(facts.more.clone());
    if let Some(supplier) = some(&item.supplier).filter(|_| !facts.own) {
        found.properties.insert(format!("{analyzer}.supplier"), supplier);
    }
    if facts.own && facts.id.is_empty() {
        found.id.clear();
    }
}

/// The strongest digest that most tools know.
fn digest(hashes: &[(String, String)]) -> Option<String> {
    let known = [("sha256", 64), ("sha512", 128), ("sha384", 96), ("sha1", 40), ("md5", 32)];
    known.into_iter().find_map(|(name, digits)| {
        let is_one = |value: &str| value.len() == digits && value.bytes().all(|b| b.is_ascii_hexdigit());
        let (_, value) = hashes.iter().find(|(algorithm, value)| algorithm == name && is_one(value))?;
        Some(format!("{name}:{}", value.to_ascii_lowercase()))
    })
}

/// An id such as a lock file of the ecosystem would have.
fn id(found: &Occurrence) -> String {
    let component = &found.component;
    let law = of_purl_type(&component.purl_type);
    let joint = match law {
        Some(law) if law.scheme == Scheme::Maven => ":",
        Some(law) if law.osv == "ConanCenter" => "/",
        _ => "@",
    };
    let system = component::is_distribution(component);
    let name = match component.namespace.as_str() {
        namespace if !system && !namespace.is_empty() && joint == ":" => format!("{namespace}:{}", component.name),
        namespace if !system && !namespace.is_empty() && joint == "@" => format!("{namespace}/{}", component.name),
        _ => component.name.clone(),
    };
    if component.version.is_empty() { name } else { format!("{name}{joint}{}", component.version) }
}

/// Two packages of one file with the same id have their references as ids.
fn name_uniquely(found: &mut [(String, Occurrence)]) {
    let mut purls: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (_, one) in found.iter() {
        let key = (one.path.clone(), one.id.clone());
        purls.entry(key).or_default().insert(one.component.purl.clone());
    }
    for (reference, one) in found.iter_mut().filter(|(_, one)| !one.id.is_empty()) {
        let several = purls.get(&(one.path.clone(), one.id.clone())).is_some_and(|all| all.len() > 1);
        if several && field(Some(reference)).is_some() {
            one.id.clone_from(reference);
        }
    }
}

fn connect(found: &mut [(String, Occurrence)], bom: &Bom, items: &[(Item, Facts)], lacks: &mut Lacks) {
    let at: BTreeMap<String, usize> =
        found.iter().enumerate().rev().map(|(at, (reference, _))| (reference.clone(), at)).collect();
    let known: BTreeSet<&str> = items.iter().map(|(item, _)| item.reference.as_str()).collect();
    let root = bom.root.as_ref().map(|root| root.reference.as_str());
    let direct: BTreeSet<&str> =
        bom.edges.iter().filter(|(from, _)| Some(from.as_str()) == root).map(|(_, to)| to.as_str()).collect();
    let mut needed: BTreeSet<usize> = BTreeSet::new();
    for (from, to) in &bom.edges {
        if !known.contains(to.as_str()) && Some(to.as_str()) != root && !at.contains_key(to) {
            lacks.dangling.insert(to.clone());
        }
        let (Some(&from), Some(&to)) = (at.get(from), at.get(to)) else { continue };
        let id = found.get(to).map(|(_, one)| one.id.clone()).filter(|id| !id.is_empty() && from != to);
        if let (Some(id), Some((_, one))) = (id, found.get_mut(from)) {
            one.depends_on.push(id);
            needed.insert(to);
        }
    }
    // A project's own document tells what the project asks for itself; an image's tells what is in it.
    let of_project = bom.root.as_ref().is_some_and(|root| matches!(root.kind, Kind::Application | Kind::Package));
    for (at, (reference, one)) in found.iter_mut().enumerate() {
        one.depends_on.sort();
        one.depends_on.dedup();
        if of_project && !direct.is_empty() && one.relationship.is_unknown() && !one.is_subject {
            one.relationship = match (direct.contains(reference.as_str()), needed.contains(&at)) {
                (true, _) => Relationship::Direct,
                (false, true) => Relationship::Indirect,
                (false, false) => Relationship::Unknown,
            };
        }
    }
    lacks.without_edges = found.len() > 1 && !bom.tells_dependencies && bom.edges.is_empty();
}
