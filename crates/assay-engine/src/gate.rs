//! The serve gate: the only way out for bytes. It authorises the caller on the repository that is really served, reads
//! the package's state, and gives a [`Cleared`] that nothing else can make.

use crate::{
    Desk, Engine,
    shelf::Shelved,
    upstream::{Flight, Outcome, Stage, follow},
};
use assay_model::{
    access::{Caller, Permission},
    decision::DecisionId,
    digest::Digest,
    package::{File, FileId, Package, PackageId, Role, State},
    problem::{Kind, Problem},
    refusal::Refusal,
    repository::Repository,
    seam::{ByteStream, meta},
    upstream::Mode,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jiff::Timestamp;
use std::{ops::Range, sync::Arc, time::Duration};

const SMALL: u64 = 64 << 10;

/// What is said first to a tool that signs where a signature would not help.
const NOT_TO_SIGN: &str =
    "it lacks more than a signature, so it is not given to be signed: mend the following first, or have it released";

/// Bytes that may leave. Only the gate makes one.
pub struct Cleared {
    digest: Option<Digest>,
    size: u64,
    media_type: String,
    decision: Option<DecisionId>,
    stored_at: Option<Timestamp>,
    /// Set while the bytes still arrive from an upstream.
    flight: Option<Arc<Flight>>,
    /// What a download of it counts for.
    counted: Option<(PackageId, FileId)>,
}

impl Cleared {
    /// SHA-256 of the bytes: a strong validator. Not known while they still arrive.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
    /// `Content-Type`.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }
    /// The decision that allows it.
    pub fn decision(&self) -> Option<&DecisionId> {
        self.decision.as_ref()
    }
    /// What a download of it counts for; nothing for parts that come with something else.
    pub(crate) fn counted(&self) -> Option<(PackageId, FileId)> {
        self.counted
    }
    /// When the file arrived: `Last-Modified`.
    pub fn stored_at(&self) -> Option<Timestamp> {
        self.stored_at
    }
}

/// Why bytes may not leave.
#[derive(Debug)]
pub enum Denied {
    /// Not found, not permitted, not ready.
    Problem(Problem),
    /// Decided against.
    Refused(Box<Refusal>),
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Desk {
    /// Clears a file for this caller, waiting up to the repository's hold for a decision that is under way.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn clear(&self, id: FileId) -> Result<Cleared, Denied> {
        if let Some(composed) = &self.composed {
            return composed.clear(id).await;
        }
        self.require(Permission::Read)?;
        let hold = Duration::from_secs(u64::from(self.repository.settings.hold_seconds));
        let deadline = tokio::time::Instant::now() + hold;
        let id = match self.arrive(id, deadline).await? {
            Arrived::Stored(id) => id,
            Arrived::Passing(cleared) => return Ok(cleared),
        };
        // who waits is woken by commits after it began to, so it looks once more before it does
        let mut commits = None;
        loop {
            let shelved = self.home_of(id).await?;
            let Some((file, package)) = shelved.get(id) else {
                return Err(Problem::not_found("there is no such file").into());
            };
            if package.repository != self.repository.id {
                return Err(Problem::not_found("there is no such file").into());
            }
            match package.state {
                State::Available => return Ok(cleared(file, package)),
                State::Quarantined if self.may_name(file) || self.may_sign(file, package).await? => {
                    return Ok(Cleared { counted: None, ..cleared(file, package) });
                }
                State::Quarantined => {
                    let mut refusal = self.refusal(&shelved, package).await?;
                    if self.asks_to_sign(file) {
                        refusal.reasons.insert(0, NOT_TO_SIGN.to_owned());
                    }
                    return Err(Denied::Refused(Box::new(refusal)));
                }
                State::Hidden | State::Deleted => return Err(Problem::not_found("there is no such file").into()),
                State::Pending if self.leaves_undecided(package).await? => return Ok(cleared(file, package)),
                State::Pending => {}
            }
            let Some(commits) = &mut commits else {
                commits = Some(self.engine.notices.subscribe());
                self.look_again();
                continue;
            };
            if tokio::time::timeout_at(deadline, commits.changed()).await.is_err() {
                return Err(
                    Problem::busy("this package is still being inspected; try again in a few seconds", 5).into()
                );
            }
        }
    }

    /// Clears bytes that are staged and belong to no package yet, for those who may write here.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn clear_staged(&self, digest: &Digest) -> Result<Cleared, Denied> {
        if let Some(composed) = &self.composed {
            return composed.clear_staged(digest).await;
        }
        self.require(Permission::Write)?;
        if !self.staged_seen.lock().is_ok_and(|seen| seen.contains(digest)) {
            return Err(Problem::not_found("there is no such blob").into());
        }
        let wanted = digest.clone();
        let size = meta::read(self.engine.meta(), move |tx| tx.blob_size(&wanted)).await?;
        let size = size.ok_or_else(|| Problem::not_found("there is no such blob"))?;
        Ok(Cleared {
            digest: Some(digest.clone()),
            size,
            media_type: "application/octet-stream".to_owned(),
            decision: None,
            stored_at: None,
            flight: None,
            counted: None,
        })
    }

    /// Whether a file, here or on its way, is this repository's.
    pub(crate) async fn has(&self, id: FileId) -> Result<bool, Problem> {
        if id.0 < 0 {
            return Ok(self.engine.errand(id).is_some_and(|errand| errand.repository == self.repository.id));
        }
        match self.home_of(id).await {
            Ok(_) => Ok(true),
            Err(problem) if problem.kind == Kind::NotFound => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// Waits for a file that is on its way from an upstream, as long as its mode asks for.
    async fn arrive(&self, id: FileId, deadline: tokio::time::Instant) -> Result<Arrived, Denied> {
        if id.0 >= 0 {
            return Ok(Arrived::Stored(id));
        }
        let missing = || Problem::not_found("there is no such file");
        let errand =
            self.engine.errand(id).filter(|errand| errand.repository == self.repository.id).ok_or_else(missing)?;
        let (flight, mode) = match &errand.outcome {
            Outcome::Withheld(refusal) => return Err(Denied::Refused(refusal.clone())),
            Outcome::Flight(flight, mode) => (flight, *mode),
        };
        let mut stage = flight.watch();
        loop {
            match stage.borrow_and_update().clone() {
                Stage::Landed(id) => return Ok(Arrived::Stored(id)),
                Stage::Lost(lost) => return Err(lost.problem().into()),
                Stage::Verified { digest, size } if mode == Mode::Open => {
                    return Ok(Arrived::Passing(passing(flight, Some(digest), size)));
                }
                Stage::Arriving { size: Some(size), .. } if mode == Mode::Open => {
                    return Ok(Arrived::Passing(passing(flight, None, size)));
                }
                _ => {}
            }
            if tokio::time::timeout_at(deadline, stage.changed()).await.is_err() {
                let message = "this file is still being fetched from its upstream; try again in a few seconds";
                return Err(Problem::busy(message, 5).into());
            }
        }
    }

    /// Whether a quarantined file may be named, without a byte of it: to whoever may write here, the document that others
    /// refer to. A statement that would release an image could not be attached to it otherwise.
    fn may_name(&self, file: &File) -> bool {
        self.names_only && file.role == Some(Role::Image) && self.require(Permission::Write).is_ok()
    }

    /// Whether a quarantined file may leave to be signed: to a tool that signs, of whoever may write here, only the document
    /// that a signature is about, and only where a signature is what it lacks. It could not be signed otherwise.
    async fn may_sign(&self, file: &File, package: &Package) -> Result<bool, Problem> {
        Ok(self.asks_to_sign(file) && self.engine.awaits_signature(package).await?)
    }

    fn asks_to_sign(&self, file: &File) -> bool {
        self.signs && file.role == Some(Role::Image) && self.require(Permission::Write).is_ok()
    }

    /// Whether an undecided package may leave: only what came from an upstream that is set to open.
    async fn leaves_undecided(&self, package: &Package) -> Result<bool, Problem> {
        match &package.origin {
            // new bytes of what was decided before wait like all others
            Some(origin) if package.decision.is_none() => self.is_open(origin).await,
            _ => Ok(false),
        }
    }

    async fn home_of(&self, id: FileId) -> Result<Arc<Shelved>, Problem> {
        self.engine.be_current().await?;
        if let Some(shelved) = self.just_seen().filter(|shelved| shelved.get(id).is_some()) {
            return Ok(shelved);
        }
        let scope = match self.engine.homes.get(&id) {
            Some(scope) => scope,
            None => {
                let found = meta::read(self.engine.meta(), move |tx| tx.file(id)).await?;
                let (_, package) = found.ok_or_else(|| Problem::not_found("there is no such file"))?;
                Arc::new(self.scope(&package.at.name))
            }
        };
        if scope.repository != self.repository.name || scope.format != self.format.spec().id {
            return Err(Problem::not_found("there is no such file"));
        }
        self.engine.shelved(&scope, self.repository.id).await
    }

    async fn refusal(&self, shelved: &Shelved, package: &Package) -> Result<Refusal, Problem> {
        let index = shelved.view.versions.iter().position(|v| v.package.id == package.id).unwrap_or_default();
        let scope = self.scope(&shelved.view.name);
        self.engine.refusal_in(&scope, &shelved.view, index).await
    }
}

enum Arrived {
    Stored(FileId),
    Passing(Cleared),
}

fn passing(flight: &Arc<Flight>, digest: Option<Digest>, size: u64) -> Cleared {
    let media_type = flight.media_type.clone();
    Cleared { digest, size, media_type, decision: None, stored_at: None, flight: Some(flight.clone()), counted: None }
}

fn cleared(file: &File, package: &Package) -> Cleared {
    Cleared {
        digest: Some(file.digest.clone()),
        size: file.size,
        media_type: file.media_type.clone(),
        decision: package.decision.clone(),
        stored_at: Some(file.uploaded_at),
        flight: None,
        counted: file.role.map(|_| (package.id, file.id)),
    }
}

/// Cleared bytes on their way out.
pub enum Opened {
    /// All that was asked for.
    Whole(Bytes),
    /// As they are read.
    Stream(ByteStream),
}

impl Engine {
    /// Opens cleared bytes; `range` lies within the size. Small ones come from memory.
    ///
    /// # Errors
    /// From the blob store.
    pub async fn open(&self, cleared: &Cleared, range: Option<Range<u64>>) -> Result<Opened, Problem> {
        if let Some(flight) = &cleared.flight
            && let Some(file) = flight.open()
        {
            let range = range.unwrap_or(0..cleared.size);
            return Ok(Opened::Stream(follow(file, flight.watch(), range)));
        }
        let arrived = match &cleared.flight {
            Some(flight) => flight.verified(),
            None => None,
        };
        let gone = || Problem::busy("the transfer ended meanwhile; try again", 1);
        let digest = cleared.digest.clone().or(arrived).ok_or_else(gone)?;
        if cleared.size > SMALL {
            return self.parts.blobs.open(&digest, range).await.map(Opened::Stream);
        }
        let whole = self.small(&digest, cleared.size).await?;
        let from = range.as_ref().map_or(0, |r| usize::try_from(r.start).unwrap_or(usize::MAX));
        let to = range.as_ref().map_or(whole.len(), |r| usize::try_from(r.end).unwrap_or(usize::MAX));
        let part = whole.slice(from.min(whole.len())..to.min(whole.len()).max(from.min(whole.len())));
        Ok(Opened::Whole(part))
    }

    async fn small(&self, digest: &Digest, size: u64) -> Result<Bytes, Problem> {
        if let Some(bytes) = self.small_blobs.get(digest) {
            return Ok(bytes);
        }
        let mut stream = self.parts.blobs.open(digest, None).await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            whole.extend_from_slice(&chunk.map_err(|e| Problem::internal("cannot read a stored blob", e))?);
        }
        let whole = whole.freeze();
        if whole.len() as u64 != size || Digest::of(&whole) != *digest {
            return Err(Problem::new(Kind::Internal, "damaged", format!("the stored bytes of {digest} are damaged")));
        }
        self.small_blobs.insert(digest.clone(), whole.clone());
        Ok(whole)
    }

    /// The repository of that name, whoever asks.
    pub(crate) async fn find_repository(&self, name: &str) -> Result<Option<Arc<Repository>>, Problem> {
        if let Some(found) = self.repositories.get(name) {
            return Ok(Some(found));
        }
        let epoch = self.notices.epoch();
        let wanted = name.to_owned();
        let found = meta::read(self.meta(), move |tx| tx.repository(&wanted)).await?.map(Arc::new);
        if let Some(repository) = &found {
            self.repositories.insert_if(name.to_owned(), repository.clone(), || self.notices.epoch() == epoch);
        }
        Ok(found)
    }

    /// A repository that the caller may use with `needed`.
    ///
    /// # Errors
    /// `NotFound`, `Unauthenticated` or `Forbidden`.
    pub async fn repository(
        &self,
        caller: &Caller,
        name: &str,
        needed: Permission,
    ) -> Result<Arc<Repository>, Problem> {
        let found = self.find_repository(name).await?;
        let found = found.ok_or_else(|| Problem::not_found(format!("there is no repository `{name}`")))?;
        caller.require(needed, &found)?;
        Ok(found)
    }
}
