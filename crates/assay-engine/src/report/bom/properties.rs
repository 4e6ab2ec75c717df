//! What an occurrence says beyond the fields that formats have: properties, by which our own reader gets it back.

use assay_model::{
    component::{Occurrence, Relationship},
    ecosystem,
};

/// Names without prefix, and values, in a fixed order.
pub(super) fn of(found: &Occurrence) -> Vec<(String, String)> {
    let component = &found.component;
    let mut all: Vec<(String, String)> = vec![("analyzer".into(), found.analyzer.clone())];
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            all.push((name.to_owned(), value.to_owned()));
        }
    };
    add("path", &found.path);
    add("layer", found.layer.as_deref().unwrap_or_default());
    add("id", &found.id);
    add("ecosystem", &component.ecosystem);
    if is_distribution(&component.purl_type) {
        let (name, version) = found.source();
        if name != component.name || version != component.version {
            add("source:name", name);
            add("source:version", version);
        }
    }
    if component.match_name != component.name || component.match_version != component.version {
        add("match:name", &component.match_name);
        add("match:version", &component.match_version);
    }
    add("relationship", relationship(found.relationship));
    add("development", if found.dev { "true" } else { "" });
    add("subject", if found.is_subject { "true" } else { "" });
    add("ownedBy", found.owned_by.as_deref().unwrap_or_default());
    add("vendoredIn", found.vendored_in.as_deref().unwrap_or_default());
    for lines in &found.lines {
        add("lines", &format!("{}-{}", lines.first, lines.last));
    }
    add("digest", found.digest.as_deref().unwrap_or_default());
    for requirement in &found.requires {
        add("requires", requirement);
    }
    for (name, value) in &found.properties {
        add(name, value);
    }
    all
}

fn relationship(relationship: Relationship) -> &'static str {
    match relationship {
        Relationship::Unknown => "",
        Relationship::Root => "root",
        Relationship::Workspace => "workspace",
        Relationship::Direct => "direct",
        Relationship::Indirect => "indirect",
    }
}

/// Whether packages of this purl type are a distribution's.
pub(super) fn is_distribution(purl_type: &str) -> bool {
    ecosystem::laws().iter().any(|law| law.is_distribution() && law.purl_type == purl_type)
}
