//! What a manifest says: pure over its bytes.

use super::{
    holds::{self, Whole},
    names::{digest, shown},
};
use assay_model::{
    Digest, Problem,
    package::{NewFile, Role},
    seam::format::Claim,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Largest manifest: what the specification asks registries to take at least.
pub(super) const MANIFEST: usize = 4 << 20;

/// Descriptors of one manifest.
const DESCRIPTORS: usize = 2000;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

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
    #[serde(default)]
    urls: Vec<String>,
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
    /// Not stored in registries by its publisher's wish; it need not be here.
    pub(super) foreign: bool,
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

    /// Everything that has to be here before the manifest can be, each once.
    pub(super) fn parts(&self) -> Vec<&Descriptor> {
        let mut seen = BTreeSet::new();
        self.blobs()
            .chain(&self.children)
            .filter(|part| !part.foreign && seen.insert((&part.digest, part.size)))
            .collect()
    }

    fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }

    /// The package that the manifest is, with this tag.
    pub(super) fn claim(self, name: &str, manifest: Digest, size: u64, tag: Option<String>) -> Claim {
        let mut files = vec![NewFile {
            path: manifest.to_string(),
            digest: manifest.clone(),
            size,
            media_type: self.media_type.to_owned(),
            role: Some(Role::Image),
            hashes: Default::default(),
            metadata: Value::Null,
        }];
        let mut seen = BTreeSet::from([manifest.clone()]);
        for blob in self.blobs().filter(|blob| !blob.foreign) {
            if seen.insert(blob.digest.clone()) {
                files.push(NewFile {
                    path: blob.digest.to_string(),
                    digest: blob.digest.clone(),
                    size: blob.size,
                    // Served as what it is to a browser: bytes. The descriptor's own type is kept beside it.
                    media_type: "application/octet-stream".to_owned(),
                    role: None,
                    hashes: Default::default(),
                    metadata: json!({ "mediaType": blob.media_type }),
                });
            }
        }
        Claim {
            name: name.to_owned(),
            version: manifest.to_string(),
            metadata: self.metadata(name, size),
            files,
            references: tag.into_iter().collect(),
            published_at: None,
            replaces_others: false,
        }
    }

    fn metadata(&self, name: &str, size: u64) -> Value {
        let mut kept = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                kept.insert(key.to_owned(), value);
            }
        };
        let list = |all: &[Descriptor]| all.iter().map(Descriptor::json).collect::<Vec<Value>>().into();
        put("mediaType", Some(self.media_type.into()));
        put("size", Some(size.into()));
        put("artifactType", self.artifact_type().map(Value::from));
        let whole = self.whole(name);
        put(
            "config",
            self.config.as_ref().map(|config| {
                let mut json = config.json();
                whole.mark_config(&mut json);
                json
            }),
        );
        put("subject", self.subject.as_ref().map(Descriptor::json));
        put("annotations", self.annotations.clone().map(Value::Object));
        if self.config.is_some() {
            let layer = |part: &Descriptor| {
                let mut json = part.json();
                whole.mark(&mut json, &part.media_type, part.title.as_deref());
                json
            };
            put("layers", Some(self.layers.iter().map(layer).collect::<Vec<Value>>().into()));
        } else {
            put("manifests", Some(list(&self.children)));
        }
        Value::Object(kept)
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
        let foreign = !raw.urls.is_empty()
            && (raw.media_type.contains(".foreign.") || raw.media_type.contains(".nondistributable."));
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

    fn json(&self) -> Value {
        let mut value = json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.size });
        if let Value::Object(fields) = &mut value {
            fields.extend(self.platform.clone().map(|platform| ("platform".to_owned(), platform)));
            fields.extend(self.artifact_type.clone().map(|text| ("artifactType".to_owned(), text.into())));
        }
        value
    }
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
