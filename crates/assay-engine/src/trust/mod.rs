//! Trust: who may sign, what came with packages, and which decisions that touches. Reading and checking signatures is
//! behind a seam; whether evidence holds is asked whenever a decision is made, so nothing has to be kept in step.

mod anchors;
mod evidence;

pub use anchors::{TrustChange, TrustDraft};

use crate::{Engine, analyze::blocking};
use assay_model::{
    facts::Facts,
    health::Signature,
    package::{Package, PackageId},
    problem::Problem,
    seam::{
        meta::{self, Tx},
        trust::{Ring, Verifier},
    },
    trust::Evidence,
};
use std::collections::BTreeMap;

/// Pieces of evidence about one package that are looked at, the earliest ones; checking them has a bound of its own.
const PIECES: usize = 500;

/// Evidence about a batch of packages, and who is trusted.
pub(crate) struct Signed {
    ring: Box<dyn Ring>,
    evidence: BTreeMap<PackageId, Vec<Evidence>>,
}

impl Signed {
    pub(crate) fn load(tx: &mut dyn Tx, verifier: &dyn Verifier, packages: &[PackageId]) -> Result<Self, Problem> {
        let evidence = about(tx, packages)?;
        let trusted = if evidence.is_empty() { Vec::new() } else { tx.trusted()? };
        Ok(Self { ring: verifier.ring(trusted), evidence })
    }

    /// Checks the evidence about a package of a repository.
    pub(crate) fn of(&self, package: &Package, repository: &str) -> Vec<Signature> {
        let Some(evidence) = self.evidence.get(&package.id) else { return Vec::new() };
        self.ring.check(evidence, &|one| one.scope.covers(repository, &package.at.format, &package.at.name))
    }

    pub(crate) fn fill(&self, facts: &mut Facts) {
        facts.signatures = self.of(&facts.package, &facts.repository.name);
    }
}

/// Evidence about packages; of what nobody will look at, that it is there.
fn about(tx: &mut dyn Tx, packages: &[PackageId]) -> Result<BTreeMap<PackageId, Vec<Evidence>>, Problem> {
    let mut evidence = tx.evidence_about(packages, PIECES + 1)?;
    for pieces in evidence.values_mut().filter(|pieces| pieces.len() > PIECES) {
        pieces.truncate(PIECES);
        pieces.push(Evidence {
            kind: "signature".to_owned(),
            objection: Some(format!("not looked at: more than {PIECES} signatures and statements are about it")),
            unchecked: true,
            ..Evidence::default()
        });
    }
    Ok(evidence)
}

impl Engine {
    /// Who signed a package of a repository, and whether that holds.
    pub(crate) async fn signatures_of(&self, package: &Package, repository: &str) -> Result<Vec<Signature>, Problem> {
        let id = package.id;
        let verifier = self.parts.verifier.clone();
        let signed = meta::read(self.meta(), move |tx| Signed::load(tx, verifier.as_ref(), &[id])).await?;
        let (package, repository) = (package.clone(), repository.to_owned());
        blocking(move || Ok(signed.of(&package, &repository))).await
    }
}
