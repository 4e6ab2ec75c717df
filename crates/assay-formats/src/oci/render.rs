//! Documents, problems and refusals of the distribution API. Errors are lists of code, message and detail; clients print
//! the message.

use super::inspect::{self, OCI_INDEX, OCI_MANIFEST};
use crate::kit::answer;
use assay_model::{
    Digest, Kind, Problem,
    refusal::Refusal,
    seam::format::{Answer, Document, Reply},
    view::VersionView,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Bytes of one page of referrers: a client takes an index of 4 MiB.
const REFERRERS: usize = (4 << 20) - 1024;

/// Older clients look for it on every answer to know what they talk to.
const VERSION: (&str, &str) = ("Docker-Distribution-API-Version", "registry/2.0");

fn version_header() -> (&'static str, String) {
    (VERSION.0, VERSION.1.to_owned())
}

/// The digest of what an answer carries or made.
pub(super) fn content_digest(digest: &Digest) -> (&'static str, String) {
    ("Docker-Content-Digest", digest.to_string())
}

/// The reply with the header that every answer has.
pub(super) fn stamped(mut reply: Reply) -> Reply {
    let headers = match &mut reply {
        Reply::File { headers, .. } | Reply::Staged { headers, .. } => headers,
        Reply::Document(document) => &mut document.headers,
        Reply::Answer(answer) => &mut answer.headers,
    };
    if !headers.iter().any(|(name, _)| *name == VERSION.0) {
        headers.push(version_header());
    }
    reply
}

/// "This is a registry, and you are let in."
pub(super) fn pong() -> Reply {
    Reply::Answer(answer::json(200, "application/json", &json!({})))
}

fn document(media_type: &str, body: &Value, headers: Vec<(&'static str, String)>) -> Document {
    Document { media_type: media_type.to_owned(), body: body.to_string().into(), headers }
}

fn linked(link: Option<String>) -> Vec<(&'static str, String)> {
    link.map(|link| ("Link", link)).into_iter().collect()
}

pub(super) fn tags(name: &str, tags: &[&str], link: Option<String>) -> Document {
    document("application/json", &json!({ "name": name, "tags": tags }), linked(link))
}

pub(super) fn catalog(names: &[String], link: Option<String>) -> Document {
    document("application/json", &json!({ "repositories": names }), linked(link))
}

/// An index of the packages that refer to a manifest by any of the digests that it is `known_as`, those that the gate
/// would refuse left out; with the digest that the next page begins after, where there is one.
pub(super) fn referrers(
    versions: &[VersionView],
    known_as: &BTreeSet<String>,
    artifact_type: Option<&str>,
    after: Option<&str>,
) -> (Vec<Value>, Option<String>) {
    let refers = |version: &&VersionView| {
        let subject = version.package.metadata.get("subject").and_then(|subject| subject.get("digest"));
        version.blocked.is_none() && subject.and_then(Value::as_str).is_some_and(|digest| known_as.contains(digest))
    };
    // In order of arrival; a page after one that is gone begins anew.
    let begin = after.and_then(|after| versions.iter().position(|version| version.package.at.version == after));
    let rest = versions.get(begin.map_or(0, |at| at + 1)..).unwrap_or_default();
    let (mut page, mut size, mut last) = (Vec::new(), 0, None);
    for version in rest.iter().filter(refers) {
        let entry = descriptor(version);
        if artifact_type.is_some() && entry.get("artifactType").and_then(Value::as_str) != artifact_type {
            continue;
        }
        size += entry.to_string().len() + 1;
        if size > REFERRERS && last.is_some() {
            return (page, last);
        }
        page.push(entry);
        last = Some(version.package.at.version.clone());
    }
    (page, None)
}

/// The index as it is sent.
pub(super) fn referrers_page(manifests: &[Value], filtered: bool, link: Option<String>) -> Document {
    let body = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    let mut headers = linked(link);
    headers.extend(filtered.then(|| ("OCI-Filters-Applied", "artifactType".to_owned())));
    document(OCI_INDEX, &body, headers)
}

fn descriptor(version: &VersionView) -> Value {
    let kept = &version.package.metadata;
    let own = version.files.iter().find(|file| file.role.is_some());
    let digest = own.map_or_else(|| version.package.at.version.clone(), inspect::known_as);
    let mut entry = Map::new();
    entry.insert("mediaType".into(), kept.get("mediaType").cloned().unwrap_or_else(|| OCI_MANIFEST.into()));
    entry.insert("digest".into(), digest.into());
    entry.insert("size".into(), kept.get("size").cloned().unwrap_or_default());
    for key in ["artifactType", "annotations"] {
        entry.extend(kept.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    Value::Object(entry)
}

fn error(status: u16, code: &str, message: &str, detail: Value) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": detail }] });
    Answer { headers: vec![version_header()], ..answer::json(status, "application/json", &body) }
}

pub(super) fn problem(problem: &Problem) -> Answer {
    let status = match problem.kind {
        // The status after which the clients of this protocol wait as told and try again.
        Kind::Busy => 429,
        kind => answer::status(kind),
    };
    let mut answer = error(status, code(problem), &problem.message, json!({ "code": problem.code }));
    answer.headers.extend(answer::retry_after(problem));
    answer
}

/// The specification's code for a problem: by its own code where that is told apart, else by its kind.
fn code(problem: &Problem) -> &'static str {
    match problem.code {
        "blob-unknown" => "BLOB_UNKNOWN",
        "blob-upload-invalid" | "out-of-order" => "BLOB_UPLOAD_INVALID",
        "blob-upload-unknown" => "BLOB_UPLOAD_UNKNOWN",
        "digest-invalid" | "digest-mismatch" | "bad-digest" => "DIGEST_INVALID",
        "manifest-blob-unknown" => "MANIFEST_BLOB_UNKNOWN",
        "manifest-invalid" | "tag-invalid" => "MANIFEST_INVALID",
        "manifest-unknown" => "MANIFEST_UNKNOWN",
        "name-invalid" => "NAME_INVALID",
        "pagination-number-invalid" => "PAGINATION_NUMBER_INVALID",
        "size-mismatch" => "SIZE_INVALID",
        _ => match problem.kind {
            Kind::Invalid => "BLOB_UPLOAD_INVALID",
            Kind::TooLarge => "SIZE_INVALID",
            Kind::NotFound => "NAME_UNKNOWN",
            Kind::Conflict | Kind::Forbidden => "DENIED",
            Kind::Unauthenticated => "UNAUTHORIZED",
            Kind::Range => "BLOB_UPLOAD_INVALID",
            Kind::Busy => "TOOMANYREQUESTS",
            Kind::Unsupported => "UNSUPPORTED",
            Kind::Full | Kind::Upstream | Kind::Internal => "UNKNOWN",
        },
    }
}

/// Told from a missing permission by its detail's code.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    error(403, "DENIED", &refusal.sentence(), answer::refusal_parts(refusal))
}
