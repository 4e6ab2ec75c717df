//! Reads a stored document back as a sheet: findings by themselves, every other fact by its path.

use assay_model::{
    Problem,
    finding::Severity,
    sheet::{Sheet, SheetFinding, Suppressed},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Parts of the document that say again what other parts say, or that the findings say.
const ELSEWHERE: &[&str] = &[
    "osv",
    "security_scan",
    "sbom",
    "vulnerabilities",
    "malware",
    "end_of_life",
    "kev",
    "tags",
    "identity",
    "suppressed",
];
/// Most facts of one sheet: the components of a large image.
const MAX_FACTS: usize = 200_000;
/// What things in lists go by, the first that they have. Paths before names: files of one name differ in them.
const NAMES: &[&str] = &["purl", "path", "identifier", "id", "slug", "name", "source", "kind"];

type Fields = Map<String, Value>;

/// The sheet of a document that `Document::canonical` wrote.
///
/// # Errors
/// `Invalid` when it is something else.
pub(crate) fn read(document: &[u8]) -> Result<Sheet, Problem> {
    let wrong = |error| Problem::invalid("bad-input", "this is no policy input").caused_by(error);
    let mut facts = BTreeMap::new();
    let [v0, more]: [Fields; 2] = match serde_json::from_slice(document).map_err(wrong)? {
        // with what waivers do beside it
        Value::Object(mut written) => {
            flatten("waivers", &written.remove("waivers").unwrap_or_default(), &mut facts);
            serde_json::from_value(written.remove("input").unwrap_or_default()).map_err(wrong)?
        }
        alone => serde_json::from_value(alone).map_err(wrong)?,
    };
    for (name, value) in v0.iter().chain(&more).filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
        flatten(name, value, &mut facts);
    }
    // said again by tags
    facts.retain(|path, _| !path.starts_with("package.tags."));
    let suppressed = more.get("suppressed").and_then(Value::as_array).into_iter().flatten().map(suppressed).collect();
    Ok(Sheet { tags: texts(more.get("tags")), findings: findings(&v0, &more), suppressed, facts })
}

fn flatten(path: &str, value: &Value, facts: &mut BTreeMap<String, Value>) {
    if facts.len() >= MAX_FACTS {
        return;
    }
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, facts))
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if items.iter().all(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let name = NAMES.iter().find_map(|name| item.get(*name)?.as_str().filter(|name| !name.is_empty()));
                let mut place = format!("{path}.{}", name.map_or_else(|| index.to_string(), str::to_owned));
                // two things of one name are told apart by their place
                if facts
                    .range(format!("{place}.")..)
                    .next()
                    .is_some_and(|(known, _)| known.starts_with(&format!("{place}.")))
                {
                    place = format!("{place}#{index}");
                }
                flatten(&place, item, facts);
            }
        }
        other => {
            facts.insert(path.to_owned(), other.clone());
        }
    }
}

fn findings(v0: &Fields, more: &Fields) -> Vec<SheetFinding> {
    let records = records(v0);
    let kinds = [("vulnerabilities", "vulnerability"), ("malware", "malware"), ("end_of_life", "end-of-life")];
    let mut all = Vec::new();
    for (part, kind) in kinds {
        for one in more.get(part).and_then(Value::as_array).into_iter().flatten() {
            all.push(finding(one, kind, &records));
        }
    }
    all
}

/// Ids of the records behind each id: what a finding's sources are called.
fn records(v0: &Fields) -> BTreeMap<&str, Vec<&str>> {
    let mut by_id: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in v0.get("osv").and_then(Value::as_array).into_iter().flatten() {
        let Some(id) = record.get("id").and_then(Value::as_str) else { continue };
        by_id.entry(id).or_default().push(id);
        for other in record.get("aliases").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            by_id.entry(other).or_default().push(id);
        }
    }
    by_id
}

fn finding(one: &Value, kind: &str, records: &BTreeMap<&str, Vec<&str>>) -> SheetFinding {
    let text = |name: &str| one.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text("identifier").unwrap_or_default();
    let mut aliases = texts(one.get("aliases"));
    aliases.extend(records.get(id.as_str()).into_iter().flatten().map(|id| (*id).to_owned()));
    aliases.remove(&id);
    let within = |outer: &str, inner: &str| one.get(outer).and_then(|outer| outer.get(inner));
    let word =
        |name: &str, inner: &str| text(name).or_else(|| within(name, inner).and_then(Value::as_str).map(str::to_owned));
    SheetFinding {
        kind: kind.to_owned(),
        component: text("purl").or_else(|| text("package_name")).unwrap_or_default(),
        title: text("title").unwrap_or_default(),
        severity: text("severity").as_deref().and_then(Severity::parse),
        score: one.get("score").and_then(Value::as_f64),
        epss: within("epss", "score").and_then(Value::as_f64),
        kev: one.get("kev").is_some_and(|kev| !kev.is_null()),
        fixed: text("nearest_fixed"),
        source: within("source", "url").and_then(Value::as_str).map(str::to_owned),
        vex: word("vex", "status"),
        waived_by: word("waived_by", "id"),
        aliases,
        id,
    }
}

fn suppressed(one: &Value) -> Suppressed {
    let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let of_vex = |name: &str| one.get("vex").and_then(|vex| vex.get(name)).and_then(Value::as_str);
    let why = match of_vex("status") {
        Some(status) => format!("{status} according to VEX ({})", of_vex("author").unwrap_or("unknown author")),
        None => {
            let waivers: Vec<String> = texts(one.get("waivers")).into_iter().collect();
            format!("waived by {}", waivers.join(" and "))
        }
    };
    Suppressed { id: text("identifier"), aliases: texts(one.get("aliases")), component: text("purl"), why }
}

fn texts(list: Option<&Value>) -> BTreeSet<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
