//! Policies tried on a generated catalogue: how long it takes to judge everything that is stored.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::scan::corpus;
use super::server::Server;
use super::table::{Row, median};
use super::{Options, Programs, items};
use crate::command::quiet;

/// Seconds over all stored packages, of which each has some twenty components, with the advisories of Python and npm.
pub fn measure(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let count = if options.quick { 2_000 } else { 100_000 };
    let server = Server::start(programs, None)?;
    for feed in ["feeds/osv/PyPI/all.zip", "feeds/osv/npm/all.zip"] {
        server.cli(&["feeds", "import", &corpus(feed)?.display().to_string()])?;
    }
    let data = server.data();
    let mut fill = Command::new(&programs.fill);
    fill.args(["catalogue", "--packages", &count.to_string(), "--data"]).arg(&data);
    quiet(fill.arg("--corpus").arg(corpus("")?))?;
    server.idle()?;
    let file = server.scratch().join("critical.rego");
    std::fs::write(&file, items::POLICY)?;
    let file = file.display().to_string();
    let (mut seconds, mut blocked) = (Vec::new(), 0);
    for _ in 0..if options.quick { 1 } else { 3 } {
        let answer = server.cli(&["policy", "simulate", "--json", &file])?;
        let report: Value = serde_json::from_slice(&answer.stdout).context("the report is no JSON")?;
        let number = |path: &str| report.pointer(path).and_then(Value::as_u64).with_context(|| format!("no {path}"));
        anyhow::ensure!(number("/totals/packages")? == count, "not all packages were looked at: {report}");
        blocked = number("/totals/newly_blocked")?;
        seconds.push(number("/took")? as f64 / 1000.0);
    }
    let taken = median(seconds).context("no round was run")?;
    Ok(vec![
        Row::value(&format!("policy: simulate over {count} packages"), "s", taken),
        Row::value("policy: simulate, packages that it would block", "", blocked as f64),
    ])
}
