//! Writes what a decision came to: the decision where it says something new, the standing, the event, the next look.

use super::conclude::Concluded;
use assay_model::{
    decision::{Decision, Outcome, Verdict},
    event::NewEvent,
    overrides::ApprovalStatus,
    package::{Package, PackageId, State},
    problem::Problem,
    seam::meta::Tx,
    waiver::{WaiverId, WaiverUse},
    work::{Due, Lane, NewJob, Stage},
};
use serde_json::json;
use std::collections::BTreeMap;

/// Notes which policies spoke and which waivers were used.
fn note(tx: &mut dyn Tx, decision: &Decision) -> Result<(), Problem> {
    let failed = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Failed(_));
    let policies: Vec<(&str, bool)> =
        decision.verdicts.iter().map(|verdict| (verdict.policy.as_str(), failed(verdict))).collect();
    tx.note_verdicts(decision.package, &policies)?;
    let used = |waiver: &WaiverId| WaiverUse {
        waiver: waiver.clone(),
        package: decision.package,
        decision: decision.id.clone(),
        at: decision.at,
    };
    tx.note_waiver_uses(&decision.basis.waivers.iter().map(used).collect::<Vec<_>>())
}

/// Whether packages are as they were when their facts were gathered.
pub(super) fn still_so(tx: &mut dyn Tx, outcomes: &[Concluded]) -> Result<bool, Problem> {
    let ids: Vec<PackageId> = outcomes.iter().map(|outcome| outcome.package.id).collect();
    let now: BTreeMap<PackageId, Package> = tx.packages(&ids)?.into_iter().map(|p| (p.id, p)).collect();
    let mut files: BTreeMap<PackageId, usize> = BTreeMap::new();
    for file in tx.files_of(&ids)? {
        *files.entry(file.package).or_default() += 1;
    }
    let same = |outcome: &Concluded| {
        let then = &outcome.package;
        now.get(&then.id).is_some_and(|p| (p.state, &p.decision, &p.held) == (then.state, &then.decision, &then.held))
            && files.get(&then.id).copied().unwrap_or(0) == outcome.files
    };
    let own = tx.own_tags(&ids)?;
    let tagged = |outcome: &Concluded| own.get(&outcome.package.id).is_none_or(|tags| *tags == outcome.package.tags);
    Ok(outcomes.iter().all(|outcome| same(outcome) && tagged(outcome)))
}

/// Writes one outcome: the decision where it says something new, the standing, the event, the next look.
pub(super) fn enforce(tx: &mut dyn Tx, outcome: &Concluded) -> Result<(), Problem> {
    let Concluded { package, decision, .. } = outcome;
    if let Some(at) = outcome.review_at {
        let (cause, due) = ("the clock".to_owned(), Due::appointed(at));
        let lane = if outcome.review_foreseen { Lane::Change } else { Lane::Backfill };
        tx.enqueue(&[NewJob { lane, stage: Stage::Decide, key: package.id.0, cause, due }])?;
    }
    requests(tx, outcome)?;
    if !outcome.news && package.state == outcome.state && !outcome.word_ended {
        return Ok(());
    }
    if outcome.promotes && outcome.state == State::Available {
        let cause = "promotion".to_owned();
        let due = Due::at_once(decision.at);
        tx.enqueue(&[NewJob { lane: Lane::Change, stage: Stage::Promote, key: package.id.0, cause, due }])?;
    }
    if let Some(input) = &outcome.input {
        tx.keep_input(input)?;
    }
    if outcome.news {
        tx.append_decision(decision)?;
        note(tx, decision)?;
    }
    let id = if outcome.news { Some(&decision.id) } else { None };
    tx.set_standing(package.id, outcome.state, &outcome.tags, id, outcome.word_ended.then_some(None))?;
    if outcome.word_ended {
        let body = json!({"package": package.id, "override": package.held, "by_itself": true, "to": outcome.state});
        log(tx, outcome, "package.override_ended", body)?;
    }
    // a release is as severe as what held the package
    let severity = decision.vulnerabilities.iter().map(|v| v.severity).max().or(outcome.was);
    let body = json!({
        "package": package.id, "severity": severity,
        "notices": decision.notices.difference(&outcome.told).collect::<Vec<_>>(),
        "notices_ended": outcome.told.difference(&decision.notices).collect::<Vec<_>>(),
        "decision": if outcome.news { Some(&decision.id) } else { package.decision.as_ref() },
        "from": package.state, "to": outcome.state, "trigger": decision.trigger,
        "policies": decision.verdicts.iter().map(|v| &v.policy).collect::<Vec<_>>(),
        "reasons": decision.verdicts.iter().flat_map(|v| &v.reasons).take(5).collect::<Vec<_>>(),
        "vulnerabilities": decision.vulnerabilities.iter().map(|v| &v.id).take(5).collect::<Vec<_>>(),
    });
    let ended = |to: State| decision.endings.iter().any(|end| end.at <= decision.at && end.state == to.as_str());
    let kind = match (package.state, outcome.state) {
        (from, to) if from != to && to == decision.state && ended(to) => "decision.expired",
        (_, State::Quarantined) if package.state != State::Quarantined => "decision.quarantined",
        (State::Quarantined | State::Hidden, State::Available) => "decision.released",
        (from, to) if from == to => "decision.confirmed",
        _ => "decision.made",
    };
    log(tx, outcome, kind, body)
}

fn log(tx: &mut dyn Tx, outcome: &Concluded, kind: &'static str, body: serde_json::Value) -> Result<(), Problem> {
    let (at, subject) = (outcome.decision.at, outcome.subject.clone());
    tx.append_event(&NewEvent { at, kind, actor: "system".into(), subject, body }).map(|_| ())
}

/// Writes what becomes of requests for approval.
fn requests(tx: &mut dyn Tx, outcome: &Concluded) -> Result<(), Problem> {
    for approval in &outcome.approvals {
        tx.put_approval(approval)?;
        let kind = match approval.status {
            ApprovalStatus::Requested => "approval.requested",
            ApprovalStatus::Expired => "approval.expired",
            _ => "approval.withdrawn",
        };
        let body = json!({"package": outcome.package.id, "policy": approval.policy});
        log(tx, outcome, kind, body)?;
    }
    Ok(())
}
