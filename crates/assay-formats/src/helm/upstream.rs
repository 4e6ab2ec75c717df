//! Other chart repositories: their one index, which can be tens of megabytes, and what it says.
//!
//! The index of an upstream is asked for again for every chart. It is therefore taken apart once for every document that
//! comes, into one small JSON text a chart, and the last few of these are kept.

use super::{
    inspect,
    names::{self, PROVENANCE, file_name},
    provenance,
    yaml::{self, Bounds},
};
use crate::kit::{archive, upstream};
use assay_model::{
    Digest, Problem,
    package::Role,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Complete, DOCUMENT_BYTES, Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt,
    io::Read,
    sync::{Arc, Mutex, PoisonError},
};

/// The one of this format.
pub(super) static REMOTE: Repository = Repository;

/// Indexes that are kept apart.
const KEPT: usize = 4;

/// Nodes of one index: the largest known have two million.
const NODES: usize = 20_000_000;

/// Charts of one index and versions of one chart that are looked at.
const CHARTS: usize = 100_000;
const VERSIONS: usize = 20_000;

/// A chart repository.
pub(super) struct Repository;

/// An index that was taken apart: the document and, by name, the versions as a JSON array.
struct Apart {
    base: String,
    document: Bytes,
    charts: BTreeMap<String, Box<str>>,
}

static APART: Mutex<Vec<Arc<Apart>>> = Mutex::new(Vec::new());

impl Remote for Repository {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn greeting(&self, base: &str) -> String {
        format!("{base}/index.yaml")
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            let Some(apart) = apart(origin).await? else { return Ok(None) };
            let Some(text) = apart.charts.get(name) else { return Ok(None) };
            let entries: Vec<Map<String, Value>> = serde_json::from_str(text)
                .map_err(|error| Problem::internal("an index that was taken apart cannot be read", error))?;
            let mut index = RemoteIndex::default();
            for version in entries.into_iter().filter_map(|entry| remote_version(origin.base(), name, entry)) {
                if !index.versions.iter().any(|known| known.version == version.version) {
                    index.versions.push(version);
                }
            }
            Ok(Some(index))
        })
    }

    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        Box::pin(async move {
            let Some(chart) = path.strip_suffix(PROVENANCE) else { return Ok(None) };
            let Some(index) = self.index(origin, name).await? else { return Ok(None) };
            let found = index.versions.into_iter().find_map(|version| {
                let file = version.files.iter().find(|file| file.path == chart && !file.address.contains('?'))?;
                let signature = signature(file);
                Some((version, signature))
            });
            Ok(found)
        })
    }

    fn names<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let apart = apart(origin).await?;
            Ok(apart.map(|apart| apart.charts.keys().cloned().collect()))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        names::check_name(name).map(|()| name.to_owned())
    }

    /// Signatures stand beside the charts; no index lists them.
    fn complete<'a>(&'a self, _: &'a dyn Origin, _: &'a str, version: RemoteVersion) -> Task<'a, Complete> {
        Box::pin(async move {
            let charts = version.files.iter().filter(|file| !file.address.contains('?'));
            let optional = charts.map(signature).collect();
            Ok(Complete { optional, ..version.into() })
        })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        if file.path.ends_with(PROVENANCE) {
            let mut signature = Vec::new();
            let read = bytes.take(provenance::LARGEST as u64).read_to_end(&mut signature);
            read.map_err(|error| Problem::internal("the provenance file cannot be read", error))?;
            return provenance::parse(&signature).map(drop);
        }
        let chart = inspect::read(bytes)?;
        if chart.name != claim.name || !names::same(&chart.version, &claim.version) {
            return Err(Problem::invalid(
                "chart-mismatch",
                format!(
                    "the upstream's index says {} {} and the chart itself {} {}",
                    claim.name, claim.version, chart.name, chart.version
                ),
            ));
        }
        claim.metadata = chart.metadata;
        Ok(())
    }
}

fn signature(chart: &RemoteFile) -> RemoteFile {
    RemoteFile {
        path: format!("{}{PROVENANCE}", chart.path),
        address: format!("{}{PROVENANCE}", chart.address),
        media_type: "application/pgp-signature".to_owned(),
        ..remote_file()
    }
}

pub(super) fn remote_file() -> RemoteFile {
    RemoteFile {
        path: String::new(),
        address: String::new(),
        size: None,
        digest: None,
        hashes: BTreeMap::new(),
        media_type: String::new(),
        role: None,
        metadata: Value::Null,
    }
}

/// One version; nothing where the index is wrong about it, or where it can only be had from elsewhere (`oci://`).
fn remote_version(base: &str, name: &str, mut entry: Map<String, Value>) -> Option<RemoteVersion> {
    let version = inspect::text_of(entry.get("version"))?;
    let said = inspect::text_of(entry.get("name"))?;
    if said != name || names::check_version(&version).is_err() || entry.get("removed") == Some(&Value::Bool(true)) {
        return None;
    }
    let published_at = entry.remove("created").and_then(|time| time.as_str()?.parse().ok());
    let digest = entry.remove("digest").and_then(|hex| {
        let hex = hex.as_str()?.to_ascii_lowercase();
        Digest::sha256(hex.strip_prefix("sha256:").unwrap_or(&hex)).ok()
    });
    let urls = entry.remove("urls")?;
    let address = urls.as_array()?.iter().find_map(|url| address(base, url.as_str()?))?;
    entry.insert("version".to_owned(), version.as_str().into());
    let file = RemoteFile {
        path: file_name(name, &version),
        address,
        digest,
        media_type: "application/gzip".to_owned(),
        role: Some(Role::File),
        ..remote_file()
    };
    Some(RemoteVersion { version, metadata: Value::Object(entry), published_at, files: vec![file], whole: false })
}

/// Where a chart is: absolute as it is, relative to the index otherwise.
fn address(base: &str, url: &str) -> Option<String> {
    let base = url::Url::parse(&format!("{base}/")).ok()?;
    let joined = base.join(url).ok()?;
    matches!(joined.scheme(), "http" | "https").then(|| joined.to_string())
}

async fn apart(origin: &dyn Origin) -> Result<Option<Arc<Apart>>, Problem> {
    let accept = "application/yaml, application/x-yaml, text/yaml, */*;q=0.5";
    let Some(document) = origin.document("index.yaml", accept).await? else { return Ok(None) };
    if let Ok(kept) = APART.try_lock()
        && let Some(found) = known(&kept, origin.base(), &document.body)
    {
        return Ok(Some(found));
    }
    let base = origin.base().to_owned();
    archive::apart("reading an index", move || take_apart(base, document.body).map(Some)).await
}

fn known(kept: &[Arc<Apart>], base: &str, document: &Bytes) -> Option<Arc<Apart>> {
    let same = |a: &Bytes, b: &Bytes| (a.as_ptr() == b.as_ptr() && a.len() == b.len()) || a == b;
    kept.iter().find(|apart| apart.base == base && same(&apart.document, document)).cloned()
}

/// Holds the list while it reads, so that one document is read by one.
fn take_apart(base: String, document: Bytes) -> Result<Arc<Apart>, Problem> {
    let mut kept = APART.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known(&kept, &base, &document) {
        return Ok(found);
    }
    let charts = parse(&document).map_err(|why| upstream::unusable("index.yaml", why))?;
    let apart = Arc::new(Apart { base, document, charts });
    kept.retain(|other| other.base != apart.base);
    kept.insert(0, apart.clone());
    kept.truncate(KEPT);
    Ok(apart)
}

fn parse(document: &[u8]) -> Result<BTreeMap<String, Box<str>>, String> {
    let text = std::str::from_utf8(document).map_err(|_| "it is not UTF-8".to_owned())?;
    let index: IndexFile = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        yaml::read(text, Bounds { nodes: NODES, bytes: DOCUMENT_BYTES as usize })?
    };
    Ok(index.entries.0)
}

#[derive(Deserialize)]
struct IndexFile {
    #[serde(default)]
    entries: Entries,
}

/// The charts, each turned into its small text as it is read.
#[derive(Default)]
struct Entries(BTreeMap<String, Box<str>>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Charts;
        impl<'de> Visitor<'de> for Charts {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("charts by name")
            }
            fn visit_unit<E>(self) -> Result<Entries, E> {
                Ok(Entries::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut charts = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if names::check_name(&name).is_err() || charts.len() >= CHARTS {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let mut versions = map.next_value::<Option<Vec<Value>>>()?.unwrap_or_default();
                    versions.retain(Value::is_object);
                    versions.truncate(VERSIONS);
                    charts.insert(name, Value::Array(versions).to_string().into_boxed_str());
                }
                Ok(Entries(charts))
            }
        }
        from.deserialize_any(Charts)
    }
}
