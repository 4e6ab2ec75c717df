//! A remote registry by its simple API: one index document a project, as JSON where it is spoken, else as HTML. The
//! address of the upstream is the one that installers are given (`…/simple`).
//!
//! Indexes of long ago list files that nobody can install any more (eggs, installers, names that tell no version): what is
//! not understood is passed over, never an error.

mod page;

use super::{
    inspect::{self, CoreMetadata},
    kept,
    names::{self, FileName},
};
use crate::kit::{archive, upstream};
use assay_model::{
    Digest, Problem,
    package::Role,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Origin, Remote, RemoteDocument, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use jiff::Timestamp;
use page::{Listed, Page};
use pep440_rs::Version;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Read,
};

/// JSON first, then HTML by its own name, then whatever a web server says of it (PEP 691).
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// Hashes that the engine compares besides SHA-256, and how many hex digits they have.
const HASHES: [(&str, usize); 3] = [("sha512", 128), ("sha1", 40), ("md5", 32)];

/// What stands beside a file for installers is small.
const SMALL: u64 = 8 << 20;

pub(super) static REMOTE: Simple = Simple;

/// Registries that speak the simple API.
#[derive(Debug)]
pub(super) struct Simple;

impl Remote for Simple {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            let Ok(name) = names::normalise(name) else { return Ok(None) };
            let address = format!("{}/{name}/", origin.base());
            let Some(document) = origin.document(&address, ACCEPT).await? else { return Ok(None) };
            // Megabytes of text are parsed; other requests go on meanwhile.
            archive::apart("reading an upstream's index", move || read(&name, &address, &document).map(Some)).await
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        names::normalise(name)
    }

    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let address = format!("{}/", origin.base());
            let Some(document) = origin.document(&address, ACCEPT).await? else { return Ok(None) };
            archive::apart("reading an upstream's list", move || {
                let listed = page::projects(&document).map_err(|why| upstream::unusable("list of projects", why))?;
                let names: BTreeSet<String> = listed.iter().filter_map(|name| names::normalise(name).ok()).collect();
                Ok(Some(names.into_iter().collect()))
            })
            .await
        })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        let metadata = if file.path.ends_with(kept::METADATA) {
            let mut document = Vec::new();
            let limit = inspect::DOCUMENT.min(SMALL);
            bytes.take(limit).read_to_end(&mut document).map_err(|e| Problem::internal("unreadable", e))?;
            CoreMetadata::parse(document)
        } else {
            let named = FileName::listed(&file.path);
            let named = named.ok_or_else(|| Problem::invalid("bad-file-name", "this is no distribution"))?;
            inspect::read(&named, bytes)
        };
        match metadata {
            Ok(metadata) => agree(claim, file, &metadata),
            // Publishers accepted such files once; what the index says has to do.
            Err(problem) if problem.code == inspect::UNCLEAR => Ok(()),
            Err(problem) => Err(problem),
        }
    }
}

/// The file must say that it is what the index said. Versions that are none by PEP 440 are not compared.
fn agree(claim: &mut Claim, file: &RemoteFile, metadata: &CoreMetadata) -> Result<(), Problem> {
    let differ = |what: &str, inside: &str| {
        let (path, inside) = (&file.path, names::shown(inside));
        Problem::invalid("metadata-mismatch", format!("the {what} in the metadata of `{path}` is `{inside}`"))
    };
    let inside = metadata.first("name").unwrap_or_default();
    if !inside.is_empty() && names::normalise(inside).ok().as_deref() != Some(claim.name.as_str()) {
        return Err(differ("name", inside));
    }
    let inside = metadata.first("version").unwrap_or_default();
    if let (Ok(said), Ok(wanted)) = (names::version(inside), names::version(&claim.version))
        && said != wanted
    {
        return Err(differ("version", inside));
    }
    let mut fields = metadata.summary();
    if let Value::Object(known) = std::mem::take(&mut claim.metadata) {
        for key in [kept::YANKED, kept::ALTERNATES, kept::TRACKS] {
            fields.extend(known.get(key).map(|value| (key.to_owned(), value.clone())));
        }
    }
    claim.metadata = Value::Object(fields);
    Ok(())
}

fn read(name: &str, address: &str, document: &RemoteDocument) -> Result<RemoteIndex, Problem> {
    let page = Page::read(address, document).map_err(|why| upstream::unusable(format!("index of `{name}`"), why))?;
    let mut project = Map::new();
    let tracks = if page.tracks.is_empty() { vec![address.to_owned()] } else { page.tracks };
    project.insert(kept::TRACKS.to_owned(), json!(tracks));
    if !page.alternates.is_empty() {
        project.insert(kept::ALTERNATES.to_owned(), json!(page.alternates));
    }
    let mut releases: Vec<Release> = Vec::new();
    let mut known: HashMap<Version, usize> = HashMap::new();
    for listed in page.files {
        let Some(version) = FileName::listed(&listed.name).and_then(|file| file.version_of(name)) else { continue };
        let at = *known.entry(version.clone()).or_insert_with(|| {
            releases.push(Release::default());
            releases.len() - 1
        });
        if let Some(release) = releases.get_mut(at) {
            release.add(version, listed);
        }
    }
    let versions = releases.into_iter().map(|release| release.version(&project)).collect();
    Ok(RemoteIndex { versions, references: BTreeMap::new() })
}

/// Files of one version, however they write it.
#[derive(Default)]
struct Release {
    files: Vec<(Version, Listed)>,
}

impl Release {
    fn add(&mut self, version: Version, listed: Listed) {
        if !self.files.iter().any(|(_, known)| known.name == listed.name) {
            self.files.push((version, listed));
        }
    }

    fn version(self, project: &Map<String, Value>) -> RemoteVersion {
        let first = self.files.iter().min_by_key(|(_, file)| (file.uploaded.is_none(), file.uploaded));
        // Of equal versions the one that was there first, so that it stays the same when others come.
        let version = first.map(|(version, _)| version.to_string()).unwrap_or_default();
        let mut metadata = project.clone();
        // Releases are yanked as a whole; the reason is that of its first file. That it is not is said too, because it
        // may have been when a file of it was fetched.
        let whole = self.files.iter().all(|(_, file)| file.yanked.is_some());
        let why = self.files.iter().find_map(|(_, file)| file.yanked.clone()).filter(|_| whole);
        metadata.insert(kept::YANKED.to_owned(), why.into());
        // A file that is added to an old version is as new as a new version.
        let published_at: Option<Timestamp> = self.files.iter().filter_map(|(_, file)| file.uploaded).max();
        let files = self.files.into_iter().flat_map(|(_, file)| remote_files(file, whole)).collect();
        RemoteVersion { version, metadata: Value::Object(metadata), published_at, files, whole: false }
    }
}

/// The file and its metadata document. Its provenance stays where its registry has it: the index names that address.
fn remote_files(listed: Listed, yanked_whole: bool) -> Vec<RemoteFile> {
    let Some(named) = FileName::listed(&listed.name) else { return Vec::new() };
    let mut kept = Map::new();
    kept.insert("filetype".to_owned(), named.kind.file_type().into());
    kept.extend(listed.requires_python.map(|range| ("requires_python".to_owned(), range.into())));
    kept.extend(listed.uploaded.map(|time| ("upload_time".to_owned(), time.to_string().into())));
    kept.extend(listed.provenance.map(|address| (kept::PROVIDED.to_owned(), address.to_string().into())));
    kept.extend(listed.yanked.filter(|_| !yanked_whole).map(|why| (kept::YANKED.to_owned(), why.into())));
    let hashes = HASHES.iter().filter_map(|(name, digits)| {
        let hex = listed.hashes.get(*name)?.to_ascii_lowercase();
        let sound = hex.len() == *digits && hex.bytes().all(|b| b.is_ascii_hexdigit());
        sound.then(|| ((*name).to_owned(), hex))
    });
    let mut files = vec![RemoteFile {
        path: listed.name.clone(),
        address: listed.url.to_string(),
        size: listed.size,
        digest: sha256(&listed.hashes),
        hashes: hashes.collect(),
        media_type: named.kind.media_type().to_owned(),
        role: Some(Role::File),
        metadata: Value::Object(kept),
    }];
    if let Some(hashes) = &listed.core_metadata {
        let mut url = listed.url.clone();
        url.set_path(&format!("{}{}", listed.url.path(), kept::METADATA));
        files.push(RemoteFile {
            path: format!("{}{}", listed.name, kept::METADATA),
            address: url.to_string(),
            size: None,
            digest: sha256(hashes),
            hashes: BTreeMap::new(),
            media_type: "text/plain; charset=utf-8".to_owned(),
            role: None,
            metadata: Value::Null,
        });
    }
    files
}

fn sha256(hashes: &BTreeMap<String, String>) -> Option<Digest> {
    Digest::sha256(&hashes.get("sha256")?.to_ascii_lowercase()).ok()
}
