//! What the parts of a manifest are, told by media types: layers of an image, or files of something else that travels as
//! one. Kept in the package's metadata for whoever looks inside.

use serde_json::{Map, Value};

/// Media types of image configurations.
const CONFIGURATIONS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// What media types of documents about other artifacts have in them: signatures, attestations, bills of materials.
const STATEMENTS: [&str; 11] = [
    "in-toto",
    "dsse",
    "simplesigning",
    "sigstore",
    "notary.signature",
    "cyclonedx",
    "spdx",
    "syft",
    "openvex",
    "sarif",
    "chart.provenance",
];
/// The annotation that names a file (OCI image specification, pre-defined annotation keys).
pub(super) const TITLE: &str = "org.opencontainers.image.title";

/// What a manifest is, as far as its parts follow from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<'a> {
    /// Last part of the name it was pushed under.
    pub(super) name: &'a str,
    /// Media type of its configuration.
    pub(super) config: &'a str,
    /// Whether it says that it is about another manifest.
    pub(super) has_subject: bool,
    /// Type of the artifact, where it says.
    pub(super) artifact_type: &'a str,
}

impl Whole<'_> {
    fn is_image(&self) -> bool {
        CONFIGURATIONS.contains(&self.config) || self.config.is_empty()
    }

    /// Marks the configuration of what is no image.
    pub(super) fn mark_config(&self, config: &mut Value) {
        if !self.is_image() {
            put(config, "readAs", "file");
        }
    }

    /// Marks a layer that is none, and names it.
    pub(super) fn mark(&self, layer: &mut Value, media_type: &str, title: Option<&str>) {
        let is_statement = STATEMENTS.iter().any(|part| media_type.contains(part));
        let read_as = match () {
            () if media_type.ends_with("+encrypted") => "encrypted",
            () if self.is_image() && !is_statement => return,
            () if is_statement || self.is_statement() => "statement",
            () => "file",
        };
        put(layer, "readAs", read_as);
        let title = title.map(str::to_owned).unwrap_or_else(|| format!("{}{}", self.name, suffix(media_type)));
        put(layer, "title", &title);
    }

    fn is_statement(&self) -> bool {
        let told = |text: &str| STATEMENTS.iter().any(|part| text.contains(part));
        self.has_subject || told(self.artifact_type) || told(self.config)
    }
}

/// The end of a file's name, where only its media type tells what it is.
fn suffix(media_type: &str) -> &'static str {
    match media_type {
        kind if kind.ends_with("tar+gzip") || kind.ends_with("tar.gzip") => ".tgz",
        kind if kind.ends_with("tar+zstd") => ".tar.zst",
        kind if kind.ends_with(".tar") || kind.ends_with("+tar") => ".tar",
        kind if kind.ends_with("zip") => ".zip",
        kind if kind.ends_with("json") => ".json",
        kind if kind.ends_with("wasm") => ".wasm",
        _ => "",
    }
}

fn put(value: &mut Value, key: &str, text: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(key.to_owned(), text.into());
    }
}

/// The name that annotations give a file.
pub(super) fn title(annotations: Option<&Map<String, Value>>) -> Option<String> {
    let title = annotations?.get(TITLE)?.as_str()?;
    Some(title.to_owned()).filter(|title| !title.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Whole;
    use serde_json::{Value, json};

    fn read(config: &str, has_subject: bool, media_type: &str) -> Value {
        let whole = Whole { name: "thing", config, has_subject, artifact_type: "" };
        let mut layer = json!({});
        whole.mark(&mut layer, media_type, None);
        json!([layer.get("readAs"), layer.get("title")])
    }

    #[test]
    fn layers_are_layers_and_files_are_files() {
        let image = "application/vnd.oci.image.config.v1+json";
        let none = json!([null, null]);
        assert_eq!(read(image, false, "application/vnd.oci.image.layer.v1.tar+gzip"), none);
        assert_eq!(read(image, true, "application/vnd.docker.image.rootfs.diff.tar.gzip"), none);
        let encrypted = read(image, false, "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
        assert_eq!(encrypted[0], "encrypted");
        // Builders and signers leave what they say about an image in the shape of an image.
        for statement in ["application/vnd.in-toto+json", "application/vnd.dev.cosign.simplesigning.v1+json"] {
            assert_eq!(read(image, false, statement), json!(["statement", "thing.json"]));
        }
        let chart = "application/vnd.cncf.helm.config.v1+json";
        let content = read(chart, false, "application/vnd.cncf.helm.chart.content.v1.tar+gzip");
        assert_eq!(content, json!(["file", "thing.tgz"]));
        assert_eq!(read(chart, false, "application/vnd.cncf.helm.chart.provenance.v1.prov")[0], "statement");
        let empty = "application/vnd.oci.empty.v1+json";
        assert_eq!(read(empty, true, "application/json")[0], "statement");
        assert_eq!(read(empty, false, "application/vnd.example.model")[0], "file");
    }
}
