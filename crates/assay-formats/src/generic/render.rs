//! Listings, confirmations, problems and refusals as curl and browsers show them.

use super::SPEC;
use crate::kit::{
    answer,
    html::escape,
    path::{encode_path, encode_segment},
};
use assay_model::{
    Digest, Problem,
    refusal::Refusal,
    seam::format::{Answer, Document, Reply},
};
use serde_json::json;
use std::collections::BTreeSet;

/// Path of a file on this server.
pub(super) fn location(repository: &str, path: &str) -> String {
    format!("/{}/{}/{}", SPEC.prefix, encode_segment(repository), encode_path(path))
}

/// The answer to an upload.
pub(super) fn stored(repository: &str, path: &str, digest: &Digest, created: bool) -> Reply {
    let location = location(repository, path);
    let body = json!({ "path": path, "sha256": digest.hex(), "location": location });
    let status = if created { 201 } else { 200 };
    Reply::Answer(Answer {
        headers: vec![("Location", location), ("ETag", format!("\"{digest}\""))],
        ..answer::json(status, "application/json", &body)
    })
}

/// The answer to an upload that was to be stored only where nothing is.
pub(super) fn exists(path: &str) -> Reply {
    Reply::Answer(answer::text(412, format!("there is a file at `{path}` already, and `If-None-Match: *` was sent\n")))
}

/// A checksum file, as `sha256sum -c` and its kin read it.
pub(super) fn checksum(hex: &str, file: &str) -> Document {
    Document {
        media_type: "text/plain; charset=utf-8".to_owned(),
        body: format!("{hex}  {file}\n").into(),
        headers: answer::inert(),
    }
}

/// A problem in plain text; curl prints the body.
pub(super) fn problem(problem: &Problem) -> Answer {
    let status = answer::status(problem.kind);
    Answer {
        reason: Some(answer::reason(&problem.message)),
        headers: answer::retry_after(problem),
        ..answer::text(status, format!("{}\n", problem.message))
    }
}

/// A refusal in plain text, the sentence first and its parts below.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let sentence = refusal.sentence();
    let mut text = format!("{sentence}\n\n");
    let line = |what: &str| format!("  {}\n", what.split_whitespace().collect::<Vec<_>>().join(" "));
    for (heading, items) in [("Policies", &refusal.policies), ("Reasons", &refusal.reasons)] {
        if !items.is_empty() {
            text.push_str(&format!("{heading}:\n"));
            text.extend(items.iter().map(|item| line(item)));
        }
    }
    if !refusal.vulnerabilities.is_empty() {
        text.push_str("Vulnerabilities:\n");
        for cited in &refusal.vulnerabilities {
            let score = cited.score.map(|score| format!(" CVSS {score:.1}")).unwrap_or_default();
            let fixed = cited.fixed.as_ref().map(|version| format!(" (fixed in {version})")).unwrap_or_default();
            text.push_str(&line(&format!("{}{score} in {}: {}{fixed}", cited.id, cited.component, cited.title)));
        }
    }
    if let Some(decision) = &refusal.decision {
        text.push_str(&format!("Decision: {decision}\n"));
    }
    text.push_str(&format!("Details: {}\n", refusal.link));
    Answer { reason: Some(answer::reason(&sentence)), ..answer::text(403, text) }
}

/// The entries of one folder.
pub(super) struct Listing {
    repository: String,
    folder: String,
    folders: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Whether there are more entries than are shown.
    pub(super) truncated: bool,
}

impl Listing {
    pub(super) fn new(repository: &str, folder: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            folder: folder.to_owned(),
            folders: BTreeSet::new(),
            files: BTreeSet::new(),
            truncated: false,
        }
    }
    pub(super) fn add_folder(&mut self, name: &str) {
        if !self.folders.contains(name) {
            self.folders.insert(name.to_owned());
        }
    }
    pub(super) fn add_file(&mut self, name: &str) {
        self.files.insert(name.to_owned());
    }
    pub(super) fn len(&self) -> usize {
        self.folders.len() + self.files.len()
    }
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn json(&self) -> Document {
        let body = json!({
            "repository": self.repository,
            "path": self.folder,
            "folders": self.folders,
            "files": self.files,
            "truncated": self.truncated,
        });
        document("application/json", format!("{body}\n"))
    }

    pub(super) fn html(&self) -> Document {
        let title = format!("{}/{}", escape(&self.repository), escape(&self.folder));
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
             <h1>{title}</h1>\n<ul>\n"
        );
        let mut entry = |name: &str, slash: &str| {
            // `./` keeps a first segment with a colon from being read as a scheme.
            let href = format!("./{}{slash}", encode_segment(name));
            text.push_str(&format!("<li><a href=\"{href}\">{}{slash}</a></li>\n", escape(name)));
        };
        if !self.folder.is_empty() {
            entry("..", "/");
        }
        self.folders.iter().for_each(|name| entry(name, "/"));
        self.files.iter().for_each(|name| entry(name, ""));
        text.push_str("</ul>\n");
        if self.truncated {
            text.push_str("<p>There are more entries than are shown here.</p>\n");
        }
        text.push_str("</body>\n</html>\n");
        document("text/html; charset=utf-8", text)
    }
}

fn document(media_type: &str, body: String) -> Document {
    let headers = vec![("Vary", "Accept".to_owned())];
    Document { media_type: media_type.to_owned(), body: body.into(), headers }
}
