//! What is there: the cached view of one name, from which formats render indexes and the gate finds files. No SQL is
//! spent on a name that was looked at before and did not change since.

mod loaded;

pub(crate) use loaded::{Loaded, load_view};

use crate::{Desk, Engine, collect, trash::Removal};
use assay_model::{
    access::Permission,
    digest::Digest,
    event::NewEvent,
    package::{File, FileId, Package, PackageId, State},
    problem::Problem,
    repository::{Repository, RepositoryId},
    seam::{
        Task,
        format::{Known, SeenBlob, Shelf, Withdraw},
        meta::{self, Within},
        upstream::RemoteDocument,
    },
    view::PackageView,
};
use moka::Equivalent;
use serde_json::json;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// What is kept in memory per byte of text, per version and per file: strings, parsed metadata, the maps by path, digest
/// and number. Generous, so that the bound on the cache bounds the process.
const TEXT_WEIGHT: usize = 4;
const VERSION_WEIGHT: usize = 1024;
const FILE_WEIGHT: usize = 1536;

/// Names looked at for a blob that may be mounted from anywhere.
const HOLDERS: usize = 64;

/// One name of one format in one repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    pub(crate) format: String,
    pub(crate) name: String,
}

/// The same, borrowed: what is looked up often is not copied for it.
#[derive(Hash)]
pub(crate) struct ScopeRef<'a> {
    pub(crate) repository: &'a str,
    pub(crate) format: &'a str,
    pub(crate) name: &'a str,
}

impl Equivalent<Scope> for ScopeRef<'_> {
    fn equivalent(&self, scope: &Scope) -> bool {
        (self.name, self.repository, self.format) == (&*scope.name, &*scope.repository, &*scope.format)
    }
}

impl ScopeRef<'_> {
    pub(crate) fn to_owned(&self) -> Scope {
        Scope { repository: self.repository.to_owned(), format: self.format.to_owned(), name: self.name.to_owned() }
    }
}

impl Scope {
    /// The subject of events about a version: `repository/format/name@version`.
    pub(crate) fn subject(&self, version: &str) -> String {
        format!("{}/{}/{}@{version}", self.repository, self.format, self.name)
    }
    pub(crate) fn of_subject(subject: &str) -> Option<Self> {
        let (repository, rest) = subject.split_once('/')?;
        let (format, rest) = rest.split_once('/')?;
        let (name, _) = rest.rsplit_once('@')?;
        Some(Self { repository: repository.into(), format: format.into(), name: name.into() })
    }
}

/// A name as loaded: the view that formats see, and the standing that the gate reads.
pub(crate) struct Shelved {
    pub(crate) view: Arc<PackageView>,
    /// Versions that are here and not shown.
    pub(crate) hidden: BTreeSet<String>,
    own: bool,
    by_path: HashMap<String, FileId>,
    by_digest: HashMap<Digest, Vec<FileId>>,
    by_id: HashMap<FileId, (usize, usize)>,
    /// Bytes of memory, roughly.
    pub(crate) weight: u32,
}

impl Shelved {
    fn new(view: PackageView, (hidden, own): (BTreeSet<String>, bool), text: usize) -> Self {
        let view = Arc::new(view);
        let files: usize = view.versions.iter().map(|version| version.files.len()).sum();
        let bytes = text * TEXT_WEIGHT + view.versions.len() * VERSION_WEIGHT + files * FILE_WEIGHT + VERSION_WEIGHT;
        let weight = u32::try_from(bytes).unwrap_or(u32::MAX);
        let (by_path, by_digest, by_id) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut shelved = Self { by_path, by_digest, by_id, view, hidden, own, weight };
        for (v, version) in shelved.view.versions.iter().enumerate() {
            for (f, file) in version.files.iter().enumerate() {
                shelved.by_id.insert(file.id, (v, f));
                shelved.by_digest.entry(file.digest.clone()).or_default().push(file.id);
                let better = !shelved.by_path.contains_key(&file.path) || version.package.state == State::Available;
                if better {
                    shelved.by_path.insert(file.path.clone(), file.id);
                }
            }
        }
        shelved
    }
    pub(crate) fn get(&self, id: FileId) -> Option<(&File, &Package)> {
        let (v, f) = self.by_id.get(&id)?;
        let version = self.view.versions.get(*v)?;
        Some((version.files.get(*f)?, &version.package))
    }
    /// Whether any version was published here, rather than taken from an upstream. Hidden and
    /// deleted ones count: a name stays ours.
    pub(crate) fn has_own(&self) -> bool {
        self.own
    }
    /// Of the files with this digest, the one whose package stands best: a layer that an allowed image shares with a
    /// blocked one is served.
    fn with_digest(&self, digest: &Digest) -> Option<&File> {
        let ids = self.by_digest.get(digest)?;
        let rank = |state: State| match state {
            State::Available => 0,
            State::Pending => 1,
            _ => 2,
        };
        ids.iter().filter_map(|id| self.get(*id)).min_by_key(|(_, package)| rank(package.state)).map(|(file, _)| file)
    }
}

impl Engine {
    /// The view of a name, from memory where it did not change.
    pub(crate) async fn shelved(
        self: &Arc<Self>,
        scope: &Scope,
        repository: RepositoryId,
    ) -> Result<Arc<Shelved>, Problem> {
        if let Some(found) = self.shelves.get(scope) {
            return Ok(found);
        }
        let epoch = self.notices.epoch();
        let wanted = scope.clone();
        let loaded = meta::read(self.meta(), move |tx| load_view(tx, repository, &wanted)).await?;
        let Loaded { mut view, hidden, own, text } = loaded;
        self.explain_blocked(scope, &mut view).await?;
        let shelved = Arc::new(Shelved::new(view, (hidden, own), text));
        if self.notices.epoch() == epoch {
            let home = Arc::new(scope.clone());
            for id in shelved.by_id.keys() {
                self.homes.insert(*id, home.clone());
            }
            self.shelves.insert(scope.clone(), shelved.clone());
            // it may have changed between the look and the insertion
            if self.notices.epoch() != epoch {
                self.shelves.invalidate(scope);
            }
        }
        Ok(shelved)
    }

    /// The digest that content is stored by; nothing where content is not known by `digest`.
    async fn stored_by(&self, digest: &Digest) -> Result<Option<Digest>, Problem> {
        if digest.algorithm() == "sha256" {
            return Ok(Some(digest.clone()));
        }
        let alias = digest.clone();
        meta::read(self.meta(), move |tx| tx.alias(&alias)).await
    }

    async fn explain_blocked(self: &Arc<Self>, scope: &Scope, view: &mut PackageView) -> Result<(), Problem> {
        let blocked: Vec<usize> = view
            .versions
            .iter()
            .enumerate()
            .filter(|(_, v)| v.package.state == State::Quarantined)
            .map(|(i, _)| i)
            .collect();
        for i in blocked {
            let refusal = self.refusal_in(scope, view, i).await?;
            if let Some(version) = view.versions.get_mut(i) {
                version.blocked = Some(refusal.sentence());
            }
        }
        let shown: BTreeSet<PackageId> = view.versions.iter().map(|v| v.package.id).collect();
        view.references.retain(|r| shown.contains(&r.package));
        Ok(())
    }
}

impl Shelf for Desk {
    fn view<'a>(&'a self, name: &'a str) -> Task<'a, Option<Arc<PackageView>>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.view(self.scope(name), &self.engine).await;
            }
            self.require(Permission::Read)?;
            let shelved = self.shelved(name).await?;
            let view = match self.listing(name, &shelved).await? {
                Some(listing) => self.merged(self.scope(name), &shelved, &listing),
                None => shelved.view.clone(),
            };
            Ok((!view.versions.is_empty()).then_some(view))
        })
    }

    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.names(after, limit).await;
            }
            self.require(Permission::Read)?;
            let (repository, format, after) = (self.repository.id, self.format.spec().id, after.map(str::to_owned));
            let from = after.clone();
            let names =
                meta::read(self.engine.meta(), move |tx| tx.package_names(repository, format, from.as_deref(), limit))
                    .await?;
            let remote = self.remote_names().await?;
            Ok(if remote.is_empty() { names } else { remote.join(names, after.as_deref(), limit) })
        })
    }

    fn file<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<File>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.file(name, path).await;
            }
            self.require(Permission::Read)?;
            let shelved = self.shelved(name).await?;
            let id = shelved.by_path.get(path);
            Ok(id.and_then(|id| shelved.get(*id)).map(|(file, _)| file.clone()))
        })
    }

    fn fetch<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<FileId>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.fetch(name, path).await;
            }
            self.require(Permission::Read)?;
            let shelved = self.shelved(name).await?;
            match shelved.by_path.get(path) {
                Some(id) => Ok(Some(*id)),
                None => self.take(name, path, &shelved).await,
            }
        })
    }

    fn find<'a>(&'a self, name: &'a str, what: &'a str) -> Task<'a, Option<String>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.find(name, what).await;
            }
            self.require(Permission::Read)?;
            let shelved = self.shelved(name).await?;
            match self.find_remote(name, what, &shelved).await {
                Ok(Some(offer)) if shelved.hidden.contains(&offer.version.version) => return Ok(None),
                Ok(Some(offer)) => {
                    self.note_reference(name, &offer, &shelved).await?;
                    return Ok(Some(offer.version.version.clone()));
                }
                Err(problem) if shelved.view.versions.is_empty() => return Err(problem),
                Ok(None) | Err(_) => {}
            }
            let view = &shelved.view;
            let reference = view.references.iter().find(|reference| reference.name == what);
            let version = view.versions.iter().find(|version| version.package.at.version == what);
            let version = version.map(|version| version.package.at.version.clone());
            Ok(reference.map(|reference| reference.version.clone()).or(version))
        })
    }

    fn remote_tags<'a>(&'a self, name: &'a str) -> Task<'a, Vec<String>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.remote_tags(name).await;
            }
            self.require(Permission::Read)?;
            let shelved = self.shelved(name).await?;
            self.tags_of_upstreams(name, &shelved).await
        })
    }

    fn relay<'a>(&'a self, what: &'a str, address: &'a str) -> Task<'a, Option<RemoteDocument>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.relay(what, address).await;
            }
            self.require(Permission::Read)?;
            self.relayed(what, address).await
        })
    }

    fn search<'a>(&'a self, text: &'a str, skip: usize, limit: usize) -> Task<'a, (Vec<String>, usize)> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.search(text, skip, limit).await;
            }
            self.require(Permission::Read)?;
            let (repository, format, text) = (self.repository.id, self.format.spec().id, text.to_owned());
            meta::read(self.engine.meta(), move |tx| {
                tx.search_names(&Within { repository, format }, &text, skip, limit)
            })
            .await
        })
    }

    fn blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move {
            if let Some(composed) = &self.composed {
                return composed.blob(name, digest).await;
            }
            self.require(Permission::Read)?;
            let Some(digest) = &self.engine.stored_by(digest).await? else { return Ok(None) };
            let shelved = self.shelved(name).await?;
            if let Some(file) = shelved.with_digest(digest) {
                return Ok(Some(SeenBlob { digest: digest.clone(), size: file.size, file: Some(file.id) }));
            }
            if let Some(seen) = self.take_blob(name, digest, &shelved).await? {
                return Ok(Some(seen));
            }
            if self.require(Permission::Write).is_err() {
                return Ok(None);
            }
            let (repository, format) = (self.repository.id, self.format.spec().id);
            let (name, wanted) = (name.to_owned(), digest.clone());
            let size =
                meta::read(self.engine.meta(), move |tx| tx.staged_blob(repository, format, &name, &wanted)).await?;
            if size.is_some()
                && let Ok(mut seen) = self.staged_seen.lock()
            {
                seen.insert(digest.clone());
            }
            Ok(size.map(|size| SeenBlob { digest: digest.clone(), size, file: None }))
        })
    }

    fn findings<'a>(&'a self, versions: &'a [(String, String)]) -> Task<'a, Vec<Known>> {
        Box::pin(async move {
            self.require(Permission::Read)?;
            match self.format.spec().ecosystem {
                Some(purl_type) => self.engine.known(purl_type, versions).await,
                None => Ok(Vec::new()),
            }
        })
    }

    fn withdraw<'a>(&'a self, what: Withdraw) -> Task<'a, bool> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.withdraw(what).await;
            }
            self.require(Permission::Write)?;
            if let Withdraw::Reference { reference, .. } = &what
                && self.repository.settings.immutable_tags
            {
                return Err(Problem::conflict(format!(
                    "`{reference}` stays where it is: tags of this repository are immutable"
                )));
            }
            let at = self.engine.now();
            let (repository, format) = (self.repository.id, self.format.spec().id);
            let (place, actor) = (self.repository.name.clone(), self.caller.name().to_owned());
            let removal = Removal::new(&self.repository, &self.caller, at, "deleted");
            let engine = self.engine.clone();
            let done = meta::write(self.engine.meta(), move |tx| {
                let scope = |name: &str| Scope { repository: place.clone(), format: format.into(), name: name.into() };
                let (existed, kind, subject) = match &what {
                    Withdraw::Version { name, version } => {
                        let found = tx.packages_named(repository, format, name, Some(version))?;
                        for package in &found {
                            removal.allowed(tx, package)?;
                            removal.apply(&engine, tx, package.id)?;
                        }
                        (!found.is_empty(), "package.deleted", scope(name).subject(version))
                    }
                    Withdraw::Reference { name, reference } => {
                        removal.allowed_reference(reference)?;
                        let all = tx.references(repository, format, name)?;
                        let pointed = all.iter().filter(|one| one.name == *reference).map(|one| one.package).collect();
                        let existed = tx.delete_reference(repository, format, name, reference)?;
                        engine.decide_retagged(tx, pointed, at)?;
                        (existed, "package.untagged", scope(name).subject(reference))
                    }
                    Withdraw::Blob { name, digest } => {
                        return tx.unstage_blob(repository, format, name, digest);
                    }
                };
                if existed {
                    tx.append_event(&NewEvent { at, kind, actor: actor.clone(), subject, body: json!({}) })?;
                }
                Ok(existed)
            })
            .await?;
            self.engine.notice().await?;
            Ok(done)
        })
    }

    fn mount<'a>(
        &'a self,
        name: &'a str,
        from_repository: &'a str,
        from_name: &'a str,
        digest: &'a Digest,
    ) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.mount(name, from_repository, from_name, digest).await;
            }
            self.require(Permission::Write)?;
            let Some(source) = self.engine.find_repository(from_repository).await? else { return Ok(None) };
            self.mount_from(name, source, from_name, digest).await
        })
    }

    fn mount_found<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.mount_found(name, digest).await;
            }
            self.require(Permission::Write)?;
            let Some(digest) = &self.engine.stored_by(digest).await? else { return Ok(None) };
            let (format, wanted) = (self.format.spec().id, digest.clone());
            let (repositories, holders) = meta::read(self.engine.meta(), move |tx| {
                Ok((tx.repositories()?, tx.holders(format, &wanted, HOLDERS)?))
            })
            .await?;
            for (place, from_name) in holders {
                let Some(source) = repositories.iter().find(|repository| repository.id == place) else { continue };
                if let Some(seen) = self.mount_from(name, Arc::new(source.clone()), &from_name, digest).await? {
                    return Ok(Some(seen));
                }
            }
            Ok(None)
        })
    }
}

impl Desk {
    /// Stages a blob that the caller may read under a name of another repository.
    async fn mount_from(
        &self,
        name: &str,
        source: Arc<Repository>,
        from_name: &str,
        digest: &Digest,
    ) -> Result<Option<SeenBlob>, Problem> {
        if self.caller.require(Permission::Read, &source).is_err() {
            return Ok(None);
        }
        let from = Desk::new(self.engine.clone(), source, self.format, self.caller.clone());
        // what may not leave there may not leave by way of here; waits while it is being inspected
        if let Some(file) = from.blob(from_name, digest).await?.and_then(|seen| seen.file)
            && from.clear(file).await.is_err()
        {
            return Ok(None);
        }
        let Some(seen) = from.blob(from_name, digest).await? else { return Ok(None) };
        if self.engine.parts.blobs.stat(&seen.digest).await?.is_none() {
            return Ok(None);
        }
        let (at, repository, format) = (self.engine.now(), self.repository.id, self.format.spec().id);
        let (name, wanted, size) = (name.to_owned(), seen.digest.clone(), seen.size);
        let staged = meta::write(self.engine.meta(), move |tx| {
            collect::if_kept(tx, &wanted, |tx| tx.stage_blob(repository, format, &name, &wanted, size, at))
        });
        Ok(staged.await?.then_some(SeenBlob { file: None, ..seen }))
    }
}
