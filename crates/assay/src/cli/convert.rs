//! `assay convert`: an earlier Trivy-compatible report in another format.

use super::{
    Context,
    look::Look,
    scan::{Format, foreign, put, table_of},
};
use anyhow::{Context as _, Result, anyhow, bail};
use assay_engine::report::trivy;
use std::{fs, path::PathBuf, process::ExitCode};

/// The largest report that is read, in bytes.
const LARGEST: u64 = 512 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct ConvertArgs {
    /// A report in trivy-json, as `assay scan --format trivy-json` or Trivy writes it
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// table, trivy-json, sarif, gitlab, junit, csv, html or trivy-cyclonedx
    #[arg(long, short, value_name = "FORMAT")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &ConvertArgs) -> Result<ExitCode> {
    let shown = args.report.display();
    let size = fs::metadata(&args.report).with_context(|| format!("cannot read {shown}"))?.len();
    if size > LARGEST {
        bail!("{shown} is larger than {} MiB", LARGEST >> 20);
    }
    let text = fs::read_to_string(&args.report).with_context(|| format!("cannot read {shown}"))?;
    let report = trivy::parse(&text).map_err(|reason| anyhow!("{shown}: {reason}"))?;
    let document = match args.format {
        Format::Table => {
            let look = if args.output.is_some() { Look::default() } else { context.out.look };
            table_of(&report, look)
        }
        format => foreign(format, &report, None, &[])?,
    };
    put(&document, &context.out, args.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
}
