//! Archives, documents and bundles as clients make them.

use super::super::FORMAT;
use crate::kit::testing::{Ask, FakeRepo, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::io::Write as _;

/// A compressed tar of these files.
pub(super) fn tgz(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, text) in files {
        let mut header = [0_u8; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(text.as_bytes());
        tar.resize(tar.len().div_ceil(512) * 512, 0);
    }
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive as `npm pack` makes it.
pub(super) fn archive(name: &str, version: &str, more: Value) -> Vec<u8> {
    let mut manifest = json!({ "name": name, "version": version });
    for (field, value) in more.as_object().unwrap() {
        manifest[field] = value.clone();
    }
    tgz(&[("package/package.json", &manifest.to_string()), ("package/index.js", "module.exports = 1\n")])
}

pub(super) fn sri(bytes: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(sha2::Sha512::digest(bytes)))
}

/// A bundle with a statement about an archive; nobody signed it.
pub(super) fn bundle(subject: &str, archive: &[u8]) -> String {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": subject, "digest": { "sha512": hex::encode(sha2::Sha512::digest(archive)) } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    });
    let payload = STANDARD.encode(statement.to_string());
    json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": { "payload": payload } })
        .to_string()
}

/// A document about to be sent.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) tag: &'static str,
    pub(super) manifest: Value,
    pub(super) archive: Vec<u8>,
    pub(super) length: Option<u64>,
    pub(super) bundle: Option<String>,
}

impl Upload {
    pub(super) fn new(name: &str, version: &str) -> Self {
        let archive = archive(name, version, json!({}));
        let manifest = json!({
            "name": name,
            "version": version,
            "description": format!("{name} {version}"),
            "license": "MIT",
            "dependencies": { "left": "^1.0.0" },
            "scripts": { "test": "true" },
            "dist": { "integrity": sri(&archive), "tarball": "http://elsewhere.example/x.tgz" },
        });
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "latest",
            manifest,
            archive,
            length: None,
            bundle: None,
        }
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let (name, version) = (&self.name, &self.version);
        let mut attachments = json!({
            format!("{name}-{version}.tgz"): {
                "content_type": "application/octet-stream",
                "data": STANDARD.encode(&self.archive),
                "length": self.length.unwrap_or(self.archive.len() as u64),
            },
        });
        if let Some(bundle) = &self.bundle {
            attachments[format!("{name}-{version}.sigstore")] = json!({
                "content_type": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "data": bundle,
                "length": bundle.len(),
            });
        }
        json!({
            "_id": name,
            "name": name,
            "readme": "# read me",
            "dist-tags": { self.tag: version },
            "versions": { version.as_str(): self.manifest },
            "access": null,
            "_attachments": attachments,
        })
        .to_string()
        .into_bytes()
    }

    pub(super) async fn send(&self, repo: &FakeRepo) -> Response {
        let path = self.name.replace('/', "%2f");
        Ask::new("PUT", &path).body(self.body()).send(&FORMAT, repo).await
    }
}
