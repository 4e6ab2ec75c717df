//! What a document about a container image says of the image.

use assay_model::inventory::{ImageFacts, ImageLayer, Inventory};
use serde_json::{Map, Value, json};

use super::bom::Item;
use super::facts::Facts;

const LABEL: &str = "label:";

/// Fills in the image's facts where the document has any.
pub(super) fn add(root: Option<&Item>, items: &[(Item, Facts)], out: &mut Inventory) {
    let mut facts = ImageFacts::default();
    let mut config = Map::new();
    let mut labels = Map::new();
    let mut diff_ids = Vec::new();
    for (name, value) in root.into_iter().flat_map(|root| &root.properties) {
        let own = name.strip_prefix("assay:image:");
        match own.or_else(|| name.strip_prefix("aquasecurity:trivy:")).unwrap_or_default() {
            "id" | "ImageID" => facts.id.clone_from(value),
            "tag" | "RepoTag" => facts.tags.push(value.clone()),
            "digest" | "RepoDigest" => facts.digests.push(value.clone()),
            "layer" => facts.layers.push(layer(value)),
            "DiffID" => diff_ids.push(value.clone()),
            key @ ("os" | "architecture" | "created") => {
                config.insert(key.to_owned(), value.as_str().into());
            }
            key => {
                let label = key.strip_prefix(LABEL).or_else(|| key.strip_prefix("Labels:"));
                labels.extend(label.map(|label| (label.to_owned(), Value::from(value.as_str()))));
            }
        }
    }
    for diff_id in diff_ids {
        let of = |facts: &&Facts| facts.diff_id == diff_id && !facts.layer.is_empty();
        let digest = items.iter().map(|(_, facts)| facts).find(of).map(|facts| facts.layer.clone()).unwrap_or_default();
        facts.layers.push(ImageLayer { digest, diff_id, ..ImageLayer::default() });
    }
    if !labels.is_empty() {
        config.insert("config".to_owned(), json!({"Labels": labels}));
    }
    if facts != ImageFacts::default() {
        if !config.is_empty() {
            facts.config = Value::Object(config);
        }
        out.image = Some(facts);
    }
}

fn layer(text: &str) -> ImageLayer {
    let (digest, diff_id) = text.split_once(' ').unwrap_or((text, ""));
    ImageLayer { digest: digest.to_owned(), diff_id: diff_id.to_owned(), ..ImageLayer::default() }
}
