//! SPDX 3.0 as JSON-LD: elements of a graph, in the compact form that the specification's own context gives them.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::problem::Problem;
use serde_json::Value;

use super::bom::{Bom, Item, Kind, count};
use super::cyclonedx::plain;
use super::lenient::{List, Text, record};
use super::spdx2;
use crate::part::UNSUPPORTED;

record!(Hash { algorithm: Text = "algorithm", value: Text = "hashValue" });

record!(Identifier { kind: Text = "externalIdentifierType", identifier: Text = "identifier" });

record!(Element {
    kind: Text = "type",
    kind_ld: Text = "@type",
    id: Text = "spdxId",
    id_ld: Text = "@id",
    name: Text = "name",
    summary: Text = "summary",
    specification: Text = "specVersion",
    version: Text = "software_packageVersion",
    purl: Text = "software_packageUrl",
    purpose: Text = "software_primaryPurpose",
    source_info: Text = "software_sourceInfo",
    supplier: Text = "suppliedBy",
    identifiers: List<Identifier> = "externalIdentifier",
    hashes: List<Hash> = "verifiedUsing",
    roots: List<Text> = "rootElement",
    from: Text = "from",
    relationship: Text = "relationshipType",
    scope: Text = "scope",
    to: List<Text, 200_000> = "to",
    expression: Text = "simplelicensing_licenseExpression",
    license_text: Text = "simplelicensing_licenseText",
    subject: Text = "subject",
    statement: Text = "statement",
});

impl Element {
    fn id(&self) -> &str {
        if self.id.is_empty() { &self.id_ld } else { &self.id }
    }

    fn kind(&self) -> &str {
        if self.kind.is_empty() { &self.kind_ld } else { &self.kind }
    }

    fn is_package(&self) -> bool {
        matches!(self.kind(), "software_Package" | "ai_AIPackage" | "dataset_DatasetPackage" | "Software/Package")
    }
}

/// Elements of one graph, each of some hundred bytes however little it says.
pub(super) const ELEMENTS: usize = 300_000;

pub(super) fn read(graph: List<Element, ELEMENTS>) -> Result<Bom, Problem> {
    let known = |one: &Element| matches!(one.kind(), "SpdxDocument" | "software_Sbom" | "CreationInfo");
    if !graph.all.iter().any(known) {
        return Err(Problem::invalid(UNSUPPORTED, "this JSON-LD is no SPDX document"));
    }
    let version = graph.all.iter().map(|one| &one.specification).find(|text| !text.is_empty());
    let mut bom = Bom { format: format!("SPDX {}", version.map_or("3", |text| &**text)), ..Bom::default() };
    if graph.more > 0 {
        bom.gaps.push((crate::part::LIMIT, format!("{} more elements were not read", graph.more)));
    }
    let around = Around::new(&graph.all, &mut bom);
    let packages: Vec<&Element> = graph.all.iter().filter(|one| one.is_package()).collect();
    let root = around.root(&packages);
    for one in &packages {
        let item = around.item(one);
        if root == Some(one.id()) && packages.len() > 1 {
            bom.root = Some(item);
        } else {
            bom.push(item);
        }
    }
    let files = graph.all.iter().filter(|one| one.kind() == "software_File").count();
    if packages.is_empty() && files > 0 {
        bom.unresolved(format!("the document names {} and no package", count(files, "file", "files")));
    }
    Ok(bom)
}

/// What other elements say of packages.
#[derive(Default)]
struct Around<'a> {
    roots: BTreeSet<&'a str>,
    boms: BTreeMap<&'a str, &'a Element>,
    names: BTreeMap<&'a str, &'a str>,
    declared: BTreeMap<&'a str, &'a str>,
    concluded: BTreeMap<&'a str, &'a str>,
    expressions: BTreeMap<&'a str, &'a str>,
    texts: BTreeMap<String, String>,
    development: BTreeSet<&'a str>,
    properties: BTreeMap<&'a str, Vec<(String, String)>>,
}

impl<'a> Around<'a> {
    fn new(elements: &'a [Element], bom: &mut Bom) -> Self {
        let mut around = Self::default();
        for one in elements {
            match one.kind() {
                "SpdxDocument" => around.roots.extend(one.roots.all.iter().map(|id| &**id)),
                "software_Sbom" | "Bom" => {
                    around.boms.insert(one.id(), one);
                }
                "Organization" | "Person" | "Agent" | "SoftwareAgent" => {
                    around.names.insert(one.id(), &one.name);
                }
                "simplelicensing_LicenseExpression" => {
                    around.expressions.insert(one.id(), &one.expression);
                }
                "simplelicensing_SimpleLicensingText" | "expandedlicensing_CustomLicense" => around.text(one),
                "Annotation" => around.annotation(one, bom),
                _ if !one.relationship.is_empty() => around.relate(one, bom),
                _ => {}
            }
        }
        around
    }

    fn text(&mut self, one: &Element) {
        let reference = one.id().rsplit(['#', '/']).next().unwrap_or_default().to_owned();
        let name = if one.name.is_empty() { &one.license_text } else { &one.name };
        if !name.is_empty() && name.len() <= 200 && !name.contains('\n') {
            self.texts.insert(reference, name.0.clone());
        }
    }

    /// Ours hold properties as a JSON object.
    fn annotation(&mut self, one: &'a Element, bom: &mut Bom) {
        let Ok(Value::Object(object)) = serde_json::from_str(&one.statement) else { return };
        for (name, value) in object {
            let values = match value {
                Value::String(text) => vec![text],
                Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
                _ => continue,
            };
            match name.strip_prefix("assay:skipped:") {
                Some(reason) => bom.skipped.extend(values.into_iter().map(|value| (reason.to_owned(), value))),
                None => self
                    .properties
                    .entry(&one.subject)
                    .or_default()
                    .extend(values.into_iter().map(|value| (name.clone(), value))),
            }
        }
    }

    fn relate(&mut self, one: &'a Element, bom: &mut Bom) {
        let from: &str = &one.from;
        match &*one.relationship {
            "hasDeclaredLicense" => {
                self.declared.extend(one.to.all.first().map(|to| (from, &**to)));
            }
            "hasConcludedLicense" => {
                self.concluded.extend(one.to.all.first().map(|to| (from, &**to)));
            }
            "contains" => one.to.all.iter().for_each(|to| bom.link(from, to)),
            "dependsOn"
            | "hasPrerequisite"
            | "hasDynamicLink"
            | "hasStaticLink"
            | "hasOptionalDependency"
            | "hasProvidedDependency" => {
                bom.tells_dependencies = true;
                one.to.all.iter().for_each(|to| bom.link(from, to));
                if matches!(&*one.scope, "build" | "development" | "test") {
                    self.development.extend(one.to.all.iter().map(|to| &**to));
                }
            }
            _ => {}
        }
    }

    /// The one package that the document, or the bill in it, is about.
    fn root(&self, packages: &[&'a Element]) -> Option<&'a str> {
        let leads = |id: &&'a str| match self.boms.get(id) {
            Some(bom) => bom.roots.all.iter().map(|id| &**id).collect(),
            None => vec![*id],
        };
        let roots: BTreeSet<&str> = self.roots.iter().flat_map(leads).collect();
        let mut found = packages.iter().map(|one| one.id()).filter(|id| roots.contains(id));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    fn item(&self, one: &Element) -> Item {
        let id = one.id();
        let listed = one.identifiers.all.iter().find(|identifier| &*identifier.kind == "packageUrl");
        let purl = if one.purl.is_empty() { listed.map(|one| &one.identifier) } else { Some(&one.purl) };
        Item {
            reference: id.to_owned(),
            kind: match &*one.purpose {
                "operatingSystem" => Kind::OperatingSystem,
                "application" => Kind::Application,
                "container" => Kind::Container,
                "" | "library" | "framework" | "install" | "module" | "source" | "firmware" => Kind::Package,
                _ => Kind::Other,
            },
            name: one.name.0.clone(),
            version: one.version.0.clone(),
            purl: purl.map(|purl| purl.trim().to_owned()).unwrap_or_default(),
            summary: one.summary.0.clone(),
            supplier: self.names.get(&*one.supplier).map(|name| (*name).to_owned()).unwrap_or_default(),
            licenses: self.licenses(id),
            hashes: one.hashes.all.iter().map(|hash| (plain(&hash.algorithm), hash.value.0.clone())).collect(),
            development: self.development.contains(id),
            source: spdx2::source(&one.source_info),
            properties: self.properties.get(id).cloned().unwrap_or_default(),
            ..Item::default()
        }
    }

    fn licenses(&self, id: &str) -> Vec<String> {
        let expression = |of: &BTreeMap<&str, &'a str>| self.expressions.get(of.get(id)?).copied();
        let texts =
            [expression(&self.declared), expression(&self.concluded)].map(|text| Text::from(text.unwrap_or("")));
        spdx2::licenses([&texts[0], &texts[1]], &self.texts)
    }
}
