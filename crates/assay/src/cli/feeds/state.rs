//! `assay feeds status` and `assay feeds bad`.

use crate::cli::{
    Context, local,
    look::{Sheet, Text, Tone, cut, moment, thousands},
};
use anyhow::Result;
use assay_model::{
    access::Caller,
    seam::meta::{self, FeedState},
};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Serialize)]
struct Line {
    source: &'static str,
    summary: &'static str,
    data_license: &'static str,
    every_seconds: u64,
    address: String,
    advisories: Option<i64>,
    state: Option<FeedState>,
}

pub(super) async fn status(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let (engine, _empty) = local::engine_to_read(&config).await?;
    let (states, counts) = meta::read(engine.meta(), |tx| Ok((tx.feed_states()?, tx.advisory_counts()?))).await?;
    let line = |source: &&'static dyn assay_model::seam::source::Source| {
        let spec = source.spec();
        Line {
            source: spec.id,
            summary: spec.summary,
            data_license: spec.data_license,
            every_seconds: spec.cadence,
            address: config.sources.addresses.get(spec.id).cloned().unwrap_or_default(),
            advisories: counts.get(spec.id).copied(),
            state: states.iter().find(|s| s.feed == spec.id).cloned(),
        }
    };
    let lines: Vec<Line> = engine.sources().iter().map(line).collect();
    if context.out.json {
        context.out.data(&serde_json::json!({"sources": lines}))?;
    } else {
        context.out.text(&table(&lines).render(context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(lines: &[Line]) -> Sheet {
    let mut sheet = Sheet::new(&["SOURCE", ">ADVISORIES", "LAST FETCH", "STATE", "ADDRESS"]);
    for line in lines {
        let synced = line.state.as_ref().and_then(|s| s.synced_at).map_or_else(|| "never".to_owned(), moment);
        let state = match line.state.as_ref().and_then(|s| s.error.as_deref()) {
            Some(error) => Text::new(cut(error, 60), Tone::Bad),
            None if line.state.is_none() && !line.address.is_empty() => Text::new("-", Tone::Faint),
            None if line.address.is_empty() => Text::new("off", Tone::Faint),
            None => Text::new("ok", Tone::Good),
        };
        sheet.row([
            line.source.into(),
            line.advisories.map_or_else(|| "-".to_owned(), thousands).into(),
            synced.into(),
            state,
            Text::from(&line.address),
        ]);
    }
    sheet
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
