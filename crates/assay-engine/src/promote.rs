//! Promotion: packages are copied or moved to another repository of the workspace with all that belongs to them, in one
//! transaction and without copying a byte. The target decides before anything arrives there, and again as for everything
//! that does.

use crate::{Engine, decide::Foreseen, quota, shelf, shelf::Scope, trash, trash::Removal};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    package::{File, NewFile, NewPackage, Package, PackageId, State},
    problem::{Kind, Problem},
    query::Query,
    repository::{Repository, RepositoryId},
    seam::{
        format::Format,
        meta::{self, PackageFilter, Tx},
    },
    view::{PackageView, VersionView},
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How long a caller waits for the target's decision; it comes anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteOptions {
    /// Name of the repository.
    pub target: String,
    /// Whether it leaves its own.
    #[serde(default, rename = "move")]
    pub moves: bool,
    /// Whether it goes although the target would refuse it; it arrives there as decided. For administrators.
    #[serde(default)]
    pub force: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    /// The package in the target.
    pub package: PackageId,
    /// Its state there; pending when the decision takes longer than callers wait.
    pub state: State,
    /// Versions that went, with those that belong to it.
    pub versions: Vec<String>,
    /// Whether all of it was there already.
    pub already: bool,
}

/// One version with what goes with it.
#[derive(Clone)]
struct Item {
    package: Package,
    files: Vec<File>,
    references: Vec<String>,
}

struct Plan {
    place: Repository,
    target: Repository,
    items: Vec<Item>,
    /// Those that stay where they are because others need them there.
    needed: BTreeSet<PackageId>,
    /// Tags that are the packages' own, not set by policies of the place that they leave.
    tags: BTreeMap<PackageId, BTreeSet<String>>,
    moves: bool,
    actor: String,
    removal: Removal,
    at: Timestamp,
}

impl Engine {
    /// Copies or moves a package to another repository.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `read` here and `write` there, or when the target's policies refuse it; `Busy`
    /// while it is not decided here; `Conflict` when the target has other content under its name.
    pub async fn promote(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
        options: &PromoteOptions,
    ) -> Result<Promoted, Problem> {
        let needed = if options.moves { Permission::Write } else { Permission::Read };
        let (package, place) = self.writable(caller, id, needed).await?;
        let target = self.repository(caller, &options.target, Permission::Write).await?.as_ref().clone();
        if options.force {
            caller.require(Permission::Admin, &target)?;
        }
        if target.id == place.id {
            return Err(Problem::invalid("same-repository", "the package is in that repository"));
        }
        let format = self.format(&package.at.format).ok_or_else(|| Problem::bug("a package of no format"))?;
        let (items, needed) = self.gather_items(&package, &place, format).await?;
        let ids: Vec<PackageId> = items.iter().map(|item| item.package.id).collect();
        let foreseen = self.foresee(&ids, &target).await?;
        if foreseen.len() < items.len() {
            return Err(Problem::busy("the package is still being inspected", 2));
        }
        if !options.force {
            refuse(&foreseen, &target)?;
        }
        let plan = Plan {
            tags: foreseen.into_iter().map(|one| (one.package, one.tags)).collect(),
            removal: Removal::new(&place, caller, self.now(), "moved"),
            moves: options.moves,
            actor: caller.name().to_owned(),
            at: self.now(),
            place,
            target,
            items,
            needed,
        };
        let versions = plan.items.iter().map(|item| item.package.at.version.clone()).collect();
        let (arrived, changed) = meta::write(self.meta(), move |tx| plan.carry_out(tx)).await?;
        self.notice().await?;
        let state = self.decided(arrived).await?;
        Ok(Promoted { package: arrived, state, versions, already: !changed })
    }

    async fn gather_items(
        &self,
        package: &Package,
        place: &Repository,
        format: &'static dyn Format,
    ) -> Result<(Vec<Item>, BTreeSet<PackageId>), Problem> {
        let scope =
            Scope { repository: place.name.clone(), format: package.at.format.clone(), name: package.at.name.clone() };
        let repository = place.id;
        let view = meta::read(self.meta(), move |tx| shelf::load_view(tx, repository, &scope)).await?.view;
        let family = family(format, &view, &package.at.version);
        let mut items = Vec::new();
        for version in view.versions.iter().filter(|v| family.contains(&v.package.at.version)) {
            if version.package.state == State::Pending {
                return Err(Problem::busy("the package is still being inspected", 2));
            }
            items.push(item(&view, version));
        }
        // the one that was asked for comes first
        items.sort_by_key(|item| (item.package.id != package.id, item.package.id));
        if items.first().is_none_or(|first| first.package.id != package.id) {
            return Err(Problem::not_found(format!("there is no package {}", package.id.0)));
        }
        let mut needed = BTreeSet::new();
        for other in view.versions.iter().filter(|v| !family.contains(&v.package.at.version)) {
            let with = family_of(format, &view, &other.package.at.version);
            needed.extend(items.iter().filter(|i| with.contains(&i.package.at.version)).map(|i| i.package.id));
        }
        Ok((items, needed))
    }

    /// Waits for a decision that is under way.
    async fn decided(&self, id: PackageId) -> Result<State, Problem> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut commits = self.notices.subscribe();
        loop {
            let package = meta::read(self.meta(), move |tx| Ok(tx.packages(&[id])?.pop())).await?;
            let state = package.map_or(State::Deleted, |package| package.state);
            let over = state != State::Pending;
            if over || tokio::time::timeout_at(deadline, commits.changed()).await.is_err() {
                return Ok(state);
            }
        }
    }

    /// Whether a query finds a package; an empty one finds all.
    async fn is_found(&self, package: &Package, query: &str) -> Result<bool, Problem> {
        let Some(query) = Query::parse(query, self.now())? else { return Ok(true) };
        let (id, repositories) = (package.id, Some(vec![package.repository]));
        let before = Some(PackageId(id.0 + 1));
        let filter = PackageFilter { repositories, query: Some(query), before, limit: 1, ..PackageFilter::default() };
        let found = meta::read(self.meta(), move |tx| tx.list_packages(&filter)).await?;
        Ok(found.first().is_some_and(|found| found.id == id))
    }

    /// Runs the rules of a package's repository. What a target refuses is logged, and not tried again until something
    /// about the package changes.
    pub(crate) async fn promote_by_rules(self: &Arc<Self>, job: &Job) -> Result<(), Problem> {
        let (id, done) = (PackageId(job.key), job.id);
        let found = meta::read(self.meta(), move |tx| {
            let Some(package) = tx.packages(&[id])?.pop() else { return Ok(None) };
            let references: Vec<String> = tx.references_to(&[id])?.into_iter().map(|r| r.name).collect();
            let places = tx.repositories()?;
            Ok(Some((package, references, places)))
        })
        .await?;
        if let Some((package, references, places)) = found
            && package.state == State::Available
            && let Some(place) = places.iter().find(|place| place.id == package.repository)
        {
            for rule in place.settings.promotion.iter().filter(|rule| rule.chooses(&package, &references)) {
                if !self.is_found(&package, &rule.query).await? {
                    continue;
                }
                let comes_back = |other: &Repository| {
                    other.name == rule.target
                        && other.settings.promotion.iter().any(|r| r.moves && !r.disabled && r.target == place.name)
                };
                let moves = rule.moves && !places.iter().any(comes_back);
                let options = PromoteOptions { target: rule.target.clone(), moves, force: false };
                match self.promote(&Caller::System, id, &options).await {
                    Ok(_) => {}
                    Err(problem) if matches!(problem.kind, Kind::Busy | Kind::Internal) => return Err(problem),
                    Err(problem) => {
                        let body = json!({"rule": rule.name, "to": rule.target, "why": problem.to_string()});
                        let event =
                            trash::event(self.now(), "package.promotion-refused", "system", place, &package.at, body);
                        meta::write(self.meta(), move |tx| tx.append_event(&event)).await?;
                    }
                }
            }
        }
        meta::write(self.meta(), move |tx| tx.finish(&[done])).await
    }
}

fn item(view: &PackageView, version: &VersionView) -> Item {
    let own = view.references.iter().filter(|r| r.package == version.package.id);
    Item {
        package: version.package.clone(),
        files: version.files.clone(),
        references: own.map(|r| r.name.clone()).collect(),
    }
}

/// A version and what belongs to it.
fn family(format: &dyn Format, view: &PackageView, version: &str) -> BTreeSet<String> {
    let mut all = family_of(format, view, version);
    all.insert(version.to_owned());
    all
}

pub(crate) fn family_of(format: &dyn Format, view: &PackageView, version: &str) -> BTreeSet<String> {
    format.companions(view, version).into_iter().filter(|other| other != version).collect()
}

/// Fails with the reasons when the target would not serve one of them.
fn refuse(foreseen: &[Foreseen], target: &Repository) -> Result<(), Problem> {
    let Some(bad) = foreseen.iter().find(|one| matches!(one.state, State::Quarantined | State::Hidden)) else {
        return Ok(());
    };
    let why: Vec<&str> = bad.reasons.iter().map(String::as_str).collect();
    let why = if why.is_empty() { "its policies refuse it".to_owned() } else { why.join("; ") };
    Err(Problem::new(
        Kind::Forbidden,
        "refused-by-policy",
        format!(
            "{} {} would be {} in `{}`: {why}; an administrator can have it there all the same, with `--force`",
            bad.name,
            bad.version,
            bad.state.as_str(),
            target.name
        ),
    ))
}

impl Plan {
    /// Gives the package in the target, and whether anything changed.
    fn carry_out(&self, tx: &mut dyn Tx) -> Result<(PackageId, bool), Problem> {
        let ids: Vec<PackageId> = self.items.iter().map(|item| item.package.id).collect();
        let now: BTreeMap<PackageId, Package> = tx.packages(&ids)?.into_iter().map(|p| (p.id, p)).collect();
        let same = |item: &Item| {
            now.get(&item.package.id)
                .is_some_and(|p| (p.state, &p.decision) == (item.package.state, &item.package.decision))
        };
        if !self.items.iter().all(same) {
            return Err(Problem::busy("the package changed meanwhile", 1));
        }
        let held = quota::Held::before(tx, &self.target)?;
        let (mut first, mut changed) = (None, false);
        for item in &self.items {
            let (id, news) = self.bring(tx, item)?;
            changed |= news;
            first.get_or_insert(id);
        }
        held.settle(tx, self.at)?;
        if self.moves {
            for item in self.items.iter().filter(|item| !self.needed.contains(&item.package.id)) {
                self.removal.allowed(tx, &item.package)?;
                tx.delete_package(item.package.id)?;
            }
        }
        if changed || self.moves {
            for item in &self.items {
                self.log(tx, item)?;
            }
        }
        first.map(|id| (id, changed)).ok_or_else(|| Problem::bug("nothing to promote"))
    }

    fn bring(&self, tx: &mut dyn Tx, item: &Item) -> Result<(PackageId, bool), Problem> {
        let (package, to) = (&item.package, self.target.id);
        let at = &package.at;
        for file in &item.files {
            let there = tx.file_at(to, &at.format, &at.name, &file.path)?;
            if there.is_some_and(|(other, _)| other.digest != file.digest) {
                return Err(Problem::conflict(format!(
                    "`{}` has other content under `{}` already; delete that there first",
                    self.target.name, file.path
                )));
            }
        }
        let there = tx.packages_named(to, &at.format, &at.name, Some(&at.version))?.pop();
        let (id, new) = match &there {
            Some(there) => (there.id, false),
            None => tx.put_package(&NewPackage {
                repository: to,
                at: at.clone(),
                metadata: package.metadata.clone(),
                uploader: package.uploader.clone(),
                uploaded_at: self.at,
                // the time of publishing stays what it was
                published_at: package.published_at.or(Some(package.uploaded_at)),
                origin: package.origin.clone(),
            })?,
        };
        let files: Vec<NewFile> = item.files.iter().map(again).collect();
        let added = tx.put_files(id, &files, self.at)?;
        let moved = self.refer(tx, item, id, to)?;
        if new || added > 0 {
            let tags = self.tags.get(&package.id).unwrap_or(&package.tags);
            tx.set_standing(id, State::Pending, tags, None, None)?;
            let cause = "promoted".to_owned();
            tx.enqueue(&[NewJob {
                lane: Lane::Interactive,
                stage: Stage::Analyze,
                key: id.0,
                cause,
                due: Due::at_once(self.at),
            }])?;
        }
        Ok((id, new || added > 0 || moved))
    }

    fn refer(&self, tx: &mut dyn Tx, item: &Item, id: PackageId, to: RepositoryId) -> Result<bool, Problem> {
        let (at, mut moved) = (&item.package.at, false);
        for reference in &item.references {
            let before = tx.set_reference(to, &at.format, &at.name, reference, id, self.at)?;
            moved |= before != Some(id);
            if before.is_some_and(|b| b != id) && self.target.settings.fixes_tag(reference) {
                return Err(Problem::conflict(format!(
                    "`{reference}` is set already in `{}` and is immutable there",
                    self.target.name
                )));
            }
        }
        Ok(moved)
    }

    /// One event for either side.
    fn log(&self, tx: &mut dyn Tx, item: &Item) -> Result<(), Problem> {
        let mode = if self.moves && !self.needed.contains(&item.package.id) { "move" } else { "copy" };
        let event = |place: &Repository, body: serde_json::Value| -> NewEvent {
            trash::event(self.at, "package.promoted", &self.actor, place, &item.package.at, body)
        };
        let names = &item.references;
        let there = json!({
            "from": self.place.name, "mode": mode, "references": names, "uploader": item.package.uploader,
            "uploaded_at": item.package.uploaded_at, "decision": item.package.decision,
        });
        let here = json!({"to": self.target.name, "mode": mode, "references": names});
        tx.append_event(&event(&self.target, there))?;
        tx.append_event(&event(&self.place, here)).map(|_| ())
    }
}

fn again(file: &File) -> NewFile {
    NewFile {
        path: file.path.clone(),
        digest: file.digest.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        role: file.role,
        hashes: file.hashes.clone(),
        metadata: file.metadata.clone(),
    }
}
