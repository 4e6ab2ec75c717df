//! `assay sbom`: what is inside, as a bill of materials. A path is read here; anything else is asked of the server.

use super::{Context, local};
use anyhow::{Context as _, Result, bail};
use assay_engine::report::{self, SbomFormat, Sources};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, clap::Args)]
pub(super) struct SbomArgs {
    /// A file or directory; or a stored package as repository/format/name@version, format/name@version or number
    #[arg(value_name = "FILE|DIR|PACKAGE")]
    what: String,
    /// cyclonedx, cyclonedx-xml, spdx, spdx-tv, spdx3-json; with a version: cyclonedx@1.7
    #[arg(long, short, value_name = "FORMAT", default_value = "cyclonedx", value_parser = format)]
    format: SbomFormat,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, args: SbomArgs) -> Result<ExitCode> {
    let path = Path::new(&args.what);
    let document = if path.exists() {
        let (target, inventory) = local::inspect(&context.config()?, path).await?;
        let (subject, details) = (target.subject(&inventory), BTreeMap::new());
        let at = jiff::Timestamp::now();
        let sources = Sources { subject: &subject, inventory: &inventory, findings: &[], details: &details, at };
        report::render(args.format, sources)
    } else if looks_like_a_path(&args.what) {
        bail!("there is no file or directory {}", args.what);
    } else {
        stored(context, &args.what, args.format).await?
    };
    match &args.output {
        Some(file) => write_text(file, &document)?,
        None => context.out.text(&document)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn format(text: &str) -> Result<SbomFormat, String> {
    text.parse::<SbomFormat>().map_err(|unknown| unknown.to_string())
}

fn looks_like_a_path(what: &str) -> bool {
    what.starts_with('/') || what.starts_with('.') || what.starts_with('~')
}

async fn stored(context: &Context, what: &str, format: SbomFormat) -> Result<String> {
    let client = context.client()?;
    let id = client.find(what).await?;
    client.get_text(&["packages", &id.to_string(), "sbom"], &[("format", format.name().to_owned())]).await
}

/// Writes a text with a final line feed.
pub(super) fn write_text(file: &Path, text: &str) -> Result<()> {
    let text = format!("{}\n", text.trim_end_matches('\n'));
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
