//! What people say of single packages: a state that outranks every decision until it ends, own tags, a corrected licence,
//! and the answers to requests for approval. Each is logged; each asks for a decision where one can come out otherwise.

use crate::{Engine, PackageRow, matching::decide_jobs, trash::event};
use assay_model::{
    access::{Caller, Permission},
    license,
    overrides::{Approval, ApprovalStatus, LicenseCorrection},
    package::{Override, Package, PackageId, State},
    policy::FactKind,
    problem::Problem,
    repository::RepositoryId,
    seam::meta::{self, PersonalFilter, Tx},
    work::Lane,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Longest reason, characters.
const REASON: usize = 1000;
/// Longest tag, characters, and most tags of a package.
const TAG: usize = 100;
const TAGS: usize = 200;

/// An operator's word as it is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideDraft {
    /// `available`, `quarantined` or `hidden`.
    pub state: State,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Tags that an operator adds and removes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagEdit {
    /// To be there.
    pub add: BTreeSet<String>,
    /// To be gone.
    pub remove: BTreeSet<String>,
}

/// A licence as an operator knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseDraft {
    /// SPDX expression.
    pub license: String,
    /// Why.
    pub reason: String,
}

/// An answer to a request for approval.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Slug of the policy that asks; all that ask where none is named.
    #[serde(default)]
    pub policy: Option<String>,
    /// Yes or no.
    pub approve: bool,
    /// Why.
    pub reason: String,
    /// When an approval ends by itself.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A request for approval, for people.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalRow {
    /// The request.
    #[serde(flatten)]
    pub approval: Approval,
    /// `repository/format/name@version`.
    pub subject: String,
    /// How the package is shown.
    pub display: String,
    /// State of the package.
    pub state: State,
}

fn check_reason(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    match reason.chars().count() {
        1..=REASON => Ok(reason.to_owned()),
        _ => Err(Problem::invalid("bad-reason", format!("say why, in 1 to {REASON} characters (`reason`)"))),
    }
}

fn check_end(end: Option<Timestamp>, now: Timestamp) -> Result<(), Problem> {
    match end {
        Some(end) if end <= now => Err(Problem::invalid("bad-expiry", "`expires_at` is not in the future")),
        _ => Ok(()),
    }
}

fn gone(id: PackageId) -> Problem {
    Problem::not_found(format!("there is no package {}", id.0))
}

/// The package as it is now, unless it was deleted meanwhile.
fn current(tx: &mut dyn Tx, id: PackageId) -> Result<Package, Problem> {
    let package = tx.packages(&[id])?.pop().filter(|p| p.state != State::Deleted);
    package.ok_or_else(|| gone(id))
}

impl Engine {
    /// Forces the state of a package until the word ends.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `admin` on its repository; `Invalid` for another state or without reason.
    pub async fn override_package(
        &self,
        caller: &Caller,
        id: PackageId,
        draft: OverrideDraft,
    ) -> Result<Override, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Admin).await?;
        let now = self.now();
        if !matches!(draft.state, State::Available | State::Quarantined | State::Hidden) {
            let message = "an override gives the state available, quarantined or hidden; `assay delete` deletes";
            return Err(Problem::invalid("bad-state", message));
        }
        check_end(draft.expires_at, now)?;
        let word = Override {
            state: draft.state,
            reason: check_reason(&draft.reason)?,
            author: caller.name().to_owned(),
            expires_at: draft.expires_at,
        };
        let kept = word.clone();
        meta::write(self.meta(), move |tx| {
            let package = current(tx, id)?;
            tx.set_standing(id, word.state, &package.tags, None, Some(Some(&word)))?;
            let body = json!({
                "package": id, "from": package.state, "to": word.state, "reason": word.reason,
                "expires_at": word.expires_at, "replaces": package.held,
            });
            tx.append_event(&event(now, "package.overridden", &word.author, &place, &package.at, body))?;
            // the decision after this one looks again when the word ends
            tx.enqueue(&decide_jobs(&[id], Lane::Interactive, "override", now))
        })
        .await?;
        self.notice().await?;
        Ok(kept)
    }

    /// Ends an operator's word before its time; the decision holds again at once.
    ///
    /// # Errors
    /// `NotFound`, also where there is none; `Forbidden` without `admin` on its repository.
    pub async fn end_override(&self, caller: &Caller, id: PackageId) -> Result<State, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Admin).await?;
        let (now, actor) = (self.now(), caller.name().to_owned());
        let state = meta::write(self.meta(), move |tx| {
            let package = current(tx, id)?;
            let Some(word) = package.held.clone() else {
                return Err(Problem::not_found("nobody set the state of this package by hand"));
            };
            let decided = match &package.decision {
                Some(decision) => tx.decision(decision)?.map(|d| d.state),
                None => None,
            };
            let state = decided.unwrap_or(State::Pending);
            tx.set_standing(id, state, &package.tags, None, Some(None))?;
            let body = json!({"package": id, "override": word, "by_itself": false, "to": state});
            tx.append_event(&event(now, "package.override_ended", &actor, &place, &package.at, body))?;
            tx.enqueue(&decide_jobs(&[id], Lane::Interactive, "override ended", now))?;
            Ok(state)
        })
        .await?;
        self.notice().await?;
        Ok(state)
    }

    /// Packages whose state somebody forces, in repositories that the caller may read, the newest first.
    ///
    /// # Errors
    /// From the store; `NotFound` or `Forbidden` for a repository that is named.
    pub async fn overrides(
        &self,
        caller: &Caller,
        repository: Option<&str>,
        before: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<PackageRow>, Problem> {
        let (filter, names) = self.personal(caller, repository, before, limit).await?;
        let (formats, now) = (self.parts.formats, self.now());
        meta::read(self.meta(), move |tx| {
            let ids = tx.overridden(&filter)?;
            let packages = tx.packages(&ids)?;
            crate::catalogue::rows(tx, packages, &names, formats, now)
        })
        .await
    }

    async fn personal(
        &self,
        caller: &Caller,
        repository: Option<&str>,
        before: Option<PackageId>,
        limit: usize,
    ) -> Result<(PersonalFilter, BTreeMap<RepositoryId, String>), Problem> {
        let places = match repository {
            Some(name) => vec![self.repository(caller, name, Permission::Read).await?.as_ref().clone()],
            None => self.readable_repositories(caller).await?,
        };
        let names: BTreeMap<_, _> = places.into_iter().map(|r| (r.id, r.name)).collect();
        let repositories = Some(names.keys().copied().collect());
        Ok((PersonalFilter { repositories, before, limit: limit.clamp(1, 500) }, names))
    }

    /// Adds and removes own tags; gives those that the package has then. What a policy adds or removes, it does again
    /// with its next decision.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `write`; `Invalid` for a tag that cannot be one.
    pub async fn edit_tags(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
        edit: TagEdit,
    ) -> Result<BTreeSet<String>, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Write).await?;
        check_tags(&edit)?;
        let (engine, now, actor) = (self.clone(), self.now(), caller.name().to_owned());
        let tags = meta::write(self.meta(), move |tx| {
            let package = current(tx, id)?;
            let decision = match &package.decision {
                Some(decision) => tx.decision(decision)?,
                None => None,
            };
            let (added, removed) = decision.map(|d| (d.tags_added, d.tags_removed)).unwrap_or_default();
            let kept = tx.own_tags(&[id])?.remove(&id);
            let before = kept.unwrap_or_else(|| package.tags.difference(&added).chain(&removed).cloned().collect());
            let mut own: BTreeSet<String> = before.union(&edit.add).cloned().collect();
            own.retain(|tag| !edit.remove.contains(tag));
            if own.len() > TAGS {
                return Err(Problem::invalid("too-many-tags", format!("a package has at most {TAGS} tags of its own")));
            }
            let shown: BTreeSet<String> = own.union(&added).filter(|t| !removed.contains(*t)).cloned().collect();
            if own == before {
                return Ok(shown);
            }
            tx.put_own_tags(id, &own)?;
            tx.set_standing(id, package.state, &shown, None, None)?;
            let body = json!({
                "package": id, "tags_added": own.difference(&before).collect::<Vec<_>>(),
                "tags_removed": before.difference(&own).collect::<Vec<_>>(),
            });
            tx.append_event(&event(now, "package.tagged", &actor, &place, &package.at, body))?;
            engine.decide_if_read(tx, id, &[FactKind::Tags], "tags edited", now)?;
            Ok(shown)
        })
        .await?;
        self.notice().await?;
        Ok(tags)
    }

    /// Corrects the licence of a package, or takes the correction back.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `admin` on its repository; `Invalid` for what is no SPDX expression.
    pub async fn correct_license(
        self: &Arc<Self>,
        caller: &Caller,
        id: PackageId,
        draft: Option<LicenseDraft>,
    ) -> Result<Option<LicenseCorrection>, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Admin).await?;
        let (engine, now) = (self.clone(), self.now());
        let correction = match draft {
            None => None,
            Some(draft) => Some(LicenseCorrection {
                expression: spdx(&draft.license)?,
                reason: check_reason(&draft.reason)?,
                author: caller.name().to_owned(),
                at: now,
            }),
        };
        let (kept, actor) = (correction.clone(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            let package = current(tx, id)?;
            let before = tx.corrected_licenses(&[id])?.remove(&id);
            if !tx.correct_license(id, correction.as_ref())? && correction.is_none() {
                return Err(Problem::not_found("nobody corrected the licence of this package"));
            }
            let kind = match correction {
                Some(_) => "package.license_corrected",
                None => "package.license_restored",
            };
            let body = json!({"package": id, "correction": correction, "before": before});
            tx.append_event(&event(now, kind, &actor, &place, &package.at, body))?;
            engine.decide_if_read(tx, id, &[FactKind::Package, FactKind::Inventory], "licence corrected", now)
        })
        .await?;
        self.notice().await?;
        Ok(kept)
    }

    /// Asks for a decision about one package where an enabled policy reads what changed.
    fn decide_if_read(
        &self,
        tx: &mut dyn Tx,
        id: PackageId,
        kinds: &[FactKind],
        cause: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let rules = self.rules(tx)?;
        if kinds.iter().any(|kind| rules.reads().contains(kind)) {
            tx.enqueue(&decide_jobs(&[id], Lane::Interactive, cause, now))?;
        }
        Ok(())
    }

    /// Requests for approval of packages that the caller may read.
    ///
    /// # Errors
    /// From the store; `NotFound` or `Forbidden` for a repository that is named.
    pub async fn approvals(
        &self,
        caller: &Caller,
        status: Option<ApprovalStatus>,
        repository: Option<&str>,
        before: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<ApprovalRow>, Problem> {
        let (filter, names) = self.personal(caller, repository, before, limit).await?;
        let formats = self.parts.formats;
        meta::read(self.meta(), move |tx| {
            let all = tx.approvals(status, &filter)?;
            let ids: Vec<PackageId> = all.iter().map(|a| a.package).collect();
            let packages: BTreeMap<PackageId, Package> = tx.packages(&ids)?.into_iter().map(|p| (p.id, p)).collect();
            let row = |approval: Approval| {
                let package = packages.get(&approval.package)?;
                let place = names.get(&package.repository)?;
                Some(ApprovalRow {
                    subject: package.at.subject(place),
                    display: crate::catalogue::display(formats, package),
                    state: package.state,
                    approval,
                })
            };
            Ok(all.into_iter().filter_map(row).collect())
        })
        .await
    }

    /// Answers requests for approval of a package.
    ///
    /// # Errors
    /// `NotFound` where nothing waits for an answer; `Forbidden` without `admin` on its repository.
    pub async fn answer_approval(
        &self,
        caller: &Caller,
        id: PackageId,
        answer: Answer,
    ) -> Result<Vec<Approval>, Problem> {
        let (_, place) = self.writable(caller, id, Permission::Admin).await?;
        let now = self.now();
        check_end(answer.expires_at, now)?;
        let reason = check_reason(&answer.reason)?;
        let author = caller.name().to_owned();
        let answered = meta::write(self.meta(), move |tx| {
            let package = current(tx, id)?;
            let all = tx.approvals_of(&[id])?.remove(&id).unwrap_or_default();
            let meant = |a: &Approval| match &answer.policy {
                Some(policy) => a.policy == *policy && a.status != ApprovalStatus::Withdrawn,
                None => a.status == ApprovalStatus::Requested,
            };
            let mut answered: Vec<Approval> = all.into_iter().filter(meant).collect();
            for approval in &mut answered {
                approval.status = if answer.approve { ApprovalStatus::Approved } else { ApprovalStatus::Refused };
                approval.reason.clone_from(&reason);
                approval.author.clone_from(&author);
                approval.expires_at = answer.expires_at.filter(|_| answer.approve);
                approval.changed_at = now;
                tx.put_approval(approval)?;
                let kind = if answer.approve { "approval.approved" } else { "approval.refused" };
                let body = json!({
                    "package": id, "policy": approval.policy, "reason": reason, "expires_at": approval.expires_at,
                });
                tx.append_event(&event(now, kind, &author, &place, &package.at, body))?;
            }
            if answered.is_empty() {
                return Err(Problem::not_found("no policy waits for an approval of this package"));
            }
            let cause = if answer.approve { "approved" } else { "approval refused" };
            tx.enqueue(&decide_jobs(&[id], Lane::Interactive, cause, now))?;
            Ok(answered)
        })
        .await?;
        self.notice().await?;
        Ok(answered)
    }

    /// Removes for good what policies deleted longer ago than the trash of its repository keeps things; gives how many.
    pub(crate) async fn purge_deleted_by_policies(&self) -> Result<usize, Problem> {
        let now = self.now();
        let mut purged = 0;
        loop {
            let (n, more) = meta::write(self.meta(), move |tx| purge(tx, now)).await?;
            purged += n;
            if !more || n == 0 {
                return Ok(purged);
            }
        }
    }
}

/// Packages of one transaction.
const PURGED_AT_ONCE: usize = 200;

fn purge(tx: &mut dyn Tx, now: Timestamp) -> Result<(usize, bool), Problem> {
    let ids = tx.deleted_by_policies(now, PURGED_AT_ONCE)?;
    let mut purged = 0;
    for package in tx.packages(&ids)? {
        let Some(place) = tx.repository_by_id(package.repository)? else { continue };
        let decided = match &package.decision {
            Some(id) => tx.decision(id)?.map(|d| d.at),
            None => None,
        };
        let keeps = jiff::SignedDuration::from_hours(24 * i64::from(place.settings.trash_days));
        if decided.is_none_or(|at| at + keeps > now) {
            continue;
        }
        // it counts until it is gone
        tx.set_standing(package.id, State::Hidden, &package.tags, None, None)?;
        tx.delete_package(package.id)?;
        let body = json!({"package": package.id, "cause": "deleted by a policy"});
        tx.append_event(&event(now, "package.deleted", "system", &place, &package.at, body))?;
        purged += 1;
    }
    Ok((purged, ids.len() == PURGED_AT_ONCE))
}

fn check_tags(edit: &TagEdit) -> Result<(), Problem> {
    if edit.add.is_empty() && edit.remove.is_empty() {
        return Err(Problem::invalid("bad-tags", "name tags to `add` or to `remove`"));
    }
    let fits = |tag: &&String| {
        tag.trim() == tag.as_str() && (1..=TAG).contains(&tag.chars().count()) && !tag.chars().any(char::is_control)
    };
    match edit.add.iter().find(|tag| !fits(tag)) {
        Some(_) => Err(Problem::invalid(
            "bad-tags",
            format!("a tag has 1 to {TAG} characters, no control characters, and no space at its ends"),
        )),
        None => Ok(()),
    }
}

fn spdx(text: &str) -> Result<String, Problem> {
    let read = license::normalise(text);
    let own = text.trim().starts_with("LicenseRef-") && !text.trim().contains(char::is_whitespace);
    if read.known || own {
        return Ok(read.expression);
    }
    let shown: String = text.chars().take(80).collect();
    Err(Problem::invalid(
        "bad-license",
        format!(
            "`{shown}` is no expression of licences of the SPDX list, such as `Apache-2.0 OR MIT`, and no LicenseRef-"
        ),
    ))
}
