//! Adds up what packages come to. Memory is bounded by the report, not by the catalogue.

use super::report::{CALLERS, Changed, LISTED, PolicyTally, REASONS, ReasonLine, Tally, blocks};
use crate::decide::Supposed;
use assay_model::decision::{Outcome, Verdict};
use std::collections::{BTreeMap, HashMap};

/// Different reasons that are told apart; the rest is one line.
const DISTINCT: usize = 20_000;
/// Callers that are told apart.
const NAMES: usize = 20_000;
const REST: &str = "(other reasons)";

/// Sums so far.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) totals: Tally,
    pub(super) undecided: u64,
    pub(super) repositories: BTreeMap<String, Tally>,
    pub(super) policies: BTreeMap<String, PolicyTally>,
    reasons: HashMap<(String, String), (u64, u64)>,
    callers: HashMap<String, u64>,
    newly_blocked: Vec<Changed>,
    released: Vec<Changed>,
}

/// Policies and reasons of verdicts that did something.
pub(super) fn reasons(verdicts: &[Verdict]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for verdict in verdicts.iter().filter(|v| v.waived_by.is_none()) {
        match &verdict.outcome {
            Outcome::NoMatch => {}
            Outcome::Failed(error) => all.push((verdict.policy.clone(), format!("the policy failed: {error}"))),
            Outcome::Match if verdict.reasons.is_empty() => all.push((verdict.policy.clone(), String::new())),
            Outcome::Match => all.extend(verdict.reasons.iter().map(|r| (verdict.policy.clone(), r.clone()))),
        }
    }
    all
}

impl Sums {
    /// Counts one package.
    pub(super) fn add(&mut self, one: &Supposed, repository: &str) {
        let (before, after) = (blocks(one.before), blocks(one.after));
        for tally in [&mut self.totals, self.repositories.entry(repository.to_owned()).or_default()] {
            tally.packages += 1;
            tally.blocked_before += u64::from(before);
            tally.blocked_after += u64::from(after);
            tally.newly_blocked += u64::from(!before && after);
            tally.released += u64::from(before && !after);
            tally.moved += u64::from(before && after && one.before != one.after);
        }
        for verdict in &one.verdicts {
            let tally = self.policies.entry(verdict.policy.clone()).or_default();
            match verdict.outcome {
                Outcome::Match => tally.matched += 1,
                Outcome::Failed(_) => tally.failed += 1,
                Outcome::NoMatch => {}
            }
        }
    }

    /// Counts one whose state would be another, with its pulls.
    pub(super) fn change(&mut self, changed: Changed) {
        let newly = !blocks(changed.from) && blocks(changed.to);
        let released = blocks(changed.from) && !blocks(changed.to);
        if !newly && !released {
            return;
        }
        let mut last = None;
        for (policy, reason) in &changed.reasons {
            if last != Some(policy) {
                let tally = self.policies.entry(policy.clone()).or_default();
                tally.newly_blocked += u64::from(newly);
                tally.released += u64::from(released);
            }
            last = Some(policy);
            let key = (policy.clone(), reason.clone());
            let full = self.reasons.len() >= DISTINCT && !self.reasons.contains_key(&key);
            let sum = self.reasons.entry(if full { (policy.clone(), REST.to_owned()) } else { key }).or_default();
            sum.0 += u64::from(newly);
            sum.1 += u64::from(released);
        }
        if newly {
            for tally in [&mut self.totals, self.repositories.entry(changed.repository.clone()).or_default()] {
                tally.refused_pulls += changed.pulls;
                tally.pulled_packages += u64::from(changed.pulls > 0);
            }
            for (who, count) in &changed.callers {
                if self.callers.len() < NAMES || self.callers.contains_key(who) {
                    *self.callers.entry(who.clone()).or_default() += count;
                }
            }
        }
        let list = if newly { &mut self.newly_blocked } else { &mut self.released };
        list.push(changed);
        if list.len() >= 4 * LISTED {
            most_pulled(list);
        }
    }

    /// The reasons given most, then by name.
    pub(super) fn reasons(&self) -> Vec<ReasonLine> {
        let line = |((policy, reason), (newly_blocked, released)): (&(String, String), &(u64, u64))| ReasonLine {
            policy: policy.clone(),
            reason: reason.clone(),
            newly_blocked: *newly_blocked,
            released: *released,
        };
        let mut lines: Vec<ReasonLine> = self.reasons.iter().map(line).collect();
        let weight = |l: &ReasonLine| l.newly_blocked + l.released;
        lines.sort_by(|a, b| {
            weight(b).cmp(&weight(a)).then_with(|| (&a.policy, &a.reason).cmp(&(&b.policy, &b.reason)))
        });
        lines.truncate(REASONS);
        lines
    }

    /// Callers with the most pulls that would have been refused.
    pub(super) fn callers(&self) -> Vec<(String, u64)> {
        most(self.callers.iter().map(|(who, count)| (who.clone(), *count)).collect())
    }

    /// Newly blocked and released packages, the most pulled first.
    pub(super) fn lists(self) -> (Vec<Changed>, Vec<Changed>) {
        let (mut newly_blocked, mut released) = (self.newly_blocked, self.released);
        most_pulled(&mut newly_blocked);
        most_pulled(&mut released);
        (newly_blocked, released)
    }
}

/// The largest counts, then by name.
pub(super) fn most(mut all: Vec<(String, u64)>) -> Vec<(String, u64)> {
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(CALLERS);
    all
}

fn most_pulled(list: &mut Vec<Changed>) {
    list.sort_by_key(|c| (std::cmp::Reverse(c.pulls), c.id));
    list.truncate(LISTED);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::package::{PackageId, State};

    fn changed(id: i64, pulls: u64, to: State) -> Changed {
        Changed {
            id: PackageId(id),
            repository: "main".into(),
            format: "pypi".into(),
            name: "p".into(),
            version: id.to_string(),
            from: if to == State::Available { State::Quarantined } else { State::Available },
            to,
            reasons: vec![("a".into(), "x".into()), ("a".into(), "y".into()), ("b".into(), "x".into())],
            vulnerabilities: Vec::new(),
            pulls,
            callers: vec![("ci".into(), pulls)],
        }
    }

    #[test]
    fn lists_keep_the_most_pulled_and_sums_keep_all() {
        let mut sums = Sums::default();
        for id in 0..2_000 {
            sums.change(changed(id, u64::try_from(id % 700).unwrap(), State::Quarantined));
        }
        sums.change(changed(5_000, 3, State::Available));
        let (reasons, callers, policies) = (sums.reasons(), sums.callers(), sums.policies.clone());
        assert_eq!((policies["a"].newly_blocked, policies["a"].released), (2_000, 1), "each package once");
        assert_eq!(reasons.len(), 3);
        assert_eq!((reasons[0].newly_blocked, reasons[0].released), (2_000, 1));
        let pulls: u64 = (0..2_000_u64).map(|id| id % 700).sum();
        assert_eq!((callers, sums.totals.refused_pulls), (vec![("ci".to_owned(), pulls)], pulls));
        let (newly_blocked, released) = sums.lists();
        assert_eq!((newly_blocked.len(), newly_blocked[0].pulls, newly_blocked[1].id.0), (LISTED, 699, 1_399));
        assert_eq!(released.len(), 1);
    }
}
