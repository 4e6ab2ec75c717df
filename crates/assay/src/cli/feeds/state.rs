//! `assay feeds status` and `assay feeds bad`.

use crate::cli::{
    Context, local,
    look::{Sheet, Text, Tone, cut, moment, thousands},
};
use anyhow::Result;
use assay_engine::SourceHealth;
use assay_model::access::Caller;
use jiff::Timestamp;
use serde::Serialize;
use std::process::ExitCode;

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    health: SourceHealth,
    address: String,
}

pub(super) async fn status(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let (engine, _empty) = local::engine_to_read(&config).await?;
    let address = |health: &SourceHealth| config.sources.addresses.get(health.source).cloned().unwrap_or_default();
    let lines = engine.source_health().await?.into_iter();
    let lines: Vec<Line> = lines.map(|health| Line { address: address(&health), health }).collect();
    if context.out.json {
        context.out.data(&serde_json::json!({"sources": lines}))?;
    } else {
        context.out.text(&table(&lines, engine.now()).render(context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(lines: &[Line], now: Timestamp) -> Sheet {
    let mut sheet = Sheet::new(&[
        "SOURCE",
        ">RECORDS",
        "LAST SUCCESS",
        ">AGE",
        "LAST ATTEMPT",
        "NEXT",
        ">EVERY",
        "STATE",
        "ADDRESS",
    ]);
    let or_dash = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), moment);
    for Line { health, address } in lines {
        let next = match health.next_at {
            Some(at) if at > now => format!("in {}", span(at.duration_since(now).as_secs())),
            Some(_) if !address.is_empty() => "due".to_owned(),
            _ => "-".to_owned(),
        };
        sheet.row([
            health.source.into(),
            thousands(health.records).into(),
            health.synced_at.map_or_else(|| "never".to_owned(), moment).into(),
            health.age_seconds.map_or_else(|| "-".to_owned(), span).into(),
            or_dash(health.attempted_at).into(),
            next.into(),
            span(health.every_seconds).into(),
            state(health, address),
            Text::from(address),
        ]);
    }
    sheet
}

fn state(health: &SourceHealth, address: &str) -> Text {
    let stale = if health.stale { "stale: " } else { "" };
    match &health.error {
        Some(error) => Text::new(format!("{stale}{}", cut(error, 60)), Tone::Bad),
        None if health.stale => Text::new("stale", Tone::Bad),
        None if health.synced_at.is_some() => Text::new("ok", Tone::Good),
        None if address.is_empty() => Text::new("off", Tone::Faint),
        None => Text::new("-", Tone::Faint),
    }
}

/// A time span in its largest unit.
fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub(super) async fn bad(context: &Context, limit: usize) -> Result<ExitCode> {
    let (engine, _empty) = local::engine_to_read(&context.config()?).await?;
    let records = engine.bad_records(&Caller::System, limit).await?;
    if context.out.json {
        context.out.data(&serde_json::json!({"bad": records}))?;
        return Ok(ExitCode::SUCCESS);
    }
    if records.is_empty() {
        context.out.text("no record is set aside")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut sheet = Sheet::new(&["AT", "SOURCE", "RECORD", "REASON"]);
    for record in &records {
        sheet.row([
            moment(record.at).into(),
            Text::from(&record.source),
            Text::from(&record.name),
            Text::from(&record.reason),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))?;
    Ok(ExitCode::SUCCESS)
}
