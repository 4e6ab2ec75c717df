//! Wheels, sdists and upload forms, made in code.

use super::{FORMAT, FakeRepo, Response};
use crate::kit::testing::Ask;

/// A zip of stored entries.
pub(super) fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, body) in entries {
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        common.extend(crc32(body.as_bytes()).to_le_bytes());
        common.extend((body.len() as u32).to_le_bytes());
        common.extend((body.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(body.as_bytes());
    }
    let start = out.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// Bit by bit, as in the zip specification; fixtures are small.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

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
    let mut tar = Vec::new();
    for (path, body) in [("setup.py", "pass\n"), ("PKG-INFO", info), ("demo.egg-info/PKG-INFO", "Name: no\n")] {
        let mut head = vec![0_u8; 512];
        let path = format!("{name}-{version}/{path}");
        head[..path.len()].copy_from_slice(path.as_bytes());
        head[100..107].copy_from_slice(b"0000644");
        head[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        head[136..147].copy_from_slice(b"00000000000");
        head[148..156].copy_from_slice(b"        ");
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(head);
        tar.extend(body.as_bytes());
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
