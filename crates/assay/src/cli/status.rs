//! `assay status`.

use super::{
    Context,
    look::{Look, Sheet, Text, Tone, count, harmless, moment, thousands},
    views::Status,
};
use anyhow::Result;
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
    let mut parts = vec![header, jobs(status).render(look)];
    if !status.feeds.is_empty() {
        parts.push(feeds(status).render(look));
    }
    parts.join("\n\n")
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
