//! `cargo xtask bench`: what a release build does on this machine, beside a peer where that means something.
//!
//! Figures of one machine and one moment say little; ratios taken in the same run, in pairs, say more. A measurement
//! that could not be made is a row that says why, never a number.

mod change;
mod continuous;
mod items;
mod load;
mod make;
mod nginx;
mod peers;
mod policy;
mod process;
mod pull;
mod registry;
mod scan;
mod scanner;
mod server;
mod simulate;
mod table;

use anyhow::{Context, Result, bail};

use crate::{command, repo};
use table::Row;

#[derive(Debug, Default)]
pub struct Options {
    /// Print machine-readable rows instead of the table.
    pub json: bool,
    /// Fewer and shorter runs, for trying the harness itself.
    pub quick: bool,
    /// Only measurements whose name contains this.
    pub only: Option<String>,
    /// Packages of the generated catalogue.
    pub catalogue: Option<usize>,
    /// A folder with `assay` and `assay-fill`, to measure those instead of building them: two versions side by side.
    pub programs: Option<std::path::PathBuf>,
}

impl Options {
    /// # Errors
    /// For an unknown switch.
    pub fn parse(switches: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = switches.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--only" => options.only = Some(words.next().context("--only WORD")?.clone()),
                "--packages" => options.catalogue = Some(words.next().context("--packages NUMBER")?.parse()?),
                "--programs" => options.programs = Some(words.next().context("--programs FOLDER")?.into()),
                other => bail!("`bench` has no switch {other:?}"),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|word| name.contains(word.as_str()))
    }

    /// How often a measurement is repeated.
    pub fn rounds(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// Seconds of load in one round.
    pub fn seconds(&self) -> u64 {
        if self.quick { 1 } else { 4 }
    }

    /// Packages of the catalogue that the world changes around.
    pub fn catalogue(&self) -> usize {
        self.catalogue.unwrap_or(if self.quick { 12_000 } else { 100_000 })
    }

    /// Packages stored for the measurements at scale.
    pub fn packages(&self) -> usize {
        if self.quick { 500 } else { 10_000 }
    }
}

/// The programs under test, built for release.
#[derive(Debug)]
pub struct Programs {
    pub assay: std::path::PathBuf,
    pub fill: std::path::PathBuf,
}

impl Programs {
    fn within(folder: &std::path::Path) -> Self {
        Self { assay: folder.join("assay"), fill: folder.join("assay-fill") }
    }
}

/// The verb `bench`.
///
/// # Errors
/// When the release build fails.
pub fn run(options: &Options) -> Result<bool> {
    let programs = match &options.programs {
        Some(folder) => Programs::within(folder),
        None => build()?,
    };
    let machine = machine();
    let started = std::time::Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    for (name, measure) in items::ALL {
        if !options.wants(name) {
            continue;
        }
        eprintln!("── {name}");
        match measure(options, &programs) {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                eprintln!("NOT MEASURED: {name}: {error:#}");
                rows.push(Row::not_measured(name, &format!("{error:#}")));
            }
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "machine": machine, "rows": rows }))?);
    } else {
        println!("{machine}; {:.0} s in all\n", started.elapsed().as_secs_f64());
        print!("{}", table::render(&rows));
    }
    Ok(rows.iter().all(|row| row.problem.is_none()))
}

/// What the figures were measured on.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let pinned = if repo::program("taskset").is_some() && cores > 1 { "pinned" } else { "not pinned" };
    format!("{model}, {cores} cores, servers and load {pinned}, load average {load} before the run")
}

fn build() -> Result<Programs> {
    let mut cargo = repo::cargo();
    cargo.args(["build", "--release", "--locked", "-p", "assay", "-p", "assay-testkit", "--bins"]);
    if !command::loud(&mut cargo)? {
        bail!("the release build failed");
    }
    let folder = repo::Metadata::read()?.target_directory.join("release");
    Ok(Programs::within(&folder))
}
