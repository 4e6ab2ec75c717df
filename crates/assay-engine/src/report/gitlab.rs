//! GitLab's security reports, schema 15.0.7: container scanning for images, dependency scanning for everything else.
//! Secrets and licences have no place in these two.

use super::trivy::{ArtifactKind, Outcome, Report, Vulnerability};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const SCHEMA_VERSION: &str = "15.0.7";
/// The most identifiers that the schema takes.
const IDENTIFIERS: usize = 20;

/// The document.
#[must_use]
pub fn render(report: &Report) -> Value {
    let is_image = report.artifact_type == ArtifactKind::Image.as_str();
    let made = report.created_at.parse::<Timestamp>().unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let scanner = json!({
        "id": "assay", "name": "Assay", "version": env!("CARGO_PKG_VERSION"), "vendor": {"name": "Assay"},
    });
    let found = report.results.iter().flat_map(|outcome| outcome.vulnerabilities.iter().map(move |v| (outcome, v)));
    let vulnerabilities: Vec<Value> = found.map(|(outcome, v)| vulnerability(report, outcome, v, is_image)).collect();
    let mut document = json!({
        "version": SCHEMA_VERSION,
        "scan": {
            "analyzer": scanner.clone(), "scanner": scanner,
            "type": if is_image { "container_scanning" } else { "dependency_scanning" },
            "start_time": made, "end_time": made, "status": "success",
        },
        "vulnerabilities": vulnerabilities,
        "remediations": [],
    });
    if !is_image && let Some(map) = document.as_object_mut() {
        map.insert("dependency_files".into(), report.results.iter().filter_map(file).collect());
    }
    document
}

fn file(outcome: &Outcome) -> Option<Value> {
    if outcome.packages.is_empty() {
        return None;
    }
    let dependency = |p: &super::trivy::Package| json!({"package": {"name": p.name}, "version": p.version});
    let dependencies: Vec<Value> = outcome.packages.iter().map(dependency).collect();
    let manager = if outcome.kind.is_empty() { "unknown" } else { &outcome.kind };
    Some(json!({"path": outcome.target, "package_manager": manager, "dependencies": dependencies}))
}

fn vulnerability(report: &Report, outcome: &Outcome, v: &Vulnerability, is_image: bool) -> Value {
    let dependency = json!({"package": {"name": v.pkg_name}, "version": v.installed_version});
    let location = if is_image {
        json!({"dependency": dependency, "operating_system": system(report), "image": image(report)})
    } else {
        let path = if v.pkg_path.is_empty() { &outcome.target } else { &v.pkg_path };
        json!({"file": path, "dependency": dependency})
    };
    let mut map = Map::new();
    let id = v.fingerprint.strip_prefix("sha256:").unwrap_or(&v.fingerprint);
    let id =
        if id.is_empty() { format!("{}:{}:{}", outcome.target, v.pkg_name, v.vulnerability_id) } else { id.into() };
    map.insert("id".into(), id.into());
    map.insert("name".into(), cut(if v.title.is_empty() { &v.vulnerability_id } else { &v.title }, 255).into());
    map.insert("description".into(), v.description.clone().into());
    map.insert("severity".into(), severity(&v.severity).into());
    let solution = match v.fixed_version.as_str() {
        "" => "No solution provided".to_owned(),
        fixed => format!("Upgrade {} to {fixed}", v.pkg_name),
    };
    map.insert("solution".into(), solution.into());
    map.insert("location".into(), location);
    map.insert("identifiers".into(), identifiers(v));
    let links = v.references.iter().filter(|link| is_link(link)).map(|link| json!({"url": link}));
    map.insert("links".into(), links.collect());
    Value::Object(map)
}

fn is_link(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://") || text.starts_with("ftp://"))
        && !text.contains(char::is_whitespace)
}

fn identifiers(v: &Vulnerability) -> Value {
    let ids = std::iter::once(&v.vulnerability_id).chain(&v.vendor_ids).chain(&v.cwe_ids);
    let one = |id: &String| {
        let kind = id.split('-').next().unwrap_or_default().to_lowercase();
        let value = if kind == "cwe" { id.trim_start_matches("CWE-") } else { id.as_str() };
        let mut map = Map::new();
        map.insert("type".into(), kind.into());
        map.insert("name".into(), id.as_str().into());
        map.insert("value".into(), value.into());
        if *id == v.vulnerability_id && is_link(&v.primary_url) {
            map.insert("url".into(), v.primary_url.clone().into());
        }
        Value::Object(map)
    };
    ids.take(IDENTIFIERS).map(one).collect()
}

fn severity(word: &str) -> &'static str {
    match word {
        "CRITICAL" => "Critical",
        "HIGH" => "High",
        "MEDIUM" => "Medium",
        "LOW" => "Low",
        _ => "Unknown",
    }
}

fn system(report: &Report) -> String {
    let named = report.metadata.os.as_ref().map(|os| format!("{} {}", os.family, os.name).trim().to_owned());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "Unknown".to_owned())
}

/// The schema wants a name with a tag; an archive without one is named as a file.
fn image(report: &Report) -> String {
    let about = &report.metadata;
    let names = [&about.reference].into_iter().chain(&about.repo_tags).chain([&report.artifact_name]);
    let tagged = |name: &&String| name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    names.into_iter().find(tagged).cloned().unwrap_or_else(|| format!("file:{}", report.artifact_name))
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::report::trivy::{Metadata, Os, Package};

    fn report(kind: ArtifactKind) -> Report {
        let v = Vulnerability {
            vulnerability_id: "CVE-2026-1".into(),
            pkg_name: "left".into(),
            installed_version: "1".into(),
            fixed_version: "2".into(),
            severity: "HIGH".into(),
            primary_url: "https://avd.aquasec.com/nvd/cve-2026-1".into(),
            references: vec!["https://example.org/a".into(), "not a link".into()],
            cwe_ids: vec!["CWE-79".into()],
            fingerprint: "sha256:ab".into(),
            ..Vulnerability::default()
        };
        let outcome = Outcome {
            target: "package-lock.json".into(),
            kind: "npm".into(),
            packages: vec![Package { name: "left".into(), version: "1".into(), ..Package::default() }],
            vulnerabilities: vec![v],
            ..Outcome::default()
        };
        let os = Os { family: "alpine".into(), name: "3.10".into(), eosl: false };
        Report {
            artifact_type: kind.as_str().into(),
            artifact_name: "image.tar".into(),
            created_at: "2021-08-25T12:20:30.000000005Z".into(),
            metadata: Metadata { os: Some(os), ..Metadata::default() },
            results: vec![outcome],
            ..Report::default()
        }
    }

    #[test]
    fn images_and_sources_have_reports_of_their_own() {
        let image = render(&report(ArtifactKind::Image));
        assert_eq!(image["scan"]["type"], "container_scanning");
        assert_eq!(image["scan"]["start_time"], "2021-08-25T12:20:30");
        let location = &image["vulnerabilities"][0]["location"];
        assert_eq!(
            (&location["operating_system"], &location["image"]),
            (&json!("alpine 3.10"), &json!("file:image.tar"))
        );
        let sources = render(&report(ArtifactKind::Repository));
        assert_eq!(sources["scan"]["type"], "dependency_scanning");
        assert_eq!(sources["dependency_files"][0]["package_manager"], "npm");
        assert_eq!(sources["vulnerabilities"][0]["location"]["file"], "package-lock.json");
        assert_eq!(sources["vulnerabilities"][0]["links"], json!([{"url": "https://example.org/a"}]));
        assert_eq!(sources["vulnerabilities"][0]["identifiers"][1]["value"], "79");
    }
}
