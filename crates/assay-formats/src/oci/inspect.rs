//! What a manifest says: pure over its bytes.

use super::{
    companions::pointed_at,
    holds::{self, Whole},
    names::{digest, is_own, shown},
};
use assay_model::{
    Digest, Problem,
    package::{File, NewFile, Role},
    seam::{
        format::Claim,
        upstream::{RemoteFile, RemoteVersion},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Largest manifest: what the specification asks registries to take at least.
pub(super) const MANIFEST: usize = 4 << 20;

/// Descriptors of one manifest.
const DESCRIPTORS: usize = 2000;
/// Bytes of annotations that are kept of a manifest beside the manifest itself. Lists of referrers show them all.
const ANNOTATIONS: usize = 64 << 10;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What is asked for at other registries.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A reference to content, as manifests write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<Value>,
    annotations: Option<Map<String, Value>>,
    artifact_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
    artifact_type: Option<String>,
    annotations: Option<Map<String, Value>>,
}

/// Content that a manifest refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Descriptor {
    pub(super) digest: Digest,
    pub(super) size: u64,
    media_type: String,
    platform: Option<Value>,
    artifact_type: Option<String>,
    /// Name of the file that it is.
    title: Option<String>,
    /// Not stored in registries by its publisher's wish.
    foreign: bool,
}

/// What a manifest refers to and is stored under its name: the digest that it is referred to by, and the one that it is
/// stored by.
pub(super) type Parts = BTreeMap<Digest, Digest>;

/// A manifest's bytes as they were taken in.
pub(super) struct Pushed {
    /// SHA-256.
    pub(super) digest: Digest,
    /// Bytes.
    pub(super) size: u64,
    /// Other hashes.
    pub(super) hashes: BTreeMap<String, String>,
    /// To point here.
    pub(super) tags: Vec<String>,
}

/// The digest that clients know a manifest by: the one that it was pushed by.
pub(super) fn known_as(file: &File) -> String {
    file.hashes.get("sha512").map_or_else(|| file.digest.to_string(), |hex| format!("sha512:{hex}"))
}

/// A manifest or index.
#[derive(Debug)]
pub(super) struct Manifest {
    media_type: &'static str,
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    pub(super) children: Vec<Descriptor>,
    pub(super) subject: Option<Descriptor>,
    artifact_type: Option<String>,
    annotations: Option<Map<String, Value>>,
}

fn invalid(why: impl Into<String>) -> Problem {
    Problem::invalid("manifest-invalid", why)
}

impl Manifest {
    /// # Errors
    /// `Invalid` with code `manifest-invalid` or `digest-invalid`.
    pub(super) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Problem> {
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("the manifest cannot be read: {error}")))?;
        let media_type = media_type(&raw, content_type)?;
        if raw.schema_version != Some(2) {
            return Err(invalid("the manifest's schemaVersion must be 2; schema 1 is not supported"));
        }
        let index = matches!(media_type, DOCKER_LIST | OCI_INDEX);
        let manifest = Self {
            media_type,
            config: if index { None } else { raw.config.map(Descriptor::parse).transpose()? },
            layers: if index { Vec::new() } else { Descriptor::all(raw.layers)? },
            children: if index { Descriptor::all(raw.manifests)? } else { Vec::new() },
            subject: raw.subject.map(Descriptor::parse).transpose()?,
            artifact_type: raw.artifact_type.filter(|text| !text.is_empty()),
            annotations: raw.annotations,
        };
        if !index && manifest.config.is_none() {
            return Err(invalid("the manifest has no config"));
        }
        Ok(manifest)
    }

    /// Everything that it refers to, each once.
    pub(super) fn parts(&self) -> Vec<&Descriptor> {
        let mut seen = BTreeSet::new();
        self.blobs().chain(&self.children).filter(|part| seen.insert((&part.digest, part.size))).collect()
    }

    /// Whether this part is the configuration.
    pub(super) fn is_config(&self, part: &Descriptor) -> bool {
        self.config.as_ref().is_some_and(|config| config.digest == part.digest)
    }

    /// Layers that registries distribute, and the configuration.
    pub(super) fn distributed(&self) -> impl Iterator<Item = &Descriptor> {
        self.blobs().filter(|part| !part.foreign)
    }

    fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }

    /// The package that the manifest is. `parts` are those of its parts that are here.
    pub(super) fn claim(self, name: &str, pushed: Pushed, parts: &Parts) -> Claim {
        let mut metadata = self.metadata(name, pushed.size, parts);
        self.note_subject(&mut metadata, &pushed.tags);
        let mut seen = BTreeSet::from([pushed.digest.clone()]);
        let mut files = vec![NewFile {
            path: pushed.digest.to_string(),
            digest: pushed.digest.clone(),
            size: pushed.size,
            media_type: self.media_type.to_owned(),
            role: Some(Role::Image),
            hashes: pushed.hashes,
            metadata: Value::Null,
        }];
        for blob in self.blobs() {
            let Some(stored) = parts.get(&blob.digest) else { continue };
            if seen.insert(stored.clone()) {
                files.push(NewFile {
                    path: stored.to_string(),
                    digest: stored.clone(),
                    size: blob.size,
                    media_type: BYTES.to_owned(),
                    role: None,
                    hashes: other_hash(&blob.digest),
                    metadata: blob.kept(),
                });
            }
        }
        Claim {
            name: name.to_owned(),
            version: pushed.digest.to_string(),
            metadata,
            files,
            references: pushed.tags,
            published_at: None,
            replaces_others: false,
            replaces_files: false,
        }
    }

    /// The same as a registry has it whose addresses begin with `base`: its manifest and all that registries distribute.
    pub(super) fn remote(self, name: &str, body: &[u8], base: &str) -> Result<RemoteVersion, Problem> {
        let (digest, size) = (Digest::of(body), body.len() as u64);
        let parts: Parts = self.distributed().map(|part| (part.digest.clone(), part.digest.clone())).collect();
        if let Some(other) = parts.keys().find(|digest| !is_own(digest)) {
            return Err(Problem::new(
                assay_model::Kind::Unsupported,
                "unsupported",
                format!(
                    "{name} has a part that is known by {} only; such images are not taken over",
                    other.algorithm()
                ),
            ));
        }
        let remote = |path: &Digest, place: &str| RemoteFile {
            path: path.to_string(),
            address: format!("{base}/{place}/{path}"),
            size: None,
            digest: Some(path.clone()),
            hashes: BTreeMap::new(),
            media_type: BYTES.to_owned(),
            role: None,
            metadata: Value::Null,
        };
        let mut seen = BTreeSet::from([digest.clone()]);
        let mut files = vec![RemoteFile {
            size: Some(size),
            media_type: self.media_type.to_owned(),
            role: Some(Role::Image),
            ..remote(&digest, "manifests")
        }];
        for blob in self.distributed() {
            if seen.insert(blob.digest.clone()) {
                files.push(RemoteFile {
                    size: Some(blob.size),
                    metadata: blob.kept(),
                    ..remote(&blob.digest, "blobs")
                });
            }
        }
        let metadata = self.metadata(name, size, &parts);
        Ok(RemoteVersion { version: digest.to_string(), metadata, published_at: None, files, whole: true })
    }

    /// Notes which manifest it speaks of: its subject; else the one that its tag is made of, and then what is pushed under
    /// the same tag later takes its place.
    fn note_subject(&self, metadata: &mut Value, tags: &[String]) {
        let Some(fields) = metadata.as_object_mut() else { return };
        if let Some(subject) = &self.subject {
            fields.insert("about".to_owned(), subject.digest.to_string().into());
        } else if let Some((tag, digest)) = tags.iter().find_map(|tag| Some((tag, pointed_at(tag)?))) {
            fields.insert("about".to_owned(), digest.into());
            fields.insert("aboutAs".to_owned(), tag.as_str().into());
        }
    }

    fn metadata(&self, name: &str, size: u64, parts: &Parts) -> Value {
        let mut kept = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                kept.insert(key.to_owned(), value);
            }
        };
        put("mediaType", Some(self.media_type.into()));
        put("size", Some(size.into()));
        put("artifactType", self.artifact_type().map(Value::from));
        let whole = self.whole(name);
        put(
            "config",
            self.config.as_ref().map(|config| {
                let mut json = config.json(parts);
                whole.mark_config(&mut json);
                json
            }),
        );
        put("subject", self.subject.as_ref().map(Descriptor::as_written));
        put("annotations", self.kept_annotations().map(Value::Object));
        if self.config.is_some() {
            let layer = |part: &Descriptor| {
                let mut json = part.json(parts);
                whole.mark(&mut json, &part.media_type, part.title.as_deref());
                json
            };
            put("layers", Some(self.layers.iter().map(layer).collect::<Vec<Value>>().into()));
        } else {
            let list: Vec<Value> = self.children.iter().map(|part| part.json(parts)).collect();
            put("manifests", Some(list.into()));
        }
        Value::Object(kept)
    }

    /// All of what refers to another manifest; of others as many as are no burden in memory.
    fn kept_annotations(&self) -> Option<Map<String, Value>> {
        let all = self.annotations.as_ref()?;
        let mut room = if self.subject.is_some() { MANIFEST } else { ANNOTATIONS };
        let mut fits = |key: &str, value: &Value| {
            let taken = key.len() + value.as_str().map_or(0, str::len);
            room = room.saturating_sub(taken);
            room > 0
        };
        Some(
            all.iter()
                .filter(|(key, value)| fits(key, value))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    fn whole<'a>(&'a self, name: &'a str) -> Whole<'a> {
        Whole {
            name: name.rsplit('/').next().unwrap_or(name),
            config: self.config.as_ref().map(|config| config.media_type.as_str()).unwrap_or_default(),
            has_subject: self.subject.is_some(),
            artifact_type: self.artifact_type.as_deref().unwrap_or_default(),
        }
    }

    /// What a list of referrers calls it: its own word, else its config's media type.
    fn artifact_type(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref();
        own.or(self.config.as_ref().map(|config| config.media_type.as_str()))
    }
}

impl Descriptor {
    fn parse(raw: RawDescriptor) -> Result<Self, Problem> {
        let foreign = raw.media_type.contains(".foreign.") || raw.media_type.contains(".nondistributable.");
        Ok(Self {
            digest: digest(&raw.digest)?,
            size: raw.size,
            media_type: raw.media_type,
            platform: raw.platform.filter(Value::is_object),
            title: holds::title(raw.annotations.as_ref()),
            artifact_type: raw.artifact_type.or_else(|| annotation_type(raw.annotations.as_ref())),
            foreign,
        })
    }

    fn all(raw: Option<Vec<RawDescriptor>>) -> Result<Vec<Self>, Problem> {
        let raw = raw.unwrap_or_default();
        if raw.len() > DESCRIPTORS {
            return Err(invalid(format!("the manifest lists {} parts; at most {DESCRIPTORS} are taken", raw.len())));
        }
        raw.into_iter().map(Self::parse).collect()
    }

    /// What is kept with the file that it is. It is served as what it is to a browser: bytes.
    fn kept(&self) -> Value {
        json!({ "mediaType": self.media_type })
    }

    /// By the digest that it is stored by, or marked as absent.
    fn json(&self, parts: &Parts) -> Value {
        let mut value = self.as_written();
        match (parts.get(&self.digest), &mut value) {
            (Some(stored), Value::Object(fields)) => fields.insert("digest".to_owned(), stored.as_str().into()),
            (None, Value::Object(fields)) => fields.insert("absent".to_owned(), true.into()),
            _ => None,
        };
        value
    }

    fn as_written(&self) -> Value {
        let mut value = json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.size });
        if let Value::Object(fields) = &mut value {
            fields.extend(self.platform.clone().map(|platform| ("platform".to_owned(), platform)));
            fields.extend(self.artifact_type.clone().map(|text| ("artifactType".to_owned(), text.into())));
        }
        value
    }
}

/// What a browser is told of layers and configurations.
const BYTES: &str = "application/octet-stream";

/// A digest of another algorithm than the store's, kept beside the file.
fn other_hash(digest: &Digest) -> BTreeMap<String, String> {
    let other = Some(digest).filter(|digest| !is_own(digest));
    other.map(|digest| (digest.algorithm().to_owned(), digest.hex().to_owned())).into_iter().collect()
}

/// How builders mark attestations that they list among the images of an index.
fn annotation_type(annotations: Option<&Map<String, Value>>) -> Option<String> {
    let value = annotations?.get("vnd.docker.reference.type")?.as_str()?;
    Some(value.to_owned())
}

/// The one type that the header and the manifest agree on.
fn media_type(raw: &Raw, content_type: Option<&str>) -> Result<&'static str, Problem> {
    let header = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let header = header.filter(|text| !text.is_empty());
    if let (Some(header), Some(own)) = (header, raw.media_type.as_deref())
        && header != own
    {
        return Err(invalid(format!(
            "the Content-Type `{}` is not the manifest's mediaType `{}`",
            shown(header),
            shown(own)
        )));
    }
    let claimed = header.or(raw.media_type.as_deref()).unwrap_or_default();
    [DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX].into_iter().find(|known| *known == claimed).ok_or_else(
        || {
            invalid(format!(
                "`{}` is no media type of a manifest that is taken here: OCI image manifest or index, Docker image \
             manifest version 2, schema 2, or its list",
                shown(claimed)
            ))
        },
    )
}
