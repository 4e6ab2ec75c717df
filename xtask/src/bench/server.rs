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
    _running: Running,
    folder: TempDir,
}

impl Server {
    /// # Errors
    /// When it does not answer within thirty seconds.
    pub fn start(programs: &Programs) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("assay-bench-").tempdir()?;
        let port = http::free_port()?;
        let mut command = load::pinned(&programs.assay, 0);
        command.arg("serve").arg("--data").arg(folder.path().join("data"));
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.env("ASSAY_ADMIN_TOKEN", TOKEN);
        let mut running = Running::start("assay", &command, None, &folder.path().join("log"))?;
        let healthy = || http::request(port, "GET", "/healthz", &[], b"").is_ok_and(|answer| answer.status == 200);
        running.wait_until(Duration::from_secs(30), healthy)?;
        Ok(Self { port, program: programs.assay.clone(), _running: running, folder })
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
