//! `assay policy simulate`: what would be blocked and released.

use super::trial::TrialArgs;
use crate::cli::{
    Context,
    client::Client,
    feeds::progress::Progress,
    look::{Sheet, Text, Tone, count, cut, harmless, seconds, thousands},
    out::note,
};
use anyhow::{Context as _, Result, bail};
use assay_engine::{Changed, Edit, KEPT_HOURS, SetLine, SimulationReport, Tally};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Packages that are shown; the page and `--json` have more.
const SHOWN: usize = 20;
const REASONS: usize = 10;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SimulateArgs {
    #[command(flatten)]
    trial: TrialArgs,
}

pub(super) async fn run(context: &Context, args: SimulateArgs) -> Result<()> {
    let trial = args.trial.trial()?;
    let client = context.client()?;
    let value = watched(&client, "simulate", "looking at every package", &serde_json::to_value(&trial)?).await?;
    if context.out.json {
        return context.out.data(&value);
    }
    tell(context, &client, value)
}

/// Prints a report for people.
pub(super) fn tell(context: &Context, client: &Client, report: Value) -> Result<()> {
    let report: SimulationReport = serde_json::from_value(report)?;
    report.notes.iter().for_each(|line| note(&format!("note: {}", harmless(line))));
    let mut text = head(&report.set, report.alone);
    text.push_str(&totals(&report));
    let sheets = [
        ("By repository", repositories(&report, report.totals)),
        ("By policy", policies(&report)),
        ("Reasons", reasons(&report)),
        ("Newly blocked", packages(&report.newly_blocked)),
        ("Released", packages(&report.released)),
    ];
    for (title, (sheet, more)) in sheets {
        if let Some(sheet) = sheet {
            text.push_str(&format!("\n{title}\n{}\n", sheet.render(context.out.look).trim_end()));
            if more > 0 {
                text.push_str(&format!("and {} more\n", thousands(more)));
            }
        }
    }
    text.push_str(&format!("\nNothing was changed. {} in {}.", looked(&report), seconds(report.took as f64 / 1000.0)));
    if let Some(id) = &report.id {
        let page = client.page(&format!("simulations/{id}"));
        text.push_str(&format!("\nAs a page, for {KEPT_HOURS} hours: {page}"));
    }
    context.out.text(&text)
}

/// Runs a trial on the server and shows how far it is; gives its report.
pub(super) async fn watched(client: &Client, verb: &str, title: &str, body: &Value) -> Result<Value> {
    let progress = Progress::start(title, false);
    let (mut report, mut error) = (None, None);
    let path = ["policies", verb];
    let read = client.post_lines(&path, body, |mut line| {
        if let Some(step) = line.get("progress") {
            let number = |name: &str| step.get(name).and_then(Value::as_u64);
            progress.set(number("done").unwrap_or(0), number("total"), false);
        }
        if let Some(map) = line.as_object_mut() {
            report = map.remove("report").or(report.take());
            error = map.remove("error").or(error.take());
        }
        Ok(())
    });
    let outcome = read.await;
    progress.finish(if report.is_some() { "done" } else { "failed" });
    outcome?;
    if let Some(error) = error {
        bail!("{}", error.get("message").and_then(Value::as_str).unwrap_or("the server could not do it"));
    }
    report.context("the server's answer ended before its report")
}

/// The policies that were tried.
pub(super) fn head(set: &[SetLine], alone: bool) -> String {
    let mut text = String::new();
    for line in set {
        let what = match line.edit {
            Edit::Kept => continue,
            Edit::Added => "new",
            Edit::Replaced => "replaces the stored one",
            Edit::Enabled => "as if enabled",
            Edit::Disabled => "as if disabled",
        };
        text.push_str(&format!("Policy {}: {what}; {}\n", line.slug, super::listed(&line.actions)));
    }
    let kept = set.iter().filter(|line| line.edit == Edit::Kept).count();
    match (alone, kept) {
        (true, _) => text.push_str("Alone, without the stored policies\n"),
        (false, 0) => {}
        (false, n) => text.push_str(&format!("Beside {}\n", count(n as u64, "stored policy", "stored policies"))),
    }
    text
}

fn totals(report: &SimulationReport) -> String {
    let t = &report.totals;
    let mut text = format!(
        "\nBlocked         {} now, {} then, of {}\nNewly blocked   {}\n",
        thousands(t.blocked_before),
        thousands(t.blocked_after),
        count(t.packages, "package", "packages"),
        thousands(t.newly_blocked),
    );
    if t.refused_pulls > 0 {
        text.push_str(&format!(
            "                {} of them in the last 30 days would have been refused, of {}\n",
            count(t.refused_pulls, "pull", "pulls"),
            count(t.pulled_packages, "package", "packages")
        ));
        let who: Vec<String> =
            report.callers.iter().take(8).map(|(who, n)| format!("{} ({})", harmless(who), thousands(*n))).collect();
        text.push_str(&format!("                by {}\n", who.join(", ")));
    }
    text.push_str(&format!("Released        {}\n", thousands(t.released)));
    if t.moved > 0 {
        text.push_str(&format!("Blocked either way, in another state: {}\n", thousands(t.moved)));
    }
    text
}

fn looked(report: &SimulationReport) -> String {
    let mut text = format!("{} looked at", count(report.totals.packages, "package", "packages"));
    if report.undecided > 0 {
        text.push_str(&format!(", {} not decided yet and left out", thousands(report.undecided)));
    }
    text
}

type Part = (Option<Sheet>, u64);

fn repositories(report: &SimulationReport, all: Tally) -> Part {
    if report.repositories.is_empty() || all.packages == 0 {
        return (None, 0);
    }
    let mut sheet =
        Sheet::new(&["REPOSITORY", ">PACKAGES", ">BLOCKED NOW", ">THEN", ">NEWLY", ">RELEASED", ">PULLS REFUSED"]);
    for (name, t) in &report.repositories {
        let numbers = [t.packages, t.blocked_before, t.blocked_after, t.newly_blocked, t.released, t.refused_pulls];
        sheet.row(std::iter::once(Text::from(name)).chain(numbers.into_iter().map(|n| thousands(n).into())));
    }
    (Some(sheet), 0)
}

fn policies(report: &SimulationReport) -> Part {
    if report.policies.is_empty() {
        return (None, 0);
    }
    let mut sheet = Sheet::new(&["POLICY", ">MATCHES", ">FAILS", ">NEWLY BLOCKED", ">RELEASED"]);
    for (slug, p) in &report.policies {
        let numbers = [p.matched, p.failed, p.newly_blocked, p.released];
        sheet.row(std::iter::once(Text::from(slug)).chain(numbers.into_iter().map(|n| thousands(n).into())));
    }
    (Some(sheet), 0)
}

fn reasons(report: &SimulationReport) -> Part {
    if report.reasons.is_empty() {
        return (None, 0);
    }
    let mut sheet = Sheet::new(&[">NEWLY BLOCKED", ">RELEASED", "POLICY", "REASON"]);
    for line in report.reasons.iter().take(REASONS) {
        sheet.row([
            thousands(line.newly_blocked).into(),
            thousands(line.released).into(),
            Text::from(&line.policy),
            Text::from(cut(&harmless(&line.reason), 100)),
        ]);
    }
    (Some(sheet), report.reasons.len().saturating_sub(REASONS) as u64)
}

fn packages(all: &[Changed]) -> Part {
    if all.is_empty() {
        return (None, 0);
    }
    let mut sheet = Sheet::new(&["PACKAGE", "NOW", "THEN", ">PULLS", "BY", "BECAUSE"]);
    for one in all.iter().take(SHOWN) {
        let tone = if one.to == assay_model::package::State::Available { Tone::Good } else { Tone::Bad };
        let who: Vec<String> = one.callers.iter().take(3).map(|(who, _)| harmless(who)).collect();
        sheet.row([
            Text::from(harmless(&one.address())),
            one.from.as_str().into(),
            Text::new(one.to.as_str(), tone),
            thousands(one.pulls).into(),
            who.join(", ").into(),
            Text::from(cut(&harmless(&because(&one.reasons)), 90)),
        ]);
    }
    (Some(sheet), all.len().saturating_sub(SHOWN) as u64)
}

/// `kev: CVE-2026-1 is exploited; cvss`.
pub(super) fn because(reasons: &[(String, String)]) -> String {
    let one = |(policy, reason): &(String, String)| match reason.is_empty() {
        true => policy.clone(),
        false => format!("{policy}: {reason}"),
    };
    reasons.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Reads a report of another kind.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).context("the server's report is not what this version understands")
}
