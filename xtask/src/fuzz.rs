//! `cargo xtask fuzz`: every parser of foreign bytes against mutated seeds, on the stable toolchain.
//!
//! Targets and the mutation engine are in `assay-testkit`; the same functions are wrapped for cargo-fuzz in `fuzz/`.
//! Each target runs in a process of its own, so that a crash or an endless loop in one is told from the others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::report::{Outcome, Report};
use crate::{command, repo};

/// Seconds that all targets share in a brief run.
const BRIEF_SECONDS: u64 = 150;

/// How long past its time a target may go on before it counts as hung.
const GRACE: Duration = Duration::from_secs(60);

/// Address space of one target, in bytes: far above what any parser's limits allow, far below the machine.
const MEMORY: u64 = 4 << 30;

#[derive(Debug)]
pub struct Options {
    targets: Vec<String>,
    seconds: u64,
    seed: Option<u64>,
}

impl Options {
    /// # Errors
    /// For an unknown switch or a value that is not a number.
    pub fn parse(switches: &[String]) -> Result<Self> {
        let mut options = Self { targets: Vec::new(), seconds: 60, seed: None };
        let mut words = switches.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seconds" => options.seconds = words.next().context("--seconds N")?.parse()?,
                "--seed" => options.seed = Some(words.next().context("--seed N")?.parse()?),
                other if other.starts_with('-') => bail!("`fuzz` has no switch {other:?}"),
                name => options.targets.push(name.to_owned()),
            }
        }
        Ok(options)
    }
}

/// The verb `fuzz`.
///
/// # Errors
/// When the engine cannot be built.
pub fn run_alone(options: &Options) -> Result<bool> {
    let engine = build()?;
    let mut report = Report::default();
    for target in chosen(&engine, &options.targets)? {
        report.step(&format!("fuzz {target}"), || one(&engine, &target, options.seconds, options.seed));
    }
    Ok(report.finish())
}

/// The seed of brief runs: the same inputs every time, so that a test run repeats. `cargo xtask fuzz` explores.
const BRIEF_SEED: u64 = 1;

/// Every target for a few seconds, as one step of a larger run.
///
/// # Errors
/// When the engine cannot be built.
pub fn brief() -> Result<Outcome> {
    let engine = build()?;
    let mut failures = Vec::new();
    let targets = chosen(&engine, &[])?;
    let seconds = (BRIEF_SECONDS / targets.len().max(1) as u64).clamp(2, 10);
    for target in targets {
        if let Outcome::Failed(why) = one(&engine, &target, seconds, Some(BRIEF_SEED))? {
            failures.push(why);
        }
    }
    Ok(if failures.is_empty() { Outcome::Passed } else { Outcome::Failed(failures.join("\n")) })
}

fn build() -> Result<PathBuf> {
    let mut cargo = repo::cargo();
    // The same selection as the tests, so that the libraries are not built a second time.
    cargo.args(["build", "--quiet", "--workspace", "--locked", "--bin", "assay-fuzz"]);
    if !command::loud(&mut cargo)? {
        bail!("the fuzz targets do not build");
    }
    Ok(repo::Metadata::read()?.target_directory.join("debug/assay-fuzz"))
}

fn chosen(engine: &Path, wanted: &[String]) -> Result<Vec<String>> {
    let output = command::quiet(Command::new(engine).arg("--list"))?;
    let all: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target {unknown:?}; there are: {}", all.join(" "));
    }
    Ok(if wanted.is_empty() { all } else { wanted.to_vec() })
}

fn one(engine: &Path, target: &str, seconds: u64, seed: Option<u64>) -> Result<Outcome> {
    let seed = seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        now.as_secs()
    });
    let artifacts = repo::root().join("fuzz/artifacts").join(target);
    std::fs::create_dir_all(&artifacts)?;
    let mut run = limited(engine);
    run.arg(target).args(["--seconds", &seconds.to_string(), "--seed", &seed.to_string(), "--artifacts"]);
    run.arg(&artifacts).stdin(Stdio::null());
    let mut child = run.spawn().context("cannot start the fuzz engine")?;
    let limit = Duration::from_secs(seconds) + GRACE;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(failed(target, seed, "hangs"));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Ok(match status.code() {
        Some(0) => Outcome::Passed,
        Some(_) => failed(target, seed, "panics or takes too long; the input is kept"),
        None => failed(target, seed, "dies by a signal (stack or memory)"),
    })
}

fn failed(target: &str, seed: u64, what: &str) -> Outcome {
    Outcome::Failed(format!(
        "fuzz target {target} {what}: look into fuzz/artifacts/{target}, or repeat with\n  \
         cargo xtask fuzz {target} --seed {seed}\nand add `--trace FILE` to target/debug/assay-fuzz to keep each input before it runs"
    ))
}

/// The engine under a memory limit where `prlimit` exists.
fn limited(engine: &Path) -> Command {
    match repo::program("prlimit") {
        Some(prlimit) => {
            let mut command = Command::new(prlimit);
            command.arg(format!("--as={MEMORY}")).arg("--").arg(engine);
            command
        }
        None => Command::new(engine),
    }
}
