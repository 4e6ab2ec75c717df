//! `assay decisions`: the log of decisions, what they were functions of, and recomputing them.

mod replay;

use super::{
    Context,
    client::Client,
    look::{Sheet, Text, Tone, harmless, moment, short},
};
use anyhow::{Result, bail};
use assay_engine::{Entries, Entry, FullEntry};
use assay_model::decision::Outcome;
use clap::Subcommand;
use jiff::SignedDuration;
use serde_json::Value;
use std::{collections::BTreeSet, process::ExitCode};

/// How long the server waits for news before it says that there are none, in seconds.
const WAIT: u64 = 10;
/// How much earlier than it was written a decision can have been made, generously.
const OVERLAP: SignedDuration = SignedDuration::from_secs(600);
/// Entries that are asked for at once.
const PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum DecisionsCommand {
    /// List what each policy said of each package, newest first
    List(Box<ListArgs>),
    /// Show one entry with its policy and what that gave, or one decision
    Show {
        /// Id of an entry or of a decision
        id: String,
    },
    /// Print the document that the policies saw
    Input {
        /// Id of a decision, or of an entry for what that policy saw
        id: String,
    },
    /// Recompute decisions; one that comes out otherwise is an error
    Replay(replay::ReplayArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only about this package: repository/format/name@version, or its number
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// Only about packages of exactly this name
    #[arg(long, value_name = "NAME")]
    package_name: Option<String>,
    /// Only this format; may be repeated
    #[arg(long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Only in this repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only this policy, by its short name
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Only policies that matched, or only those that did not
    #[arg(long, value_name = "true|false")]
    r#match: Option<bool>,
    /// Only decisions that gave this state
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only decisions whose cause has this text
    #[arg(long, value_name = "TEXT")]
    trigger: Option<String>,
    /// Only this decision
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// Only since: 2026-08-01, a full time, or 30m, 24h, 7d ago
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only before
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Oldest first
    #[arg(long)]
    oldest_first: bool,
    /// At most N entries; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print one entry per line as data, and go on printing what is decided: for log collectors
    #[arg(long, short = 'F')]
    follow: bool,
}

impl ListArgs {
    fn query(&self, package: Option<i64>) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        let texts = [
            ("package_name", &self.package_name),
            ("repository", &self.repository),
            ("policy", &self.policy),
            ("state", &self.state),
            ("trigger", &self.trigger),
            ("correlation_id", &self.correlation_id),
            ("created_after", &self.since),
            ("created_before", &self.until),
        ];
        query.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        query.extend(package.map(|id| ("package", id.to_string())));
        query.extend(self.format.iter().map(|format| ("package_format[]", format.clone())));
        query.extend(self.r#match.map(|matched| ("match", matched.to_string())));
        query
    }
}

pub(super) async fn run(context: &Context, command: DecisionsCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        DecisionsCommand::List(args) => list(context, &client, &args).await,
        DecisionsCommand::Show { id } => show(context, &client, &id).await,
        DecisionsCommand::Input { id } => {
            let input: Value = client.get(&["decisions", &id, "input"], &[]).await?;
            context.out.data(&input)?;
            Ok(ExitCode::SUCCESS)
        }
        DecisionsCommand::Replay(args) => replay::run(context, &client, &args).await,
    }
}

async fn list(context: &Context, client: &Client, args: &ListArgs) -> Result<ExitCode> {
    let package = match &args.package {
        Some(what) => Some(client.find(what).await?),
        None => None,
    };
    let query = args.query(package);
    if args.follow {
        return follow(context, client, query, args.since.is_some()).await;
    }
    let mut all: Vec<Entry> = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let left = if args.limit == 0 { PAGE } else { (args.limit - all.len()).min(PAGE) };
        let sort = if args.oldest_first { "id" } else { "-id" };
        let mut page = query.clone();
        page.extend([("sort", sort.to_owned()), ("page_size", left.to_string())]);
        page.extend(next.take().map(|next| ("page", next)));
        let answer: Entries = client.get(&["decisions"], &page).await?;
        all.extend(answer.entries);
        next = answer.next;
        if next.is_none() || (args.limit > 0 && all.len() >= args.limit) {
            break;
        }
    }
    if context.out.json {
        context.out.data(&serde_json::json!({"entries": all, "next": next}))?;
    } else if all.is_empty() {
        context.out.text("No such decisions.")?;
    } else {
        context.out.text(&table(&all).render(context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints entries as they come, from now on or from `--since`.
async fn follow(
    context: &Context,
    client: &Client,
    query: Vec<(&'static str, String)>,
    from_before: bool,
) -> Result<ExitCode> {
    if query.iter().any(|(name, _)| *name == "created_before") {
        bail!("--follow has no end; leave out --until");
    }
    let began = jiff::Timestamp::now();
    let ask = async |more: Vec<(&'static str, String)>| -> Result<Entries> {
        client.get(&["decisions"], &[query.clone(), more].concat()).await
    };
    let mut seen = ask(vec![("follow", "now".to_owned())]).await?.seen;
    // what is decided while the past is read is in both
    let mut told = BTreeSet::new();
    let mut next = from_before.then(String::new);
    while let Some(page) = next {
        let more = vec![("sort", "id".to_owned()), ("page_size", PAGE.to_string()), ("page", page)];
        let answer = ask(more).await?;
        for entry in &answer.entries {
            context.out.line_of_data(entry)?;
            if entry.started_at > began - OVERLAP {
                told.insert(entry.id.clone());
            }
        }
        next = answer.next;
    }
    loop {
        let after = seen.map_or_else(|| "now".to_owned(), |seen| seen.to_string());
        let answer = ask(vec![("follow", after), ("wait", WAIT.to_string())]).await?;
        for entry in answer.entries.iter().filter(|entry| !told.contains(&entry.id)) {
            context.out.line_of_data(entry)?;
        }
        seen = answer.seen.or(seen);
    }
}

fn said(outcome: &Outcome, waived: bool) -> Text {
    match outcome {
        Outcome::Match if waived => Text::new("waived", Tone::Warning),
        Outcome::Match => Text::new("matched", Tone::Bad),
        Outcome::NoMatch => Text::new("-", Tone::Faint),
        Outcome::Failed(_) => Text::new("failed", Tone::Worst),
    }
}

fn table(entries: &[Entry]) -> Sheet {
    let mut sheet = Sheet::new(&["TIME", "POLICY", "SAID", "STATE", "PACKAGE", "CAUSE", "ENTRY"]);
    for entry in entries {
        let at = format!("{}/{} ", entry.repository_name, entry.package_format);
        let name = format!("{at}{} {}", entry.package_name, entry.package_version);
        sheet.row([
            Text::new(moment(entry.started_at), Tone::Faint),
            Text::from(format!("{} r{}", entry.policy_slug_perm, entry.policy_version)),
            said(&entry.outcome, entry.waived_by.is_some()),
            Text::from(entry.state.as_str()),
            Text::from(short(&name)),
            Text::from(&entry.trigger),
            Text::new(&entry.id, Tone::Faint),
        ]);
    }
    sheet
}

async fn show(context: &Context, client: &Client, id: &str) -> Result<ExitCode> {
    let answer: Value = client.get(&["decisions", id], &[]).await?;
    if context.out.json || !id.contains('-') {
        context.out.data(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let full: FullEntry = serde_json::from_value(answer)?;
    context.out.text(&page(&full))?;
    Ok(ExitCode::SUCCESS)
}

fn page(full: &FullEntry) -> String {
    let entry = &full.entry;
    let mut lines = vec![
        format!("Entry     {} of decision {}", entry.id, entry.correlation_id),
        format!("Time      {}", moment(entry.started_at)),
        format!(
            "Package   {}/{}/{}@{}",
            entry.repository_name,
            entry.package_format,
            harmless(&entry.package_name),
            harmless(&entry.package_version)
        ),
        format!("Cause     {}", harmless(&entry.trigger)),
        format!(
            "Policy    {} ({} revision {}, precedence {})",
            harmless(&entry.policy_name),
            entry.policy_slug_perm,
            entry.policy_version,
            entry.policy_precedence
        ),
        format!("Matched   {}", if entry.matched { "yes" } else { "no" }),
    ];
    if let Outcome::Failed(error) = &entry.outcome {
        lines.push(format!("Failed    {}", harmless(error)));
    }
    lines.extend(entry.waived_by.as_ref().map(|waiver| format!("Waived    by {waiver}")));
    lines.extend(entry.reasons.iter().map(|reason| format!("  - {}", harmless(reason))));
    lines.extend(full.parsed_actions.iter().map(|action| format!("Action    {} {}", action.kind, action.params)));
    lines.push(format!("State     {} (of all policies together)", entry.state.as_str()));
    lines.push(match &full.policy_input {
        Some(_) => format!("Input     kept: `assay decisions input {}`", entry.id),
        None => "Input     not kept any more".to_owned(),
    });
    lines.join("\n")
}
