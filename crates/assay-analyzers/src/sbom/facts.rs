//! Properties that tools write beside the format's own fields: ours, Trivy's, Syft's.

use std::collections::BTreeMap;

use assay_model::component::{Lines, Relationship};

/// What the properties of one item say.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether we wrote the item.
    pub(super) own: bool,
    pub(super) analyzer: String,
    pub(super) path: String,
    pub(super) layer: String,
    pub(super) diff_id: String,
    pub(super) id: String,
    pub(super) group: String,
    pub(super) ecosystem: String,
    /// What advisories are matched by, or the source package.
    pub(super) key: (String, String),
    pub(super) relationship: Relationship,
    pub(super) development: bool,
    pub(super) subject: bool,
    pub(super) owned_by: Option<String>,
    pub(super) vendored_in: Option<String>,
    pub(super) lines: Vec<Lines>,
    pub(super) digest: Option<String>,
    pub(super) requires: Vec<String>,
    pub(super) modularity: String,
    pub(super) epoch: String,
    /// What Trivy calls the kind of file or package (`pom`, `npm`).
    pub(super) kind: String,
    /// Everything else of ours.
    pub(super) more: BTreeMap<String, String>,
}

pub(super) fn facts(properties: &[(String, String)]) -> Facts {
    let mut facts = Facts::default();
    let mut source = Source::default();
    for (name, value) in properties {
        if let Some(name) = name.strip_prefix("assay:") {
            own(&mut facts, name, value);
        } else if let Some(name) = name.strip_prefix("aquasecurity:trivy:") {
            trivy(&mut facts, &mut source, name, value);
        } else if let Some(name) = name.strip_prefix("syft:metadata:") {
            syft(&mut facts, &mut source, name, value);
        } else if name.ends_with(":location:0:path") {
            facts.path = value.trim_start_matches('/').to_owned();
        } else if name.ends_with(":location:0:layerID") {
            facts.layer.clone_from(value);
        } else if name == "cdx:npm:package:development" {
            facts.development = value == "true";
        }
    }
    if !source.name.is_empty() {
        facts.key = (source.name.clone(), source.version());
    }
    facts
}

/// The inverse of what our own documents write.
fn own(facts: &mut Facts, name: &str, value: &str) {
    facts.own = true;
    let text = || value.to_owned();
    match name {
        "analyzer" => facts.analyzer = text(),
        "path" => facts.path = text(),
        "layer" => facts.layer = text(),
        "id" => facts.id = text(),
        "group" => facts.group = text(),
        "ecosystem" => facts.ecosystem = text(),
        "match:name" => facts.key.0 = text(),
        "match:version" => facts.key.1 = text(),
        "relationship" => facts.relationship = relationship(value),
        "development" => facts.development = value == "true",
        "subject" => facts.subject = value == "true",
        "ownedBy" => facts.owned_by = Some(text()),
        "vendoredIn" => facts.vendored_in = Some(text()),
        "lines" => facts.lines.extend(lines(value)),
        "digest" => facts.digest = Some(text()),
        "requires" => facts.requires.push(text()),
        _ if name.contains('.') => {
            facts.more.insert(name.to_owned(), text());
        }
        _ => {}
    }
}

fn relationship(word: &str) -> Relationship {
    match word {
        "root" => Relationship::Root,
        "workspace" => Relationship::Workspace,
        "direct" => Relationship::Direct,
        "indirect" => Relationship::Indirect,
        _ => Relationship::Unknown,
    }
}

fn lines(text: &str) -> Option<Lines> {
    let (first, last) = text.split_once('-')?;
    Some(Lines { first: first.parse().ok()?, last: last.parse().ok()? })
}

/// A source package whose version comes in pieces.
#[derive(Default)]
struct Source {
    name: String,
    version: String,
    release: String,
    epoch: String,
}

impl Source {
    fn version(&self) -> String {
        let mut text = String::new();
        if !self.epoch.is_empty() && self.epoch != "0" {
            text = format!("{}:", self.epoch);
        }
        text.push_str(&self.version);
        if !self.release.is_empty() {
            text = format!("{text}-{}", self.release);
        }
        text
    }
}

fn trivy(facts: &mut Facts, source: &mut Source, name: &str, value: &str) {
    let text = || value.to_owned();
    match name {
        "PkgID" => facts.id = text(),
        "PkgType" | "Type" => facts.kind = text(),
        "SrcName" => source.name = text(),
        "SrcVersion" => source.version = text(),
        "SrcRelease" => source.release = text(),
        "SrcEpoch" => source.epoch = text(),
        "Modularitylabel" => facts.modularity = text(),
        "FilePath" => facts.path = text(),
        "LayerDigest" => facts.layer = text(),
        "LayerDiffID" => facts.diff_id = text(),
        _ => {}
    }
}

fn syft(facts: &mut Facts, source: &mut Source, name: &str, value: &str) {
    match name {
        "source" | "originPackage" => value.clone_into(&mut source.name),
        "sourceVersion" => value.clone_into(&mut source.version),
        "sourceRpm" => {
            if let Some((name, version)) = source_rpm(value) {
                (source.name, source.version) = (name.to_owned(), version);
            }
        }
        "epoch" => value.clone_into(&mut facts.epoch),
        "modularityLabel" => value.clone_into(&mut facts.modularity),
        _ => {}
    }
}

/// `name-version-release.src.rpm`.
pub(super) fn source_rpm(file: &str) -> Option<(&str, String)> {
    let stem = file.strip_suffix(".rpm")?;
    let (stem, _) = stem.rsplit_once('.')?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some((name, format!("{version}-{release}")))
}

#[cfg(test)]
mod tests {
    use super::{facts, source_rpm};

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn source_packages_are_told_in_pieces_or_by_file() {
        let of = |all: &[(&str, &str)]| facts(&all.iter().map(|(n, v)| pair(n, v)).collect::<Vec<_>>()).key;
        let trivy = [
            ("aquasecurity:trivy:SrcName", "openssl"),
            ("aquasecurity:trivy:SrcVersion", "1.0.2k"),
            ("aquasecurity:trivy:SrcRelease", "16.el7"),
            ("aquasecurity:trivy:SrcEpoch", "1"),
        ];
        assert_eq!(of(&trivy), pair("openssl", "1:1.0.2k-16.el7"));
        assert_eq!(of(&[("syft:metadata:sourceRpm", "acl-2.2.53-3.el8.src.rpm")]), pair("acl", "2.2.53-3.el8"));
        assert_eq!(of(&[("syft:metadata:source", "libzstd")]), pair("libzstd", ""));
        assert_eq!(source_rpm("strange"), None);
    }
}
