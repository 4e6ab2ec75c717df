//! Composed (virtual) repositories: an ordered list of others behind one address. Permissions, decisions and settings are
//! always those of the member that really serves; a composed repository holds nothing itself.
//!
//! Of a name that some member published itself, only such members give versions: what another member could take from an
//! upstream under that name may be somebody else's. A member that the caller may not read still closes the names that it
//! published, so that a private name never becomes a public one.

use crate::{
    Desk, Engine,
    gate::{Cleared, Denied},
    shelf::Scope,
};
use assay_model::{
    access::{Caller, Permission},
    digest::Digest,
    package::{File, FileId},
    problem::{Kind, Problem},
    repository::{Repository, Settings},
    seam::{
        format::{Format, SeenBlob, Shelf},
        upstream::RemoteDocument,
    },
    view::PackageView,
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

/// How deep composed repositories may contain each other.
const DEPTH: usize = 4;

/// The members of a composed repository, as one caller sees them.
pub(crate) struct Composed {
    /// In order; composed members are replaced by theirs.
    members: Vec<Desk>,
    target: Option<Box<Desk>>,
}

impl Engine {
    /// The members of a repository, for one caller; nothing for one that holds packages itself.
    pub(crate) async fn composition(
        self: &Arc<Self>,
        repository: &Repository,
        format: &'static dyn Format,
        caller: &Caller,
    ) -> Result<Option<Composed>, Problem> {
        if repository.settings.members.is_empty() {
            return Ok(None);
        }
        let desk = |member: Arc<Repository>| Desk::new(self.clone(), member, format, caller.clone());
        let members = self.members_of(&repository.settings).await?.into_iter().map(desk).collect();
        let target = match repository.settings.push_to.as_str() {
            "" => None,
            name => self.find_repository(name).await?.map(|target| Box::new(desk(target))),
        };
        Ok(Some(Composed { members, target }))
    }

    /// The repositories that hold what a composed one shows, in order.
    async fn members_of(&self, settings: &Settings) -> Result<Vec<Arc<Repository>>, Problem> {
        let mut found: Vec<Arc<Repository>> = Vec::new();
        let mut left: Vec<(String, usize)> = settings.members.iter().rev().map(|name| (name.clone(), 1)).collect();
        while let Some((name, depth)) = left.pop() {
            let Some(member) = self.find_repository(&name).await? else { continue };
            match member.settings.members.as_slice() {
                [] if found.iter().all(|known| known.id != member.id) => found.push(member),
                [] => {}
                inner if depth < DEPTH => left.extend(inner.iter().rev().map(|name| (name.clone(), depth + 1))),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Checks what a repository says of its members.
    ///
    /// # Errors
    /// `Invalid` for a member that is not there or contains the repository.
    pub(crate) async fn check_members(&self, name: &str, settings: &Settings) -> Result<(), Problem> {
        let wrong = |message: String| Err(Problem::invalid("bad-members", message));
        let mut seen = BTreeSet::new();
        let mut left: Vec<(String, usize)> = settings.members.iter().map(|member| (member.clone(), 1)).collect();
        while let Some((member, depth)) = left.pop() {
            if member == name {
                return wrong(format!("repository `{name}` would be a member of itself"));
            }
            if depth > DEPTH {
                return wrong(format!("composed repositories may contain each other {DEPTH} deep"));
            }
            let Some(found) = self.find_repository(&member).await? else {
                return wrong(format!("there is no repository `{member}` to be a member"));
            };
            if seen.insert(member) {
                left.extend(found.settings.members.iter().map(|inner| (inner.clone(), depth + 1)));
            }
        }
        if !settings.push_to.is_empty() && !settings.members.contains(&settings.push_to) {
            return wrong(format!("`push_to` is `{}`, which is not among the members", settings.push_to));
        }
        Ok(())
    }
}

impl Desk {
    /// Where what is published here goes, for a composed repository.
    pub(crate) fn target(&self) -> Result<Option<&Desk>, Problem> {
        let Some(composed) = &self.composed else { return Ok(None) };
        let name = &self.repository.name;
        let none = || {
            Problem::new(
                Kind::Forbidden,
                "composed-repository",
                format!(
                    "repository `{name}` is composed of others ({}) and holds nothing itself; publish to one of them, or \
                     set `push_to`",
                    self.repository.settings.members.join(", ")
                ),
            )
        };
        composed.target.as_deref().map(Some).ok_or_else(none)
    }
}

impl Composed {
    pub(crate) fn require(&self, needed: Permission) -> Option<Result<(), Problem>> {
        let may = |desk: &Desk| desk.require(needed);
        match needed {
            Permission::Read if self.members.iter().any(|desk| may(desk).is_ok()) => Some(Ok(())),
            Permission::Write => self.target.as_deref().map(may),
            _ => None,
        }
    }

    /// The members that may give a name, in order.
    async fn giving(&self, name: &str) -> Result<Vec<&Desk>, Problem> {
        let mut all = Vec::new();
        let mut published = false;
        for desk in &self.members {
            let own = desk.publishes(name).await?;
            published |= own;
            all.push((desk, own));
        }
        let mut giving = Vec::new();
        for (desk, own) in all {
            let may = desk.require(Permission::Read).is_ok();
            if own && !may {
                break;
            }
            if may && (own || !published || desk.may_shadow(name).await?) {
                giving.push(desk);
            }
        }
        Ok(giving)
    }

    pub(crate) async fn view(&self, scope: Scope, engine: &Engine) -> Result<Option<Arc<PackageView>>, Problem> {
        let mut views = Vec::new();
        for desk in self.giving(&scope.name).await? {
            views.extend(desk.view(&scope.name).await?);
        }
        if views.len() <= 1 {
            return Ok(views.pop());
        }
        let revisions: Vec<&str> = views.iter().map(|view| view.revision.as_str()).collect();
        let revision: String = Digest::of(revisions.join(" ").as_bytes()).hex().chars().take(32).collect();
        Ok(Some(engine.joined(scope, &revision, || join(&views, &revision))))
    }

    pub(crate) async fn names(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, Problem> {
        let mut all = BTreeSet::new();
        for desk in self.readable() {
            all.extend(desk.names(after, limit).await?);
        }
        Ok(all.into_iter().take(limit).collect())
    }

    pub(crate) async fn search(&self, text: &str, skip: usize, limit: usize) -> Result<(Vec<String>, usize), Problem> {
        let mut all = BTreeSet::new();
        let mut count = 0;
        for desk in self.readable() {
            let (names, of) = desk.search(text, 0, skip.saturating_add(limit)).await?;
            let before = all.len();
            let given = names.len();
            all.extend(names);
            count += of.saturating_sub(given) + (all.len() - before);
        }
        Ok((all.into_iter().skip(skip).take(limit).collect(), count))
    }

    fn readable(&self) -> impl Iterator<Item = &Desk> {
        self.members.iter().filter(|desk| desk.require(Permission::Read).is_ok())
    }

    pub(crate) async fn file(&self, name: &str, path: &str) -> Result<Option<File>, Problem> {
        for desk in self.giving(name).await? {
            if let Some(file) = desk.file(name, path).await? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// A member whose upstream turns out not to have the file gives way to the next.
    pub(crate) async fn fetch(&self, name: &str, path: &str) -> Result<Option<FileId>, Problem> {
        let giving = self.giving(name).await?;
        let mut last = None;
        for desk in giving {
            let Some(id) = desk.fetch(name, path).await? else { continue };
            if desk.engine.comes(id).await {
                return Ok(Some(id));
            }
            last = Some(id);
        }
        Ok(last)
    }

    pub(crate) async fn relay(&self, what: &str, address: &str) -> Result<Option<RemoteDocument>, Problem> {
        for desk in self.members.iter().filter(|desk| desk.require(Permission::Read).is_ok()) {
            if let Some(document) = desk.relay(what, address).await? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    pub(crate) async fn find(&self, name: &str, what: &str) -> Result<Option<String>, Problem> {
        for desk in self.giving(name).await? {
            if let Some(version) = desk.find(name, what).await? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    pub(crate) async fn remote_tags(&self, name: &str) -> Result<Vec<String>, Problem> {
        let mut tags = BTreeSet::new();
        for desk in self.giving(name).await? {
            tags.extend(desk.remote_tags(name).await?);
        }
        Ok(tags.into_iter().collect())
    }

    pub(crate) async fn blob(&self, name: &str, digest: &Digest) -> Result<Option<SeenBlob>, Problem> {
        for desk in self.giving(name).await? {
            if let Some(seen) = desk.blob(name, digest).await? {
                return Ok(Some(seen));
            }
        }
        Ok(None)
    }

    /// Only the member that has the file knows it.
    pub(crate) async fn clear(&self, id: FileId) -> Result<Cleared, Denied> {
        for desk in &self.members {
            if desk.has(id).await? {
                return Box::pin(desk.clear(id)).await;
            }
        }
        Err(Problem::not_found("there is no such file").into())
    }

    pub(crate) async fn clear_staged(&self, digest: &Digest) -> Result<Cleared, Denied> {
        for desk in &self.members {
            if let Ok(cleared) = Box::pin(desk.clear_staged(digest)).await {
                return Ok(cleared);
            }
        }
        Err(Problem::not_found("there is no such blob").into())
    }
}

/// All versions and mutable names; the first that has one gives it.
fn join(views: &[Arc<PackageView>], revision: &str) -> PackageView {
    let mut joined = PackageView {
        name: views.first().map(|view| view.name.clone()).unwrap_or_default(),
        versions: Vec::new(),
        references: Vec::new(),
        revision: revision.to_owned(),
    };
    let (mut versions, mut references) = (HashSet::new(), HashSet::new());
    for view in views {
        for version in &view.versions {
            if versions.insert(version.package.at.version.clone()) {
                joined.versions.push(version.clone());
            }
        }
        for reference in &view.references {
            if references.insert(reference.name.clone()) {
                joined.references.push(reference.clone());
            }
        }
    }
    joined
}
