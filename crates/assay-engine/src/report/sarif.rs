//! SARIF 2.1.0 (OASIS), in the order and words that code-scanning services know from Trivy.

use super::trivy::{self, License, Outcome, Report, Secret, Vulnerability};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str =
    "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json";

/// What calls itself the maker of the document.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    /// Short name.
    pub name: &'a str,
    /// Long name.
    pub full_name: &'a str,
    /// Where to read more.
    pub information: &'a str,
    /// Version.
    pub version: &'a str,
}

impl Default for Tool<'_> {
    fn default() -> Self {
        Self {
            name: "Assay",
            full_name: "Assay artifact scanner",
            information: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html",
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: ToolNode<'a>,
    results: Vec<Finding>,
    column_kind: &'static str,
    #[serde(rename = "originalUriBaseIds", skip_serializing_if = "Option::is_none")]
    bases: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Value>,
}

#[derive(Serialize)]
struct ToolNode<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    full_name: &'a str,
    information_uri: &'a str,
    name: &'a str,
    rules: Vec<Rule>,
    version: &'a str,
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
struct Level {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    name: &'static str,
    short_description: Message,
    full_description: Message,
    default_configuration: Level,
    #[serde(skip_serializing_if = "String::is_empty")]
    help_uri: String,
    help: Message,
    properties: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: Vec<Place>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    physical_location: Physical,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

/// One finding and the rule it belongs to.
struct Entry {
    rule: Rule,
    message: String,
    uri: String,
    said: String,
    lines: Vec<(u32, u32)>,
}

fn plain(text: impl Into<String>) -> Message {
    Message { text: text.into(), markdown: None }
}

/// The document. `root` is the directory that locations are relative to, as an absolute path.
///
/// # Errors
/// Never for reports of this crate.
pub fn render(report: &Report, tool: &Tool<'_>, root: Option<&str>) -> Result<String, serde_json::Error> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for entry in report.results.iter().flat_map(entries) {
        let at = *known.entry(entry.rule.id.clone()).or_insert(rules.len());
        results.push(Finding {
            rule_id: entry.rule.id.clone(),
            rule_index: at,
            level: entry.rule.default_configuration.level,
            message: plain(entry.message),
            locations: places(&entry.uri, &entry.said, &entry.lines),
        });
        match rules.get_mut(at) {
            Some(rule) => *rule = entry.rule,
            None => rules.push(entry.rule),
        }
    }
    let driver = Driver {
        full_name: tool.full_name,
        information_uri: tool.information,
        name: tool.name,
        rules,
        version: tool.version,
    };
    let run = Run {
        tool: ToolNode { driver },
        results,
        column_kind: "utf16CodeUnits",
        bases: root.map(|root| json!({"ROOTPATH": {"uri": format!("file://{}/", escape(root.trim_end_matches('/')))}})),
        properties: image(report),
    };
    trivy::text(&Document { version: "2.1.0", schema: SCHEMA, runs: [run] })
}

fn image(report: &Report) -> Option<Value> {
    if report.artifact_type != trivy::ArtifactKind::Image.as_str() {
        return None;
    }
    let list = |names: &[String]| if names.is_empty() { Value::Null } else { json!(names) };
    let about = &report.metadata;
    Some(json!({
        "imageID": about.image_id, "imageName": report.artifact_name,
        "repoDigests": list(&about.repo_digests), "repoTags": list(&about.repo_tags),
    }))
}

fn entries(outcome: &Outcome) -> Vec<Entry> {
    let vulnerabilities = outcome.vulnerabilities.iter().map(|v| vulnerability(outcome, v));
    let secrets = outcome.secrets.iter().map(|s| secret(outcome, s));
    let licenses = outcome.licenses.iter().map(|l| license(outcome, l));
    vulnerabilities.chain(secrets).chain(licenses).collect()
}

fn vulnerability(outcome: &Outcome, v: &Vulnerability) -> Entry {
    let Vulnerability { vulnerability_id: id, severity, pkg_name: package, fixed_version: fixed, .. } = v;
    let (url, text) = (&v.primary_url, &v.description);
    let path = if v.pkg_path.is_empty() { &outcome.target } else { &v.pkg_path };
    let path = if outcome.class == "os-pkgs" { image_name(path) } else { path.clone() };
    let (score, mut properties) = scores(v);
    tag(&mut properties, "vulnerability", severity, &score);
    let name = match outcome.class.as_str() {
        "os-pkgs" => "OsPackageVulnerability",
        "lang-pkgs" => "LanguageSpecificPackageVulnerability",
        _ => "UnknownIssue",
    };
    let link = format!("[{id}]({url})");
    Entry {
        message: format!(
            "Package: {package}\nInstalled Version: {}\nVulnerability {id}\nSeverity: {severity}\nFixed Version: {fixed}\nLink: {link}",
            v.installed_version
        ),
        said: format!("{path}: {package}@{}", v.installed_version),
        lines: lines_of(outcome, v),
        rule: Rule {
            id: id.clone(),
            name,
            short_description: plain(&v.title),
            full_description: plain(if text.is_empty() { &v.title } else { text }),
            default_configuration: Level { level: level(severity) },
            help_uri: escape(url),
            help: Message {
                text: format!(
                    "Vulnerability {id}\nSeverity: {severity}\nPackage: {package}\nFixed Version: {fixed}\nLink: {link}\n{text}"
                ),
                markdown: Some(format!(
                    "**Vulnerability {id}**\n| Severity | Package | Fixed Version | Link |\n| --- | --- | --- | --- |\n|{severity}|{package}|{fixed}|{link}|\n\n{text}"
                )),
            },
            properties,
        },
        uri: escape(&path),
    }
}

fn lines_of(outcome: &Outcome, v: &Vulnerability) -> Vec<(u32, u32)> {
    let found = outcome.packages.iter().find(|p| p.name == v.pkg_name && p.version == v.installed_version);
    found.into_iter().flat_map(|p| &p.locations).map(|l| (l.start_line, l.end_line)).collect()
}

fn secret(outcome: &Outcome, s: &Secret) -> Entry {
    let Secret { title, severity, matched, .. } = s;
    let mut properties = Map::new();
    tag(&mut properties, "secret", severity, by_word(severity));
    Entry {
        message: format!(
            "Artifact: {}\nType: {}\nSecret {title}\nSeverity: {severity}\nMatch: {matched}",
            outcome.target, outcome.kind
        ),
        uri: escape(&outcome.target),
        said: outcome.target.clone(),
        lines: vec![(s.start_line, s.end_line)],
        rule: Rule {
            id: s.rule_id.clone(),
            name: "Secret",
            short_description: plain(title),
            full_description: plain(matched),
            default_configuration: Level { level: level(severity) },
            help_uri: String::new(),
            help: Message {
                text: format!("Secret {title}\nSeverity: {severity}\nMatch: {matched}"),
                markdown: Some(format!(
                    "**Secret {title}**\n| Severity | Match |\n| --- | --- |\n|{severity}|{matched}|"
                )),
            },
            properties,
        },
    }
}

fn license(outcome: &Outcome, l: &License) -> Entry {
    let License { name, category, pkg_name: package, file_path: path, severity, .. } = l;
    let mut properties = Map::new();
    tag(&mut properties, "license", severity, by_word(severity));
    let said = format!("{name} in {package}");
    Entry {
        message: format!(
            "Artifact: {}\nLicense {name}\nPkgName: {package}\n Classification: {category}\n Path: {path}",
            outcome.target
        ),
        uri: escape(&outcome.target),
        said: String::new(),
        lines: Vec::new(),
        rule: Rule {
            id: format!("{package}:{name}"),
            name: "License",
            short_description: plain(&said),
            full_description: plain(&said),
            default_configuration: Level { level: level(severity) },
            help_uri: escape(&l.link),
            help: Message {
                text: format!("License {name}\nClassification: {category}\nPkgName: {package}\nPath: {path}"),
                markdown: Some(format!(
                    "**License {name}**\n| PkgName | Classification | Path |\n| --- | --- | --- |\n|{package}|{category}|{path}|"
                )),
            },
            properties,
        },
    }
}

fn places(uri: &str, said: &str, lines: &[(u32, u32)]) -> Vec<Place> {
    let whole = [(1, 1)];
    let lines = if lines.is_empty() { &whole[..] } else { lines };
    let place = |(first, last): &(u32, u32)| Place {
        physical_location: Physical {
            artifact_location: Artifact { uri: uri.to_owned(), uri_base_id: "ROOTPATH" },
            region: Region { start_line: (*first).max(1), start_column: 1, end_line: (*last).max(1), end_column: 1 },
        },
        message: plain(said),
    };
    lines.iter().map(place).collect()
}

fn level(severity: &str) -> &'static str {
    match severity {
        "CRITICAL" | "HIGH" => "error",
        "MEDIUM" => "warning",
        "LOW" | "UNKNOWN" => "note",
        _ => "none",
    }
}

/// A score that stands for a word, in the middle of its range.
fn by_word(severity: &str) -> &'static str {
    match severity {
        "CRITICAL" => "9.5",
        "HIGH" => "8.0",
        "MEDIUM" => "5.5",
        "LOW" => "2.0",
        _ => "0.0",
    }
}

fn tag(properties: &mut Map<String, Value>, kind: &str, severity: &str, score: &str) {
    properties.insert("precision".into(), "very-high".into());
    properties.insert("security-severity".into(), score.into());
    properties.insert("tags".into(), json!([kind, "security", severity]));
}

/// What the source of the severity says in numbers; where it says nothing, the score stands for the word.
fn scores(v: &Vulnerability) -> (String, Map<String, Value>) {
    let mut properties = Map::new();
    let mut score = by_word(&v.severity).to_owned();
    if let Some(cvss) = v.cvss.get(&v.severity_source) {
        let said = serde_json::to_value(cvss).unwrap_or_default();
        for (ours, theirs) in [
            ("V2Vector", "cvssv2_vector"),
            ("V2Score", "cvssv2_score"),
            ("V3Vector", "cvssv3_vector"),
            ("V3Score", "cvssv3_baseScore"),
            ("V40Vector", "cvssv40_vector"),
            ("V40Score", "cvssv40_baseScore"),
        ] {
            properties.extend(said.get(ours).map(|value| (theirs.to_owned(), value.clone())));
        }
        if cvss.v3_score > 0.0 {
            score = format!("{:.1}", cvss.v3_score);
        }
    }
    (score, properties)
}

/// `group/name` of `registry/group/name:tag (system version)`; what is no name of an image stays as it is.
fn image_name(target: &str) -> String {
    let path = target.split_once('(').filter(|_| target.ends_with(')')).map_or(target, |(path, _)| path.trim_end());
    let name = path.split('@').next().unwrap_or(path);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    let lawful = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
            && part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
    };
    let rest = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest.to_owned(),
        Some(_) => name.to_owned(),
        None => format!("library/{name}"),
    };
    if rest.split('/').all(lawful) { rest } else { path.replace('\\', "/") }
}

/// As a reference in the sense of RFC 3986: what cannot stand in one is escaped, what is escaped stays.
fn escape(text: &str) -> String {
    let stays = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut buffer = [0_u8; 4];
    for c in text.chars() {
        if stays(c) {
            out.push(c);
        } else {
            c.encode_utf8(&mut buffer).bytes().for_each(|b| out.push_str(&format!("%{b:02X}")));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use trivy::{Location, Package};

    #[test]
    fn targets_become_names_without_registry_and_tag() {
        for (target, name) in [
            (
                "testdata/fixtures/images/alpine-310.tar.gz (alpine 3.10.2)",
                "testdata/fixtures/images/alpine-310.tar.gz",
            ),
            ("ghcr.io/group/name:1.0 (debian 12)", "group/name"),
            ("alpine:3.10 (alpine 3.10.2)", "library/alpine"),
            ("/srv/Some Root (alpine 3)", "/srv/Some Root"),
        ] {
            assert_eq!(image_name(target), name);
        }
        assert_eq!(escape("a b/ü%20"), "a%20b/%C3%BC%20");
    }

    #[test]
    fn a_rule_is_told_once_and_found_twice() {
        let v = |package: &str| Vulnerability {
            vulnerability_id: "CVE-2026-1".into(),
            pkg_name: package.into(),
            installed_version: "1".into(),
            severity: "HIGH".into(),
            ..Vulnerability::default()
        };
        let package = |name: &str, line| Package {
            name: name.into(),
            version: "1".into(),
            locations: vec![Location { start_line: line, end_line: line + 2 }],
            ..Package::default()
        };
        let outcome = Outcome {
            target: "package-lock.json".into(),
            class: "lang-pkgs".into(),
            packages: vec![package("a", 3), package("b", 9)],
            vulnerabilities: vec![v("a"), v("b")],
            ..Outcome::default()
        };
        let report = Report { results: vec![outcome], ..Report::default() };
        let told: Value = serde_json::from_str(&render(&report, &Tool::default(), Some("/srv/x y")).unwrap()).unwrap();
        let run = &told["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
        assert_eq!(run["results"].as_array().unwrap().len(), 2);
        let region = &run["results"][1]["locations"][0]["physicalLocation"]["region"];
        assert_eq!((&region["startLine"], &region["endLine"]), (&json!(9), &json!(11)));
        assert_eq!(run["originalUriBaseIds"]["ROOTPATH"]["uri"], "file:///srv/x%20y/");
        assert_eq!(run["results"][0]["level"], "error");
        assert!(run.get("properties").is_none());
    }
}
