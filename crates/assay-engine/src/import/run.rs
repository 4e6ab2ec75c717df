//! The way through the names of an import: which there are, some at a time, each noted when it was looked at. A server
//! that is killed leaves the others waiting, and whichever server starts next goes on with them.

use super::{Live, bring::Carrier, source::Source};
use crate::{Desk, Engine};
use assay_model::{
    access::Caller,
    event::NewEvent,
    import::{Import, ImportId, NameOutcome, Progress},
    problem::{Kind, Problem},
    repository::Repository,
    seam::meta,
    upstream::Secrets,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;
use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Imports that one server works on at a time, and names of one.
const AT_ONCE: usize = 2;
const NAMES: usize = 4;
/// Names that are read from the store at a time.
const BATCH: usize = 256;
/// Names in a row that the source fails for until it is left alone.
const PATIENCE: usize = 8;
/// How often servers look for imports that nobody works on, and whether theirs was ended elsewhere.
const LOOK: Duration = Duration::from_secs(5);
/// Seconds for which a server is believed to work on an import.
const LEASE: i64 = 30;

/// One import on its way.
struct Job {
    engine: Arc<Engine>,
    import: Import,
    home: Arc<Repository>,
    carrier: Carrier,
    live: Arc<Live>,
    failing: AtomicUsize,
}

impl Engine {
    /// Works on imports for as long as it is polled.
    pub(crate) async fn work_on_imports(self: Arc<Self>) {
        let mut tasks = tokio::task::JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            match self.next_import().await {
                Ok(Some((import, live))) => {
                    let engine = self.clone();
                    tasks.spawn(async move { engine.work_on(import, live).await });
                    continue;
                }
                Ok(None) => {}
                Err(problem) => tracing::warn!(%problem, "imports cannot be looked for"),
            }
            let _ = tokio::time::timeout(LOOK, self.imports.news.notified()).await;
        }
    }

    /// One that nobody works on, which is this server's from now on.
    async fn next_import(&self) -> Result<Option<(Import, Arc<Live>)>, Problem> {
        let active = meta::read(self.meta(), |tx| tx.active_imports()).await?;
        for import in active {
            let live = {
                let mut running = self.imports.live.lock().unwrap_or_else(PoisonError::into_inner);
                if running.len() >= AT_ONCE {
                    return Ok(None);
                }
                if running.contains_key(&import.id) {
                    continue;
                }
                running.entry(import.id).or_default().clone()
            };
            match self.hold_import(import.id).await {
                Ok(true) => return Ok(Some((import, live))),
                outcome => {
                    self.let_go(import.id);
                    outcome?;
                }
            }
        }
        Ok(None)
    }

    fn let_go(&self, id: ImportId) {
        self.imports.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// A store that no other server works on needs no lease: that of a killed one would have to run out first.
    async fn hold_import(&self, id: ImportId) -> Result<bool, Problem> {
        if !self.parts.meta.shared() {
            return Ok(true);
        }
        let (owner, now, key) = (self.owner.clone(), self.now(), format!("import {}", id.0));
        let until = now + SignedDuration::from_secs(LEASE);
        meta::write(self.meta(), move |tx| tx.take_lease(&key, &owner, now, until)).await
    }

    async fn work_on(self: Arc<Self>, import: Import, live: Arc<Live>) {
        let id = import.id;
        let outcome = tokio::select! {
            outcome = self.clone().travel(import, live.clone()) => outcome,
            () = live.ended.notified() => Ok(()),
            () = self.watch_import(id) => Ok(()),
        };
        if let Err(problem) = outcome {
            tracing::warn!(import = id.0, %problem, "an import does not go on");
            let (why, at) = (problem.to_string(), self.now());
            let stopped = meta::write(self.meta(), move |tx| {
                tx.move_import(id, &[Progress::Listing, Progress::Running], Progress::Stopped, &why, at)
            });
            if let Err(problem) = stopped.await {
                tracing::warn!(import = id.0, %problem, "it will be tried again");
            }
        }
        let (owner, key) = (self.owner.clone(), format!("import {}", id.0));
        if self.parts.meta.shared()
            && let Err(problem) = meta::write(self.meta(), move |tx| tx.end_lease(&key, &owner)).await
        {
            tracing::warn!(%problem, "a lease runs out by itself");
        }
        self.let_go(id);
        self.imports.news.notify_one();
    }

    /// Ends when the import was ended by another server, or is another server's.
    async fn watch_import(&self, id: ImportId) {
        loop {
            tokio::time::sleep(LOOK).await;
            let active = meta::read(self.meta(), move |tx| tx.import(id)).await;
            let active = active.map(|import| import.is_some_and(|import| import.progress.is_active()));
            match (active, self.hold_import(id).await) {
                (Ok(false), _) | (_, Ok(false)) => return,
                _ => {}
            }
        }
    }

    async fn travel(self: Arc<Self>, import: Import, live: Arc<Live>) -> Result<(), Problem> {
        let (id, repository) = (import.id, import.repository);
        let (sealed, home) =
            meta::read(self.meta(), move |tx| Ok((tx.import_secrets(id, None)?, tx.repository_by_id(repository)?)))
                .await?;
        let home = Arc::new(home.ok_or_else(|| Problem::not_found("the repository is gone"))?);
        let secrets = match sealed.is_empty() {
            true => Secrets::default(),
            false => self.parts.vault.open(&sealed)?,
        };
        let remote = self.check_takes(&import.format)?;
        let format = self.format(&import.format).ok_or_else(|| Problem::bug("an import of no format"))?;
        let source = Source::new(self.clone(), import.plan.settings.clone(), secrets);
        let desk = Desk::new(self.clone(), home.clone(), format, Caller::System);
        let carrier = Carrier {
            desk,
            remote,
            source,
            actor: import.started_by.clone(),
            as_cache: import.plan.as_cache.clone(),
            dry_run: import.plan.dry_run,
            live: live.clone(),
        };
        Job { engine: self, import, home, carrier, live, failing: AtomicUsize::new(0) }.go().await
    }
}

impl Job {
    async fn go(self) -> Result<(), Problem> {
        let (id, engine) = (self.import.id, &self.engine);
        if self.import.progress == Progress::Listing {
            self.list().await?;
        }
        let mut after: Option<String> = None;
        loop {
            let from = after.clone();
            let names =
                meta::read(engine.meta(), move |tx| tx.waiting_import_names(id, from.as_deref(), BATCH)).await?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            let each: Vec<_> = names.iter().map(|name| self.name(name)).collect();
            stream::iter(each).buffer_unordered(NAMES).try_for_each(|()| std::future::ready(Ok(()))).await?;
        }
        self.finish().await
    }

    /// Asks the source which names it has. Interrupted, it is asked again: names that are known are no other ones.
    async fn list(&self) -> Result<(), Problem> {
        let (id, carrier) = (self.import.id, &self.carrier);
        let listed = carrier.remote.catalogue(&carrier.source).await?;
        let Some(listed) = listed else {
            return Err(Problem::invalid(
                "no-list",
                format!(
                    "{} does not list its names; give those that are wanted, with --name or --names-from",
                    carrier.source.name()
                ),
            ));
        };
        let settings = &self.import.plan.settings;
        let spelled = listed.iter().filter_map(|name| carrier.remote.spelled(name).ok());
        let wanted: Vec<String> = spelled.filter(|name| settings.takes(name)).collect();
        for some in wanted.chunks(BATCH) {
            let some = some.to_vec();
            meta::write(self.engine.meta(), move |tx| tx.add_import_names(id, &some)).await?;
        }
        let at = self.engine.now();
        meta::write(self.engine.meta(), move |tx| tx.move_import(id, &[Progress::Listing], Progress::Running, "", at))
            .await
            .map(|_| ())
    }

    async fn name(&self, name: &str) -> Result<(), Problem> {
        self.live.begin(name);
        if let Err(problem) = self.carrier.name(name).await {
            if problem.kind == Kind::Internal {
                return Err(problem);
            }
            let mut failed = NameOutcome::default();
            failed.fail("", problem.to_string());
            self.live.add(name, failed);
            let out_of_reach = problem.kind == Kind::Upstream
                && matches!(problem.code, "no-answer" | "refused-address" | "upstream-failed");
            let failing = if out_of_reach { self.failing.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
            if failing >= PATIENCE {
                return Err(problem);
            }
        } else {
            self.failing.store(0, Ordering::Relaxed);
        }
        let (id, done, outcome) = (self.import.id, name.to_owned(), self.live.outcome(name));
        meta::write(self.engine.meta(), move |tx| tx.note_import_name(id, &done, &outcome)).await?;
        self.live.end(name);
        Ok(())
    }

    async fn finish(&self) -> Result<(), Problem> {
        let (id, at, actor) = (self.import.id, self.engine.now(), self.import.started_by.clone());
        let subject = format!("{}/imports/{}", self.home.name, id.0);
        meta::write(self.engine.meta(), move |tx| {
            if tx.move_import(id, &[Progress::Listing, Progress::Running], Progress::Done, "", at)? {
                let counts = tx.import_counts(id)?;
                let (actor, subject, body) = (actor.clone(), subject.clone(), json!(counts));
                tx.append_event(&NewEvent { at, kind: "import.done", actor, subject, body })?;
            }
            Ok(())
        })
        .await?;
        self.engine.notice().await
    }
}
