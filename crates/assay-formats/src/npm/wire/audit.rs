//! Audits: the advisories that are stored here, about versions that a client has installed, in the two dialects that
//! clients speak (bulk and quick).

use super::super::render;
use crate::kit::{archive, body};
use assay_archive::{Limits, decompress};
use assay_model::{
    Digest, Kind, Problem,
    finding::Severity,
    seam::{
        ByteStream,
        format::{Known, Reply, Repo},
    },
};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_ENCODING};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

/// Bytes of a request as sent and unpacked, versions asked for, and how deep a tree goes.
const SENT: usize = 16 << 20;
const UNPACKED: u64 = 64 << 20;
const VERSIONS: usize = 100_000;
const DEPTH: usize = 60;

/// Paths named for one advisory; a tree can reach a package in countless ways.
const PATHS: usize = 100;

async fn read(headers: &HeaderMap, body: ByteStream) -> Result<Bytes, Problem> {
    let packed = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let body = body::collect(body, SENT, "the audit request").await?;
    if !packed {
        return Ok(body);
    }
    let unpack = move || {
        let limits = Limits::configured().with_total_bytes(UNPACKED).with_entry_bytes(UNPACKED);
        let wrong = |error: String| Problem::invalid("bad-encoding", format!("the body cannot be unpacked: {error}"));
        let unpacked = decompress(body.as_ref(), limits).map_err(|error| wrong(error.to_string()))?;
        let mut whole = Vec::new();
        unpacked.take(UNPACKED + 1).read_to_end(&mut whole).map_err(|error| wrong(error.to_string()))?;
        if whole.len() as u64 > UNPACKED {
            return Err(too_much("the audit request unpacks to more than is read of one"));
        }
        Ok(Bytes::from(whole))
    };
    archive::apart("unpacking a body", unpack).await
}

fn too_much(message: &str) -> Problem {
    Problem::new(Kind::TooLarge, "too-large", message)
}

fn unreadable(error: serde_json::Error) -> Problem {
    Problem::invalid("bad-document", format!("the audit request cannot be read: {error}")).caused_by(error)
}

/// An advisory as clients know it.
struct Advisory<'a> {
    known: &'a Known,
    id: u32,
}

impl<'a> Advisory<'a> {
    /// Clients tell advisories apart by number; ours is made of what it is about.
    fn new(known: &'a Known) -> Self {
        let digest = Digest::of(format!("{} {}", known.name, known.finding.id).as_bytes());
        let id = digest.hex().get(..7).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(1);
        Self { known, id }
    }

    fn severity(&self) -> &'static str {
        match self.known.finding.severity {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "moderate",
            Severity::Low => "low",
            Severity::Unknown => "info",
        }
    }

    /// Never empty for one that affects anything, or clients would think that nothing is affected.
    fn vulnerable(&self) -> String {
        let ranges = &self.known.finding.vulnerable_ranges;
        if ranges.is_empty() { self.known.version.clone() } else { ranges.join(" || ") }
    }

    fn patched(&self) -> String {
        match self.known.finding.fixed_versions.first() {
            Some(_) => {
                let fixed = self.known.finding.fixed_versions.iter().map(|version| format!(">={version}"));
                fixed.collect::<Vec<_>>().join(" || ")
            }
            None => "<0.0.0".to_owned(),
        }
    }

    fn url(&self) -> String {
        let references = &self.known.detail.references;
        let ids: Vec<&str> = self.known.finding.ids().collect();
        let own =
            references.iter().find(|link| link.contains("/advisories/") && ids.iter().any(|id| link.ends_with(id)));
        let named = references.iter().find(|link| ids.iter().any(|id| link.ends_with(id)));
        own.or(named).or_else(|| references.first()).cloned().unwrap_or_else(|| self.known.finding.id.clone())
    }

    fn title(&self) -> String {
        let finding = &self.known.finding;
        let title =
            if finding.title.is_empty() { self.known.detail.title.as_deref().unwrap_or("") } else { &finding.title };
        if title.is_empty() { finding.id.clone() } else { format!("{title} ({})", finding.id) }
    }

    fn cvss(&self) -> Value {
        let scores = self.known.finding.cvss.values().find(|cvss| cvss.v3_score.is_some());
        let score = scores.and_then(|cvss| cvss.v3_score).unwrap_or(0.0);
        json!({ "score": score, "vectorString": scores.and_then(|cvss| cvss.v3_vector.clone()) })
    }

    fn bulk(&self) -> Value {
        json!({
            "id": self.id,
            "url": self.url(),
            "title": self.title(),
            "severity": self.severity(),
            "vulnerable_versions": self.vulnerable(),
            "cwe": self.known.detail.cwes,
            "cvss": self.cvss(),
        })
    }

    fn quick(&self, findings: Vec<Value>) -> Value {
        let ids: Vec<&str> = self.known.finding.ids().collect();
        let with = |prefix: &str| ids.iter().filter(|id| id.starts_with(prefix)).copied().collect::<Vec<_>>();
        json!({
            "id": self.id,
            "module_name": self.known.name,
            "title": self.title(),
            "url": self.url(),
            "severity": self.severity(),
            "vulnerable_versions": self.vulnerable(),
            "patched_versions": self.patched(),
            "cwe": self.known.detail.cwes,
            "cves": with("CVE-"),
            "github_advisory_id": with("GHSA-").first(),
            "cvss": self.cvss(),
            "overview": self.known.detail.description.clone().unwrap_or_default(),
            "recommendation": self.recommendation(),
            "references": self.known.detail.references.join("\n"),
            "access": "public",
            "created": self.known.detail.published,
            "updated": self.known.detail.modified,
            "deleted": null,
            "found_by": null,
            "reported_by": null,
            "metadata": null,
            "findings": findings,
        })
    }

    fn recommendation(&self) -> String {
        match &self.known.finding.nearest_fixed {
            Some(version) => format!("Upgrade to version {version} or later"),
            None => "No fixed version is known".to_owned(),
        }
    }
}

/// The bulk audit: names with the versions that are installed.
pub(super) async fn bulk(repo: &dyn Repo, headers: &HeaderMap, body: ByteStream) -> Result<Reply, Problem> {
    let asked: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&read(headers, body).await?).map_err(unreadable)?;
    if asked.values().map(Vec::len).sum::<usize>() > VERSIONS {
        return Err(too_much("the audit asks for more versions than are looked up at once"));
    }
    let versions: BTreeSet<(String, String)> = asked
        .into_iter()
        .flat_map(|(name, versions)| versions.into_iter().map(move |version| (name.clone(), version)))
        .collect();
    let known = repo.findings(&versions.into_iter().collect::<Vec<_>>()).await?;
    let mut answer: BTreeMap<&str, BTreeMap<u32, Value>> = BTreeMap::new();
    for advisory in known.iter().map(Advisory::new) {
        answer.entry(&advisory.known.name).or_default().entry(advisory.id).or_insert_with(|| advisory.bulk());
    }
    let answer: Map<String, Value> = answer
        .into_iter()
        .map(|(name, advisories)| (name.to_owned(), advisories.into_values().collect::<Vec<_>>().into()))
        .collect();
    Ok(Reply::Answer(render::say(200, &Value::Object(answer))))
}

/// A tree as clients send it: what is installed, and inside of it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Installed {
    version: Option<String>,
    dev: bool,
    optional: bool,
    dependencies: BTreeMap<String, Installed>,
}

/// Where a version stands in the tree that was sent: its path, and the two marks that go with it.
type Place = (String, bool, bool);

/// Where a version is in the tree, as `a>b>c`.
#[derive(Default)]
struct Places {
    by_version: BTreeMap<(String, String), Vec<Place>>,
    total: usize,
    dev: usize,
    optional: usize,
}

impl Places {
    fn walk(&mut self, tree: &Installed, above: &str, depth: usize) -> Result<(), Problem> {
        if depth > DEPTH || self.total > VERSIONS {
            return Err(too_much("the audit's tree is larger than what is looked up at once"));
        }
        for (name, inside) in &tree.dependencies {
            let path = if above.is_empty() { name.clone() } else { format!("{above}>{name}") };
            self.total += 1;
            self.dev += usize::from(inside.dev);
            self.optional += usize::from(inside.optional);
            if let Some(version) = &inside.version {
                let places = self.by_version.entry((name.clone(), version.clone())).or_default();
                if places.len() < PATHS {
                    places.push((path.clone(), inside.dev, inside.optional));
                }
            }
            self.walk(inside, &path, depth + 1)?;
        }
        Ok(())
    }
}

/// The quick audit, and the full one of older clients: a tree, answered with advisories and where they are met.
pub(super) async fn report(repo: &dyn Repo, headers: &HeaderMap, body: ByteStream) -> Result<Reply, Problem> {
    let tree: Installed = serde_json::from_slice(&read(headers, body).await?).map_err(unreadable)?;
    let mut places = Places::default();
    places.walk(&tree, "", 0)?;
    let versions: Vec<(String, String)> = places.by_version.keys().cloned().collect();
    let known = repo.findings(&versions).await?;
    let mut groups: BTreeMap<u32, Vec<Advisory<'_>>> = BTreeMap::new();
    for advisory in known.iter().map(Advisory::new) {
        groups.entry(advisory.id).or_default().push(advisory);
    }
    let (mut advisories, mut actions) = (Map::new(), Vec::new());
    let mut counts: BTreeMap<&str, usize> =
        ["info", "low", "moderate", "high", "critical"].into_iter().map(|word| (word, 0)).collect();
    for (id, group) in groups {
        let (mut findings, mut resolves) = (Vec::new(), Vec::new());
        for advisory in &group {
            let at = (advisory.known.name.clone(), advisory.known.version.clone());
            let met = places.by_version.get(&at).map(Vec::as_slice).unwrap_or_default();
            let paths: Vec<&str> = met.iter().map(|(path, _, _)| path.as_str()).collect();
            findings.push(json!({ "version": at.1, "paths": paths }));
            resolves.extend(met.iter().map(|(path, dev, optional)| {
                json!({ "id": id, "path": path, "dev": dev, "optional": optional, "bundled": false })
            }));
            *counts.entry(advisory.severity()).or_default() += met.len();
        }
        if let Some(first) = group.first() {
            actions.push(json!({ "action": "review", "module": first.known.name, "resolves": resolves }));
            advisories.insert(id.to_string(), first.quick(findings));
        }
    }
    let body = json!({
        "actions": actions,
        "advisories": advisories,
        "muted": [],
        "metadata": {
            "vulnerabilities": counts,
            "dependencies": places.total - places.dev,
            "devDependencies": places.dev,
            "optionalDependencies": places.optional,
            "totalDependencies": places.total,
        },
    });
    Ok(Reply::Answer(render::say(200, &body)))
}
