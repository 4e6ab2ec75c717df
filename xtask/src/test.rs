//! `cargo xtask test`: rules, lints, every test with the real clients and services it wants, a short fuzz run.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::report::{Outcome, Report};
use crate::services::{self, Service};
use crate::{ci, command, formats, fuzz, install, repo};

#[derive(Debug, Default)]
pub struct Options {
    fast: bool,
    strict: bool,
    passed: Vec<String>,
}

impl Options {
    /// # Errors
    /// For a switch that does not exist.
    pub fn parse(switches: &[String], passed: &[String]) -> Result<Self> {
        let mut options = Self { passed: passed.to_vec(), ..Self::default() };
        for switch in switches {
            match switch.as_str() {
                "--fast" => options.fast = true,
                "--strict" => options.strict = true,
                other => bail!("`test` has no switch {other:?}; arguments for `cargo test` come after --"),
            }
        }
        Ok(options)
    }
}

/// The verb `test`.
///
/// # Errors
/// Only when the run itself cannot be set up; a failing step is in the summary.
pub fn run(options: &Options) -> Result<bool> {
    let mut report = Report::default();
    // Clients download while the compiler is busy.
    let installing = (!options.fast).then(|| std::thread::spawn(install::install));
    ci::steps(&mut report);
    if !options.fast {
        report.step("clippy", clippy);
    }
    report.step("build the tests", || build_tests(options));
    if let Some(installing) = installing {
        report.step("clients for the tests", || {
            let missing = installing.join().map_err(|_| anyhow::anyhow!("the installer panicked"))??;
            installed(&missing, options.strict)
        });
    }
    let mut environment = Environment::new(options.fast)?;
    if !options.fast {
        environment.start_services(&mut report);
    }
    let mut skipped = Vec::new();
    let whole = !options.fast && options.passed.is_empty();
    if whole {
        formats::forget()?;
    }
    report.step("tests", || run_tests(options, &environment, &mut skipped));
    if whole {
        report.step("docs/formats.md", || formats::check(&skipped));
    }
    if !options.fast {
        report.step("fuzz targets, briefly", fuzz::brief);
    }
    drop(environment);
    skipped.sort();
    skipped.dedup();
    for line in skipped {
        report.note(line);
    }
    Ok(report.finish())
}

/// The verb `env`: any command with the settings and services that the tests get.
///
/// # Errors
/// When a service cannot be started, or there is no command.
pub fn run_in_environment(words: &[String]) -> Result<bool> {
    let Some((program, arguments)) = words.split_first() else {
        bail!("which command? cargo xtask env -- COMMAND...");
    };
    let mut report = Report::default();
    let mut environment = Environment::new(false)?;
    environment.start_services(&mut report);
    let mut command = Command::new(program);
    command.args(arguments);
    environment.apply(&mut command);
    command::loud(&mut command)
}

/// What the tests find in their environment, and the services behind it.
struct Environment {
    variables: Vec<(&'static str, String)>,
    services: Vec<Service>,
}

impl Environment {
    fn new(fast: bool) -> Result<Self> {
        let target = repo::Metadata::read()?.target_directory;
        let mut variables = vec![
            ("ASSAY_TOOLS", repo::tools().display().to_string()),
            ("ASSAY_BIN", target.join("debug").join("assay").display().to_string()),
            ("ASSAY_CORPUS", corpus().display().to_string()),
        ];
        if fast {
            variables.push(("ASSAY_TEST_FAST", "1".to_owned()));
        }
        if let Some(folder) = install::postgres_folder() {
            variables.push(("ASSAY_POSTGRES_BIN", folder.display().to_string()));
        }
        Ok(Self { variables, services: Vec::new() })
    }

    fn start_services(&mut self, report: &mut Report) {
        for (name, variable, start) in [
            ("PostgreSQL", "ASSAY_TEST_POSTGRES", services::postgres as fn() -> Result<Service>),
            ("S3 server", "ASSAY_TEST_S3", services::s3),
        ] {
            report.step(name, || match start() {
                Ok(service) => {
                    self.variables.push((variable, service.url.clone()));
                    self.services.push(service);
                    Ok(Outcome::Passed)
                }
                Err(error) => Ok(Outcome::Skipped(format!("{error:#}"))),
            });
        }
    }

    fn apply(&self, command: &mut Command) {
        for (name, value) in &self.variables {
            command.env(name, value);
        }
    }
}

/// The folder of downloaded test data; tests say so when it is not there.
fn corpus() -> PathBuf {
    std::env::var_os("ASSAY_CORPUS").map_or_else(|| repo::root().join("../shared"), PathBuf::from)
}

fn installed(missing: &[String], strict: bool) -> Result<Outcome> {
    if missing.is_empty() {
        return Ok(Outcome::Passed);
    }
    let text = missing.join("; ");
    Ok(if strict { Outcome::Failed(text) } else { Outcome::Skipped(text) })
}

fn clippy() -> Result<Outcome> {
    let mut cargo = repo::cargo();
    cargo.args(["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    judged(command::loud(&mut cargo)?, "cargo clippy found something (if it is missing: rustup component add clippy)")
}

fn build_tests(options: &Options) -> Result<Outcome> {
    let mut cargo = repo::cargo();
    cargo.args(["test", "--workspace", "--locked", "--quiet", "--no-run"]).args(before_dashes(&options.passed));
    judged(command::loud(&mut cargo)?, "the workspace does not build")
}

/// Runs all tests, leaves out the captured output of those that passed, and keeps what they say they skipped.
fn run_tests(options: &Options, environment: &Environment, skipped: &mut Vec<String>) -> Result<Outcome> {
    let mut cargo = repo::cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(before_dashes(&options.passed));
    cargo.args(["--", "--show-output"]).args(after_dashes(&options.passed));
    environment.apply(&mut cargo);
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut filter = Filter::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if let Some(at) = line.find("SKIPPED: ") {
            skipped.push(line[at..].trim_end().to_owned());
        }
        if filter.shows(&line) {
            println!("{line}");
        }
    }
    judged(child.wait()?.success(), "a test failed: see above")
}

/// Hides the section in which the test runner repeats the output of tests that passed.
#[derive(Debug, Default)]
struct Filter {
    hiding: bool,
}

impl Filter {
    fn shows(&mut self, line: &str) -> bool {
        if line == "successes:" {
            self.hiding = true;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.hiding = false;
        }
        !self.hiding || line.contains("SKIPPED: ")
    }
}

fn before_dashes(passed: &[String]) -> &[String] {
    passed.split(|word| word == "--").next().unwrap_or_default()
}

fn after_dashes(passed: &[String]) -> &[String] {
    match passed.iter().position(|word| word == "--") {
        Some(at) => &passed[at + 1..],
        None => &[],
    }
}

fn judged(good: bool, otherwise: &str) -> Result<Outcome> {
    Ok(if good { Outcome::Passed } else { Outcome::Failed(otherwise.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn hides_what_passing_tests_printed_and_shows_skips_and_failures() {
        let lines = [
            ("test a ... ok", true),
            ("successes:", false),
            ("---- a stdout ----", false),
            ("noise", false),
            ("SKIPPED: no corpus", true),
            ("successes:", false),
            ("    a", false),
            ("failures:", true),
            ("---- b stdout ----", true),
            ("test result: FAILED. 1 passed", true),
        ];
        let mut filter = Filter::default();
        for (line, shown) in lines {
            assert_eq!(filter.shows(line), shown, "{line}");
        }
    }
}
