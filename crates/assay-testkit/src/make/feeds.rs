//! Small feeds in the published shapes: OSV bulk archives, EPSS scores, the catalogue of exploited vulnerabilities.

use anyhow::Result;
use serde_json::{Value, json};

use super::{gzip, zip};

/// A CVSS 3.1 vector that scores 9.8.
pub const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

/// An OSV record that says versions of `name` before `fixed` (or all, if `None`) are affected.
#[must_use]
pub fn osv_record(id: &str, ecosystem: &str, name: &str, fixed: Option<&str>, vector: &str, modified: &str) -> Value {
    let mut events = vec![json!({ "introduced": "0" })];
    events.extend(fixed.map(|version| json!({ "fixed": version })));
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": modified,
        "published": modified,
        "summary": format!("Test advisory for {name}"),
        "severity": [{ "type": "CVSS_V3", "score": vector }],
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    })
}

/// The same record, withdrawn.
#[must_use]
pub fn withdrawn(mut record: Value, when: &str) -> Value {
    record["withdrawn"] = json!(when);
    record["modified"] = json!(when);
    record
}

/// A bulk archive: one `<id>.json` a record.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn osv_zip(records: &[Value]) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for record in records {
        let id = record["id"].as_str().unwrap_or("nameless");
        files.push((format!("{id}.json"), serde_json::to_vec(record)?));
    }
    zip(&files)
}

/// A day's scores: `(CVE, probability, percentile)`. `date` is `YYYY-MM-DD`.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn epss_csv_gz(date: &str, scores: &[(&str, f64, f64)]) -> Result<Vec<u8>> {
    let mut text = format!("#model_version:v2025.03.14,score_date:{date}T00:00:00+0000\ncve,epss,percentile\n");
    for (cve, probability, percentile) in scores {
        text.push_str(&format!("{cve},{probability:.5},{percentile:.5}\n"));
    }
    gzip(text.as_bytes())
}

/// A catalogue of exploited vulnerabilities: `(CVE, date added as YYYY-MM-DD)`.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn kev_json(released: &str, entries: &[(&str, &str)]) -> Result<Vec<u8>> {
    let vulnerabilities: Vec<Value> = entries
        .iter()
        .map(|(cve, added)| {
            json!({
                "cveID": cve, "vendorProject": "Test", "product": "Test", "vulnerabilityName": "Test",
                "dateAdded": added, "shortDescription": "Test", "requiredAction": "Update", "dueDate": added,
                "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": [],
            })
        })
        .collect();
    Ok(serde_json::to_vec(&json!({
        "title": "Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": released.replace('-', "."),
        "dateReleased": format!("{released}T00:00:00.0000Z"),
        "count": vulnerabilities.len(),
        "vulnerabilities": vulnerabilities,
    }))?)
}
