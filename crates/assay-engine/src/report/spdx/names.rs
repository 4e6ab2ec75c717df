//! Names and identifiers that both major versions share.

use crate::report::bom::{Document, Kind, Node};
use assay_model::digest::Digest;
use assay_model::ecosystem::{Law, Scheme};
use assay_model::purl::Purl;

/// Identifiers of the nodes without `SPDXRef-` or address: what it is, and a digest of its reference.
pub(super) fn ids(document: &Document) -> Vec<String> {
    let id = |(at, node): (usize, &Node)| {
        let word = match node.kind {
            _ if at == 0 => "Artifact",
            Kind::File => "File",
            Kind::Container => "Container",
            Kind::Application => "Application",
            Kind::OperatingSystem => "OperatingSystem",
            Kind::Library => "Package",
        };
        format!("{word}-{}", short(&node.reference))
    };
    document.nodes.iter().enumerate().map(id).collect()
}

/// Sixteen hexadecimal digits that stand for a text.
pub(super) fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).hex().get(..16).unwrap_or_default().to_owned()
}

/// SPDX has one name: namespace and name as the ecosystem writes them together.
pub(super) fn full_name(node: &Node) -> String {
    let purl: Option<Purl> = node.purl.as_deref().and_then(|purl| purl.parse().ok());
    let law = purl.as_ref().and_then(Purl::law);
    if node.group.is_empty() || law.is_some_and(Law::is_distribution) {
        return node.name.clone();
    }
    let separator = if law.is_some_and(|law| law.scheme == Scheme::Maven) { ':' } else { '/' };
    format!("{}{separator}{}", node.group, node.name)
}

/// The address under which documents of people without one of their own live, by the specification's advice.
pub(super) fn namespace(name: &str, uuid: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let slug: String = name.chars().take(80).map(plain).collect();
    format!("https://spdx.org/spdxdocs/{slug}-{uuid}")
}

/// Properties of a node with what the format's own fields lose.
pub(super) fn properties(node: &Node) -> Vec<(String, String)> {
    let mut all = node.properties.clone();
    if !node.group.is_empty() {
        all.insert(0, ("group".to_owned(), node.group.clone()));
    }
    all
}
