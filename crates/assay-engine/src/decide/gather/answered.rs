//! What is answered for: statements of VEX and waivers that concern a package. A package that none concerns has none.

use crate::vex::{names_of, note_holders, said_about};
use assay_model::{
    assessment::Assessor,
    facts::Facts,
    policy::FactKind,
    problem::Problem,
    seam::meta::Tx,
    vex::{Said, VexStatement},
    waiver::Waiver,
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Statements and waivers of a batch, loaded together.
pub(super) struct Answers {
    statements: Vec<Said>,
    waivers: Vec<Waiver>,
}

impl Answers {
    /// Those about these ids, as far as policies that read such facts can see findings at all.
    pub(super) fn load(
        tx: &mut dyn Tx,
        ids: &BTreeSet<String>,
        reads: &BTreeSet<FactKind>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let waivers = tx.waivers_in_force(now)?;
        let shown = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
        if ids.is_empty() || !shown.iter().any(|kind| reads.contains(kind)) {
            return Ok(Self { statements: Vec::new(), waivers });
        }
        Ok(Self { statements: said_about(tx, ids)?, waivers })
    }

    /// Adds what concerns the package.
    pub(super) fn give(&self, tx: &mut dyn Tx, facts: &mut Facts) -> Result<(), Problem> {
        let ids: BTreeSet<&str> = facts.findings.iter().flat_map(|(_, finding)| finding.ids()).collect();
        let about = |said: &&Said| said.statement.vulnerability.iter().any(|id| ids.contains(id.as_str()));
        let near: Vec<&Said> = self.statements.iter().filter(about).collect();
        let may_concern = |waiver: &&Waiver| {
            waiver.scope.is_in(&facts.repository.name)
                && match waiver.is_about_findings() {
                    true => waiver.scope.vulnerabilities.iter().any(|id| ids.contains(id.as_str())),
                    false => waiver.scope.may_cover(&facts.package.at.name),
                }
        };
        let waivers: Vec<&Waiver> = self.waivers.iter().filter(may_concern).collect();
        // Names are looked up in inventories: only where something could be said of them.
        if near.is_empty() && waivers.is_empty() {
            return Ok(());
        }
        facts.names = names_of(tx, &facts.package, &facts.repository, facts.upstream.as_ref(), &facts.files)?;
        let spoken: Vec<&VexStatement> = near.iter().map(|said| &said.statement).collect();
        let with_findings = facts.findings.iter().map(|(component, _)| component);
        note_holders(tx, &mut facts.names, &facts.files, &spoken, with_findings)?;
        let speaks = |said: &&&Said| {
            facts.findings.iter().any(|(component, finding)| said.statement.speaks_of(&facts.names, component, finding))
        };
        let statements: Vec<Said> = near.iter().filter(speaks).map(|said| (*said).clone()).collect();
        let assessor = Assessor::of(facts);
        let here = |waiver: &&Waiver| {
            assessor.concerns(waiver, facts.findings.iter().map(|(component, finding)| (component, finding)))
        };
        let waivers: Vec<Waiver> = waivers.into_iter().filter(here).cloned().collect();
        facts.statements = statements;
        facts.waivers = waivers;
        Ok(())
    }
}
