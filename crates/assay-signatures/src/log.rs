//! Promises of a transparency log: Rekor's signed entry timestamps, checked with the log's key. That the entry is in the
//! log is not checked; the log promised it, and when.

use crate::{
    key::PublicKey,
    ring::{Beyond, Purse},
    unbase64,
};
use assay_model::trust::{LogEntry, Seal};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// When a trusted log promised to keep this signature, in seconds since 1970; the earliest.
///
/// # Errors
/// [`Beyond`] when nobody looked; within, why there is no such promise, for people.
pub(crate) fn promised(seal: &Seal, logs: &[&PublicKey], purse: &mut Purse) -> Result<Result<i64, String>, Beyond> {
    if logs.is_empty() {
        return Ok(Err("a log is asked for, and no log is trusted".to_owned()));
    }
    if seal.log.is_empty() {
        return Ok(Err("no entry of a log came with it".to_owned()));
    }
    let mut first: Option<i64> = None;
    for entry in &seal.log {
        let mut kept = false;
        for log in logs {
            kept = kept || promises(log, entry, purse)?;
        }
        if kept && is_of(entry, seal) {
            first = Some(first.map_or(entry.integrated_time, |at| at.min(entry.integrated_time)));
        }
    }
    Ok(first.ok_or_else(|| "no trusted log promised to keep it".to_owned()))
}

fn promises(log: &PublicKey, entry: &LogEntry, purse: &mut Purse) -> Result<bool, Beyond> {
    if !entry.log_id.eq_ignore_ascii_case(&log.log_id()) {
        return Ok(false);
    }
    // Canonical JSON (RFC 8785): keys in order, no blanks.
    let said = json!({
        "body": entry.body, "integratedTime": entry.integrated_time, "logID": log.log_id(), "logIndex": entry.log_index,
    });
    let Some(promise) = unbase64(&entry.promise) else { return Ok(false) };
    log.made(said.to_string().as_bytes(), &promise, purse)
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
