//! What an image says of itself: its configuration, joined with the layers that its manifest names.

use assay_model::digest::Digest;
use assay_model::inventory::{ImageFacts, ImageLayer};
use serde_json::Value;

/// A layer as stored: its digest and its size in bytes.
pub type StoredLayer = (String, u64);

/// The facts of one image (OCI image specification, image configuration; Docker's is the same in what is read here).
///
/// `config` is the configuration as stored, `layers` are those of the manifest, lowest first. A configuration that cannot be
/// read leaves everything empty but the layers.
#[must_use]
pub fn image_facts(config: &[u8], layers: &[StoredLayer], tags: Vec<String>, digests: Vec<String>) -> ImageFacts {
    let json: Value = serde_json::from_slice(config).unwrap_or(Value::Null);
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    };
    let diff_ids = strings(&json["rootfs"]["diff_ids"]);
    // Steps that changed no file have no layer.
    let steps: Vec<String> = json["history"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|step| step["empty_layer"].as_bool() != Some(true))
        .map(|step| step["created_by"].as_str().unwrap_or_default().to_owned())
        .collect();
    let layers: Vec<ImageLayer> = layers
        .iter()
        .enumerate()
        .map(|(at, (digest, size))| ImageLayer {
            digest: digest.clone(),
            diff_id: diff_ids.get(at).cloned().unwrap_or_default(),
            size: *size,
            created_by: steps.get(at).cloned().unwrap_or_default(),
        })
        .collect();
    let id = if json.is_object() { Digest::of(config).as_str().to_owned() } else { String::new() };
    ImageFacts { id, tags, digests, layers, config: json }
}

#[cfg(test)]
mod tests {
    use super::image_facts;

    #[test]
    fn steps_without_a_layer_are_passed_over() {
        let config = br#"{"rootfs":{"diff_ids":["sha256:a","sha256:b"]},"history":[{"created_by":"ADD"},
            {"created_by":"CMD","empty_layer":true},{"created_by":"RUN"}]}"#;
        let layers = [("sha256:1".to_owned(), 10), ("sha256:2".to_owned(), 20)];
        let facts = image_facts(config, &layers, vec!["x:1".to_owned()], Vec::new());
        let shown: Vec<_> = facts
            .layers
            .iter()
            .map(|layer| (&*layer.digest, &*layer.diff_id, layer.size, &*layer.created_by))
            .collect();
        assert_eq!(shown, [("sha256:1", "sha256:a", 10, "ADD"), ("sha256:2", "sha256:b", 20, "RUN")]);
        assert!(facts.id.starts_with("sha256:"));
        let mut both = facts.clone();
        both.join(image_facts(b"no json", &layers, vec!["x:2".to_owned()], Vec::new()));
        assert_eq!((both.tags.len(), both.layers.len(), both.id), (2, 2, facts.id));
    }
}
