//! Promises of a transparency log: Rekor's signed entry timestamps, checked with the log's key. That the entry is in the
//! log is not checked; the log promised it, and when.

use crate::{key::PublicKey, unbase64};
use assay_model::trust::{LogEntry, Seal, TrustKind, Trusted};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// When a trusted log promised to keep this signature, in seconds since 1970; the earliest.
///
/// # Errors
/// Why there is no such promise, for people.
pub(crate) fn promised(seal: &Seal, trusted: &[&Trusted]) -> Result<i64, String> {
    let logs = trusted.iter().filter(|one| one.kind == TrustKind::Log);
    let logs: Vec<PublicKey> = logs.filter_map(|one| PublicKey::from_pem(&one.pem).ok()).collect();
    if logs.is_empty() {
        return Err("a log is asked for, and no log is trusted".to_owned());
    }
    if seal.log.is_empty() {
        return Err("no entry of a log came with it".to_owned());
    }
    let kept = |entry: &&LogEntry| logs.iter().any(|log| promises(log, entry)) && is_of(entry, seal);
    let times = seal.log.iter().filter(kept).map(|entry| entry.integrated_time);
    times.min().ok_or_else(|| "no trusted log promised to keep it".to_owned())
}

fn promises(log: &PublicKey, entry: &LogEntry) -> bool {
    if !entry.log_id.eq_ignore_ascii_case(&log.log_id()) {
        return false;
    }
    // Canonical JSON (RFC 8785): keys in order, no blanks.
    let said = json!({
        "body": entry.body, "integratedTime": entry.integrated_time, "logID": log.log_id(), "logIndex": entry.log_index,
    });
    unbase64(&entry.promise).is_some_and(|promise| log.made(said.to_string().as_bytes(), &promise))
}

/// Whether the entry is about this very signature (hashedrekord, dsse, intoto).
fn is_of(entry: &LogEntry, seal: &Seal) -> bool {
    let Some(signature) = unbase64(&seal.signature) else { return false };
    let body = unbase64(&entry.body).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(spec) = body.as_ref().map(|body| &body["spec"]) else { return false };
    let written = STANDARD.encode(&signature);
    let twice = STANDARD.encode(&written);
    let single = spec["signature"]["content"].as_str();
    let several = spec["signatures"].as_array().into_iter().flatten().filter_map(|one| one["signature"].as_str());
    let wrapped = spec["content"]["envelope"]["signatures"].as_array();
    let wrapped = wrapped.into_iter().flatten().filter_map(|one| one["sig"].as_str());
    single.into_iter().chain(several).chain(wrapped).any(|said| said == written || said == twice)
}

/// Entries as Sigstore bundles and PEP 740 write them.
pub(crate) fn entries(list: &Value) -> Vec<LogEntry> {
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let entry = |one: &Value| {
        Some(LogEntry {
            body: one["canonicalizedBody"].as_str()?.to_owned(),
            integrated_time: number(&one["integratedTime"])?,
            log_id: hex::encode(unbase64(one["logId"]["keyId"].as_str()?)?),
            log_index: number(&one["logIndex"])?,
            promise: one["inclusionPromise"]["signedEntryTimestamp"].as_str()?.to_owned(),
        })
    };
    list.as_array().into_iter().flatten().take(crate::ENTRIES).filter_map(entry).collect()
}

/// The entry as cosign annotates a layer with it.
pub(crate) fn annotated(text: &str) -> Option<LogEntry> {
    let said: Value = serde_json::from_str(text).ok()?;
    let payload = &said["Payload"];
    Some(LogEntry {
        body: payload["body"].as_str()?.to_owned(),
        integrated_time: payload["integratedTime"].as_i64()?,
        log_id: payload["logID"].as_str()?.to_owned(),
        log_index: payload["logIndex"].as_i64()?,
        promise: said["SignedEntryTimestamp"].as_str()?.to_owned(),
    })
}
