//! The words of a message: from the events of a delivery to what changed, for whom, and what to do.

use super::{
    collect::{Subject, package_of, text},
    news::told,
};
use crate::catalogue::{Formats, display};
use assay_model::{
    channel::Channel,
    decision::{Cited, Decision, DecisionId},
    event::Event,
    notification::{Affected, Message, MessagePackage},
    package::{Package, PackageId},
    problem::Problem,
    purl::Purl,
    seam::meta::Tx,
};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Packages and news that are shown.
const SHOWN: usize = 20;
/// Vulnerabilities of a package that are shown.
const CITED: usize = 5;
/// Callers that are named.
const CALLERS: usize = 20;
/// Tags of an image that are named.
const TAGS: usize = 3;
/// Days of downloads that are counted.
const DAYS: u32 = 30;

/// Where the message comes from.
pub(super) struct From<'a> {
    pub(super) channel: &'a Channel,
    pub(super) workspace: &'a str,
    pub(super) url: &'a str,
    pub(super) now: Timestamp,
    pub(super) formats: Formats,
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
        if let Some(stored) = tx.packages(&[PackageId(package.id)])?.first() {
            package.name = named(tx, stored, from.formats)?;
        }
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
        0 => format!("find?what={}", utf8_percent_encode(&event.subject, NON_ALPHANUMERIC)),
        id => id.to_string(),
    };
    let mut reasons = list("reasons");
    reasons.extend(event.body.get("reason").and_then(|r| r.as_str()).map(str::to_owned));
    MessagePackage {
        id,
        subject: event.subject.clone(),
        name: event.subject.clone(),
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

/// A stored package as people name it.
fn named(tx: &mut dyn Tx, package: &Package, formats: Formats) -> Result<String, Problem> {
    let repository = tx.repository_by_id(package.repository)?.map(|found| found.name).unwrap_or_default();
    let tags: Vec<String> = tx.references_to(&[package.id])?.into_iter().map(|tag| tag.name).take(TAGS).collect();
    let tags = if tags.is_empty() { String::new() } else { format!(" ({})", tags.join(", ")) };
    Ok(format!("{repository}/{}{tags}", display(formats, package)))
}

/// Adds what the decision says, and what to do.
fn complete(package: &mut MessagePackage, decision: Option<Decision>) {
    let awaited = decision.as_ref().is_some_and(|d| !d.awaited.is_empty());
    package.vulnerabilities = decision.map(|d| d.vulnerabilities).unwrap_or_default();
    let fixes = moves(&package.vulnerabilities);
    package.vulnerabilities.truncate(CITED);
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

/// What to move where: each component once, to the version that fixes all that is cited of it.
fn moves(cited: &[Cited]) -> Vec<String> {
    let mut to: Vec<(&str, Option<Purl>, &str)> = Vec::new();
    for one in cited {
        let Some(fixed) = one.fixed.as_deref() else { continue };
        match to.iter_mut().find(|(component, ..)| *component == one.component) {
            None => to.push((&one.component, one.component.parse().ok(), fixed)),
            Some((_, purl, best)) => {
                let order = purl.as_ref().map(|purl| purl.scheme().compare(fixed, best));
                if matches!(order, Some(Ok(Ordering::Greater))) {
                    *best = fixed;
                }
            }
        }
    }
    let more = to.len().saturating_sub(CITED);
    let mut words: Vec<String> =
        to.iter().take(CITED).map(|(component, _, fixed)| format!("{} to {fixed}", short(component))).collect();
    words.extend((more > 0).then(|| format!("and {more} more")));
    words
}

/// A package URL without its qualifiers: enough to know what is meant.
fn short(purl: &str) -> &str {
    purl.split(['?', '#']).next().unwrap_or(purl)
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
        ([one], [], 1) => format!("{} {}{why}", one.name, words(&one.event)),
        (_, [one], 0) => headline(one),
        _ => {
            let parts: Vec<String> = counts.iter().map(|(kind, n)| counted(kind, *n)).collect();
            format!("{}{why}", parts.join(", "))
        }
    }
}

/// One piece of news in a line.
fn headline(event: &Event) -> String {
    let name = event.subject.split_once('/').map_or(event.subject.as_str(), |(_, name)| name);
    match event.kind.as_str() {
        "waiver.ending" => format!("waiver {name} ends soon"),
        "waiver.expired" => format!("waiver {name} has ended"),
        "feed.stale" => format!("source {name} is stale"),
        kind => format!("{} {}", event.subject, words(kind)),
    }
}

/// How many of a kind.
fn counted(kind: &str, n: usize) -> String {
    let (one, many) = match kind {
        "waiver.ending" => ("waiver ends soon", "waivers end soon"),
        "waiver.expired" => ("waiver has ended", "waivers have ended"),
        "feed.stale" => ("source is stale", "sources are stale"),
        kind => return format!("{n} {}", words(kind)),
    };
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What happened, without its noun where that is a decision.
fn words(kind: &str) -> String {
    if kind == "decision.made" {
        return "decided".to_owned();
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn cited(component: &str, fixed: Option<&str>) -> Cited {
        Cited {
            id: "CVE-2026-1".into(),
            component: component.into(),
            score: None,
            severity: assay_model::finding::Severity::High,
            fixed: fixed.map(str::to_owned),
            title: String::new(),
        }
    }

    #[test]
    fn a_component_moves_once_to_what_fixes_everything() {
        let requests = "pkg:pypi/requests@2.6.0";
        let ssl = "pkg:apk/alpine/libssl1.1@1.1.1d-r2?arch=x86_64&distro=alpine-3.10.4";
        let all = [
            cited(requests, Some("2.20.0")),
            cited(requests, Some("2.31.0")),
            cited(requests, Some("2.4.0")),
            cited(requests, None),
            cited(ssl, Some("1.1.1j-r0")),
            cited(ssl, Some("1.1.1g-r0")),
        ];
        assert_eq!(
            moves(&all),
            ["pkg:pypi/requests@2.6.0 to 2.31.0", "pkg:apk/alpine/libssl1.1@1.1.1d-r2 to 1.1.1j-r0"]
        );
        assert!(moves(&[cited(requests, None)]).is_empty());
    }

    #[test]
    fn titles_say_what_happened() {
        let told = |kind: &str, n: usize| title(&BTreeMap::from([(kind.to_owned(), n)]), &[], n, &[], "published");
        assert_eq!(told("decision.made", 2), "2 decided: published");
        assert_eq!(told("decision.quarantined", 1), "1 quarantined: published");
    }
}
