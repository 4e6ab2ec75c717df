//! A name read from the store, and the revision that what is rendered from it bears.

use super::Scope;
use assay_model::{
    digest::Digest,
    package::{File, Package, PackageId, Reference, State},
    problem::Problem,
    repository::RepositoryId,
    seam::meta::{Tx, Within},
    view::{PackageView, VersionView},
};
use std::collections::{BTreeSet, HashMap};

/// A name as it is in the store.
pub(crate) struct Loaded {
    pub(crate) view: PackageView,
    pub(super) hidden: BTreeSet<String>,
    pub(super) own: bool,
    /// Length of the text that the view was summed up as.
    pub(super) text: usize,
}

pub(crate) fn load_view(tx: &mut dyn Tx, repository: RepositoryId, scope: &Scope) -> Result<Loaded, Problem> {
    let mut packages = tx.packages_named(repository, &scope.format, &scope.name, None)?;
    let own = tx.is_own_name(&Within { repository, format: &scope.format }, &scope.name)?;
    let is_hidden = |package: &&Package| package.state == State::Hidden;
    let hidden = packages.iter().filter(is_hidden).map(|package| package.at.version.clone()).collect();
    packages.retain(|p| !matches!(p.state, State::Hidden | State::Deleted));
    let ids: Vec<PackageId> = packages.iter().map(|p| p.id).collect();
    let mut files: HashMap<PackageId, Vec<File>> = HashMap::new();
    for file in tx.files_of(&ids)? {
        files.entry(file.package).or_default().push(file);
    }
    let references = tx.references(repository, &scope.format, &scope.name)?;
    let (revision, text) = revision_of(&packages, &files, &references);
    let versions = packages
        .into_iter()
        .map(|package| VersionView {
            files: files.remove(&package.id).unwrap_or_default(),
            package,
            remote: Vec::new(),
            blocked: None,
        })
        .collect();
    let view = PackageView { name: scope.name.clone(), versions, references, revision };
    Ok(Loaded { view, hidden, own, text })
}

/// Covers everything a rendering can depend on; with the length of what it was made of.
fn revision_of(
    packages: &[Package],
    files: &HashMap<PackageId, Vec<File>>,
    references: &[Reference],
) -> (String, usize) {
    let mut text = String::new();
    for package in packages {
        text.push_str(&format!(
            "{}:{}:{}:{:?}:{:?};",
            package.id.0,
            package.state.as_str(),
            package.metadata,
            package.decision,
            package.published_at
        ));
        for file in files.get(&package.id).into_iter().flatten() {
            // A file is never changed; one that was deleted and came again has a new number.
            text.push_str(&format!("{}={}={},", file.id.0, file.path, file.digest));
        }
    }
    for reference in references {
        text.push_str(&format!("{}>{};", reference.name, reference.package.0));
    }
    (Digest::of(text.as_bytes()).hex().chars().take(32).collect(), text.len())
}
