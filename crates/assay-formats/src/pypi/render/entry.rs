//! One file of a project as documents show it, stored here or known from an upstream.

use crate::{
    kit::{html::escape, path::encode_segment},
    pypi::kept,
};
use assay_model::{
    package::{File, Role},
    seam::upstream::RemoteFile,
    view::{PackageView, VersionView},
};
use jiff::Timestamp;
use pep440_rs::Version;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, str::FromStr};

/// Stands for scheme, authority and repository in documents that are kept; replaced when they are sent.
pub(crate) const PLACE: &str = "https://this-server.invalid";

/// A document beside a file, with its SHA-256 where that is known.
#[derive(Clone, Copy)]
pub(crate) struct Beside<'a>(Option<&'a str>);

pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) sha256: Option<&'a str>,
    pub(crate) hashes: &'a BTreeMap<String, String>,
    pub(crate) size: Option<u64>,
    pub(crate) kept: &'a Value,
    /// Path below the repository.
    pub(crate) path: String,
    metadata: Option<Beside<'a>>,
    provenance: bool,
    signature: bool,
    pub(crate) yanked: Option<&'a str>,
    uploaded: Option<Timestamp>,
}

/// The versions of a project in their order.
pub(crate) fn versions(view: &PackageView) -> Vec<(Version, &VersionView)> {
    let mut versions: Vec<(Version, &VersionView)> = view
        .versions
        .iter()
        .filter_map(|found| Some((Version::from_str(&found.package.at.version).ok()?, found)))
        .collect();
    versions.sort_by(|(a, _), (b, _)| a.cmp(b));
    versions
}

/// The distributions of a version: what is stored, then what an upstream has.
pub(crate) fn entries<'a>(project: &'a str, version: &'a VersionView) -> impl Iterator<Item = Entry<'a>> {
    let stored = version.files.iter().filter(|file| file.role == Some(Role::File));
    let remote = version.remote.iter().filter(|file| file.role == Some(Role::File));
    let stored = stored.map(move |file| Entry::stored(project, version, file));
    let remote = remote.map(move |file| Entry::remote(project, version, file));
    stored.chain(remote).filter(move |entry| !kept::is_removed(version, entry.name))
}

fn beside<'a>(version: &'a VersionView, name: &str, end: &str) -> Option<Beside<'a>> {
    let is = |path: &str| path.strip_suffix(end) == Some(name);
    let stored = version.files.iter().find(|file| is(&file.path)).map(|file| Beside(Some(file.digest.hex())));
    let remote = || version.remote.iter().find(|file| is(&file.path));
    stored.or_else(|| remote().map(|file| Beside(file.digest.as_ref().map(|digest| digest.hex()))))
}

impl<'a> Entry<'a> {
    fn stored(project: &str, version: &'a VersionView, file: &'a File) -> Self {
        let uploaded = version.package.published_at.unwrap_or(file.uploaded_at);
        Self {
            sha256: Some(file.digest.hex()),
            hashes: &file.hashes,
            size: Some(file.size),
            uploaded: said_time(&file.metadata).or(Some(uploaded)),
            ..Self::of(project, version, &file.path, &file.metadata, &file.hashes)
        }
    }

    fn remote(project: &str, version: &'a VersionView, file: &'a RemoteFile) -> Self {
        Self {
            sha256: file.digest.as_ref().map(|digest| digest.hex()),
            size: file.size,
            uploaded: said_time(&file.metadata).or(version.package.published_at),
            ..Self::of(project, version, &file.path, &file.metadata, &file.hashes)
        }
    }

    fn of(
        project: &str,
        version: &'a VersionView,
        name: &'a str,
        kept: &'a Value,
        hashes: &'a BTreeMap<String, String>,
    ) -> Self {
        let said = kept.get(kept::YANKED).and_then(Value::as_str);
        Self {
            name,
            sha256: None,
            hashes,
            size: None,
            kept,
            path: format!("files/{}/{}", encode_segment(project), encode_segment(name)),
            metadata: beside(version, name, kept::METADATA),
            provenance: beside(version, name, kept::PROVENANCE).is_some(),
            signature: beside(version, name, kept::SIGNATURE).is_some(),
            yanked: version.blocked.as_deref().or_else(|| kept::yanked(version)).or(said),
            uploaded: None,
        }
    }

    pub(crate) fn requires_python(&self) -> Option<&'a str> {
        self.kept.get("requires_python").and_then(Value::as_str)
    }

    /// PEP 700 asks for this form.
    pub(crate) fn uploaded(&self) -> Option<String> {
        self.uploaded.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
    }

    /// Known hashes. `blake2` is what the shorter BLAKE2b is called where it may stand: installers that know the name
    /// take it for the longer one.
    pub(crate) fn digests(&self, blake2: Option<&str>) -> Map<String, Value> {
        let mut all = Map::new();
        all.extend(self.sha256.map(|hex| ("sha256".to_owned(), hex.into())));
        for (algorithm, hex) in self.hashes {
            let name = if algorithm == "blake2_256" { blake2 } else { Some(algorithm.as_str()) };
            all.extend(name.map(|name| (name.to_owned(), hex.as_str().into())));
        }
        all
    }

    pub(crate) fn json(&self) -> Value {
        let core = self
            .metadata
            .map_or(Value::Bool(false), |Beside(hex)| hex.map_or(Value::Bool(true), |hex| json!({ "sha256": hex })));
        let yanked = match self.yanked {
            None => Value::Bool(false),
            Some("") => Value::Bool(true),
            Some(why) => why.into(),
        };
        let mut entry = json!({
            "filename": self.name,
            "url": format!("../../{}", self.path),
            "hashes": self.digests(None),
            "yanked": yanked,
            "core-metadata": core,
            "dist-info-metadata": core,
            "provenance": self.provenance_url(),
        });
        if let Value::Object(fields) = &mut entry {
            let mut add = |name: &str, value: Option<Value>| fields.extend(value.map(|value| (name.to_owned(), value)));
            add("requires-python", self.requires_python().map(Value::from));
            add("size", self.size.map(Value::from));
            add("upload-time", self.uploaded().map(Value::from));
            add("gpg-sig", self.signature.then_some(Value::Bool(true)));
        }
        entry
    }

    /// Must be absolute (PEP 740).
    fn provenance_url(&self) -> Option<String> {
        let ours = || self.provenance.then(|| format!("{PLACE}/{}{}", self.path, kept::PROVENANCE));
        let theirs = || self.kept.get(kept::PROVIDED).and_then(Value::as_str).map(str::to_owned);
        ours().or_else(theirs)
    }

    pub(crate) fn html(&self) -> String {
        let mut attributes = String::new();
        let mut attribute = |name: &str, value: &str| {
            attributes.push_str(&format!(" {name}=\"{}\"", escape(value)));
        };
        if let Some(range) = self.requires_python() {
            attribute("data-requires-python", range);
        }
        if let Some(Beside(hex)) = self.metadata {
            let value = hex.map_or("true".to_owned(), |hex| format!("sha256={hex}"));
            attribute("data-dist-info-metadata", &value);
            attribute("data-core-metadata", &value);
        }
        if self.signature {
            attribute("data-gpg-sig", "true");
        }
        if let Some(address) = self.provenance_url() {
            attribute("data-provenance", &address);
        }
        if let Some(why) = self.yanked {
            attribute("data-yanked", why);
        }
        let other =
            || ["sha512", "sha1", "md5"].iter().find_map(|name| Some((*name, self.hashes.get(*name)?.as_str())));
        let hash = self.sha256.map(|hex| ("sha256", hex)).or_else(other);
        let fragment = hash.map(|(name, hex)| format!("#{name}={}", escape(hex))).unwrap_or_default();
        format!("<a href=\"../../{}{fragment}\"{attributes}>{}</a><br>\n", escape(&self.path), escape(self.name))
    }
}

/// When the upstream says that the file was uploaded.
fn said_time(kept: &Value) -> Option<Timestamp> {
    kept.get("upload_time").and_then(Value::as_str)?.parse().ok()
}
