//! Wheels, sdists and upload forms, made in code.

use super::{FORMAT, FakeRepo, Response};
pub(super) use crate::kit::testing::zip;
use crate::kit::testing::{Ask, tgz};

/// A wheel with these further headers.
pub(super) fn wheel(name: &str, version: &str, headers: &str) -> Vec<u8> {
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}Summary: A \u{fc}ber demo\n\
         License: UNKNOWN\nClassifier: Topic :: A\nClassifier: Topic :: B\n\
         Requires-Dist: idna (>=2,\n        <4)\n\nThe description\n"
    );
    zip(&[("demo/__init__.py", "x = 1\n"), (&format!("{name}-{version}.dist-info/METADATA"), &metadata)])
}

/// An sdist, uncompressed inside its gzip.
pub(super) fn sdist(name: &str, version: &str) -> Vec<u8> {
    sdist_saying(name, version, &format!("Metadata-Version: 1.1\nName: {name}\nVersion: {version}\n\n"))
}

/// An sdist with this PKG-INFO.
pub(super) fn sdist_saying(name: &str, version: &str, info: &str) -> Vec<u8> {
    let at = |path: &str| format!("{name}-{version}/{path}");
    let (setup, own, egg) = (at("setup.py"), at("PKG-INFO"), at("demo.egg-info/PKG-INFO"));
    tgz(&[(&setup, "pass\n"), (&own, info), (&egg, "Name: no\n")])
}

/// Attestations as publishers send them, of this file with this digest.
pub(super) fn attestations(file: &str, sha256: &str) -> serde_json::Value {
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": file, "digest": { "sha256": sha256 } }],
        "predicateType": "https://docs.pypi.example/attestations/publish/v1",
        "predicate": null,
    });
    let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    serde_json::json!([{
        "version": 1,
        "verification_material": { "certificate": encode(b"certificate"), "transparency_entries": [{ "logIndex": "1" }] },
        "envelope": { "statement": encode(statement.to_string().as_bytes()), "signature": encode(b"signature") },
    }])
}

/// An upload as a publisher sends it.
pub(super) struct Upload {
    name: &'static str,
    version: &'static str,
    file: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) action: &'static str,
    pub(super) filetype: &'static str,
    pub(super) sha256: Option<String>,
    pub(super) md5: Option<String>,
    pub(super) blake2: Option<String>,
    pub(super) attestations: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) content_first: bool,
}

impl Upload {
    pub(super) fn new(name: &'static str, version: &'static str, file: &'static str, bytes: Vec<u8>) -> Self {
        let filetype = if file.ends_with(".tar.gz") { "sdist" } else { "bdist_wheel" };
        Self {
            name,
            version,
            file,
            bytes,
            action: "file_upload",
            filetype,
            sha256: None,
            md5: None,
            blake2: None,
            attestations: None,
            signature: None,
            content_first: false,
        }
    }

    pub(super) fn form(&self) -> Vec<u8> {
        let field = |name: &str, value: &str| {
            format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
        };
        let mut fields = Vec::new();
        for (name, value) in [
            ("metadata_version", "2.1"),
            ("name", self.name),
            ("version", self.version),
            ("filetype", self.filetype),
            ("pyversion", "py3"),
            ("description", "--b\r\nlong"),
            ("classifiers", "Topic :: A"),
            ("classifiers", "Topic :: B"),
            (":action", self.action),
            ("protocol_version", "1"),
        ] {
            fields.extend(field(name, value));
        }
        for (name, value) in [
            ("sha256_digest", &self.sha256),
            ("md5_digest", &self.md5),
            ("blake2_256_digest", &self.blake2),
            ("attestations", &self.attestations),
            ("gpg_signature\"; filename=\"x.asc", &self.signature),
        ] {
            fields.extend(value.as_ref().map(|value| field(name, value)).unwrap_or_default());
        }
        let file = self.file;
        let mut content = format!(
            "--b0\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        content.extend(&self.bytes);
        content.extend(b"\r\n");
        let parts = if self.content_first { [content, fields] } else { [fields, content] };
        [parts.concat(), b"--b0--\r\n".to_vec()].concat()
    }

    pub(super) fn post(body: &[u8]) -> Ask {
        Ask::new("POST", "legacy/").header("content-type", "multipart/form-data; boundary=b0").body(body)
    }

    pub(super) async fn send(&self, repo: &FakeRepo) -> Response {
        Self::post(&self.form()).send(&FORMAT, repo).await
    }
}
