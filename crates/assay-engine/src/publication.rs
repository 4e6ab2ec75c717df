//! Publishing: staged bytes become a package with its files, references, event and work, in one transaction. How bytes come
//! in is in [`crate::intake`].

use crate::{Desk, Engine, quota, trash::Removal};
use assay_model::{
    access::Permission,
    event::NewEvent,
    package::{Coordinates, NewPackage, Override, PackageId, State},
    problem::Problem,
    repository::{Repository, RepositoryId},
    seam::{
        format::{Claim, Receipt},
        meta::{self, Tx},
    },
    work::{Due, Lane, NewJob, Stage},
};
use jiff::Timestamp;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// What outlives the files of a version: its own tags, and an operator's word on it.
type Own = (BTreeSet<String>, Option<Override>);

impl Desk {
    /// Publishes what comes from an upstream, or from a client.
    pub(crate) async fn publish_from(&self, claim: Claim, origin: Option<&str>) -> Result<Receipt, Problem> {
        let actor = origin.map_or_else(|| self.caller.name().to_owned(), |name| format!("upstream {name}"));
        self.publish_as(claim, origin, &actor).await
    }

    /// Publishes what an upstream gave because somebody asked for it.
    pub(crate) async fn publish_for(&self, claim: Claim, origin: &str, requester: &str) -> Result<Receipt, Problem> {
        self.publish_with(claim, Some(origin), &format!("upstream {origin}"), Some(requester)).await
    }

    /// As [`Desk::publish_from`], in somebody's name.
    pub(crate) async fn publish_as(&self, claim: Claim, origin: Option<&str>, actor: &str) -> Result<Receipt, Problem> {
        self.publish_with(claim, origin, actor, None).await
    }

    async fn publish_with(
        &self,
        claim: Claim,
        origin: Option<&str>,
        actor: &str,
        requester: Option<&str>,
    ) -> Result<Receipt, Problem> {
        self.require(Permission::Write)?;
        let publication = Publication {
            repository: self.repository.id,
            place: self.repository.clone(),
            format: self.format.spec().id,
            subject: self.scope(&claim.name).subject(&claim.version),
            actor: actor.to_owned(),
            origin: origin.map(str::to_owned),
            requester: requester.map(str::to_owned),
            at: self.engine.now(),
            engine: self.engine.clone(),
            claim,
        };
        let receipt = meta::write(self.engine.meta(), move |tx| publication.store(tx)).await?;
        self.engine.notice().await?;
        Ok(receipt)
    }
}

/// A claim about staged bytes on its way into the store.
struct Publication {
    repository: RepositoryId,
    place: Arc<Repository>,
    format: &'static str,
    subject: String,
    actor: String,
    /// The upstream that it comes from.
    origin: Option<String>,
    /// Who asked for it, where it comes from one.
    requester: Option<String>,
    at: Timestamp,
    engine: Arc<Engine>,
    claim: Claim,
}

impl Publication {
    fn store(&self, tx: &mut dyn Tx) -> Result<Receipt, Problem> {
        let claim = &self.claim;
        self.check_bytes(tx)?;
        let before = self.amended(tx)?;
        let metadata = self.metadata(tx)?;
        let held = quota::Held::before(tx, &self.place)?;
        let revised = self.make_room(tx)?;
        let (package, new) = tx.put_package(&NewPackage {
            repository: self.repository,
            at: Coordinates {
                format: self.format.to_owned(),
                name: claim.name.clone(),
                version: claim.version.clone(),
            },
            metadata,
            uploader: self.actor.clone(),
            uploaded_at: self.at,
            published_at: claim.published_at,
            origin: self.origin.clone(),
        })?;
        if let Some(who) = self.requester.as_ref().filter(|_| new) {
            tx.note_requester(package, who)?;
        }
        let added = tx.put_files(package, &claim.files, self.at)?;
        for file in &claim.files {
            tx.unstage_blob(self.repository, self.format, &claim.name, &file.digest)?;
        }
        if let Some((tags, word)) = revised {
            tx.set_standing(package, State::Pending, &tags, None, Some(word.as_ref()))?;
        }
        let moved = self.set_references(tx, package)?;
        if claim.replaces_others {
            let removal = Removal::replaced(&self.place, &self.actor, self.at);
            for other in tx.packages_named(self.repository, self.format, &claim.name, None)? {
                if other.id != package {
                    removal.allowed(tx, &other)?;
                    removal.apply(&self.engine, tx, other.id)?;
                }
            }
        }
        held.settle(tx, self.at)?;
        if new || added > 0 {
            self.schedule(tx, package, new, added)?;
        } else if moved {
            self.promote(tx, package)?;
            self.log(tx, "package.tagged", json!({"references": claim.references}))?;
        }
        if before.is_some_and(|before| before != claim.metadata) {
            self.amend(tx, package)?;
        }
        Ok(Receipt { package, created: new || added > 0 })
    }

    /// Lets go of the files in whose place others come; gives the version's own tags and an operator's word on it, which
    /// outlive them.
    fn make_room(&self, tx: &mut dyn Tx) -> Result<Option<Own>, Problem> {
        let claim = &self.claim;
        if !claim.replaces_files {
            return Ok(None);
        }
        let known = tx.packages_named(self.repository, self.format, &claim.name, Some(&claim.version))?;
        let Some(package) = known.into_iter().find(|package| package.state != State::Deleted) else { return Ok(None) };
        let files = tx.files_of(&[package.id])?;
        if files.iter().all(|file| claim.files.iter().any(|new| (&new.path, &new.digest) == (&file.path, &file.digest)))
        {
            return Ok(None);
        }
        let removal = Removal::replaced(&self.place, &self.actor, self.at);
        removal.allowed(tx, &package)?;
        let decision = match &package.decision {
            Some(id) => tx.decision(id)?,
            None => None,
        };
        let mut tags = package.tags.clone();
        if let Some(decision) = decision {
            tags = tags.difference(&decision.tags_added).cloned().collect();
            tags.extend(decision.tags_removed);
        }
        removal.apply(&self.engine, tx, package.id)?;
        tx.purge(package.id)?;
        Ok(Some((tags, package.held)))
    }

    /// Files that say nothing of their package leave what is kept of it, also where two come at once.
    fn metadata(&self, tx: &mut dyn Tx) -> Result<serde_json::Value, Problem> {
        let claim = &self.claim;
        if !claim.metadata.is_null() || claim.files.is_empty() {
            return Ok(claim.metadata.clone());
        }
        let known = tx.packages_named(self.repository, self.format, &claim.name, Some(&claim.version))?;
        Ok(known.into_iter().next().map(|package| package.metadata).unwrap_or_default())
    }

    /// The metadata of the package as it is, for a claim that brings no files; there must be one.
    fn amended(&self, tx: &mut dyn Tx) -> Result<Option<serde_json::Value>, Problem> {
        let claim = &self.claim;
        if !claim.files.is_empty() {
            return Ok(None);
        }
        let known = tx.packages_named(self.repository, self.format, &claim.name, Some(&claim.version))?;
        let known = known.into_iter().next();
        let absent = || Problem::not_found(format!("there is no version {} of `{}`", claim.version, claim.name));
        known.map(|package| Some(package.metadata)).ok_or_else(absent)
    }

    /// Another tag may be one that a rule of promotion waits for.
    fn promote(&self, tx: &mut dyn Tx, package: PackageId) -> Result<(), Problem> {
        if self.place.settings.promotion.is_empty() {
            return Ok(());
        }
        let (key, cause) = (package.0, "tagged".to_owned());
        tx.enqueue(&[NewJob { lane: Lane::Change, stage: Stage::Promote, key, cause, due: Due::at_once(self.at) }])
    }

    /// Other metadata may mean another decision; what is decided stays in force until then.
    fn amend(&self, tx: &mut dyn Tx, package: PackageId) -> Result<(), Problem> {
        tx.enqueue(&[NewJob {
            lane: Lane::Change,
            stage: Stage::Decide,
            key: package.0,
            cause: "amended".to_owned(),
            due: Due::at_once(self.at),
        }])?;
        self.log(tx, "package.amended", json!({"package": package.0}))
    }

    /// Bytes that a claim names must be staged under its name, or belong to the name already.
    fn check_bytes(&self, tx: &mut dyn Tx) -> Result<(), Problem> {
        for file in &self.claim.files {
            let name = &self.claim.name;
            let staged = tx.staged_blob(self.repository, self.format, name, &file.digest)?.is_some();
            let known = staged || !tx.files_with_digest(self.repository, self.format, name, &file.digest)?.is_empty();
            if !known {
                return Err(Problem::invalid(
                    "blob-unknown",
                    format!("the bytes {} of `{}` were not uploaded", file.digest, file.path),
                ));
            }
        }
        Ok(())
    }

    fn set_references(&self, tx: &mut dyn Tx, package: PackageId) -> Result<bool, Problem> {
        let mut moved = false;
        let mut from = BTreeSet::new();
        for reference in &self.claim.references {
            let before =
                tx.set_reference(self.repository, self.format, &self.claim.name, reference, package, self.at)?;
            moved |= before != Some(package);
            from.extend(before.filter(|before| *before != package));
            if before.is_some_and(|b| b != package) && self.place.settings.fixes_tag(reference) {
                return Err(Problem::conflict(format!(
                    "`{reference}` is set already and is immutable in this repository"
                )));
            }
        }
        if moved {
            from.insert(package);
            self.engine.decide_retagged(tx, from, self.at)?;
        }
        Ok(moved)
    }

    /// New bytes are undecided, whatever was decided about the package before.
    fn schedule(&self, tx: &mut dyn Tx, package: PackageId, new: bool, added: usize) -> Result<(), Problem> {
        let claim = &self.claim;
        let before = if new { None } else { tx.packages(&[package])?.pop() };
        if let Some(stored) = before {
            tx.set_standing(package, State::Pending, &stored.tags, None, None)?;
        }
        tx.enqueue(&[NewJob {
            lane: Lane::Interactive,
            stage: Stage::Analyze,
            key: package.0,
            cause: "published".to_owned(),
            due: Due::at_once(self.at),
        }])?;
        let bytes: u64 = claim.files.iter().map(|f| f.size).sum();
        let mut body = json!({"package": package.0, "files": added, "bytes": bytes, "references": claim.references});
        if let Some(who) = &self.requester {
            body["requester"] = json!(who);
        }
        self.log(tx, "package.published", body)
    }

    fn log(&self, tx: &mut dyn Tx, kind: &'static str, body: serde_json::Value) -> Result<(), Problem> {
        let event = NewEvent { at: self.at, kind, actor: self.actor.clone(), subject: self.subject.clone(), body };
        tx.append_event(&event).map(|_| ())
    }
}
