//! `input.v1`: everything in `input.v0` and what that shape has no place for.

use super::{
    content::{self, Licenses},
    depth::{self, Depths},
    findings::Findings,
    health,
    package::{days_before_arrival, tag_names},
    parts::Parts,
    place, suppressed,
    value::{list, object, text, texts, time},
};
use assay_model::{
    component::Occurrence,
    facts::Facts,
    inventory::{OsRelease, Skipped},
};
use regorus::Value;

/// What `v1` has beyond `v0`; `vulnerabilities` replaces its namesake.
pub(super) fn more(facts: &Facts, findings: &Findings<'_>, parts: &Parts) -> Value {
    let licenses = Licenses::default();
    parts.object(&[
        ("format", &|| Value::from(facts.package.at.format.as_str())),
        ("tags", &|| tag_names(facts)),
        ("labels", &|| place::labels(&facts.repository)),
        ("published_at", &|| time(facts.package.published_at)),
        ("first_seen", &|| time(Some(facts.package.uploaded_at))),
        ("requester", &|| text(facts.requester.as_deref())),
        ("age_at_arrival_days", &|| days_before_arrival(facts)),
        ("components", &|| list(facts.components.iter().map(|found| component(found, &licenses, findings.depths())))),
        ("os", &|| facts.os.as_ref().map_or(Value::Null, os)),
        ("completeness", &|| completeness(facts)),
        ("vulnerabilities", &|| findings.detailed()),
        ("kev", &|| findings.exploited()),
        ("malware", &|| findings.malware()),
        ("end_of_life", &|| findings.end_of_life()),
        ("suppressed", &|| suppressed::list_of(findings)),
        ("waivers", &|| suppressed::waivers(facts)),
        ("scorecard", &|| health::scorecard(facts)),
        ("popularity", &|| health::popularity(facts)),
        ("signatures", &|| health::signatures(facts)),
        ("speaks_of", &|| text(facts.speaks_of.as_deref())),
        ("provenance", &|| health::provenance(facts)),
        ("sources", &|| health::sources(facts)),
        ("secrets", &|| content::secrets(facts)),
        ("licenses", &|| licenses.all(facts)),
    ])
}

/// `v0` with `more` on top.
pub(super) fn superset(v0: &Value, more: &Value) -> Value {
    let (Ok(base), Ok(more)) = (v0.as_object(), more.as_object()) else { return v0.clone() };
    let mut whole = base.clone();
    whole.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    whole.into_value()
}

fn component(found: &Occurrence, licenses: &Licenses, depths: &Depths) -> Value {
    let component = &found.component;
    object([
        ("purl", Value::from(component.purl.as_str())),
        ("type", Value::from(component.purl_type.as_str())),
        ("namespace", Value::from(component.namespace.as_str())),
        ("name", Value::from(component.name.as_str())),
        ("version", Value::from(component.version.as_str())),
        ("ecosystem", text(Some(&component.ecosystem))),
        ("path", Value::from(found.path.as_str())),
        ("layer", text(found.layer.as_deref())),
        ("analyzer", Value::from(found.analyzer.as_str())),
        ("is_subject", Value::from(found.is_subject)),
        ("owned_by", text(found.owned_by.as_deref())),
        ("license", text(found.license().as_deref())),
        ("licenses", licenses.of(found)),
        ("relationship", Value::from(found.relationship.as_str())),
        ("depth", depth::value(depths.of(found))),
        ("dev", Value::from(found.dev)),
        ("vendored_in", text(found.vendored_in.as_deref())),
        ("requires", texts(found.requires.iter().map(String::as_str))),
    ])
}

fn os(os: &OsRelease) -> Value {
    object([
        ("id", Value::from(os.id.as_str())),
        ("version", Value::from(os.version.as_str())),
        ("name", Value::from(os.name.as_str())),
        ("ecosystem", text(Some(&os.ecosystem))),
    ])
}

fn completeness(facts: &Facts) -> Value {
    object([
        ("inventoried", Value::from(facts.inventoried)),
        ("inventoried_at", time(facts.inventoried_at)),
        ("complete", Value::from(facts.inventoried && facts.skipped.is_empty())),
        ("skipped", list(facts.skipped.iter().map(skipped))),
    ])
}

fn skipped(skipped: &Skipped) -> Value {
    object([
        ("path", Value::from(skipped.path.as_str())),
        ("reason", Value::from(skipped.reason.as_str())),
        ("detail", Value::from(skipped.detail.as_str())),
    ])
}
