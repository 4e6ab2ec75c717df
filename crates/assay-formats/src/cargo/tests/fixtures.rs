//! Crates and publications, made in code.

use crate::{
    cargo::FORMAT,
    kit::testing::{Ask, FakeRepo, Response},
};
use serde_json::{Value, json};

/// A `.crate`: entries of a tar archive, stored inside its gzip. A path that ends in `@` is a symbolic link.
pub(super) fn packed(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, body) in entries {
        let (path, link) = path.strip_suffix('@').map_or((*path, false), |path| (path, true));
        let size = if link { 0 } else { body.len() };
        let mut head = vec![0_u8; 512];
        head[..path.len()].copy_from_slice(path.as_bytes());
        head[100..107].copy_from_slice(b"0000644");
        head[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        head[136..147].copy_from_slice(b"00000000000");
        head[148..156].copy_from_slice(b"        ");
        head[156] = if link { b'2' } else { b'0' };
        if link {
            head[157..157 + body.len()].copy_from_slice(body.as_bytes());
        }
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(head);
        tar.extend(&body.as_bytes()[..size]);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.extend([0; 1024]);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let length = tar.len() as u16;
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(&tar);
    out.extend(crc32(&tar).to_le_bytes());
    out.extend((tar.len() as u32).to_le_bytes());
    out
}

/// Bit by bit, as in RFC 1952; fixtures are small.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

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
        packed(&entries)
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
