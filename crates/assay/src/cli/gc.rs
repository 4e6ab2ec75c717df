//! `assay gc`: collecting bytes that nothing refers to, on a running server.

use super::{
    Context,
    look::{bytes, count, thousands},
    out,
};
use anyhow::{Context as _, Result, bail};
use assay_engine::Collected;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::{process::ExitCode, time::Duration};

#[derive(Debug, clap::Args)]
pub(super) struct GcArgs {
    /// Delete nothing; say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Only bytes that arrived at least this many seconds ago [default: a day]
    #[arg(long, value_name = "SECONDS")]
    older_than: Option<u32>,
    /// Also look through the blob store for bytes that crashes left
    #[arg(long)]
    deep: bool,
    /// Show the run that goes on, or the last one, and start none
    #[arg(long, conflicts_with_all = ["dry_run", "older_than", "deep", "stop"])]
    status: bool,
    /// Stop the run that goes on after its current step
    #[arg(long, conflicts_with_all = ["dry_run", "older_than", "deep"])]
    stop: bool,
}

/// Between looks at a run.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn run(context: &Context, args: &GcArgs) -> Result<ExitCode> {
    let client = context.client()?;
    let mut answer: Value = if args.stop {
        client.remove(&["gc"]).await?
    } else if args.status {
        client.get(&["gc"], &[]).await?
    } else {
        let body = json!({"dry_run": args.dry_run, "older_than_seconds": args.older_than, "deep": args.deep});
        client.post(&["gc"], &body).await?
    };
    let mut run = understood(&answer)?;
    let bar = out::is_watched().then(ProgressBar::new_spinner);
    while run.running && !args.status {
        if let Some(bar) = &bar {
            bar.set_message(line(&run));
            bar.tick();
        }
        tokio::time::sleep(PAUSE).await;
        answer = client.get(&["gc"], &[]).await?;
        run = understood(&answer)?;
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if context.out.json {
        context.out.data(&answer)?
    } else {
        context.out.text(&line(&run))?
    }
    if let Some(error) = run.error {
        bail!("collection stopped: {error}\nwhat was removed until then stays removed; run it again");
    }
    Ok(ExitCode::SUCCESS)
}

fn understood(answer: &Value) -> Result<Collected> {
    serde_json::from_value(answer.clone()).context("the server's answer is not understood")
}

fn line(run: &Collected) -> String {
    if run.started_at.is_none() {
        return "nothing was collected since the server started".to_owned();
    }
    let verb = if run.dry_run { "would be removed" } else { "removed" };
    let ended = match run.ended {
        0 => String::new(),
        n => format!("; {} ended", count(n, "unfinished upload", "unfinished uploads")),
    };
    format!(
        "{}{} looked at, {} {verb} ({}){ended}",
        if run.running { "running: " } else { "" },
        count(run.examined, "blob", "blobs"),
        thousands(run.removed),
        bytes(run.bytes),
    )
}
