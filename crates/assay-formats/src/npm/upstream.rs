//! What other registries of this protocol say: their packuments, read into the versions, files and dist-tags that are
//! needed here. Documents are large, so that all else is skipped while they are parsed.

use super::{
    inspect::{ARCHIVE_TYPE, Packed, integrity},
    names::{self, Name},
    render::JSON,
};
use assay_archive::Tolerance;
use assay_model::{
    Kind, Problem,
    package::Role,
    seam::{
        ReadSeek, Task,
        format::Claim,
        machine::{Detected, Machine},
        upstream::{Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use jiff::Timestamp;
use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What is kept of a manifest: all that installations, policies and people ask for.
const KEPT: &[&str] = &[
    "acceptDependencies",
    "author",
    "bin",
    "bugs",
    "bundleDependencies",
    "bundledDependencies",
    "cpu",
    "dependencies",
    "deprecated",
    "description",
    "devDependencies",
    "directories",
    "dist",
    "engines",
    "exports",
    "funding",
    "_hasShrinkwrap",
    "hasInstallScript",
    "homepage",
    "keywords",
    "libc",
    "license",
    "licenses",
    "main",
    "maintainers",
    "module",
    "name",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
    "repository",
    "scripts",
    "type",
    "types",
    "version",
];

/// Of `dist`, what only the other registry can say.
const DIST: &[&str] = &["fileCount", "unpackedSize", "signatures", "npm-signature"];

/// The protocol at other registries.
pub(super) static REMOTE: NpmRemote = NpmRemote;

/// The protocol at other registries.
#[derive(Debug)]
pub(super) struct NpmRemote;

impl Remote for NpmRemote {
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        super::detect::detect(machine)
    }

    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async move {
            let Ok(name) = Name::parse(name) else { return Ok(None) };
            let address = name.as_str().replace('/', "%2f");
            // The full form: the abbreviated one has no publish times.
            let Some(document) = origin.document(&address, JSON).await? else { return Ok(None) };
            let unreadable = |error: serde_json::Error| {
                let message = format!("what the upstream says of `{}` cannot be read: {error}", name.as_str());
                Problem::new(Kind::Upstream, "bad-upstream", message)
            };
            let said = if document.body.len() < LARGE {
                serde_json::from_slice::<Packument>(&document.body).map_err(unreadable)?
            } else {
                let body = document.body.clone();
                tokio::task::spawn_blocking(move || serde_json::from_slice::<Packument>(&body))
                    .await
                    .map_err(|error| Problem::internal("reading a packument failed", error))?
                    .map_err(unreadable)?
            };
            Ok(said.index(&name))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        Name::parse(name).map(|name| name.as_str().to_owned())
    }

    /// Registries of one house list all they have in one document; others let a search walk over it.
    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let all = origin.document("-/all", JSON).await.ok().flatten();
            let listed = all.and_then(|all| serde_json::from_slice::<Map<String, Value>>(&all.body).ok());
            if let Some(listed) = listed {
                return Ok(Some(listed.keys().filter(|key| is_name(key)).cloned().collect()));
            }
            searched(origin).await
        })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        if !file.path.ends_with(".tgz") {
            return Ok(());
        }
        // Old archives have oddities that clients put up with; what they unpack to is looked into elsewhere.
        Packed::read(bytes, Tolerance::SkipAndReport)?.is(&claim.name, &claim.version)
    }
}

/// Packages that one page of a search has, and pages that are read.
const PAGE: usize = 250;
const PAGES: usize = 4000;

fn is_name(text: &str) -> bool {
    !text.starts_with('_') && Name::parse(text).is_ok()
}

async fn searched(origin: &dyn Origin) -> Result<Option<Vec<String>>, Problem> {
    let mut names = BTreeSet::new();
    for page in 0..PAGES {
        let address = format!("-/v1/search?text=&size={PAGE}&from={}", page * PAGE);
        let Some(document) = origin.document(&address, JSON).await? else {
            return Ok((page > 0).then(|| names.into_iter().collect()));
        };
        let found: Value = serde_json::from_slice(&document.body)
            .map_err(|error| crate::kit::upstream::unusable("answer to a search", error))?;
        let objects = found.get("objects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let before = names.len();
        names.extend(
            objects
                .iter()
                .filter_map(|object| object.get("package")?.get("name")?.as_str())
                .filter(|name| is_name(name))
                .map(str::to_owned),
        );
        if names.len() == before {
            break;
        }
    }
    Ok((!names.is_empty()).then(|| names.into_iter().collect()))
}

/// Documents from this many bytes on are parsed apart.
const LARGE: usize = 256 << 10;

#[derive(Deserialize)]
struct Packument {
    #[serde(default)]
    versions: BTreeMap<String, Manifest>,
    #[serde(default, rename = "dist-tags")]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    time: BTreeMap<String, Value>,
}

impl Packument {
    fn index(self, name: &Name) -> Option<RemoteIndex> {
        if self.versions.is_empty() {
            return None;
        }
        let time = self.time;
        let published = |version: &str| time.get(version).and_then(Value::as_str).and_then(|at| at.parse().ok());
        let versions: Vec<RemoteVersion> = self
            .versions
            .into_iter()
            .filter_map(|(version, manifest)| {
                let published = published(&version);
                manifest.version(name, version, published)
            })
            .collect();
        let known = |version: &String| versions.iter().any(|one| one.version == *version);
        let references = self.tags.into_iter().filter(|(tag, to)| names::tag(tag).is_ok() && known(to)).collect();
        Some(RemoteIndex { versions, references })
    }
}

/// The fields of one version's manifest that are kept.
struct Manifest(Map<String, Value>);

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Manifest;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a manifest")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Manifest, A::Error> {
                let mut kept = Map::new();
                while let Some(field) = fields.next_key::<Cow<'de, str>>()? {
                    if KEPT.contains(&field.as_ref()) {
                        kept.insert(field.into_owned(), fields.next_value()?);
                    } else {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Manifest(kept))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Manifest {
    fn version(self, name: &Name, version: String, published_at: Option<Timestamp>) -> Option<RemoteVersion> {
        names::version(&version).ok()?;
        let Self(mut metadata) = self;
        let dist = metadata.remove("dist")?;
        let mut files = vec![archive(name, &version, &dist)?];
        files.extend(attestations(name, &version, &dist));
        let kept: Map<String, Value> =
            DIST.iter().filter_map(|field| Some(((*field).to_owned(), dist.get(*field)?.clone()))).collect();
        metadata.insert("dist".into(), Value::Object(kept));
        if metadata.get("deprecated").is_some_and(|said| said.as_str().is_none_or(str::is_empty)) {
            metadata.remove("deprecated");
        }
        Some(RemoteVersion { version, metadata: Value::Object(metadata), published_at, files, whole: false })
    }
}

fn archive(name: &Name, version: &str, dist: &Value) -> Option<RemoteFile> {
    let mut hashes: BTreeMap<String, String> = integrity(dist["integrity"].as_str().unwrap_or_default())
        .into_iter()
        .map(|(algorithm, hex)| (algorithm.to_owned(), hex))
        .collect();
    if let Some(sha1) =
        dist["shasum"].as_str().filter(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        hashes.insert("sha1".to_owned(), sha1.to_ascii_lowercase());
    }
    Some(RemoteFile {
        path: name.archive(version),
        address: dist["tarball"].as_str()?.to_owned(),
        size: None,
        digest: None,
        hashes,
        media_type: ARCHIVE_TYPE.to_owned(),
        role: Some(Role::File),
        metadata: Value::Null,
    })
}

fn attestations(name: &Name, version: &str, dist: &Value) -> Option<RemoteFile> {
    let said = &dist["attestations"];
    Some(RemoteFile {
        path: name.attestations(version),
        address: said["url"].as_str()?.to_owned(),
        size: None,
        digest: None,
        hashes: BTreeMap::new(),
        media_type: JSON.to_owned(),
        role: None,
        metadata: json!({ "predicateType": said["provenance"]["predicateType"] }),
    })
}
