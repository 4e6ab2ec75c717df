//! `assay retention` and `assay promote`.

use super::{
    Context,
    look::{Sheet, Text, bytes, count, moment, short},
    repositories::rules,
};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Subcommand)]
pub(super) enum RetentionCommand {
    /// Show what would be deleted now, and by which rule
    Preview {
        /// Which repository
        repository: String,
        /// File with a JSON array of rules to try, in place of those in force
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
    },
    /// Delete what the rules in force say, now; `assay trash` brings it back
    Run {
        /// Which repository
        repository: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct PromoteArgs {
    /// repository/format/name@version, repository/format/name:tag, format/name@version, or the number
    package: String,
    /// Repository that it goes to
    target: String,
    /// Move it; without, it is in both afterwards
    #[arg(long = "move")]
    moves: bool,
    /// Also what the target's policies refuse: it arrives there blocked. For administrators
    #[arg(long)]
    force: bool,
}

#[derive(Deserialize)]
struct Doomed {
    format: String,
    display: String,
    bytes: u64,
    uploaded_at: Timestamp,
    last_download: Option<Timestamp>,
    rule: String,
    why: String,
}

#[derive(Deserialize)]
struct Told {
    count: u64,
    bytes: u64,
    packages: Vec<Doomed>,
}

pub(super) async fn run(context: &Context, command: RetentionCommand) -> Result<ExitCode> {
    let client = context.client()?;
    let (answer, verb): (Value, _) = match command {
        RetentionCommand::Preview { repository, rules: None } => {
            (client.get(&["repositories", &repository, "retention"], &[]).await?, "would be deleted")
        }
        RetentionCommand::Preview { repository, rules: Some(file) } => {
            let body = json!({"rules": rules(&file)?});
            (client.post(&["repositories", &repository, "retention"], &body).await?, "would be deleted")
        }
        RetentionCommand::Run { repository } => {
            (client.post(&["repositories", &repository, "retention"], &json!({})).await?, "deleted")
        }
    };
    if context.out.json {
        context.out.data(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let told: Told = serde_json::from_value(answer).context("the server's answer is not understood")?;
    let total = format!("{} ({}) {verb}", count(told.count, "package", "packages"), bytes(told.bytes));
    if told.packages.is_empty() {
        context.out.text(&total)?;
    } else {
        context.out.text(&format!("{}\n\n{total}", table(&told.packages).render(context.out.look)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(doomed: &[Doomed]) -> Sheet {
    let mut sheet = Sheet::new(&["FORMAT", ">SIZE", "ARRIVED", "LAST DOWNLOAD", "RULE", "WHY", "PACKAGE"]);
    for one in doomed {
        sheet.row([
            Text::from(&one.format),
            bytes(one.bytes).into(),
            moment(one.uploaded_at).into(),
            one.last_download.map_or_else(|| "never".to_owned(), moment).into(),
            Text::from(&one.rule),
            Text::from(&one.why),
            short(&one.display).into(),
        ]);
    }
    sheet
}

pub(super) async fn promote(context: &Context, args: &PromoteArgs) -> Result<ExitCode> {
    let client = context.client()?;
    let id = client.find(&args.package).await?;
    let body = json!({"target": args.target, "move": args.moves, "force": args.force});
    let answer = client.post(&["packages", &id.to_string(), "promote"], &body).await?;
    if context.out.json {
        context.out.data(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = answer.get("versions").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let already = answer.get("already").and_then(Value::as_bool).unwrap_or_default();
    let verb = match (already, args.moves) {
        (true, _) => "was there already",
        (false, true) => "moved",
        (false, false) => "copied",
    };
    context.out.text(&format!(
        "{} {verb} to {}; it is {} there",
        count(versions, "package", "packages"),
        args.target,
        text("state")
    ))?;
    Ok(ExitCode::SUCCESS)
}
