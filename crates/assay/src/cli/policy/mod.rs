//! `assay policy`: policies of a server.

mod backtest;
mod check;
mod library;
mod simulate;
mod switch;
mod test;
mod trial;

use super::{
    Context,
    look::{Sheet, Text, Tone, harmless, moment},
    out::note,
    text,
    wait::Before,
};
use anyhow::{Result, bail};
use assay_engine::{PolicyDraft, SavedPolicy};
use assay_model::policy::{OnFailure, Policy, PolicyAction};
use clap::{Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Largest policy that is sent, in bytes.
const MAX_REGO: u64 = 1 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Save a policy, or a new revision of it, and wait until every package is decided by it
    Add(AddArgs),
    /// Say what policies would block and release among everything stored, without saving or applying them
    Simulate(simulate::SimulateArgs),
    /// Replay the past: what policies would have blocked, day by day, with the facts of then
    Backtest(backtest::BacktestArgs),
    /// Install a ready policy, or update it, and wait until every package is decided by it
    Install(Box<library::InstallArgs>),
    /// Ready policies that come with this program
    #[command(subcommand)]
    Library(library::LibraryCommand),
    /// List policies in the order in which they are evaluated
    List,
    /// Show one policy with its source
    Show {
        /// Its short name, as in the list
        slug: String,
    },
    /// Run the tests of policies, or policies on one document
    Test(Box<test::TestArgs>),
    /// Check policies as a server does before it saves them; needs no server
    Check {
        /// A Rego file, or a folder that is searched for `.rego`; repeat for more
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of what policies read
    Schema {
        /// Version of the input
        #[arg(id = "which", value_name = "VERSION", default_value = "v1", value_parser = ["v0", "v1"])]
        version: String,
    },
    /// Let a policy decide again that was disabled
    Enable {
        /// Its short name, as in the list
        slug: String,
        /// Do not wait until packages are decided with it
        #[arg(long)]
        no_wait: bool,
    },
    /// Keep a policy without letting it decide; what it did is taken back
    Disable {
        /// Its short name, as in the list
        slug: String,
        /// Do not wait until packages are decided without it
        #[arg(long)]
        no_wait: bool,
    },
    /// Remove a policy; what it did is taken back
    Remove {
        /// Its short name, as in the list
        slug: String,
        /// Do not wait until packages are decided without it
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// Rego source
    file: PathBuf,
    /// What a match does: quarantine, hide, allow, delete, add-tags=a,b, remove-tags=a,b; may be repeated
    #[arg(long, value_name = "ACTION", required = true, value_parser = action)]
    action: Vec<PolicyAction>,
    /// Name for people; else the file's
    #[arg(long)]
    name: Option<String>,
    /// Guidance for those whom it stops
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// Order of evaluation, ascending
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(..=32767))]
    precedence: u16,
    /// A match ends the evaluation of later policies
    #[arg(long)]
    terminal: bool,
    /// What it means when the policy itself fails
    #[arg(long, value_enum, default_value = "fail-closed")]
    on_failure: Failing,
    /// Do not wait until packages are decided
    #[arg(long)]
    no_wait: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Failing {
    /// The package is quarantined until the policy is mended
    FailClosed,
    /// The failure is recorded and otherwise ignored
    FailOpen,
}

impl Failing {
    fn meaning(self) -> OnFailure {
        match self {
            Self::FailClosed => OnFailure::FailClosed,
            Self::FailOpen => OnFailure::FailOpen,
        }
    }
}

fn action(text: &str) -> Result<PolicyAction, String> {
    assay_policy::parse_shorthand(text).map_err(|problem| problem.to_string())
}

pub(super) async fn run(context: &Context, command: PolicyCommand) -> Result<ExitCode> {
    match command {
        PolicyCommand::Add(args) => add(context, args).await?,
        PolicyCommand::Install(args) => library::install(context, *args).await?,
        PolicyCommand::Library(command) => library::run(context, command)?,
        PolicyCommand::Test(args) => return test::run(context, *args).await,
        PolicyCommand::Simulate(args) => simulate::run(context, args).await?,
        PolicyCommand::Backtest(args) => backtest::run(context, args).await?,
        PolicyCommand::List => list(context).await?,
        PolicyCommand::Show { slug } => show(context, &slug).await?,
        PolicyCommand::Check { paths } => return check::check(context, &paths),
        PolicyCommand::Schema { version } => check::schema(context, &version)?,
        PolicyCommand::Enable { slug, no_wait } => switch::switch(context, &slug, true, no_wait).await?,
        PolicyCommand::Disable { slug, no_wait } => switch::switch(context, &slug, false, no_wait).await?,
        PolicyCommand::Remove { slug, no_wait } => switch::remove(context, &slug, no_wait).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(context: &Context, args: AddArgs) -> Result<()> {
    let draft = PolicyDraft {
        name: args.name.unwrap_or_else(|| named(&args.file)),
        description: args.description,
        rego: source(&args.file)?,
        precedence: args.precedence,
        terminal: args.terminal,
        enabled: true,
        on_failure: args.on_failure.meaning(),
        actions: args.action,
    };
    let client = context.client()?;
    let before = Before::note(&client).await?;
    let saved = client.post(&["policies"], &serde_json::to_value(&draft)?).await?;
    let done = if args.no_wait { None } else { Some(before.settle(&client).await?) };
    if context.out.json {
        return context.out.data(&json!({"policy": saved, "done": done}));
    }
    let SavedPolicy { policy, warnings } = serde_json::from_value(saved)?;
    for warning in &warnings {
        note(&format!("warning: {}", harmless(&warning.to_string())));
    }
    let verb = if policy.revision == 1 { "added".to_owned() } else { format!("saved as revision {}", policy.revision) };
    let done = done.map_or_else(|| "packages are being decided; see `assay status`".to_owned(), |done| done.sentence());
    context.out.text(&format!("policy {} {verb}\n{done}", policy.slug))
}

fn named(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn source(file: &Path) -> Result<String> {
    text::read(file, MAX_REGO, ", and no policy is")
}

#[derive(Deserialize)]
pub(super) struct Policies {
    pub(super) policies: Vec<Policy>,
    /// Those that fail at run time, with the number of packages on which they do.
    #[serde(default)]
    pub(super) failing: BTreeMap<String, u64>,
}

async fn list(context: &Context) -> Result<()> {
    let answer: Value = context.client()?.get(&["policies"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let answer: Policies = serde_json::from_value(answer)?;
    if answer.policies.is_empty() {
        return context.out.text(
            "there is no policy; install a ready one with `assay policy install NAME` (`assay policy library list` names \
             them), or add your own with `assay policy add FILE --action quarantine`",
        );
    }
    context.out.text(&table(&answer).render(context.out.look))
}

pub(super) fn table(Policies { policies, failing: broken }: &Policies) -> Sheet {
    let mut sheet = Sheet::new(&[">ORDER", "POLICY", ">REVISION", "STATE", "ACTIONS", "ON FAILURE", "NAME"]);
    for policy in policies {
        let state = match broken.get(&policy.slug) {
            Some(count) => Text::new(fails_on(*count), Tone::Bad),
            None if policy.enabled => Text::new("enabled", Tone::Good),
            None => Text::new("disabled", Tone::Faint),
        };
        let terminal = if policy.terminal { ", terminal" } else { "" };
        sheet.row([
            policy.precedence.to_string().into(),
            Text::from(&policy.slug),
            policy.revision.to_string().into(),
            state,
            format!("{}{terminal}", actions(policy)).into(),
            failing(policy.on_failure).into(),
            Text::from(&policy.name),
        ]);
    }
    sheet
}

fn actions(policy: &Policy) -> String {
    listed(&policy.actions)
}

/// `set_state state=quarantined`, for each.
fn listed(actions: &[PolicyAction]) -> String {
    let one = |action: &PolicyAction| {
        let params =
            action.params.as_object().into_iter().flatten().map(|(name, value)| format!(" {name}={}", plain(value)));
        format!("{}{}", action.kind, params.collect::<String>())
    };
    actions.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// `fails on 3 packages`.
fn fails_on(packages: u64) -> String {
    format!("fails on {packages} package{}", if packages == 1 { "" } else { "s" })
}

fn failing(on_failure: OnFailure) -> &'static str {
    match on_failure {
        OnFailure::FailClosed => "fail-closed",
        OnFailure::FailOpen => "fail-open",
    }
}

async fn show(context: &Context, slug: &str) -> Result<()> {
    let Policies { policies, failing: broken } = context.client()?.get(&["policies"], &[]).await?;
    let Some(policy) = policies.into_iter().find(|policy| policy.slug == slug) else {
        bail!("there is no policy `{slug}`; `assay policy list` names all");
    };
    if context.out.json {
        return context.out.data(&policy);
    }
    let mut text = format!(
        "Policy       {} (revision {}, {})\nName         {}\n",
        policy.slug,
        policy.revision,
        if policy.enabled { "enabled" } else { "disabled" },
        harmless(&policy.name)
    );
    if let Some(count) = broken.get(&policy.slug) {
        text.push_str(&format!(
            "Run time     {}; `assay decisions list --policy {}` says why\n",
            fails_on(*count),
            policy.slug
        ));
    }
    if !policy.description.is_empty() {
        text.push_str(&format!("Guidance     {}\n", harmless(&policy.description)));
    }
    let reads: Vec<String> = policy.reads.iter().map(|fact| format!("{fact:?}").to_lowercase()).collect();
    text.push_str(&format!(
        "Order        {}{}\nActions      {}\nOn failure   {}\nReads        {}\nSaved        {}\n\n{}",
        policy.precedence,
        if policy.terminal { ", ends the evaluation" } else { "" },
        actions(&policy),
        failing(policy.on_failure),
        reads.join(", "),
        moment(policy.updated_at),
        policy.rego
    ));
    context.out.text(&text)
}
