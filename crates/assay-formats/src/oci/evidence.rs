//! Manifests that hold signatures and statements about another: by their `subject`, or by the tag that signing clients make
//! of its digest. What is in their layers is read by whoever checks it.

use super::companions::pointed_at;
use assay_model::{
    Digest,
    package::Package,
    trust::{Brought, Held, Layout},
};
use serde_json::Value;

/// What media types of layers that hold evidence have in them.
const EVIDENCE: [&str; 4] = ["simplesigning", "dsse", "sigstore.bundle", "in-toto"];

fn listed<'m>(metadata: &'m Value, list: &str) -> impl Iterator<Item = &'m Value> {
    metadata.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// `references` are the tags that point to it.
pub(super) fn of(package: &Package, references: &[String]) -> Brought {
    let metadata = &package.metadata;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
    let digest = |one: &Value| one.get("digest")?.as_str().map(str::to_owned);
    let parts = listed(metadata, "manifests").filter_map(digest).collect();
    let holds = |layer: &Value| {
        let kind = layer.get("mediaType").and_then(Value::as_str).unwrap_or_default();
        EVIDENCE.iter().any(|part| kind.contains(part))
    };
    let subject = metadata.get("subject").and_then(digest);
    let by_tag = references.iter().find_map(|tag| Some((pointed_at(tag)?, tag.clone())));
    let (about, place) = match (subject, text("about"), by_tag) {
        (Some(about), _, _) => (about, None),
        (None, Some(about), _) => (about, text("aboutAs")),
        (None, None, Some((about, tag))) => (about, Some(tag)),
        (None, None, None) => return Brought { parts, ..Brought::default() },
    };
    let speaks = listed(metadata, "layers").all(holds).then(|| about.clone());
    if !listed(metadata, "layers").any(holds) {
        return Brought { parts, ..Brought::default() };
    }
    let layers = listed(metadata, "layers").filter_map(digest);
    let documents = std::iter::once(package.at.version.clone()).chain(layers);
    let held = Held {
        layout: Layout::Manifest,
        path: place.clone().unwrap_or_else(|| package.at.version.clone()),
        subjects: vec![about.clone()],
        about: Some(about),
        place,
        documents: documents.filter_map(|text| text.parse::<Digest>().ok()).collect(),
    };
    Brought { held: vec![held], parts, speaks_of: speaks }
}
