//! `assay delete` and `assay trash`: packages that were deleted and can come back.

use super::{
    Context,
    look::{Sheet, Text, bytes, moment, short},
};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// repository/format/name@version, repository/format/name:tag, format/name@version, or the number
    package: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum TrashCommand {
    /// List what was deleted and can be restored
    List {
        /// Of this repository
        #[arg(long, short, value_name = "NAME")]
        repository: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Bring a package back; it is decided anew before it is served
    Restore {
        /// repository/format/name@version, or the number
        package: String,
    },
    /// Delete a package of the trash for good; its name can be published again then
    Purge {
        /// repository/format/name@version, or the number
        package: String,
    },
    /// Delete all of a repository's trash for good
    Empty {
        /// Which repository
        repository: String,
    },
}

#[derive(Deserialize)]
pub(super) struct Row {
    id: i64,
    repository_name: String,
    format: String,
    display: String,
    deleted_at: Timestamp,
    deleted_by: String,
    cause: String,
    purge_at: Timestamp,
    bytes: u64,
}

pub(super) async fn delete(context: &Context, args: &DeleteArgs) -> Result<ExitCode> {
    let client = context.client()?;
    let id = client.find(&args.package).await?;
    let answer = client.remove(&["packages", &id.to_string()]).await?;
    let until = answer.get("restorable_until").and_then(Value::as_str).and_then(|text| text.parse().ok());
    told(
        context,
        &answer,
        &match until {
            Some(until) => format!("deleted; `assay trash restore {id}` brings it back until {}", moment(until)),
            None => "deleted for good; the repository keeps no trash".to_owned(),
        },
    )
}

pub(super) async fn run(context: &Context, command: TrashCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        TrashCommand::List { repository, limit } => list(context, repository, limit).await,
        TrashCommand::Restore { package } => {
            let answer = client.post(&["trash", "restore"], &json!({"package": package})).await?;
            let left: Vec<String> = serde_json::from_value(answer.get("left").cloned().unwrap_or_default())?;
            let mut text = format!("{package} restored; it is served again once it is decided");
            if !left.is_empty() {
                text.push_str(&format!("\nthese point elsewhere by now, and were left: {}", left.join(", ")));
            }
            told(context, &answer, &text)
        }
        TrashCommand::Purge { package } => {
            let answer = client.post(&["trash", "purge"], &json!({"package": package})).await?;
            told(context, &answer, &format!("{package} is gone for good"))
        }
        TrashCommand::Empty { repository } => {
            let answer = client.post(&["trash", "purge"], &json!({"repository": repository})).await?;
            let purged = answer.get("purged").and_then(Value::as_u64).unwrap_or_default();
            told(context, &answer, &format!("{purged} packages are gone for good"))
        }
    }
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<ExitCode> {
    if context.out.json {
        context.out.data(answer)?
    } else {
        context.out.text(text)?
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context, repository: Option<String>, limit: usize) -> Result<ExitCode> {
    let mut query = vec![("limit", limit.to_string())];
    query.extend(repository.map(|name| ("repository", name)));
    let mut answer: Value = context.client()?.get(&["trash"], &query).await?;
    if context.out.json {
        context.out.data(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = answer.get_mut("trash").map(Value::take).unwrap_or_default();
    let rows: Vec<Row> = serde_json::from_value(rows).context("the server's answer is not understood")?;
    if rows.is_empty() {
        context.out.text("nothing is in the trash")?;
    } else {
        context.out.text(&table(&rows).render(context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Row]) -> Sheet {
    let mut sheet = Sheet::new(&[">ID", "REPOSITORY", "FORMAT", ">SIZE", "DELETED", "BY", "CAUSE", "UNTIL", "PACKAGE"]);
    for row in rows {
        sheet.row([
            row.id.to_string().into(),
            Text::from(&row.repository_name),
            Text::from(&row.format),
            bytes(row.bytes).into(),
            moment(row.deleted_at).into(),
            Text::from(&row.deleted_by),
            Text::from(&row.cause),
            moment(row.purge_at).into(),
            short(&row.display).into(),
        ]);
    }
    sheet
}
