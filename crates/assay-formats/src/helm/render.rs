//! The index as YAML and JSON, and problems and refusals where they are read: Helm prints the status with its reason
//! phrase, upload plug-ins and curl the body.

use super::{
    SPEC,
    names::{self, file_name},
    yaml,
};
use crate::kit::{
    answer,
    path::{encode_path, encode_segment},
};
use assay_model::{
    Problem,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use jiff::Timestamp;
use serde_json::{Value, json};

const YAML: &str = "application/yaml";
const JSON: &str = "application/json";

/// Path on this server of a chart or a signature.
pub(super) fn location(repository: &str, file: &str) -> String {
    format!("/{}/{}/charts/{}", SPEC.prefix, encode_segment(repository), encode_path(file))
}

/// One version as the index and the API show it.
pub(super) fn entry(name: &str, version: &VersionView) -> Option<Value> {
    let path = file_name(name, &version.package.at.version);
    let stored = version.files.iter().find(|file| file.path == path);
    let remote = version.remote.iter().find(|file| file.path == path);
    if stored.is_none() && remote.is_none() {
        return None;
    }
    let digest = stored.map(|file| &file.digest).or_else(|| remote.and_then(|file| file.digest.as_ref()));
    let mut entry = match &version.package.metadata {
        Value::Object(fields) => fields.clone(),
        _ => return None,
    };
    if let Some(time) = version.package.published_at.or(stored.map(|file| file.uploaded_at)) {
        entry.insert("created".to_owned(), shown(time).into());
    }
    if let Some(digest) = digest {
        entry.insert("digest".to_owned(), digest.hex().into());
    }
    // Relative to the index, so that it holds behind any proxy.
    entry.insert("urls".to_owned(), json!([format!("charts/{}", encode_path(&path))]));
    Some(Value::Object(entry))
}

fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// All versions that may be had, newest first.
pub(super) fn entries(view: &PackageView) -> Vec<Value> {
    let mut open: Vec<&VersionView> = view.versions.iter().filter(|version| version.blocked.is_none()).collect();
    open.sort_by(|a, b| names::compare(&b.package.at.version, &a.package.at.version));
    open.into_iter().filter_map(|version| entry(&view.name, version)).collect()
}

/// The part of the index that is about one chart; empty where nothing of it may be had.
pub(super) fn index_part(view: &PackageView) -> Document {
    let entries = entries(view);
    let mut text = String::new();
    if !entries.is_empty() {
        text.push_str("  ");
        yaml::write_key(&mut text, &view.name);
        yaml::write(&mut text, &Value::Array(entries), 1);
        text.push('\n');
    }
    document(YAML, text)
}

/// The part of the API's list that is about one chart.
pub(super) fn list_part(view: &PackageView) -> Document {
    let entries = entries(view);
    let text = match entries.is_empty() {
        true => String::new(),
        false => format!("{}:{}", Value::from(view.name.as_str()), Value::Array(entries)),
    };
    document(JSON, text)
}

/// The index of these parts.
pub(super) fn index(parts: &[Document], generated: Timestamp) -> Document {
    let mut text = String::from("apiVersion: v1\nentries:");
    text.push_str(if parts.iter().all(|part| part.body.is_empty()) { " {}\n" } else { "\n" });
    for part in parts {
        text.push_str(&String::from_utf8_lossy(&part.body));
    }
    text.push_str(&format!("generated: \"{}\"\n", shown(generated)));
    document(YAML, text)
}

/// The API's list of these parts.
pub(super) fn list(parts: &[Document]) -> Document {
    let parts: Vec<_> = parts.iter().filter(|part| !part.body.is_empty()).collect();
    let parts: Vec<_> = parts.iter().map(|part| String::from_utf8_lossy(&part.body)).collect();
    document(JSON, format!("{{{}}}\n", parts.join(",")))
}

/// When the newest version of a name came.
pub(super) fn newest(view: &PackageView) -> Timestamp {
    let times = view.versions.iter().map(|version| version.package.published_at.unwrap_or(version.package.uploaded_at));
    times.max().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A value of the API.
pub(super) fn value(value: &Value) -> Document {
    document(JSON, format!("{value}\n"))
}

fn document(media_type: &str, body: String) -> Document {
    Document { media_type: media_type.to_owned(), body: body.into(), headers: Vec::new() }
}

/// The outcome of an upload or a deletion.
pub(super) fn done(status: u16, what: &str) -> Answer {
    answer::json(status, JSON, &json!({ what: true }))
}

pub(super) fn problem(problem: &Problem) -> Answer {
    let status = answer::status(problem.kind);
    let body = json!({ "error": problem.message, "code": problem.code });
    Answer {
        reason: Some(answer::reason(&problem.message)),
        headers: answer::retry_after(problem),
        ..answer::json(status, JSON, &body)
    }
}

pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let mut body = answer::refusal_parts(refusal);
    if let Value::Object(fields) = &mut body {
        fields.insert("error".to_owned(), refusal.sentence().into());
    }
    Answer { reason: Some(answer::reason(&refusal.sentence())), ..answer::json(403, JSON, &body) }
}
