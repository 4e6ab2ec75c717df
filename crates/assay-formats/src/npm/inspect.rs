//! What an upload says of itself: the document of the client, the `package.json` inside the archive, and what both must
//! agree on, made into a claim. Pure over bytes.

use super::{
    document::unreadable,
    names::{self, Name},
    provenance::Bundle,
};
use crate::kit::archive::{self, Bounds};
use assay_archive::{ArchiveError, Flow, Kind as Container, Tolerance, read_small};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    seam::{
        ReadSeek,
        format::{Claim, Staged},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Largest `package.json`, and largest readme that is kept.
const MANIFEST: u64 = 4 << 20;
const README: usize = 64 << 10;

/// Sent with archives.
pub(super) const ARCHIVE_TYPE: &str = "application/octet-stream";

/// The document that a client sends, as far as it matters. With attachments it publishes, without it edits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    pub(super) name: Option<String>,
    readme: Option<Value>,
    pub(super) versions: Option<BTreeMap<String, Map<String, Value>>>,
    #[serde(rename = "dist-tags")]
    pub(super) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "_attachments")]
    attachments: BTreeMap<String, Attachment>,
    pub(super) maintainers: Option<Value>,
    pub(super) users: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attachment {
    content_type: String,
    length: Option<u64>,
}

impl Document {
    /// # Errors
    /// `Invalid` when it is no such document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(unreadable)
    }

    /// Takes the one version out that the attached archive is of.
    ///
    /// # Errors
    /// `Invalid` when the document is of another package, has no manifest for the archive, or one that disagrees.
    pub(super) fn release(mut self, name: &Name, attached: &str, staged: &Staged) -> Result<Release, Problem> {
        let disagree = |message: String| Err(Problem::invalid("metadata-mismatch", message));
        if self.name.as_deref().is_some_and(|said| said != name.as_str()) {
            return disagree(format!(
                "the document is of `{}` and was sent to `{}`",
                names::shown(self.name.as_deref().unwrap_or_default()),
                name.as_str()
            ));
        }
        let mut versions = self.versions.take().unwrap_or_default();
        let only = versions.keys().next().filter(|_| versions.len() == 1).cloned();
        let of_file = name.version_in(attached, ".tgz").filter(|version| versions.contains_key(*version));
        let Some(version) = of_file.map(str::to_owned).or(only) else {
            return disagree(format!(
                "the document has no version that `{}` is the archive of",
                names::shown(attached)
            ));
        };
        names::version(&version)?;
        let Some(manifest) = versions.remove(&version) else {
            return Err(Problem::bug("a version is gone from its document"));
        };
        for (field, wanted) in [("name", name.as_str()), ("version", &version)] {
            let said = manifest.get(field).and_then(Value::as_str).unwrap_or_default();
            if said != wanted {
                let said = names::shown(said);
                return disagree(format!("the {field} in the manifest is `{said}` and the document says `{wanted}`"));
            }
        }
        let announced = self.attachments.get(attached).and_then(|attachment| attachment.length);
        if announced.is_some_and(|length| length != staged.size) {
            return Err(Problem::invalid(
                "size-mismatch",
                "the attached archive has another length than the document says",
            ));
        }
        check_hashes(&manifest, staged)?;
        let wanted = self.tags.take().unwrap_or_default();
        let tags: Vec<String> = wanted.into_iter().filter(|(_, to)| *to == version).map(|(tag, _)| tag).collect();
        tags.iter().try_for_each(|tag| names::tag(tag).map(drop))?;
        let readme = manifest.get("readme").cloned().or(self.readme).filter(is_short);
        Ok(Release { version, manifest, tags, readme })
    }

    /// The media type that the document gives an attachment.
    pub(super) fn media_type(&self, attached: &str) -> &str {
        self.attachments.get(attached).map_or("", |attachment| attachment.content_type.as_str())
    }
}

fn is_short(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.is_empty() && text.len() <= README)
}

/// `dist.shasum` and `dist.integrity` (Subresource Integrity) against what arrived.
fn check_hashes(manifest: &Map<String, Value>, staged: &Staged) -> Result<(), Problem> {
    let dist = manifest.get("dist").and_then(Value::as_object);
    let said = |field: &str| dist.and_then(|dist| dist.get(field)).and_then(Value::as_str).unwrap_or_default();
    let mut expected = integrity(said("integrity"));
    if !said("shasum").is_empty() {
        expected.push(("sha1", said("shasum").to_ascii_lowercase()));
    }
    for (algorithm, hex) in expected {
        if staged.hashes.get(algorithm).is_some_and(|have| *have != hex) {
            let message = format!("the archive's {algorithm} is not the one that the manifest announces");
            return Err(Problem::invalid("digest-mismatch", message));
        }
    }
    Ok(())
}

/// The hashes in an integrity text, as algorithm and lower-case hex.
pub(super) fn integrity(text: &str) -> Vec<(&'static str, String)> {
    let parts = text.split_whitespace().take(8).filter_map(|part| {
        let (algorithm, base64) = part.split_once('-')?;
        let (algorithm, bytes) = match algorithm {
            "sha512" => ("sha512", 64),
            "sha1" => ("sha1", 20),
            _ => return None,
        };
        let digest = STANDARD.decode(base64.split('?').next()?).ok()?;
        (digest.len() == bytes).then(|| (algorithm, hex::encode(digest)))
    });
    parts.collect()
}

/// A version that is about to be published.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) version: String,
    manifest: Map<String, Value>,
    tags: Vec<String>,
    readme: Option<Value>,
}

impl Release {
    /// # Errors
    /// `Invalid` when the archive is of another package.
    pub(super) fn claim(
        self,
        name: &Name,
        staged: Staged,
        packed: &Packed,
        by: &str,
        proof: Option<(Bundle, Staged)>,
    ) -> Result<Claim, Problem> {
        packed.is(name.as_str(), &self.version)?;
        let mut manifest = self.manifest;
        let dist = packed.dist(manifest.remove("dist").as_ref());
        manifest.remove("_attachments");
        manifest.remove("readme");
        if let Some(readme) = self.readme {
            manifest.insert("readme".into(), readme);
        }
        if packed.install_script {
            manifest.insert("hasInstallScript".into(), true.into());
        }
        if packed.shrinkwrap {
            manifest.insert("_hasShrinkwrap".into(), true.into());
        }
        manifest.insert("_npmUser".into(), json!({ "name": by }));
        manifest.insert("dist".into(), Value::Object(dist));
        let mut files = vec![NewFile {
            path: name.archive(&self.version),
            digest: staged.digest,
            size: staged.size,
            media_type: ARCHIVE_TYPE.to_owned(),
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: Value::Null,
        }];
        if let Some((bundle, staged)) = proof {
            files.push(NewFile {
                path: name.attestations(&self.version),
                digest: staged.digest,
                size: staged.size,
                media_type: "application/json".to_owned(),
                role: None,
                hashes: staged.hashes,
                metadata: json!({ "predicateType": bundle.predicate }),
            });
        }
        Ok(Claim {
            name: name.as_str().to_owned(),
            version: self.version,
            metadata: Value::Object(manifest),
            files,
            references: self.tags,
            published_at: None,
            replaces_others: false,
            replaces_files: false,
        })
    }
}

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    name: String,
    version: String,
    files: u64,
    bytes: u64,
    install_script: bool,
    shrinkwrap: bool,
}

#[derive(Deserialize)]
struct PackageJson {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    scripts: Value,
}

impl Packed {
    /// Reads the archive to its end.
    ///
    /// # Errors
    /// `Invalid` for a damaged or unsafe archive or one without `package.json`, `TooLarge` beyond a limit.
    pub(super) fn read(bytes: &mut dyn ReadSeek, tolerance: Tolerance) -> Result<Self, Problem> {
        let walker = Bounds { document: MANIFEST, ..Bounds::default() }.walker().tolerance(tolerance);
        let mut packed = Self {
            name: String::new(),
            version: String::new(),
            files: 0,
            bytes: 0,
            install_script: false,
            shrinkwrap: false,
        };
        let (mut found, mut twice) = (None, false);
        let visited = walker.walk(bytes, Container::Tar, |entry, body| -> Result<Flow, ArchiveError> {
            if entry.is_file() {
                packed.files += 1;
                packed.bytes = packed.bytes.saturating_add(entry.size);
                // Clients strip the first folder, whatever its name.
                match entry.path.split_once('/').map(|(_, rest)| rest) {
                    Some("package.json") => {
                        twice |= found.replace(read_small(body, walker.budget())?).is_some();
                    }
                    Some("npm-shrinkwrap.json") => packed.shrinkwrap = true,
                    Some("binding.gyp") => packed.install_script = true,
                    _ => {}
                }
            }
            Ok(Flow::Continue)
        });
        visited.map_err(|error| archive::unreadable("the archive", "bad-archive", error))?;
        let bad = |message: &str| Problem::invalid("bad-archive", message);
        let manifest = found.ok_or_else(|| bad("the archive contains no package.json in its top folder"))?;
        if twice && tolerance == Tolerance::Reject {
            return Err(bad("the archive contains two package.json in its top folder"));
        }
        let text = manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&manifest);
        let read: PackageJson = serde_json::from_slice(text)
            .map_err(|error| bad(&format!("the archive's package.json cannot be read: {error}")))?;
        packed.name = read.name.as_str().unwrap_or_default().to_owned();
        packed.version = read.version.as_str().unwrap_or_default().to_owned();
        packed.install_script |=
            ["preinstall", "install", "postinstall"].iter().any(|run| !read.scripts[run].is_null());
        Ok(packed)
    }

    /// # Errors
    /// `Invalid`, naming what disagrees.
    pub(super) fn is(&self, name: &str, version: &str) -> Result<(), Problem> {
        let differ = |what: &str, inside: &str, said: &str| {
            let inside = names::shown(inside);
            let message = format!("the {what} in the archive's package.json is `{inside}` and not `{said}`");
            Err(Problem::invalid("metadata-mismatch", message))
        };
        if self.name != name {
            return differ("name", &self.name, name);
        }
        if names::clean(&self.version) != names::clean(version) {
            return differ("version", &self.version, version);
        }
        Ok(())
    }

    /// What is kept of `dist`: what the archive says, and signatures, which only their maker can make.
    fn dist(&self, said: Option<&Value>) -> Map<String, Value> {
        let mut dist = Map::new();
        for field in ["signatures", "npm-signature"] {
            if let Some(value) = said.and_then(|dist| dist.get(field)) {
                dist.insert(field.into(), value.clone());
            }
        }
        dist.insert("fileCount".into(), self.files.into());
        dist.insert("unpackedSize".into(), self.bytes.into());
        dist
    }
}
