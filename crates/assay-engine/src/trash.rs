//! Deleting with a way back: who may delete what, the trash, restoring and purging.

use crate::{Engine, shelf::Scope};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    keeping::{Discard, Restored, Trashed},
    package::{Coordinates, Package, PackageId},
    problem::{Kind, Problem},
    repository::{Repository, RepositoryId},
    seam::meta::{self, TrashFilter, Tx},
    work::{Due, Lane, NewJob, Stage},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// Packages that are purged in one transaction.
const STEP: usize = 200;

/// How packages of one repository are deleted: to its trash, or at once where it has none.
pub(crate) struct Removal {
    place: Repository,
    is_admin: bool,
    how: Discard,
}

impl Removal {
    pub(crate) fn new(place: &Repository, caller: &Caller, at: Timestamp, cause: &str) -> Self {
        let days = SignedDuration::from_hours(24 * i64::from(place.settings.trash_days));
        Self {
            is_admin: caller.require(Permission::Admin, place).is_ok(),
            how: Discard { at, by: caller.name().to_owned(), cause: cause.to_owned(), purge_at: at + days },
            place: place.clone(),
        }
    }

    /// By an upload of something else under the same name; what is immutable is so for everyone.
    pub(crate) fn replaced(place: &Repository, actor: &str, at: Timestamp) -> Self {
        let mut removal = Self::new(place, &Caller::Anonymous, at, "replaced");
        removal.how.by = actor.to_owned();
        removal
    }

    /// Until when what is removed can be restored.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        (self.place.settings.trash_days > 0).then_some(self.how.purge_at)
    }

    /// # Errors
    /// `Conflict` for what is immutable, unless an administrator asks.
    pub(crate) fn allowed(&self, tx: &mut dyn Tx, package: &Package) -> Result<(), Problem> {
        let settings = &self.place.settings;
        if self.is_admin {
            return Ok(());
        }
        if settings.immutable {
            return Err(immutable(format!(
                "`{}` is published already and `{}` is immutable: only administrators may delete there, and nothing is replaced",
                package.at.name, self.place.name
            )));
        }
        if settings.immutable_tags || !settings.immutable_tag_patterns.is_empty() {
            let tags = tx.references_to(&[package.id])?;
            if let Some(tag) = tags.iter().find(|tag| settings.fixes_tag(&tag.name)) {
                return Err(immutable(format!("it has the tag `{}`, which is immutable here", tag.name)));
            }
        }
        Ok(())
    }

    /// # Errors
    /// `Conflict` for a tag that is immutable, unless an administrator asks.
    pub(crate) fn allowed_reference(&self, reference: &str) -> Result<(), Problem> {
        if !self.is_admin && (self.place.settings.immutable || self.place.settings.fixes_tag(reference)) {
            return Err(immutable(format!("the tag `{reference}` is immutable in `{}`", self.place.name)));
        }
        Ok(())
    }

    pub(crate) fn apply(&self, engine: &Engine, tx: &mut dyn Tx, package: PackageId) -> Result<(), Problem> {
        crate::vex::detach(tx, package, self.how.at)?;
        engine.detach_evidence(tx, package, self.how.at)?;
        if self.place.settings.trash_days == 0 { tx.delete_package(package) } else { tx.discard(package, &self.how) }
    }
}

fn immutable(why: String) -> Problem {
    Problem::new(Kind::Conflict, "immutable", why)
}

/// A package in the trash, for people.
#[derive(Clone, Debug, Serialize)]
pub struct TrashRow {
    /// The package and how it came there.
    #[serde(flatten)]
    pub trashed: Trashed,
    /// Name of its repository.
    pub repository_name: String,
    /// How it is shown.
    pub display: String,
}

impl Engine {
    /// What is in the trash of repositories that the caller may read.
    ///
    /// # Errors
    /// From the store; `NotFound` or `Forbidden` for a repository that is named.
    pub async fn trash(
        &self,
        caller: &Caller,
        repository: Option<&str>,
        before: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<TrashRow>, Problem> {
        let places = match repository {
            Some(name) => vec![self.repository(caller, name, Permission::Read).await?.as_ref().clone()],
            None => self.readable_repositories(caller).await?,
        };
        let names: BTreeMap<RepositoryId, String> = places.into_iter().map(|r| (r.id, r.name)).collect();
        let repositories = Some(names.keys().copied().collect());
        let filter = TrashFilter { repositories, before, limit: limit.clamp(1, 500), ..TrashFilter::default() };
        let found = meta::read(self.meta(), move |tx| tx.trash(&filter)).await?;
        let row = |trashed: Trashed| TrashRow {
            repository_name: names.get(&trashed.package.repository).cloned().unwrap_or_default(),
            display: self.displayed(&trashed.package.at),
            trashed,
        };
        Ok(found.into_iter().map(row).collect())
    }

    fn displayed(&self, at: &Coordinates) -> String {
        match self.format(&at.format) {
            Some(format) => format.display(&at.name, &at.version),
            None => format!("{} {}", at.name, at.version),
        }
    }

    /// Deletes a package, to the trash of its repository where that has one; says until when it can be restored.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `write`; `Conflict` for what is immutable.
    pub async fn delete_package(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
    ) -> Result<Option<Timestamp>, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Write).await?;
        let removal = Removal::new(&place, caller, self.now(), "deleted");
        let (at, actor, until) = (self.now(), caller.name().to_owned(), removal.until());
        let engine = self.clone();
        meta::write(self.meta(), move |tx| {
            let gone = || Problem::not_found(format!("there is no package {}", id.0));
            let package = tx.packages(&[id])?.pop().filter(|p| p.state != assay_model::package::State::Deleted);
            let package = package.ok_or_else(gone)?;
            removal.allowed(tx, &package)?;
            removal.apply(&engine, tx, id)?;
            let body = json!({"package": id.0, "restorable_until": until});
            tx.append_event(&event(at, "package.deleted", &actor, &place, &package.at, body))
        })
        .await?;
        self.notice().await?;
        Ok(until)
    }

    /// Brings a package back from the trash, by number or as `repository/format/name@version`. It is decided anew before
    /// it is served.
    ///
    /// # Errors
    /// `NotFound` when the trash has no such package; `Forbidden` without `write`; `Conflict` when other content took its
    /// place or the quota is used up.
    pub async fn restore(&self, caller: &Caller, what: &str) -> Result<Restored, Problem> {
        let id = self.find_in_trash(caller, what).await?;
        let (package, place) = self.writable(caller, id, Permission::Write).await?;
        let (at, actor) = (self.now(), caller.name().to_owned());
        let restored = meta::write(self.meta(), move |tx| {
            let held = crate::quota::Held::before(tx, &place)?;
            check_places(tx, &place, &package)?;
            let Some(restored) = tx.restore(id, at)? else {
                return Err(Problem::not_found("it is not in the trash"));
            };
            held.settle(tx, at)?;
            let cause = "restored".to_owned();
            tx.enqueue(&[NewJob {
                lane: Lane::Interactive,
                stage: Stage::Analyze,
                key: id.0,
                cause,
                due: Due::at_once(at),
            }])?;
            let body = json!({
                "package": id.0, "files": restored.files, "references": restored.references, "left": restored.left,
            });
            tx.append_event(&event(at, "package.restored", &actor, &place, &package.at, body))?;
            Ok(restored)
        })
        .await?;
        self.notice().await?;
        Ok(restored)
    }

    /// Deletes a package of the trash for good.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the caller is an administrator of its repository.
    pub async fn purge(&self, caller: &Caller, what: &str) -> Result<(), Problem> {
        let id = self.find_in_trash(caller, what).await?;
        let (package, place) = self.writable(caller, id, Permission::Admin).await?;
        let filter = TrashFilter {
            repositories: Some(vec![place.id]),
            at: Some(package.at),
            limit: 1,
            ..TrashFilter::default()
        };
        if self.purge_step(filter, caller.name()).await? == 0 {
            return Err(Problem::not_found(format!("package {} is not in the trash", id.0)));
        }
        self.notice().await
    }

    /// Empties the trash of a repository; gives how many packages it had.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator of it.
    pub async fn empty_trash(&self, caller: &Caller, repository: &str) -> Result<usize, Problem> {
        let place = self.repository(caller, repository, Permission::Admin).await?;
        let filter = TrashFilter { repositories: Some(vec![place.id]), limit: STEP, ..TrashFilter::default() };
        self.purge_all(filter, caller.name()).await
    }

    /// Purges what has been in the trash for long enough.
    pub(crate) async fn purge_due(&self) -> Result<usize, Problem> {
        let filter = TrashFilter { due: Some(self.now()), limit: STEP, ..TrashFilter::default() };
        self.purge_all(filter, "system").await
    }

    async fn purge_all(&self, filter: TrashFilter, actor: &str) -> Result<usize, Problem> {
        let mut purged = 0;
        loop {
            let step = self.purge_step(filter.clone(), actor).await?;
            purged += step;
            if step < filter.limit {
                self.notice().await?;
                return Ok(purged);
            }
        }
    }

    /// One transaction.
    async fn purge_step(&self, filter: TrashFilter, actor: &str) -> Result<usize, Problem> {
        let (at, actor) = (self.now(), actor.to_owned());
        meta::write(self.meta(), move |tx| {
            let found = tx.trash(&filter)?;
            for trashed in &found {
                let package = &trashed.package;
                tx.purge(package.id)?;
                let Some(place) = tx.repository_by_id(package.repository)? else { continue };
                let body = json!({
                    "package": package.id.0, "files": trashed.files, "bytes": trashed.bytes,
                    "deleted_at": trashed.deleted_at, "cause": trashed.cause,
                });
                tx.append_event(&event(at, "package.purged", &actor, &place, &package.at, body))?;
            }
            Ok(found.len())
        })
        .await
    }

    /// A package whatever its state, with its repository, in which the caller may do `needed`.
    pub(crate) async fn writable(
        &self,
        caller: &Caller,
        id: PackageId,
        needed: Permission,
    ) -> Result<(Package, Repository), Problem> {
        let hidden = || Problem::not_found(format!("there is no package {}", id.0));
        let found = meta::read(self.meta(), move |tx| {
            let Some(package) = tx.packages(&[id])?.pop() else { return Ok(None) };
            let place = tx.repository_by_id(package.repository)?;
            Ok(place.map(|place| (package, place)))
        })
        .await?;
        let (package, place) = found.ok_or_else(hidden)?;
        if caller.require(Permission::Read, &place).is_err() {
            return Err(hidden());
        }
        caller.require(needed, &place)?;
        Ok((package, place))
    }

    async fn find_in_trash(&self, caller: &Caller, what: &str) -> Result<PackageId, Problem> {
        if let Ok(id) = what.parse::<i64>() {
            return Ok(PackageId(id));
        }
        let unknown = || {
            Problem::not_found(format!(
                "the trash has no `{what}`; name it as repository/format/name@version or by its number, which `assay trash list` shows"
            ))
        };
        let scope = Scope::of_subject(what).ok_or_else(unknown)?;
        let (_, version) = what.rsplit_once('@').ok_or_else(unknown)?;
        let place = self.repository(caller, &scope.repository, Permission::Read).await?;
        let at = Coordinates { format: scope.format, name: scope.name, version: version.to_owned() };
        let filter =
            TrashFilter { repositories: Some(vec![place.id]), at: Some(at), limit: 1, ..TrashFilter::default() };
        let found = meta::read(self.meta(), move |tx| tx.trash(&filter)).await?.pop();
        found.map(|trashed| trashed.package.id).ok_or_else(unknown)
    }
}

/// Fails when other content has taken the place of a file that would come back.
fn check_places(tx: &mut dyn Tx, place: &Repository, package: &Package) -> Result<(), Problem> {
    for file in tx.trashed_files(package.id)? {
        let there = tx.file_at(place.id, &package.at.format, &package.at.name, &file.path)?;
        if let Some((other, _)) = there.filter(|(other, _)| other.digest != file.digest) {
            return Err(Problem::conflict(format!(
                "`{}` has other content by now; delete that first to restore what was there before",
                other.path
            )));
        }
    }
    Ok(())
}

/// An event about a package.
pub(crate) fn event(
    at: Timestamp,
    kind: &'static str,
    actor: &str,
    place: &Repository,
    of: &Coordinates,
    body: serde_json::Value,
) -> NewEvent {
    let scope = Scope { repository: place.name.clone(), format: of.format.clone(), name: of.name.clone() };
    NewEvent { at, kind, actor: actor.to_owned(), subject: scope.subject(&of.version), body }
}
