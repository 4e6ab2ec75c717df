//! What a format renders indexes from: versions of one name, already filtered by the engine for this caller.

use crate::{
    package::{File, Package, Reference},
    seam::upstream::RemoteFile,
};
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
    /// The package. Its id is 0 where an upstream has it and nothing of it is stored here.
    pub package: Package,
    /// Its files that are stored here.
    pub files: Vec<File>,
    /// Its files that an upstream has and that are not stored here yet: listed like the others, fetched when asked for.
    pub remote: Vec<RemoteFile>,
    /// Set when the gate would refuse it: one line saying why.
    pub blocked: Option<String>,
}
