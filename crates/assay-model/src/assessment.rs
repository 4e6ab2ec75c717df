//! What becomes of each finding of a package: whether it counts, and who says otherwise, by which statement of VEX or
//! which waiver, and towards which policies. Pure; the policies' input, lists of findings and exports share it.

use crate::{
    component::Component,
    facts::Facts,
    finding::Finding,
    policy::Policy,
    vex::{Said, VexOrigin, VexStatus, VexSubject},
    waiver::{Waiver, WaiverId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Suppression {
    /// A trusted statement says that nothing needs to be done.
    Vex {
        /// `not_affected` or `fixed`.
        status: VexStatus,
        /// Why it is not affected.
        justification: Option<String>,
        /// A sentence.
        statement: Option<String>,
        /// Who said it.
        author: String,
        /// In which document.
        document: String,
        /// Where that came from.
        origin: VexOrigin,
        /// When it was said.
        at: Option<Timestamp>,
    },
    /// A waiver.
    Waiver {
        /// Which one.
        waiver: WaiverId,
        /// Why.
        reason: String,
        /// Who asked for it.
        author: String,
        /// Who approved it.
        approver: Option<String>,
        /// When it ends.
        expires_at: Timestamp,
        /// The policies that it holds against; empty for all.
        policies: BTreeSet<String>,
    },
}

impl Suppression {
    fn of_statement(said: &Said) -> Self {
        let one = &said.statement;
        Self::Vex {
            status: one.status,
            justification: one.justification.clone(),
            statement: one.statement.clone(),
            author: one.author.clone(),
            document: one.document.clone(),
            origin: said.origin.clone(),
            at: one.at,
        }
    }

    fn of_waiver(waiver: &Waiver) -> Self {
        Self::Waiver {
            waiver: waiver.id.clone(),
            reason: waiver.reason.clone(),
            author: waiver.author.clone(),
            approver: waiver.approver.clone(),
            expires_at: waiver.expires_at,
            policies: waiver.scope.policies.clone(),
        }
    }

    /// The policies that it is limited to; empty for none.
    pub fn policies(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Waiver { policies, .. } if !policies.is_empty() => Some(policies),
            _ => None,
        }
    }

    /// The waiver, where it is one.
    pub fn waiver(&self) -> Option<&WaiverId> {
        match self {
            Self::Waiver { waiver, .. } => Some(waiver),
            Self::Vex { .. } => None,
        }
    }

    /// Whether this policy does not see the finding.
    pub fn holds_for(&self, policy: &str) -> bool {
        self.policies().is_none_or(|policies| policies.contains(policy))
    }
}

/// What becomes of one finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The statement of VEX that counts: the latest of those that are trusted; where none is, the latest of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Why it does not count, the most general first; empty for a finding that counts everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Suppression>,
}

impl Assessment {
    /// Why no policy sees it; nothing where one does.
    pub fn for_all(&self) -> Option<&Suppression> {
        self.suppressed.iter().find(|one| one.policies().is_none())
    }
    /// Why this policy does not see it; nothing where it does.
    pub fn for_policy(&self, slug: &str) -> Option<&Suppression> {
        self.suppressed.iter().find(|one| one.holds_for(slug))
    }
}

/// Assesses findings of one package.
#[derive(Debug)]
pub struct Assessor<'a> {
    subject: &'a VexSubject,
    /// Statements by the ids that they speak of.
    statements: BTreeMap<&'a str, Vec<&'a Said>>,
    waivers: Vec<&'a Waiver>,
}

impl<'a> Assessor<'a> {
    /// For findings of an artifact that goes by `subject`, in a repository.
    pub fn new(
        subject: &'a VexSubject,
        repository: &str,
        statements: &'a [Said],
        waivers: &'a [Waiver],
        now: Timestamp,
    ) -> Self {
        let mut by_id: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
        for said in statements {
            for id in &said.statement.vulnerability {
                by_id.entry(id).or_default().push(said);
            }
        }
        let relevant = |waiver: &&Waiver| waiver.in_force(now) && waiver.scope.is_in(repository);
        let mut waivers: Vec<&Waiver> = waivers.iter().filter(relevant).collect();
        // The one that lasts longest is named where several do the same.
        waivers.sort_by_key(|waiver| (!waiver.scope.policies.is_empty(), -waiver.expires_at.as_microsecond()));
        Self { subject, statements: by_id, waivers }
    }

    /// Of these facts.
    pub fn of(facts: &'a Facts) -> Self {
        Self::new(&facts.names, &facts.repository.name, &facts.statements, &facts.waivers, facts.now)
    }

    /// What becomes of one finding.
    pub fn assess(&self, component: &Component, finding: &Finding) -> Assessment {
        let said = self.said(component, finding);
        let mut suppressed = Vec::new();
        if let Some(said) = said.filter(|said| said.trusted && said.statement.status.suppresses()) {
            suppressed.push(Suppression::of_statement(said));
        }
        let covering = self.waivers.iter().filter(|waiver| self.is_waived(waiver, component, finding));
        suppressed.extend(covering.map(|waiver| Suppression::of_waiver(waiver)));
        Assessment { said: said.cloned(), suppressed }
    }

    fn said(&self, component: &Component, finding: &Finding) -> Option<&'a Said> {
        if self.statements.is_empty() {
            return None;
        }
        let about = finding.ids().filter_map(|id| self.statements.get(id)).flatten().copied();
        let speaking = about.filter(|said| said.statement.speaks_of(self.subject, component, finding));
        speaking.max_by_key(|said| (said.trusted, said.statement.at))
    }

    fn is_waived(&self, waiver: &Waiver, component: &Component, finding: &Finding) -> bool {
        let scope = &waiver.scope;
        finding.ids().any(|id| scope.vulnerabilities.contains(id))
            && scope.covers(self.purls().chain([component.purl.as_str()]))
    }

    fn purls(&self) -> impl Iterator<Item = &str> {
        self.subject.purls.iter().map(String::as_str)
    }

    /// Whether it has anything to say about this package as a whole or about one of these findings.
    pub fn concerns<'f>(&self, waiver: &Waiver, findings: impl Iterator<Item = (&'f Component, &'f Finding)>) -> bool {
        match waiver.is_about_findings() {
            true => findings.into_iter().any(|(component, finding)| self.is_waived(waiver, component, finding)),
            false => waiver.scope.covers(self.purls()),
        }
    }

    /// The policies whose verdict about the package is taken back, each with the waiver that does it.
    pub fn waived_policies(&self) -> BTreeMap<String, WaiverId> {
        let mut waived = BTreeMap::new();
        for waiver in self.waivers.iter().filter(|one| !one.is_about_findings() && one.scope.covers(self.purls())) {
            for policy in &waiver.scope.policies {
                waived.entry(policy.clone()).or_insert_with(|| waiver.id.clone());
            }
        }
        waived
    }
}

/// What becomes of each finding of a package, in their order.
pub fn assess(facts: &Facts) -> Vec<Assessment> {
    let assessor = Assessor::of(facts);
    facts.findings.iter().map(|(component, finding)| assessor.assess(component, finding)).collect()
}

/// The policies whose verdict about the package is taken back, each with the waiver that does it.
pub fn waived_policies(facts: &Facts) -> BTreeMap<String, WaiverId> {
    Assessor::of(facts).waived_policies()
}

/// Facts as a policy with waivers of its own sees them: those limited to it hold, those limited to others do not. Nothing
/// where it sees what all see.
pub fn seen_by(facts: &Facts, assessments: &[Assessment], policy: &Policy) -> Option<Facts> {
    let differs = |one: &Assessment| one.for_all().is_none() && one.for_policy(&policy.slug).is_some();
    if !assessments.iter().any(differs) {
        return None;
    }
    let mut seen = facts.clone();
    seen.waivers = facts
        .waivers
        .iter()
        .filter(|one| one.scope.policies.contains(&policy.slug) || one.scope.policies.is_empty())
        .cloned()
        .collect();
    for waiver in seen.waivers.iter_mut().filter(|waiver| waiver.is_about_findings()) {
        waiver.scope.policies.clear();
    }
    Some(seen)
}

#[cfg(test)]
#[path = "assessment/tests.rs"]
mod tests;
