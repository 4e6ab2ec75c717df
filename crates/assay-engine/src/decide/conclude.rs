//! The pure middle: gathered facts and compiled policies in, what a decision comes to out. Writes nothing.

use super::{clock, gather::Gathered};
use crate::{Engine, fold, record::packing};
use assay_model::{
    assessment::{Assessment, assess},
    component::Component,
    decision::{Basis, Cited, Decision, DecisionId, Evaluated, Judged, Notice, Outcome, Verdict},
    facts::Facts,
    finding::{Finding, Severity},
    overrides::{Approval, ApprovalStatus},
    package::{Package, State},
    policy::{FactKind, Policy},
    problem::Problem,
    seam::{
        action::{Ground, Standing},
        judge::Rules,
        meta::PackedInput,
    },
};
use jiff::Timestamp;
use std::{collections::BTreeSet, time::Instant};

const CITED: usize = 20;

/// What a decision comes to, ready to be written.
pub(super) struct Concluded {
    pub(super) package: Package,
    /// How many files it had; files are only ever added.
    pub(super) files: usize,
    pub(super) decision: Decision,
    pub(super) tags: BTreeSet<String>,
    /// State with the operator's override in force.
    pub(super) state: State,
    /// Whether it says anything that the previous decision did not.
    pub(super) news: bool,
    /// What it is a function of, where it is kept.
    pub(super) input: Option<PackedInput>,
    /// Who was to be told by the previous decision.
    pub(super) told: BTreeSet<Notice>,
    /// The worst that the previous decision was about.
    pub(super) was: Option<Severity>,
    /// Requests for approval that change.
    pub(super) approvals: Vec<Approval>,
    /// Whether an operator's word on the state came to its end.
    pub(super) word_ended: bool,
    pub(super) subject: String,
    pub(super) review_at: Option<Timestamp>,
    /// Whether something is known to change at that moment, rather than looked for.
    pub(super) review_foreseen: bool,
    /// Whether rules of its repository may take it elsewhere.
    pub(super) promotes: bool,
}

impl Engine {
    /// Facts in, decision out; writes nothing. `keeps` says whether the decision is to be written, with its input.
    pub(super) fn conclude(
        &self,
        gathered: Gathered,
        rules: &dyn Rules,
        import: i64,
        keeps: bool,
    ) -> Result<Concluded, Problem> {
        let Gathered { facts, previous, approvals, cause } = gathered;
        let started = Instant::now();
        // the whole document is made where it is kept, which it seldom is where the same policies spoke before
        let tries = !keeps || previous.as_ref().is_some_and(|before| spoke(rules, before));
        let judged = if tries { rules.suppose(&facts) } else { rules.judge(&facts)? };
        let Judged { evaluated, input, waivers, mut document } = judged;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let base = Standing::of(State::Available, facts.package.tags.clone());
        let approved: BTreeSet<String> =
            approvals.iter().filter(|a| a.holds(facts.now)).map(|a| a.policy.clone()).collect();
        let ground = Ground { now: facts.now, arrived: facts.package.uploaded_at, approved };
        let folded = fold(&evaluated, &base, self.parts.actions, &ground);
        let reads_time = rules.reads().contains(&FactKind::Time);
        let looked = (reads_time && keeps).then(|| {
            let (base, ground, actions) = (&base, &ground, self.parts.actions);
            let after = clock::Foresight { rules, document: &document, base, ground, actions };
            clock::next_turn(&after, facts.now, &folded, micros)
        });
        let basis = Basis {
            input,
            rules: None,
            policies: evaluated.iter().map(|e| (e.verdict.policy.clone(), e.verdict.revision)).collect(),
            advisories: import,
            scanner: self.parts.inspector.revision().to_owned(),
            waivers,
            micros,
            approved: ground.approved,
            arrived: (!folded.standing.endings.is_empty()).then_some(ground.arrived),
        };
        let count = evaluated.len();
        let verdicts = said_something(evaluated);
        let mut decision = Decision {
            id: decision_id(&facts, &basis),
            package: facts.package.id,
            at: facts.now,
            trigger: cause,
            state: folded.standing.state,
            tags_added: folded.standing.tags.difference(&base.tags).cloned().collect(),
            tags_removed: base.tags.difference(&folded.standing.tags).cloned().collect(),
            vulnerabilities: cite(&facts, &verdicts),
            verdicts,
            evaluated: count,
            actions: folded.actions,
            notices: folded.standing.notices,
            awaited: folded.standing.awaited,
            endings: folded.standing.endings,
            basis,
        };
        let held = facts.package.held.as_ref().filter(|h| h.expires_at.is_none_or(|end| end > facts.now));
        let state = held.map_or(decision.state, |h| h.state);
        let word_ended = held.is_none() && facts.package.held.is_some();
        let release = held.and_then(|h| h.expires_at);
        let ahead = decision.endings.iter().map(|e| e.at);
        let granted = approvals.iter().filter(|a| a.status == ApprovalStatus::Approved).filter_map(|a| a.expires_at);
        let due = ahead.chain(granted).filter(|at| *at > facts.now).min();
        let review_at = looked.map(|look| look.at).into_iter().chain(release).chain(due).min();
        let news = previous.as_ref().is_none_or(|p| differs(p, &decision));
        if news && keeps {
            if tries {
                let whole = rules.judge(&facts)?;
                (decision.basis.input, document) = (whole.input, whole.document);
                decision.id = decision_id(&facts, &decision.basis);
            }
            // a terminal policy that matches ends the list
            decision.basis.rules = Some(Policy::text_of(rules.policies().iter().take(count)));
        }
        let (package, files) = (facts.package, facts.files.len());
        Ok(Concluded {
            input: if news && keeps { Some(packing::pack(&decision.basis.input, &document)?) } else { None },
            news,
            was: previous.as_ref().and_then(|p| p.vulnerabilities.iter().map(|v| v.severity).max()),
            told: previous.map(|p| p.notices).unwrap_or_default(),
            approvals: requests(approvals, &decision),
            word_ended,
            subject: package.at.subject(&facts.repository.name),
            tags: folded.standing.tags,
            review_foreseen: review_at != looked.map(|look| look.at) || looked.is_some_and(|look| look.foreseen),
            review_at,
            state,
            decision,
            package,
            files,
            promotes: !facts.repository.settings.promotion.is_empty(),
        })
    }
}

/// Requests for approval that this decision makes, withdraws or lets run out.
fn requests(known: Vec<Approval>, decision: &Decision) -> Vec<Approval> {
    let now = decision.at;
    let wants = |policy: &str| decision.awaited.iter().any(|awaited| awaited.policy == policy);
    let mut changed = Vec::new();
    for mut approval in known.iter().cloned() {
        let wanted = wants(&approval.policy);
        let ran_out = approval.status == ApprovalStatus::Approved && !approval.holds(now);
        approval.status = match approval.status {
            ApprovalStatus::Approved if ran_out && wanted => ApprovalStatus::Requested,
            ApprovalStatus::Approved if ran_out => ApprovalStatus::Expired,
            ApprovalStatus::Requested | ApprovalStatus::Refused if !wanted => ApprovalStatus::Withdrawn,
            ApprovalStatus::Withdrawn | ApprovalStatus::Expired if wanted => ApprovalStatus::Requested,
            _ => continue,
        };
        approval.changed_at = now;
        if approval.status == ApprovalStatus::Requested {
            let again = Approval { requested_at: now, reason: String::new(), author: String::new(), ..approval };
            approval = Approval { expires_at: None, ..again };
        }
        changed.push(approval);
    }
    let new = decision.awaited.iter().filter(|awaited| known.iter().all(|a| a.policy != awaited.policy));
    changed.extend(new.map(|awaited| Approval {
        package: decision.package,
        policy: awaited.policy.clone(),
        status: ApprovalStatus::Requested,
        reason: String::new(),
        author: String::new(),
        expires_at: None,
        requested_at: now,
        changed_at: now,
    }));
    changed
}

pub(crate) fn said_something(evaluated: Vec<Evaluated>) -> Vec<Verdict> {
    evaluated.into_iter().map(|e| e.verdict).filter(|v| v.outcome != Outcome::NoMatch).collect()
}

/// The vulnerabilities that the verdicts name, each once; all that count, worst first, where they name none. What is waived
/// or answered for is behind no verdict.
fn cite(facts: &Facts, verdicts: &[Verdict]) -> Vec<Cited> {
    let verdicts: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.waived_by.is_none()).collect();
    if verdicts.is_empty() {
        return Vec::new();
    }
    let text: String = verdicts.iter().flat_map(|v| v.reasons.iter().cloned().chain([v.output.to_string()])).collect();
    let assessments = assess(facts);
    let counts = |one: &Assessment| verdicts.iter().any(|verdict| one.for_policy(&verdict.policy).is_none());
    let counting = || facts.findings.iter().zip(&assessments).filter(|(_, one)| counts(one)).map(|(found, _)| found);
    let named: Vec<&(Component, Finding)> = counting().filter(|(_, f)| f.ids().any(|id| text.contains(id))).collect();
    let chosen: Vec<&(Component, Finding)> = if named.is_empty() { counting().collect() } else { named };
    let cited = |(component, finding): &&(Component, Finding)| Cited {
        id: finding.id.clone(),
        component: component.purl.clone(),
        score: finding.score(),
        severity: finding.severity,
        fixed: finding.nearest_fixed.clone(),
        title: finding.title.clone(),
    };
    let mut seen = BTreeSet::new();
    chosen.iter().filter(|(_, finding)| seen.insert(&finding.id)).map(cited).take(CITED).collect()
}

/// Time-ordered, and unguessable as far as the input digest is. What it is made of tells apart decisions of one moment too: a
/// clock may stand still, or come by the same moment twice.
fn decision_id(facts: &Facts, basis: &Basis) -> DecisionId {
    let Basis { input, policies, waivers, approved, .. } = basis;
    let at = facts.now.as_microsecond();
    let before = facts.package.decision.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    let seed = format!("{}/{at}/{input}/{policies:?}/{waivers:?}/{approved:?}/{before}", facts.package.id.0);
    let tail: String = assay_model::Digest::of(seed.as_bytes()).hex().chars().take(12).collect();
    DecisionId(format!("{}{tail}", DecisionId::first_at(facts.now)))
}

/// Whether a decision was made by just these policies, none of which reads the clock.
fn spoke(rules: &dyn Rules, before: &Decision) -> bool {
    let now = rules.policies().iter().map(|policy| (policy.slug.as_str(), policy.revision));
    let then = before.basis.policies.iter().map(|(slug, revision)| (slug.as_str(), *revision));
    !rules.reads().contains(&FactKind::Time) && now.eq(then)
}

fn differs(previous: &Decision, next: &Decision) -> bool {
    previous.state != next.state
        || previous.verdicts != next.verdicts
        || previous.vulnerabilities != next.vulnerabilities
        || previous.tags_added != next.tags_added
        || previous.tags_removed != next.tags_removed
        || previous.notices != next.notices
        || previous.awaited != next.awaited
        || previous.endings != next.endings
        || previous.basis.approved != next.basis.approved
        || previous.basis.policies != next.basis.policies
        || previous.basis.waivers != next.basis.waivers
}
