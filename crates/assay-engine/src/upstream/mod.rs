//! What a repository takes from remote registries: which upstreams it has, what they list (`listing`), their documents
//! with validation and patience (`origin`), their bytes on the way in (`flight`, `take`), and how they fare (`health`).
//! How a format asks is the format's; how bytes travel is the transport's; whether they may leave is the gate's.

mod cooldown;
mod flight;
mod health;
mod journey;
mod listing;
mod origin;
mod take;

pub use health::{Condition, UpstreamHealth};

pub(crate) use flight::{Flight, Stage, follow};
pub(crate) use journey::{acceptable, check};
pub(crate) use origin::{KEPT, absolute, seconds};
pub(crate) use take::{Errand, Outcome};

use crate::{Desk, Engine, memo::Memo, shelf::Scope};
use assay_model::{
    package::FileId,
    problem::Problem,
    repository::RepositoryId,
    seam::{
        meta::{self, KeptDocument},
        upstream::{Origin, Remote, RemoteDocument},
    },
    upstream::{Mode, Secrets, Upstream},
    view::PackageView,
};
use listing::Merged;
use moka::sync::Cache;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};
use tokio::sync::Semaphore;

/// The word for upstreams that are asked only for what no other has.
const UNTRUSTED: &str = "untrusted";
/// Versions and files of upstreams that are remembered because somebody asked for them.
const REMEMBERED: u64 = 100_000;
/// Files that are fetched at the same time, over all upstreams.
const TRANSFERS: usize = 64;
/// Bytes of documents in memory: one index that lists all names is read for each of them.
const DOCUMENTS: u64 = 64 << 20;
/// What a view made of others counts for in memory, in bytes; its parts count for themselves.
const JOINED: u32 = 64 << 10;
/// How long an answer to somebody's request stays known by its number.
const ERRANDS: Duration = Duration::from_secs(900);

/// An upstream with what it takes to ask it.
pub(crate) struct Known {
    pub(crate) upstream: Upstream,
    /// None where they cannot be opened: the upstream is then not asked, and says so.
    pub(crate) secrets: Option<Secrets>,
    pub(crate) remote: &'static dyn Remote,
}

impl Known {
    pub(crate) fn asks(&self) -> bool {
        self.upstream.settings.enabled && self.upstream.settings.mode != Mode::CachedOnly
    }
}

type Locks<K> = Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>;

/// What the engine keeps in memory about upstreams. All of it can be had again.
pub(crate) struct Upstreams {
    known: Memo<RepositoryId, Arc<Vec<Arc<Known>>>>,
    listings: Cache<Scope, Arc<listing::Listing>>,
    merged: Cache<Scope, Arc<Merged>>,
    names: Cache<(RepositoryId, &'static str), Arc<listing::Names>>,
    found: Cache<(Scope, String), Arc<listing::Found>>,
    errands: Cache<FileId, Arc<Errand>>,
    running: Mutex<HashMap<(Scope, String), Arc<Flight>>>,
    documents: Cache<(i64, String, String), KeptDocument>,
    asking: Locks<(i64, String, String)>,
    listing: Locks<Scope>,
    next: AtomicI64,
    transfers: Semaphore,
    pub(crate) health: health::Healths,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self {
            known: Memo::default(),
            listings: Cache::builder()
                .max_capacity(64 << 20)
                .weigher(|_, listing: &Arc<listing::Listing>| listing.weight)
                .build(),
            merged: Cache::builder().max_capacity(48 << 20).weigher(|_, merged: &Arc<Merged>| merged.weight).build(),
            names: Cache::new(1000),
            found: Cache::new(REMEMBERED),
            errands: Cache::builder().max_capacity(REMEMBERED).time_to_live(ERRANDS).build(),
            running: Mutex::default(),
            documents: Cache::builder()
                .max_capacity(DOCUMENTS)
                .weigher(|_, kept: &KeptDocument| u32::try_from(kept.body.len() + 1024).unwrap_or(u32::MAX))
                .build(),
            asking: Mutex::default(),
            listing: Mutex::default(),
            next: AtomicI64::new(-1),
            transfers: Semaphore::new(TRANSFERS),
            health: health::Healths::default(),
        }
    }
}

impl Upstreams {
    /// Forgets which versions are kept back; documents are not asked for again.
    pub(crate) fn forget_listings(&self) {
        self.listings.invalidate_all();
    }
    /// Forgets what depends on configuration and on packages that changed.
    pub(crate) fn forget_configuration(&self) {
        self.known.forget();
        self.documents.invalidate_all();
        self.listings.invalidate_all();
        self.merged.invalidate_all();
        self.names.invalidate_all();
        self.found.invalidate_all();
    }
}

/// The lock of a key; those that nobody holds are forgotten.
fn lock_of<K: std::hash::Hash + Eq>(locks: &Locks<K>, key: K) -> Result<Arc<tokio::sync::Mutex<()>>, Problem> {
    let mut locks = locks.lock().map_err(|_| Problem::bug("a table of locks is poisoned"))?;
    if locks.len() > 1024 {
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
    }
    Ok(locks.entry(key).or_default().clone())
}

impl Engine {
    /// Upstreams of a repository in the order in which they are asked, all formats.
    async fn known_upstreams(&self, repository: RepositoryId) -> Result<Arc<Vec<Arc<Known>>>, Problem> {
        if let Some(known) = self.upstreams.known.get(&repository) {
            return Ok(known);
        }
        let epoch = self.notices.epoch();
        let stored = meta::read(self.meta(), move |tx| {
            let mut all = Vec::new();
            for upstream in tx.upstreams(repository)? {
                let sealed = tx.upstream_secrets(upstream.id)?;
                all.push((upstream, sealed));
            }
            Ok(all)
        })
        .await?;
        let mut known = Vec::new();
        for (upstream, sealed) in stored {
            let Some(remote) = self.format(&upstream.format).and_then(|format| format.remote()) else { continue };
            let secrets = match sealed.is_empty() {
                false => self.parts.vault.open(&sealed).map_err(|problem| unopened(&upstream, &problem)).ok(),
                true => Some(Secrets::default()),
            };
            known.push(Arc::new(Known { upstream, secrets, remote }));
        }
        let known = Arc::new(known);
        self.upstreams.known.insert_if(repository, known.clone(), || self.notices.epoch() == epoch);
        Ok(known)
    }
}

fn unopened(upstream: &Upstream, problem: &Problem) {
    tracing::error!(%problem, upstream = upstream.name, "the credentials of an upstream cannot be opened");
}

impl Engine {
    /// What was promised under a number.
    pub(crate) fn errand(&self, id: FileId) -> Option<Arc<Errand>> {
        self.upstreams.errands.get(&id)
    }

    /// Waits until it is known whether a promised file comes.
    pub(crate) async fn comes(&self, id: FileId) -> bool {
        let Some(errand) = self.errand(id) else { return true };
        let Outcome::Flight(flight, _) = &errand.outcome else { return true };
        let mut stage = flight.watch();
        loop {
            match &*stage.borrow_and_update() {
                Stage::Waiting => {}
                Stage::Lost(lost) => return !lost.is_absence(),
                _ => return true,
            }
            if stage.changed().await.is_err() {
                return false;
            }
        }
    }

    /// A view made of others, made again only when one of them changed.
    pub(crate) fn joined(&self, scope: Scope, revision: &str, join: impl FnOnce() -> PackageView) -> Arc<PackageView> {
        if let Some(kept) = self.upstreams.merged.get(&scope).filter(|kept| kept.is(revision, "")) {
            return kept.view();
        }
        let view = Arc::new(join());
        self.upstreams.merged.insert(scope, Arc::new(Merged::new(revision, "", view.clone(), JOINED)));
        view
    }

    /// How an upstream fares, as this node saw it.
    pub fn upstream_health(&self, id: assay_model::upstream::UpstreamId) -> UpstreamHealth {
        self.upstreams.health.of(id)
    }
}

impl Desk {
    /// Whether versions of the name were published to this repository itself.
    pub(crate) async fn publishes(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.shelved(name).await?.has_own())
    }

    /// Whether an upstream of this repository may give versions of names that are published elsewhere.
    pub(crate) async fn may_shadow(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.upstreams_for(name).await?.iter().any(|known| known.upstream.settings.shadow_local))
    }

    /// Whether what came from the upstream of that name may leave before its decision.
    pub(crate) async fn is_open(&self, origin: &str) -> Result<bool, Problem> {
        let all = self.engine.known_upstreams(self.repository.id).await?;
        let format = self.format.spec().id;
        let of_name = |known: &&Arc<Known>| known.upstream.format == format && known.upstream.name == origin;
        Ok(all.iter().find(of_name).is_some_and(|known| known.upstream.settings.mode == Mode::Open))
    }

    /// A document of the first upstream that may pass on what is asked for and has it.
    pub(crate) async fn relayed(&self, what: &str, address: &str) -> Result<Option<RemoteDocument>, Problem> {
        let all = self.engine.known_upstreams(self.repository.id).await?;
        let format = self.format.spec().id;
        let relays = |known: &Known| {
            let mut patterns = known.upstream.settings.relays.iter();
            known.upstream.format == format
                && known.asks()
                && patterns.any(|pattern| assay_model::upstream::matches(pattern, what))
        };
        for known in all.iter().filter(|known| relays(known)) {
            let origin = origin::EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            if let Some(document) = origin.document(address, "").await? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// The upstreams that this desk's format may ask for a name.
    pub(crate) async fn upstreams_for(&self, name: &str) -> Result<Vec<Arc<Known>>, Problem> {
        let all = self.engine.known_upstreams(self.repository.id).await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let reserved = &self.repository.settings.reserved;
        if reserved.iter().any(|pattern| assay_model::upstream::matches(pattern, name)) {
            return Ok(Vec::new());
        }
        let format = self.format.spec().id;
        let fits = |known: &&Arc<Known>| {
            known.upstream.format == format && known.asks() && known.upstream.settings.takes(name)
        };
        let mut asked: Vec<Arc<Known>> = all.iter().filter(fits).cloned().collect();
        // a name that a trusted upstream has is taken from no untrusted one
        asked.sort_by_key(|known| known.upstream.settings.trust == UNTRUSTED);
        Ok(asked)
    }
}
