//! The rules of the house that a compiler does not know, each in a file of its own.
//!
//! A rule reads sources or `cargo metadata` and returns what breaks it, one line each, with the way to mend it.

mod hosts;
mod kinds;
mod length;
mod licences;
mod siblings;
mod source;
mod star;

use anyhow::Result;

use crate::report::{Outcome, Report};
use crate::{command, repo};

/// The verb `ci`.
///
/// # Errors
/// Never; a broken rule is in the summary.
pub fn run_alone() -> Result<bool> {
    let mut report = Report::default();
    steps(&mut report);
    Ok(report.finish())
}

/// Every cheap check, each as a step.
pub fn steps(report: &mut Report) {
    report.step("formatting", formatting);
    report.step("crates form a star", || broken(star::check()?));
    report.step("kinds: listed, apart, own their names", || {
        let kinds = kinds::find()?;
        let mut lines = kinds::unlisted(&kinds)?;
        lines.extend(siblings::check(&kinds)?);
        lines.extend(kinds::stray_names(&kinds)?);
        broken(lines)
    });
    let mut long = Vec::new();
    report.step("file lengths", || {
        let (warnings, failures) = length::check()?;
        long = warnings;
        broken(failures)
    });
    for line in long {
        report.note(line);
    }
    report.step("no public registry host is named", || broken(hosts::check()?));
    report.step("licences of dependencies", || broken(licences::check()?));
    report.step("cargo deny", deny);
}

fn broken(lines: Vec<String>) -> Result<Outcome> {
    Ok(if lines.is_empty() { Outcome::Passed } else { Outcome::Failed(lines.join("\n")) })
}

fn formatting() -> Result<Outcome> {
    let mut cargo = repo::cargo();
    let good = command::loud(cargo.args(["fmt", "--all", "--check", "--", "-l"]))?;
    Ok(if good {
        Outcome::Passed
    } else {
        Outcome::Failed("run `cargo fmt --all` (if it is missing: rustup component add rustfmt)".to_owned())
    })
}

/// Licences, bans and sources by cargo-deny where it is installed. Advisories are not asked for: that takes a download.
fn deny() -> Result<Outcome> {
    if repo::program("cargo-deny").is_none() {
        return Ok(Outcome::Skipped("cargo-deny is not installed; the built-in rules above were applied".to_owned()));
    }
    let mut cargo = repo::cargo();
    let good = command::loud(cargo.args(["deny", "--offline", "--locked", "check", "licenses", "bans", "sources"]))?;
    Ok(if good { Outcome::Passed } else { Outcome::Failed("see deny.toml".to_owned()) })
}
