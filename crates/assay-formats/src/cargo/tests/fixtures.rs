//! Crates and publications, made in code.

use crate::{
    cargo::FORMAT,
    kit::testing::{Ask, FakeRepo, Response, tgz},
};
use serde_json::{Value, json};

/// What is published: the metadata, and the entries of the `.crate`.
#[derive(Clone)]
pub(super) struct Publication {
    pub(super) metadata: Value,
    pub(super) manifest: String,
    pub(super) more: Vec<(String, String)>,
}

impl Publication {
    /// A crate without dependencies; `manifest` follows its `[package]`.
    pub(super) fn new(name: &str, version: &str) -> Self {
        Self {
            metadata: json!({
                "name": name, "vers": version, "deps": [], "features": {}, "authors": [],
                "description": "A demo", "license": "MIT", "keywords": ["demo"], "readme": "# long",
                "badges": {}, "links": null,
            }),
            manifest: format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n"),
            more: vec![(format!("{name}-{version}/src/lib.rs"), String::new())],
        }
    }

    pub(super) fn manifest(mut self, more: &str) -> Self {
        self.manifest.push_str(more);
        self
    }

    pub(super) fn says(mut self, key: &str, value: Value) -> Self {
        self.metadata[key] = value;
        self
    }

    pub(super) fn entry(mut self, path: &str, body: &str) -> Self {
        self.more.push((path.to_owned(), body.to_owned()));
        self
    }

    pub(super) fn packed(&self) -> Vec<u8> {
        let text = |key: &str| self.metadata[key].as_str().unwrap();
        let manifest = format!("{}-{}/Cargo.toml", text("name"), text("vers"));
        let mut entries = vec![(manifest.as_str(), self.manifest.as_str())];
        entries.extend(self.more.iter().map(|(path, body)| (path.as_str(), body.as_str())));
        tgz(&entries)
    }

    pub(super) fn body(&self) -> Vec<u8> {
        framed(self.metadata.to_string().as_bytes(), &self.packed())
    }

    pub(super) async fn send(&self, repo: &FakeRepo) -> Response {
        put(repo, &self.body()).await
    }
}

/// Two documents, each after its length.
pub(super) fn framed(metadata: &[u8], packed: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes().to_vec();
    [length(metadata), metadata.to_vec(), length(packed), packed.to_vec()].concat()
}

pub(super) async fn put(repo: &FakeRepo, body: &[u8]) -> Response {
    Ask::new("PUT", "api/v1/crates/new").body(body).send(&FORMAT, repo).await
}
