//! Packuments: all versions of a package as clients read them, and problems and refusals where they print them. npm
//! prints the field `error` of the body, the other clients the reason phrase.
//!
//! A blocked version is left out of `versions`, and stands in `policyRestrictions` with the reason: npm takes the newest
//! version that may be had, and prints the reason where only the blocked one would do.

use super::{
    PREFIX,
    names::{self, Name},
};
use crate::kit::{answer, path::encode_segment};
use assay_model::{
    Kind, Problem,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) const JSON: &str = "application/json";
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// Reasons told for blocked versions of one package, newest first.
const REASONS: usize = 5;

/// What is installed from: the fields of the abbreviated form.
const INSTALLED: &[&str] = &[
    "name",
    "version",
    "deprecated",
    "bin",
    "directories",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "engines",
    "os",
    "cpu",
    "libc",
    "funding",
    "hasInstallScript",
    "_hasShrinkwrap",
    "dist",
];

/// Fields of the newest version that the package has too.
const SHARED: &[&str] =
    &["description", "homepage", "keywords", "repository", "author", "bugs", "license", "readme", "readmeFilename"];

/// The forms of a packument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// With everything.
    Full,
    /// What an installation needs.
    Abbreviated,
    /// What a writer edits: blocked versions too.
    Edited,
}

/// Where this repository is reached.
pub(super) struct Place<'a> {
    /// Scheme and authority.
    pub(super) base: &'a str,
    pub(super) repository: &'a str,
}

impl Place<'_> {
    fn of(&self, name: &Name, rest: &str) -> String {
        format!("{}/{PREFIX}/{}/{}{rest}", self.base, encode_segment(self.repository), name.encoded())
    }
}

/// A version with its archive.
struct Entry<'a> {
    view: &'a VersionView,
    version: &'a str,
    hashes: &'a BTreeMap<String, String>,
}

impl<'a> Entry<'a> {
    fn of(name: &Name, view: &'a VersionView) -> Option<Self> {
        let version = view.package.at.version.as_str();
        let path = name.archive(version);
        let here = view.files.iter().find(|file| file.path == path).map(|file| &file.hashes);
        let hashes = here.or_else(|| view.remote.iter().find(|file| file.path == path).map(|file| &file.hashes))?;
        Some(Self { view, version, hashes })
    }

    fn is_deprecated(&self) -> bool {
        self.view.package.metadata.get("deprecated").is_some()
    }

    /// The author's time, or when it was published here; an upstream that says none leaves it unknown.
    fn time(&self) -> Option<Timestamp> {
        let package = &self.view.package;
        package.published_at.or((package.id.0 != 0).then_some(package.uploaded_at))
    }

    fn dist(&self, name: &Name, place: &Place<'_>) -> Value {
        let kept = self.view.package.metadata.get("dist").and_then(Value::as_object);
        let mut dist = kept.cloned().unwrap_or_default();
        dist.insert(
            "tarball".into(),
            place.of(name, &format!("/-/{}", encode_segment(&name.archive(self.version)))).into(),
        );
        if let Some(sha1) = self.hashes.get("sha1") {
            dist.insert("shasum".into(), sha1.as_str().into());
        }
        if let Some(digest) = self.hashes.get("sha512").and_then(|hex| hex::decode(hex).ok()) {
            dist.insert("integrity".into(), format!("sha512-{}", STANDARD.encode(digest)).into());
        }
        if let Some(predicate) = self.predicate(name) {
            let url = format!(
                "{}/{PREFIX}/{}/-/npm/v1/attestations/{}@{}",
                place.base,
                encode_segment(place.repository),
                encode_segment(name.as_str()),
                encode_segment(self.version)
            );
            dist.insert("attestations".into(), json!({ "url": url, "provenance": { "predicateType": predicate } }));
        }
        Value::Object(dist)
    }

    fn predicate(&self, name: &Name) -> Option<&'a str> {
        let path = name.attestations(self.version);
        let here = self.view.files.iter().find(|file| file.path == path).map(|file| &file.metadata);
        let kept =
            here.or_else(|| self.view.remote.iter().find(|file| file.path == path).map(|file| &file.metadata))?;
        kept.get("predicateType")?.as_str()
    }

    fn manifest(&self, name: &Name, place: &Place<'_>, shape: Shape) -> Value {
        let kept = self.view.package.metadata.as_object();
        let wanted = |field: &str| field != "readme" && (shape != Shape::Abbreviated || INSTALLED.contains(&field));
        let fields = kept.into_iter().flatten().filter(|(field, _)| wanted(field));
        let mut manifest: Map<String, Value> = fields.map(|(field, value)| (field.clone(), value.clone())).collect();
        manifest.insert("name".into(), name.as_str().into());
        manifest.insert("version".into(), self.version.into());
        if shape != Shape::Abbreviated {
            manifest.insert("_id".into(), format!("{}@{}", name.as_str(), self.version).into());
        }
        manifest.insert("dist".into(), self.dist(name, place));
        Value::Object(manifest)
    }
}

/// The versions of a view in their order: those that can be had, and those that are blocked.
struct Sorted<'a> {
    open: Vec<Entry<'a>>,
    blocked: Vec<Entry<'a>>,
}

impl<'a> Sorted<'a> {
    fn new(name: &Name, view: &'a PackageView) -> Self {
        let mut all: Vec<Entry<'a>> = view.versions.iter().filter_map(|version| Entry::of(name, version)).collect();
        all.sort_by(|a, b| names::order(a.version, b.version));
        let (open, blocked) = all.into_iter().partition(|entry| entry.view.blocked.is_none());
        Self { open, blocked }
    }

    /// Dist-tags of versions that can be had. `latest` is never missing while there is one: where it was not set, or set
    /// to a version that is blocked, it is the newest release before that, else the newest of all.
    fn tags(&self, view: &'a PackageView) -> BTreeMap<&'a str, &'a str> {
        let open = |version: &str| self.open.iter().any(|entry| entry.version == version);
        let set = view.references.iter().map(|reference| (reference.name.as_str(), reference.version.as_str()));
        let mut tags: BTreeMap<&str, &str> = set.clone().filter(|(_, version)| open(version)).collect();
        let meant = set.clone().find(|(tag, _)| *tag == "latest").map(|(_, version)| version);
        let below = |entry: &&&Entry<'a>| meant.is_none_or(|meant| names::order(entry.version, meant).is_le());
        let release = |entry: &&Entry<'a>| !names::is_prerelease(entry.version) && !entry.is_deprecated();
        let newest = || self.open.iter().rev();
        let chosen = (newest().filter(release).collect::<Vec<_>>().iter().find(|entry| below(entry)).copied())
            .or_else(|| newest().find(release))
            .or_else(|| newest().find(|entry| !names::is_prerelease(entry.version)))
            .or_else(|| newest().next());
        if let (false, Some(entry)) = (tags.contains_key("latest"), chosen) {
            tags.insert("latest", entry.version);
        }
        tags
    }

    fn restrictions(&self, name: &Name) -> Option<Value> {
        let reason = |entry: &Entry<'_>| {
            let why = entry.view.blocked.as_deref().unwrap_or_default();
            if why.contains(entry.version) {
                why.to_owned()
            } else {
                format!("{} {}: {why}", name.as_str(), entry.version)
            }
        };
        let mut told: Vec<String> = self.blocked.iter().rev().take(REASONS).map(reason).collect();
        if self.blocked.len() > REASONS {
            told.push(format!("and {} more versions", self.blocked.len() - REASONS));
        }
        let restricted = |entry: &Entry<'_>| {
            let engines = entry.view.package.metadata.get("engines").cloned().unwrap_or(Value::Null);
            let manifest = json!({ "name": name.as_str(), "version": entry.version, "engines": engines });
            (entry.version.to_owned(), manifest)
        };
        let versions: Map<String, Value> = self.blocked.iter().map(restricted).collect();
        (!versions.is_empty()).then(|| json!({ "message": told.join("\n"), "versions": versions }))
    }
}

/// The packument in one of its forms.
pub(super) fn packument(view: &PackageView, name: &Name, place: &Place<'_>, shape: Shape) -> Document {
    let mut sorted = Sorted::new(name, view);
    let restrictions = sorted.restrictions(name);
    if shape == Shape::Edited {
        sorted.open.append(&mut sorted.blocked);
        sorted.open.sort_by(|a, b| names::order(a.version, b.version));
    }
    let tags = sorted.tags(view);
    let mut body = Map::new();
    body.insert("_id".into(), name.as_str().into());
    body.insert("_rev".into(), revision(view).into());
    body.insert("name".into(), name.as_str().into());
    body.insert("dist-tags".into(), json!(tags));
    let manifest = |entry: &Entry<'_>| (entry.version.to_owned(), entry.manifest(name, place, shape));
    body.insert("versions".into(), Value::Object(sorted.open.iter().map(manifest).collect()));
    times(&mut body, &sorted.open);
    if let Some(restrictions) = restrictions.filter(|_| shape != Shape::Edited) {
        body.insert("policyRestrictions".into(), restrictions);
    }
    let latest = tags.get("latest").and_then(|tag| sorted.open.iter().find(|entry| entry.version == *tag));
    if let (true, Some(latest)) = (shape != Shape::Abbreviated, latest) {
        for field in SHARED {
            if let Some(value) = latest.view.package.metadata.get(*field) {
                body.insert((*field).into(), value.clone());
            }
        }
        body.insert("maintainers".into(), maintainers(latest.view));
    }
    let media_type = if shape == Shape::Abbreviated { ABBREVIATED } else { JSON };
    document(media_type, &Value::Object(body))
}

fn document(media_type: &str, body: &Value) -> Document {
    let headers = vec![("Vary", "Accept".to_owned())];
    Document { media_type: media_type.to_owned(), body: body.to_string().into(), headers }
}

/// `time` and `modified`. Clients with a minimum age of their own read them.
fn times(body: &mut Map<String, Value>, entries: &[Entry<'_>]) {
    let stamp = |time: Timestamp| Value::from(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    let known: Vec<(&str, Timestamp)> =
        entries.iter().filter_map(|entry| Some((entry.version, entry.time()?))).collect();
    let (first, last) = (known.iter().map(|(_, time)| *time).min(), known.iter().map(|(_, time)| *time).max());
    let mut times = Map::new();
    if let (Some(first), Some(last)) = (first, last) {
        times.insert("created".into(), stamp(first));
        times.insert("modified".into(), stamp(last));
        body.insert("modified".into(), stamp(last));
    }
    times.extend(known.into_iter().map(|(version, time)| (version.to_owned(), stamp(time))));
    body.insert("time".into(), Value::Object(times));
}

/// Those that the manifest names, else who published it.
pub(super) fn maintainers(version: &VersionView) -> Value {
    let named = version.package.metadata.get("maintainers").filter(|named| named.is_array());
    named.cloned().unwrap_or_else(|| json!([{ "name": version.package.uploader, "email": "" }]))
}

/// Changes whenever what a writer edits changes, and not when a decision does.
pub(super) fn revision(view: &PackageView) -> String {
    let mut lines: Vec<String> = view
        .versions
        .iter()
        .map(|version| {
            let deprecated = version.package.metadata.get("deprecated").map(Value::to_string).unwrap_or_default();
            format!("{} {deprecated}", version.package.at.version)
        })
        .collect();
    lines.extend(view.references.iter().map(|reference| format!("{}>{}", reference.name, reference.version)));
    lines.sort();
    let digest = assay_model::Digest::of(lines.join("\n").as_bytes());
    format!("{}-{}", view.versions.len(), digest.hex().get(..32).unwrap_or_default())
}

/// The dist-tags that a client is shown.
pub(super) fn tags(view: &PackageView, name: &Name) -> Document {
    document(JSON, &json!(Sorted::new(name, view).tags(view)))
}

/// What a version or a dist-tag stands for.
pub(super) enum Asked {
    Manifest(Document),
    /// There is such a version, and the gate says why it cannot be had.
    Blocked(String),
    Missing,
}

/// One version's manifest, by version or dist-tag.
pub(super) fn manifest(view: &PackageView, name: &Name, place: &Place<'_>, what: &str) -> Asked {
    let sorted = Sorted::new(name, view);
    let tags = sorted.tags(view);
    let tagged = || view.references.iter().find(|reference| reference.name == what).map(|one| one.version.as_str());
    let wanted = tags.get(what).copied().or_else(tagged).unwrap_or(what);
    if let Some(entry) = sorted.open.iter().find(|entry| entry.version == wanted) {
        return Asked::Manifest(document(JSON, &entry.manifest(name, place, Shape::Full)));
    }
    match sorted.blocked.iter().find(|entry| entry.version == wanted) {
        Some(entry) => Asked::Blocked(entry.version.to_owned()),
        None => Asked::Missing,
    }
}

/// A package as a search shows it; nothing when none of it can be had.
pub(super) fn found(view: &PackageView, name: &Name) -> Option<Value> {
    let sorted = Sorted::new(name, view);
    let latest = *sorted.tags(view).get("latest")?;
    let entry = sorted.open.iter().find(|entry| entry.version == latest)?;
    let metadata = &entry.view.package.metadata;
    let publisher = json!({ "username": entry.view.package.uploader, "email": "" });
    let people = maintainers(entry.view);
    let people: Vec<Value> = people
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!({ "username": one["name"].as_str().unwrap_or_default(), "email": one["email"].as_str().unwrap_or_default() }))
        .collect();
    let keywords = metadata.get("keywords").filter(|words| words.is_array()).cloned().unwrap_or_else(|| json!([]));
    let scope = name.as_str().strip_prefix('@').and_then(|rest| rest.split('/').next()).unwrap_or("unscoped");
    Some(json!({
        "package": {
            "name": name.as_str(),
            "scope": scope,
            "version": latest,
            "description": metadata["description"].as_str().unwrap_or_default(),
            "keywords": keywords,
            "date": entry.time().map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
            "license": metadata["license"],
            "links": {},
            "author": metadata["author"],
            "publisher": publisher,
            "maintainers": people,
        },
        "score": { "final": 1, "detail": { "quality": 1, "popularity": 1, "maintenance": 1 } },
        "searchScore": 1,
    }))
}

/// A short JSON answer.
pub(super) fn say(status: u16, body: &Value) -> Answer {
    answer::json(status, JSON, body)
}

pub(super) fn problem(problem: &Problem) -> Answer {
    // An existing version: clients try to merge after 409 and would hide what they are told, so it is 403.
    let exists = problem.kind == Kind::Conflict && problem.code == "version-exists";
    let status = if exists { 403 } else { answer::status(problem.kind) };
    let body = json!({ "error": problem.message, "message": problem.message, "code": problem.code });
    Answer {
        reason: Some(answer::reason(&problem.message)),
        headers: answer::retry_after(problem),
        ..say(status, &body)
    }
}

pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let sentence = refusal.sentence();
    let mut body = answer::refusal_parts(refusal);
    if let Value::Object(fields) = &mut body {
        fields.insert("error".into(), sentence.as_str().into());
        fields.insert("message".into(), sentence.as_str().into());
    }
    Answer { reason: Some(answer::reason(&sentence)), ..say(403, &body) }
}
