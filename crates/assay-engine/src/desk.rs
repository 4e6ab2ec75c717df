//! A desk: the engine as one format sees it, scoped to one repository and one caller. Every method checks the caller's
//! permission on the repository that is served, so that a format cannot forget to.

use crate::{
    Engine,
    shelf::{Scope, ScopeRef, Shelved},
};
use assay_model::{
    access::{Caller, Permission},
    digest::Digest,
    problem::Problem,
    repository::Repository,
    seam::{
        ReadSeek, Task,
        format::{Document, Format, Repo, Staged},
    },
    view::PackageView,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// One repository, one format, one caller.
pub struct Desk {
    pub(crate) engine: Arc<Engine>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) format: &'static dyn Format,
    pub(crate) caller: Caller,
    /// Staged digests that were looked up at this desk: only these may be read back.
    pub(crate) staged_seen: Mutex<BTreeSet<Digest>>,
    /// The name that was looked at last, and the epoch of notices before.
    pub(crate) seen: Mutex<Option<(u64, Arc<Shelved>)>>,
    /// The repositories behind a composed one.
    pub(crate) composed: Option<crate::composed::Composed>,
    /// Whether the client is a tool that signs.
    pub(crate) signs: bool,
    /// Whether only the name of a document is asked for: its digest and size, none of its bytes.
    pub(crate) names_only: bool,
}

impl Engine {
    /// A desk for `caller` in the repository of that name.
    ///
    /// # Errors
    /// `NotFound`, or `Unauthenticated` for a caller who might learn of a repository by asking.
    pub async fn desk(
        self: &Arc<Self>,
        repository: &str,
        format: &'static dyn Format,
        caller: Caller,
    ) -> Result<Desk, Problem> {
        self.be_current().await?;
        let Some(repository) = self.find_repository(repository).await? else {
            return Err(match caller {
                Caller::Anonymous => Problem::new(
                    assay_model::Kind::Unauthenticated,
                    "unauthenticated",
                    "authentication required: this repository does not exist, or needs a token",
                ),
                _ => Problem::not_found(format!("there is no repository `{repository}`")),
            });
        };
        let composed = self.composition(&repository, format, &caller).await?;
        let desk = Desk { composed, ..Desk::new(self.clone(), repository, format, caller) };
        desk.require(Permission::Read)?;
        Ok(desk)
    }
}

impl Desk {
    pub(crate) fn new(
        engine: Arc<Engine>,
        repository: Arc<Repository>,
        format: &'static dyn Format,
        caller: Caller,
    ) -> Self {
        Self {
            engine,
            repository,
            format,
            caller,
            staged_seen: Mutex::default(),
            seen: Mutex::default(),
            composed: None,
            signs: false,
            names_only: false,
        }
    }
    pub(crate) fn require(&self, needed: Permission) -> Result<(), Problem> {
        match self.composed.as_ref().and_then(|composed| composed.require(needed)) {
            Some(outcome) => outcome,
            None => self.caller.require(needed, &self.repository),
        }
    }
    /// The same desk for a tool that signs what is here, or not.
    #[must_use]
    pub fn for_signing(mut self, signs: bool) -> Self {
        self.signs = signs;
        self
    }
    /// The same desk for a request that gets no bytes (`HEAD`), or for one that does.
    #[must_use]
    pub fn for_naming(mut self, names_only: bool) -> Self {
        self.names_only = names_only;
        self
    }
    /// Whether the caller may write here.
    ///
    /// # Errors
    /// `Unauthenticated`, `Forbidden`.
    pub fn may_write(&self) -> Result<(), Problem> {
        self.require(Permission::Write)
    }
    /// A name of this repository, from memory where it did not change.
    pub(crate) async fn shelved(&self, name: &str) -> Result<Arc<Shelved>, Problem> {
        self.engine.be_current().await?;
        let epoch = self.engine.notices.epoch();
        let scope = ScopeRef { repository: &self.repository.name, format: self.format.spec().id, name };
        let shelved = match self.engine.shelves.get(&scope) {
            Some(found) => found,
            None => self.engine.shelved(&scope.to_owned(), self.repository.id).await?,
        };
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Some((epoch, shelved.clone()));
        }
        Ok(shelved)
    }
    /// The name that was looked at last, unless anything changed anywhere since.
    pub(crate) fn just_seen(&self) -> Option<Arc<Shelved>> {
        let seen = self.seen.lock().ok()?;
        let (epoch, shelved) = seen.as_ref()?;
        (*epoch == self.engine.notices.epoch()).then(|| shelved.clone())
    }
    /// Forgets the name that was looked at last.
    pub(crate) fn look_again(&self) {
        if let Ok(mut seen) = self.seen.lock() {
            *seen = None;
        }
    }
    pub(crate) fn scope(&self, name: &str) -> Scope {
        Scope {
            repository: self.repository.name.clone(),
            format: self.format.spec().id.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl Repo for Desk {
    fn rendered(&self, view: &PackageView, form: &str, render: &(dyn Fn(&PackageView) -> Document + Sync)) -> Document {
        self.engine.rendered.get(&self.scope(&view.name), &view.revision, form, || render(view))
    }
    fn repository(&self) -> &str {
        &self.repository.name
    }
    fn caller(&self) -> &Caller {
        &self.caller
    }
    fn read<'a>(&'a self, staged: &'a Staged) -> Task<'a, Box<dyn ReadSeek>> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.read(staged).await;
            }
            self.require(Permission::Write)?;
            self.engine.parts.blobs.local(&staged.digest).await
        })
    }
}
