//! `assay scan`: what a server would find, without one. The inventory is made here and now and kept nowhere; advisories
//! are those of the data directory.

mod area;
mod compare;
mod elsewhere;
mod filter;
mod format;
mod leave_out;
mod progress;
mod report;
mod sections;
mod target;

use super::{Context, local, out::note};
use anyhow::{Result, bail};
use area::Area;
use assay_engine::{
    Engine, ScanResult,
    ignore::Suppressed,
    report::trivy::{self, Options},
};
use elsewhere::Reach;
use filter::{Choice, NotShown, Scanner};
pub(super) use format::{Format, foreign, put};
use format::{Made, now};
use leave_out::LeaveOut;
use progress::Step;
use report::Report;
pub(super) use sections::table as table_of;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};
use target::{As, Looked};

#[derive(Debug, clap::Args)]
pub(super) struct ScanArgs {
    /// A package file, a directory, an image saved by docker, podman or skopeo, an image in a registry (host/name:tag), the
    /// address of a git repository, a bill of materials, or a stored package (repository/format/name@version)
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// Tell what changed from the first of two targets to the second
    #[arg(long)]
    compare: bool,
    /// table, json, trivy-json, sarif, gitlab, junit, csv, html, trivy-cyclonedx, or a bill of materials: cyclonedx,
    /// cyclonedx-xml, spdx, spdx-tv, spdx3-json; with a version: cyclonedx@1.7 [default: table, or json with --json]
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<Format>,
    /// Read the target as this
    #[arg(long = "as", value_enum, value_name = "KIND", default_value_t)]
    as_what: As,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    leave_out: LeaveOut,
    #[command(flatten)]
    area: Area,
    #[command(flatten)]
    reach: Reach,
    /// Leave packages out of trivy-json that nothing is wrong with
    #[arg(long)]
    no_packages: bool,
    /// Exit with this code when anything that was looked for is found
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    exit_code: Option<u8>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// One scanned target, filtered.
struct Scanned {
    looked: Looked,
    result: ScanResult,
    left: NotShown,
    suppressed: Vec<Suppressed>,
    seconds: f64,
}

impl Scanned {
    fn report(&self, told: &trivy::Report, args: &ScanArgs) -> Report {
        let (dev, seconds) = (args.choice.include_dev, self.seconds);
        let report = Report::new(&self.looked.target, &self.result, told, dev, self.left, seconds);
        if args.leave_out.show_suppressed { report.with_suppressed(&self.suppressed) } else { report }
    }
}

pub(super) async fn run(context: &Context, args: ScanArgs) -> Result<ExitCode> {
    match (args.compare, args.targets.as_slice()) {
        (false, [target]) => one(context, &args, target).await,
        (true, [first, second]) => two(context, &args, first, second).await,
        (false, _) => bail!("give one target, or two with --compare"),
        (true, _) => bail!("--compare takes two targets: what it was, and what it is"),
    }
}

async fn one(context: &Context, args: &ScanArgs, target: &str) -> Result<ExitCode> {
    let config = context.config()?;
    let (engine, _empty) = local::engine_to_read(&config).await?;
    let scanned = scan(context, args, &engine, target).await?;
    let at = now();
    let suppressed = scanned.suppressed.iter().filter(|one| args.choice.keeps(&one.finding));
    let suppressed: Vec<_> = suppressed.filter(|_| args.leave_out.show_suppressed).cloned().collect();
    let subject = &scanned.looked.subject;
    let mut told = trivy::report_with(&scanned.result, subject, &options(args), &suppressed, at);
    args.choice.apply_to_licenses(&mut told);
    let report = scanned.report(&told, args);
    let made = Made { report: &report, scan: &scanned.result, told: &told, at };
    let format = args.format.unwrap_or(if context.out.json { Format::Json } else { Format::Table });
    format::write(format, &made, &context.out, args.output.as_deref())?;
    blind(args, report.knows_advisories(), &config.data)?;
    Ok(match args.exit_code {
        Some(code) if report.has_findings() => ExitCode::from(code),
        _ => ExitCode::SUCCESS,
    })
}

async fn two(context: &Context, args: &ScanArgs, first: &str, second: &str) -> Result<ExitCode> {
    let config = context.config()?;
    let (engine, _empty) = local::engine_to_read(&config).await?;
    let before = scan(context, args, &engine, first).await?;
    let after = scan(context, args, &engine, second).await?;
    let told = compare::Compared::new(&before, &after, args.choice.include_dev);
    let json = match args.format {
        None => context.out.json,
        Some(Format::Table) => false,
        Some(Format::Json) => true,
        Some(_) => bail!("a comparison is printed as table or json"),
    };
    let plain = args.output.is_some();
    let look = if plain { super::look::Look::default() } else { context.out.look };
    let text = if json { serde_json::to_string_pretty(&told)? } else { told.table(look) };
    put(&text, &context.out, args.output.as_deref())?;
    blind(args, after.result.advisories.values().any(|n| *n > 0), &config.data)?;
    Ok(match args.exit_code {
        Some(code) if told.has_new() => ExitCode::from(code),
        _ => ExitCode::SUCCESS,
    })
}

async fn scan(context: &Context, args: &ScanArgs, engine: &Arc<Engine>, target: &str) -> Result<Scanned> {
    let started = Instant::now();
    let choice = &args.choice;
    let selection = args.as_what.selection(choice.wants(Scanner::Secret), choice.wants(Scanner::License));
    let selection = args.area.apply(target, selection)?;
    let mut looked = {
        let _step = Path::new(target).exists().then(|| Step::begin(&format!("Looking into {target}")));
        target::look(context, target, args.as_what, selection, &args.reach).await?
    };
    let mut result = match looked.matched.take() {
        Some(matched) => ScanResult { inventory: looked.inventory.clone(), ..matched },
        None => {
            let _step = Step::begin(&format!("Matching what is in {target}"));
            engine.scan(looked.inventory.clone()).await?
        }
    };
    let suppressed = args.leave_out.apply(&looked, &mut result)?;
    let left = NotShown { answered_for: suppressed.len(), ..choice.apply(&mut result) };
    Ok(Scanned { looked, result, left, suppressed, seconds: started.elapsed().as_secs_f64() })
}

fn options(args: &ScanArgs) -> Options {
    Options {
        packages: !args.no_packages,
        include_dev: args.choice.include_dev,
        vulnerabilities: args.choice.wants(Scanner::Vuln),
        secrets: args.choice.wants(Scanner::Secret),
        licenses: args.choice.wants(Scanner::License),
    }
}

/// Nothing found and nothing to look in must not be confused.
fn blind(args: &ScanArgs, knows_advisories: bool, data: &Path) -> Result<()> {
    if knows_advisories || !args.choice.wants(Scanner::Vuln) {
        return Ok(());
    }
    note(&format!(
        "warning: no advisories are imported into {}, so nothing could be found\n\
         import some with `assay feeds import DIR|FILE|URL` or fetch them with `assay feeds sync`",
        data.display()
    ));
    if args.exit_code.is_some() {
        bail!("--exit-code asks for an answer that cannot be given without advisories");
    }
    Ok(())
}
