//! Imports as somebody starts, watches and ends them. The source of one is in `source`, the way through its names in
//! `run`, what is done for one name in `bring`.
//!
//! A registry is asked as an upstream is, by the same `Remote` of its format, and what it gives comes in through the same
//! gate. An import is told apart from a cache only by what it leaves: packages that are published here.

mod bring;
mod run;
mod source;

use crate::{Engine, upstreams::check_secrets};
use assay_model::{
    access::{Caller, Permission},
    digest::Digest,
    event::NewEvent,
    import::{Failure, Import, ImportCounts, ImportId, ImportPlan, NameOutcome, NewImport, Progress},
    problem::Problem,
    repository::Repository,
    seam::{
        meta::{self, Tx},
        upstream::Remote,
    },
    upstream::{Secrets, UpstreamSettings},
};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Imports of a repository that are shown, and names with failures of one.
const SHOWN: usize = 100;
/// Names that one import may be given.
const GIVEN: usize = 200_000;

/// What somebody wants to take over.
#[derive(Clone, Debug)]
pub struct ImportDraft {
    /// Id of the format that the source speaks.
    pub format: String,
    /// Its address, and patterns of names.
    pub settings: UpstreamSettings,
    /// Credentials.
    pub secrets: Secrets,
    /// Names; none at all means all that the source lists.
    pub names: Vec<String>,
    /// Whether packages count as cached from the upstream of that address.
    pub as_cache: bool,
    /// Whether only what would be taken is counted.
    pub dry_run: bool,
}

/// Names with what was not taken of them.
#[derive(Clone, Debug, Serialize)]
pub struct NameFailures {
    /// Which name.
    pub name: String,
    /// How many there are.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
}

/// An import as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct ImportRow {
    /// As stored.
    #[serde(flatten)]
    pub import: Import,
    /// How far it is, what is under way included.
    pub counts: ImportCounts,
    /// Names that are worked on now, as far as this server does.
    pub current: Vec<String>,
    /// What was not taken.
    pub failures: Vec<NameFailures>,
    /// Whether it went on from an earlier start.
    pub resumed: bool,
}

/// What this server works on.
#[derive(Default)]
pub(crate) struct Imports {
    live: Mutex<BTreeMap<ImportId, Arc<Live>>>,
    news: Notify,
}

/// An import that runs here.
#[derive(Default)]
struct Live {
    names: Mutex<BTreeMap<String, NameOutcome>>,
    ended: Notify,
}

impl Imports {
    fn running(&self, id: ImportId) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Live {
    fn under_way(&self) -> Vec<(String, NameOutcome)> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().map(|(name, outcome)| (name.clone(), outcome.clone())).collect()
    }
    fn begin(&self, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name.to_owned(), NameOutcome::default());
    }
    fn add(&self, name: &str, more: NameOutcome) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.entry(name.to_owned()).or_default().add(more);
    }
    fn outcome(&self, name: &str) -> NameOutcome {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(name).cloned().unwrap_or_default()
    }
    fn end(&self, name: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Engine {
    /// Starts an import, or lets an earlier one of the same that did not end, or ended with failures, go on.
    ///
    /// # Errors
    /// `Invalid` where the draft does not fit; `Forbidden` unless the caller administers the repository.
    pub async fn start_import(
        &self,
        caller: &Caller,
        repository: &str,
        draft: ImportDraft,
    ) -> Result<ImportRow, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?;
        if !home.settings.members.is_empty() {
            return Err(Problem::invalid("composed", format!("`{repository}` is composed of others; import into one")));
        }
        let remote = self.check_takes(&draft.format)?;
        check_secrets(&draft.secrets)?;
        let names = spelled(remote, &draft.names)?;
        let plan = self.plan(caller, &home, &draft, &names).await?;
        let new = NewImport {
            repository: home.id,
            format: draft.format,
            plan,
            secrets: self.parts.vault.seal(&draft.secrets)?,
            started_by: caller.name().to_owned(),
            at: self.now(),
        };
        let (import, resumed) = meta::write(self.meta(), move |tx| start(tx, &home, &new, &names)).await?;
        self.imports.news.notify_one();
        self.notice().await?;
        let mut row = self.import_row(import).await?;
        row.resumed = resumed;
        Ok(row)
    }

    async fn plan(
        &self,
        caller: &Caller,
        home: &Arc<Repository>,
        draft: &ImportDraft,
        names: &[String],
    ) -> Result<ImportPlan, Problem> {
        let mut settings = draft.settings.clone();
        settings.url = settings.url.trim_end_matches('/').to_owned();
        self.check_settings(caller, None, &settings)?;
        let id = home.id;
        let upstreams = meta::read(self.meta(), move |tx| tx.upstreams(id)).await?;
        let same = upstreams.iter().find(|one| one.format == draft.format && one.settings.url == settings.url);
        let as_cache = match (draft.as_cache, same) {
            (false, _) => None,
            (true, Some(upstream)) => Some(upstream.name.clone()),
            (true, None) => {
                return Err(Problem::invalid(
                    "no-such-upstream",
                    format!(
                        "packages that count as cached belong to an upstream, and `{}` has none of format {} at {}; add \
                         it first, or import without `as_cache`",
                        home.name, draft.format, settings.url
                    ),
                ));
            }
        };
        let given = (!names.is_empty()).then(|| Digest::of(names.join("\n").as_bytes()).hex().to_owned());
        Ok(ImportPlan { settings, as_cache, dry_run: draft.dry_run, given })
    }

    /// Imports of a repository, the newest first.
    ///
    /// # Errors
    /// As [`Engine::start_import`].
    pub async fn list_imports(&self, caller: &Caller, repository: &str) -> Result<Vec<ImportRow>, Problem> {
        let id = self.repository(caller, repository, Permission::Admin).await?.id;
        let all = meta::read(self.meta(), move |tx| tx.imports(id, SHOWN)).await?;
        let mut rows = Vec::new();
        for import in all {
            rows.push(ImportRow { failures: Vec::new(), ..self.import_row(import).await? });
        }
        Ok(rows)
    }

    /// One of them, with what was not taken of names after `after`.
    ///
    /// # Errors
    /// As [`Engine::start_import`]; `NotFound`.
    pub async fn show_import(
        &self,
        caller: &Caller,
        repository: &str,
        id: i64,
        after: Option<&str>,
    ) -> Result<ImportRow, Problem> {
        let import = self.find_import(caller, repository, id).await?;
        let mut row = self.import_row(import).await?;
        if let Some(after) = after {
            row.failures = self.failures(ImportId(id), Some(after.to_owned())).await?;
        }
        Ok(row)
    }

    /// Ends an import; what it took stays, and a second start goes on.
    ///
    /// # Errors
    /// As [`Engine::show_import`].
    pub async fn cancel_import(&self, caller: &Caller, repository: &str, id: i64) -> Result<ImportRow, Problem> {
        let import = self.find_import(caller, repository, id).await?;
        let (at, actor, id) = (self.now(), caller.name().to_owned(), import.id);
        let why = format!("ended by {actor}");
        let subject = format!("{repository}/imports/{}", id.0);
        meta::write(self.meta(), move |tx| {
            let from = [Progress::Listing, Progress::Running];
            if tx.move_import(id, &from, Progress::Cancelled, &why, at)? {
                let (actor, subject, body) = (actor.clone(), subject.clone(), json!({}));
                tx.append_event(&NewEvent { at, kind: "import.cancelled", actor, subject, body })?;
            }
            Ok(())
        })
        .await?;
        if let Some(live) = self.imports.running(id) {
            live.ended.notify_one();
        }
        let import = self.find_import(caller, repository, id.0).await?;
        self.import_row(import).await
    }

    async fn find_import(&self, caller: &Caller, repository: &str, id: i64) -> Result<Import, Problem> {
        let home = self.repository(caller, repository, Permission::Admin).await?.id;
        let found = meta::read(self.meta(), move |tx| tx.import(ImportId(id))).await?;
        let mine = found.filter(|import| import.repository == home);
        mine.ok_or_else(|| Problem::not_found(format!("`{repository}` has no import {id}")))
    }

    async fn import_row(&self, import: Import) -> Result<ImportRow, Problem> {
        let id = import.id;
        let mut counts = meta::read(self.meta(), move |tx| tx.import_counts(id)).await?;
        let under_way = self.imports.running(id).map(|live| live.under_way()).unwrap_or_default();
        under_way.iter().for_each(|(_, outcome)| counts.tally.add(&outcome.tally));
        let current = under_way.into_iter().map(|(name, _)| name).collect();
        Ok(ImportRow { failures: self.failures(id, None).await?, counts, current, import, resumed: false })
    }

    async fn failures(&self, id: ImportId, after: Option<String>) -> Result<Vec<NameFailures>, Problem> {
        let rows = meta::read(self.meta(), move |tx| tx.import_failures(id, after.as_deref(), SHOWN)).await?;
        let shown = |(name, outcome): (String, NameOutcome)| NameFailures {
            name,
            failed: outcome.tally.failed,
            failures: outcome.failures,
        };
        Ok(rows.into_iter().map(shown).collect())
    }
}

fn spelled(remote: &dyn Remote, names: &[String]) -> Result<Vec<String>, Problem> {
    if names.len() > GIVEN {
        return Err(Problem::invalid("too-many-names", format!("at most {GIVEN} names are given at once")));
    }
    let names: Result<BTreeSet<String>, Problem> = names.iter().map(|name| remote.spelled(name.trim())).collect();
    Ok(names?.into_iter().collect())
}

/// Gives the import, and whether it was there before.
fn start(tx: &mut dyn Tx, home: &Repository, new: &NewImport, names: &[String]) -> Result<(Import, bool), Problem> {
    let earlier = tx.imports(home.id, SHOWN)?;
    let same = earlier.into_iter().find(|one| one.format == new.format && one.plan == new.plan);
    let (id, resumed) = match same {
        Some(import) if import.progress.is_active() => return Ok((import, true)),
        Some(import) if import.progress != Progress::Done || tx.retry_import_names(import.id)? > 0 => {
            tx.retry_import_names(import.id)?;
            // Where the source lists its names, they are listed anew: nobody knows whether all were.
            let to = if names.is_empty() { Progress::Listing } else { Progress::Running };
            tx.move_import(import.id, &[import.progress], to, "", new.at)?;
            tx.import_secrets(import.id, Some(&new.secrets))?;
            (import.id, true)
        }
        _ => (tx.add_import(new)?.id, false),
    };
    tx.add_import_names(id, names)?;
    if !names.is_empty() {
        tx.move_import(id, &[Progress::Listing], Progress::Running, "", new.at)?;
    }
    let kind = if resumed { "import.resumed" } else { "import.started" };
    let subject = format!("{}/imports/{}", home.name, id.0);
    let body = json!({"format": new.format, "url": new.plan.settings.url, "dry_run": new.plan.dry_run});
    tx.append_event(&NewEvent { at: new.at, kind, actor: new.started_by.clone(), subject, body })?;
    let import = tx.import(id)?.ok_or_else(|| Problem::bug("an import is gone after it was stored"))?;
    Ok((import, resumed))
}
