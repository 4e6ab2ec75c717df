//! What people write to ask for a waiver, and what is wrong with it.

use assay_model::{
    problem::Problem,
    seam::meta::Tx,
    waiver::{Waiver, WaiverRules, WaiverScope, WaiverVex},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Entries of one list of a scope.
const MAX_ENTRIES: usize = 500;
/// Characters of a reason.
pub(super) const MAX_REASON: usize = 2000;
const MAX_ID: usize = 200;
/// What OpenVEX 0.2 knows.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// A waiver as its author writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaiverDraft {
    /// What it is about.
    pub scope: WaiverScope,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it says as VEX.
    #[serde(default)]
    pub vex: Option<WaiverVex>,
}

/// A change of how far a waiver is, with a word about it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverChange {
    /// Why; for refusing, revoking and extending.
    pub reason: String,
    /// The new end; for extending.
    pub expires_at: Option<Timestamp>,
}

fn bad(message: impl Into<String>) -> Problem {
    Problem::invalid("bad-waiver", message)
}

impl WaiverDraft {
    /// The waiver that is asked for, checked.
    pub(super) fn checked(self, tx: &mut dyn Tx, rules: &WaiverRules, now: Timestamp) -> Result<Waiver, Problem> {
        let scope = scope(self.scope)?;
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(bad(format!("a waiver needs a reason of 1 to {MAX_REASON} characters")));
        }
        check_end(self.expires_at, rules, now)?;
        check_policies(tx, &scope)?;
        if let Some(vex) = &self.vex {
            check_vex(vex, &scope)?;
        }
        Ok(Waiver {
            scope,
            reason,
            expires_at: self.expires_at,
            created_at: now,
            changed_at: now,
            vex: self.vex,
            ..Waiver::default()
        })
    }
}

/// Whether a waiver may end then.
pub(super) fn check_end(end: Timestamp, rules: &WaiverRules, now: Timestamp) -> Result<(), Problem> {
    if end <= now {
        return Err(bad(format!("the end of a waiver has to be in the future; {end} is not")));
    }
    let latest = now + SignedDuration::from_hours(24 * i64::from(rules.max_days));
    if end > latest {
        return Err(bad(format!("a waiver may last {} days here, until {latest} at the most", rules.max_days)));
    }
    Ok(())
}

fn scope(mut scope: WaiverScope) -> Result<WaiverScope, Problem> {
    scope.vulnerabilities = scope.vulnerabilities.iter().map(|id| canonical(id)).collect();
    if scope.vulnerabilities.is_empty() && scope.policies.is_empty() {
        return Err(bad("a waiver names vulnerabilities, or the policies whose verdict it takes back, or both"));
    }
    let lists = [scope.vulnerabilities.len(), scope.packages.len(), scope.repositories.len(), scope.policies.len()];
    if lists.iter().any(|count| *count > MAX_ENTRIES) {
        return Err(bad(format!("a list of a scope has at most {MAX_ENTRIES} entries")));
    }
    let texts = scope.vulnerabilities.iter().chain(&scope.repositories).chain(&scope.policies);
    if let Some(text) = texts.into_iter().find(|text| text.is_empty() || text.len() > MAX_ID) {
        return Err(bad(format!("`{text}` is empty or longer than {MAX_ID} bytes")));
    }
    for range in &scope.packages {
        range.check().map_err(|error| bad(error.to_string()))?;
    }
    Ok(scope)
}

/// Ids as databases write them: people write them in any case.
pub(super) fn canonical(id: &str) -> String {
    let id = id.trim();
    let begins = |prefix: &str| id.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    match () {
        () if begins("CVE-") => id.to_ascii_uppercase(),
        () if begins("GHSA-") => format!("GHSA-{}", id.get(5..).unwrap_or_default().to_ascii_lowercase()),
        () => id.to_owned(),
    }
}

fn check_policies(tx: &mut dyn Tx, scope: &WaiverScope) -> Result<(), Problem> {
    if scope.policies.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<String> = tx.policies()?.into_iter().map(|policy| policy.slug).collect();
    match scope.policies.difference(&known).next() {
        None => Ok(()),
        Some(unknown) => Err(bad(format!(
            "there is no policy `{unknown}`; there are: {}",
            known.iter().cloned().collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn check_vex(vex: &WaiverVex, scope: &WaiverScope) -> Result<(), Problem> {
    use assay_model::vex::VexStatus;
    if !scope.is_about_findings() {
        return Err(bad("only a waiver of vulnerabilities has something to say as VEX"));
    }
    match (vex.status, vex.justification.as_deref()) {
        (VexStatus::NotAffected, Some(text)) if JUSTIFICATIONS.contains(&text) => Ok(()),
        (VexStatus::NotAffected, _) => {
            Err(bad(format!("`not_affected` needs a justification: {}", JUSTIFICATIONS.join(", "))))
        }
        (_, Some(_)) => Err(bad("a justification belongs to `not_affected` alone")),
        (_, None) => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::waiver::PackageRange;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_waiver_has_an_end_within_limits() {
        let rules = WaiverRules { max_days: 30, ..WaiverRules::default() };
        let now = at("2026-01-01T00:00:00Z");
        assert!(check_end(at("2026-01-31T00:00:00Z"), &rules, now).is_ok());
        assert!(check_end(now, &rules, now).unwrap_err().message.contains("future"));
        assert!(check_end(at("2026-01-31T00:00:01Z"), &rules, now).unwrap_err().message.contains("30 days"));
    }

    #[test]
    fn scopes_are_checked_and_ids_spelled() {
        let of = |ids: &[&str]| WaiverScope {
            vulnerabilities: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..WaiverScope::default()
        };
        let read = scope(of(&["cve-2024-1 ", "ghsa-AAAA-bbbb-cccc", "PYSEC-2024-1"])).unwrap();
        let ids: Vec<&str> = read.vulnerabilities.iter().map(String::as_str).collect();
        assert_eq!(ids, ["CVE-2024-1", "GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"]);
        assert!(scope(of(&[])).is_err());
        let packages = vec![PackageRange { purl: "requests".into(), versions: String::new() }];
        assert!(scope(WaiverScope { packages, ..of(&["CVE-1"]) }).unwrap_err().message.contains("package URL"));
    }

    #[test]
    fn not_affected_says_why() {
        use assay_model::vex::VexStatus;
        let about = WaiverScope { vulnerabilities: BTreeSet::from(["CVE-1".to_owned()]), ..WaiverScope::default() };
        let says = |status, justification: Option<&str>| {
            check_vex(&WaiverVex { status, justification: justification.map(str::to_owned) }, &about).is_ok()
        };
        assert!(says(VexStatus::NotAffected, Some("vulnerable_code_not_present")));
        assert!(!says(VexStatus::NotAffected, None) && !says(VexStatus::NotAffected, Some("because")));
        assert!(says(VexStatus::Affected, None) && !says(VexStatus::Affected, Some("vulnerable_code_not_present")));
    }
}
