//! Retention: rules that delete by number, age, size and use; with a preview, on a schedule, and through the trash.

use crate::{Engine, promote::family_of, shelf, shelf::Scope, trash, trash::Removal};
use assay_model::{
    access::{Caller, Permission},
    ecosystem, glob,
    keeping::{self, RetentionRule},
    package::{Package, PackageId, State},
    problem::Problem,
    query::Query,
    repository::Repository,
    seam::{
        format::Format,
        meta::{self, PackageFilter, Tx},
    },
    view::{PackageView, VersionView},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Packages read at a time, and deleted in one transaction.
const PAGE: usize = 1000;
const STEP: usize = 50;
/// Digits from which a text is taken for the name of a digest.
const DIGEST: usize = 32;

/// A package that a rule would delete.
#[derive(Clone, Debug, Serialize)]
pub struct Doomed {
    /// Which.
    pub package: PackageId,
    /// Format, name and version.
    pub format: String,
    /// See above.
    pub name: String,
    /// See above.
    pub version: String,
    /// How it is shown.
    pub display: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// When it arrived.
    pub uploaded_at: Timestamp,
    /// When it was last downloaded.
    pub last_download: Option<Timestamp>,
    /// The rule.
    pub rule: String,
    /// Why, for people.
    pub why: String,
}

/// One version as rules see it.
struct Seen {
    package: Package,
    bytes: u64,
    last_download: Option<Timestamp>,
}

impl Seen {
    fn used_at(&self) -> Timestamp {
        self.last_download.unwrap_or(self.package.uploaded_at).max(self.package.uploaded_at)
    }
}

/// What one rule sees of a repository.
struct Chosen {
    /// What its query finds, where it has one.
    found: Option<BTreeSet<PackageId>>,
    /// Could go for the sake of size, oldest first later.
    spare: Vec<Seen>,
    /// Bytes of everything that the rule chose and that stays so far.
    bytes: u64,
}

struct Planner<'a> {
    place: &'a Repository,
    rules: &'a [RetentionRule],
    formats: &'static [&'static dyn Format],
    now: Timestamp,
    doomed: BTreeMap<PackageId, Doomed>,
}

fn days(n: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(n))
}

impl Planner<'_> {
    fn names(&self, tx: &mut dyn Tx) -> Result<BTreeSet<(String, String)>, Problem> {
        let mut names = BTreeSet::new();
        let mut before = None;
        loop {
            let repositories = Some(vec![self.place.id]);
            let filter = PackageFilter { repositories, before, limit: PAGE, ..PackageFilter::default() };
            let page = tx.list_packages(&filter)?;
            before = page.last().map(|p| p.id);
            let full = page.len() == PAGE;
            let wanted = |p: &Package| {
                self.rules.iter().any(|r| !r.disabled && r.chooses(&p.at.format, &p.at.name, &p.at.version))
            };
            names.extend(page.into_iter().filter(wanted).map(|p| (p.at.format, p.at.name)));
            if !full {
                return Ok(names);
            }
        }
    }

    /// What the query of a rule finds in this repository.
    fn found(&self, tx: &mut dyn Tx, rule: &RetentionRule) -> Result<Option<BTreeSet<PackageId>>, Problem> {
        let Some(query) = Query::parse(&rule.query, self.now)? else { return Ok(None) };
        let mut found = BTreeSet::new();
        let mut before = None;
        loop {
            let (repositories, query) = (Some(vec![self.place.id]), Some(query.clone()));
            let filter = PackageFilter { repositories, before, query, limit: PAGE, ..PackageFilter::default() };
            let page = tx.list_packages(&filter)?;
            before = page.last().map(|package| package.id);
            let full = page.len() == PAGE;
            found.extend(page.into_iter().map(|package| package.id));
            if !full {
                return Ok(Some(found));
            }
        }
    }

    fn plan(&mut self, tx: &mut dyn Tx) -> Result<(), Problem> {
        let rules: Vec<&RetentionRule> = self.rules.iter().filter(|r| !r.disabled).collect();
        let mut chosen = Vec::new();
        for rule in &rules {
            chosen.push(Chosen { found: self.found(tx, rule)?, spare: Vec::new(), bytes: 0 });
        }
        for (format, name) in self.names(tx)? {
            let Some(format) = self.formats.iter().copied().find(|f| f.spec().id == format) else { continue };
            let scope =
                Scope { repository: self.place.name.clone(), format: format.spec().id.to_owned(), name: name.clone() };
            let view = shelf::load_view(tx, self.place.id, &scope)?.view;
            for (rule, chosen) in rules.iter().zip(&mut chosen) {
                self.apply(tx, rule, format, &view, chosen)?;
            }
        }
        for (rule, chosen) in rules.iter().zip(chosen) {
            self.apply_size(tx, rule, chosen)?;
        }
        Ok(())
    }

    fn apply(
        &mut self,
        tx: &mut dyn Tx,
        rule: &RetentionRule,
        format: &'static dyn Format,
        view: &PackageView,
        chosen: &mut Chosen,
    ) -> Result<(), Problem> {
        let mut seen = self.seen(tx, rule, format, view)?;
        if let Some(found) = &chosen.found {
            seen.retain(|one| found.contains(&one.package.id));
        }
        seen.sort_by(|a, b| newest_first(format, a, b));
        let kept = rule.keep_last.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX)).min(seen.len());
        let rest = seen.split_off(kept);
        chosen.bytes += seen.iter().map(|one| one.bytes).sum::<u64>();
        for one in rest {
            match self.why(rule, &one) {
                Some(why) => self.doom(&one, rule, why, format, view),
                None => {
                    chosen.bytes += one.bytes;
                    chosen.spare.push(one);
                }
            }
        }
        Ok(())
    }

    /// The versions that a rule may delete: not protected, not undecided, and no part of another version.
    fn seen(
        &self,
        tx: &mut dyn Tx,
        rule: &RetentionRule,
        format: &'static dyn Format,
        view: &PackageView,
    ) -> Result<Vec<Seen>, Problem> {
        let parts: BTreeSet<String> =
            view.versions.iter().flat_map(|v| family_of(format, view, &v.package.at.version)).collect();
        let mut seen = Vec::new();
        for VersionView { package, files, .. } in &view.versions {
            let at = &package.at;
            let gone = self.doomed.contains_key(&package.id);
            if gone || package.state == State::Pending || parts.contains(&at.version) {
                continue;
            }
            if !rule.chooses(&at.format, &at.name, &at.version) {
                continue;
            }
            let references: Vec<String> =
                view.references.iter().filter(|r| r.package == package.id).map(|r| r.name.clone()).collect();
            let tags = references.iter().chain(&package.tags);
            let fixed = references.iter().any(|r| self.place.settings.fixes_tag(r));
            if fixed || tags.into_iter().any(|tag| glob::any(&rule.keep_tags, tag)) {
                continue;
            }
            let last_download = tx.downloads_of(&[package.id])?.get(&package.id).and_then(|d| d.last);
            let bytes = files.iter().map(|f| f.size).sum();
            seen.push(Seen { package: package.clone(), bytes, last_download });
        }
        Ok(seen)
    }

    /// Why a version beyond the newest goes, if it does for reasons other than size.
    fn why(&self, rule: &RetentionRule, one: &Seen) -> Option<String> {
        if let Some(n) = rule.keep_last.filter(|_| !rule.deletes_by_limit()) {
            return Some(format!("older than the newest {n}"));
        }
        if !rule.query.is_empty() && !rule.deletes_by_limit() {
            return Some(format!("found by `{}`", rule.query));
        }
        if let Some(n) = rule.max_age_days.filter(|n| one.package.uploaded_at < self.now - days(*n)) {
            return Some(format!("arrived more than {n} days ago"));
        }
        let n = rule.unused_days.filter(|n| one.used_at() < self.now - days(*n))?;
        Some(format!("not downloaded for {n} days"))
    }

    fn apply_size(&mut self, tx: &mut dyn Tx, rule: &RetentionRule, mut chosen: Chosen) -> Result<(), Problem> {
        let Some(most) = rule.max_bytes else { return Ok(()) };
        chosen.spare.sort_by_key(|one| (one.package.uploaded_at, one.package.id));
        for one in chosen.spare {
            if chosen.bytes <= most {
                return Ok(());
            }
            if self.doomed.contains_key(&one.package.id) {
                continue;
            }
            chosen.bytes -= one.bytes;
            let at = &one.package.at;
            let Some(format) = self.formats.iter().copied().find(|f| f.spec().id == at.format) else { continue };
            let scope = Scope { repository: self.place.name.clone(), format: at.format.clone(), name: at.name.clone() };
            let view = shelf::load_view(tx, self.place.id, &scope)?.view;
            self.doom(&one, rule, format!("the rule leaves {most} bytes, and this is among the oldest"), format, &view);
        }
        Ok(())
    }

    /// A version goes with what belongs to it and to nothing that stays.
    fn doom(&mut self, one: &Seen, rule: &RetentionRule, why: String, format: &'static dyn Format, view: &PackageView) {
        let version = &one.package.at.version;
        self.note(&one.package, one.bytes, one.last_download, rule, why);
        let stays = |p: &Package, doomed: &BTreeMap<PackageId, Doomed>| !doomed.contains_key(&p.id);
        let with = family_of(format, view, version);
        let needed: BTreeSet<String> = view
            .versions
            .iter()
            .filter(|v| stays(&v.package, &self.doomed) && !with.contains(&v.package.at.version))
            .flat_map(|v| family_of(format, view, &v.package.at.version))
            .collect();
        let parts = view.versions.iter().filter(|v| with.contains(&v.package.at.version));
        for part in parts.filter(|v| !needed.contains(&v.package.at.version)) {
            // one that people gave a name of its own is a version like others; names made of a digest are no such names
            let named = view.references.iter().any(|r| r.package == part.package.id && !made_of(&r.name, version));
            if !named {
                let bytes = part.files.iter().map(|f| f.size).sum();
                self.note(&part.package, bytes, None, rule, format!("belongs to {version}"));
            }
        }
    }

    fn note(&mut self, package: &Package, bytes: u64, last: Option<Timestamp>, rule: &RetentionRule, why: String) {
        let at = &package.at;
        let shown = self.formats.iter().find(|f| f.spec().id == at.format);
        let doomed = Doomed {
            package: package.id,
            format: at.format.clone(),
            name: at.name.clone(),
            version: at.version.clone(),
            display: shown.map_or_else(|| at.name.clone(), |f| f.display(&at.name, &at.version)),
            bytes,
            uploaded_at: package.uploaded_at,
            last_download: last,
            rule: rule.name.clone(),
            why,
        };
        self.doomed.entry(package.id).or_insert(doomed);
    }
}

/// Whether a reference is made of the digest that a version is.
fn made_of(reference: &str, version: &str) -> bool {
    let digest = version.rsplit(':').next().unwrap_or_default();
    digest.len() >= DIGEST && reference.contains(digest)
}

/// The order of versions of the ecosystem, where it has one and knows both; else the order of arrival.
fn newest_first(format: &dyn Format, a: &Seen, b: &Seen) -> Ordering {
    let scheme = format.spec().ecosystem.and_then(ecosystem::of_purl_type).map(|law| law.scheme);
    let (va, vb) = (&a.package.at.version, &b.package.at.version);
    let arrival = |one: &Seen| (one.package.published_at.unwrap_or(one.package.uploaded_at), one.package.id);
    let by_version = scheme.map_or(Ordering::Equal, |scheme| {
        // what the scheme does not know is older than what it knows
        let known = |version: &str| scheme.compare(version, version).is_ok();
        known(vb).cmp(&known(va)).then_with(|| scheme.compare(vb, va).unwrap_or(Ordering::Equal))
    });
    by_version.then_with(|| arrival(b).cmp(&arrival(a)))
}

impl Engine {
    /// What rules would delete now; those in force where none are given.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Invalid` for rules that are none.
    pub async fn preview_retention(
        self: &Arc<Self>,
        caller: &Caller,
        repository: &str,
        rules: Option<Vec<RetentionRule>>,
    ) -> Result<Vec<Doomed>, Problem> {
        let place = self.repository(caller, repository, Permission::Read).await?;
        if let Some(rules) = &rules {
            keeping::check_retention(rules)?;
        }
        let rules = rules.unwrap_or_else(|| place.settings.retention.clone());
        self.plan_retention(place.as_ref().clone(), rules).await
    }

    async fn plan_retention(
        self: &Arc<Self>,
        place: Repository,
        rules: Vec<RetentionRule>,
    ) -> Result<Vec<Doomed>, Problem> {
        // what was downloaded a moment ago is in use
        self.write_downloads().await?;
        let (now, formats) = (self.now(), self.parts.formats);
        let mut doomed = meta::read(self.meta(), move |tx| {
            let mut planner = Planner { place: &place, rules: &rules, formats, now, doomed: BTreeMap::new() };
            planner.plan(tx)?;
            Ok(planner.doomed.into_values().collect::<Vec<_>>())
        })
        .await?;
        doomed.sort_by(|a, b| {
            (&a.format, &a.name, a.uploaded_at, a.package).cmp(&(&b.format, &b.name, b.uploaded_at, b.package))
        });
        Ok(doomed)
    }

    /// Deletes what the rules of a repository say now; gives what went.
    ///
    /// # Errors
    /// `NotFound`, or `Forbidden` unless the caller is an administrator of it.
    pub async fn run_retention(self: &Arc<Self>, caller: &Caller, repository: &str) -> Result<Vec<Doomed>, Problem> {
        let place = self.repository(caller, repository, Permission::Admin).await?.as_ref().clone();
        let doomed = self.plan_retention(place.clone(), place.settings.retention.clone()).await?;
        let mut gone = Vec::new();
        for step in doomed.chunks(STEP) {
            let (step, place, at, actor) = (step.to_vec(), place.clone(), self.now(), caller.name().to_owned());
            let engine = self.clone();
            let deleted = meta::write(self.meta(), move |tx| delete(&engine, tx, &step, &place, at, &actor));
            gone.extend(deleted.await?);
            self.notice().await?;
        }
        Ok(gone)
    }

    /// The rules of all repositories.
    pub(crate) async fn retain(self: &Arc<Self>) -> Result<(), Problem> {
        for place in meta::read(self.meta(), |tx| tx.repositories()).await? {
            if place.settings.retention.iter().any(|rule| !rule.disabled) {
                let gone = self.run_retention(&Caller::System, &place.name).await?;
                if !gone.is_empty() {
                    tracing::info!(
                        repository = place.name,
                        deleted = gone.len(),
                        "rules of retention deleted packages"
                    );
                }
            }
        }
        Ok(())
    }
}

/// Deletes those that are still as they were planned.
fn delete(
    engine: &Engine,
    tx: &mut dyn Tx,
    step: &[Doomed],
    place: &Repository,
    at: Timestamp,
    actor: &str,
) -> Result<Vec<Doomed>, Problem> {
    let mut gone = Vec::new();
    for one in step {
        let Some(package) = tx.packages(&[one.package])?.pop() else { continue };
        let references = tx.references_to(&[one.package])?;
        let fixed = references.iter().any(|r| place.settings.fixes_tag(&r.name) || r.set_at > at);
        if fixed || matches!(package.state, State::Deleted | State::Pending) {
            continue;
        }
        let removal = Removal::new(place, &Caller::System, at, &format!("retention: {}", one.rule));
        removal.apply(engine, tx, one.package)?;
        let body = json!({
            "package": one.package.0, "rule": one.rule, "why": one.why, "bytes": one.bytes,
            "restorable_until": removal.until(),
        });
        tx.append_event(&trash::event(at, "package.deleted", actor, place, &package.at, body))?;
        gone.push(one.clone());
    }
    Ok(gone)
}
