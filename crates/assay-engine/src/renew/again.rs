//! Making one inventory again, and deciding again where it says something else.

use super::{LATER, affected::package_of, keep_progress, progress, renew_job};
use crate::{Engine, matching};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    inventory::{Inventory, StoredInventory},
    package::{Package, Role},
    policy::FactKind,
    problem::Problem,
    renewal::{Look, Mark, Which},
    seam::meta::{self, Tx},
    work::{Due, Job, Lane},
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Kinds of fact that follow from inventories.
const FOLLOWS: [FactKind; 6] =
    [FactKind::Inventory, FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];

/// What is made again, and from what.
struct Again {
    old: StoredInventory,
    /// One that has it.
    package: Option<Package>,
    /// Name and bytes of a file.
    file: Option<(String, u64)>,
}

impl Engine {
    /// Makes one inventory again and finishes the job. Whoever has it keeps the old one until then.
    pub(crate) async fn renew(self: &Arc<Self>, job: &Job) -> Result<(), Problem> {
        let (number, done, now) = (job.key, job.id, self.now());
        let look = meta::read(self.meta(), move |tx| Ok(tx.looks(&Which::Number(number))?.pop())).await?;
        let Some((look, target)) = look.and_then(|look| look.renew.map(|target| (look, target))) else {
            return meta::write(self.meta(), move |tx| tx.finish(&[done])).await;
        };
        let own = self.own_scanner().await?;
        if own < target {
            return meta::write(self.meta(), move |tx| {
                tx.finish(&[done])?;
                tx.enqueue(&[renew_job(number, Due::after(now, LATER))])
            })
            .await;
        }
        let wanted = look.clone();
        let again = meta::read(self.meta(), move |tx| again(tx, &wanted)).await?;
        let made = match &again {
            Some(again) => self.make_again(&look, again).await?,
            None => None,
        };
        let (Some(again), Some(made)) = (again, made) else {
            // Nobody has it any more, or its bytes are gone.
            return meta::write(self.meta(), move |tx| {
                tx.mark_looks(&[number], Mark::Holds(own))?;
                tx.finish(&[done])
            })
            .await;
        };
        let subject = match &again.package {
            Some(package) => self.scope_of(package).await?.subject(&package.at.version),
            None => look.digest.to_string(),
        };
        let newer = self.parts.inspector.newer_than(&look.revision);
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            engine.put_again(tx, own, &again.old, &made, &newer, &subject)?;
            tx.finish(&[done])
        })
        .await
    }

    async fn make_again(self: &Arc<Self>, look: &Look, again: &Again) -> Result<Option<StoredInventory>, Problem> {
        let inventory = match (look.role, &again.package, &again.file) {
            (Role::Layer, ..) => return self.read_layer(&look.digest).await,
            (Role::Image, Some(package), _) => self.image_inventory(package).await?,
            (Role::File, _, Some((name, size))) if self.parts.blobs.stat(&look.digest).await?.is_some() => {
                self.inspected(&look.digest, name, *size).await?
            }
            _ => return Ok(None),
        };
        Ok(Some(self.stored(look.digest.clone(), look.role, inventory)))
    }

    fn put_again(
        &self,
        tx: &mut dyn Tx,
        scanner: i64,
        old: &StoredInventory,
        made: &StoredInventory,
        newer: &BTreeSet<String>,
        subject: &str,
    ) -> Result<(), Problem> {
        let at = made.made_at;
        let improved = differs(&old.inventory, &made.inventory);
        matching::fence(tx)?;
        let (_, new) = tx.put_inventory(made)?;
        matching::match_components(tx, self.parts.matcher.as_ref(), &new, at)?;
        let mut packages = Vec::new();
        if improved && made.role != Role::Layer {
            let rules = self.rules(tx)?;
            if FOLLOWS.iter().any(|kind| rules.reads().contains(kind)) {
                packages = tx.packages_with_digest(&made.digest)?;
                let cause = format!("inventory renewed ({})", newer.iter().cloned().collect::<Vec<_>>().join(", "));
                tx.enqueue(&matching::decide_jobs(&packages, Lane::Change, &cause, at))?;
            }
        }
        let mut renewal = progress(tx, scanner, at)?;
        renewal.renewed += 1;
        renewal.improved += u64::from(improved);
        keep_progress(tx, &renewal)?;
        let (added, removed) = changes(&old.inventory, &made.inventory);
        let body = json!({
            "digest": made.digest, "role": made.role, "newer": newer, "changed": improved, "added": added,
            "removed": removed, "packages": packages.len(),
        });
        let subject = subject.to_owned();
        tx.append_event(&NewEvent { at, kind: "inventory.renewed", actor: "system".into(), subject, body }).map(|_| ())
    }
}

/// What there is to make it from.
fn again(tx: &mut dyn Tx, look: &Look) -> Result<Option<Again>, Problem> {
    let Some((old, outline)) = tx.outlined(look.number)? else { return Ok(None) };
    let package = package_of(tx, &look.digest)?;
    let file = match &package {
        Some(package) => file_of(tx, package, &look.digest, look.role)?,
        None => None,
    };
    // What is in the trash comes back as it was read: its name is in the outline.
    let kept = outline.and_then(|outline| outline.artifacts.into_iter().next()).map(|artifact| artifact.path);
    let file = match (file, kept) {
        (Some(file), _) => Some(file),
        (None, Some(name)) => tx.blob_size(&look.digest)?.map(|size| (name, size)),
        (None, None) => None,
    };
    Ok(Some(Again { old, package, file }))
}

fn file_of(tx: &mut dyn Tx, package: &Package, digest: &Digest, role: Role) -> Result<Option<(String, u64)>, Problem> {
    let files = tx.files_of(&[package.id])?.into_iter();
    let mut of = files.filter(|file| file.digest == *digest && file.role == Some(role));
    Ok(of.next().map(|file| (file.path, file.size)))
}

/// Whether anything differs that a decision can be made of.
fn differs(old: &Inventory, new: &Inventory) -> bool {
    old.components != new.components
        || old.os != new.os
        || old.secrets != new.secrets
        || old.licenses != new.licenses
        || old.skipped != new.skipped
}

/// How many components are new, and how many are gone.
fn changes(old: &Inventory, new: &Inventory) -> (usize, usize) {
    let purls =
        |of: &Inventory| of.components.iter().map(|found| found.component.purl.clone()).collect::<BTreeSet<_>>();
    let (old, new) = (purls(old), purls(new));
    (new.difference(&old).count(), old.difference(&new).count())
}
