//! Waivers end by themselves: a job that is due at the next moment at which something is to be done about one. It looks at
//! the waiver as it is then, so a job too many, after a restart or an extension, does nothing.

use super::rules;
use crate::Engine;
use assay_model::{
    event::NewEvent,
    problem::Problem,
    seam::meta::{self, Tx},
    waiver::{Waiver, WaiverId, WaiverRules, WaiverStatus},
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Days before the end of a waiver that are past: nobody is told of what is over.
pub(super) fn past_notices(waiver: &Waiver, rules: &WaiverRules, now: Timestamp) -> BTreeSet<u32> {
    rules.notice_days.iter().copied().filter(|days| moment(waiver, *days) <= now).collect()
}

fn moment(waiver: &Waiver, days: u32) -> Timestamp {
    waiver.expires_at - SignedDuration::from_hours(24 * i64::from(days))
}

fn has_not_ended(waiver: &Waiver) -> bool {
    matches!(waiver.status, WaiverStatus::Active | WaiverStatus::Requested)
}

/// The job that looks at a waiver when it next ends or is to be told of; none for one that has ended.
pub(super) fn next_look(waiver: &Waiver, rules: &WaiverRules) -> Vec<NewJob> {
    let Some(key) = waiver.id.number().filter(|_| has_not_ended(waiver)) else { return Vec::new() };
    let notices = rules.notice_days.iter().filter(|days| !waiver.noticed.contains(days));
    let due = notices.map(|days| moment(waiver, *days)).chain([waiver.expires_at]).min().unwrap_or(waiver.expires_at);
    let cause = format!("waiver {} ends", waiver.id);
    vec![NewJob { lane: Lane::Change, stage: Stage::Waiver, key, cause, due: Due::appointed(due) }]
}

impl Engine {
    /// Looks at the waiver of a job: ends it, or gives notice.
    pub(crate) async fn look_at_waiver(self: &Arc<Self>, job: &Job) -> Result<(), Problem> {
        let (engine, now, id, done) = (self.clone(), self.now(), WaiverId::of(job.key), job.id);
        meta::write(self.meta(), move |tx| {
            tx.finish(&[done])?;
            match tx.waiver(&id)? {
                Some(waiver) if has_not_ended(&waiver) => engine.look_at(tx, waiver, now),
                _ => Ok(()),
            }
        })
        .await?;
        self.notice().await
    }

    fn look_at(&self, tx: &mut dyn Tx, mut waiver: Waiver, now: Timestamp) -> Result<(), Problem> {
        if waiver.expires_at <= now {
            let was_in_force = waiver.status == WaiverStatus::Active;
            waiver.status = WaiverStatus::Expired;
            waiver.changed_at = now;
            let comment = if was_in_force { "" } else { "nobody approved it" };
            comment.clone_into(&mut waiver.comment);
            tx.put_waiver(&waiver)?;
            return self.conclude_step(tx, &waiver, ("waiver.expired", "system"), comment);
        }
        let rules = rules(tx)?;
        let due: Vec<u32> = past_notices(&waiver, &rules, now).difference(&waiver.noticed).copied().collect();
        if let (Some(days), WaiverStatus::Active) = (due.iter().min(), waiver.status) {
            let body = json!({
                "days": days, "expires_at": waiver.expires_at, "scope": waiver.scope, "reason": waiver.reason,
                "author": waiver.author, "approver": waiver.approver,
            });
            let subject = format!("waiver/{}", waiver.id);
            tx.append_event(&NewEvent { at: now, kind: "waiver.ending", actor: "system".into(), subject, body })?;
        }
        if !due.is_empty() {
            waiver.noticed.extend(due);
            tx.put_waiver(&waiver)?;
        }
        tx.enqueue(&next_look(&waiver, &rules))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_look_is_at_the_next_notice_or_the_end() {
        let rules = WaiverRules::default();
        let mut waiver = Waiver {
            id: WaiverId::of(4),
            status: WaiverStatus::Active,
            expires_at: at("2026-03-31T12:00:00Z"),
            ..Waiver::default()
        };
        let due = |waiver: &Waiver| next_look(waiver, &rules)[0].due.at();
        assert_eq!(due(&waiver), at("2026-03-24T12:00:00Z"));
        assert!(past_notices(&waiver, &rules, at("2026-03-01T00:00:00Z")).is_empty());
        assert_eq!(past_notices(&waiver, &rules, at("2026-03-29T00:00:00Z")), BTreeSet::from([7]));
        waiver.noticed = BTreeSet::from([7]);
        assert_eq!(due(&waiver), at("2026-03-30T12:00:00Z"));
        waiver.noticed = BTreeSet::from([7, 1]);
        assert_eq!(due(&waiver), waiver.expires_at);
        waiver.status = WaiverStatus::Revoked;
        assert!(next_look(&waiver, &rules).is_empty());
    }
}
