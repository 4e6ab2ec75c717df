//! From the document to CycloneDX's own parts.

use super::model::{
    Advisory, Affect, AffectedVersion, Analysis, Bom, Component, Composition, Dependency, Hash, License, LicenseChoice,
    Metadata, Organization, Property, Rating, Reference, Source, Tools, Version, Vulnerability,
};
use crate::report::bom::{self, Document, Kind, Node, PREFIX, Response, TOOL, TOOL_VERSION, licenses, second, uuid_of};
use std::collections::BTreeSet;

pub(super) fn bom(document: &Document, version: Version) -> Bom {
    let (root, rest) = match document.nodes.split_first() {
        Some((root, rest)) => (component(root), rest),
        None => (Component::default(), Default::default()),
    };
    let mut bom = Bom {
        schema: format!("http://cyclonedx.org/schema/bom-{}.schema.json", version.as_str()),
        bom_format: "CycloneDX",
        spec_version: version.as_str(),
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: second(document.at),
            tools: Tools { components: vec![tool()] },
            properties: document.gaps.iter().map(gap).collect(),
            component: root,
        },
        components: rest.iter().map(component).collect(),
        dependencies: dependencies(document),
        compositions: compositions(document),
        vulnerabilities: vulnerabilities(document),
    };
    bom.serial_number = format!("urn:uuid:{}", uuid_of(&serde_json::to_vec(&bom).unwrap_or_default()));
    bom
}

fn tool() -> Component {
    Component { kind: "application", name: TOOL.into(), version: TOOL_VERSION.into(), ..Component::default() }
}

/// What was not read: the reason is in the name, path and sentence in the value.
fn gap(gap: &assay_model::inventory::Skipped) -> Property {
    let value = if gap.path.is_empty() { gap.detail.clone() } else { format!("{}: {}", gap.path, gap.detail) };
    Property { name: format!("{PREFIX}skipped:{}", gap.reason), value }
}

fn component(node: &Node) -> Component {
    Component {
        kind: match node.kind {
            Kind::File => "file",
            Kind::Container => "container",
            Kind::Application => "application",
            Kind::OperatingSystem => "operating-system",
            Kind::Library => "library",
        },
        reference: node.reference.clone(),
        supplier: node.supplier.clone().map(|name| Organization { name }),
        group: node.group.clone(),
        name: node.name.clone(),
        version: node.version.clone(),
        description: node.summary.clone().unwrap_or_default(),
        scope: if node.development { "excluded" } else { "" },
        hashes: node.hashes.iter().map(|(alg, content)| Hash { alg, content: content.clone() }).collect(),
        licenses: license_choices(&node.licenses),
        purl: node.purl.clone().unwrap_or_default(),
        properties: properties(&node.properties),
    }
}

/// An expression may only stand alone (1.6), so one among several is written as a name.
fn license_choices(declared: &[String]) -> Vec<LicenseChoice> {
    let all = licenses(declared);
    let alone = all.len() == 1;
    all.into_iter()
        .map(|license| match license {
            bom::License::Id(id) => LicenseChoice::License(License::Id(id)),
            bom::License::Expression(text) if alone => LicenseChoice::Expression(text),
            bom::License::Expression(text) | bom::License::Name(text) => LicenseChoice::License(License::Name(text)),
        })
        .collect()
}

fn properties(all: &[(String, String)]) -> Vec<Property> {
    all.iter().map(|(name, value)| Property { name: format!("{PREFIX}{name}"), value: value.clone() }).collect()
}

fn dependencies(document: &Document) -> Vec<Dependency> {
    let of = |(at, node): (usize, &Node)| {
        let below: BTreeSet<&str> = document.below(at).collect();
        let depends_on = below.into_iter().map(str::to_owned).collect();
        Dependency { reference: node.reference.clone(), depends_on }
    };
    let mut all: Vec<Dependency> = document.nodes.iter().enumerate().map(of).collect();
    all.sort_by(|a, b| a.reference.cmp(&b.reference));
    all
}

/// Whether the list of what is inside the artifact is complete.
fn compositions(document: &Document) -> Vec<Composition> {
    let aggregate = if document.is_complete() { "complete" } else { "incomplete" };
    let assemblies = document.nodes.first().map(|root| root.reference.clone()).into_iter().collect();
    vec![Composition { aggregate, assemblies }]
}

fn vulnerabilities(document: &Document) -> Vec<Vulnerability> {
    let mut taken = BTreeSet::new();
    let mut all: Vec<Vulnerability> = document.vulnerabilities.iter().map(|v| vulnerability(v, document)).collect();
    for one in &mut all {
        if !taken.insert(one.reference.clone()) {
            one.reference.push_str("#2");
        }
    }
    all
}

fn vulnerability(from: &bom::Vulnerability, document: &Document) -> Vulnerability {
    let (description, detail) = match from.title.is_empty() {
        true => (from.description.clone(), String::new()),
        false => (from.title.clone(), from.description.clone()),
    };
    Vulnerability {
        reference: format!("vulnerability:{}", from.id),
        id: from.id.clone(),
        source: from.source.clone().map(|(name, url)| Source { name, url }),
        references: from.aliases.iter().map(|id| reference(id)).collect(),
        ratings: from.ratings.iter().map(rating).collect(),
        cwes: from.cwes.clone(),
        description,
        detail,
        recommendation: from.recommendation.clone(),
        advisories: from.advisories.iter().map(|url| Advisory { url: url.clone() }).collect(),
        published: from.published.clone(),
        updated: from.updated.clone(),
        analysis: from.response.map(analysis),
        affects: affects(from, document),
        properties: properties(&from.properties),
    }
}

/// Whose id it is stands before its first dash.
fn reference(id: &str) -> Reference {
    let name = id.split('-').next().unwrap_or(id).to_owned();
    Reference { id: id.to_owned(), source: Source { name, ..Source::default() } }
}

fn rating(from: &bom::Rating) -> Rating {
    Rating {
        source: Source { name: from.source.clone(), ..Source::default() },
        score: from.score,
        severity: from.severity.clone(),
        method: from.method,
        vector: from.vector.clone(),
    }
}

fn analysis(response: Response) -> Analysis {
    match response {
        Response::WillNotFix => Analysis {
            state: None,
            response: vec!["will_not_fix"],
            detail: "The distribution has decided not to fix it.",
        },
        Response::InTriage => Analysis {
            state: Some("in_triage"),
            response: Vec::new(),
            detail: "Its maintainers do not know yet whether it is affected.",
        },
    }
}

fn affects(from: &bom::Vulnerability, document: &Document) -> Vec<Affect> {
    let one = |affected: &bom::Affected| {
        let reference = document.nodes.get(affected.node)?.reference.clone();
        let version = |version: &String, status| AffectedVersion { version: version.clone(), status };
        let versions = match affected.version.is_empty() {
            true => Vec::new(),
            false => std::iter::once(version(&affected.version, "affected"))
                .chain(affected.fixed.iter().filter(|v| **v != affected.version).map(|v| version(v, "unaffected")))
                .collect(),
        };
        Some(Affect { reference, versions })
    };
    from.affects.iter().filter_map(one).collect()
}
