//! `assay feeds export`, `key` and `trust`: bundles for installations without a network.

use crate::{
    bundle::{key, read, write},
    cli::{Context, look::count},
    wiring,
};
use anyhow::Result;
use clap::Subcommand;
use std::{path::Path, process::ExitCode};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TrustCommand {
    /// Take in bundles that are signed with this key
    Add {
        /// What `assay feeds key` prints on the side that exports
        key: String,
    },
    /// Take in no more bundles of this key
    Remove {
        /// The key
        key: String,
    },
    /// List the keys
    List,
}

pub(super) async fn export(context: &Context, to: &Path, since: Option<&str>) -> Result<ExitCode> {
    let config = context.config()?;
    let engine = wiring::engine(&config).await?;
    let base = match since.map(Path::new) {
        None => None,
        Some(file) if file.exists() => Some(read::verify(file)?.record(false, engine.now())),
        Some(_) => Some(write::base(&engine, since.unwrap_or_default()).await?),
    };
    let manifest = write::write(&engine, &wiring::vault(&config), to, base).await?;
    if context.out.json {
        context.out.data(&serde_json::to_value(&manifest)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let records: u64 = manifest.members.iter().map(|member| member.records).sum();
    let kind =
        manifest.base.as_ref().map_or_else(String::new, |base| format!(", a delta since bundle {}", base.number));
    context.out.text(&format!(
        "bundle {}{kind}: {} in {}, signed with {}",
        manifest.number,
        count(records, "record", "records"),
        to.display(),
        manifest.key
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn show_key(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let engine = wiring::engine(&config).await?;
    let public = key::public(&key::own(&engine, &wiring::vault(&config)).await?);
    if context.out.json {
        context.out.data(&serde_json::json!({"key": public}))?;
    } else {
        context.out.text(&public)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn trust(context: &Context, command: TrustCommand) -> Result<ExitCode> {
    let engine = wiring::engine(&context.config()?).await?;
    match command {
        TrustCommand::Add { key } => drop(key::trust(&engine, &key, true, "cli").await?),
        TrustCommand::Remove { key } => drop(key::trust(&engine, &key, false, "cli").await?),
        TrustCommand::List => {}
    }
    let keys = key::trusted(&engine).await?;
    if context.out.json {
        context.out.data(&serde_json::json!({"trusted": keys}))?;
    } else if keys.is_empty() {
        context.out.text("no key is trusted but the own one")?;
    } else {
        context.out.text(&keys.into_iter().collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
