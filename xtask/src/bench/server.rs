//! A release build of Assay on an empty data directory, driven the way a user drives it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::{Programs, load};
use crate::command::{Running, quiet};
use crate::http::{self, Answer};

/// The administrator's token of every benchmark server; it lives as long as the run.
const TOKEN: &str = "assay-bench-token-0123456789abcdef";

#[derive(Debug)]
pub struct Server {
    pub port: u16,
    program: PathBuf,
    processor: Option<usize>,
    running: Option<Running>,
    folder: TempDir,
}

impl Server {
    /// On one processor where one is given, on all otherwise.
    ///
    /// # Errors
    /// When it does not answer within thirty seconds.
    pub fn start(programs: &Programs, processor: Option<usize>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("assay-bench-").tempdir()?;
        let port = http::free_port()?;
        let mut server = Self { port, program: programs.assay.clone(), processor, running: None, folder };
        server.restart()?;
        Ok(server)
    }

    /// Stops it if it runs, starts it on what it has stored, and says how long the first answer took.
    ///
    /// # Errors
    /// When it does not answer within thirty seconds.
    pub fn restart(&mut self) -> Result<Duration> {
        self.running = None;
        let mut command = load::pinned(&self.program, self.processor);
        command.arg("serve").arg("--data").arg(self.folder.path().join("data"));
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.env("ASSAY_ADMIN_TOKEN", TOKEN).env("ASSAY_SOURCES_SYNC", "off");
        let start = Instant::now();
        let running = self.running.insert(Running::start("assay", &command, None, &self.folder.path().join("log"))?);
        let port = self.port;
        let healthy = || http::request(port, "GET", "/healthz", &[], b"").is_ok_and(|answer| answer.status == 200);
        running.wait_until(Duration::from_secs(30), healthy)?;
        Ok(start.elapsed())
    }

    /// Stops it; [`Server::restart`] starts it again.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Bytes of memory that are resident.
    ///
    /// # Errors
    /// When it does not run, or the system does not say.
    pub fn resident(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most bytes of memory that were resident since it was started.
    ///
    /// # Errors
    /// As [`Server::resident`].
    pub fn peak(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Result<u64> {
        let running = self.running.as_ref().context("the server does not run")?;
        let path = format!("/proc/{}/status", running.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|kib| kib.trim().parse::<u64>().ok());
        Ok(kib.with_context(|| format!("{path} has no {field}"))? * 1024)
    }

    /// Waits until no job waits or runs.
    ///
    /// # Errors
    /// When that takes longer than ten minutes.
    pub fn idle(&self) -> Result<()> {
        self.idle_within(Duration::from_secs(600))
    }

    /// The same with another patience. Jobs that are due later, such as a look at the clock, count as well.
    ///
    /// # Errors
    /// When that takes longer.
    pub fn idle_within(&self, patience: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let jobs = self.metric("assay_jobs_waiting")? + self.metric("assay_jobs_running")?;
            if jobs == 0.0 {
                return Ok(());
            }
            if start.elapsed() > patience {
                bail!("the server still has {jobs} jobs after {:.0} s", patience.as_secs_f64());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn token(&self) -> &'static str {
        TOKEN
    }

    pub fn authorization(&self) -> String {
        format!("Authorization: Bearer {TOKEN}")
    }

    /// A folder that goes away with the server.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// # Errors
    /// When the server does not answer.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        http::request(self.port, method, path, &[self.authorization()], body)
    }

    /// Asks until the answer is 200: what was just stored is pending until it is decided.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub fn wait_for(&self, path: &str) -> Result<Answer> {
        let start = Instant::now();
        loop {
            let answer = self.request("GET", path, b"")?;
            if answer.status == 200 {
                return Ok(answer);
            }
            if start.elapsed() > Duration::from_secs(60) {
                bail!("{path} still answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs the command line as a client of this server.
    ///
    /// # Errors
    /// When it fails.
    pub fn cli(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("ASSAY_URL", self.address()).env("ASSAY_TOKEN", TOKEN);
        quiet(command.env("ASSAY_DATA", self.folder.path().join("data")))
    }

    /// The sum of a metric over all its labels.
    ///
    /// # Errors
    /// When the server does not report it.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let answer = self.request("GET", "/metrics", b"")?;
        let text = String::from_utf8_lossy(&answer.body);
        sum(&text, name).with_context(|| format!("/metrics ({}) has no {name}", answer.status))
    }
}

fn sum(text: &str, name: &str) -> Option<f64> {
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        if !rest.starts_with(['{', ' ']) {
            return None;
        }
        rest.rsplit_once(' ')?.1.parse::<f64>().ok()
    });
    samples.fold(None, |total, value| Some(total.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn samples_are_added_over_labels() {
        let text = "# HELP a x\na{b=\"c d\"} 2\na 3\nab 9\n";
        assert_eq!(sum(text, "a"), Some(5.0));
        assert_eq!(sum(text, "missing"), None);
    }
}
