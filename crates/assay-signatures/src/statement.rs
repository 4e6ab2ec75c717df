//! In-toto statements (0.1 and 1) and the DSSE envelopes that they travel in; what SLSA provenance (0.2 and 1) says of how
//! something was built.

use crate::{SEALS, unbase64};
use assay_model::{
    source_repository::repository_of,
    trust::{Evidence, Seal},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

const STATEMENT: &str = "https://in-toto.io/Statement/";
/// Ends of the types of statements that say no more than that somebody signed: cosign's, those of publishers on package
/// indexes, and a registry's own.
const SIGNING: [&str; 3] = ["/cosign/sign/v1", "/attestations/publish/v1", "/specs/publish/v0.1"];
const PROVENANCE: &str = "https://slsa.dev/provenance/";
/// Longest text that is taken over from a statement.
const LONGEST: usize = 1000;

/// The evidence in an envelope (DSSE 1.0). `seal` adds what came beside each signature.
pub(crate) fn enveloped(
    form: &str,
    path: &str,
    envelope: &Value,
    subjects: &[String],
    seal: impl Fn(Seal) -> Seal,
) -> Evidence {
    let kind = envelope["payloadType"].as_str().unwrap_or_default();
    let payload = envelope["payload"].as_str().and_then(unbase64);
    let Some(payload) = payload else { return damaged(form, path, "its envelope has no payload") };
    let signatures = envelope["signatures"].as_array().into_iter().flatten().take(SEALS).filter_map(|one| {
        let key_id = one["keyid"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        Some(seal(Seal { key_id, signature: one["sig"].as_str()?.to_owned(), ..Seal::default() }))
    });
    let seals: Vec<Seal> = signatures.collect();
    let mut evidence = stated(form, path, &payload, subjects);
    evidence.message = STANDARD.encode(encoded(kind, &payload));
    if seals.is_empty() {
        evidence.objection.get_or_insert_with(|| "nobody signed it".to_owned());
    }
    Evidence { seals, ..evidence }
}

/// What is signed of an envelope (DSSE 1.0, pre-authentication encoding).
pub(crate) fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

/// A statement that nobody signed.
pub(crate) fn bare(path: &str, bytes: &[u8], subjects: &[String]) -> Evidence {
    let mut evidence = stated("in-toto", path, bytes, subjects);
    evidence.objection.get_or_insert_with(|| "nobody signed it".to_owned());
    evidence
}

/// Evidence that is damaged: it is there, and does not hold.
pub(crate) fn damaged(form: &str, path: &str, why: &str) -> Evidence {
    Evidence {
        kind: "signature".to_owned(),
        form: form.to_owned(),
        path: path.to_owned(),
        objection: Some(why.to_owned()),
        foreign: true,
        ..Evidence::default()
    }
}

fn stated(form: &str, path: &str, payload: &[u8], subjects: &[String]) -> Evidence {
    let statement: Value = match serde_json::from_slice(payload) {
        Ok(statement) => statement,
        Err(_) => return damaged(form, path, "its statement is no JSON"),
    };
    let text = |value: &Value| value.as_str().filter(|text| text.len() <= LONGEST).map(str::to_owned);
    let (Some(predicate), true) = (
        text(&statement["predicateType"]),
        statement["_type"].as_str().is_some_and(|kind| kind.starts_with(STATEMENT)),
    ) else {
        return damaged(form, path, "it holds no in-toto statement");
    };
    let kind = match () {
        () if predicate.starts_with(PROVENANCE) => "provenance",
        () if SIGNING.iter().any(|end| predicate.ends_with(end)) => "signature",
        () => &predicate,
    };
    let mut evidence =
        Evidence { kind: kind.to_owned(), form: form.to_owned(), path: path.to_owned(), ..Evidence::default() };
    if kind == "provenance" {
        built(&statement["predicate"], &mut evidence);
    }
    if !names(&statement["subject"], subjects) {
        evidence.objection = Some("it is about something else: none of its subjects has this digest".to_owned());
    }
    Evidence { predicate_type: Some(predicate), ..evidence }
}

/// Whether one of the subjects has one of these digests.
fn names(list: &Value, subjects: &[String]) -> bool {
    let digests = list.as_array().into_iter().flatten().filter_map(|one| one["digest"].as_object()).flatten();
    let mut digests = digests.filter_map(|(algorithm, hex)| Some(format!("{algorithm}:{}", hex.as_str()?)));
    digests.any(|digest| subjects.iter().any(|subject| subject.eq_ignore_ascii_case(&digest)))
}

/// What provenance says, in either version.
fn built(predicate: &Value, evidence: &mut Evidence) {
    let text =
        |value: &Value| value.as_str().filter(|text| !text.is_empty() && text.len() <= LONGEST).map(str::to_owned);
    let old = &predicate["invocation"]["configSource"];
    let new = &predicate["buildDefinition"];
    evidence.builder = text(&predicate["runDetails"]["builder"]["id"]).or_else(|| text(&predicate["builder"]["id"]));
    let resolved = new["resolvedDependencies"].as_array().and_then(|all| all.first()).unwrap_or(&Value::Null);
    let material = predicate["materials"].as_array().and_then(|all| all.first()).unwrap_or(&Value::Null);
    let sources =
        [&new["externalParameters"]["workflow"]["repository"], &old["uri"], &resolved["uri"], &material["uri"]];
    evidence.source = sources.into_iter().find_map(text).map(|uri| source(&uri));
    let commits = [
        &resolved["digest"]["gitCommit"],
        &resolved["digest"]["sha1"],
        &old["digest"]["sha1"],
        &material["digest"]["sha1"],
    ];
    evidence.commit = commits.into_iter().find_map(text);
}

/// A source repository as it is spelled everywhere: host and path, without scheme, user, branch and suffix.
fn source(uri: &str) -> String {
    let bare = uri.strip_prefix("git+").unwrap_or(uri);
    let rest = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    // What is after an at sign in the path names a branch; one before the path, a user.
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = path.split(['@', '#', '?']).next().unwrap_or(path);
    let plain = format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path));
    repository_of(&format!("https://{plain}")).unwrap_or(plain)
}
