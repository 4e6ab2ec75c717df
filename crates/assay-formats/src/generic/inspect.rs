//! What a path and the headers of an upload say: pure.

use assay_model::{
    Digest, Problem,
    package::{NewFile, Role},
    seam::format::{Claim, Expect, Staged},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde_json::json;
use std::collections::BTreeMap;

/// Longest path, in decoded bytes.
const PATH: usize = 1024;

/// Deepest path, in segments.
const SEGMENTS: usize = 64;

/// Checksums that are kept of every file besides SHA-256, so that its checksum files can be answered.
const HASHES: [&str; 3] = ["md5", "sha1", "sha512"];

pub(super) const OCTETS: &str = "application/octet-stream";

/// A path that names a file, or a folder when it ends in `/` or is empty.
///
/// # Errors
/// `Invalid` with the rule that the path breaks.
pub(super) fn path(encoded: &str) -> Result<String, Problem> {
    let path = crate::kit::path::decode(encoded)?.into_owned();
    let wrong = |rule: &str| Err(Problem::invalid("bad-path", format!("the path {rule}")));
    if path.len() > PATH {
        return wrong(&format!("is longer than {PATH} bytes"));
    }
    if path.chars().any(|c| c.is_control() || c == '\\' || c == char::MAX) {
        return wrong("contains a control character or a backslash");
    }
    let file = path.strip_suffix('/').unwrap_or(&path);
    if path == "/" || (!file.is_empty() && file.split('/').any(|segment| matches!(segment, "" | "." | ".."))) {
        return wrong("has an empty segment, `.` or `..`");
    }
    if file.split('/').count() > SEGMENTS {
        return wrong(&format!("has more than {SEGMENTS} segments"));
    }
    Ok(path)
}

/// The file's own name: what comes after the last slash.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path and algorithm that a checksum file is of, by its name.
pub(super) fn checksum_of(path: &str) -> Option<(&str, &'static str)> {
    let ends = [(".sha256", "sha256"), (".sha512", "sha512"), (".sha1", "sha1"), (".md5", "md5")];
    let (of, algorithm) = ends.iter().find_map(|(end, algorithm)| path.strip_suffix(end).map(|of| (of, *algorithm)))?;
    (!last(of).is_empty()).then_some((of, algorithm))
}

/// When an upload may be stored (RFC 9110, section 13.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    /// `If-None-Match: *`: only where nothing is.
    Absent,
}

impl Condition {
    /// # Errors
    /// `Invalid` for conditions that are not kept; storing regardless would lose what the client protects.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let wrong = |name: &str| {
            let message = format!("`{name}` on PUT is not supported; `If-None-Match: *` is: store only a new file");
            Err(Problem::invalid("condition-not-supported", message))
        };
        if headers.contains_key(http::header::IF_MATCH) {
            return wrong("If-Match");
        }
        if headers.contains_key(http::header::IF_UNMODIFIED_SINCE) {
            return wrong("If-Unmodified-Since");
        }
        match headers.get(http::header::IF_NONE_MATCH).map(|value| value.as_bytes().trim_ascii()) {
            None => Ok(Self::Always),
            Some(b"*") => Ok(Self::Absent),
            Some(_) => wrong("If-None-Match with an ETag"),
        }
    }
}

/// Checksums that the client announced. What is not SHA-256 is compared afterwards, by [`Announced::verify`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    sha256: Option<Digest>,
    others: BTreeMap<&'static str, String>,
    size: Option<u64>,
}

impl Announced {
    /// Reads every header that carries a checksum.
    ///
    /// # Errors
    /// `Invalid` for one that is malformed, or two that disagree.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut found = Self::default();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        for (name, algorithm) in [
            ("x-checksum-sha256", "sha256"),
            ("x-checksum-sha1", "sha1"),
            ("x-checksum-md5", "md5"),
            ("x-checksum-sha512", "sha512"),
        ] {
            if let Some(hex) = text(name) {
                found.add(algorithm, hex.to_ascii_lowercase())?;
            }
        }
        if let Some(encoded) = text("content-md5") {
            found.add("md5", unbase64(encoded)?)?;
        }
        for (name, quoted) in [("digest", false), ("repr-digest", true), ("content-digest", true)] {
            for item in text(name).unwrap_or_default().split(',') {
                found.add_item(item.trim(), quoted)?;
            }
        }
        found.size = text("content-length").and_then(|length| length.parse().ok());
        Ok(found)
    }

    /// `sha-256=…`; algorithms that are not known are passed over, as both RFCs ask.
    fn add_item(&mut self, item: &str, quoted: bool) -> Result<(), Problem> {
        let Some((name, value)) = item.split_once('=') else { return Ok(()) };
        let algorithm = match name.trim().to_ascii_lowercase().as_str() {
            "sha-256" => "sha256",
            "sha-512" => "sha512",
            "sha" => "sha1",
            "md5" => "md5",
            _ => return Ok(()),
        };
        let value = value.trim();
        let encoded = if quoted { value.strip_prefix(':').and_then(|v| v.strip_suffix(':')) } else { Some(value) };
        let encoded = encoded.ok_or_else(|| bad(format!("`{item}` is no byte sequence between colons")))?;
        self.add(algorithm, unbase64(encoded)?)
    }

    fn add(&mut self, algorithm: &'static str, hex: String) -> Result<(), Problem> {
        let before = if algorithm == "sha256" {
            let digest = Digest::sha256(&hex).map_err(|_| bad(format!("`{hex}` is no SHA-256")))?;
            self.sha256.replace(digest).map(|digest| digest.hex().to_owned())
        } else {
            self.others.insert(algorithm, hex.clone())
        };
        match before {
            Some(before) if before != hex => Err(bad(format!("two headers announce different {algorithm} checksums"))),
            _ => Ok(()),
        }
    }

    pub(super) fn expect(&self) -> Expect {
        Expect { digest: self.sha256.clone(), size: self.size, at_most: None, also: HASHES.to_vec() }
    }

    /// Compares what SHA-256 did not settle.
    ///
    /// # Errors
    /// `Invalid` with code `digest-mismatch`.
    pub(super) fn verify(&self, staged: &Staged) -> Result<(), Problem> {
        for (algorithm, wanted) in &self.others {
            let have = staged.hashes.get(*algorithm).map(String::as_str).unwrap_or_default();
            if have != wanted {
                return Err(Problem::invalid(
                    "digest-mismatch",
                    format!("the {algorithm} {wanted} was announced and the bytes have {have}"),
                ));
            }
        }
        Ok(())
    }
}

fn unbase64(text: &str) -> Result<String, Problem> {
    STANDARD.decode(text.trim()).map(hex::encode).map_err(|_| bad(format!("`{text}` is not base64")))
}

fn bad(why: String) -> Problem {
    Problem::invalid("bad-checksum", format!("a checksum header cannot be read: {why}"))
}

/// The media type that the client gave, when it is one; browsers are told not to run it either way.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let given = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    match essence.split_once('/') {
        Some((kind, subtype))
            if given.len() <= 127
                && token(kind)
                && token(subtype)
                // What curl says of a form it was not asked to make.
                && essence != "application/x-www-form-urlencoded" =>
        {
            given.to_owned()
        }
        _ => OCTETS.to_owned(),
    }
}

/// The package that a stored file is.
pub(super) fn claim(path: &str, media_type: String, staged: Staged) -> Claim {
    let file = last(path).to_owned();
    Claim {
        name: path.to_owned(),
        version: staged.digest.to_string(),
        metadata: json!({ "filename": file, "media_type": media_type, "size": staged.size }),
        files: vec![NewFile {
            path: file,
            digest: staged.digest,
            size: staged.size,
            media_type,
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: serde_json::Value::Null,
        }],
        references: Vec::new(),
        published_at: None,
        replaces_others: true,
        replaces_files: false,
    }
}
