//! `assay channel`.

use super::{
    Context,
    look::{Sheet, Text, Tone, harmless, moment},
};
use anyhow::{Context as _, Result, bail};
use assay_model::{channel::Channel, notification::DeliveryStatus};
use clap::{Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{io::Read as _, process::ExitCode};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Sort {
    /// An HTTP endpoint that gets JSON
    Webhook,
    /// Mail over SMTP
    Email,
    /// An incoming webhook of Slack
    Slack,
    /// A webhook of Teams that takes adaptive cards
    Teams,
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// 1 to 64 of a-z 0-9 . _ -
    name: String,
    /// How it reaches
    #[arg(long, value_enum)]
    kind: Sort,
    /// https://..., or for mail smtps://host:465, smtp://host:587, smtp+plain://host:25
    #[arg(long, value_name = "URL")]
    address: String,
    /// Body of a webhook: cloudevents or json
    #[arg(long, value_name = "FORM")]
    body: Option<String>,
    /// Sender of mails
    #[arg(long, value_name = "MAIL")]
    from: Option<String>,
    /// Recipient of mails; may be repeated
    #[arg(long, value_name = "MAIL")]
    to: Vec<String>,
    /// Kind of event, with *; may be repeated. Else the usual ones
    #[arg(long, value_name = "KIND")]
    event: Vec<String>,
    /// Only of this repository, with *; may be repeated
    #[arg(long, value_name = "NAME")]
    repository: Vec<String>,
    /// Only of this format; may be repeated
    #[arg(long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Only from this severity on: low, medium, high, critical
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// Only packages that fit this search
    #[arg(long, value_name = "SEARCH")]
    query: Option<String>,
    /// How often: immediate, hourly or daily
    #[arg(long, value_name = "PACE")]
    pace: Option<String>,
    /// Hour of the day (UTC) of a daily message
    #[arg(long, value_name = "HOUR")]
    hour: Option<i8>,
    /// One message per event rather than one per cause
    #[arg(long)]
    each: bool,
    /// The address may lie in a private network
    #[arg(long)]
    allow_private: bool,
    /// User name for the mail server; the password comes from standard input with --secret-stdin
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Read the signing secret, or the password, from standard input
    #[arg(long)]
    secret_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// List channels
    List,
    /// Add a channel; it is told what happens from now on
    Add(Box<AddArgs>),
    /// Show a channel
    Show {
        /// Which
        name: String,
    },
    /// Send a test message at once; exit code 1 when it is not taken
    Test {
        /// Which
        name: String,
    },
    /// Tell a channel nothing for now; nothing is lost
    Pause {
        /// Which
        name: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Go on where a paused channel stopped
    Resume {
        /// Which
        name: String,
    },
    /// Remove a channel
    Remove {
        /// Which
        name: String,
    },
    /// List what was sent to a channel, and how that went
    Deliveries {
        /// Which
        name: String,
        /// Only gathering, waiting, sending, sent or failed ones
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// At most this many, newest first
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Send a delivery again, in the same words and under the same id
    Redeliver {
        /// Of which channel
        name: String,
        /// Its id, as in the list
        id: String,
    },
}

pub(super) async fn run(context: &Context, command: ChannelCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        ChannelCommand::List => list(context).await?,
        ChannelCommand::Add(args) => {
            let made = client.post(&["channels"], &draft(&args)?).await?;
            told(context, &made, &format!("channel {0} added; `assay channel test {0}` tries it", args.name))?;
        }
        ChannelCommand::Show { name } => {
            let answer: Value = client.get(&["channels", &name], &[]).await?;
            let text = serde_json::to_string_pretty(&answer)?;
            told(context, &answer, &text)?;
        }
        ChannelCommand::Test { name } => {
            let answer = client.post(&["channels", &name, "test"], &json!({})).await?;
            let row: Delivery = serde_json::from_value(answer.clone())?;
            told(context, &answer, &format!("{}: {}", row.status.as_str(), row.last()))?;
            return Ok(if row.status == DeliveryStatus::Sent { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        ChannelCommand::Pause { name, reason } => {
            let answer = client.post(&["channels", &name, "pause"], &json!({"reason": reason})).await?;
            told(context, &answer, &format!("channel {name} is paused; `assay channel resume {name}` goes on"))?;
        }
        ChannelCommand::Resume { name } => {
            let answer = client.post(&["channels", &name, "resume"], &json!({})).await?;
            told(context, &answer, &format!("channel {name} goes on where it stopped"))?;
        }
        ChannelCommand::Remove { name } => {
            client.delete(&["channels", &name]).await?;
            told(context, &json!({"removed": name}), &format!("channel {name} removed"))?;
        }
        ChannelCommand::Deliveries { name, status, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(status.map(|status| ("status", status)));
            let answer: Value = client.get(&["channels", &name, "deliveries"], &query).await?;
            deliveries(context, &answer)?;
        }
        ChannelCommand::Redeliver { name, id } => {
            let answer = client.post(&["channels", &name, "deliveries", &id, "redeliver"], &json!({})).await?;
            told(context, &answer, &format!("{id} goes again"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<()> {
    if context.out.json { context.out.data(answer) } else { context.out.text(text) }
}

fn draft(args: &AddArgs) -> Result<Value> {
    let mut secrets = Map::new();
    if args.secret_stdin {
        let mut secret = String::new();
        std::io::stdin().take(64 << 10).read_to_string(&mut secret).context("cannot read the secret")?;
        let secret = secret.trim().to_owned();
        if secret.is_empty() {
            bail!("standard input has no secret");
        }
        let name = if matches!(args.kind, Sort::Email) { "password" } else { "token" };
        secrets.insert(name.to_owned(), json!(secret));
    }
    secrets.extend(args.username.clone().map(|name| ("username".to_owned(), json!(name))));
    let severity = args.severity.as_ref().map(|word| word.to_uppercase());
    let mut settings = json!({
        "address": args.address, "to": args.to, "each": args.each, "allow_private": args.allow_private,
        "filter": {"events": args.event, "repositories": args.repository, "formats": args.format,
            "severity": severity, "query": args.query.clone().unwrap_or_default()},
    });
    let more = [("body", &args.body), ("from", &args.from), ("pace", &args.pace)];
    if let Some(fields) = settings.as_object_mut() {
        fields.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
        fields.extend(args.hour.map(|hour| ("hour".to_owned(), json!(hour))));
    }
    let kind = match args.kind {
        Sort::Webhook => "webhook",
        Sort::Email => "email",
        Sort::Slack => "slack",
        Sort::Teams => "teams",
    };
    Ok(json!({"name": args.name, "kind": kind, "settings": settings, "secrets": secrets}))
}

async fn list(context: &Context) -> Result<()> {
    let answer: Value = context.client()?.get(&["channels"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows: Vec<Channel> = serde_json::from_value(answer.get("channels").cloned().unwrap_or_default())?;
    if rows.is_empty() {
        return context.out.text("nobody is told anything; `assay channel add` changes that");
    }
    let mut sheet = Sheet::new(&["CHANNEL", "KIND", "STATE", "EVENTS", "ADDRESS"]);
    for row in rows {
        let state = match (&row.paused, row.failing_since) {
            (Some(pause), _) => Text::new(format!("paused by {}: {}", pause.by, pause.reason), Tone::Warning),
            (None, Some(since)) => Text::new(format!("failing since {}", moment(since)), Tone::Bad),
            (None, None) => Text::new("well", Tone::Good),
        };
        let events = row.settings.filter.events;
        sheet.row([
            Text::from(&row.name),
            row.kind.as_str().into(),
            state,
            if events.is_empty() { "usual".into() } else { events.join(" ").into() },
            Text::from(&row.settings.address),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

/// A delivery as the server shows it.
#[derive(Deserialize)]
struct Delivery {
    #[serde(flatten)]
    delivery: assay_model::notification::Delivery,
}

impl std::ops::Deref for Delivery {
    type Target = assay_model::notification::Delivery;
    fn deref(&self) -> &Self::Target {
        &self.delivery
    }
}

impl Delivery {
    fn last(&self) -> String {
        self.tries.last().map_or_else(
            || "not tried yet".to_owned(),
            |attempt| {
                let code = attempt.code.map(|code| format!("{code} ")).unwrap_or_default();
                format!("{code}{} ({} ms)", harmless(&attempt.note), attempt.milliseconds)
            },
        )
    }
}

fn deliveries(context: &Context, answer: &Value) -> Result<()> {
    if context.out.json {
        return context.out.data(answer);
    }
    let rows: Vec<Delivery> = serde_json::from_value(answer.get("deliveries").cloned().unwrap_or_default())?;
    if rows.is_empty() {
        return context.out.text("nothing was sent");
    }
    let mut sheet = Sheet::new(&["DELIVERY", "CREATED", "STATUS", ">TRIES", ">EVENTS", "LAST ANSWER", "MESSAGE"]);
    for row in rows {
        let tone = match row.status {
            DeliveryStatus::Sent => Tone::Good,
            DeliveryStatus::Failed => Tone::Bad,
            _ => Tone::Warning,
        };
        sheet.row([
            Text::from(&row.id),
            moment(row.created_at).into(),
            Text::new(row.status.as_str(), tone),
            row.tries.len().to_string().into(),
            row.events.to_string().into(),
            row.last().into(),
            Text::from(row.message.as_ref().map_or("", |message| message.title.as_str())),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}
