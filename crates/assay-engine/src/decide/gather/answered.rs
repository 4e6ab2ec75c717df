//! What is answered for: statements of VEX and waivers that concern a package. A package that none concerns has none.

use crate::vex::{names_of, trust};
use assay_model::{
    assessment::Assessor, facts::Facts, policy::FactKind, problem::Problem, seam::meta::Tx, vex::Said, waiver::Waiver,
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
        let ids: Vec<String> = ids.iter().cloned().collect();
        let said = tx.statements_about(&ids)?;
        let trust = if said.is_empty() { Default::default() } else { trust(tx)? };
        let statements = said.into_iter().map(|(origin, statement)| {
            let trusted = trust.trusts(&origin, &statement.author);
            Said { statement, origin, trusted }
        });
        Ok(Self { statements: statements.collect(), waivers })
    }

    /// Adds what concerns the package.
    pub(super) fn give(&self, tx: &mut dyn Tx, facts: &mut Facts) -> Result<(), Problem> {
        if self.statements.is_empty() && self.waivers.is_empty() {
            return Ok(());
        }
        facts.names = names_of(tx, &facts.package, &facts.repository, facts.upstream.as_ref(), &facts.files)?;
        let ids: BTreeSet<&str> = facts.findings.iter().flat_map(|(_, finding)| finding.ids()).collect();
        let about = |said: &&Said| said.statement.vulnerability.iter().any(|id| ids.contains(id.as_str()));
        let near: Vec<&Said> = self.statements.iter().filter(about).collect();
        let speaks = |said: &&&Said| {
            facts.findings.iter().any(|(component, finding)| said.statement.speaks_of(&facts.names, component, finding))
        };
        let statements: Vec<Said> = near.iter().filter(speaks).map(|said| (*said).clone()).collect();
        let assessor = Assessor::of(facts);
        let here = |waiver: &&Waiver| {
            waiver.scope.is_in(&facts.repository.name)
                && assessor.concerns(waiver, facts.findings.iter().map(|(component, finding)| (component, finding)))
        };
        let waivers: Vec<Waiver> = self.waivers.iter().filter(here).cloned().collect();
        facts.statements = statements;
        facts.waivers = waivers;
        Ok(())
    }
}
