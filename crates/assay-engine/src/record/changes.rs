//! What is different between two moments of one package, in words: facts, rules, outcome. Pure.

use assay_model::{
    decision::{Decision, Outcome, Verdict},
    policy::{FactKind, Policy},
    sheet::{Sheet, SheetFinding},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of a list; the rest is counted.
const LINES: usize = 60;
/// Facts that are read only where a policy reads the inventory.
const INVENTORY: &[&str] = &["components.", "licenses.", "secrets.", "os.", "completeness."];
/// Longest value that is shown, in characters.
const VALUE: usize = 80;

/// What is different between two moments, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Facts that appeared, went or changed.
    pub facts: Vec<String>,
    /// Policies and waivers that were added, edited or removed.
    pub rules: Vec<String>,
    /// What is decided differently.
    pub outcome: Vec<String>,
}

impl Changes {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.rules.is_empty() && self.outcome.is_empty()
    }
}

/// What a moment's document says, and which kinds of fact were looked up for it.
pub(super) struct Seen<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) reads: &'a BTreeSet<FactKind>,
}

impl Seen<'_> {
    fn has_findings(&self) -> bool {
        [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex].iter().any(|kind| self.reads.contains(kind))
    }
    fn has_inventory(&self) -> bool {
        self.reads.contains(&FactKind::Inventory)
    }
}

/// Facts that differ. What one of the moments did not look up is not compared.
pub(super) fn facts(then: &Seen<'_>, now: &Seen<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if then.has_findings() && now.has_findings() {
        findings(then.sheet, now.sheet, &mut lines);
    }
    for tag in now.sheet.tags.difference(&then.sheet.tags) {
        lines.push(format!("label `{tag}` was added"));
    }
    for tag in then.sheet.tags.difference(&now.sheet.tags) {
        lines.push(format!("label `{tag}` was removed"));
    }
    let inventory = then.has_inventory() && now.has_inventory();
    let compared = |path: &&String| {
        // A source is heard of all the time; what matters is whether it is stale.
        let heard = path.starts_with("sources.") && path.ends_with(".synced_at");
        (inventory || !INVENTORY.iter().any(|part| path.starts_with(part))) && !path.starts_with("waivers.") && !heard
    };
    let paths: BTreeSet<&String> = then.sheet.facts.keys().chain(now.sheet.facts.keys()).filter(compared).collect();
    let mut things = BTreeSet::new();
    for path in paths {
        match (then.sheet.facts.get(path), now.sheet.facts.get(path)) {
            (Some(a), Some(b)) if a != b => {
                lines.push(format!("{} changed: {} → {}", worded(path), shown(a), shown(b)))
            }
            (None, Some(_)) if whole(path, &then.sheet.facts, "appeared", &mut things, &mut lines) => {}
            (Some(_), None) if whole(path, &now.sheet.facts, "is gone", &mut things, &mut lines) => {}
            (None, Some(b)) => lines.push(format!("{} is now {}", worded(path), shown(b))),
            (Some(a), None) => lines.push(format!("{} is gone; it was {}", worded(path), shown(a))),
            _ => {}
        }
    }
    cut(lines)
}

/// A component of which the other side has nothing is one line, not one per field. Says whether it is.
fn whole(
    path: &str,
    other: &BTreeMap<String, Value>,
    verb: &str,
    things: &mut BTreeSet<String>,
    lines: &mut Vec<String>,
) -> bool {
    let Some((thing, _)) = path.strip_prefix("components.").and_then(|rest| rest.rsplit_once('.')) else {
        return false;
    };
    let place = format!("components.{thing}.");
    if other.range(place.clone()..).next().is_some_and(|(known, _)| known.starts_with(&place)) {
        return false;
    }
    if things.insert(thing.to_owned()) {
        lines.push(format!("component {thing} {verb}"));
    }
    true
}

fn worded(path: &str) -> String {
    let known = match path {
        "package.license.raw_license" => "the licence",
        "package.security_scan_status" => "the scan status",
        "package.is_local" => "whether it was published here",
        _ => return format!("`{path}`"),
    };
    known.to_owned()
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn findings(then: &Sheet, now: &Sheet, lines: &mut Vec<String>) {
    let why = |sheet: &Sheet, one: &SheetFinding| sheet.suppressed.iter().find(|s| s.is(one)).map(|s| s.why.clone());
    let was = |one: &SheetFinding| why(then, one);
    let is = |one: &SheetFinding| why(now, one);
    let (then, now) = (&then.findings, &now.findings);
    let keyed = |all: &'_ [SheetFinding]| -> BTreeMap<(String, String), SheetFinding> {
        all.iter().map(|one| ((one.id.clone(), one.component.clone()), one.clone())).collect()
    };
    let (then, now) = (keyed(then), keyed(now));
    for (key, one) in now.iter().filter(|(key, _)| !then.contains_key(*key)) {
        // the same under another id: advisories were merged
        let before = then.values().find(|old| old.component == key.1 && old.ids().any(|id| one.ids().any(|i| i == id)));
        lines.push(match (before, was(one)) {
            (Some(old), _) => format!("{} is now called {} in {}", old.id, one.id, key.1),
            (None, Some(why)) => format!("{} in {} is no longer {why}{}", one.id, key.1, details(one)),
            (None, None) => format!("{} appeared in {}{}", one.id, key.1, details(one)),
        });
    }
    for (key, one) in then.iter().filter(|(key, _)| !now.contains_key(*key)) {
        let renamed = now.values().any(|new| new.component == key.1 && new.ids().any(|id| one.ids().any(|i| i == id)));
        if !renamed {
            lines.push(match is(one) {
                Some(why) => format!("{} in {} is {why}", one.id, key.1),
                None => format!("{} is no longer found in {}", one.id, key.1),
            });
        }
    }
    let mut said = BTreeSet::new();
    for (key, new) in &now {
        let Some(old) = then.get(key) else { continue };
        for line in moved(old, new) {
            if said.insert(line.clone()) {
                lines.push(line);
            }
        }
    }
}

/// `(advisory GHSA-…, score 9.8, fixed in 2.20.0)`.
pub(super) fn details(one: &SheetFinding) -> String {
    let mut parts = Vec::new();
    if one.kind != "vulnerability" {
        parts.push(one.kind.clone());
    }
    if let Some(advisory) = one.aliases.iter().find(|id| !id.starts_with("CVE-")) {
        parts.push(format!("advisory {advisory}"));
    }
    match (one.score, one.severity) {
        (Some(score), _) => parts.push(format!("score {score:.1}")),
        (None, Some(severity)) => parts.push(severity.as_str().to_lowercase()),
        (None, None) => {}
    }
    parts.extend(one.epss.map(|epss| format!("EPSS {}", probability(epss))));
    if one.kev {
        parts.push("known to be exploited".to_owned());
    }
    parts.extend(one.fixed.as_ref().map(|fixed| format!("fixed in {fixed}")));
    parts.extend(one.vex.as_ref().map(|vex| format!("VEX says {vex}")));
    parts.extend(one.waived_by.as_ref().map(|waiver| format!("waived by {waiver}")));
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Two digits that mean something.
fn probability(value: f64) -> String {
    if value >= 0.01 || value == 0.0 { format!("{value:.2}") } else { format!("{value:.5}") }
}

fn moved(old: &SheetFinding, new: &SheetFinding) -> Vec<String> {
    let id = &new.id;
    let mut lines = Vec::new();
    let verb = |a: f64, b: f64| if b > a { "rose" } else { "fell" };
    match (old.epss, new.epss) {
        (Some(a), Some(b)) if a != b => {
            let (mut from, mut to) = (probability(a), probability(b));
            if from == to {
                (from, to) = (a.to_string(), b.to_string());
            }
            lines.push(format!("EPSS of {id} {} {from} → {to}", verb(a, b)));
        }
        (None, Some(b)) => lines.push(format!("EPSS of {id} is known now: {}", probability(b))),
        (Some(_), None) => lines.push(format!("EPSS of {id} is no longer known")),
        _ => {}
    }
    match (old.score, new.score) {
        (Some(a), Some(b)) if a != b => lines.push(format!("score of {id} {} {a:.1} → {b:.1}", verb(a, b))),
        (None, Some(b)) => lines.push(format!("{id} has a score now: {b:.1}")),
        (Some(a), None) => lines.push(format!("{id} has no score any more; it was {a:.1}")),
        _ => {}
    }
    if old.severity != new.severity {
        let word = |s: Option<assay_model::finding::Severity>| s.map_or("unknown", |s| s.as_str()).to_lowercase();
        lines.push(format!("severity of {id} changed: {} → {}", word(old.severity), word(new.severity)));
    }
    match (old.kev, new.kev) {
        (false, true) => lines.push(format!("{id} is now known to be exploited (KEV)")),
        (true, false) => lines.push(format!("{id} is no longer listed as exploited (KEV)")),
        _ => {}
    }
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    if old.fixed != new.fixed {
        lines.push(format!(
            "nearest fix of {id} in {} changed: {} → {}",
            new.component,
            or_none(&old.fixed),
            or_none(&new.fixed)
        ));
    }
    if old.vex != new.vex {
        lines.push(format!(
            "VEX about {id} in {} changed: {} → {}",
            new.component,
            or_none(&old.vex),
            or_none(&new.vex)
        ));
    }
    match (&old.waived_by, &new.waived_by) {
        (None, Some(waiver)) => lines.push(format!("{id} in {} is waived by {waiver}", new.component)),
        (Some(waiver), None) => lines.push(format!("waiver {waiver} of {id} in {} ended", new.component)),
        (Some(a), Some(b)) if a != b => {
            lines.push(format!("{id} in {} is waived by {b} instead of {a}", new.component))
        }
        _ => {}
    }
    lines
}

/// Policies and waivers that differ.
pub(super) fn rules(
    then: (&[Policy], &Decision),
    now: &[Policy],
    waivers: &BTreeSet<assay_model::waiver::WaiverId>,
) -> Vec<String> {
    let (policies, decision) = then;
    let mut lines = Vec::new();
    for policy in now {
        match policies.iter().find(|old| old.slug == policy.slug) {
            None => lines.push(format!("policy {} was added or enabled (revision {})", policy.slug, policy.revision)),
            Some(old) if old.revision != policy.revision => lines.push(format!(
                "policy {} was edited (revision {} → {}): {}",
                policy.slug,
                old.revision,
                policy.revision,
                edited(old, policy)
            )),
            Some(_) => {}
        }
    }
    for old in policies.iter().filter(|old| !now.iter().any(|policy| policy.slug == old.slug)) {
        lines.push(format!("policy {} was removed or disabled (it was revision {})", old.slug, old.revision));
    }
    for waiver in waivers.difference(&decision.basis.waivers) {
        lines.push(format!("waiver {waiver} came into force"));
    }
    for waiver in decision.basis.waivers.difference(waivers) {
        lines.push(format!("waiver {waiver} ended, or there is nothing left for it to waive"));
    }
    cut(lines)
}

fn edited(old: &Policy, new: &Policy) -> String {
    let parts = [
        (old.rego != new.rego, "source"),
        (old.actions != new.actions, "actions"),
        (old.precedence != new.precedence, "precedence"),
        (old.terminal != new.terminal, "whether it is terminal"),
        (old.on_failure != new.on_failure, "what a failure means"),
        (old.name != new.name || old.description != new.description, "wording"),
    ];
    let changed: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    if changed.is_empty() { "saved again as it was".to_owned() } else { changed.join(", ") }
}

/// What is decided differently.
pub(super) fn outcome(then: &Decision, now: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    if then.state != now.state {
        lines.push(format!("state: {} → {}", then.state.as_str(), now.state.as_str()));
    }
    let of = |all: &[Verdict], policy: &str| all.iter().find(|v| v.policy == policy).cloned();
    let policies: BTreeSet<&str> =
        then.verdicts.iter().chain(&now.verdicts).map(|verdict| verdict.policy.as_str()).collect();
    for policy in policies {
        match (of(&then.verdicts, policy), of(&now.verdicts, policy)) {
            (None, Some(new)) => lines.push(format!("policy {policy} {} now{}", said(&new), because(&new))),
            (Some(_), None) => lines.push(format!("policy {policy} does not match any more")),
            (Some(old), Some(new)) if old.outcome != new.outcome => {
                lines.push(format!("policy {policy} {} now, and {} then", said(&new), said(&old)));
            }
            (Some(old), Some(new)) if old.waived_by != new.waived_by => {
                lines.push(match &new.waived_by {
                    Some(waiver) => format!("the match of policy {policy} is waived by {waiver}"),
                    None => format!("the match of policy {policy} is no longer waived"),
                });
            }
            (Some(old), Some(new)) if old.reasons != new.reasons => {
                lines.push(format!("policy {policy} has other reasons{}", because(&new)));
            }
            _ => {}
        }
    }
    for tag in now.tags_added.difference(&then.tags_added) {
        lines.push(format!("policies add the label `{tag}`"));
    }
    for tag in then.tags_added.difference(&now.tags_added) {
        lines.push(format!("policies no longer add the label `{tag}`"));
    }
    cut(lines)
}

fn said(verdict: &Verdict) -> &'static str {
    match &verdict.outcome {
        Outcome::Match => "matches",
        Outcome::NoMatch => "does not match",
        Outcome::Failed(_) => "fails",
    }
}

fn because(verdict: &Verdict) -> String {
    match (&verdict.outcome, verdict.reasons.first()) {
        (Outcome::Failed(why), _) => format!(": {why}"),
        (_, Some(reason)) => format!(": {reason}"),
        (_, None) => String::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::sheet::Suppressed;
    use serde_json::json;

    fn finding(id: &str, epss: Option<f64>) -> SheetFinding {
        SheetFinding {
            id: id.into(),
            aliases: ["GHSA-1".to_owned()].into(),
            kind: "vulnerability".into(),
            component: "pkg:pypi/a@1".into(),
            score: Some(9.8),
            epss,
            fixed: Some("2".into()),
            ..SheetFinding::default()
        }
    }

    fn sheet(findings: Vec<SheetFinding>, facts: &[(&str, Value)]) -> Sheet {
        let facts = facts.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        Sheet { findings, facts, ..Sheet::default() }
    }

    fn between(then: &Sheet, now: &Sheet, reads: &[FactKind]) -> Vec<String> {
        let reads = reads.iter().copied().collect();
        facts(&Seen { sheet: then, reads: &reads }, &Seen { sheet: now, reads: &reads })
    }

    #[test]
    fn findings_are_told_as_people_say_it() {
        let none = sheet(vec![], &[]);
        let low = sheet(vec![finding("CVE-1", Some(0.06))], &[]);
        let mut worse = finding("CVE-1", Some(0.45));
        (worse.kev, worse.fixed) = (true, None);
        let high = sheet(vec![worse], &[]);
        let findings = [FactKind::Findings];
        assert_eq!(
            between(&none, &low, &findings),
            ["CVE-1 appeared in pkg:pypi/a@1 (advisory GHSA-1, score 9.8, EPSS 0.06, fixed in 2)"]
        );
        assert_eq!(between(&low, &none, &findings), ["CVE-1 is no longer found in pkg:pypi/a@1"]);
        assert_eq!(
            between(&low, &high, &findings),
            [
                "EPSS of CVE-1 rose 0.06 → 0.45",
                "CVE-1 is now known to be exploited (KEV)",
                "nearest fix of CVE-1 in pkg:pypi/a@1 changed: 2 → none",
            ]
        );
        assert!(between(&low, &low, &findings).is_empty());
        assert!(between(&none, &low, &[FactKind::Package]).is_empty(), "nobody looked then");
        let merged = sheet(vec![SheetFinding { id: "GHSA-1".into(), ..finding("", Some(0.06)) }], &[]);
        assert_eq!(between(&merged, &low, &findings), ["GHSA-1 is now called CVE-1 in pkg:pypi/a@1"]);
    }

    #[test]
    fn what_is_waived_is_not_gone() {
        let found = sheet(vec![finding("CVE-1", None)], &[]);
        let by = |why: &str| {
            let aliases = BTreeSet::from(["CVE-1".to_owned()]);
            let (id, component) = ("GHSA-9".to_owned(), "pkg:pypi/a@1".to_owned());
            Sheet { suppressed: vec![Suppressed { id, aliases, component, why: why.to_owned() }], ..Sheet::default() }
        };
        let (waived, none) = (by("waived by W-1"), sheet(vec![], &[]));
        let told = |then: &Sheet, now: &Sheet| between(then, now, &[FactKind::Findings]);
        assert_eq!(told(&found, &waived), ["CVE-1 in pkg:pypi/a@1 is waived by W-1"]);
        assert_eq!(told(&found, &by("not_affected according to VEX (vendor)")).len(), 1);
        assert_eq!(
            told(&waived, &found),
            ["CVE-1 in pkg:pypi/a@1 is no longer waived by W-1 (advisory GHSA-1, score 9.8, fixed in 2)"]
        );
        assert_eq!(told(&found, &none), ["CVE-1 is no longer found in pkg:pypi/a@1"]);
        let mut elsewhere = by("waived by W-1");
        elsewhere.suppressed[0].component = "pkg:pypi/b@1".into();
        assert_eq!(told(&found, &elsewhere), ["CVE-1 is no longer found in pkg:pypi/a@1"]);
    }

    #[test]
    fn that_a_source_was_heard_of_again_is_nothing_new() {
        let then = sheet(Vec::new(), &[("sources.kev.synced_at", json!("a")), ("sources.kev.stale", json!(false))]);
        let now = sheet(Vec::new(), &[("sources.kev.synced_at", json!("b")), ("sources.kev.stale", json!(true))]);
        let lines = between(&then, &now, &[FactKind::Freshness]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("stale"), "{lines:?}");
    }

    #[test]
    fn other_facts_go_by_their_path_and_components_by_their_name() {
        let then = sheet(vec![], &[("package.license.raw_license", json!("MIT")), ("upstream.trust", json!("full"))]);
        let now = sheet(
            vec![],
            &[
                ("package.license.raw_license", json!("GPL-3.0")),
                ("components.pkg:npm/b@1.0.version", json!("1.0")),
                ("components.pkg:npm/b@1.0.path", json!("x")),
            ],
        );
        assert_eq!(
            between(&then, &now, &[FactKind::Inventory]),
            [
                "component pkg:npm/b@1.0 appeared",
                "the licence changed: MIT → GPL-3.0",
                "`upstream.trust` is gone; it was full"
            ]
        );
        assert_eq!(between(&then, &now, &[FactKind::Package]).len(), 2, "components were not looked at");
        let mut labelled = then.clone();
        labelled.tags.insert("x".into());
        assert_eq!(between(&then, &labelled, &[]), ["label `x` was added"]);
        let many: Vec<(String, Value)> = (0..200).map(|n| (format!("package.p{n}"), json!(n))).collect();
        let many: Vec<(&str, Value)> = many.iter().map(|(path, value)| (path.as_str(), value.clone())).collect();
        let told = between(&sheet(vec![], &[]), &sheet(vec![], &many), &[]);
        assert_eq!((told.len(), told.last().unwrap().as_str()), (61, "and 140 more"));
    }
}
