//! Tiny container images: as an OCI layout, and as the archive that `docker save` writes.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{gzip, sha256, tar};

/// An image of one platform, with its layers as uncompressed tar archives.
#[derive(Clone, Debug, Default)]
pub struct Image {
    layers: Vec<Vec<u8>>,
}

/// A blob by its digest (`sha256:...`).
#[derive(Clone, Debug)]
pub struct Blob {
    /// `sha256:` and lower-case hex.
    pub digest: String,
    /// Media type.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The parts of an image as a registry takes them.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The manifest.
    pub manifest: Blob,
    /// The configuration it names.
    pub config: Blob,
    /// The layers it names, gzip-compressed, lowest first.
    pub layers: Vec<Blob>,
}

/// One installed Alpine package.
#[derive(Clone, Debug)]
pub struct Apk {
    /// Name of the package.
    pub name: &'static str,
    /// Version with its release.
    pub version: &'static str,
    /// The source package it was built from.
    pub origin: &'static str,
    /// Licence expression.
    pub license: &'static str,
}

impl Image {
    /// An image without layers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more layer of files.
    ///
    /// # Errors
    /// When a path is too long for tar.
    pub fn layer(mut self, files: &[(&str, &[u8])]) -> Result<Self> {
        self.layers.push(tar(files)?);
        Ok(self)
    }

    /// One more layer that makes the image an Alpine of this release with these packages installed.
    ///
    /// # Errors
    /// Never in practice.
    pub fn alpine(self, release: &str, packages: &[Apk]) -> Result<Self> {
        let os =
            format!("NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID={release}\nPRETTY_NAME=\"Alpine Linux {release}\"\n");
        let installed = apk_database(packages);
        self.layer(&[
            ("etc/alpine-release", format!("{release}\n").as_bytes()),
            ("etc/os-release", os.as_bytes()),
            ("lib/apk/db/installed", installed.as_bytes()),
        ])
    }

    /// Manifest, configuration and compressed layers.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn parts(&self) -> Result<Parts> {
        let config = blob("application/vnd.oci.image.config.v1+json", self.config()?);
        let mut layers = Vec::new();
        for layer in &self.layers {
            layers.push(blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip(layer)?));
        }
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(&config),
            "layers": layers.iter().map(descriptor).collect::<Vec<_>>(),
        });
        Ok(Parts { manifest: blob(media_type, serde_json::to_vec(&manifest)?), config, layers })
    }

    fn config(&self) -> Result<Vec<u8>> {
        let layers: Vec<String> = self.layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
        Ok(serde_json::to_vec(&json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": layers },
            "history": self.layers.iter().map(|_| json!({ "created_by": "assay-testkit" })).collect::<Vec<_>>(),
        }))?)
    }

    /// Writes an OCI layout folder with the image under `tag`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_layout(&self, folder: &Path, tag: &str) -> Result<()> {
        let parts = self.parts()?;
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs)?;
        for blob in parts.layers.iter().chain([&parts.config, &parts.manifest]) {
            std::fs::write(blobs.join(blob.digest.trim_start_matches("sha256:")), &blob.bytes)?;
        }
        let mut entry = descriptor(&parts.manifest);
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });
        std::fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
        std::fs::write(folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(())
    }

    /// The archive that `docker save` writes, as an uncompressed tar, with the image named `reference`.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn docker_archive(&self, reference: &str) -> Result<Vec<u8>> {
        let config = self.config()?;
        let config_name = format!("{}.json", sha256(&config));
        let names: Vec<String> = self.layers.iter().map(|layer| format!("{}/layer.tar", sha256(layer))).collect();
        let manifest = json!([{ "Config": config_name, "RepoTags": [reference], "Layers": names }]);
        let manifest = serde_json::to_vec(&manifest)?;
        let mut files: Vec<(&str, &[u8])> = vec![("manifest.json", &manifest), (&config_name, &config)];
        files.extend(names.iter().map(String::as_str).zip(self.layers.iter().map(Vec::as_slice)));
        tar(&files)
    }
}

fn blob(media_type: &'static str, bytes: Vec<u8>) -> Blob {
    Blob { digest: format!("sha256:{}", sha256(&bytes)), media_type, bytes }
}

fn descriptor(blob: &Blob) -> Value {
    json!({ "mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len() })
}

/// The installed database of apk: one paragraph a package, one letter a field.
fn apk_database(packages: &[Apk]) -> String {
    let mut text = String::new();
    for apk in packages {
        text.push_str(&format!(
            "C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:{}\nV:{}\nA:x86_64\nS:1024\nI:4096\nT:test package\n\
             U:about:blank\nL:{}\no:{}\nm:Test <test@example.test>\nt:0\n\n",
            apk.name, apk.version, apk.license, apk.origin
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Apk, Image};

    #[test]
    fn the_manifest_names_what_is_there() -> anyhow::Result<()> {
        let apk = Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
        let parts = Image::new().alpine("3.10.9", &[apk])?.layer(&[("a/b", b"c")])?.parts()?;
        let manifest: serde_json::Value = serde_json::from_slice(&parts.manifest.bytes)?;
        assert_eq!(manifest["config"]["digest"], parts.config.digest.as_str());
        assert_eq!(manifest["layers"][1]["digest"], parts.layers[1].digest.as_str());
        assert_eq!(manifest["layers"][0]["size"], parts.layers[0].bytes.len());
        Ok(())
    }
}
