//! Other module proxies: which documents they have and what they say.
//!
//! A list says nothing of times, and a proxy has thousands of versions: the times of the versions that can be young (the
//! newest of all, and the newest of each recent line of patches) are asked for, those of the others when one of them is.

use super::{
    inspect,
    names::{Module, Version, escape},
};
use assay_model::{
    Problem,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Complete, Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, io::Read};

/// The one of this format.
pub(super) static REMOTE: Proxy = Proxy;

/// Versions of a list that are looked at.
const VERSIONS: usize = 50_000;

/// Versions whose time is asked for when a list is read: newest of all, and newest of as many lines of patches.
const TIMED: usize = 6;

/// Requests at once.
const AT_ONCE: usize = 4;

/// A module proxy.
pub(super) struct Proxy;

/// What `.info` and `@latest` say.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    version: String,
    time: Option<Timestamp>,
}

impl Remote for Proxy {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            let Ok(module) = Module::parse(name) else { return Ok(None) };
            let Some(listed) = list(origin, &module).await? else { return Ok(None) };
            let mut times = BTreeMap::new();
            let mut versions = listed;
            if versions.is_empty() {
                // Modules without tags have a newest commit only.
                let latest = info(origin, format!("{}/@latest", escape(name))).await?;
                if let Some((version, time)) = latest {
                    times.insert(version.as_str().to_owned(), time);
                    versions.push(version);
                }
            } else {
                times = times_of(origin, &module, &versions).await;
            }
            let versions = versions.iter().map(|version| {
                let time = times.get(version.as_str()).copied().flatten();
                remote_version(&module, version, time, &["mod", "zip"])
            });
            Ok(Some(RemoteIndex { versions: versions.collect(), references: BTreeMap::new() }))
        })
    }

    fn find<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, what: &'a str) -> Task<'a, Option<RemoteVersion>> {
        Box::pin(async move {
            let Ok(module) = Module::parse(name) else { return Ok(None) };
            let found = info(origin, address(&module, what, "info")).await?;
            // Whoever asks for a version gets that one or none; a branch may be any.
            let found = found.filter(|(version, _)| Version::parse(what).is_err() || version.as_str() == what);
            Ok(found.map(|(version, time)| remote_version(&module, &version, time, &["info", "mod", "zip"])))
        })
    }

    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        Box::pin(async move {
            let Some((text, extension @ ("info" | "mod" | "zip"))) = path.rsplit_once('.') else { return Ok(None) };
            if Version::parse(text).is_err() {
                return Ok(None);
            }
            let Some(version) = self.find(origin, name, text).await? else { return Ok(None) };
            let file = version.files.iter().find(|file| file.path.ends_with(&format!(".{extension}"))).cloned();
            Ok(file.map(|file| (version, file)))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        Module::parse(name).map(|module| module.as_str().to_owned())
    }

    /// When a version was made stands in its `.info`, which comes along.
    fn complete<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, version: RemoteVersion) -> Task<'a, Complete> {
        Box::pin(async move {
            let asked = self.find(origin, name, &version.version).await?;
            Ok(asked.filter(|found| found.version == version.version).unwrap_or(version).into())
        })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        let (module, version) = (Module::parse(&claim.name)?, Version::parse(&claim.version)?);
        module.check(&version)?;
        match file.path.rsplit_once('.') {
            Some((_, "zip")) => claim.metadata = inspect::read(&module, &version, bytes)?.metadata(),
            Some((_, "mod")) => {
                let text = small(bytes)?;
                if inspect::declared(&text).is_none() {
                    return Err(Problem::invalid("bad-go-mod", "the go.mod file declares no module"));
                }
                // What is known of a zip that is here already says more.
                if let (Some(kept), Value::Null) = (inspect::mod_metadata(&text), &claim.metadata) {
                    claim.metadata = kept;
                }
            }
            _ => {
                let said: Info = serde_json::from_str(&small(bytes)?).map_err(|error| {
                    Problem::invalid("bad-info", format!("the .info document is not JSON: {error}"))
                })?;
                if said.version != claim.version {
                    return Err(Problem::invalid("bad-info", "the .info document is of another version"));
                }
                claim.published_at = claim.published_at.or(said.time);
            }
        }
        Ok(())
    }
}

fn small(bytes: &mut dyn ReadSeek) -> Result<String, Problem> {
    let mut text = String::new();
    bytes
        .take(inspect::GO_MOD)
        .read_to_string(&mut text)
        .map_err(|error| Problem::invalid("unreadable", format!("the file is no text: {error}")))?;
    Ok(text)
}

fn address(module: &Module, version: &str, extension: &str) -> String {
    format!("{}/@v/{}.{extension}", escape(module.as_str()), escape(version))
}

fn remote_version(module: &Module, version: &Version, time: Option<Timestamp>, files: &[&str]) -> RemoteVersion {
    let files = files.iter().map(|extension| {
        let (media_type, role) = inspect::kind_of(extension);
        RemoteFile {
            path: format!("{}.{extension}", version.as_str()),
            address: address(module, version.as_str(), extension),
            size: None,
            digest: None,
            hashes: BTreeMap::new(),
            media_type: media_type.to_owned(),
            role,
            metadata: Value::Null,
        }
    });
    RemoteVersion {
        version: version.as_str().to_owned(),
        metadata: Value::Null,
        published_at: version.pseudo_time().or(time),
        files: files.collect(),
        whole: false,
    }
}

/// The versions of `@v/list` in their order; what is no version is passed over.
async fn list(origin: &dyn Origin, module: &Module) -> Result<Option<Vec<Version>>, Problem> {
    let address = format!("{}/@v/list", escape(module.as_str()));
    let Some(document) = origin.document(&address, "").await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&document.body);
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    let mut versions: Vec<Version> =
        words.take(VERSIONS).filter_map(|word| Version::parse(word).ok()).filter(|v| module.check(v).is_ok()).collect();
    versions.sort_by(Version::compare);
    versions.dedup();
    Ok(Some(versions))
}

/// A version and when it was published.
type Said = Option<(Version, Option<Timestamp>)>;

/// What an `.info` document or `@latest` says. One that cannot be read counts as none.
fn info(origin: &dyn Origin, address: String) -> Task<'_, Said> {
    Box::pin(async move {
        let Some(document) = origin.document(&address, "").await? else { return Ok(None) };
        let said: Option<Info> = serde_json::from_slice(&document.body).ok();
        Ok(said.and_then(|said| Some((Version::parse(&said.version).ok()?, said.time))))
    })
}

/// Times of the versions that can be young. One that cannot be had is unknown, and no reason to have no index.
async fn times_of(origin: &dyn Origin, module: &Module, sorted: &[Version]) -> BTreeMap<String, Option<Timestamp>> {
    let mut times = BTreeMap::new();
    for some in young(sorted).chunks(AT_ONCE) {
        let asked = some.iter().map(|version| info(origin, address(module, version.as_str(), "info")));
        for (version, said) in some.iter().zip(join_all(asked).await) {
            let time = said.ok().flatten().filter(|(found, _)| found == *version).and_then(|(_, time)| time);
            times.insert(version.as_str().to_owned(), time);
        }
    }
    times
}

/// The newest versions, and the newest of each recent line of patches; of versions in rising order.
fn young(sorted: &[Version]) -> Vec<&Version> {
    let mut lines: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for (at, version) in sorted.iter().rev().enumerate() {
        let line = version.minor_line();
        let opens = lines.len() < TIMED && lines.last() != Some(&line);
        if opens {
            lines.push(line);
        }
        if (at < TIMED || opens) && version.pseudo_time().is_none() {
            found.push(version);
        }
        if at >= TIMED && lines.len() >= TIMED {
            break;
        }
    }
    found
}
