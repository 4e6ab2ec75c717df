//! What is in a package: its files, and the components found in them.

use super::{
    Cut,
    inside::{self, LicenseLine, ReadView, SecretLine},
};
use crate::web::pieces::{plural, short, size};
use assay_model::{
    component::{Occurrence, Relationship},
    inventory::{Inventory, OsRelease},
    package::File,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of those that brought a component, how many are named.
const BRINGERS: usize = 5;

/// One file.
pub(super) struct FileLine {
    pub(super) path: String,
    /// Where it can be downloaded; none when its format says nothing, or the gate would refuse it.
    pub(super) link: Option<String>,
    pub(super) size: String,
    pub(super) media_type: String,
    pub(super) role: &'static str,
    pub(super) digest: String,
    pub(super) hashes: Vec<(String, String)>,
}

impl FileLine {
    pub(super) fn of(file: File, link: Option<String>) -> Self {
        Self {
            link,
            path: file.path,
            size: size(file.size),
            media_type: file.media_type,
            role: file.role.map_or("", |r| r.as_str()),
            digest: file.digest.to_string(),
            hashes: file.hashes.into_iter().collect(),
        }
    }
}

/// An inventory.
pub(super) struct InventoryView {
    pub(super) done: bool,
    pub(super) os: Option<OsRelease>,
    /// How many components there are, in words.
    pub(super) found: String,
    pub(super) components: Cut<ComponentLine>,
    /// Whether anything names the layer that brought it.
    pub(super) layers: bool,
    pub(super) secrets: Cut<SecretLine>,
    pub(super) licenses: Cut<LicenseLine>,
    pub(super) read: ReadView,
}

/// One component where it was found.
pub(super) struct ComponentLine {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: String,
    pub(super) license: String,
    pub(super) path: String,
    pub(super) layer: String,
    pub(super) analyzer: String,
    /// What it is to the package: itself, direct, only for development.
    pub(super) marks: Vec<&'static str>,
    pub(super) owner: Option<String>,
    pub(super) vendored_in: Option<String>,
    /// Components of the same file that depend on it.
    pub(super) brought_by: Vec<String>,
    pub(super) requires: Vec<String>,
    pub(super) summary: Option<String>,
}

/// Who depends on what: by file and the id that the file gives it.
struct Dependents(BTreeMap<(String, String), BTreeSet<String>>);

impl Dependents {
    fn of(components: &[Occurrence]) -> Self {
        let mut all: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for found in components {
            for id in &found.depends_on {
                let name = format!("{} {}", found.component.name, found.component.version);
                all.entry((found.path.clone(), id.clone())).or_default().insert(name.trim_end().to_owned());
            }
        }
        Self(all)
    }

    fn on(&self, found: &Occurrence) -> Vec<String> {
        if found.id.is_empty() {
            return Vec::new();
        }
        let Some(all) = self.0.get(&(found.path.clone(), found.id.clone())) else { return Vec::new() };
        let mut names: Vec<String> = all.iter().take(BRINGERS).cloned().collect();
        if all.len() > BRINGERS {
            names.push(format!("{} more", all.len() - BRINGERS));
        }
        names
    }
}

fn marks(found: &Occurrence) -> Vec<&'static str> {
    let relationship = match found.relationship {
        Relationship::Unknown => None,
        Relationship::Root => Some("the project"),
        Relationship::Workspace => Some("of the workspace"),
        Relationship::Direct => Some("direct"),
        Relationship::Indirect => Some("indirect"),
    };
    let said = [
        found.is_subject.then_some("the package itself"),
        relationship,
        found.dev.then_some("development only"),
        found.vendored_in.is_some().then_some("vendored copy"),
    ];
    said.into_iter().flatten().collect()
}

impl ComponentLine {
    fn of(found: Occurrence, dependents: &Dependents) -> Self {
        Self {
            license: found.license().unwrap_or_default(),
            marks: marks(&found),
            brought_by: dependents.on(&found),
            name: found.component.name,
            version: found.component.version,
            purl: found.component.purl,
            path: found.path,
            layer: found.layer.as_deref().map(short).unwrap_or_default(),
            analyzer: found.analyzer,
            owner: found.owned_by,
            vendored_in: found.vendored_in,
            requires: found.requires,
            summary: found.summary,
        }
    }
}

impl InventoryView {
    pub(super) fn of(inventory: Inventory, done: bool, most: usize) -> Self {
        let layers = inventory.components.iter().any(|c| c.layer.is_some())
            || inventory.secrets.iter().any(|s| s.layer.is_some())
            || inventory.licenses.iter().any(|l| l.layer.is_some());
        let dependents = Dependents::of(&inventory.components);
        Self {
            done,
            found: plural(inventory.components.len(), "component"),
            read: ReadView::of(&inventory, done, most),
            licenses: Cut::of(inside::licenses(&inventory), most, |line| line),
            secrets: Cut::of(inside::worst_first(inventory.secrets), most, SecretLine::of),
            os: inventory.os,
            components: Cut::of(inventory.components, most, |found| ComponentLine::of(found, &dependents)),
            layers,
        }
    }
}
