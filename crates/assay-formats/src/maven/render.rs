//! `maven-metadata.xml`, checksums, listings, and problems and refusals where `mvn` and Gradle print them: the reason
//! phrase.

use super::{
    SPEC,
    names::{self, Algorithm, Artifact, Build, FileAt, METADATA},
};
use crate::kit::{
    answer,
    html::escape,
    path::{encode_path, encode_segment},
};
use assay_model::{
    Problem,
    package::File,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use jiff::Timestamp;
use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// The headers of a file: clients that read its checksums there need not ask for them.
pub(super) fn file_headers(file: Option<&File>) -> Vec<(&'static str, String)> {
    let mut headers = answer::inert();
    let names = [
        (Algorithm::Md5, "X-Checksum-Md5"),
        (Algorithm::Sha1, "X-Checksum-Sha1"),
        (Algorithm::Sha256, "X-Checksum-Sha256"),
        (Algorithm::Sha512, "X-Checksum-Sha512"),
    ];
    for (algorithm, name) in names {
        headers.extend(file.and_then(|file| stored_hash(file, algorithm)).map(|hex| (name, hex)));
    }
    headers
}

/// The checksum of a stored file; none where it was not computed when the file came.
pub(super) fn stored_hash(file: &File, algorithm: Algorithm) -> Option<String> {
    match algorithm {
        Algorithm::Sha256 => Some(file.digest.hex().to_owned()),
        other => file.hashes.get(other.name()).cloned(),
    }
}

/// The checksum of a document that is made here.
pub(super) fn hash_of(bytes: &[u8], algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Md5 => hex::encode(Md5::digest(bytes)),
        Algorithm::Sha1 => hex::encode(Sha1::digest(bytes)),
        Algorithm::Sha256 => hex::encode(Sha256::digest(bytes)),
        Algorithm::Sha512 => hex::encode(Sha512::digest(bytes)),
    }
}

/// A checksum file.
pub(super) fn checksum(hex: String) -> Document {
    Document { media_type: "text/plain".to_owned(), body: hex.into(), headers: answer::inert() }
}

/// Path of something on this server; `path` is encoded.
pub(super) fn location(repository: &str, path: &str) -> String {
    format!("/{}/{}/{path}", SPEC.prefix, encode_segment(repository))
}

/// A plugin as the metadata of its group lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plugin {
    pub(super) artifact: String,
    pub(super) prefix: String,
    pub(super) name: String,
}

impl Plugin {
    /// What the jars of an artifact say, the newest allowed first.
    pub(super) fn of(view: &PackageView) -> Option<Self> {
        let artifact = Artifact::of_name(&view.name)?.artifact;
        let mut described: Vec<(&str, &Value)> = allowed(view)
            .flat_map(|version| version.files.iter().map(move |file| (version, file)))
            .filter_map(|(version, file)| Some((&*version.package.at.version, file.metadata.get("plugin")?)))
            .collect();
        described.sort_by(|(a, _), (b, _)| names::compare(a, b));
        let (_, newest) = described.last()?;
        let text = |key: &str| newest.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self { prefix: text("prefix")?, name: text("name").unwrap_or_else(|| artifact.clone()), artifact })
    }
    /// Those that an upstream's metadata of the group lists, as [`super::upstream`] keeps them.
    pub(super) fn listed(view: &PackageView) -> impl Iterator<Item = Self> {
        let lists = view.versions.iter().filter_map(|version| version.package.metadata.get("plugins")?.as_array());
        lists.flatten().filter_map(|one| {
            let text = |key: &str| one.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Self { artifact: text("artifact")?, prefix: text("prefix")?, name: text("name").unwrap_or_default() })
        })
    }
}

fn allowed(view: &PackageView) -> impl Iterator<Item = &VersionView> {
    view.versions.iter().filter(|version| version.blocked.is_none())
}

/// The versions that may be had, as folders, in order.
fn folders(view: &PackageView) -> Vec<String> {
    let all: BTreeSet<String> = allowed(view).map(|version| names::folder_of(&version.package.at.version)).collect();
    let mut all: Vec<String> = all.into_iter().collect();
    all.sort_by(|a, b| names::compare(a, b));
    all
}

/// When a version last got something, as far as that is known.
fn touched(version: &VersionView) -> Option<Timestamp> {
    let files = version.files.iter().map(|file| file.uploaded_at).max();
    version.package.published_at.or(files).or((version.package.id.0 != 0).then_some(version.package.uploaded_at))
}

fn element(out: &mut String, indent: usize, name: &str, text: &str) {
    let _ = writeln!(out, "{:indent$}<{name}>{}</{name}>", "", escape(text));
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn xml(body: String) -> Document {
    Document { media_type: "text/xml".to_owned(), body: body.into(), headers: answer::inert() }
}

/// The metadata of an artifact.
pub(super) fn artifact(view: &PackageView) -> Document {
    let mut out = format!("{HEAD}<metadata>\n");
    versions(&mut out, view);
    xml(out + "</metadata>\n")
}

/// The metadata of a folder that is a group with plugins, and perhaps an artifact too.
pub(super) fn group(view: Option<&PackageView>, plugins: &BTreeSet<Plugin>) -> Document {
    let mut out = format!("{HEAD}<metadata>\n");
    if let Some(view) = view {
        versions(&mut out, view);
    }
    out.push_str("  <plugins>\n");
    for plugin in plugins {
        out.push_str("    <plugin>\n");
        element(&mut out, 6, "name", &plugin.name);
        element(&mut out, 6, "prefix", &plugin.prefix);
        element(&mut out, 6, "artifactId", &plugin.artifact);
        out.push_str("    </plugin>\n");
    }
    xml(out + "  </plugins>\n</metadata>\n")
}

fn versions(out: &mut String, view: &PackageView) {
    let folders = folders(view);
    if let Some(of) = Artifact::of_name(&view.name) {
        element(out, 2, "groupId", &of.group);
        element(out, 2, "artifactId", &of.artifact);
    }
    out.push_str("  <versioning>\n");
    let release = folders.iter().rev().find(|folder| !names::is_snapshot(folder));
    for (name, version) in [("latest", folders.last()), ("release", release)] {
        version.into_iter().for_each(|version| element(out, 4, name, version));
    }
    out.push_str("    <versions>\n");
    folders.iter().for_each(|folder| element(out, 6, "version", folder));
    out.push_str("    </versions>\n");
    if let Some(at) = allowed(view).filter_map(touched).max() {
        element(out, 4, "lastUpdated", &at.strftime("%Y%m%d%H%M%S").to_string());
    }
    out.push_str("  </versioning>\n");
}

/// The builds of one snapshot, newest first.
pub(super) fn builds<'v>(view: &'v PackageView, folder: &str) -> Vec<(Build, &'v VersionView)> {
    let build = |version: &'v VersionView| Some((Build::parse(&version.package.at.version)?, version));
    let mut builds: Vec<_> =
        view.versions.iter().filter_map(build).filter(|(build, _)| build.folder() == folder).collect();
    builds.sort_by(|(a, _), (b, _)| b.order(a));
    builds
}

/// The files of a version, stored or at an upstream.
pub(super) fn files<'v>(view: &'v PackageView, version: &'v VersionView) -> impl Iterator<Item = FileAt> {
    let stored = version.files.iter().map(|file| file.path.as_str());
    let paths = stored.chain(version.remote.iter().map(|file| file.path.as_str()));
    paths.filter_map(|path| FileAt::of_path(&view.name, path))
}

/// The metadata of a snapshot: of each file the newest build that has it and may be had. Nothing where there is no such
/// build.
pub(super) fn snapshot(view: &PackageView, folder: &str) -> Option<Document> {
    let of = Artifact::of_name(&view.name)?;
    let builds: Vec<_> = builds(view, folder).into_iter().filter(|(_, version)| version.blocked.is_none()).collect();
    let (newest, _) = builds.first()?;
    let mut entries: BTreeMap<String, (FileAt, &Build)> = BTreeMap::new();
    for (build, version) in &builds {
        for file in files(view, version) {
            entries.entry(file.suffix.clone()).or_insert((file, build));
        }
    }
    Some(snapshot_of(&of, folder, newest, &entries))
}

/// The metadata of a snapshot of which one build is known and not its files.
pub(super) fn only_build(of: &Artifact, folder: &str, build: &Build) -> Document {
    snapshot_of(of, folder, build, &BTreeMap::new())
}

fn snapshot_of(of: &Artifact, folder: &str, newest: &Build, entries: &BTreeMap<String, (FileAt, &Build)>) -> Document {
    let mut out = format!("{HEAD}<metadata modelVersion=\"1.1.0\">\n");
    element(&mut out, 2, "groupId", &of.group);
    element(&mut out, 2, "artifactId", &of.artifact);
    element(&mut out, 2, "version", folder);
    out.push_str("  <versioning>\n    <snapshot>\n");
    element(&mut out, 6, "timestamp", &newest.timestamp);
    element(&mut out, 6, "buildNumber", &newest.number.to_string());
    out.push_str("    </snapshot>\n");
    element(&mut out, 4, "lastUpdated", &newest.updated());
    if !entries.is_empty() {
        out.push_str("    <snapshotVersions>\n");
        entries.values().for_each(|(file, build)| snapshot_version(&mut out, file, build));
        out.push_str("    </snapshotVersions>\n");
    }
    out.push_str("  </versioning>\n</metadata>\n");
    xml(out)
}

fn snapshot_version(out: &mut String, file: &FileAt, build: &Build) {
    let (classifier, extension) = file.kind();
    out.push_str("      <snapshotVersion>\n");
    classifier.into_iter().for_each(|classifier| element(out, 8, "classifier", classifier));
    element(out, 8, "extension", extension);
    element(out, 8, "value", &build.version());
    element(out, 8, "updated", &build.updated());
    out.push_str("      </snapshotVersion>\n");
}

/// A problem; `mvn` and Gradle show the reason phrase, curl the body.
pub(super) fn problem(problem: &Problem) -> Answer {
    let status = answer::status(problem.kind);
    Answer {
        reason: Some(answer::reason(&problem.message)),
        headers: answer::retry_after(problem),
        ..answer::text(status, format!("{}\n", problem.message))
    }
}

/// A refusal: its sentence in the reason phrase, its parts for programs in the body.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    Answer { reason: Some(answer::reason(&refusal.sentence())), ..answer::refusal_json(refusal) }
}

/// What a folder holds, for people.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) folders: BTreeSet<String>,
    /// With bytes, where known.
    pub(super) files: BTreeMap<String, Option<u64>>,
    /// Whether there are more entries than are shown.
    pub(super) truncated: bool,
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.folders.len() + self.files.len()
    }

    /// Versions of an artifact that may be had.
    pub(super) fn add_versions(&mut self, view: &PackageView) {
        self.folders.extend(folders(view));
        self.files.insert(METADATA.to_owned(), None);
    }

    /// Files of a version; those of a blocked one are shown, asking for them tells why.
    pub(super) fn add_files(&mut self, view: &PackageView, folder: &str) {
        for version in view.versions.iter().filter(|v| names::folder_of(&v.package.at.version) == folder) {
            let stored = version.files.iter().map(|file| (&file.path, Some(file.size)));
            let remote = version.remote.iter().map(|file| (&file.path, file.size));
            for (path, size) in remote.chain(stored) {
                self.files.insert(path.rsplit('/').next().unwrap_or(path).to_owned(), size);
            }
            if names::is_snapshot(folder) {
                self.files.insert(METADATA.to_owned(), None);
            }
        }
    }

    pub(super) fn json(&self, repository: &str, path: &str) -> Document {
        let files: Vec<Value> = self.files.iter().map(|(name, size)| json!({ "name": name, "size": size })).collect();
        let body = json!({
            "repository": repository, "path": path, "folders": self.folders, "files": files,
            "truncated": self.truncated,
        });
        Document { media_type: "application/json".to_owned(), body: format!("{body}\n").into(), headers: vary() }
    }

    pub(super) fn html(&self, repository: &str, path: &str) -> Document {
        let title = format!("{}/{}", escape(repository), escape(path));
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
             <h1>{title}</h1>\n<ul>\n"
        );
        if !path.is_empty() {
            text.push_str("<li><a href=\"../\">../</a></li>\n");
        }
        for name in &self.folders {
            let _ = writeln!(text, "<li><a href=\"./{}/\">{}/</a></li>", encode_segment(name), escape(name));
        }
        for (name, size) in &self.files {
            let size = size.map(|size| format!(" {size} bytes")).unwrap_or_default();
            let _ = writeln!(text, "<li><a href=\"./{}\">{}</a>{size}</li>", encode_path(name), escape(name));
        }
        text.push_str("</ul>\n");
        if self.truncated {
            text.push_str("<p>There are more entries than are shown here.</p>\n");
        }
        text.push_str("</body>\n</html>\n");
        Document { media_type: "text/html; charset=utf-8".to_owned(), body: text.into(), headers: vary() }
    }
}

fn vary() -> Vec<(&'static str, String)> {
    vec![("Vary", "Accept".to_owned())]
}
