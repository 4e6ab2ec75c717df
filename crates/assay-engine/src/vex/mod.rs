//! VEX: documents that are kept, whose word counts, and what they touch. What a statement does to a finding is in
//! `assay_model::assessment`; reading documents is behind a seam.

mod applied;
mod attached;
mod documents;
mod export;
mod names;

pub use applied::{AppliedRow, VexApplied};
pub(crate) use attached::detach;
pub use documents::{VexAdded, VexDetail};
pub use export::VexExport;
pub(crate) use names::{names_of, note_holders};

use crate::{Engine, matching::decide_jobs};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    seam::meta::{self, Tx, VexFilter},
    vex::{Said, VexTrust},
    work::Lane,
};
use jiff::Timestamp;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Where the rules of trust are kept.
const TRUST: &str = "vex.trust";
/// Rules of trust.
const MAX_RULES: usize = 200;
/// Documents read at once when the rules change.
const PAGE: usize = 1000;

/// Whose statements are trusted.
pub(crate) fn trust(tx: &mut dyn Tx) -> Result<VexTrust, Problem> {
    let Some(text) = tx.setting(TRUST)? else { return Ok(VexTrust::default()) };
    serde_json::from_str(&text).map_err(|error| Problem::internal("the rules of trust cannot be read", error))
}

/// What is said about any of these ids, and whether the workspace takes the author's word.
pub(crate) fn said_about(tx: &mut dyn Tx, ids: &BTreeSet<String>) -> Result<Vec<Said>, Problem> {
    let statements = tx.statements_about(&ids.iter().cloned().collect::<Vec<_>>())?;
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let trust = trust(tx)?;
    let said = statements.into_iter().map(|(origin, statement)| Said {
        trusted: trust.trusts(&origin, &statement.author),
        origin,
        statement,
    });
    Ok(said.collect())
}

/// Asks for decisions about the packages with findings of these ids; says how many.
pub(crate) fn decide_spoken(
    tx: &mut dyn Tx,
    ids: BTreeSet<String>,
    cause: &str,
    now: Timestamp,
) -> Result<usize, Problem> {
    if ids.is_empty() {
        return Ok(0);
    }
    let components = tx.components_with_ids(&ids.into_iter().collect::<Vec<_>>())?;
    let packages: Vec<PackageId> = tx.packages_with(&components)?;
    tx.enqueue(&decide_jobs(&packages, Lane::Change, cause, now))?;
    Ok(packages.len())
}

impl Engine {
    /// The same where a policy can see the difference.
    pub(crate) fn decide_answered(
        &self,
        tx: &mut dyn Tx,
        ids: BTreeSet<String>,
        cause: &str,
        now: Timestamp,
    ) -> Result<usize, Problem> {
        let seen = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
        let rules = self.rules(tx)?;
        match seen.iter().any(|kind| rules.reads().contains(kind)) {
            true => decide_spoken(tx, ids, cause, now),
            false => Ok(0),
        }
    }

    /// Whose statements are trusted.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn vex_trust(&self, caller: &Caller) -> Result<VexTrust, Problem> {
        caller.require_everywhere(Permission::Read)?;
        meta::read(self.meta(), trust).await
    }

    /// Sets whose statements are trusted; what only some rules make a difference for is decided again.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`.
    pub async fn set_vex_trust(self: &Arc<Self>, caller: &Caller, wanted: VexTrust) -> Result<VexTrust, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        check_rules(&wanted)?;
        let (engine, new, at, actor) = (self.clone(), wanted.clone(), self.now(), caller.name().to_owned());
        meta::write(self.meta(), move |tx| {
            let before = trust(tx)?;
            let text = serde_json::to_string(&new).map_err(|e| Problem::internal("cannot write JSON", e))?;
            tx.put_setting(TRUST, &text)?;
            let ids = differing(tx, &before, &new)?;
            let packages = engine.decide_answered(tx, ids, "the rules of whose VEX is trusted changed", at)?;
            let body = json!({"rules": new.rules, "packages": packages});
            let (actor, subject) = (actor.clone(), "vex".to_owned());
            tx.append_event(&NewEvent { at, kind: "vex.trust_changed", actor, subject, body })
        })
        .await?;
        self.notice().await?;
        Ok(wanted)
    }
}

fn check_rules(wanted: &VexTrust) -> Result<(), Problem> {
    let bad = |message: String| Err(Problem::invalid("bad-trust", message));
    if wanted.rules.len() > MAX_RULES {
        return bad(format!("there are at most {MAX_RULES} rules"));
    }
    for rule in &wanted.rules {
        if !matches!(rule.origin.as_str(), "" | "uploaded" | "attached" | "feed") {
            return bad(format!("`{}` is no origin; use uploaded, attached or feed", rule.origin));
        }
        if [&rule.author, &rule.from].iter().any(|pattern| pattern.len() > assay_model::glob::MAX_PATTERN) {
            return bad(format!("a pattern is longer than {} bytes", assay_model::glob::MAX_PATTERN));
        }
    }
    Ok(())
}

/// What statements speak of that are trusted by one and not by the other.
fn differing(tx: &mut dyn Tx, before: &VexTrust, after: &VexTrust) -> Result<BTreeSet<String>, Problem> {
    let mut ids = BTreeSet::new();
    let mut filter = VexFilter { limit: PAGE, ..VexFilter::default() };
    loop {
        let documents = tx.vex_documents(&filter)?;
        let Some(last) = documents.last() else { return Ok(ids) };
        filter.before = Some(last.id);
        let differs = |author: &str, origin| before.trusts(origin, author) != after.trusts(origin, author);
        let chosen: Vec<_> =
            documents.iter().filter(|one| differs(&one.author, &one.origin)).map(|one| one.id).collect();
        ids.extend(tx.vulnerabilities_in(&chosen)?);
    }
}
