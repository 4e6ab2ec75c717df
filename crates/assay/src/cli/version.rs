//! `assay version`: the version orders of the ecosystems, for people and scripts.

use super::Context;
use anyhow::Result;
use assay_model::ecosystem::compare_cli;
use clap::Subcommand;
use serde_json::json;
use std::{cmp::Ordering, process::ExitCode};

#[derive(Debug, Subcommand)]
pub(super) enum VersionCommand {
    /// Order two versions of an ecosystem: prints `A < B`, `A = B` or `A > B`
    Compare {
        /// An OSV ecosystem (PyPI, Debian:12), a package URL type (pypi, deb) or a scheme (semver, rpm)
        ecosystem: String,
        /// A version
        #[arg(allow_hyphen_values = true)]
        a: String,
        /// Another
        #[arg(allow_hyphen_values = true)]
        b: String,
    },
}

pub(super) fn run(context: &Context, command: &VersionCommand) -> Result<ExitCode> {
    let VersionCommand::Compare { ecosystem, a, b } = command;
    let order = match compare_cli(ecosystem, a, b) {
        Ok(Ordering::Less) => "<",
        Ok(Ordering::Equal) => "=",
        Ok(Ordering::Greater) => ">",
        Err(error) => {
            super::out::note(&format!("error: {error}"));
            return Ok(ExitCode::from(2));
        }
    };
    if context.out.json {
        context.out.data(&json!({"ecosystem": ecosystem, "a": a, "b": b, "order": order}))?;
    } else {
        context.out.text(&format!("{a} {order} {b}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
