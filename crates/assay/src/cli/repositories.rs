//! `assay repositories`.

use super::{
    Context,
    look::{Sheet, Text, Tone, moment},
};
use anyhow::{Result, bail};
use assay_model::repository::{Repository, Settings};
use clap::{ArgAction, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum RepositoriesCommand {
    /// List repositories that the token may read
    List,
    /// Make a repository
    Create {
        /// 1 to 64 of a-z 0-9 . _ -
        name: String,
        /// Let callers without a token read
        #[arg(long)]
        anonymous_read: bool,
        #[command(flatten)]
        others: Others,
    },
    /// Change settings; those that are not named stay
    Set {
        /// Which
        name: String,
        /// Whether callers without a token may read
        #[arg(long, value_name = "true|false", action = ArgAction::Set)]
        anonymous_read: Option<bool>,
        #[command(flatten)]
        others: Others,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Others {
    /// Shown on the web page and in policies
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Seconds a pull waits for an undecided package
    #[arg(long, value_name = "N")]
    hold_seconds: Option<u32>,
    /// Whether a tag, once set, may not point elsewhere
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    immutable_tags: Option<bool>,
    /// Names that are never taken from an upstream, with `*` for any text; repeat it, or separate by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    reserved: Option<Vec<String>>,
    /// Compose it of these repositories, in order; repeat it, or separate by commas
    #[arg(long, value_name = "REPOSITORY", value_delimiter = ',')]
    members: Option<Vec<String>>,
    /// The member that takes what is published to a composed repository
    #[arg(long, value_name = "REPOSITORY")]
    push_to: Option<String>,
}

impl Others {
    fn settings(self, anonymous_read: Option<bool>) -> Map<String, Value> {
        let named = [
            ("anonymous_read", anonymous_read.map(Value::from)),
            ("description", self.description.map(Value::from)),
            ("hold_seconds", self.hold_seconds.map(Value::from)),
            ("immutable_tags", self.immutable_tags.map(Value::from)),
            ("reserved", self.reserved.map(Value::from)),
            ("members", self.members.map(Value::from)),
            ("push_to", self.push_to.map(Value::from)),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

pub(super) async fn run(context: &Context, command: RepositoriesCommand) -> Result<ExitCode> {
    match command {
        RepositoriesCommand::List => list(context).await?,
        RepositoriesCommand::Create { name, anonymous_read, others } => {
            let settings = others.settings(anonymous_read.then_some(true));
            let made = context.client()?.post(&["repositories"], &json!({"name": name, "settings": settings})).await?;
            told(context, &made, &format!("repository {name} made"))?;
        }
        RepositoriesCommand::Set { name, anonymous_read, others } => {
            let settings = others.settings(anonymous_read);
            if settings.is_empty() {
                bail!("name a setting to change, for example --anonymous-read true");
            }
            let changed = context.client()?.patch(&["repositories", &name], &Value::Object(settings)).await?;
            told(context, &changed, &format!("repository {name} changed"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(context: &Context, answer: &Value, text: &str) -> Result<()> {
    if context.out.json { context.out.data(answer) } else { context.out.text(text) }
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

async fn list(context: &Context) -> Result<()> {
    let answer: Value = context.client()?.get(&["repositories"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let Repositories { repositories } = serde_json::from_value(answer)?;
    if repositories.is_empty() {
        return context
            .out
            .text("no repository that this token may read; make one with `assay repositories create NAME`");
    }
    context.out.text(&table(&repositories).render(context.out.look))
}

pub(super) fn table(repositories: &[Repository]) -> Sheet {
    let mut sheet = Sheet::new(&["REPOSITORY", "ANONYMOUS READ", ">HOLD", "TAGS", "CREATED", "DESCRIPTION"]);
    for Repository { name, settings, created_at, .. } in repositories {
        let Settings { description, anonymous_read, hold_seconds, immutable_tags, .. } = settings;
        sheet.row([
            Text::from(name),
            if *anonymous_read { Text::new("yes", Tone::Warning) } else { "no".into() },
            format!("{hold_seconds} s").into(),
            if *immutable_tags { "immutable" } else { "mutable" }.into(),
            moment(*created_at).into(),
            Text::from(description),
        ]);
    }
    sheet
}
