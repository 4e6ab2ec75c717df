//! Where a file lies: in which kind of tree, under which path, and on whose budget.

use assay_archive::Budget;
use assay_model::seam::analyzer::Reads;

/// Between an archive's path and the path inside it.
pub(crate) const INSIDE: &str = "!/";

/// What the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    FileSystem,
    /// Of an image: whiteouts mean something.
    Layer,
    /// An archive that lies in a file system and is no package: a project's release, a backup.
    Archive,
    /// A package, or any archive in a layer: lock files in there are nobody's project.
    Package,
}

impl Within {
    /// Whether this kind of evidence means something here. What an archive says of an operating system is not said of the
    /// system it lies in.
    pub(super) fn asks(self, reads: Reads) -> bool {
        match reads {
            Reads::Package | Reads::Installed | Reads::Sbom => true,
            Reads::System => matches!(self, Self::FileSystem | Self::Layer),
            Reads::Project => matches!(self, Self::FileSystem | Self::Archive),
        }
    }

    /// What an archive is that lies here.
    fn of_archive(self, is_package: bool) -> Self {
        match self {
            Self::FileSystem | Self::Archive if !is_package => Self::Archive,
            _ => Self::Package,
        }
    }
}

/// The place of the files that are offered.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) within: Within,
    /// What stands before each path: `outer.zip!/`, or nothing.
    pub(super) prefix: String,
    pub(super) budget: Budget,
    /// Whether the file is the artifact itself.
    pub(super) is_artifact: bool,
}

impl Place {
    /// Files directly in the artifact.
    pub(super) fn top(within: Within, budget: &Budget) -> Self {
        Self { within, prefix: String::new(), budget: budget.clone(), is_artifact: false }
    }

    /// Inside of the archive at `path`. The budget is one level deeper.
    pub(super) fn inside(&self, path: &str, is_package: bool, budget: Budget) -> Self {
        let within = self.within.of_archive(is_package);
        // Paths inside of the artifact begin there, without its name.
        let prefix = if self.is_artifact { String::new() } else { format!("{path}{INSIDE}") };
        Self { within, prefix, budget, is_artifact: false }
    }

    /// Whether files lie in the tree itself rather than in an archive inside it.
    pub(super) fn is_top(&self) -> bool {
        self.prefix.is_empty()
    }
}

/// Whether `path` is this file, or lies in it as in a folder or an archive.
pub(super) fn is_at_or_in(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(INSIDE))
}

/// The file of the tree that holds `path`, which may lie in an archive.
pub(super) fn outermost(path: &str) -> &str {
    path.split_once(INSIDE).map_or(path, |(outer, _)| outer)
}
