//! Changes of waivers. Each is one transaction with its event and the decisions that it asks for.

use super::{
    RULES, WaiverChange, WaiverDraft,
    draft::{MAX_REASON, check_end},
    end::{next_look, past_notices},
    rules,
};
use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    problem::{Kind, Problem},
    seam::meta::{self, Tx},
    waiver::{Approval, Waiver, WaiverId, WaiverRules, WaiverStatus},
};
use serde_json::json;
use std::sync::Arc;

/// The longest that a waiver may be allowed to last, in days.
const MOST_DAYS: u32 = 3650;

/// The event of one that was ended by hand, or taken back.
const REVOKED: &str = "waiver.revoked";

/// What changes, and who does it.
struct Step {
    id: WaiverId,
    actor: String,
    change: WaiverChange,
}

impl Engine {
    /// Asks for a waiver. It is in force at once, or waits for an approver where the workspace wants one.
    ///
    /// # Errors
    /// `Invalid` saying what is wrong; `Forbidden`.
    pub async fn add_waiver(self: &Arc<Self>, caller: &Caller, draft: WaiverDraft) -> Result<Waiver, Problem> {
        let (engine, who) = (self.clone(), caller.clone());
        let made = meta::write(self.meta(), move |tx| engine.keep_waiver(tx, &who, draft.clone(), (None, ""))).await?;
        self.notice().await?;
        Ok(made)
    }

    /// Keeps what is asked for; `replaces` is what ends when it takes effect.
    pub(super) fn keep_waiver(
        &self,
        tx: &mut dyn Tx,
        who: &Caller,
        draft: WaiverDraft,
        (replaces, comment): (Option<WaiverId>, &str),
    ) -> Result<Waiver, Problem> {
        let (rules, now) = (rules(tx)?, self.now());
        let needs_approval = rules.approval == Approval::Required;
        who.require_everywhere(if needs_approval { Permission::Write } else { Permission::Admin })?;
        let mut waiver = draft.checked(tx, &rules, now)?;
        who.name().clone_into(&mut waiver.author);
        waiver.replaces = replaces;
        waiver.status = if needs_approval { WaiverStatus::Requested } else { WaiverStatus::Active };
        waiver.noticed = past_notices(&waiver, &rules, now);
        let waiver = tx.add_waiver(&waiver)?;
        let kind = if needs_approval { "waiver.requested" } else { "waiver.added" };
        self.conclude_step(tx, &waiver, (kind, who.name()), comment)?;
        if waiver.status == WaiverStatus::Active {
            self.end_replaced(tx, &waiver, who.name())?;
        }
        Ok(waiver)
    }

    /// Approves a waiver that waits.
    ///
    /// # Errors
    /// `Forbidden` also for its author; `Conflict` when it does not wait.
    pub async fn approve_waiver(self: &Arc<Self>, caller: &Caller, id: &str) -> Result<Waiver, Problem> {
        self.step(caller, id, WaiverChange::default(), "waiver.approved", |waiver, step, _| {
            not_by_author(waiver, step, "approve")?;
            is_one_of(waiver, &[WaiverStatus::Requested])?;
            waiver.status = WaiverStatus::Active;
            waiver.approver = Some(step.actor.clone());
            Ok(())
        })
        .await
    }

    /// Refuses a waiver that waits.
    ///
    /// # Errors
    /// `Conflict` when it does not wait; `Forbidden`.
    pub async fn refuse_waiver(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        change: WaiverChange,
    ) -> Result<Waiver, Problem> {
        self.step(caller, id, change, "waiver.refused", |waiver, step, _| {
            is_one_of(waiver, &[WaiverStatus::Requested])?;
            waiver.status = WaiverStatus::Refused;
            waiver.approver = Some(step.actor.clone());
            Ok(())
        })
        .await
    }

    /// Ends a waiver before its time, or takes a request back, which its author may do as well.
    ///
    /// # Errors
    /// `Conflict` when it has ended; `Forbidden`.
    pub async fn revoke_waiver(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        change: WaiverChange,
    ) -> Result<Waiver, Problem> {
        self.step(caller, id, change, REVOKED, |waiver, _, _| {
            is_one_of(waiver, &[WaiverStatus::Requested, WaiverStatus::Active])?;
            waiver.status = WaiverStatus::Revoked;
            Ok(())
        })
        .await
    }

    /// Gives a waiver another end.
    ///
    /// # Errors
    /// `Invalid` for an end that may not be; `Conflict` when it has ended; `Forbidden`, where approval is required also for
    /// its author.
    pub async fn extend_waiver(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        change: WaiverChange,
    ) -> Result<Waiver, Problem> {
        self.step(caller, id, change, "waiver.extended", |waiver, step, rules| {
            if rules.approval == Approval::Required {
                not_by_author(waiver, step, "extend")?;
            }
            is_one_of(waiver, &[WaiverStatus::Requested, WaiverStatus::Active])?;
            let end = step.change.expires_at;
            waiver.expires_at =
                end.ok_or_else(|| Problem::invalid("bad-waiver", "`expires_at`, the new end, is missing"))?;
            Ok(())
        })
        .await
    }

    async fn step(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        change: WaiverChange,
        kind: &'static str,
        apply: fn(&mut Waiver, &Step, &WaiverRules) -> Result<(), Problem>,
    ) -> Result<Waiver, Problem> {
        // Who asked may take a request back; whose it is shows below.
        let least = if kind == REVOKED { Permission::Write } else { Permission::Admin };
        caller.require_everywhere(least)?;
        if change.reason.chars().count() > MAX_REASON {
            return Err(Problem::invalid("bad-waiver", format!("a reason has at most {MAX_REASON} characters")));
        }
        let who = caller.clone();
        let step = Step { id: WaiverId(id.to_owned()), actor: caller.name().to_owned(), change };
        let (engine, now) = (self.clone(), self.now());
        let waiver = meta::write(self.meta(), move |tx| {
            let rules = rules(tx)?;
            let mut waiver = tx.waiver(&step.id)?.ok_or_else(|| unknown(&step.id))?;
            let own_request = waiver.status == WaiverStatus::Requested && waiver.author == step.actor;
            if kind != REVOKED || !own_request {
                who.require_everywhere(Permission::Admin)?;
            }
            let before = waiver.expires_at;
            apply(&mut waiver, &step, &rules)?;
            if waiver.expires_at != before {
                check_end(waiver.expires_at, &rules, now)?;
                waiver.noticed = past_notices(&waiver, &rules, now);
            }
            waiver.changed_at = now;
            step.change.reason.clone_into(&mut waiver.comment);
            tx.put_waiver(&waiver)?;
            engine.conclude_step(tx, &waiver, (kind, &step.actor), &step.change.reason)?;
            if kind == "waiver.approved" {
                engine.end_replaced(tx, &waiver, &step.actor)?;
            }
            Ok(waiver)
        })
        .await?;
        self.notice().await?;
        Ok(waiver)
    }

    /// Logs a change, asks for the decisions that it touches, and for a look at the waiver when it next ends or is to be
    /// told of.
    pub(super) fn conclude_step(
        &self,
        tx: &mut dyn Tx,
        waiver: &Waiver,
        (kind, actor): (&'static str, &str),
        reason: &str,
    ) -> Result<(), Problem> {
        let at = self.now();
        let verb = kind.strip_prefix("waiver.").unwrap_or(kind);
        let touched = match waiver.status {
            WaiverStatus::Requested | WaiverStatus::Refused => 0,
            _ => self.decide_touched(tx, waiver, &format!("waiver {} {verb}", waiver.id), at)?,
        };
        let body = json!({
            "scope": waiver.scope, "status": waiver.status, "expires_at": waiver.expires_at, "reason": waiver.reason,
            "author": waiver.author, "approver": waiver.approver, "replaces": waiver.replaces, "comment": reason,
            "packages": touched,
        });
        let (actor, subject) = (actor.to_owned(), format!("waiver/{}", waiver.id));
        tx.append_event(&NewEvent { at, kind, actor, subject, body })?;
        let rules = rules(tx)?;
        tx.enqueue(&next_look(waiver, &rules))
    }

    /// How the workspace wants its waivers.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn waiver_rules(&self, caller: &Caller) -> Result<WaiverRules, Problem> {
        caller.require_everywhere(Permission::Read)?;
        meta::read(self.meta(), rules).await
    }

    /// Sets how the workspace wants its waivers; those that are in force stay as they are, but for the notices.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`.
    pub async fn set_waiver_rules(&self, caller: &Caller, wanted: WaiverRules) -> Result<WaiverRules, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        if wanted.max_days == 0 || wanted.max_days > MOST_DAYS || wanted.notice_days.len() > 10 {
            return Err(Problem::invalid(
                "bad-rules",
                format!("waivers last 1 to {MOST_DAYS} days, and notice is given on at most 10 days"),
            ));
        }
        let (at, actor, new) = (self.now(), caller.name().to_owned(), wanted.clone());
        meta::write(self.meta(), move |tx| {
            let text = serde_json::to_string(&new).map_err(|e| Problem::internal("cannot write JSON", e))?;
            tx.put_setting(RULES, &text)?;
            for waiver in tx.waivers_in_force(at)? {
                tx.enqueue(&next_look(&waiver, &new))?;
            }
            let (actor, body) = (actor.clone(), json!(new));
            tx.append_event(&NewEvent { at, kind: "waiver.rules_changed", actor, subject: "waivers".into(), body })
        })
        .await?;
        self.notice().await?;
        Ok(wanted)
    }
}

pub(super) fn unknown(id: &WaiverId) -> Problem {
    Problem::not_found(format!("there is no waiver `{id}`; `assay waiver list` shows them"))
}

fn not_by_author(waiver: &Waiver, step: &Step, what: &str) -> Result<(), Problem> {
    if waiver.author != step.actor {
        return Ok(());
    }
    let message = format!("`{}` asked for {}; another administrator has to {what} it", step.actor, waiver.id);
    Err(Problem::new(Kind::Forbidden, "own-waiver", message))
}

pub(super) fn is_one_of(waiver: &Waiver, wanted: &[WaiverStatus]) -> Result<(), Problem> {
    if wanted.contains(&waiver.status) {
        return Ok(());
    }
    let wanted: Vec<&str> = wanted.iter().map(|status| status.as_str()).collect();
    Err(Problem::conflict(format!("{} is {}, not {}", waiver.id, waiver.status.as_str(), wanted.join(" or "))))
}
