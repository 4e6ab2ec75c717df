//! Listings, confirmations, problems and refusals, as JSON: whoever sends documents from a build reads them by program.

use super::{SPEC, inspect::address};
use crate::kit::{answer, path::encode_segment};
use assay_model::{
    Digest, Problem,
    refusal::Refusal,
    seam::format::{Answer, Document, Reply},
    view::PackageView,
};
use serde_json::{Value, json};

/// Path of a document on this server.
pub(super) fn location(repository: &str, name: &str, version: &str) -> String {
    format!("/{}/{}/{}", SPEC.prefix, encode_segment(repository), address(name, version))
}

pub(super) fn stored(repository: &str, name: &str, version: &str, digest: &Digest, created: bool) -> Reply {
    let location = location(repository, name, version);
    let body = json!({ "name": name, "version": version, "sha256": digest.hex(), "location": location });
    Reply::Answer(Answer {
        headers: vec![("Location", location)],
        ..answer::json(if created { 201 } else { 200 }, "application/json", &body)
    })
}

pub(super) fn names(repository: &str, names: &[String]) -> Document {
    document(&json!({ "repository": repository, "names": names }))
}

pub(super) fn versions(repository: &str, view: &PackageView) -> Document {
    let version = |known: &assay_model::view::VersionView| {
        json!({
            "version": known.package.at.version, "document": known.package.metadata["document"],
            "edition": known.package.metadata["edition"], "sha256": known.files.first().map(|file| file.digest.hex()),
            "uploaded_at": known.files.first().map(|file| file.uploaded_at), "refused": known.blocked,
        })
    };
    let versions: Vec<Value> = view.versions.iter().map(version).collect();
    document(&json!({ "repository": repository, "name": view.name, "versions": versions }))
}

fn document(body: &Value) -> Document {
    Document { media_type: "application/json".to_owned(), body: format!("{body}\n").into(), headers: Vec::new() }
}

pub(super) fn problem(problem: &Problem) -> Answer {
    let status = answer::status(problem.kind);
    Answer { headers: answer::retry_after(problem), ..answer::problem_json(status, problem) }
}

pub(super) fn refusal(refusal: &Refusal) -> Answer {
    answer::refusal_json(refusal)
}
