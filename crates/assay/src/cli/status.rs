//! `assay status`.

use super::{
    Context,
    look::{Look, Sheet, Text, Tone, bytes, count, harmless, moment, thousands},
    views::Status,
};
use anyhow::Result;
use assay_model::renewal::Renewal;
use serde_json::Value;
use std::process::ExitCode;

pub(super) async fn run(context: &Context) -> Result<ExitCode> {
    let answer: Value = context.client()?.get(&["status"], &[]).await?;
    if context.out.json {
        context.out.data(&answer)?;
    } else {
        context.out.text(&page(&serde_json::from_value(answer)?, context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn page(status: &Status, look: Look) -> String {
    let advisories: Vec<String> =
        status.advisories.iter().map(|(source, n)| format!("{} of {}", thousands(*n), harmless(source))).collect();
    let advisories = if advisories.is_empty() { "none".to_owned() } else { advisories.join(", ") };
    let header = format!(
        "Workspace    {} (assay {})\nAdvisories   {advisories}\nInventories  {} made\nMatched      {}\nDecided      {}",
        harmless(&status.workspace),
        harmless(&status.version),
        thousands(status.inventories),
        count(status.matched, "component", "components"),
        count(status.decided, "package", "packages"),
    );
    let header = match &status.renewal {
        Some(renewal) => format!("{header}\nRenewal      {}", renewed(renewal)),
        None => header,
    };
    let mut parts = vec![header, jobs(status).render(look)];
    if !status.feeds.is_empty() {
        parts.push(feeds(status).render(look));
    }
    if !status.repositories.is_empty() {
        parts.push(repositories(status).render(look));
    }
    parts.join("\n\n")
}

/// What became of inventories that an older scanner made.
fn renewed(renewal: &Renewal) -> String {
    let newer: Vec<_> = renewal.newer.iter().map(|id| harmless(id)).collect();
    let why = if newer.is_empty() { "nothing is newer".to_owned() } else { format!("newer: {}", newer.join(", ")) };
    let done = format!(
        "{} made again, {} of them say something new, {} are not affected",
        thousands(renewal.renewed),
        thousands(renewal.improved),
        thousands(renewal.kept)
    );
    match renewal.ended_at {
        Some(at) => format!("done {}: {done} ({why})", moment(at)),
        None => format!("{} to look at, {} to make again; {done} ({why})", renewal.left, renewal.waiting),
    }
}

fn repositories(status: &Status) -> Sheet {
    let mut sheet = Sheet::new(&["REPOSITORY", ">PACKAGES", ">SIZE", ">IN TRASH", ">OF QUOTA"]);
    for one in &status.repositories {
        let of = |has: u64, may: u64| if may > 0 { u128::from(has) * 100 / u128::from(may) } else { 0 };
        let used = of(one.holds.bytes, one.quota_bytes).max(of(one.holds.packages, one.quota_packages));
        let quota = match one.quota_bytes + one.quota_packages {
            0 => "-".into(),
            _ if used >= 95 => Text::new(format!("{used} %"), Tone::Bad),
            _ if used >= 80 => Text::new(format!("{used} %"), Tone::Warning),
            _ => format!("{used} %").into(),
        };
        sheet.row([
            Text::from(&one.name),
            thousands(one.holds.packages).into(),
            bytes(one.holds.bytes).into(),
            bytes(one.holds.trash.bytes).into(),
            quota,
        ]);
    }
    sheet
}

fn jobs(status: &Status) -> Sheet {
    let mut sheet = Sheet::new(&["LANE", ">WAITING", ">RUNNING", ">DEAD"]);
    for (lane, jobs) in &status.jobs {
        let dead = if jobs.dead > 0 { Tone::Bad } else { Tone::Plain };
        sheet.row([
            Text::from(lane),
            thousands(jobs.waiting).into(),
            thousands(jobs.running).into(),
            Text::new(thousands(jobs.dead), dead),
        ]);
    }
    sheet
}

fn feeds(status: &Status) -> Sheet {
    let mut sheet = Sheet::new(&["FEED", "LAST FETCH", "STATE"]);
    for feed in &status.feeds {
        let synced = feed.synced_at.map_or_else(|| "never".to_owned(), moment);
        let state = match &feed.error {
            Some(error) => Text::new(error, Tone::Bad),
            None => Text::new("ok", Tone::Good),
        };
        sheet.row([Text::from(&feed.feed), synced.into(), state]);
    }
    sheet
}
