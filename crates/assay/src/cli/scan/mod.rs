//! `assay scan`: what a server would find, without one. The inventory is made here and now and kept nowhere; advisories
//! are those of the data directory.

mod report;

use super::{Context, local, out::note, sbom};
use anyhow::{Result, bail};
use assay_engine::report::cyclonedx;
use assay_model::finding::Severity;
use clap::ValueEnum;
use report::Report;
use std::{path::PathBuf, process::ExitCode, time::Instant};

#[derive(Debug, clap::Args)]
pub(super) struct ScanArgs {
    /// A package file, a directory, or an image saved by docker, podman or skopeo
    #[arg(value_name = "FILE|DIR|IMAGE-TAR")]
    path: PathBuf,
    /// What to print
    #[arg(long, short, value_enum)]
    format: Option<Format>,
    /// Exit with this code when there are findings (of the chosen severities)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    exit_code: Option<u8>,
    /// Show and count only these: unknown, low, medium, high, critical
    #[arg(long, short, value_name = "HIGH,CRITICAL", value_delimiter = ',', value_parser = severity)]
    severity: Vec<Severity>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// Everything, for programs
    Json,
    /// CycloneDX 1.6 with vulnerabilities
    Cyclonedx,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text.trim()).ok_or_else(|| "use unknown, low, medium, high or critical".to_owned())
}

pub(super) async fn run(context: &Context, args: ScanArgs) -> Result<ExitCode> {
    let started = Instant::now();
    let config = context.config()?;
    let (target, inventory) = local::inspect(&config, &args.path).await?;
    let (engine, _empty) = local::engine_to_read(&config).await?;
    let result = engine.scan(inventory).await?;
    let report = Report::new(target, result, &args.severity, started.elapsed().as_secs_f64());
    print(context, &args, &report)?;
    if !report.knows_advisories() {
        let data = config.data.display();
        note(&format!(
            "warning: no advisories are imported into {data}, so nothing could be found\n\
             import some with `assay feeds import DIR|FILE|URL` or fetch them with `assay feeds sync`"
        ));
        if args.exit_code.is_some() {
            bail!("--exit-code asks for an answer that cannot be given without advisories");
        }
    }
    Ok(match args.exit_code {
        Some(code) if !report.findings.is_empty() => ExitCode::from(code),
        _ => ExitCode::SUCCESS,
    })
}

fn print(context: &Context, args: &ScanArgs, report: &Report) -> Result<()> {
    let format = args.format.unwrap_or(if context.out.json { Format::Json } else { Format::Table });
    let document = match format {
        Format::Table => return table(context, args, report),
        Format::Json => serde_json::to_value(report)?,
        Format::Cyclonedx => cyclonedx::render(
            &report.target.subject(&report.inventory),
            &report.inventory,
            &report.findings,
            jiff::Timestamp::now(),
        ),
    };
    match &args.output {
        Some(file) => sbom::write(file, &document),
        None => context.out.data(&document),
    }
}

fn table(context: &Context, args: &ScanArgs, report: &Report) -> Result<()> {
    match &args.output {
        Some(file) => sbom::write_text(file, &report.table(super::look::Look::default())),
        None => context.out.text(&report.table(context.out.look)),
    }
}
