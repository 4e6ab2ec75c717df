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

/// Requests per second of ours and of nginx, alternately, and the median of the pairs' ratios.
///
/// # Errors
/// When `wrk` is missing, or an answer was not a success.
pub fn compare(name: &str, ours: &Target, nginx: &Target, rounds: usize, seconds: u64) -> Result<Row> {
    let (mut our_rates, mut nginx_rates) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Whoever goes second finds a warmer machine, so the order alternates.
        if round % 2 == 0 {
            our_rates.push(rate(ours, seconds)?);
            nginx_rates.push(rate(nginx, seconds)?);
        } else {
            nginx_rates.push(rate(nginx, seconds)?);
            our_rates.push(rate(ours, seconds)?);
        }
    }
    let ratios = our_rates.iter().zip(&nginx_rates).map(|(ours, nginx)| ours / nginx).collect();
    Ok(Row {
        name: name.to_owned(),
        unit: "req/s",
        value: median(our_rates),
        peer: median(nginx_rates),
        peer_name: Some("nginx"),
        ratio: median(ratios),
        problem: None,
    })
}

fn rate(target: &Target, seconds: u64) -> Result<f64> {
    let wrk = install::find("wrk").context("wrk is not installed")?;
    let mut command = pinned(&wrk, Some(1));
    command.args(["-t1", "-c16", &format!("-d{seconds}s")]);
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
    use super::{Target, compare, parse};
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
        let row = compare("itself", &target("/simple/a/"), &target("/simple/a/"), 1, 1)?;
        assert!(row.value.is_some_and(|rate| rate > 100.0) && row.ratio.is_some_and(|ratio| ratio > 0.1), "{row:?}");
        assert!(compare("missing", &target("/simple/b/"), &target("/simple/a/"), 1, 1).is_err());
        Ok(())
    }

    #[test]
    fn reads_the_rate_and_refuses_refusals() {
        assert!(parse("  2 requests\nRequests/sec:   1234.50\n").is_ok_and(|rate| (rate - 1234.5).abs() < 1e-9));
        assert!(parse("  Non-2xx or 3xx responses: 7\nRequests/sec: 99\n").is_err());
        assert!(parse("").is_err());
    }
}
