//! `assay sbom`: what is inside, as CycloneDX 1.6 JSON. A path is read here; anything else is asked of the server.

use super::{Context, local};
use anyhow::{Context as _, Result, bail};
use assay_engine::report::cyclonedx;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, clap::Args)]
pub(super) struct SbomArgs {
    /// A file or directory; or a stored package as repository/format/name@version, format/name@version or number
    #[arg(value_name = "FILE|DIR|PACKAGE")]
    what: String,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, args: SbomArgs) -> Result<ExitCode> {
    let path = Path::new(&args.what);
    let document = if path.exists() {
        let (target, inventory) = local::inspect(&context.config()?, path).await?;
        cyclonedx::render(&target.subject(&inventory), &inventory, &[], jiff::Timestamp::now())
    } else if looks_like_a_path(&args.what) {
        bail!("there is no file or directory {}", args.what);
    } else {
        stored(context, &args.what).await?
    };
    match &args.output {
        Some(file) => write(file, &document)?,
        None => context.out.data(&document)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn looks_like_a_path(what: &str) -> bool {
    what.starts_with('/') || what.starts_with('.') || what.starts_with('~')
}

async fn stored(context: &Context, what: &str) -> Result<Value> {
    let client = context.client()?;
    let id = client.find(what).await?;
    client.get(&["packages", &id.to_string(), "sbom"], &[]).await
}

/// Writes a document with a final line feed.
pub(super) fn write(file: &Path, document: &Value) -> Result<()> {
    write_text(file, &serde_json::to_string_pretty(document)?)
}

/// Writes a text with a final line feed.
pub(super) fn write_text(file: &Path, text: &str) -> Result<()> {
    let text = format!("{}\n", text.trim_end_matches('\n'));
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
