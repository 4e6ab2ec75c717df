//! Evaluations of a policy a second: interpreter, compiled form, and what is used, beside OPA on the same documents.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::table::{Row, median};
use super::{Options, Programs, load, scan};
use crate::command::quiet;
use crate::{install, repo};

/// What the documents have: vulnerabilities.
const SIZES: [u64; 3] = [1, 10, 500];
/// Ways of evaluating, as the measuring program names them.
const PATHS: [&str; 3] = ["interpreter", "compiled", "as used"];
const PEER: &str = "opa";

pub fn evaluations(options: &Options, _programs: &Programs) -> Result<Vec<Row>> {
    let policy = scan::corpus("oracles/policies/max-cvss.rego")?;
    let program = build()?;
    let opa = install::find(PEER);
    let folder = tempfile::Builder::new().prefix("assay-bench-").tempdir()?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds() {
        let ours = ours(&program, &policy, folder.path(), options.seconds() * 250)?;
        let theirs = match &opa {
            Some(opa) => {
                SIZES.iter().map(|size| theirs(opa, &policy, folder.path(), *size)).collect::<Result<Vec<_>>>()?
            }
            None => Vec::new(),
        };
        rounds.push((ours, theirs));
    }
    let mut rows = Vec::new();
    for (at, size) in SIZES.iter().enumerate() {
        for path in PATHS {
            let name = format!("policy: {path}, {size} vulnerabilities");
            let own: Vec<f64> = rounds.iter().filter_map(|(ours, _)| rate(ours, *size, path)).collect();
            let peer: Vec<f64> = rounds.iter().filter_map(|(_, theirs)| theirs.get(at).copied()).collect();
            rows.push(match opa {
                Some(_) => load::row(&name, "evals/s", &own, PEER, &peer),
                None => Row::value(&name, "evals/s", median(own).context("nothing was measured")?),
            });
        }
    }
    if opa.is_none() {
        rows.push(Row::not_measured("policy: beside opa", "opa is not installed (`cargo xtask install`)"));
    }
    Ok(rows)
}

/// Builds the program that measures us.
fn build() -> Result<std::path::PathBuf> {
    let mut cargo = repo::cargo();
    cargo.args(["build", "--release", "--locked", "-p", "assay-policy", "--example", "evaluations"]);
    if !crate::command::loud(&mut cargo)? {
        bail!("the release build failed");
    }
    Ok(repo::Metadata::read()?.target_directory.join("release/examples/evaluations"))
}

fn ours(program: &Path, policy: &Path, folder: &Path, milliseconds: u64) -> Result<Vec<Value>> {
    let mut command = load::pinned(program, Some(0));
    let output = quiet(command.arg(policy).arg(folder).arg(milliseconds.to_string()))?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| serde_json::from_str(line).context("the measuring program printed no JSON")).collect()
}

fn rate(lines: &[Value], size: u64, path: &str) -> Option<f64> {
    let line = lines.iter().find(|line| line["size"] == size && line["path"] == path)?;
    line["per_second"].as_f64()
}

/// OPA's own measurement of a prepared query on a document that is read once; one processor, as ours.
fn theirs(opa: &Path, policy: &Path, folder: &Path, size: u64) -> Result<f64> {
    let mut command: Command = load::pinned(opa, Some(0));
    command.args(["bench", "data.cloudsmith", "--format", "json", "--metrics=false", "--benchmem=false", "--data"]);
    command.arg(policy).arg("--input").arg(folder.join(format!("{size}.json"))).env("GOMAXPROCS", "1");
    let output = quiet(&mut command)?;
    let told: Value = serde_json::from_slice(&output.stdout).context("opa printed no JSON")?;
    match (told["N"].as_f64(), told["T"].as_f64()) {
        (Some(times), Some(nanoseconds)) if nanoseconds > 0.0 => Ok(times * 1e9 / nanoseconds),
        _ => bail!("opa's measurement is not understood: {told}"),
    }
}
