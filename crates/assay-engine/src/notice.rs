//! Notices: what a commit changed, told to caches, waiting pulls and workers of this process. The event log is the one
//! channel: own commits are noticed at once, those of other processes when the log's head is seen to move. Between a commit
//! of our own and its notice nothing is answered from memory: whoever asks takes notice first.

use crate::{Engine, shelf::Scope};
use assay_model::{
    event::{Event, Seq},
    problem::Problem,
    seam::meta::{self, EventFilter},
};
use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, watch};

const PAGE: usize = 1000;
/// Between looks for commits of other processes, which cost some microseconds.
const PAUSE: Duration = Duration::from_millis(50);
/// How long ago the last look for commits of other nodes may be while something is answered from memory: a node that is cut
/// off from the store must not go on serving what others have blocked.
const BLIND: Duration = Duration::from_secs(1);
/// How long somebody waits for such a look.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Notices {
    seen: AtomicI64,
    /// Rises with every invalidation; a load that began before is not cached.
    epoch: AtomicU64,
    reading: Mutex<()>,
    wake: watch::Sender<Seq>,
    /// When the last look for commits of other nodes began; nothing where nobody looks regularly.
    looked: RwLock<Option<Instant>>,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            seen: AtomicI64::new(-1),
            epoch: AtomicU64::new(0),
            reading: Mutex::new(()),
            wake: watch::channel(0).0,
            looked: RwLock::new(None),
        }
    }
}

impl Notices {
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }
    /// Changes whenever something was committed.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Seq> {
        self.wake.subscribe()
    }
    fn is_blind(&self) -> bool {
        let looked = *self.looked.read().unwrap_or_else(PoisonError::into_inner);
        looked.is_some_and(|looked| looked.elapsed() > BLIND)
    }
    fn note_look(&self, began: Instant) {
        *self.looked.write().unwrap_or_else(PoisonError::into_inner) = Some(began);
    }
}

impl Engine {
    /// Takes notice of everything committed so far. Called after each commit of our own before it is acknowledged, and
    /// by [`Engine::watch`] for those of others.
    pub(crate) async fn notice(&self) -> Result<(), Problem> {
        let _one_reader = self.notices.reading.lock().await;
        self.read_news().await
    }

    /// Takes notice of what this process has committed, unless that is noticed already, as it nearly always is: asked before
    /// anything is answered from memory, so that nobody is served what a decision has just taken away.
    pub(crate) async fn be_current(&self) -> Result<(), Problem> {
        if !self.is_behind() {
            return Ok(());
        }
        let began = Instant::now();
        let look = async {
            let _one_reader = self.notices.reading.lock().await;
            // somebody may have looked while we waited
            if self.is_behind() {
                self.read_news().await?;
                if self.notices.is_blind() {
                    self.notices.note_look(began);
                }
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| {
            Err(Problem::busy("the metadata database does not answer, so nobody knows what may be served", 5))
        })
    }

    fn is_behind(&self) -> bool {
        let meta = &self.parts.meta;
        meta.moved_since(self.notices.seen.load(Ordering::SeqCst)) || (meta.shared() && self.notices.is_blind())
    }

    async fn read_news(&self) -> Result<(), Problem> {
        let mut seen = self.notices.seen.load(Ordering::SeqCst);
        if seen < 0 {
            seen = meta::read(self.meta(), |tx| tx.last_event()).await?;
            self.forget_everything();
        }
        loop {
            let filter = EventFilter { after: seen, limit: PAGE, ..EventFilter::default() };
            let events = meta::read(self.meta(), move |tx| tx.events(&filter)).await?;
            let full = events.len() == PAGE;
            for event in &events {
                self.forget_what_changed(event);
                seen = event.seq;
            }
            if !full {
                break;
            }
        }
        self.notices.seen.store(seen, Ordering::SeqCst);
        self.notices.wake.send_replace(seen);
        Ok(())
    }

    fn forget_what_changed(&self, event: &Event) {
        self.notices.epoch.fetch_add(1, Ordering::SeqCst);
        match event.kind.split('.').next().unwrap_or_default() {
            "package" | "decision" => match Scope::of_subject(&event.subject) {
                Some(scope) => self.shelves.invalidate(&scope),
                None => self.forget_everything(),
            },
            "token" => self.forget_tokens(),
            // what mends a vulnerability may pass a cooldown
            "feed" => self.upstreams.forget_listings(),
            "policy" | "inventory" | "quota" | "blob" | "approval" | "channel" => {}
            _ => self.forget_everything(),
        }
    }

    fn forget_tokens(&self) {
        self.secrets.forget();
        self.tokens.forget();
    }

    fn forget_everything(&self) {
        self.notices.epoch.fetch_add(1, Ordering::SeqCst);
        self.shelves.invalidate_all();
        self.forget_tokens();
        self.repositories.forget();
        self.upstreams.forget_configuration();
    }

    /// Watches the log's head for commits of other processes until the task is dropped.
    pub async fn watch(self: Arc<Self>) {
        let mut known: Seq = -1;
        loop {
            let began = Instant::now();
            match self.parts.meta.head().await {
                Ok(head) if head != known => match self.notice().await {
                    Ok(()) => {
                        known = head;
                        self.notices.note_look(began);
                    }
                    Err(problem) => tracing::warn!(%problem, "cannot read the event log"),
                },
                Ok(_) => self.notices.note_look(began),
                Err(problem) => tracing::warn!(%problem, "cannot read the event log's head"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
