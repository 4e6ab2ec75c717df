//! CycloneDX 1.2 to 1.7 (ECMA-424): what its JSON holds. The XML encoding fills the same records.

use super::bom::{Bom, ITEMS, Item, Kind};
use super::json::Document;
use super::lenient::{List, Text, record};

/// Components inside components that are followed.
const DEPTH: usize = 32;

record!(Metadata { component: Option<Box<Component>> = "component", properties: List<Property> = "properties" });

record!(
    #[derive(Clone)]
    Property { name: Text = "name", value: Text = "value" }
);

record!(
    #[derive(Clone)]
    Hash { algorithm: Text = "alg", content: Text = "content" }
);

record!(Organization { name: Text = "name" });

record!(License { id: Text = "id", name: Text = "name" });

record!(LicenseChoice { license: License = "license", expression: Text = "expression" });

record!(Component {
    kind: Text = "type",
    reference: Text = "bom-ref",
    supplier: Organization = "supplier",
    manufacturer: Organization = "manufacturer",
    publisher: Text = "publisher",
    group: Text = "group",
    name: Text = "name",
    version: Text = "version",
    description: Text = "description",
    scope: Text = "scope",
    hashes: List<Hash> = "hashes",
    licenses: List<LicenseChoice> = "licenses",
    purl: Text = "purl",
    properties: List<Property> = "properties",
    components: List<Component, ITEMS> = "components",
});

record!(Dependency { reference: Text = "ref", depends_on: List<Text, 200_000> = "dependsOn" });

record!(Composition { aggregate: Text = "aggregate" });

pub(super) fn read(document: Document) -> Bom {
    let mut bom = Bom { format: format!("CycloneDX {}", &*document.spec_version), ..Bom::default() };
    bom.skipped = document.metadata.properties.all.iter().filter_map(skipped).collect();
    if let Some(root) = document.metadata.component {
        let mut root = *root;
        let inner = std::mem::take(&mut root.components);
        let item = item(root);
        inner.all.into_iter().for_each(|one| add(&mut bom, one, &item.reference, DEPTH));
        bom.root = Some(item);
    }
    if document.components.more > 0 {
        bom.gaps.push((crate::part::LIMIT, format!("{} more components were not read", document.components.more)));
    }
    document.components.all.into_iter().for_each(|one| add(&mut bom, one, "", DEPTH));
    for dependency in document.dependencies.all {
        bom.tells_dependencies |= !dependency.depends_on.all.is_empty();
        dependency.depends_on.all.iter().for_each(|to| bom.link(&dependency.reference, to));
    }
    let partial = |one: &Composition| one.aggregate.starts_with("incomplete");
    if bom.skipped.is_empty() && document.compositions.all.iter().any(partial) {
        bom.unresolved("the document says of itself that it is incomplete".to_owned());
    }
    bom
}

/// What we wrote into a document of our own.
fn skipped(property: &Property) -> Option<(String, String)> {
    let reason = property.name.strip_prefix("assay:skipped:")?;
    Some((reason.to_owned(), property.value.0.clone()))
}

fn add(bom: &mut Bom, mut component: Component, parent: &str, depth: usize) {
    let inner = std::mem::take(&mut component.components);
    let item = item(component);
    // What a component contains is a dependency as far as findings are concerned.
    bom.link(parent, &item.reference);
    let reference = item.reference.clone();
    bom.push(item);
    if depth == 0 {
        if !inner.all.is_empty() {
            bom.gaps.push((crate::part::LIMIT, format!("components deeper than {DEPTH} in each other were not read")));
        }
        return;
    }
    inner.all.into_iter().for_each(|one| add(bom, one, &reference, depth - 1));
}

fn item(component: Component) -> Item {
    let text = |texts: [&Text; 3]| texts.into_iter().find(|text| !text.trim().is_empty()).map(|t| t.0.clone());
    Item {
        kind: match &*component.kind {
            "operating-system" => Kind::OperatingSystem,
            "application" => Kind::Application,
            "container" => Kind::Container,
            "library" | "framework" | "platform" | "firmware" | "" => Kind::Package,
            _ => Kind::Other,
        },
        supplier: text([&component.supplier.name, &component.manufacturer.name, &component.publisher])
            .unwrap_or_default(),
        licenses: component.licenses.all.into_iter().filter_map(license).collect(),
        hashes: component.hashes.all.into_iter().map(|hash| (plain(&hash.algorithm), hash.content.0)).collect(),
        development: &*component.scope == "excluded",
        properties: component.properties.all.into_iter().map(|one| (one.name.0, one.value.0)).collect(),
        reference: component.reference.0,
        group: component.group.0,
        name: component.name.0,
        version: component.version.0,
        purl: component.purl.0,
        summary: component.description.0,
        source: None,
    }
}

/// The algorithm in lower case without separators.
pub(super) fn plain(algorithm: &str) -> String {
    algorithm.to_ascii_lowercase().replace(['-', '_'], "")
}

fn license(choice: LicenseChoice) -> Option<String> {
    let LicenseChoice { license, expression } = choice;
    [expression, license.id, license.name].into_iter().find(|text| !text.trim().is_empty()).map(|text| text.0)
}
