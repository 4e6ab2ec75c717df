//! The words of a message: from the events of a delivery to what changed, for whom, and what to do.

use super::{
    collect::{Subject, package_of, text},
    news::told,
};
use assay_model::{
    channel::Channel,
    decision::{Decision, DecisionId},
    event::Event,
    notification::{Affected, Message, MessagePackage},
    package::PackageId,
    problem::Problem,
    seam::meta::Tx,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Packages and news that are shown.
const SHOWN: usize = 20;
/// Vulnerabilities of a package that are shown.
const CITED: usize = 5;
/// Callers that are named.
const CALLERS: usize = 20;
/// Days of downloads that are counted.
const DAYS: u32 = 30;

/// Where the message comes from.
pub(super) struct From<'a> {
    pub(super) channel: &'a Channel,
    pub(super) workspace: &'a str,
    pub(super) url: &'a str,
    pub(super) now: Timestamp,
}

pub(super) fn make(tx: &mut dyn Tx, id: &str, from: &From<'_>, events: &[Event]) -> Result<Message, Problem> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    // a package that changed twice is told as it was last
    let (mut latest, mut news): (BTreeMap<&str, &Event>, Vec<&Event>) = (BTreeMap::new(), Vec::new());
    for event in events {
        *counts.entry(event.kind.clone()).or_default() += 1;
        match Subject::of(event) {
            Some(_) => {
                latest.insert(&event.subject, event);
            }
            None => news.push(event),
        }
    }
    let mut packages: Vec<(MessagePackage, &Event)> =
        latest.values().map(|event| (package(event, from.url), *event)).collect();
    packages.sort_by(|(a, _), (b, _)| {
        let held = |p: &MessagePackage| p.to == "quarantined";
        held(b).cmp(&held(a)).then(b.severity.cmp(&a.severity)).then(a.subject.cmp(&b.subject))
    });
    let mut ids: BTreeSet<PackageId> = packages.iter().filter_map(|(_, event)| package_of(event)).collect();
    let mut shown_news = Vec::new();
    for event in news.iter().rev().take(SHOWN) {
        shown_news.push(told(tx, event, from.url, &mut ids)?);
    }
    let more_packages = packages.len().saturating_sub(SHOWN);
    let mut shown = Vec::new();
    for (mut package, event) in packages.into_iter().take(SHOWN) {
        let decision = text(event, "decision");
        let decision = if decision.is_empty() { None } else { tx.decision(&DecisionId(decision.to_owned()))? };
        complete(&mut package, decision);
        shown.push(package);
    }
    let triggers: BTreeSet<&str> = events.iter().map(|e| text(e, "trigger")).filter(|t| !t.is_empty()).collect();
    let trigger = match triggers.len() {
        0 | 1 => triggers.into_iter().collect(),
        n => format!("{n} causes"),
    };
    let kind = if counts.len() == 1 { counts.keys().cloned().collect() } else { "summary".to_owned() };
    let total = latest.len();
    let link = match (shown.as_slice(), shown_news.as_slice()) {
        ([one], _) => one.link.clone(),
        ([], [one]) => one.link.clone(),
        _ if total > 0 => format!("{}/ui/packages", from.url),
        _ => format!("{}/ui/log", from.url),
    };
    Ok(Message {
        id: id.to_owned(),
        channel: from.channel.name.clone(),
        workspace: from.workspace.to_owned(),
        at: from.now,
        title: title(&counts, &shown, total, &news, &trigger),
        kind,
        trigger,
        counts,
        affected: affected(tx, &ids, from.now)?,
        packages: shown,
        more_packages,
        news: shown_news,
        link,
    })
}

fn package(event: &Event, url: &str) -> MessagePackage {
    let list = |name: &str| -> Vec<String> {
        event.body.get(name).and_then(|all| serde_json::from_value(all.clone()).ok()).unwrap_or_default()
    };
    let severity = event.body.get("severity").and_then(|s| serde_json::from_value(s.clone()).ok());
    let id = package_of(event).map_or(0, |id| id.0);
    let page = match id {
        0 => format!("find?what={}", event.subject),
        id => id.to_string(),
    };
    let mut reasons = list("reasons");
    reasons.extend(event.body.get("reason").and_then(|r| r.as_str()).map(str::to_owned));
    MessagePackage {
        id,
        subject: event.subject.clone(),
        event: event.kind.clone(),
        from: text(event, "from").to_owned(),
        to: text(event, "to").to_owned(),
        severity,
        policies: list("policies")
            .into_iter()
            .chain(event.body.get("policy").and_then(|p| p.as_str()).map(str::to_owned))
            .collect(),
        reasons,
        vulnerabilities: Vec::new(),
        advice: String::new(),
        link: format!("{url}/ui/packages/{page}"),
    }
}

/// Adds what the decision says, and what to do.
fn complete(package: &mut MessagePackage, decision: Option<Decision>) {
    let awaited = decision.as_ref().is_some_and(|d| !d.awaited.is_empty());
    package.vulnerabilities = decision.map(|d| d.vulnerabilities).unwrap_or_default();
    package.vulnerabilities.truncate(CITED);
    let mut fixes: Vec<String> = Vec::new();
    for cited in &package.vulnerabilities {
        if let Some(fixed) = &cited.fixed {
            let fix = format!("{} to {fixed}", cited.component);
            if !fixes.contains(&fix) {
                fixes.push(fix);
            }
        }
    }
    let policies = package.policies.join(", ");
    package.advice = match package.to.as_str() {
        _ if package.event == "decision.expired" => {
            format!("use a newer version; policy {policies} ends this one some time after it arrived")
        }
        _ if package.event == "package.override_ended" => {
            "nothing, unless the state should stay as it was set: then set it again".to_owned()
        }
        _ if package.event == "upstream.changed-bytes" => {
            "find out why before anybody uses it: other bytes under a known name are an attack or a broken upstream; \
             `assay upstream unpin` takes the new ones"
                .to_owned()
        }
        _ if awaited || package.event == "approval.requested" => {
            format!("look at it and answer: assay package approve {0} --reason WHY, or refuse", package.subject)
        }
        "available" => "nothing: it is served".to_owned(),
        "quarantined" | "hidden" if !fixes.is_empty() => format!("move {}", fixes.join(", ")),
        "quarantined" | "hidden" if !package.vulnerabilities.is_empty() => {
            "no fixed version is known: replace it, or waive what does not apply".to_owned()
        }
        "quarantined" | "hidden" => {
            "use another version; the page says why and which is the nearest allowed".to_owned()
        }
        _ => String::new(),
    };
}

fn title(
    counts: &BTreeMap<String, usize>,
    shown: &[MessagePackage],
    total: usize,
    news: &[&Event],
    trigger: &str,
) -> String {
    let why = if trigger.is_empty() { String::new() } else { format!(": {trigger}") };
    match (shown, news, total) {
        ([one], [], 1) => format!("{} {}{why}", one.subject, words(&one.event)),
        (_, [one], 0) => format!("{} {}", one.subject, words(&one.kind)),
        _ => {
            let parts: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {}", words(kind))).collect();
            format!("{}{why}", parts.join(", "))
        }
    }
}

/// What happened, without its noun where that is a decision.
fn words(kind: &str) -> String {
    kind.strip_prefix("decision.").unwrap_or(kind).replace(['_', '-'], " ")
}

fn affected(tx: &mut dyn Tx, packages: &BTreeSet<PackageId>, now: Timestamp) -> Result<Affected, Problem> {
    let ids: Vec<PackageId> = packages.iter().copied().collect();
    let since = now.as_second().div_euclid(86_400) - i64::from(DAYS);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (_, pulls) in tx.download_days_of(&ids, since + 1)? {
        *sums.entry(pulls.who).or_default() += pulls.count;
    }
    let mut callers: Vec<(String, u64)> = sums.into_iter().collect();
    callers.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let pulls = callers.iter().map(|(_, n)| n).sum();
    let more_callers = callers.len().saturating_sub(CALLERS);
    callers.truncate(CALLERS);
    Ok(Affected { days: DAYS, pulls, callers, more_callers })
}
