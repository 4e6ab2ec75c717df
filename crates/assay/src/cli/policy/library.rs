//! `assay policy library` and `assay policy install`: ready policies. What is in the library is part of this program and
//! needs no server; a server installs from its own.

use super::{action, listed, simulate};
use crate::cli::{
    Context,
    look::{Sheet, Text, harmless},
    out::note,
    wait::Before,
};
use anyhow::{Context as _, Result, bail};
use assay_engine::{PolicyDraft, PolicyTrial, SavedPolicy, Trial};
use assay_model::policy::PolicyAction;
use assay_policy::library::{self, Ready, command, settings::Values};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LibraryCommand {
    /// List the ready policies, in the order in which they are evaluated
    List,
    /// Show one: what it does, its settings, its source
    Show {
        /// Its name, as in the list
        name: String,
    },
    /// Write one as files, to edit it or keep it in a repository: module, tests, sheet, description
    Export {
        /// Its name, or `all`
        name: String,
        /// Where its folder is made
        dir: PathBuf,
        /// Change a setting; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        set: Vec<(String, String)>,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InstallArgs {
    /// Name in the library
    policy: String,
    /// Change a setting; lists are parted by commas; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// What a match does, instead of what the policy says: quarantine, hide, add-tags=a,b, ...; may be repeated
    #[arg(long, value_name = "ACTION", value_parser = action)]
    action: Vec<PolicyAction>,
    /// Install under another name, as a policy beside the others
    #[arg(long)]
    name: Option<String>,
    /// Place in the order of evaluation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=32767))]
    precedence: Option<u16>,
    /// What it means when the policy itself fails
    #[arg(long, value_enum)]
    on_failure: Option<super::Failing>,
    /// Forget what was set when it was installed before
    #[arg(long)]
    defaults: bool,
    /// Save nothing; say what would be saved, and what it would block and release
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until packages are decided
    #[arg(long)]
    no_wait: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

pub(super) fn run(context: &Context, command: LibraryCommand) -> Result<()> {
    match command {
        LibraryCommand::List => list(context),
        LibraryCommand::Show { name } => show(context, &name),
        LibraryCommand::Export { name, dir, set, force } => export(context, &name, &dir, &set, force),
    }
}

fn list(context: &Context) -> Result<()> {
    let all = library::all()?;
    if context.out.json {
        return context.out.data(&json!({"policies": all}));
    }
    let mut sheet = Sheet::new(&[">ORDER", "POLICY", "ON A MATCH", "WHAT IT DOES"]);
    for Ready { sheet: one, .. } in all {
        let terminal = if one.terminal { ", terminal" } else { "" };
        let actions = format!("{}{terminal}", one.actions.join(", "));
        sheet.row([one.precedence.to_string().into(), Text::from(&one.name), actions.into(), Text::from(&one.summary)]);
    }
    let rest = "`assay policy library show NAME` says more; `assay policy install NAME --dry-run` tries one";
    context.out.text(&format!("{}\n{rest}", sheet.render(context.out.look)))
}

fn show(context: &Context, name: &str) -> Result<()> {
    let ready = library::find(name)?;
    if context.out.json {
        let mut whole = serde_json::to_value(ready)?;
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("command".into(), command(ready).into());
            whole.insert("rego".into(), ready.rego.into());
            whole.insert("tests".into(), ready.tests.into());
            whole.insert("about".into(), ready.about.into());
        }
        return context.out.data(&whole);
    }
    let one = &ready.sheet;
    let needs = if one.needs.is_empty() { "what is stored alone".to_owned() } else { one.needs.join(", ") };
    let mut sheet = Sheet::new(&["SETTING", "WHAT IT CAN BE", "DEFAULT", "MEANING"]);
    for setting in &one.settings {
        let default = if setting.required { "must be set".to_owned() } else { super::plain(&setting.default) };
        sheet.row([Text::from(&setting.name), setting.expects().into(), default.into(), Text::from(&setting.about)]);
    }
    context.out.text(&format!(
        "{}\nIt says      {}\nOrder        {}{}\nActions      {}\nSources      {needs}\nInstall      {}\n\n{}\n\n{}",
        ready.about.trim_start_matches("# ").trim_end(),
        one.description,
        one.precedence,
        if one.terminal { ", ends the evaluation" } else { "" },
        one.actions.join(", "),
        command(ready),
        sheet.render(context.out.look).trim_end(),
        ready.rego
    ))
}

fn given(set: &[(String, String)]) -> Values {
    set.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}

fn export(context: &Context, name: &str, dir: &Path, set: &[(String, String)], force: bool) -> Result<()> {
    let ready: Vec<&Ready> = if name == "all" { library::all()?.iter().collect() } else { vec![library::find(name)?] };
    if name == "all" && !set.is_empty() {
        bail!("--set is for one policy; name it instead of `all`");
    }
    let mut written = Vec::new();
    for one in &ready {
        let module = match set {
            [] => one.rego.to_owned(),
            set => one.module(&one.sheet.values(&given(set), &Values::new())?)?,
        };
        let folder = dir.join(&one.sheet.name);
        for (file, text) in one.files() {
            let path = folder.join(file);
            if path.exists() && !force {
                bail!("{} is there already; --force replaces it", path.display());
            }
            let text = if file == "policy.rego" { module.as_str() } else { text };
            written.push((path, text.to_owned()));
        }
    }
    for (path, text) in &written {
        let unwritable = || format!("cannot write {}", path.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).with_context(unwritable)?;
        std::fs::write(path, text).with_context(unwritable)?;
    }
    let paths: Vec<String> = written.iter().map(|(path, _)| path.display().to_string()).collect();
    if context.out.json {
        return context.out.data(&json!({"written": paths}));
    }
    let more = format!("`assay policy test {0}` runs the tests, `assay policy simulate {0}` tries it", dir.display());
    context.out.text(&format!("{}\n{more}", paths.join("\n")))
}

/// What a server answers to an installation.
#[derive(Deserialize)]
struct Installed {
    policy: Value,
    settings: Values,
    changed: bool,
    before: Option<Earlier>,
}

#[derive(Deserialize)]
struct Earlier {
    revision: u32,
}

pub(super) async fn install(context: &Context, args: InstallArgs) -> Result<()> {
    let client = context.client()?;
    let wanted = json!({
        "name": args.name,
        "settings": given(&args.set),
        "defaults": args.defaults,
        "actions": (!args.action.is_empty()).then_some(&args.action),
        "precedence": args.precedence,
        "on_failure": args.on_failure.map(super::Failing::meaning),
        "dry_run": args.dry_run,
    });
    let before = if args.dry_run { None } else { Some(Before::note(&client).await?) };
    let answer = client.post(&["policies", "library", &args.policy], &wanted).await?;
    let installed: Installed = serde_json::from_value(answer.clone())?;
    let Some(before) = before else { return tried(context, &installed, &answer).await };
    let done = if args.no_wait { None } else { Some(before.settle(&client).await?) };
    if context.out.json {
        return context.out.data(&json!({"policy": installed.policy, "settings": installed.settings, "done": done}));
    }
    let SavedPolicy { policy, warnings } = serde_json::from_value(installed.policy)?;
    warnings.iter().for_each(|warning| note(&format!("warning: {}", harmless(&warning.message))));
    let verb = if policy.revision == 1 { "installed".into() } else { format!("saved as revision {}", policy.revision) };
    let done = done.map_or_else(|| "packages are being decided; see `assay status`".to_owned(), |done| done.sentence());
    context.out.text(&format!(
        "policy {} {verb}: {}\n{}{done}",
        policy.slug,
        listed(&policy.actions),
        told(&installed.settings)
    ))
}

/// `  threshold = 7`, for each.
fn told(settings: &Values) -> String {
    let shown = |value: &Value| Some(super::plain(value)).filter(|text| !text.is_empty() && text != "{}");
    let line = |(name, value): (&String, &Value)| {
        format!("  {name} = {}\n", shown(value).map_or_else(|| "(none)".to_owned(), |text| harmless(&text)))
    };
    settings.iter().map(line).collect()
}

/// Says what would be saved, and what it would do.
async fn tried(context: &Context, installed: &Installed, answer: &Value) -> Result<()> {
    let draft: PolicyDraft = serde_json::from_value(installed.policy.clone())?;
    let trial = Trial {
        policies: vec![PolicyTrial {
            name: draft.name.clone(),
            description: Some(draft.description.clone()),
            rego: Some(draft.rego.clone()),
            precedence: Some(draft.precedence),
            terminal: Some(draft.terminal),
            enabled: Some(draft.enabled),
            on_failure: Some(draft.on_failure),
            actions: Some(draft.actions.clone()),
        }],
        ..Trial::default()
    };
    let client = context.client()?;
    let value =
        simulate::watched(&client, "simulate", "looking at every package", &serde_json::to_value(&trial)?).await?;
    if context.out.json {
        return context.out.data(&json!({"install": answer, "simulation": value}));
    }
    let what = match (&installed.before, installed.changed) {
        (None, _) => "would be installed".to_owned(),
        (Some(before), true) => format!("would replace revision {}", before.revision),
        (Some(before), false) => format!("has the same module as revision {}", before.revision),
    };
    context.out.text(&format!(
        "policy {} {what}: order {}, {}\n{}",
        draft.name,
        draft.precedence,
        listed(&draft.actions),
        told(&installed.settings)
    ))?;
    simulate::tell(context, &client, value)
}
