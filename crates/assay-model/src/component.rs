//! A component: something found inside a package. Matching keys live here; version orders live in `ecosystem`.

use crate::{
    ecosystem::{self, NameRule, Scheme},
    purl::{BadPurl, Purl, UNTYPED},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Row identity of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComponentId(pub i64);

/// What was found, independent of where. Two finds with the same purl, ecosystem and match key are one component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Component {
    /// Canonical package URL with version and qualifiers.
    pub purl: String,
    /// Package type of the purl (`pypi`, `apk`, `deb`, `npm`).
    pub purl_type: String,
    /// Namespace of the purl, or empty.
    pub namespace: String,
    /// Name as it is written by its publisher.
    pub name: String,
    /// Version as written.
    pub version: String,
    /// OSV ecosystem with release (`PyPI`, `Alpine:v3.10`, `Debian:12`); empty when no advisories can exist for it.
    pub ecosystem: String,
    /// Name that advisories of the ecosystem use: normalised; the source package for distributions.
    pub match_name: String,
    /// Version that advisories compare: the source package's for distributions, else `version`.
    pub match_version: String,
}

impl Component {
    /// A package of a language's ecosystem, named as OSV names it. All before the last `/` of its name is the namespace
    /// (`@scope/name`, `github.com/owner/name`, `vendor/name`), in Maven's ecosystem all before the `:`.
    ///
    /// # Errors
    /// When name or version cannot be part of a package URL.
    pub fn of_language(osv: &str, name: &str, version: &str) -> Result<Self, BadPurl> {
        let law = ecosystem::of(osv);
        let normal = law.map_or_else(|| name.into(), |law| law.normalize_name(name));
        let purl_type = law.map_or(UNTYPED, |law| law.purl_type);
        let separator = if law.is_some_and(|law| law.scheme == Scheme::Maven) { ':' } else { '/' };
        let written = name.rsplit_once(separator).map_or(name, |(_, written)| written);
        // Advisories take more spellings for one name than package URLs do, but for this rule.
        let spelled = if law.is_some_and(|law| law.names == NameRule::Pep503) { &normal } else { name };
        let (namespace, bare) = spelled.rsplit_once(separator).unwrap_or(("", spelled));
        let purl = Purl::builder(purl_type, bare).namespace(namespace).version(version).build()?;
        Ok(Self {
            purl: purl.as_str().to_owned(),
            purl_type: purl_type.to_owned(),
            namespace: purl.namespace().unwrap_or_default().to_owned(),
            name: written.to_owned(),
            version: version.to_owned(),
            ecosystem: osv.to_owned(),
            match_name: normal.to_string(),
            match_version: version.to_owned(),
        })
    }
}

/// A component as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredComponent {
    /// Identity.
    pub id: ComponentId,
    /// What it is.
    pub component: Component,
}

/// How an entry of a lock file or manifest came to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relationship {
    /// The file does not tell.
    #[default]
    Unknown,
    /// The project itself.
    Root,
    /// Another project of the same workspace.
    Workspace,
    /// Asked for by the project.
    Direct,
    /// Asked for by something that was asked for.
    Indirect,
}

impl Relationship {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Root => "root",
            Self::Workspace => "workspace",
            Self::Direct => "direct",
            Self::Indirect => "indirect",
        }
    }
    /// Whether the file does not tell.
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// Lines of a file, first and last, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lines {
    /// First line.
    pub first: u32,
    /// Last line.
    pub last: u32,
}

/// A component in an inventory: what, where, and what it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What was found.
    #[serde(flatten)]
    pub component: Component,
    /// Path inside the file system or archive it was read from.
    pub path: String,
    /// Digest of the layer that brought it, for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Id of the analyzer that found it.
    pub analyzer: String,
    /// Whether it is the package itself (its first component).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_subject: bool,
    /// Purl of the operating system package that owns it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
    /// Identifier within its file, by which others of the file refer to it (`name@version`, as its package manager writes
    /// it); empty when the file has no such thing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// `id`s of what it depends on in the same file, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How it came into the file.
    #[serde(default, skip_serializing_if = "Relationship::is_unknown")]
    pub relationship: Relationship,
    /// Whether it is only needed to develop, build or test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
    /// Lines of the file that speak of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Lines>,
    /// What carries a copy of it inside itself (a purl, or a path), where it is a vendored copy rather than installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendored_in: Option<String>,
    /// Digest that the file states for it, as `algorithm:hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Declared licences, each as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Declared requirements, as written (`urllib3<1.22,>=1.21.1`, `so:libc.musl-x86_64.so.1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// More properties, rendered under the analyzer's name (`apk.architecture`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

impl Occurrence {
    /// The declared licences as one text for people: `MIT`, or `MIT, Apache-2.0`.
    pub fn license(&self) -> Option<String> {
        (!self.licenses.is_empty()).then(|| self.licenses.join(", "))
    }

    /// A property of the analyzer that found it (`architecture`, `maintainer`, `modularity`).
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(&format!("{}.{key}", self.analyzer)).map(String::as_str)
    }

    /// Name and version of the source package that a distribution's package was built from, its own where they do not
    /// differ. The analyzer keeps them as the properties `source` and `source-version`.
    pub fn source(&self) -> (&str, &str) {
        let name = self.property("source").unwrap_or(&self.component.name);
        (name, self.property("source-version").unwrap_or(&self.component.version))
    }
}
