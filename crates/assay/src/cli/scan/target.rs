//! What is scanned: which kind of thing a target is, and what is looked for in it. What is elsewhere is fetched by
//! `elsewhere`.

use super::elsewhere::{self, Reach};
use crate::{
    cli::{
        Context,
        local::{self, Target},
    },
    config::Config,
    git,
    registry::Reference,
};
use anyhow::{Result, bail};
use assay_analyzers::Selection;
use assay_engine::{
    ScanResult,
    report::trivy::{ArtifactKind, Subject},
};
use assay_model::{holders::holders, inventory::Inventory, seam::analyzer::Reads, vex::VexSubject};
use clap::ValueEnum;
use std::{collections::BTreeSet, fs::File, io::Read as _, path::Path};

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
    /// The kinds of evidence that count; `None` for all.
    fn counted(self) -> Option<&'static [Reads]> {
        match self {
            Self::Auto => None,
            Self::Repository => Some(&[Reads::Project]),
            Self::Filesystem => Some(&[Reads::Project, Reads::System]),
            Self::Rootfs | Self::Image => Some(&[Reads::Package, Reads::System, Reads::Installed, Reads::Sbom]),
            Self::Sbom => Some(&[Reads::Sbom]),
        }
    }

    /// What is read and looked for. Lock files learn licences from what is installed beside them.
    pub(crate) fn selection(self, secrets: bool, licenses: bool) -> Selection {
        let all = Selection { secrets, licenses, ..Selection::default() };
        let Some(counted) = self.counted() else { return all };
        let beside = counted.contains(&Reads::Project).then_some(Reads::Installed);
        Selection { reads: counted.iter().copied().chain(beside).collect(), ..all }
    }

    /// Takes what does not count out of an inventory.
    fn keep(self, inventory: &mut Inventory) {
        let Some(counted) = self.counted() else { return };
        let parts = assay_analyzers::all();
        let uncounted = parts.iter().map(|part| part.spec()).filter(|spec| !counted.contains(&spec.reads));
        let uncounted: BTreeSet<&str> = uncounted.map(|spec| spec.id).collect();
        inventory.components.retain(|found| !uncounted.contains(found.analyzer.as_str()));
        inventory.read.retain(|read| !uncounted.contains(read.analyzer.as_str()));
        inventory.analyzers.retain(|id| !uncounted.contains(id.as_str()));
    }

    /// What reports call it.
    pub(super) fn kind(self, target: &Target, inventory: &Inventory) -> ArtifactKind {
        match self {
            Self::Repository => ArtifactKind::Repository,
            Self::Image => ArtifactKind::Image,
            Self::Filesystem | Self::Rootfs => ArtifactKind::FileSystem,
            Self::Sbom => bill(target, inventory).unwrap_or(ArtifactKind::CycloneDx),
            Self::Auto if target.is_image() => ArtifactKind::Image,
            Self::Auto => bill(target, inventory).unwrap_or_default(),
        }
    }
}

/// Which bill of materials the target itself is. One of ours tells by how it begins.
fn bill(target: &Target, inventory: &Inventory) -> Option<ArtifactKind> {
    let [read] = inventory.read.as_slice() else { return None };
    let parts = assay_analyzers::all();
    let is_bill = parts.iter().any(|part| part.spec().id == read.analyzer && part.spec().reads == Reads::Sbom);
    let format = inventory.components.iter().find_map(|found| found.property("format"));
    let is_spdx = || format.map_or_else(|| begins_as_spdx(&target.path), |format| format.starts_with("SPDX"));
    is_bill.then(|| if is_spdx() { ArtifactKind::Spdx } else { ArtifactKind::CycloneDx })
}

fn begins_as_spdx(path: &str) -> bool {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut first));
    let first = String::from_utf8_lossy(&first);
    read.is_ok() && ["spdxVersion", "SPDXVersion", "SPDXRef-", "spdx.org/rdf"].iter().any(|mark| first.contains(mark))
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
    /// As VEX statements may name it.
    pub(crate) vex: VexSubject,
    /// Documents that are attached to it: media type and bytes.
    pub(crate) attached: Vec<(String, Vec<u8>)>,
    /// What a server has found in it already, without the inventory.
    pub(crate) matched: Option<ScanResult>,
}

/// Looks into a target: a path of this machine, an image in a registry, a git repository, or a package that is stored.
pub(crate) async fn look(
    context: &Context,
    target: &str,
    as_what: As,
    selection: Selection,
    reach: &Reach,
) -> Result<Looked> {
    let config = context.config()?;
    if Path::new(target).exists() {
        return here(&config, target, as_what, selection).await;
    }
    if git::looks_like_one(target) {
        return elsewhere::repository(&config, target, as_what, selection, reach).await;
    }
    if Reference::looks_like_one(target) {
        return elsewhere::image(&config, &target.parse()?, selection, reach).await;
    }
    if ["/", ".", "~"].iter().any(|begin| target.starts_with(begin)) {
        bail!("there is no file or directory {target}");
    }
    elsewhere::stored(context, target).await
}

async fn here(config: &Config, target: &str, as_what: As, selection: Selection) -> Result<Looked> {
    let (target, inventory) = inspect(config, Path::new(target), as_what, selection).await?;
    let kind = as_what.kind(&target, &inventory);
    let vex = subject_of(&inventory, target.sha256.as_deref());
    let subject = Subject { name: target.path.clone(), kind, git: None };
    Ok(Looked { target, inventory, subject, vex, attached: Vec::new(), matched: None })
}

/// Takes a path of this machine apart, and keeps what counts.
pub(super) async fn inspect(
    config: &Config,
    path: &Path,
    as_what: As,
    selection: Selection,
) -> Result<(Target, Inventory)> {
    let (target, mut inventory) = local::inspect_for(config, path, selection).await?;
    as_what.keep(&mut inventory);
    Ok((target, inventory))
}

/// The names of an artifact as far as it knows them itself.
pub(super) fn subject_of(inventory: &Inventory, sha256: Option<&str>) -> VexSubject {
    let own = inventory.components.iter().filter(|found| found.is_subject);
    let image = inventory.image.as_ref().map(|image| image.id.clone());
    let file = sha256.map(|hex| format!("sha256:{hex}"));
    let all = inventory.components.iter().map(|found| found.component.purl.as_str()).collect();
    VexSubject {
        purls: own.map(|found| found.component.purl.clone()).collect(),
        digests: image.into_iter().chain(file).filter(|digest| !digest.is_empty()).collect(),
        within: holders(&inventory.components, |_| true, &all),
    }
}
