//! What is scanned: which kind of thing a target is, and what is looked for in it.

use crate::{
    cli::local::{self, Target},
    config::Config,
};
use anyhow::Result;
use assay_analyzers::Selection;
use assay_engine::report::trivy::{ArtifactKind, Subject};
use assay_model::{inventory::Inventory, seam::analyzer::Reads};
use clap::ValueEnum;
use std::path::Path;

/// As what a target is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// As what it looks like, with every analyzer that means something there
    #[default]
    Auto,
    /// Sources: lock files and manifests, nothing that is installed
    Repository,
    /// A directory of sources on a machine: lock files, manifests and the system
    Filesystem,
    /// The root of a system: what is installed, no lock files
    Rootfs,
    /// A container image: what is installed, no lock files
    Image,
    /// A bill of materials, and nothing else
    Sbom,
}

impl As {
    /// What is read and looked for.
    pub(crate) fn selection(self, secrets: bool, licenses: bool) -> Selection {
        let all = Selection { secrets, licenses, ..Selection::default() };
        match self {
            Self::Auto => all,
            Self::Repository => Selection { reads: vec![Reads::Project], ..all },
            Self::Filesystem => Selection { reads: vec![Reads::Project, Reads::System], ..all },
            Self::Rootfs | Self::Image => all.without(&[Reads::Project]),
            Self::Sbom => Selection { reads: vec![Reads::Sbom], ..all },
        }
    }

    /// What reports call it.
    fn kind(self, target: &Target, inventory: &Inventory) -> ArtifactKind {
        match self {
            Self::Repository => ArtifactKind::Repository,
            Self::Image => ArtifactKind::Image,
            Self::Filesystem | Self::Rootfs => ArtifactKind::FileSystem,
            Self::Sbom => bill(inventory).unwrap_or(ArtifactKind::CycloneDx),
            Self::Auto if target.is_image() => ArtifactKind::Image,
            Self::Auto => bill(inventory).unwrap_or_default(),
        }
    }
}

/// Which bill of materials the target itself is.
fn bill(inventory: &Inventory) -> Option<ArtifactKind> {
    let [read] = inventory.read.as_slice() else { return None };
    match read.analyzer.as_str() {
        name if name.contains("cyclonedx") => Some(ArtifactKind::CycloneDx),
        name if name.contains("spdx") => Some(ArtifactKind::Spdx),
        _ => None,
    }
}

/// A target that was looked into.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    /// What it is.
    pub(crate) target: Target,
    /// What is inside.
    pub(crate) inventory: Inventory,
    /// As reports name it.
    pub(crate) subject: Subject,
}

/// Looks into a file or directory of this machine.
pub(crate) async fn look(config: &Config, target: &str, as_what: As, selection: Selection) -> Result<Looked> {
    let (target, inventory) = local::inspect_for(config, Path::new(target), selection).await?;
    let subject = Subject { name: target.path.clone(), kind: as_what.kind(&target, &inventory), git: None };
    Ok(Looked { target, inventory, subject })
}
