//! Remote registries with a sparse index: where a name's file is, what its lines say, where downloads are.

use super::{inspect, line, names};
use crate::kit::upstream::unusable;
use assay_model::{
    Problem,
    package::Role,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of remote registries.
pub(super) static REMOTE: Sparse = Sparse;

/// Registries with a sparse index.
#[derive(Debug)]
pub(super) struct Sparse;

/// Versions read of one name.
const VERSIONS: usize = 100_000;

/// The `config.json` of a remote index.
#[derive(Debug, Deserialize)]
struct Config {
    dl: String,
    api: Option<String>,
}

/// Pages of a search that are read.
const PAGES: usize = 5000;

/// What a search answers.
#[derive(Deserialize)]
struct Crates {
    crates: Vec<Found>,
    #[serde(default)]
    meta: Total,
}

#[derive(Deserialize)]
struct Found {
    name: String,
}

#[derive(Default, Deserialize)]
struct Total {
    #[serde(default)]
    total: u64,
}

impl Config {
    /// The address of a version's `.crate` (the markers of "Index Configuration").
    fn download(&self, name: &str, version: &str, sha256: &str) -> String {
        let lower = name.to_ascii_lowercase();
        let folders = |of: &str| names::prefix(of).unwrap_or_default();
        let markers = [
            ("{crate}", name.to_owned()),
            ("{version}", version.to_owned()),
            ("{prefix}", folders(name)),
            ("{lowerprefix}", folders(&lower)),
            ("{sha256-checksum}", sha256.to_owned()),
        ];
        if !markers.iter().any(|(marker, _)| self.dl.contains(marker)) {
            return format!("{}/{name}/{version}/download", self.dl.trim_end_matches('/'));
        }
        markers.iter().fold(self.dl.clone(), |address, (marker, value)| address.replace(marker, value))
    }
}

impl Remote for Sparse {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn greeting(&self, base: &str) -> String {
        format!("{base}/config.json")
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            let Some(document) = origin.document(&names::index_path(name), "").await? else { return Ok(None) };
            let what = || format!("index of crate `{name}`");
            let text = str::from_utf8(&document.body).map_err(|error| unusable(what(), error))?;
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(VERSIONS).collect();
            if lines.is_empty() {
                return Ok(None);
            }
            let config = config(origin).await?;
            // Cargo passes over a line that it cannot read, and so does this.
            let versions: Vec<RemoteVersion> = lines
                .iter()
                .filter_map(|text| line::parse(name, text))
                .map(|line| version(&config, name, line))
                .collect();
            if versions.is_empty() {
                return Err(unusable(what(), "it has no line that can be read"));
            }
            Ok(Some(RemoteIndex { versions, references: BTreeMap::new() }))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        names::normalise(name)
    }

    /// An index does not list its names; the search of the registry's API does.
    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let Some(api) = config(origin).await?.api else { return Ok(None) };
            let mut found = BTreeSet::new();
            for page in 1..=PAGES {
                let address = format!("{}/api/v1/crates?q=&per_page=100&page={page}", api.trim_end_matches('/'));
                let Some(document) = origin.document(&address, "application/json").await? else {
                    return Ok((page > 1).then(|| found.into_iter().collect()));
                };
                let list: Crates =
                    serde_json::from_slice(&document.body).map_err(|error| unusable("answer to a search", error))?;
                let before = found.len();
                found.extend(list.crates.iter().filter_map(|one| names::normalise(&one.name).ok()));
                if found.len() == before || found.len() as u64 >= list.meta.total {
                    break;
                }
            }
            Ok(Some(found.into_iter().collect()))
        })
    }

    fn inspect(&self, claim: &mut Claim, _: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        inspect::complete(claim, bytes)
    }
}

fn version(config: &Config, name: &str, line: line::Parsed) -> RemoteVersion {
    let written = line.kept.get("name").and_then(|name| name.as_str()).unwrap_or(name);
    let file = RemoteFile {
        path: names::file_path(name, &line.version),
        address: config.download(written, &line.version, line.digest.hex()),
        size: None,
        digest: Some(line.digest),
        hashes: BTreeMap::new(),
        media_type: inspect::MEDIA_TYPE.to_owned(),
        role: Some(Role::File),
        metadata: Value::Null,
    };
    RemoteVersion {
        version: line.version,
        metadata: json!({ line::LINE: line.kept, line::YANKED: line.yanked }),
        published_at: line.published_at,
        files: vec![file],
        whole: false,
    }
}

async fn config(origin: &dyn Origin) -> Result<Config, Problem> {
    let document = origin.document("config.json", "").await?;
    let document = document.ok_or_else(|| unusable("config.json", "it is not there"))?;
    serde_json::from_slice(&document.body).map_err(|error| unusable("config.json", error))
}
