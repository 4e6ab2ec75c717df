//! `assay policy enable`, `disable` and `remove`: whether a policy decides.

use super::{Context, Policies};
use crate::cli::wait::{Before, Done};
use anyhow::{Result, bail};
use assay_engine::PolicyDraft;
use serde_json::json;

/// Saves it as it is, but for whether it decides.
pub(super) async fn switch(context: &Context, slug: &str, enabled: bool, no_wait: bool) -> Result<()> {
    let client = context.client()?;
    let Policies { policies, .. } = client.get(&["policies"], &[]).await?;
    let Some(policy) = policies.into_iter().find(|policy| policy.slug == slug) else {
        bail!("there is no policy `{slug}`; `assay policy list` names all");
    };
    let word = if enabled { "enabled" } else { "disabled" };
    if policy.enabled == enabled {
        return match context.out.json {
            true => context.out.data(&json!({"policy": {"policy": policy}, "done": null})),
            false => context.out.text(&format!("policy {slug} is {word} already")),
        };
    }
    let draft = PolicyDraft {
        name: policy.name,
        description: policy.description,
        rego: policy.rego,
        precedence: policy.precedence,
        terminal: policy.terminal,
        enabled,
        on_failure: policy.on_failure,
        actions: policy.actions,
    };
    let before = Before::note(&client).await?;
    let saved = client.post(&["policies"], &serde_json::to_value(&draft)?).await?;
    let done = if no_wait { None } else { Some(before.settle(&client).await?) };
    if context.out.json {
        return context.out.data(&json!({"policy": saved, "done": done}));
    }
    context.out.text(&format!("policy {slug} {word}\n{}", sentence(done)))
}

pub(super) async fn remove(context: &Context, slug: &str, no_wait: bool) -> Result<()> {
    let client = context.client()?;
    let before = Before::note(&client).await?;
    client.delete(&["policies", slug]).await?;
    let done = if no_wait { None } else { Some(before.settle(&client).await?) };
    if context.out.json {
        return context.out.data(&json!({"removed": slug, "done": done}));
    }
    context.out.text(&format!("policy {slug} removed\n{}", sentence(done)))
}

fn sentence(done: Option<Done>) -> String {
    done.map_or_else(|| "packages are being decided; see `assay status`".to_owned(), |done| done.sentence())
}
