//! What one record says: a line of the extract, or a CVE record with the container that CISA adds.

use crate::input::is_cve;
use assay_model::health::Ssvc;
use serde_json::Value;

/// What is read of a record.
pub(super) struct Said {
    pub(super) cve: String,
    pub(super) ssvc: Option<Ssvc>,
    /// Who says it (`cisa`, else `cna`), and the vector.
    pub(super) vectors: Vec<(&'static str, String)>,
    pub(super) cwes: Vec<String>,
    pub(super) updated: String,
}

/// Values that are read of one list.
const ITEMS: usize = 50;

/// Nothing for a record that is no longer published.
pub(super) fn read(value: &Value) -> Result<Option<Said>, String> {
    let meta = value.get("cveMetadata");
    let cve = meta.map_or_else(|| text(value, "cve"), |meta| text(meta, "cveId")).unwrap_or_default();
    if !is_cve(cve) {
        return Err("the id is no CVE id".to_owned());
    }
    if text(meta.unwrap_or(value), "state").is_some_and(|state| state == "REJECTED") {
        return Ok(None);
    }
    let mut said = Said {
        cve: cve.to_owned(),
        ssvc: None,
        vectors: Vec::new(),
        cwes: Vec::new(),
        updated: text(meta.unwrap_or(value), if meta.is_some() { "dateUpdated" } else { "updated" })
            .unwrap_or("1970-01-01T00:00:00Z")
            .to_owned(),
    };
    if meta.is_some() {
        containers(value, &mut said)
    } else {
        line(value, &mut said)
    }
    Ok(Some(said))
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty() && text.len() <= 512)
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().take(ITEMS)
}

fn by(source: &str) -> &'static str {
    if source.to_ascii_lowercase().contains("cisa") { "cisa" } else { "cna" }
}

fn line(value: &Value, said: &mut Said) {
    said.ssvc = value.get("ssvc").and_then(|points| {
        let point = |name| text(points, name).map(str::to_ascii_lowercase);
        Some(Ssvc {
            exploitation: point("Exploitation")?,
            automatable: point("Automatable").unwrap_or_default(),
            technical_impact: point("Technical Impact").unwrap_or_default(),
            at: text(value, "ssvc_timestamp").unwrap_or_default().to_owned(),
        })
    });
    for scored in list(value, "cvss") {
        let source = by(text(scored, "source").unwrap_or_default());
        said.vectors.extend(text(scored, "vector").map(|vector| (source, vector.to_owned())));
    }
    said.cwes.extend(list(value, "cwe").filter_map(Value::as_str).map(str::to_owned));
}

/// The CVE record: the container of the authority that assigned it, and those that others added.
fn containers(value: &Value, said: &mut Said) {
    let Some(containers) = value.get("containers") else { return };
    let cna = containers.get("cna").into_iter().map(|one| (one, "cna"));
    let added = list(containers, "adp").map(|one| {
        let name = one.get("providerMetadata").and_then(|p| text(p, "shortName")).or_else(|| text(one, "title"));
        (one, by(name.unwrap_or_default()))
    });
    for (container, source) in cna.chain(added) {
        for metric in list(container, "metrics") {
            for version in ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"] {
                let vector = metric.get(version).and_then(|cvss| text(cvss, "vectorString"));
                said.vectors.extend(vector.map(|vector| (source, vector.to_owned())));
            }
            let other = metric.get("other").filter(|other| text(other, "type") == Some("ssvc"));
            if let Some(points) = other.and_then(|other| other.get("content")).and_then(points) {
                said.ssvc = Some(points);
            }
        }
        for problem in list(container, "problemTypes").flat_map(|kind| list(kind, "descriptions")) {
            said.cwes.extend(text(problem, "cweId").map(str::to_owned));
        }
    }
}

fn points(content: &Value) -> Option<Ssvc> {
    let mut ssvc = Ssvc { at: text(content, "timestamp").unwrap_or_default().to_owned(), ..Ssvc::default() };
    for option in list(content, "options") {
        let point = |name| text(option, name).map(str::to_ascii_lowercase);
        if let Some(word) = point("Exploitation") {
            ssvc.exploitation = word;
        } else if let Some(word) = point("Automatable") {
            ssvc.automatable = word;
        } else if let Some(word) = point("Technical Impact") {
            ssvc.technical_impact = word;
        }
    }
    (!ssvc.exploitation.is_empty()).then_some(ssvc)
}
