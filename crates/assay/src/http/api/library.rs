//! The library of ready policies: what is in it, and installing from it. What is installed is a policy like any other; that it
//! came from the library, and its settings, are read from its module.

use super::{Answer, App, Call, created, ok};
use assay_engine::PolicyDraft;
use assay_model::{
    policy::{OnFailure, Policy, PolicyAction},
    problem::Problem,
};
use assay_policy::library::{self, Ready, command, settings, settings::Values};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What to install, apart from the policy's name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Another name than the policy's own.
    name: Option<String>,
    /// Settings that change.
    settings: Values,
    /// What was set before does not count.
    defaults: bool,
    actions: Option<Vec<PolicyAction>>,
    precedence: Option<u16>,
    terminal: Option<bool>,
    enabled: Option<bool>,
    on_failure: Option<OnFailure>,
    /// Say what would be saved, and save nothing.
    dry_run: bool,
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let stored = app.engine.policies(&call.caller).await?;
    let line = |ready: &Ready| {
        let mut line = json!(ready);
        let used = stored.iter().filter(|policy| settings::origin(&policy.rego) == Some(&ready.sheet.name));
        let used: Vec<&str> = used.map(|policy| policy.slug.as_str()).collect();
        if let Some(line) = line.as_object_mut() {
            line.insert("command".into(), command(ready).into());
            line.insert("installed".into(), json!(used));
        }
        line
    };
    ok(&json!({"policies": library::all()?.iter().map(line).collect::<Vec<Value>>()}))
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    // Whoever may not see policies learns nothing of these either.
    app.engine.policies(&call.caller).await?;
    let ready = library::find(call.param("name"))?;
    let mut whole = json!(ready);
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("command".into(), command(ready).into());
        whole.insert("rego".into(), ready.rego.into());
        whole.insert("tests".into(), ready.tests.into());
        whole.insert("about".into(), ready.about.into());
    }
    ok(&whole)
}

pub(crate) async fn install(app: Arc<App>, mut call: Call) -> Answer {
    let ready = library::find(call.param("name"))?;
    let wanted: Wanted = call.json().await?;
    let stored = app.engine.policies(&call.caller).await?;
    let slug = wanted.name.as_deref().unwrap_or(&ready.sheet.name);
    let before = stored.into_iter().find(|policy| policy.slug == slug);
    let dry_run = wanted.dry_run;
    let (draft, values) = draft(ready, wanted, before.as_ref())?;
    let changed = before.as_ref().is_none_or(|before| before.rego != draft.rego);
    let mut told = json!({
        "policy": draft,
        "settings": values,
        "before": before.map(|policy| json!({"revision": policy.revision, "rego": policy.rego})),
        "changed": changed,
        "dry_run": dry_run,
    });
    if dry_run {
        return ok(&told);
    }
    let saved = app.engine.save_policy(&call.caller, draft).await?;
    if let Some(told) = told.as_object_mut() {
        told.insert("policy".into(), json!(saved));
    }
    created(&told)
}

/// What is saved: what is wanted, else what was so before, else what the library says.
fn draft(ready: &Ready, wanted: Wanted, before: Option<&Policy>) -> Result<(PolicyDraft, Values), Problem> {
    let sheet = &ready.sheet;
    if let Some(before) = before
        && settings::origin(&before.rego) != Some(&sheet.name)
    {
        return Err(Problem::conflict(format!(
            "there is a policy `{}` that is not the library's {}; remove it, or install under another name",
            before.slug, sheet.name
        )));
    }
    let before = before.filter(|_| !wanted.defaults);
    let earlier = match before {
        Some(before) => {
            // What is given anew need not be readable.
            let rest = library::Sheet {
                settings: sheet
                    .settings
                    .iter()
                    .filter(|one| !wanted.settings.contains_key(&one.name))
                    .cloned()
                    .collect(),
                ..sheet.clone()
            };
            settings::read(&before.rego, &rest)?
        }
        None => Values::new(),
    };
    let values = sheet.values(&wanted.settings, &earlier)?;
    let actions = match (wanted.actions, before) {
        (Some(actions), _) => actions,
        (None, Some(before)) => before.actions.clone(),
        (None, None) => sheet.actions()?,
    };
    let draft = PolicyDraft {
        name: wanted.name.unwrap_or_else(|| sheet.name.clone()),
        description: sheet.description.clone(),
        rego: ready.module(&values)?,
        precedence: wanted.precedence.or(before.map(|b| b.precedence)).unwrap_or(sheet.precedence),
        terminal: wanted.terminal.or(before.map(|b| b.terminal)).unwrap_or(sheet.terminal),
        enabled: wanted.enabled.or(before.map(|b| b.enabled)).unwrap_or(true),
        on_failure: wanted.on_failure.or(before.map(|b| b.on_failure)).unwrap_or(sheet.on_failure),
        actions,
    };
    Ok((draft, values))
}
