//! Manifests that hold signatures and statements about another: by their `subject`, or by the tag that signing clients make
//! of its digest. What is in their layers is read by whoever checks it.

use super::companions::pointed_at;
use assay_model::{
    Digest,
    package::Package,
    trust::{Brought, Held, Layout},
};
use serde_json::Value;

/// How media types of layers that hold evidence begin. What else they say is left to the signer, but not where these words
/// stand: clients unpack what begins like a layer of an image, whatever stands behind it.
const EVIDENCE: [&str; 4] = [
    "application/vnd.dev.cosign.simplesigning.",
    "application/vnd.dsse.envelope.",
    "application/vnd.dev.sigstore.bundle",
    "application/vnd.in-toto",
];

fn is_evidence(kind: &str) -> bool {
    EVIDENCE.iter().any(|beginning| kind.starts_with(beginning))
}

/// Bytes of a configuration that signing clients write: it names the layers, and no more than a few.
const MAX_CONFIG: u64 = 64 << 10;
/// Media types of configurations that come with evidence, besides those of evidence itself.
const CONFIGS: [&str; 3] = [
    "application/vnd.oci.empty.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
/// Bytes of an empty JSON object: nothing can be kept in them, however they are called.
const NOTHING: u64 = 2;

/// Whether the configuration of a manifest is one that comes with evidence, so that it holds nothing else.
fn is_plain(config: Option<&Value>) -> bool {
    let Some(config) = config else { return false };
    let size = config.get("size").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let kind = config.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    size <= NOTHING || (size <= MAX_CONFIG && (CONFIGS.contains(&kind) || is_evidence(kind)))
}

fn listed<'m>(metadata: &'m Value, list: &str) -> impl Iterator<Item = &'m Value> {
    metadata.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// `references` are the tags that point to it.
pub(super) fn of(package: &Package, references: &[String]) -> Brought {
    let metadata = &package.metadata;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
    let digest = |one: &Value| one.get("digest")?.as_str().map(str::to_owned);
    let parts = listed(metadata, "manifests").filter_map(digest).collect();
    let holds = |layer: &Value| layer.get("mediaType").and_then(Value::as_str).is_some_and(is_evidence);
    let subject = metadata.get("subject").and_then(digest);
    let by_tag = references.iter().find_map(|tag| Some((pointed_at(tag)?, tag.clone())));
    let (about, place) = match (subject, text("about"), by_tag) {
        (Some(about), _, _) => (about, None),
        (None, Some(about), _) => (about, text("aboutAs")),
        (None, None, Some((about, tag))) => (about, Some(tag)),
        (None, None, None) => return Brought { parts, ..Brought::default() },
    };
    let alone = listed(metadata, "layers").all(holds) && is_plain(metadata.get("config"));
    let speaks = alone.then(|| about.clone());
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

#[cfg(test)]
mod tests {
    use super::{is_evidence, is_plain};
    use serde_json::json;

    #[test]
    fn a_configuration_with_room_for_something_else_is_not_that_of_evidence() {
        let config = |kind: &str, size: u64| json!({"mediaType": kind, "size": size, "digest": "sha256:aa"});
        for (kind, size) in [
            ("application/vnd.oci.empty.v1+json", 2),
            ("application/vnd.oci.image.config.v1+json", 233),
            ("application/vnd.dsse.envelope.v1+json", 2000),
            ("application/vnd.example.anything", 2),
        ] {
            assert!(is_plain(Some(&config(kind, size))), "{kind} {size}");
        }
        for (kind, size) in [
            ("application/vnd.oci.image.config.v1+json", 1 << 20),
            ("application/vnd.wasm.config.v1+json", 5000),
            ("", 100),
        ] {
            assert!(!is_plain(Some(&config(kind, size))), "{kind} {size}");
        }
        assert!(!is_plain(None), "an index");
    }

    #[test]
    fn what_clients_unpack_is_no_evidence() {
        for kind in [
            "application/vnd.dev.cosign.simplesigning.v1+json",
            "application/vnd.dsse.envelope.v1+json",
            "application/vnd.dev.sigstore.bundle+json;version=0.1",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.in-toto+json",
            "application/vnd.in-toto.bundle",
        ] {
            assert!(is_evidence(kind), "{kind}");
        }
        for kind in [
            "",
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.layer.v1.tar+dsse+gzip",
            "application/vnd.oci.image.layer.v1.tar+in-toto",
            "application/vnd.docker.image.rootfs.diff.tar.gzip;simplesigning",
        ] {
            assert!(!is_evidence(kind), "{kind}");
        }
    }
}
