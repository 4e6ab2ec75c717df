//! Why a package is refused: its decision, told with the nearest version of the same name that is served.

use crate::{Engine, shelf::Scope};
use assay_model::{
    decision::{Decision, Outcome},
    ecosystem,
    package::State,
    problem::Problem,
    refusal::Refusal,
    seam::meta,
    view::PackageView,
};
use std::cmp::Ordering;

impl Engine {
    /// The refusal for the version at `index` of a view.
    pub(crate) async fn refusal_in(&self, scope: &Scope, view: &PackageView, index: usize) -> Result<Refusal, Problem> {
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
        match (&package.held, decision) {
            (Some(held), _) => refusal.reasons.push(format!("set by {}: {}", held.author, held.reason)),
            (None, Some(decision)) => cite(&mut refusal, decision),
            (None, None) => {}
        }
        Ok(refusal)
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

fn cite(refusal: &mut Refusal, decision: Decision) {
    for verdict in decision.verdicts {
        match verdict.outcome {
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
    refusal.vulnerabilities = decision.vulnerabilities;
}
