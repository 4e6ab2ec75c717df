//! SPDX 3.0.1 as JSON-LD: profiles core, software, simple licensing and, with findings, security.

use super::{names, v2, v3_security};
use crate::report::bom::{Document, Kind, Node, PREFIX, TOOL, TOOL_VERSION, joined, second, uuid_of};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const CREATION: &str = "_:creation";

/// Everything that has an address, and the address that they share.
pub(super) struct Graph {
    base: String,
    elements: Vec<Value>,
    addresses: Vec<String>,
}

impl Graph {
    pub(super) fn address(&self, id: &str) -> String {
        format!("{}#{id}", self.base)
    }

    /// Adds an element; properties that are null, empty texts or empty lists are left out.
    pub(super) fn add(&mut self, kind: &str, id: &str, properties: Value) -> String {
        let address = self.address(id);
        let mut element = Map::new();
        element.insert("type".into(), kind.into());
        element.insert("spdxId".into(), address.clone().into());
        element.insert("creationInfo".into(), CREATION.into());
        let says = |value: &Value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        };
        if let Value::Object(properties) = properties {
            element.extend(properties.into_iter().filter(|(_, value)| says(value)));
        }
        self.elements.push(Value::Object(element));
        self.addresses.push(address.clone());
        address
    }

    pub(super) fn relate(&mut self, from: &str, kind: &str, to: &[String], completeness: &str) {
        let id = format!("Relationship-{}", names::short(&format!("{from} {kind} {}", to.join(" "))));
        let properties = json!({"from": from, "relationshipType": kind, "to": to, "completeness": completeness});
        self.add("Relationship", &id, properties);
    }
}

pub(super) fn spdx(document: &Document) -> Value {
    let name = document.nodes.first().map(|root| root.name.clone()).unwrap_or_default();
    let content = serde_json::to_vec(&v2::spdx(document)).unwrap_or_default();
    let uuid = uuid_of(&[content.as_slice(), b"SPDX-3.0.1"].concat());
    let mut graph = Graph { base: names::namespace(&name, &uuid), elements: Vec::new(), addresses: Vec::new() };
    let agent = graph.add("SoftwareAgent", "Agent", json!({"name": TOOL}));
    let tool = graph.add("Tool", "Tool", json!({"name": format!("{TOOL}-{TOOL_VERSION}")}));
    let ids = names::ids(document);
    let packages = packages(&mut graph, document, &ids);
    contents(&mut graph, document, &packages);
    v3_security::add(&mut graph, document, &packages);
    let elements = graph.addresses.clone();
    let sbom = graph.add(
        "software_Sbom",
        "Sbom",
        json!({"rootElement": packages.first().into_iter().collect::<Vec<_>>(), "element": elements,
               "software_sbomType": ["analyzed"]}),
    );
    let mut profiles = vec!["core", "software", "simpleLicensing"];
    if !document.vulnerabilities.is_empty() {
        profiles.push("security");
    }
    let mut all = graph.addresses.clone();
    all.sort();
    let spdx_document = graph.address("Document");
    graph.add(
        "SpdxDocument",
        "Document",
        json!({"name": name, "rootElement": [sbom], "element": all, "profileConformance": profiles,
               "dataLicense": "https://spdx.org/licenses/CC0-1.0", "comment": v2::completeness(document)}),
    );
    gaps(&mut graph, document, &spdx_document);
    let creation = json!({
        "type": "CreationInfo", "@id": CREATION, "specVersion": "3.0.1", "created": second(document.at),
        "createdBy": [agent], "createdUsing": [tool],
    });
    let elements: Vec<Value> = std::iter::once(creation).chain(graph.elements).collect();
    json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": elements})
}

/// Addresses of expressions, and of the texts that references in them stand for.
#[derive(Default)]
struct Licenses {
    expressions: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

fn packages(graph: &mut Graph, document: &Document, ids: &[String]) -> Vec<String> {
    let mut licenses = Licenses::default();
    let mut suppliers = BTreeMap::new();
    let mut packages = Vec::new();
    for (node, id) in document.nodes.iter().zip(ids) {
        let supplier = node.supplier.as_ref().map(|name| supplier(graph, name, &mut suppliers));
        let address = graph.add("software_Package", id, package(node, supplier));
        let properties = names::properties(node);
        if !properties.is_empty() {
            annotate(graph, &address, &properties);
        }
        if let Some(license) = license(graph, &node.licenses, &mut licenses) {
            graph.relate(&address, "hasDeclaredLicense", &[license], "complete");
        }
        packages.push(address);
    }
    packages
}

fn package(node: &Node, supplier: Option<String>) -> Value {
    let hashes: Vec<Value> = node
        .hashes
        .iter()
        .map(|(algorithm, value)| {
            let algorithm = algorithm.to_ascii_lowercase().replace("sha-", "sha");
            json!({"type": "Hash", "algorithm": algorithm, "hashValue": value})
        })
        .collect();
    let purl = node.purl.as_ref().map(
        |purl| json!([{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": purl}]),
    );
    json!({
        "name": names::full_name(node),
        "summary": node.summary,
        "software_packageVersion": node.version,
        "software_packageUrl": node.purl,
        "externalIdentifier": purl,
        "software_primaryPurpose": match node.kind {
            Kind::File => "file",
            Kind::Container => "container",
            Kind::Application => "application",
            Kind::OperatingSystem => "operatingSystem",
            Kind::Library => "library",
        },
        "software_sourceInfo": v2::source_info(node),
        "suppliedBy": supplier,
        "verifiedUsing": hashes,
    })
}

/// All properties of an element in one annotation, as a JSON object; a name that comes several times has a list.
fn annotate(graph: &mut Graph, subject: &str, properties: &[(String, String)]) {
    let mut object: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in properties {
        object.entry(format!("{PREFIX}{name}")).or_default().push(value);
    }
    let object: BTreeMap<String, Value> = object
        .into_iter()
        .map(|(name, values)| (name, if let [one] = values.as_slice() { json!(one) } else { json!(values) }))
        .collect();
    let statement = serde_json::to_string(&object).unwrap_or_default();
    let properties = json!({
        "annotationType": "other", "contentType": "application/json", "statement": statement, "subject": subject,
    });
    graph.add("Annotation", &format!("Annotation-{}", names::short(&format!("{subject} {statement}"))), properties);
}

fn gaps(graph: &mut Graph, document: &Document, subject: &str) {
    for gap in &document.gaps {
        let path = if gap.path.is_empty() { String::new() } else { format!("{}: ", gap.path) };
        annotate(graph, subject, &[(format!("skipped:{}", gap.reason), format!("{path}{}", gap.detail))]);
    }
}

fn supplier(graph: &mut Graph, name: &str, known: &mut BTreeMap<String, String>) -> String {
    let mut add = || graph.add("Organization", &format!("Organization-{}", names::short(name)), json!({"name": name}));
    known.entry(name.to_owned()).or_insert_with(&mut add).clone()
}

/// One element per expression; what is no SPDX licence is explained by an element of its own.
fn license(graph: &mut Graph, declared: &[String], known: &mut Licenses) -> Option<String> {
    let mut custom: BTreeMap<String, String> = BTreeMap::new();
    let expression = joined(declared, &mut |reference, text| {
        custom.insert(reference.to_owned(), text.to_owned());
    })?;
    if let Some(address) = known.expressions.get(&expression) {
        return Some(address.clone());
    }
    let mut entries = Vec::new();
    for (reference, text) in custom {
        let properties = json!({"name": text, "simplelicensing_licenseText": text});
        let add = || graph.add("simplelicensing_SimpleLicensingText", &reference, properties);
        let address = known.texts.entry(reference.clone()).or_insert_with(add);
        entries.push(json!({"type": "DictionaryEntry", "key": reference, "value": address}));
    }
    let id = format!("License-{}", names::short(&expression));
    let properties = json!({"simplelicensing_licenseExpression": expression, "simplelicensing_customIdToUri": entries});
    let address = graph.add("simplelicensing_LicenseExpression", &id, properties);
    known.expressions.insert(expression, address.clone());
    Some(address)
}

fn contents(graph: &mut Graph, document: &Document, packages: &[String]) {
    for ((at, node), from) in document.nodes.iter().enumerate().zip(packages) {
        let below: Vec<String> =
            document.edges.get(at).into_iter().flatten().filter_map(|to| packages.get(*to).cloned()).collect();
        if below.is_empty() {
            continue;
        }
        let kind = if node.kind == Kind::Library { "dependsOn" } else { "contains" };
        let completeness = match node.kind {
            Kind::Library => "noAssertion",
            _ if document.is_complete() => "complete",
            _ => "incomplete",
        };
        graph.relate(from, kind, &below, completeness);
    }
}
