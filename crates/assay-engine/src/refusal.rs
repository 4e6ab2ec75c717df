//! Why a package is refused: its decision, told with the nearest version of the same name that is served.

use crate::{Engine, fold, shelf::Scope};
use assay_model::{
    decision::{Decision, Outcome, Verdict},
    ecosystem,
    package::{Package, State},
    policy::FactKind,
    problem::Problem,
    refusal::Refusal,
    seam::{action::Ground, meta},
    view::PackageView,
};
use std::{cmp::Ordering, collections::BTreeSet, sync::Arc};

/// Versions of an upstream that advisories are looked up for.
const LOOKED_UP: usize = 50;

impl Engine {
    /// The refusal for the version at `index` of a view.
    pub(crate) async fn refusal_in(
        self: &Arc<Self>,
        scope: &Scope,
        view: &PackageView,
        index: usize,
    ) -> Result<Refusal, Problem> {
        let version = view.versions.get(index).ok_or_else(|| Problem::bug("no such version in the view"))?;
        let package = &version.package;
        let format = self.format(&scope.format);
        let decision = match &package.decision {
            Some(id) => {
                let id = id.clone();
                meta::read(self.meta(), move |tx| tx.decision(&id)).await?
            }
            None => None,
        };
        let shown = match format {
            Some(format) => format.display(&scope.name, &package.at.version),
            None => format!("{} {}", scope.name, package.at.version),
        };
        let names: Vec<&str> =
            view.references.iter().filter(|r| r.package == package.id).map(|r| r.name.as_str()).take(3).collect();
        let shown = if names.is_empty() { shown } else { format!("{shown} ({})", names.join(", ")) };
        let mut refusal = Refusal {
            decision: package.decision.clone(),
            package: shown,
            state: package.state,
            policies: Vec::new(),
            reasons: Vec::new(),
            vulnerabilities: Vec::new(),
            nearest_allowed: self.nearest_allowed(scope, view, &package.at.version),
            link: format!("{}/ui/packages/{}", self.parts.public_url, package.id.0),
        };
        if refusal.nearest_allowed.is_none() {
            refusal.nearest_allowed = self.nearest_remote(scope, &package.at.version).await?;
        }
        match (&package.held, decision) {
            (Some(held), _) => refusal.reasons.push(format!("set by {}: {}", held.author, held.reason)),
            (None, Some(decision)) => {
                let blamed = self.blamed(&decision);
                cite(&mut refusal, decision, &blamed);
            }
            (None, None) => {}
        }
        Ok(refusal)
    }

    /// Whether a package is refused only by policies that read signatures, so that one that arrives may release it. Not
    /// where an operator said so or a policy failed.
    pub(crate) async fn awaits_signature(&self, package: &Package) -> Result<bool, Problem> {
        let (None, Some(id)) = (&package.held, package.decision.clone()) else { return Ok(false) };
        let read = meta::read(self.meta(), move |tx| Ok((tx.decision(&id)?, tx.policies()?))).await?;
        let (Some(decision), policies) = read else { return Ok(false) };
        let counted = |verdict: &&Verdict| verdict.waived_by.is_none();
        if decision.verdicts.iter().filter(counted).any(|verdict| matches!(verdict.outcome, Outcome::Failed(_))) {
            return Ok(false);
        }
        let reads = |slug: &str| policies.iter().any(|p| p.slug == slug && p.reads.contains(&FactKind::Signatures));
        let others = decision.actions.iter().filter(|(slug, _)| !reads(slug));
        Ok(fold::state_by(others, self.parts.actions, &ground(&decision)) == State::Available)
    }

    /// The policies whose own actions keep a package from being served; those that only tag or tell somebody do not.
    fn blamed(&self, decision: &Decision) -> BTreeSet<String> {
        let ground = ground(decision);
        let keeps = |policy: &&String| {
            let own = decision.actions.iter().filter(|(slug, _)| slug == *policy);
            fold::state_by(own, self.parts.actions, &ground) != State::Available
        };
        decision.actions.iter().map(|(policy, _)| policy).filter(keeps).cloned().collect()
    }

    /// The nearest version that an upstream has and that no stored advisory is about: it was not decided here yet.
    async fn nearest_remote(self: &Arc<Self>, scope: &Scope, version: &str) -> Result<Option<String>, Problem> {
        let purl_type = self.format(&scope.format).and_then(|format| format.spec().ecosystem);
        let Some((purl_type, law)) = purl_type.and_then(|kind| Some((kind, ecosystem::of_purl_type(kind)?))) else {
            return Ok(None);
        };
        let compare = |a: &String, b: &str| law.scheme.compare(a, b).unwrap_or(Ordering::Equal);
        let mut above = self.open_at_upstreams(scope);
        above.retain(|other| compare(other, version).is_gt());
        above.sort_by(|a, b| compare(a, b));
        above.truncate(LOOKED_UP);
        let asked: Vec<(String, String)> = above.iter().map(|v| (scope.name.clone(), v.clone())).collect();
        let affected = self.known(purl_type, &asked).await?;
        Ok(above.into_iter().find(|candidate| affected.iter().all(|known| known.version != *candidate)))
    }

    /// The smallest served version above `version`, else the greatest below it, in the order of the format's ecosystem.
    fn nearest_allowed(&self, scope: &Scope, view: &PackageView, version: &str) -> Option<String> {
        let law = ecosystem::of_purl_type(self.format(&scope.format)?.spec().ecosystem?)?;
        let compare = |a: &str, b: &str| law.scheme.compare(a, b).unwrap_or(Ordering::Equal);
        let open = || {
            view.versions.iter().filter(|v| v.package.state == State::Available).map(|v| v.package.at.version.as_str())
        };
        let above = open().filter(|v| compare(v, version) == Ordering::Greater).min_by(|a, b| compare(a, b));
        let below = || open().filter(|v| compare(v, version) == Ordering::Less).max_by(|a, b| compare(a, b));
        above.or_else(below).map(str::to_owned)
    }
}

/// What the actions of a decision knew.
fn ground(decision: &Decision) -> Ground {
    Ground {
        now: decision.at,
        arrived: decision.basis.arrived.unwrap_or(decision.at),
        approved: decision.basis.approved.clone(),
    }
}

/// `blamed` are the policies that keep it back; where none does by itself, all that matched are named.
fn cite(refusal: &mut Refusal, decision: Decision, blamed: &BTreeSet<String>) {
    for verdict in decision.verdicts.into_iter().filter(|verdict| verdict.waived_by.is_none()) {
        match verdict.outcome {
            Outcome::Match if !blamed.is_empty() && !blamed.contains(&verdict.policy) => {}
            Outcome::Match => {
                refusal.policies.push(verdict.name);
                refusal.reasons.extend(verdict.reasons);
            }
            Outcome::Failed(error) => {
                refusal.reasons.push(format!("policy {} failed: {error}", verdict.name));
                refusal.policies.push(verdict.name);
            }
            Outcome::NoMatch => {}
        }
    }
    let awaits = |policy: &String| format!("awaits approval (policy {policy})");
    refusal.reasons.extend(decision.awaited.iter().map(|awaited| awaits(&awaited.policy)));
    let ended = decision.endings.iter().filter(|ending| ending.at <= decision.at);
    refusal
        .reasons
        .extend(ended.map(|ending| format!("{} since {} (policy {})", ending.state, ending.at, ending.policy)));
    refusal.vulnerabilities = decision.vulnerabilities;
}
