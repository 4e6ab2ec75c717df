//! Trust: who may sign, what came with packages, and which decisions that touches. Reading and checking signatures is
//! behind a seam; whether evidence holds is asked whenever a decision is made, so nothing has to be kept in step.

mod anchors;
mod evidence;

pub use anchors::{TrustChange, TrustDraft};
pub(crate) use evidence::detach;

use crate::{Engine, analyze::blocking};
use assay_model::{
    facts::Facts,
    health::Signature,
    package::{Package, PackageId},
    problem::Problem,
    seam::{
        meta::{self, Tx},
        trust::Verifier,
    },
    trust::{Evidence, Trusted},
};
use std::collections::BTreeMap;

/// Evidence about a batch of packages, and who is trusted.
pub(crate) struct Signed {
    trusted: Vec<Trusted>,
    evidence: BTreeMap<PackageId, Vec<Evidence>>,
}

impl Signed {
    pub(crate) fn load(tx: &mut dyn Tx, packages: &[PackageId]) -> Result<Self, Problem> {
        let evidence = tx.evidence_about(packages)?;
        let trusted = if evidence.is_empty() { Vec::new() } else { tx.trusted()? };
        Ok(Self { trusted, evidence })
    }

    /// Checks the evidence about a package of a repository.
    pub(crate) fn of(&self, verifier: &dyn Verifier, package: &Package, repository: &str) -> Vec<Signature> {
        let Some(evidence) = self.evidence.get(&package.id) else { return Vec::new() };
        let trusted = within(&self.trusted, repository, &package.at.format, &package.at.name);
        evidence.iter().map(|one| verifier.verify(one, &trusted)).collect()
    }

    pub(crate) fn fill(&self, verifier: &dyn Verifier, facts: &mut Facts) {
        facts.signatures = self.of(verifier, &facts.package, &facts.repository.name);
    }
}

impl Engine {
    /// Who signed a package of a repository, and whether that holds.
    pub(crate) async fn signatures_of(&self, package: &Package, repository: &str) -> Result<Vec<Signature>, Problem> {
        let id = package.id;
        let signed = meta::read(self.meta(), move |tx| Signed::load(tx, &[id])).await?;
        let (verifier, package, repository) = (self.parts.verifier.clone(), package.clone(), repository.to_owned());
        blocking(move || Ok(signed.of(verifier.as_ref(), &package, &repository))).await
    }
}

/// Those who are trusted for a package.
fn within<'t>(trusted: &'t [Trusted], repository: &str, format: &str, name: &str) -> Vec<&'t Trusted> {
    trusted.iter().filter(|one| one.scope.covers(repository, format, name)).collect()
}
