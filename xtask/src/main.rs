//! The project's own tool: `cargo xtask <verb>`. This file reads the verb and its switches and hands over.
//!
//! It depends on almost nothing, so that the first command of a newcomer compiles in seconds. What needs the
//! product's crates (fuzz targets, bulk uploads) lives in `assay-testkit` and is started from here as a process.

mod bench;
mod ci;
mod command;
mod formats;
mod fuzz;
mod http;
mod install;
mod repo;
mod report;
mod services;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <verb>

  test [--fast] [--strict] [-- ARGS]  everything that must hold; ARGS go to `cargo test`
                                      --fast: no lints, no real clients, no services, no fuzzing
                                      --strict: a client that cannot be installed is a failure
  ci                                  formatting, architecture rules, licences, file lengths
  fuzz [TARGET...] [--seconds N] [--seed N]
                                      mutate seeds and feed every parser (stable toolchain)
  bench [--json] [--quick] [--only WORD] [--programs FOLDER]
                                      speed of a release build beside nginx on this machine
  formats [--check]                   make docs/formats.md from what the tests saw, or hold it against that
  install                             install the clients that the tests drive
  env -- COMMAND...                   run COMMAND with the services and settings the tests get
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one verb; `Ok(false)` is a failure that has already been explained on the terminal.
fn run(arguments: &[String]) -> Result<bool> {
    let Some((verb, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(false);
    };
    let (switches, passed) = split_at_dashes(rest);
    match verb.as_str() {
        "test" => test::run(&test::Options::parse(switches, passed)?),
        "ci" => {
            no_more(switches)?;
            ci::run_alone()
        }
        "fuzz" => fuzz::run_alone(&fuzz::Options::parse(switches)?),
        "bench" => bench::run(&bench::Options::parse(switches)?),
        "formats" => formats::run(switches),
        "install" => {
            no_more(switches)?;
            install::run_alone()
        }
        "env" => test::run_in_environment(passed),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(true)
        }
        other => bail!("there is no verb {other:?}\n\n{HELP}"),
    }
}

fn split_at_dashes(arguments: &[String]) -> (&[String], &[String]) {
    match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &[]),
    }
}

fn no_more(switches: &[String]) -> Result<()> {
    match switches.first() {
        Some(extra) => bail!("unexpected argument {extra:?}\n\n{HELP}"),
        None => Ok(()),
    }
}
