//! `assay repositories`.

use super::{
    Context,
    look::{Sheet, Text, Tone, moment},
};
use anyhow::{Context as _, Result, bail};
use assay_model::repository::{Repository, Settings};
use clap::{ArgAction, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

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
    /// A label that policies read, as in `stage=production`; repeat for more, they replace all; an empty one alone takes
    /// all away
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Seconds a pull waits for an undecided package
    #[arg(long, value_name = "N")]
    hold_seconds: Option<u32>,
    /// Whether a tag, once set, may not point elsewhere nor be removed
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
    /// Tags that are immutable in any case, with `*` and `?`; with `!` in front: that are not. Repeat for more; an empty
    /// one alone takes all away
    #[arg(long, value_name = "PATTERN")]
    immutable_tag: Vec<String>,
    /// Whether what is published may be neither replaced nor deleted, except by administrators
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    immutable: Option<bool>,
    /// Days that deleted packages can be restored; 0 deletes at once
    #[arg(long, value_name = "DAYS")]
    trash_days: Option<u32>,
    /// Bytes that its packages may have (`500M`, `20G`); 0 means any number
    #[arg(long, value_name = "SIZE", value_parser = size)]
    quota_bytes: Option<u64>,
    /// Packages that it may have; 0 means any number
    #[arg(long, value_name = "N")]
    quota_packages: Option<u64>,
    /// Percentages of a quota that are logged when they are passed
    #[arg(long, value_name = "PERCENT", value_delimiter = ',')]
    quota_warn: Vec<u8>,
    /// File with a JSON array of rules of what is deleted by itself
    #[arg(long, value_name = "FILE")]
    retention: Option<PathBuf>,
    /// File with a JSON array of rules of what is promoted by itself
    #[arg(long, value_name = "FILE")]
    promotion: Option<PathBuf>,
}

/// A number of bytes, with one of K, M, G, T for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim().trim_end_matches("iB").trim_end_matches('B');
    let (digits, shift) = match text.chars().last() {
        Some('K' | 'k') => (text.len() - 1, 10),
        Some('M') => (text.len() - 1, 20),
        Some('G') => (text.len() - 1, 30),
        Some('T') => (text.len() - 1, 40),
        _ => (text.len(), 0),
    };
    let number = text.get(..digits).and_then(|t| t.trim().parse::<u64>().ok());
    number.and_then(|n| n.checked_mul(1 << shift)).ok_or_else(|| "use a number of bytes, as in 500M or 20G".to_owned())
}

/// A label and its value; one without a value has an empty one.
fn label(text: &str) -> (String, Value) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.trim().to_owned(), value.trim().into())
}

/// The JSON in a file.
pub(super) fn rules(file: &Path) -> Result<Value> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))
}

impl Others {
    fn settings(self, anonymous_read: Option<bool>) -> Result<Map<String, Value>> {
        let patterns: Vec<String> = self.immutable_tag.iter().filter(|p| !p.is_empty()).cloned().collect();
        let labels: Map<String, Value> = self.label.iter().filter(|l| !l.is_empty()).map(|l| label(l)).collect();
        let named = [
            ("labels", (!self.label.is_empty()).then(|| labels.into())),
            ("anonymous_read", anonymous_read.map(Value::from)),
            ("description", self.description.map(Value::from)),
            ("hold_seconds", self.hold_seconds.map(Value::from)),
            ("immutable_tags", self.immutable_tags.map(Value::from)),
            ("reserved", self.reserved.map(Value::from)),
            ("members", self.members.map(Value::from)),
            ("push_to", self.push_to.map(Value::from)),
            ("immutable_tag_patterns", (!self.immutable_tag.is_empty()).then(|| patterns.into())),
            ("immutable", self.immutable.map(Value::from)),
            ("trash_days", self.trash_days.map(Value::from)),
            ("quota_bytes", self.quota_bytes.map(Value::from)),
            ("quota_packages", self.quota_packages.map(Value::from)),
            ("quota_warn_percent", (!self.quota_warn.is_empty()).then(|| self.quota_warn.into())),
            ("retention", self.retention.as_deref().map(rules).transpose()?),
            ("promotion", self.promotion.as_deref().map(rules).transpose()?),
        ];
        Ok(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

pub(super) async fn run(context: &Context, command: RepositoriesCommand) -> Result<ExitCode> {
    match command {
        RepositoriesCommand::List => list(context).await?,
        RepositoriesCommand::Create { name, anonymous_read, others } => {
            let settings = others.settings(anonymous_read.then_some(true))?;
            let made = context.client()?.post(&["repositories"], &json!({"name": name, "settings": settings})).await?;
            told(context, &made, &format!("repository {name} made"))?;
        }
        RepositoriesCommand::Set { name, anonymous_read, others } => {
            let settings = others.settings(anonymous_read)?;
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
