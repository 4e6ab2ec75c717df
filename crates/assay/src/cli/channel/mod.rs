//! `assay channel`.

mod settings;

use super::{
    Context,
    look::{Sheet, Text, Tone, harmless, moment},
};
use anyhow::Result;
use assay_model::{channel::Channel, notification::DeliveryStatus};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};
use settings::{AddArgs, EditArgs};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// List channels
    List,
    /// Add a channel; it is told what happens from now on
    Add(Box<AddArgs>),
    /// Change what is named of a channel; a secret or a user name takes the place of those there were
    Edit(Box<EditArgs>),
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
    /// Go on where a paused channel stopped; what was given up since it began to fail goes again
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
        #[arg(required_unless_present = "failed")]
        id: Option<String>,
        /// All that were given up and are still kept
        #[arg(long, conflicts_with = "id")]
        failed: bool,
    },
}

pub(super) async fn run(context: &Context, command: ChannelCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        ChannelCommand::List => list(context).await?,
        ChannelCommand::Add(args) => {
            let made = client.post(&["channels"], &args.draft()?).await?;
            told(context, &made, &format!("channel {0} added; `assay channel test {0}` tries it", args.name))?;
        }
        ChannelCommand::Edit(args) => {
            let known: Value = client.get(&["channels", &args.name], &[]).await?;
            let answer = client.patch(&["channels", &args.name], &args.changes(&known)?).await?;
            told(context, &answer, &format!("channel {0} changed; `assay channel test {0}` tries it", args.name))?;
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
        ChannelCommand::Redeliver { name, id: Some(id), .. } => {
            let answer = client.post(&["channels", &name, "deliveries", &id, "redeliver"], &json!({})).await?;
            told(context, &answer, &format!("{id} goes again"))?;
        }
        ChannelCommand::Redeliver { name, id: None, .. } => {
            let answer = client.post(&["channels", &name, "redeliver"], &json!({})).await?;
            told(context, &answer, &format!("{} go again", answer.get("deliveries").unwrap_or(&json!(0))))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<()> {
    if context.out.json { context.out.data(answer) } else { context.out.text(text) }
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
