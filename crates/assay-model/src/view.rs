//! What a format renders indexes from: versions of one name, already filtered by the engine for this caller.

use crate::package::{File, Package, Reference};
use serde::Serialize;

/// One name in one repository, as a caller may see it. Hidden and deleted versions are absent.
#[derive(Clone, Debug, Serialize)]
pub struct PackageView {
    /// Name, normalised by the format.
    pub name: String,
    /// Versions, in order of arrival.
    pub versions: Vec<VersionView>,
    /// Mutable names, also those of blocked versions: they resolve, so that the gate can say why; formats leave
    /// them out of listings.
    pub references: Vec<Reference>,
    /// Changes whenever anything in this view can have changed; a good ETag.
    pub revision: String,
}

/// One version.
#[derive(Clone, Debug, Serialize)]
pub struct VersionView {
    /// The package.
    pub package: Package,
    /// Its files.
    pub files: Vec<File>,
    /// Set when the gate would refuse it: one line saying why.
    pub blocked: Option<String>,
}
