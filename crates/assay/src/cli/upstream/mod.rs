//! `assay upstream`.

mod detect;
pub(super) mod flags;
mod machine;

use super::{
    Context,
    look::{Sheet, Text, Tone, moment},
    out::note,
};
use anyhow::{Result, bail};
use assay_engine::{Condition, UpstreamHealth};
use assay_model::upstream::{Mode, UpstreamSettings};
use clap::Subcommand;
use flags::{Rules, SecretFlags};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum UpstreamCommand {
    /// List the upstreams of a repository in the order in which they are asked
    List {
        /// Of which
        repository: String,
    },
    /// Add an upstream
    Add {
        /// To which
        repository: String,
        /// 1 to 64 of a-z 0-9 . _ -
        name: String,
        /// Format that it speaks
        #[arg(long)]
        format: String,
        /// Its address, as clients are given it
        #[arg(long, value_name = "URL")]
        address: String,
        #[command(flatten)]
        rules: Box<Rules>,
        #[command(flatten)]
        secrets: SecretFlags,
    },
    /// Change an upstream; what is not named stays
    Update {
        /// Of which repository
        repository: String,
        /// Which
        name: String,
        /// Its address, as clients are given it
        #[arg(long, value_name = "URL")]
        address: Option<String>,
        #[command(flatten)]
        rules: Box<Rules>,
        #[command(flatten)]
        secrets: SecretFlags,
        /// Take its credentials away
        #[arg(long, conflicts_with_all = ["username", "bearer_stdin", "secrets_stdin"])]
        no_secrets: bool,
    },
    /// Remove an upstream; what was taken from it stays
    Remove {
        /// Of which repository
        repository: String,
        /// Which
        name: String,
    },
    /// Ask an upstream once, and say what it answers; exit code 1 when it does not
    Check {
        /// Of which repository
        repository: String,
        /// Which; all of the repository if none is named
        name: Option<String>,
    },
    /// Let other bytes come under a path whose digest was seen first and pinned
    Unpin {
        /// Of which repository
        repository: String,
        /// Which
        name: String,
        /// Name of the package
        package: String,
        /// Path of the file
        path: String,
    },
    /// Propose the registries that the clients on this machine take from
    Detect(detect::DetectArgs),
}

pub(super) async fn run(context: &Context, command: UpstreamCommand) -> Result<ExitCode> {
    match command {
        UpstreamCommand::List { repository } => list(context, &repository).await?,
        UpstreamCommand::Add { repository, name, format, address, rules, secrets } => {
            let priority = rules.priority;
            let mut settings = rules.settings()?;
            settings.insert("url".to_owned(), json!(address));
            let mut draft = json!({"name": name, "format": format, "settings": settings});
            set(&mut draft, "priority", priority.map(Value::from));
            set(&mut draft, "secrets", secrets.read()?);
            let made = context.client()?.post(&["repositories", &repository, "upstreams"], &draft).await?;
            told(context, &made, &format!("upstream {name} added to {repository}; `assay upstream check` asks it"))?;
        }
        UpstreamCommand::Update { repository, name, address, rules, secrets, no_secrets } => {
            let priority = rules.priority;
            let mut settings = Value::Object(rules.settings()?);
            set(&mut settings, "url", address.map(Value::from));
            let secrets = if no_secrets { Some(Value::Null) } else { secrets.read()? };
            let mut change = json!({"settings": settings});
            set(&mut change, "priority", priority.map(Value::from));
            set(&mut change, "secrets", secrets);
            if change == json!({"settings": {}}) {
                bail!("name something to change, for example --mode hold");
            }
            let changed = context.client()?.patch(&path(&repository, &name), &change).await?;
            told(context, &changed, &format!("upstream {name} of {repository} changed"))?;
        }
        UpstreamCommand::Remove { repository, name } => {
            context.client()?.delete(&path(&repository, &name)).await?;
            told(context, &json!({"removed": name}), &format!("upstream {name} of {repository} removed"))?;
        }
        UpstreamCommand::Check { repository, name } => return check(context, &repository, name).await,
        UpstreamCommand::Unpin { repository, name, package, path } => {
            let address = ["repositories", &repository, "upstreams", &name, "unpin"];
            context.client()?.post(&address, &json!({"name": package, "path": path})).await?;
            told(context, &json!({"unpinned": path}), &format!("other bytes may come for {path} of {package}"))?;
        }
        UpstreamCommand::Detect(args) => return detect::run(context, args).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn path<'a>(repository: &'a str, name: &'a str) -> [&'a str; 4] {
    ["repositories", repository, "upstreams", name]
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (object.as_object_mut(), value) {
        map.insert(name.to_owned(), value);
    }
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<()> {
    if context.out.json { context.out.data(answer) } else { context.out.text(text) }
}

/// An upstream as the server shows it.
#[derive(Deserialize)]
struct Row {
    name: String,
    format: String,
    priority: i32,
    settings: UpstreamSettings,
    has_secrets: bool,
    #[serde(default)]
    health: UpstreamHealth,
}

#[derive(Deserialize)]
struct Rows {
    upstreams: Vec<Row>,
}

async fn rows(context: &Context, repository: &str) -> Result<(Value, Vec<Row>)> {
    let answer: Value = context.client()?.get(&["repositories", repository, "upstreams"], &[]).await?;
    let Rows { upstreams } = serde_json::from_value(answer.clone())?;
    Ok((answer, upstreams))
}

async fn list(context: &Context, repository: &str) -> Result<()> {
    let (answer, upstreams) = rows(context, repository).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    if upstreams.is_empty() {
        return context.out.text(&format!(
            "{repository} takes from nowhere; `assay upstream detect --add {repository}` adds what clients here use"
        ));
    }
    context.out.text(&table(&upstreams, Timestamp::now()).render(context.out.look))
}

fn table(upstreams: &[Row], now: Timestamp) -> Sheet {
    let headings = ["FORMAT", "UPSTREAM", ">PRIORITY", "MODE", "TRUST", "LOGIN", "ADDRESS", "RULES", "HEALTH"];
    let mut sheet = Sheet::new(&headings);
    for row in upstreams {
        let mode = match (row.settings.enabled, row.settings.mode) {
            (false, _) => Text::new("off", Tone::Faint),
            (_, Mode::Hold) => "hold".into(),
            (_, Mode::Open) => Text::new("open", Tone::Warning),
            (_, Mode::CachedOnly) => "cached-only".into(),
        };
        sheet.row([
            Text::from(&row.format),
            Text::from(&row.name),
            row.priority.to_string().into(),
            mode,
            Text::from(&row.settings.trust),
            if row.has_secrets { "yes" } else { "no" }.into(),
            Text::from(&row.settings.url),
            rules(&row.settings).into(),
            health(&row.health, now),
        ]);
    }
    sheet
}

/// How it fares; what went wrong last, while it does.
fn health(health: &UpstreamHealth, now: Timestamp) -> Text {
    let condition = health.condition(now);
    let why = health.error.as_deref().unwrap_or("no answer");
    match (condition, health.paused_until) {
        (Condition::Unknown, _) => Text::new(condition.as_str(), Tone::Faint),
        (Condition::Answers, _) => Text::new(condition.as_str(), Tone::Good),
        (Condition::Paused, Some(until)) => Text::new(format!("paused until {}: {why}", moment(until)), Tone::Bad),
        _ => Text::new(format!("failing: {why}"), Tone::Warning),
    }
}

/// What differs from an upstream that is asked for everything.
fn rules(settings: &UpstreamSettings) -> String {
    let mut all = Vec::new();
    if !settings.include.is_empty() {
        all.push(format!("only {}", settings.include.join(" ")));
    }
    if !settings.exclude.is_empty() {
        all.push(format!("not {}", settings.exclude.join(" ")));
    }
    if settings.cooldown_days > 0 {
        all.push(format!("{} days old", settings.cooldown_days));
    }
    if settings.shadow_local {
        all.push("shadows local names".to_owned());
    }
    if settings.allow_private {
        all.push("may be private".to_owned());
    }
    all.join(", ")
}

#[derive(Deserialize)]
struct Checked {
    ok: bool,
    status: Option<u16>,
    message: String,
    milliseconds: u64,
}

async fn check(context: &Context, repository: &str, name: Option<String>) -> Result<ExitCode> {
    let names = match name {
        Some(name) => vec![name],
        None => rows(context, repository).await?.1.into_iter().map(|row| row.name).collect(),
    };
    let client = context.client()?;
    let mut sheet = Sheet::new(&["UPSTREAM", ">STATUS", ">MS", "ANSWER"]);
    let (mut answers, mut all_well) = (Map::new(), true);
    for name in names {
        let address = ["repositories", repository, "upstreams", &name, "check"];
        let answer = client.post(&address, &json!({})).await?;
        let said: Checked = serde_json::from_value(answer.clone())?;
        all_well &= said.ok;
        sheet.row([
            Text::from(&name),
            said.status.map_or_else(|| "-".to_owned(), |status| status.to_string()).into(),
            said.milliseconds.to_string().into(),
            Text::new(said.message, if said.ok { Tone::Good } else { Tone::Bad }),
        ]);
        answers.insert(name, answer);
    }
    if context.out.json {
        context.out.data(&answers)?;
    } else if answers.is_empty() {
        note(&format!("{repository} has no upstream"));
    } else {
        context.out.text(&sheet.render(context.out.look))?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
