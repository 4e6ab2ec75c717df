//! Evidence that arrives with packages and goes with them: read once, filed under what it is about, and whatever it is
//! about is decided again in the same transaction.

use crate::{Engine, analyze::blocking, matching::decide_jobs};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    package::{File, Package, PackageId},
    policy::FactKind,
    problem::Problem,
    seam::meta::{self, NewEvidence, Tx},
    trust::{Brought, Held},
    work::Lane,
};
use jiff::Timestamp;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    sync::Arc,
};

/// Bytes of one document that are read.
const MAX_BYTES: u64 = 2 << 20;
/// Bytes of all documents of a package that are read.
const MAX_TOTAL: u64 = 32 << 20;
/// Documents of one package that are read.
const MAX_DOCUMENTS: usize = 200;
/// Versions that one can list.
const MAX_PARTS: usize = 5000;

/// What a package holds, read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    evidence: Vec<NewEvidence>,
    parts: Vec<String>,
}

impl Engine {
    /// Reads what a package holds that is evidence.
    pub(crate) async fn evidence_in(self: &Arc<Self>, package: &Package, files: &[File]) -> Result<Found, Problem> {
        let Some(format) = self.format(&package.at.format) else { return Ok(Found::default()) };
        let id = package.id;
        let references = meta::read(self.meta(), move |tx| tx.references_to(&[id])).await?;
        let references: Vec<String> = references.into_iter().map(|reference| reference.name).collect();
        let Brought { held, mut parts, .. } = format.evidence(package, files, &references);
        parts.truncate(MAX_PARTS);
        Ok(Found { evidence: self.read_evidence(package, held).await?, parts })
    }

    async fn read_evidence(self: &Arc<Self>, package: &Package, held: Vec<Held>) -> Result<Vec<NewEvidence>, Problem> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let documents = self.documents(&held).await?;
        let (engine, version) = (self.clone(), package.at.version.clone());
        blocking(move || {
            let mut all = Vec::new();
            for one in &held {
                let about = one.about.clone().unwrap_or_else(|| version.clone());
                let found = engine.parts.verifier.read(one, &documents).into_iter();
                all.extend(found.map(|evidence| NewEvidence {
                    about: about.clone(),
                    place: one.place.clone(),
                    evidence,
                }));
            }
            Ok(all)
        })
        .await
    }

    /// The bytes of documents that are here and not too large.
    async fn documents(&self, held: &[Held]) -> Result<BTreeMap<Digest, Vec<u8>>, Problem> {
        let wanted: BTreeSet<&Digest> = held.iter().flat_map(|one| &one.documents).take(MAX_DOCUMENTS).collect();
        let mut documents = BTreeMap::new();
        let mut total = 0;
        for digest in wanted {
            let size = self.parts.blobs.stat(digest).await?.unwrap_or(u64::MAX);
            if size > MAX_BYTES || total + size > MAX_TOTAL {
                continue;
            }
            total += size;
            let reader = self.parts.blobs.local(digest).await?;
            let bytes = blocking(move || {
                let mut bytes = Vec::new();
                let read = reader.take(MAX_BYTES).read_to_end(&mut bytes);
                read.map(|_| bytes).map_err(|error| Problem::internal("a signature cannot be read", error))
            });
            documents.insert(digest.clone(), bytes.await?);
        }
        Ok(documents)
    }

    /// Files the evidence that a package holds under what it is about, which is decided again. Repeating it changes
    /// nothing.
    pub(crate) fn file_evidence(
        &self,
        tx: &mut dyn Tx,
        package: &Package,
        found: &Found,
        at: Timestamp,
    ) -> Result<(), Problem> {
        let mut touched = tx.set_evidence(package.id, &found.evidence)?;
        // What it brings about itself is a part of its arrival; it is decided when it has been looked into.
        touched.remove(&package.id);
        if !touched.is_empty() {
            log(tx, package, "signature.arrived", found.evidence.len(), at)?;
        }
        touched.extend(tx.set_parts(package.id, &found.parts)?);
        self.decide_signed(tx, touched, "a signature arrived", at)
    }

    /// Asks for decisions about packages whose signatures are others now, where a policy reads them.
    pub(super) fn decide_signed(
        &self,
        tx: &mut dyn Tx,
        packages: BTreeSet<PackageId>,
        cause: &str,
        at: Timestamp,
    ) -> Result<(), Problem> {
        if packages.is_empty() || !self.rules(tx)?.reads().contains(&FactKind::Signatures) {
            return Ok(());
        }
        tx.enqueue(&decide_jobs(&packages.into_iter().collect::<Vec<_>>(), Lane::Change, cause, at))
    }

    /// Removes what a package holds that is about to go, and asks for the decisions that it touches.
    pub(crate) fn detach_evidence(&self, tx: &mut dyn Tx, package: PackageId, at: Timestamp) -> Result<(), Problem> {
        let mut touched = tx.set_evidence(package, &[])?;
        touched.remove(&package);
        if !touched.is_empty()
            && let Some(package) = tx.packages(&[package])?.pop()
        {
            log(tx, &package, "signature.removed", 0, at)?;
        }
        touched.extend(tx.set_parts(package, &[])?);
        self.decide_signed(tx, touched, "a signature was removed", at)
    }
}

fn log(tx: &mut dyn Tx, package: &Package, kind: &'static str, count: usize, at: Timestamp) -> Result<(), Problem> {
    let Some(repository) = tx.repository_by_id(package.repository)? else { return Ok(()) };
    let subject = package.at.subject(&repository.name);
    let body = json!({"package": package.id.0, "signatures": count});
    tx.append_event(&NewEvent { at, kind, actor: "system".into(), subject, body }).map(|_| ())
}
