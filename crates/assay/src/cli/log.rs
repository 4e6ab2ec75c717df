//! `assay log`: the event log of a server, and the proof that nothing in it was altered.

use super::{
    Context,
    client::Client,
    look::{Sheet, Text, Tone, count, harmless, moment, short},
};
use anyhow::Result;
use assay_engine::LogCheck;
use assay_model::event::{Event, Seq};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;
use std::{process::ExitCode, time::Duration};

/// Between two looks of `--follow`, in milliseconds.
const PAUSE: u64 = 500;
const PAGE: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct LogArgs {
    #[command(subcommand)]
    command: Option<LogCommand>,
    /// Go on printing what happens
    #[arg(long, short = 'F')]
    follow: bool,
    /// Only about this subject: repository/format/name@version, a policy's short name, a source
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// The newest N events
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(..=1000))]
    limit: u32,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Check every entry's hash against the one before it
    Verify,
}

#[derive(Deserialize)]
struct Events {
    events: Vec<Event>,
}

pub(super) async fn run(context: &Context, args: &LogArgs) -> Result<ExitCode> {
    let client = context.client()?;
    if let Some(LogCommand::Verify) = args.command {
        return verify(context, &client).await;
    }
    let mut query = vec![("order", "newest".to_owned()), ("limit", args.limit.max(1).to_string())];
    query.extend(args.subject.iter().map(|subject| ("subject", subject.clone())));
    let Events { mut events } = client.get(&["events"], &query).await?;
    events.reverse();
    let mut after = events.last().map_or(0, |event| event.seq);
    if args.limit == 0 {
        events.clear();
    }
    print(context, &events, true)?;
    if !args.follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(PAUSE)).await;
        after = follow(context, &client, args.subject.as_deref(), after).await?;
    }
}

/// Prints what happened since `after`; gives where to go on.
async fn follow(context: &Context, client: &Client, subject: Option<&str>, mut after: Seq) -> Result<Seq> {
    loop {
        let mut query = vec![("after", after.to_string()), ("limit", PAGE.to_string())];
        query.extend(subject.map(|subject| ("subject", subject.to_owned())));
        let Events { events } = client.get(&["events"], &query).await?;
        print(context, &events, false)?;
        after = events.last().map_or(after, |event| event.seq);
        if events.len() < PAGE {
            return Ok(after);
        }
    }
}

/// A table at first; then, as data always, one line per event.
fn print(context: &Context, events: &[Event], first: bool) -> Result<()> {
    if context.out.json {
        return events.iter().try_for_each(|event| context.out.line_of_data(event));
    }
    if events.is_empty() {
        return Ok(());
    }
    let table = table(events).render(context.out.look);
    context.out.text(if first { &table } else { table.split_once('\n').map_or("", |(_, rows)| rows) })
}

pub(super) fn table(events: &[Event]) -> Sheet {
    let mut sheet = Sheet::new(&[">SEQ", "AT", "EVENT", "BY", "ABOUT", "DETAILS"]);
    for event in events {
        sheet.row([
            event.seq.to_string().into(),
            Text::new(moment(event.at), Tone::Faint),
            Text::new(&event.kind, tone(&event.kind)),
            Text::from(&event.actor),
            Text::from(short(&event.subject)),
            details(&event.body).into(),
        ]);
    }
    sheet
}

fn tone(kind: &str) -> Tone {
    match kind {
        "decision.quarantined" => Tone::Bad,
        "decision.released" => Tone::Good,
        _ => Tone::Plain,
    }
}

/// The members of a body on one line; empty ones are left out.
fn details(body: &Value) -> String {
    let Value::Object(members) = body else { return harmless(&plain(body)) };
    let said = members.iter().map(|(name, value)| (name, plain(value))).filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains(' ') => format!("{text:?}"),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(members) if members.is_empty() => String::new(),
        Value::Object(members) => {
            let said: Vec<String> = members.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("{{{}}}", said.join(","))
        }
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
struct Check {
    entries: i64,
    head: String,
    broken: Option<(Seq, String)>,
}

async fn verify(context: &Context, client: &Client) -> Result<ExitCode> {
    let Check { entries, head, broken } = client.get(&["events", "verify"], &[]).await?;
    let check = LogCheck { entries, head, broken };
    if context.out.json {
        context.out.data(&check)?;
    } else {
        context.out.text(&verdict(&check))?;
    }
    Ok(if check.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(super) fn verdict(check: &LogCheck) -> String {
    let entries = count(u64::try_from(check.entries).unwrap_or(0), "entry", "entries");
    match &check.broken {
        None => format!(
            "the log is whole: {entries}, head {}\nkeep the head elsewhere, and a later check proves that nothing before it was altered",
            check.head
        ),
        Some((seq, why)) => {
            format!("the log is BROKEN at entry {seq}: {}\n{entries} before it are whole", harmless(why))
        }
    }
}
