//! Documents that people upload, and reading what is kept.

use super::Engine;
use assay_model::{
    access::{Caller, Permission},
    digest::Digest,
    event::NewEvent,
    problem::{Kind, Problem},
    seam::meta::{self, Change, Tx, VexFilter},
    vex::{NewVex, Said, VexDocument, VexId, VexOrigin, VexStatement},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// The largest document that is taken, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// The longest name of one.
const MAX_NAME: usize = 500;
/// Documents that are kept of uploads.
const MAX_UPLOADED: usize = 20_000;

/// What came of a document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VexAdded {
    /// As it is kept.
    pub document: VexDocument,
    /// `new`, `changed`, `unchanged`.
    pub change: String,
    /// Packages that are decided again.
    pub packages: usize,
}

/// A document with what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VexDetail {
    /// As it is kept.
    #[serde(flatten)]
    pub document: VexDocument,
    /// Its statements, each with whether it is trusted.
    pub said: Vec<Said>,
}

impl Engine {
    /// Keeps an uploaded document. A revision takes the place of what it revises; the same bytes change nothing.
    ///
    /// # Errors
    /// `Invalid` when it is none or says nothing; `Conflict` when it is older than the revision that is there; `TooLarge`;
    /// `Forbidden`.
    pub async fn add_vex(self: &Arc<Self>, caller: &Caller, name: &str, bytes: &[u8]) -> Result<VexAdded, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        if bytes.len() > MAX_BYTES {
            let message = format!("a document of VEX has at most {} MiB", MAX_BYTES >> 20);
            return Err(Problem::new(Kind::TooLarge, "too-large", message));
        }
        let name = if name.is_empty() { "document" } else { name };
        let statements = self.parts.vex.read(name, bytes)?;
        let Some(first) = statements.first() else {
            return Err(Problem::invalid(
                "empty-vex",
                format!("{name} has no statement that names a vulnerability and a product"),
            ));
        };
        let new = NewVex {
            name: first.document.chars().take(MAX_NAME).collect(),
            origin: VexOrigin::Uploaded(caller.name().to_owned()),
            digest: Digest::of(bytes).to_string(),
            package: None,
            statements,
            at: self.now(),
        };
        let engine = self.clone();
        let added = meta::write(self.meta(), move |tx| {
            let filter = VexFilter { origin: Some("uploaded".into()), limit: MAX_UPLOADED + 1, ..VexFilter::default() };
            let uploaded = tx.vex_documents(&filter)?;
            refuse_older(tx, &uploaded, &new)?;
            if uploaded.len() > MAX_UPLOADED {
                let message =
                    format!("{MAX_UPLOADED} documents were uploaded already; remove some with `assay vex remove`");
                return Err(Problem::conflict(message));
            }
            engine.keep_vex(tx, &new).map(|(added, _)| added)
        })
        .await?;
        self.notice().await?;
        Ok(added)
    }

    /// Keeps a document, logs it, and asks for the decisions that it touches.
    pub(crate) fn keep_vex(&self, tx: &mut dyn Tx, new: &NewVex) -> Result<(VexAdded, Change), Problem> {
        let put = tx.put_vex(new)?;
        let (kind, verb) = match put.change {
            Change::New => ("vex.added", "new"),
            Change::Changed | Change::Withdrawn => ("vex.revised", "changed"),
            Change::Unchanged => ("", "unchanged"),
        };
        let mut packages = 0;
        if !kind.is_empty() {
            packages = self.decide_answered(tx, put.vulnerabilities, &format!("VEX {} {verb}", new.name), new.at)?;
            self.log_vex(tx, (kind, put.id), new, packages)?;
        }
        let document = tx.vex_document(put.id)?.ok_or_else(|| Problem::bug("a document vanished"))?.0;
        Ok((VexAdded { document, change: verb.to_owned(), packages }, put.change))
    }

    /// Removes the documents of a feed that are not among `keep`; gives how many.
    pub(crate) fn retain_vex(
        &self,
        tx: &mut dyn Tx,
        feed: &str,
        keep: &BTreeSet<String>,
        at: Timestamp,
    ) -> Result<usize, Problem> {
        let filter = VexFilter { origin: Some("feed".into()), limit: usize::MAX, ..VexFilter::default() };
        let of = VexOrigin::Feed(feed.to_owned());
        let mut gone = tx.vex_documents(&filter)?;
        gone.retain(|document| document.origin == of && !keep.contains(&document.name));
        let mut spoken = BTreeSet::new();
        for document in &gone {
            spoken.extend(tx.remove_vex(document.id)?.unwrap_or_default());
        }
        if !gone.is_empty() {
            let names: Vec<&str> = gone.iter().take(5).map(|document| document.name.as_str()).collect();
            let packages = self.decide_answered(tx, spoken, &format!("VEX of {feed} removed"), at)?;
            let body = json!({"documents": gone.len(), "names": names, "packages": packages});
            let (actor, subject) = ("system".to_owned(), format!("vex/{feed}"));
            tx.append_event(&NewEvent { at, kind: "vex.removed", actor, subject, body })?;
        }
        Ok(gone.len())
    }

    fn log_vex(
        &self,
        tx: &mut dyn Tx,
        (kind, id): (&'static str, VexId),
        new: &NewVex,
        packages: usize,
    ) -> Result<(), Problem> {
        let actor = match &new.origin {
            VexOrigin::Uploaded(who) => who.clone(),
            VexOrigin::Attached(_) | VexOrigin::Feed(_) => "system".to_owned(),
        };
        let body = json!({
            "name": new.name, "origin": new.origin, "digest": new.digest, "statements": new.statements.len(),
            "packages": packages,
        });
        let event = NewEvent { at: new.at, kind, actor, subject: format!("vex/{}", id.0), body };
        tx.append_event(&event).map(|_| ())
    }

    /// Documents, the newest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn vex_documents(&self, caller: &Caller, filter: VexFilter) -> Result<Vec<VexDocument>, Problem> {
        caller.require_everywhere(Permission::Read)?;
        let filter = VexFilter { limit: filter.limit.clamp(1, 1000), ..filter };
        meta::read(self.meta(), move |tx| tx.vex_documents(&filter)).await
    }

    /// One with what it says.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn vex_document(&self, caller: &Caller, id: VexId) -> Result<VexDetail, Problem> {
        caller.require_everywhere(Permission::Read)?;
        let (found, trust) = meta::read(self.meta(), move |tx| Ok((tx.vex_document(id)?, super::trust(tx)?))).await?;
        let (document, statements) = found.ok_or_else(|| unknown(id))?;
        let origin = document.origin.clone();
        let said = |statement: VexStatement| Said {
            trusted: trust.trusts(&origin, &statement.author),
            origin: origin.clone(),
            statement,
        };
        Ok(VexDetail { document, said: statements.into_iter().map(said).collect() })
    }

    /// Removes a document: what it answered for counts again. One that is attached or from a feed comes back when it is
    /// published or imported again.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn remove_vex(self: &Arc<Self>, caller: &Caller, id: VexId) -> Result<(), Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let (engine, at, actor) = (self.clone(), self.now(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            let Some((document, _)) = tx.vex_document(id)? else { return Err(unknown(id)) };
            let spoken: BTreeSet<String> = tx.remove_vex(id)?.unwrap_or_default();
            let packages = engine.decide_answered(tx, spoken, &format!("VEX {} removed", document.name), at)?;
            let body = json!({"name": document.name, "origin": document.origin, "packages": packages});
            let (actor, subject) = (actor.clone(), format!("vex/{}", id.0));
            tx.append_event(&NewEvent { at, kind: "vex.removed", actor, subject, body })
        })
        .await?;
        self.notice().await
    }
}

/// An earlier revision never takes the place of a later one: what was revoked would hold again.
fn refuse_older(tx: &mut dyn Tx, uploaded: &[VexDocument], new: &NewVex) -> Result<(), Problem> {
    let Some(before) = uploaded.iter().find(|one| one.name == new.name && one.digest != new.digest) else {
        return Ok(());
    };
    let kept = tx.vex_document(before.id)?.map(|(_, statements)| statements).unwrap_or_default();
    let last = |said: &[VexStatement]| said.iter().filter_map(|one| one.at).max();
    match (last(&kept), last(&new.statements)) {
        (Some(there), Some(given)) if given < there => Err(Problem::conflict(format!(
            "this revision of {} is of {given}, and one of {there} is here already; if it is to hold all the same, \
             `assay vex remove {}` first, or give it a later time",
            new.name, before.id.0
        ))),
        _ => Ok(()),
    }
}

pub(super) fn unknown(id: VexId) -> Problem {
    Problem::not_found(format!("there is no document of VEX with the number {}; `assay vex list` shows them", id.0))
}
