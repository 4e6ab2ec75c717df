//! Documents of the index and the web API, and problems and refusals where cargo prints them: it shows the `detail` of
//! what the web API answers, and the first 512 characters of what a failed download answers.

use super::{SPEC, line, names};
use crate::kit::{answer, path::encode_segment};
use assay_model::{
    Problem,
    access::Caller,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const JSON: &str = "application/json";

/// The index's `config.json`. A caller without credentials gets here only where anybody may read.
pub(super) fn config(base_url: &str, repository: &str, caller: &Caller) -> Document {
    let api = format!("{base_url}/{}/{}", SPEC.prefix, encode_segment(repository));
    let mut config = json!({ "dl": format!("{api}/api/v1/crates"), "api": api });
    if let (false, Value::Object(fields)) = (matches!(caller, Caller::Anonymous), &mut config) {
        fields.insert("auth-required".into(), true.into());
    }
    let headers = vec![("Vary", "Authorization".to_owned())];
    Document { media_type: JSON.to_owned(), body: config.to_string().into(), headers }
}

/// A name's file in the index: one line per version.
pub(super) fn index(view: &PackageView) -> Document {
    let mut body = String::new();
    for line in view.versions.iter().filter_map(|version| line::serve(&view.name, version)) {
        body.push_str(&line);
        body.push('\n');
    }
    Document { media_type: "text/plain; charset=utf-8".to_owned(), body: body.into(), headers: Vec::new() }
}

/// One page of a search.
pub(super) fn search<'a>(found: impl Iterator<Item = &'a PackageView>, total: usize) -> Document {
    let crates: Vec<Value> = found.filter_map(hit).collect();
    let body = json!({ "crates": crates, "meta": { "total": total } });
    Document { media_type: JSON.to_owned(), body: body.to_string().into(), headers: Vec::new() }
}

fn hit(view: &PackageView) -> Option<Value> {
    let usable = |version: &&VersionView| version.blocked.is_none() && !line::is_yanked(version);
    let order =
        |version: &&VersionView| names::version(&version.package.at.version).ok().map(|v| (v.pre.is_empty(), v));
    let newest = view.versions.iter().filter(usable).max_by_key(order);
    // A name whose versions are all blocked or yanked is found all the same.
    let shown = newest.or_else(|| view.versions.iter().max_by_key(order))?;
    Some(json!({
        "name": line::written_name(shown).unwrap_or(&view.name),
        "max_version": shown.package.at.version,
        "description": shown.package.metadata.get("description"),
    }))
}

/// Who published: nobody owns a crate here, so these are named.
pub(super) fn owners(view: &PackageView) -> Document {
    let here = view.versions.iter().filter(|version| !version.files.is_empty() && version.package.origin.is_none());
    let logins: BTreeSet<&str> = here.map(|version| version.package.uploader.as_str()).collect();
    let users: Vec<Value> =
        logins.iter().zip(1..).map(|(login, id)| json!({ "id": id, "login": login, "name": null })).collect();
    let body = json!({ "users": users }).to_string();
    Document { media_type: JSON.to_owned(), body: body.into(), headers: Vec::new() }
}

pub(super) fn published() -> Answer {
    let none: [&str; 0] = [];
    let warnings = json!({ "invalid_categories": none, "invalid_badges": none, "other": none });
    answer::json(200, JSON, &json!({ "warnings": warnings }))
}

pub(super) fn done() -> Answer {
    answer::json(200, JSON, &json!({ "ok": true }))
}

pub(super) fn problem(problem: &Problem) -> Answer {
    let body = json!({ "errors": [{ "detail": problem.message }] });
    Answer { headers: answer::retry_after(problem), ..answer::json(answer::status(problem.kind), JSON, &body) }
}

/// A refusal as cargo shows it. The sentence comes first: of a body that is longer than 512 characters, cargo shows the
/// beginning.
#[derive(Serialize)]
struct Refused<'a> {
    detail: &'a str,
    code: &'static str,
    decision: Option<&'a str>,
}

pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let sentence = refusal.sentence();
    let decision = refusal.decision.as_ref().map(|decision| decision.0.as_str());
    let refused = Refused { detail: &sentence, code: "refused-by-policy", decision };
    let error = serde_json::to_string(&refused).unwrap_or_default();
    let body = Bytes::from(format!("{{\"errors\":[{error}]}}\n"));
    Answer { status: 403, reason: Some(answer::reason(&sentence)), media_type: JSON, body, ..Answer::default() }
}
