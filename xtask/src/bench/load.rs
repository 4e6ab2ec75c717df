//! Load by `wrk`, on a processor of its own where there are two.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::table::{Row, median};
use crate::command::quiet;
use crate::{install, repo};

/// One address that load is put on.
#[derive(Debug)]
pub struct Target {
    pub port: u16,
    pub path: String,
    /// `Name: value` lines.
    pub headers: Vec<String>,
}

/// A command on one processor, when one is given, the machine has two and `taskset` exists: servers on the first, load
/// on the second.
pub fn pinned(program: &std::path::Path, processor: Option<usize>) -> Command {
    let several = std::thread::available_parallelism().is_ok_and(|count| count.get() >= 2);
    match (repo::program("taskset").filter(|_| several), processor) {
        (Some(taskset), Some(processor)) => {
            let mut command = Command::new(taskset);
            command.args(["-c", &processor.to_string()]).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

/// How much load, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// Of one round.
    pub seconds: u64,
    /// Kept open.
    pub connections: usize,
}

/// Requests per second of ours and of each peer, in turns; a row for each.
///
/// # Errors
/// When `wrk` is missing, or an answer was not a success.
pub fn beside(name: &str, ours: &Target, peers: &[(&'static str, Target)], effort: Effort) -> Result<Vec<Row>> {
    let targets: Vec<&Target> = peers.iter().map(|(_, target)| target).chain([ours]).collect();
    let mut rates = vec![Vec::new(); targets.len()];
    for round in 0..effort.rounds {
        // Whoever goes second finds a warmer machine, so the order moves on.
        for at in 0..targets.len() {
            let at = (at + round) % targets.len();
            if let (Some(target), Some(rates)) = (targets.get(at), rates.get_mut(at)) {
                rates.push(rate(target, effort)?);
            }
        }
    }
    let our_rates = rates.pop().unwrap_or_default();
    let all = peers.iter().zip(&rates);
    Ok(all.map(|((peer, _), rates)| row(name, "req/s", &our_rates, peer, rates)).collect())
}

/// Medians of figures taken in pairs, and of their ratios.
pub fn row(name: &str, unit: &'static str, ours: &[f64], peer: &'static str, theirs: &[f64]) -> Row {
    Row {
        name: name.to_owned(),
        unit,
        value: median(ours.to_vec()),
        peer: median(theirs.to_vec()),
        peer_name: Some(peer),
        ratio: median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()),
        problem: None,
    }
}

fn rate(target: &Target, effort: Effort) -> Result<f64> {
    let wrk = install::find("wrk").context("wrk is not installed")?;
    let mut command = pinned(&wrk, Some(1));
    command.args(["-t1", &format!("-c{}", effort.connections), &format!("-d{}s", effort.seconds)]);
    for header in &target.headers {
        command.args(["-H", header]);
    }
    command.arg(format!("http://127.0.0.1:{}{}", target.port, target.path));
    let output = quiet(&mut command)?;
    parse(&String::from_utf8_lossy(&output.stdout)).with_context(|| format!("load on {}", target.path))
}

/// Reads wrk's report; a run with a single refused request measures something else.
fn parse(report: &str) -> Result<f64> {
    if let Some(line) = report.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        bail!("{}", line.trim());
    }
    let rate = report.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk printed no rate:\n{report}"))
}

#[cfg(test)]
mod tests {
    use super::super::nginx::Nginx;
    use super::{Effort, Target, beside, parse};
    use crate::install;

    #[test]
    fn nginx_is_compared_with_itself() -> anyhow::Result<()> {
        if std::env::var_os("ASSAY_TEST_FAST").is_some()
            || install::find("nginx").is_none()
            || install::find("wrk").is_none()
        {
            eprintln!("SKIPPED: the benchmark's harness: nginx and wrk are wanted");
            return Ok(());
        }
        let nginx = Nginx::start()?;
        nginx.put("/simple/a/", b"<a href=\"x\">x</a>")?;
        let target =
            |path: &str| Target { port: nginx.port, path: path.to_owned(), headers: vec!["X-A: b".to_owned()] };
        let effort = Effort { rounds: 1, seconds: 1, connections: 4 };
        let peers = [("nginx", target("/simple/a/"))];
        let rows = beside("itself", &target("/simple/a/"), &peers, effort)?;
        let [row] = rows.as_slice() else { anyhow::bail!("{rows:?}") };
        assert!(row.value.is_some_and(|rate| rate > 100.0) && row.ratio.is_some_and(|ratio| ratio > 0.1), "{row:?}");
        assert!(beside("missing", &target("/simple/b/"), &peers, effort).is_err());
        Ok(())
    }

    #[test]
    fn reads_the_rate_and_refuses_refusals() {
        assert!(parse("  2 requests\nRequests/sec:   1234.50\n").is_ok_and(|rate| (rate - 1234.5).abs() < 1e-9));
        assert!(parse("  Non-2xx or 3xx responses: 7\nRequests/sec: 99\n").is_err());
        assert!(parse("").is_err());
    }
}
