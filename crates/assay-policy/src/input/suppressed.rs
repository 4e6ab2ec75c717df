//! Findings that do not count and why, statements of VEX, and waivers: `suppressed`, `waivers`.

use super::{
    findings::Findings,
    value::{list, object, text, texts, time},
};
use assay_model::{
    assessment::Assessment,
    component::Component,
    facts::Facts,
    finding::{Finding, FindingKind},
    vex::Said,
    waiver::Waiver,
};
use regorus::Value;

/// `suppressed`.
pub(super) fn list_of(findings: &Findings<'_>) -> Value {
    let gone = findings.assessed().filter(|(_, _, assessment)| assessment.for_all().is_some());
    list(gone.map(|(component, finding, assessment)| suppressed(component, finding, assessment)))
}

fn suppressed(component: &Component, finding: &Finding, assessment: &Assessment) -> Value {
    let kind = match finding.kind {
        FindingKind::Vulnerability => "vulnerability",
        FindingKind::Malware => "malware",
        FindingKind::EndOfLife => "end_of_life",
    };
    let said = assessment.said.as_ref().filter(|said| said.trusted && said.statement.status.suppresses());
    let everywhere = assessment.suppressed.iter().filter(|one| one.policies().is_none());
    let waivers = everywhere.filter_map(|one| one.waiver()).map(|id| id.0.as_str());
    object([
        ("identifier", Value::from(finding.id.as_str())),
        ("aliases", texts(finding.aliases.iter().map(String::as_str))),
        ("title", Value::from(finding.title.as_str())),
        ("severity", Value::from(finding.severity.as_str())),
        ("kind", Value::from(kind)),
        ("package_name", Value::from(component.name.as_str())),
        ("package_version", Value::from(component.version.as_str())),
        ("purl", Value::from(component.purl.as_str())),
        ("by", Value::from(if said.is_some() { "vex" } else { "waiver" })),
        ("vex", said.map_or(Value::Null, statement)),
        ("waivers", texts(waivers)),
    ])
}

/// A statement of VEX.
pub(super) fn statement(said: &Said) -> Value {
    let one = &said.statement;
    object([
        ("status", Value::from(one.status.as_str())),
        ("justification", text(one.justification.as_deref())),
        ("statement", text(one.statement.as_deref())),
        ("author", Value::from(one.author.as_str())),
        ("trusted", Value::from(said.trusted)),
        ("document", Value::from(one.document.as_str())),
        ("at", time(one.at)),
    ])
}

/// `waivers`.
pub(super) fn waivers(facts: &Facts) -> Value {
    list(facts.waivers.iter().map(waiver))
}

fn waiver(waiver: &Waiver) -> Value {
    let scope = &waiver.scope;
    let range = |range: &assay_model::waiver::PackageRange| {
        object([("purl", Value::from(range.purl.as_str())), ("versions", Value::from(range.versions.as_str()))])
    };
    object([
        ("id", Value::from(waiver.id.0.as_str())),
        ("reason", Value::from(waiver.reason.as_str())),
        ("author", Value::from(waiver.author.as_str())),
        ("approver", text(waiver.approver.as_deref())),
        ("created_at", time(Some(waiver.created_at))),
        ("expires_at", time(Some(waiver.expires_at))),
        ("vulnerabilities", texts(scope.vulnerabilities.iter().map(String::as_str))),
        ("packages", list(scope.packages.iter().map(range))),
        ("repositories", texts(scope.repositories.iter().map(String::as_str))),
        ("policies", texts(scope.policies.iter().map(String::as_str))),
    ])
}
