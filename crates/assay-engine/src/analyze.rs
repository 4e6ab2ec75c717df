//! The analyze stage: makes the inventories that a package's files lack, files their components, matches those that are
//! new, and asks for a decision. An inventory is made once per digest and shared by every package that has it.

use crate::{Engine, matching, shelf::Scope};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    inventory::{Inventory, Skipped, StoredInventory},
    package::{File, Package, PackageId, Role},
    problem::{Kind, Problem},
    seam::{
        ReadSeek,
        meta::{self, Tx},
    },
    source_repository::repository_of,
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::Timestamp;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

impl Engine {
    /// Analyzes the package of a job and finishes it. Repeating it finds everything done and only asks for the decision.
    pub(crate) async fn analyze(self: &Arc<Self>, job: &Job) -> Result<(), Problem> {
        let (id, done) = (PackageId(job.key), job.id);
        let (package, files) = {
            let found = meta::read(self.meta(), move |tx| Ok((tx.packages(&[id])?.pop(), tx.files_of(&[id])?))).await?;
            match found {
                (Some(package), files) => (package, files),
                (None, _) => return meta::write(self.meta(), move |tx| tx.finish(&[done])).await,
            }
        };
        for file in &files {
            if let Some(role) = file.role {
                self.ensure_inventory(&package, file, role).await?;
            }
        }
        self.attach_vex(&package, &files).await?;
        let brought = self.evidence_in(&package, &files).await?;
        let (engine, now, cause) = (self.clone(), self.now(), job.cause.clone());
        let source = self.source_of(&package).await?;
        let subject = self.scope_of(&package).await?.subject(&package.at.version);
        meta::write(self.meta(), move |tx| {
            tx.finish(&[done])?;
            tx.set_package_source(id, source.as_deref())?;
            revised(tx, &package, &files, &subject, now)?;
            engine.file_evidence(tx, &package, &brought, now)?;
            tx.enqueue(&[NewJob {
                lane: Lane::Interactive,
                stage: Stage::Decide,
                key: id.0,
                cause: cause.clone(),
                due: Due::at_once(now),
            }])
        })
        .await
    }

    /// The source repository that the package says it is made from.
    async fn source_of(&self, package: &Package) -> Result<Option<String>, Problem> {
        let Some(format) = self.format(&package.at.format) else { return Ok(None) };
        let configuration = self.image_configuration(package).await?;
        let links = format.source_links(&package.at.name, &package.metadata, configuration.as_ref());
        Ok(links.iter().find_map(|link| repository_of(link)))
    }

    async fn ensure_inventory(self: &Arc<Self>, package: &Package, file: &File, role: Role) -> Result<(), Problem> {
        let digest = file.digest.clone();
        if meta::read(self.meta(), move |tx| tx.inventory(&digest, role)).await?.is_some() {
            return Ok(());
        }
        let inventory = match role {
            Role::Image => self.image_inventory(package).await?,
            Role::File | Role::Layer => self.file_inventory(file).await?,
        };
        self.file_away(package, file.digest.clone(), role, inventory).await
    }

    async fn file_inventory(self: &Arc<Self>, file: &File) -> Result<Inventory, Problem> {
        self.inspected(&file.digest, &file.path, file.size).await
    }

    /// The inventory of a blob as a file of that name, read now. A file that cannot be read at all still gets one: one that
    /// says so.
    pub(crate) async fn inspected(
        self: &Arc<Self>,
        digest: &Digest,
        path: &str,
        size: u64,
    ) -> Result<Inventory, Problem> {
        let reader = self.parts.blobs.local(digest).await?;
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        let engine = self.clone();
        let shown = name.clone();
        let made = blocking(move || {
            let mut reader: Box<dyn ReadSeek> = reader;
            engine.parts.inspector.file(&name, size, reader.as_mut())
        })
        .await;
        made.or_else(|problem| unreadable(&shown, problem))
    }

    pub(crate) fn stored(&self, digest: Digest, role: Role, inventory: Inventory) -> StoredInventory {
        let scanner = self.parts.inspector.revision().to_owned();
        StoredInventory { digest, role, scanner, made_at: self.now(), inventory }
    }

    /// Keeps an inventory, matches the components that the workspace did not know, and logs it: one transaction.
    async fn file_away(
        self: &Arc<Self>,
        package: &Package,
        digest: Digest,
        role: Role,
        inventory: Inventory,
    ) -> Result<(), Problem> {
        let stored = self.stored(digest, role, inventory);
        let subject = self.scope_of(package).await?.subject(&package.at.version);
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            matching::fence(tx)?;
            let (all, new) = tx.put_inventory(&stored)?;
            matching::match_components(tx, engine.parts.matcher.as_ref(), &new, stored.made_at)?;
            let body = json!({
                "digest": stored.digest, "role": stored.role, "scanner": stored.scanner,
                "components": all.len(), "new_components": new.len(), "skipped": stored.inventory.skipped.len(),
            });
            let subject = subject.clone();
            let at = stored.made_at;
            tx.append_event(&NewEvent { at, kind: "inventory.made", actor: "system".into(), subject, body })
        })
        .await?;
        Ok(())
    }

    pub(crate) async fn scope_of(&self, package: &Package) -> Result<Scope, Problem> {
        let id = package.repository;
        let repository = meta::read(self.meta(), move |tx| tx.repository_by_id(id)).await?;
        let repository = repository.ok_or_else(|| Problem::bug("a package without repository"))?;
        Ok(Scope { repository: repository.name, format: package.at.format.clone(), name: package.at.name.clone() })
    }
}

/// Purls that an event names.
const NAMED: usize = 50;

/// Logs in what a version differs from the file in whose place its own came, which its format names in the metadata.
fn revised(tx: &mut dyn Tx, package: &Package, files: &[File], subject: &str, at: Timestamp) -> Result<(), Problem> {
    let before = package.metadata.get("replaces").and_then(|named| named.get(0)).and_then(|digest| digest.as_str());
    let Some(before) = before.and_then(|digest| digest.parse::<Digest>().ok()) else { return Ok(()) };
    let Some(file) = files.iter().find(|file| file.role == Some(Role::File) && file.digest != before) else {
        return Ok(());
    };
    let (Some(old), Some(new)) = (tx.inventory(&before, Role::File)?, tx.inventory(&file.digest, Role::File)?) else {
        return Ok(());
    };
    let purls = |of: &StoredInventory| -> BTreeSet<String> {
        of.inventory.components.iter().map(|found| found.component.purl.clone()).collect()
    };
    let (old, new) = (purls(&old), purls(&new));
    let (added, removed): (Vec<_>, Vec<_>) = (new.difference(&old).collect(), old.difference(&new).collect());
    let body = json!({
        "from": before, "to": file.digest, "added": added.len(), "removed": removed.len(),
        "added_components": added.iter().take(NAMED).collect::<Vec<_>>(),
        "removed_components": removed.iter().take(NAMED).collect::<Vec<_>>(),
    });
    let subject = subject.to_owned();
    tx.append_event(&NewEvent { at, kind: "package.revised", actor: "system".into(), subject, body }).map(|_| ())
}

/// Runs work that computes or reads files on a thread where that hurts nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal("a worker thread panicked", e))?
}

/// What could not be read at all is an inventory that says so; only faults of our own are errors and tried again.
pub(crate) fn unreadable(path: &str, problem: Problem) -> Result<Inventory, Problem> {
    let reason = match problem.kind {
        Kind::Invalid | Kind::TooLarge | Kind::Unsupported => problem.code,
        _ => return Err(problem),
    };
    Ok(Inventory { skipped: vec![skipped(path, reason, &problem.message)], ..Inventory::default() })
}

pub(crate) fn skipped(path: &str, reason: &str, detail: &str) -> Skipped {
    Skipped { path: path.to_owned(), reason: reason.to_owned(), detail: detail.to_owned() }
}
