//! `assay package hold`, `release`, `hide`, `clear`, `tag`, `license`, `approve`, `refuse` and the lists of these: what
//! people say of single packages.

use super::{
    Context,
    client::Client,
    look::{Sheet, Text, harmless, moment},
    packages,
    until::until,
};
use anyhow::Result;
use clap::Subcommand;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Word {
    /// repository/format/name@version, repository/format/name:tag, format/name@version, or the number
    package: String,
    /// Why; shown to everyone who may read the package
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Ends by itself: 12h, 7d, 2030-12-31
    #[arg(long, value_name = "WHEN", value_parser = until)]
    expires: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Edit {
    /// Add tags
    Add,
    /// Remove tags
    Remove,
}

#[derive(Debug, Subcommand)]
pub(super) enum PersonalCommand {
    /// Quarantine a package by hand, whatever policies say
    Hold(Word),
    /// Let a package through by hand, whatever policies say
    Release(Word),
    /// Hide a package by hand, whatever policies say
    Hide(Word),
    /// End what was set by hand; the decision holds again
    Clear {
        /// repository/format/name@version, or the number
        package: String,
    },
    /// List packages whose state was set by hand
    Overrides {
        /// In this repository
        #[arg(long, short, value_name = "NAME")]
        repository: Option<String>,
    },
    /// Add or remove tags of a package
    Tag {
        /// repository/format/name@version, or the number
        package: String,
        /// What to do with them
        #[arg(value_enum)]
        edit: Edit,
        /// Which
        #[arg(required = true)]
        tags: Vec<String>,
    },
    /// Correct the licence of a package, for policies and searches
    License {
        /// repository/format/name@version, or the number
        package: String,
        /// SPDX expression, such as `Apache-2.0 OR MIT`
        #[arg(required_unless_present = "take_back", conflicts_with = "take_back")]
        license: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT", required_unless_present = "take_back")]
        reason: Option<String>,
        /// Take the correction back; what was declared counts again
        #[arg(long)]
        take_back: bool,
    },
    /// Approve a package that a policy holds until somebody does
    Approve {
        #[command(flatten)]
        word: Word,
        /// Only for this policy
        #[arg(long, value_name = "SLUG")]
        policy: Option<String>,
    },
    /// Refuse to approve a package; it stays held
    Refuse {
        /// repository/format/name@version, or the number
        package: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only for this policy
        #[arg(long, value_name = "SLUG")]
        policy: Option<String>,
    },
    /// List requests for approval
    Approvals {
        /// In this repository
        #[arg(long, short, value_name = "NAME")]
        repository: Option<String>,
        /// Only requested, approved, refused, withdrawn or expired ones
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
    },
}

pub(super) async fn run(context: &Context, command: PersonalCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        PersonalCommand::Hold(word) => force(context, &client, word, "quarantined").await?,
        PersonalCommand::Release(word) => force(context, &client, word, "available").await?,
        PersonalCommand::Hide(word) => force(context, &client, word, "hidden").await?,
        PersonalCommand::Clear { package } => {
            let id = client.find(&package).await?.to_string();
            let answer = client.remove(&["packages", &id, "override"]).await?;
            let state = answer.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
            told(context, &answer, &format!("{package} is decided by policies again: {state}"))?;
        }
        PersonalCommand::Overrides { repository } => overrides(context, &client, repository).await?,
        PersonalCommand::Tag { package, edit, tags } => {
            let id = client.find(&package).await?.to_string();
            let name = if matches!(edit, Edit::Add) { "add" } else { "remove" };
            let answer = client.post(&["packages", &id, "tags"], &json!({name: tags})).await?;
            let left: BTreeSet<String> = serde_json::from_value(answer.get("tags").cloned().unwrap_or_default())?;
            let left: Vec<String> = left.iter().map(|tag| harmless(tag)).collect();
            let text = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            told(context, &answer, &format!("tags of {package}: {text}"))?;
        }
        PersonalCommand::License { package, license, reason, take_back } => {
            let id = client.find(&package).await?.to_string();
            let path = ["packages", id.as_str(), "license"];
            if take_back {
                let answer = client.remove(&path).await?;
                told(context, &answer, &format!("the declared licence of {package} counts again"))?;
            } else {
                let answer = client.post(&path, &json!({"license": license, "reason": reason})).await?;
                let read = answer.get("expression").and_then(Value::as_str).unwrap_or_default().to_owned();
                told(context, &answer, &format!("the licence of {package} is {read} from now on"))?;
            }
        }
        PersonalCommand::Approve { word, policy } => {
            let mut body = json!({"approve": true, "reason": word.reason, "policy": policy});
            if let (Some(end), Some(fields)) = (word.expires, body.as_object_mut()) {
                fields.insert("expires_at".to_owned(), json!(end));
            }
            answer(context, &client, &word.package, &body, "approved").await?;
        }
        PersonalCommand::Refuse { package, reason, policy } => {
            let body = json!({"approve": false, "reason": reason, "policy": policy});
            answer(context, &client, &package, &body, "refused; it stays held").await?;
        }
        PersonalCommand::Approvals { repository, status } => approvals(context, &client, repository, status).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<()> {
    if context.out.json { context.out.data(answer) } else { context.out.text(text) }
}

async fn force(context: &Context, client: &Client, word: Word, state: &str) -> Result<()> {
    let id = client.find(&word.package).await?.to_string();
    let body = json!({"state": state, "reason": word.reason, "expires_at": word.expires});
    let answer = client.post(&["packages", &id, "override"], &body).await?;
    let until = word
        .expires
        .map_or_else(|| "until `assay package clear` ends it".to_owned(), |end| format!("until {} UTC", moment(end)));
    told(context, &answer, &format!("{} is {state}, {until}", word.package))
}

async fn answer(context: &Context, client: &Client, package: &str, body: &Value, what: &str) -> Result<()> {
    let id = client.find(package).await?.to_string();
    let answer = client.post(&["packages", &id, "approval"], body).await?;
    let policies: Vec<&str> = answer
        .get("approvals")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("policy").and_then(Value::as_str))
        .collect();
    told(context, &answer, &format!("{package} {what} (asked by {})", policies.join(", ")))
}

/// A package whose state was set by hand.
#[derive(Deserialize)]
struct Held {
    id: i64,
    display: String,
    repository_name: String,
    held: assay_model::package::Override,
}

async fn overrides(context: &Context, client: &Client, repository: Option<String>) -> Result<()> {
    let query: Vec<(&str, String)> = repository.into_iter().map(|name| ("repository", name)).collect();
    let answer: Value = client.get(&["overrides"], &query).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows: Vec<Held> = serde_json::from_value(answer.get("packages").cloned().unwrap_or_default())?;
    if rows.is_empty() {
        return context.out.text("no state was set by hand");
    }
    let mut sheet = Sheet::new(&[">ID", "REPOSITORY", "PACKAGE", "STATE", "BY", "UNTIL", "REASON"]);
    for row in rows {
        sheet.row([
            row.id.to_string().into(),
            Text::from(&row.repository_name),
            Text::from(&row.display),
            Text::new(row.held.state.as_str(), packages::tone(row.held.state)),
            Text::from(&row.held.author),
            row.held.expires_at.map_or_else(|| "-".to_owned(), moment).into(),
            Text::from(&row.held.reason),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

#[derive(Deserialize)]
struct Request {
    package: i64,
    subject: String,
    policy: String,
    status: String,
    requested_at: Timestamp,
    #[serde(default)]
    author: String,
    #[serde(default)]
    reason: String,
    expires_at: Option<Timestamp>,
}

async fn approvals(
    context: &Context,
    client: &Client,
    repository: Option<String>,
    status: Option<String>,
) -> Result<()> {
    let asked = [("repository", repository), ("status", status)];
    let query: Vec<(&str, String)> = asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let answer: Value = client.get(&["approvals"], &query).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows: Vec<Request> = serde_json::from_value(answer.get("approvals").cloned().unwrap_or_default())?;
    if rows.is_empty() {
        return context.out.text("no policy asked for an approval");
    }
    let mut sheet = Sheet::new(&[">ID", "PACKAGE", "POLICY", "STATUS", "ASKED", "BY", "UNTIL", "REASON"]);
    for row in rows {
        sheet.row([
            row.package.to_string().into(),
            Text::from(&row.subject),
            Text::from(&row.policy),
            Text::from(&row.status),
            moment(row.requested_at).into(),
            if row.author.is_empty() { "-".into() } else { Text::from(&row.author) },
            row.expires_at.map_or_else(|| "-".to_owned(), moment).into(),
            Text::from(&row.reason),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}
