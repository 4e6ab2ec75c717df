//! CycloneDX as XML: the same records as its JSON.

use assay_model::problem::Problem;
use roxmltree::Node;

use super::bom::{Bom, ITEMS};
use super::cyclonedx::{self, Component, Composition, Dependency, Hash, LicenseChoice, Metadata, Property};
use super::json::Document;
use super::lenient::{List, Text};
use crate::part::corrupt;
use crate::xml;

const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";
/// Components inside components that are read.
const DEPTH: usize = 33;

pub(super) fn read(text: &str) -> Result<Bom, Problem> {
    let tree = xml::parse(text)?;
    let root = tree.root_element();
    let version = root.tag_name().namespace().and_then(|name| name.strip_prefix(NAMESPACE));
    let version = version.filter(|_| root.tag_name().name() == "bom");
    let version = version.ok_or_else(|| corrupt("this XML is no CycloneDX document"))?;
    let mut document = Document { spec_version: version.into(), ..Document::default() };
    if let Some(metadata) = xml::child(root, "metadata") {
        document.metadata = Metadata {
            component: xml::child(metadata, "component").map(|node| Box::new(component(node, DEPTH))),
            properties: list(metadata, "properties", "property", property),
        };
    }
    document.components = list(root, "components", "component", |node| component(node, DEPTH));
    document.dependencies = list(root, "dependencies", "dependency", dependency);
    document.compositions =
        list(root, "compositions", "composition", |node| Composition { aggregate: text_of(node, "aggregate") });
    Ok(cyclonedx::read(document))
}

fn list<T, const MAX: usize>(
    node: Node<'_, '_>,
    outer: &str,
    inner: &str,
    mut one: impl FnMut(Node<'_, '_>) -> T,
) -> List<T, MAX> {
    let mut out = List::default();
    for node in xml::child(node, outer).into_iter().flat_map(|outer| xml::children(outer, inner)) {
        if out.all.len() < MAX {
            out.all.push(one(node));
        } else {
            out.more += 1;
        }
    }
    out
}

fn text_of(node: Node<'_, '_>, name: &str) -> Text {
    Text(xml::text(node, name).unwrap_or_default())
}

fn attribute(node: Node<'_, '_>, name: &str) -> Text {
    node.attribute(name).unwrap_or_default().into()
}

fn property(node: Node<'_, '_>) -> Property {
    Property { name: attribute(node, "name"), value: Text(xml::own_text(node).unwrap_or_default()) }
}

fn dependency(node: Node<'_, '_>) -> Dependency {
    let mut depends_on = List::default();
    depends_on.all.extend(xml::children(node, "dependency").map(|to| attribute(to, "ref")));
    Dependency { reference: attribute(node, "ref"), depends_on }
}

fn component(node: Node<'_, '_>, depth: usize) -> Component {
    let organization = |name: &str| xml::child(node, name).map(|of| text_of(of, "name")).unwrap_or_default();
    let hash = |of: Node<'_, '_>| Hash {
        algorithm: attribute(of, "alg"),
        content: Text(xml::own_text(of).unwrap_or_default()),
    };
    let inner: List<Component, ITEMS> = match depth {
        0 => List::default(),
        _ => list(node, "components", "component", |node| component(node, depth - 1)),
    };
    Component {
        kind: attribute(node, "type"),
        reference: attribute(node, "bom-ref"),
        supplier: cyclonedx::Organization { name: organization("supplier") },
        manufacturer: cyclonedx::Organization { name: organization("manufacturer") },
        publisher: text_of(node, "publisher"),
        group: text_of(node, "group"),
        name: text_of(node, "name"),
        version: text_of(node, "version"),
        description: text_of(node, "description"),
        scope: text_of(node, "scope"),
        hashes: list(node, "hashes", "hash", hash),
        licenses: licenses(node),
        purl: text_of(node, "purl"),
        properties: list(node, "properties", "property", property),
        components: inner,
    }
}

fn licenses(node: Node<'_, '_>) -> List<LicenseChoice> {
    let mut out = List::default();
    let inside = xml::child(node, "licenses").into_iter().flat_map(|outer| outer.children());
    for one in inside.filter(Node::is_element) {
        out.all.push(match one.tag_name().name() {
            "license" => LicenseChoice {
                license: cyclonedx::License { id: text_of(one, "id"), name: text_of(one, "name") },
                expression: Text::default(),
            },
            _ => LicenseChoice { expression: Text(xml::own_text(one).unwrap_or_default()), ..LicenseChoice::default() },
        });
    }
    out
}
