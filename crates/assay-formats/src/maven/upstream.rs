//! Repositories elsewhere: versions from their metadata, builds of snapshots, plugins of groups, and any file by its
//! path.

use super::{
    inspect,
    names::{self, Algorithm, Artifact, Build, FileAt, METADATA},
};
use crate::kit::{listing, path::encode_path, upstream, xml};
use assay_model::{
    Problem,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Complete, Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use jiff::Timestamp;
use roxmltree::Node;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Snapshots of one artifact, newest first, whose builds are looked up with its versions; those of others are looked up
/// when they are asked for.
const SNAPSHOTS: usize = 8;

/// Versions and plugins that are read of one document.
const VERSIONS: usize = 50_000;

/// Largest checksum document, in bytes.
const CHECKSUM: usize = 4096;

/// The version under which a group's list of plugins is kept; no artifact is meant by it.
const LIST: &str = "plugins";

/// Repositories that have the layout.
pub(super) static REMOTE: Layout = Layout;

/// Repositories that have the layout.
#[derive(Debug)]
pub(super) struct Layout;

impl Remote for Layout {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            match Artifact::of_name(name) {
                Some(of) => versions(origin, &of).await,
                None => plugins(origin, name).await,
            }
        })
    }

    fn find<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, what: &'a str) -> Task<'a, Option<RemoteVersion>> {
        Box::pin(async move {
            let Some(of) = Artifact::of_name(name) else { return Ok(None) };
            if names::is_snapshot(what) {
                return Ok(builds(origin, &of, what).await?.pop());
            }
            let folder = names::folder_of(what);
            let Some(pom) = FileAt::parse(of.clone(), &folder, &format!("{}-{what}.pom", of.artifact)) else {
                return Ok(None);
            };
            // Metadata may be missing or old; the pom is what a version cannot be without.
            let there = document(origin, &address(&pom)).await?.is_some();
            Ok(there.then(|| version(what, vec![file(&pom, BTreeMap::new())])))
        })
    }

    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        Box::pin(async move {
            // Bytes of a file without timestamp change; what was seen first is kept, so such a file is not taken.
            let Some(at) = FileAt::of_path(name, path).filter(|at| !at.is_any_build()) else { return Ok(None) };
            let mut hashes = BTreeMap::new();
            let sha1 = Algorithm::Sha1;
            let found = origin.document(&format!("{}.{}", address(&at), sha1.name()), "").await?;
            if let Some(found) = found.as_ref().filter(|found| found.body.len() <= CHECKSUM)
                && let Ok(hex) = inspect::checksum(&String::from_utf8_lossy(&found.body), sha1.hex_length())
            {
                hashes.insert(sha1.name().to_owned(), hex);
            }
            let mut located = version(&at.version, Vec::new());
            // No list tells when a release was published; its files came together with their checksums.
            let told = found.as_ref().and_then(|found| found.headers.get("last-modified"));
            located.published_at = located.published_at.or_else(|| told.and_then(|told| http_date(told)));
            Ok(Some((located, file(&at, hashes))))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        let fits =
            |text: &str| !text.is_empty() && !text.contains(['/', '\\', ' ']) && !text.chars().any(char::is_control);
        match Artifact::of_name(name) {
            Some(of) if fits(&of.group) && fits(&of.artifact) => Ok(of.name()),
            None if fits(name) => Ok(name.to_owned()),
            _ => Err(Problem::invalid("bad-name", format!("`{name}` is not written as group:artifact"))),
        }
    }

    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let Some(files) = listing::files(origin, &|path| path.ends_with(METADATA)).await? else { return Ok(None) };
            let artifact = |path: &String| {
                let folder: Vec<String> = path.split('/').map(str::to_owned).collect();
                let (_, folder) = folder.split_last()?;
                // The metadata of a snapshot lies in the snapshot's folder.
                let folder =
                    if folder.last().is_some_and(|last| names::is_snapshot(last)) { None } else { Some(folder) };
                Artifact::of_folder(folder?).map(|of| of.name())
            };
            let names: BTreeSet<String> = files.iter().filter_map(artifact).collect();
            Ok(Some(names.into_iter().collect()))
        })
    }

    /// The files that the folder of a version shows; where it shows none, those that versions have by custom.
    fn complete<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, version: RemoteVersion) -> Task<'a, Complete> {
        Box::pin(async move { whole(origin, name, version).await })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        let Some(at) = FileAt::of_path(&claim.name, &file.path) else {
            return Err(Problem::invalid("bad-path", format!("`{}` is no file of {}", file.path, claim.name)));
        };
        let Some(fetched) = claim.files.iter_mut().find(|fetched| fetched.path == file.path) else { return Ok(()) };
        let learned = inspect::learn(&at, fetched.size, bytes)?;
        fetched.metadata = learned.file;
        if !learned.package.is_null() {
            claim.metadata = learned.package;
        }
        Ok(())
    }
}

/// What stands behind the version in the names of files that versions have by custom.
const CUSTOMARY: &[&str] = &[
    ".pom",
    ".jar",
    ".module",
    ".war",
    ".aar",
    ".pom.asc",
    ".jar.asc",
    "-sources.jar",
    "-javadoc.jar",
    "-tests.jar",
    "-sources.jar.asc",
    "-javadoc.jar.asc",
];

async fn whole(origin: &dyn Origin, name: &str, version: RemoteVersion) -> Result<Complete, Problem> {
    let Some(of) = Artifact::of_name(name) else { return Ok(version.into()) };
    let folder = names::folder_of(&version.version);
    let place = encode_path(&format!("{}/{folder}", of.folder()));
    let shown = listing::entries(origin, &format!("{place}/")).await?;
    let mine = |file: &str| FileAt::parse(of.clone(), &folder, file).filter(|at| at.version == version.version);
    let (sure, all): (bool, Vec<FileAt>) = match &shown {
        Some(entries) if entries.iter().any(|entry| mine(entry).is_some()) => {
            let is_checksum =
                |name: &&String| ["md5", "sha1", "sha256", "sha512"].iter().any(|end| name.ends_with(end));
            (true, entries.iter().filter(|name| !is_checksum(name)).filter_map(|name| mine(name)).collect())
        }
        _ => {
            let customary = |end: &&str| mine(&format!("{}-{}{end}", of.artifact, version.version));
            (false, CUSTOMARY.iter().filter_map(customary).collect())
        }
    };
    let listed: BTreeSet<String> = version.files.iter().map(|file| file.path.clone()).collect();
    let mut complete = Complete::from(RemoteVersion { files: Vec::new(), ..version });
    for at in all.into_iter().filter(|at| !at.is_any_build()) {
        let located = Layout.locate(origin, name, &at.path()).await?;
        let Some((told, file)) = located else { continue };
        let published = &mut complete.version.published_at;
        *published = published.or(told.published_at);
        let must = sure || listed.contains(&file.path) || at.suffix == ".pom";
        if must { &mut complete.version.files } else { &mut complete.optional }.push(file);
    }
    Ok(complete)
}

fn address(at: &FileAt) -> String {
    encode_path(&format!("{}/{}", at.of.folder(), at.path()))
}

fn file(at: &FileAt, hashes: BTreeMap<String, String>) -> RemoteFile {
    let (media_type, role) = at.describe();
    RemoteFile {
        path: at.path(),
        address: address(at),
        size: None,
        digest: None,
        hashes,
        media_type: media_type.to_owned(),
        role,
        metadata: Value::Null,
    }
}

/// A version; when a build was made stands in its name.
fn version(version: &str, files: Vec<RemoteFile>) -> RemoteVersion {
    let published_at = Build::parse(version).and_then(|build| build.made_at());
    RemoteVersion { version: version.to_owned(), metadata: Value::Null, published_at, files, whole: false }
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

async fn document(origin: &dyn Origin, address: &str) -> Result<Option<String>, Problem> {
    let found = origin.document(address, "").await?;
    Ok(found.map(|document| String::from_utf8_lossy(&document.body).into_owned()))
}

/// The metadata of a folder. One that cannot be read is an error: versions would silently be missing.
async fn metadata<T>(
    origin: &dyn Origin,
    folder: &str,
    read: impl FnOnce(Node<'_, '_>) -> T,
) -> Result<Option<T>, Problem> {
    let address = format!("{}/{METADATA}", encode_path(folder));
    let Some(text) = document(origin, &address).await? else { return Ok(None) };
    let parsed = xml::parse(&text).map_err(|problem| upstream::unusable(&address, problem))?;
    Ok(Some(read(parsed.root_element())))
}

async fn versions(origin: &dyn Origin, of: &Artifact) -> Result<Option<RemoteIndex>, Problem> {
    let read = |root: Node<'_, '_>| -> Vec<String> {
        let versioning = xml::child(root, "versioning");
        let all = versioning.into_iter().flat_map(|node| xml::items(node, "versions", "version")).take(VERSIONS);
        all.filter_map(xml::own_text).filter(|version| is_version(of, version)).collect()
    };
    let Some(mut listed) = metadata(origin, &of.folder(), read).await? else { return Ok(None) };
    listed.sort_by(|a, b| names::compare(b, a));
    listed.dedup();
    let mut index = RemoteIndex::default();
    let mut looked_up = 0;
    for text in listed {
        if names::is_snapshot(&text) && looked_up < SNAPSHOTS {
            looked_up += 1;
            let builds = builds(origin, of, &text).await?;
            if !builds.is_empty() {
                index.versions.extend(builds);
                continue;
            }
        }
        index.versions.push(version(&text, Vec::new()));
    }
    Ok(Some(index))
}

/// Whether a listed text can be a version of the layout.
fn is_version(of: &Artifact, version: &str) -> bool {
    !version.contains('/') && FileAt::parse(of.clone(), version, &format!("{}-{version}.pom", of.artifact)).is_some()
}

/// The builds that the metadata of a snapshot names, oldest first: the newest, and older ones that some file is of.
async fn builds(origin: &dyn Origin, of: &Artifact, folder: &str) -> Result<Vec<RemoteVersion>, Problem> {
    let place = format!("{}/{folder}", of.folder());
    Ok(metadata(origin, &place, |root| builds_in(root, of, folder)).await?.unwrap_or_default())
}

fn builds_in(root: Node<'_, '_>, of: &Artifact, folder: &str) -> Vec<RemoteVersion> {
    let Some(versioning) = xml::child(root, "versioning") else { return Vec::new() };
    let mut found: BTreeMap<String, Vec<RemoteFile>> = BTreeMap::new();
    for item in xml::items(versioning, "snapshotVersions", "snapshotVersion").take(VERSIONS) {
        let Some((value, extension)) = xml::text(item, "value").zip(xml::text(item, "extension")) else { continue };
        let classifier = xml::text(item, "classifier").map(|text| format!("-{text}")).unwrap_or_default();
        let name = format!("{}-{value}{classifier}.{extension}", of.artifact);
        let at = FileAt::parse(of.clone(), folder, &name).filter(|at| at.version == value && !at.is_any_build());
        // Asking for the checksum of each would cost more than the files that are ever taken.
        found.entry(value).or_default().extend(at.map(|at| file(&at, BTreeMap::new())));
    }
    let newest = xml::child(versioning, "snapshot").and_then(|snapshot| {
        let number = xml::text(snapshot, "buildNumber")?.parse().ok()?;
        Some(Build::new(folder, xml::text(snapshot, "timestamp")?, number).version())
    });
    if let Some(newest) = newest {
        found.entry(newest).or_default();
    }
    let mut builds: Vec<(Build, Vec<RemoteFile>)> =
        found.into_iter().filter_map(|(version, files)| Some((Build::parse(&version)?, files))).collect();
    builds.retain(|(build, _)| build.folder() == folder);
    builds.sort_by(|(a, _), (b, _)| a.order(b));
    builds.into_iter().map(|(build, files)| version(&build.version(), files)).collect()
}

/// The plugins of a group as one version of a name that has no artifact.
async fn plugins(origin: &dyn Origin, group: &str) -> Result<Option<RemoteIndex>, Problem> {
    let read = |root: Node<'_, '_>| -> Vec<Value> {
        let plugin = |node| {
            let (artifact, prefix) = xml::text(node, "artifactId").zip(xml::text(node, "prefix"))?;
            let name = xml::text(node, "name").unwrap_or_default();
            Some(json!({ "artifact": artifact, "prefix": prefix, "name": name }))
        };
        xml::items(root, "plugins", "plugin").take(VERSIONS).filter_map(plugin).collect()
    };
    let plugins = metadata(origin, &group.replace('.', "/"), read).await?.unwrap_or_default();
    Ok((!plugins.is_empty()).then(|| RemoteIndex {
        versions: vec![RemoteVersion { metadata: json!({ "plugins": plugins }), ..version(LIST, Vec::new()) }],
        references: BTreeMap::new(),
    }))
}
