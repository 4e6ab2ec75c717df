//! The security profile of SPDX 3.0: vulnerabilities, and what is known of them, as relationships to packages.

use super::{names, v3::Graph};
use crate::report::bom::{Document, Rating, Response, Vulnerability};
use serde_json::{Value, json};

pub(super) fn add(graph: &mut Graph, document: &Document, packages: &[String]) {
    for (number, vulnerability) in document.vulnerabilities.iter().enumerate() {
        let to: Vec<String> = vulnerability.affects.iter().filter_map(|one| packages.get(one.node).cloned()).collect();
        if to.is_empty() {
            continue;
        }
        let address = element(graph, vulnerability, number);
        for package in &to {
            graph.relate(package, "hasAssociatedVulnerability", std::slice::from_ref(&address), "noAssertion");
        }
        for rating in &vulnerability.ratings {
            rate(graph, rating, &address, &to);
        }
        exploitation(graph, vulnerability, &address, &to);
        if vulnerability.response == Some(Response::InTriage) {
            let kind = "security_VexUnderInvestigationVulnAssessmentRelationship";
            assess(graph, kind, &address, "underInvestigationFor", &to, json!({}));
        }
    }
}

fn element(graph: &mut Graph, from: &Vulnerability, number: usize) -> String {
    let identifier = |id: &String| {
        let kind = if id.starts_with("CVE-") { "cve" } else { "securityOther" };
        json!({"type": "ExternalIdentifier", "externalIdentifierType": kind, "identifier": id})
    };
    let identifiers: Vec<Value> = std::iter::once(&from.id).chain(&from.aliases).map(identifier).collect();
    let references: Vec<Value> = from
        .advisories
        .iter()
        .map(|link| json!({"type": "ExternalRef", "externalRefType": "securityAdvisory", "locator": [link]}))
        .collect();
    let properties = json!({
        "name": from.id, "summary": from.title, "description": from.description, "externalIdentifier": identifiers,
        "externalRef": references, "security_publishedTime": from.published, "security_modifiedTime": from.updated,
    });
    graph.add("security_Vulnerability", &format!("Vulnerability-{number}-{}", names::short(&from.id)), properties)
}

/// An assessment is a relationship from the vulnerability to what it was assessed for.
fn assess(graph: &mut Graph, kind: &str, from: &str, relationship: &str, to: &[String], mut properties: Value) {
    let id = format!("Assessment-{}", names::short(&format!("{kind} {from} {properties} {}", to.join(" "))));
    if let Some(object) = properties.as_object_mut() {
        object.insert("from".into(), from.into());
        object.insert("relationshipType".into(), relationship.into());
        object.insert("to".into(), json!(to));
    }
    graph.add(kind, &id, properties);
}

fn rate(graph: &mut Graph, rating: &Rating, from: &str, to: &[String]) {
    let kind = match rating.method {
        Some("CVSSv2") => "security_CvssV2VulnAssessmentRelationship",
        Some("CVSSv4") => "security_CvssV4VulnAssessmentRelationship",
        Some(_) => "security_CvssV3VulnAssessmentRelationship",
        None => return,
    };
    let mut properties = json!({"security_score": rating.score, "comment": format!("by {}", rating.source)});
    if let Some(object) = properties.as_object_mut() {
        object.insert("security_vectorString".into(), json!(rating.vector));
        if rating.method != Some("CVSSv2") {
            let none = rating.severity == "unknown";
            object.insert("security_severity".into(), json!(if none { "none" } else { &rating.severity }));
        }
    }
    assess(graph, kind, from, "hasAssessmentFor", to, properties);
}

fn exploitation(graph: &mut Graph, vulnerability: &Vulnerability, from: &str, to: &[String]) {
    let property = |wanted: &str| vulnerability.properties.iter().find(|(name, _)| name == wanted).map(|(_, v)| v);
    let number = |wanted: &str| property(wanted).and_then(|text| text.parse::<f64>().ok());
    if let (Some(score), Some(percentile), Some(date)) =
        (number("epss:score"), number("epss:percentile"), property("epss:date"))
    {
        let properties = json!({
            "security_probability": score, "security_percentile": percentile,
            "security_publishedTime": format!("{date}T00:00:00Z"),
        });
        assess(graph, "security_EpssVulnAssessmentRelationship", from, "hasAssessmentFor", to, properties);
    }
    if property("kev:dateAdded").is_some() {
        let properties = json!({
            "security_catalogType": "kev", "security_exploited": true,
            "security_locator": "https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
        });
        assess(graph, "security_ExploitCatalogVulnAssessmentRelationship", from, "hasAssessmentFor", to, properties);
    }
}
