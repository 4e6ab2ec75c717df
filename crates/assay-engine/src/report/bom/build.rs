//! From an inventory to the nodes of a document.

use super::{Document, Kind, Node, Sources, Subject, graph, properties, vulnerability};
use assay_model::{
    component::{Component, Occurrence},
    inventory::{ImageFacts, Inventory, OsRelease},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn document(sources: Sources<'_>) -> Document {
    let Sources { subject, inventory, findings, details, at } = sources;
    let mut out = Builder::default();
    out.add(subject_node(subject, inventory.image.as_ref()));
    let os = inventory.os.as_ref().map(|os| out.add(os_node(os)));
    let applications: BTreeMap<&str, usize> =
        applications(inventory).into_iter().map(|path| (path, out.add(application_node(path)))).collect();
    let libraries: Vec<usize> = inventory.components.iter().map(|found| out.add(library_node(found))).collect();
    let edges = graph::edges(&graph::Places {
        inventory,
        nodes: out.nodes.len(),
        os,
        applications: &applications,
        libraries: &libraries,
    });
    let mut of_component: BTreeMap<&Component, Vec<usize>> = BTreeMap::new();
    for (found, at) in inventory.components.iter().zip(&libraries) {
        of_component.entry(&found.component).or_default().push(*at);
    }
    let vulnerabilities = vulnerability::all(findings, details, &of_component);
    Document { at, nodes: out.nodes, edges, gaps: inventory.skipped.clone(), vulnerabilities }
}

/// Files that name several packages, or in which packages have ids: lock files, manifests, archives. The databases of an
/// operating system are not among them when the system itself is a node.
fn applications(inventory: &Inventory) -> BTreeSet<&str> {
    let mut seen: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for found in inventory.components.iter().filter(|found| !found.is_subject && !found.path.is_empty()) {
        if inventory.os.is_some() && properties::is_distribution(&found.component.purl_type) {
            continue;
        }
        let (count, has_ids) = seen.entry(&found.path).or_default();
        *count += 1;
        *has_ids |= !found.relationship.is_unknown() || !found.depends_on.is_empty();
    }
    seen.into_iter().filter(|(_, (count, has_ids))| *count > 1 || *has_ids).map(|(path, _)| path).collect()
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    taken: BTreeSet<String>,
}

impl Builder {
    /// Adds a node under a reference that no other has.
    fn add(&mut self, mut node: Node) -> usize {
        let wanted = std::mem::take(&mut node.reference);
        let mut candidate = wanted.clone();
        let mut n = 1;
        while !self.taken.insert(candidate.clone()) {
            n += 1;
            candidate = format!("{wanted}#{n}");
        }
        node.reference = candidate;
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

fn node(kind: Kind, reference: String, name: &str, version: &str) -> Node {
    Node {
        reference,
        kind,
        group: String::new(),
        name: name.to_owned(),
        version: version.to_owned(),
        purl: None,
        summary: None,
        supplier: None,
        licenses: Vec::new(),
        hashes: Vec::new(),
        development: false,
        source: None,
        properties: Vec::new(),
    }
}

/// The artifact itself. The package that a file is stands among the components, where other tools look for it.
fn subject_node(subject: &Subject, image: Option<&ImageFacts>) -> Node {
    let is_image = subject.is_image || image.is_some();
    let kind = if is_image { Kind::Container } else { Kind::File };
    let reference = format!("artifact:{}@{}", subject.name, subject.version);
    let mut out = node(kind, reference, &subject.name, &subject.version);
    out.hashes.extend(subject.sha256.as_deref().and_then(|hex| hash("sha256", hex)));
    out.properties = image.map(image_properties).unwrap_or_default();
    out
}

fn image_properties(image: &ImageFacts) -> Vec<(String, String)> {
    let one = |name: &str, value: &str| (!value.is_empty()).then(|| (format!("image:{name}"), value.to_owned()));
    let text = |key: &str| image.config.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let labels = image.config.get("config").and_then(|config| config.get("Labels")).and_then(|l| l.as_object());
    let label = |(key, value): (&String, &serde_json::Value)| one(&format!("label:{key}"), value.as_str()?);
    let single = [
        ("id", image.id.as_str()),
        ("os", text("os")),
        ("architecture", text("architecture")),
        ("created", text("created")),
    ];
    single
        .into_iter()
        .filter_map(|(name, value)| one(name, value))
        .chain(image.tags.iter().filter_map(|tag| one("tag", tag)))
        .chain(image.digests.iter().filter_map(|digest| one("digest", digest)))
        .chain(image.layers.iter().filter_map(|layer| one("layer", &format!("{} {}", layer.digest, layer.diff_id))))
        .chain(labels.into_iter().flatten().filter_map(label))
        .collect()
}

fn os_node(os: &OsRelease) -> Node {
    let mut out = node(Kind::OperatingSystem, format!("os:{}@{}", os.id, os.version), &os.id, &os.version);
    out.summary = Some(os.name.clone()).filter(|name| !name.is_empty());
    for (name, value) in [("path", &os.path), ("ecosystem", &os.ecosystem)] {
        if !value.is_empty() {
            out.properties.push((name.to_owned(), value.clone()));
        }
    }
    out
}

fn application_node(path: &str) -> Node {
    let mut out = node(Kind::Application, format!("file:{path}"), path, "");
    out.properties.push(("path".to_owned(), path.to_owned()));
    out
}

fn library_node(found: &Occurrence) -> Node {
    let component = &found.component;
    let mut out = node(Kind::Library, component.purl.clone(), &component.name, &component.version);
    out.group.clone_from(&component.namespace);
    out.purl = Some(component.purl.clone()).filter(|purl| !purl.is_empty());
    out.summary.clone_from(&found.summary);
    out.supplier = supplier(found);
    out.licenses = found.licenses.iter().filter(|text| !text.trim().is_empty()).cloned().collect();
    out.hashes = found
        .digest
        .as_deref()
        .and_then(|digest| digest.split_once(':'))
        .and_then(|(a, v)| hash(a, v))
        .into_iter()
        .collect();
    out.development = found.dev;
    let (name, version) = found.source();
    let differs = name != component.name || version != component.version;
    out.source =
        (differs && properties::is_distribution(&component.purl_type)).then(|| (name.to_owned(), version.to_owned()));
    out.properties = properties::of(found);
    out
}

/// The property of whichever analyzer says who made or maintains the package.
fn supplier(found: &Occurrence) -> Option<String> {
    let of = |wanted: &str| found.properties.iter().find(|(key, _)| key.rsplit('.').next() == Some(wanted));
    let found = ["supplier", "vendor", "maintainer"].into_iter().find_map(of)?;
    Some(found.1.clone()).filter(|text| !text.trim().is_empty())
}

/// The algorithm's name in CycloneDX, and the value if it can be one.
fn hash(algorithm: &str, hex: &str) -> Option<(&'static str, String)> {
    let plain = algorithm.to_ascii_lowercase().replace(['-', '_'], "");
    let (name, digits) = match plain.as_str() {
        "md5" => ("MD5", 32),
        "sha1" => ("SHA-1", 40),
        "sha256" => ("SHA-256", 64),
        "sha384" => ("SHA-384", 96),
        "sha512" => ("SHA-512", 128),
        "blake3" => ("BLAKE3", 64),
        _ => return None,
    };
    let value = hex.to_ascii_lowercase();
    (value.len() == digits && value.bytes().all(|b| b.is_ascii_hexdigit())).then_some((name, value))
}
