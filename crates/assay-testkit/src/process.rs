//! Running a client to its end, with a time limit and a home of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::process::Command;

/// How long a client may take, in seconds, when the test does not say otherwise.
const PATIENCE: u64 = 120;

/// Lets this process have as many files and connections open as the system allows.
///
/// # Errors
/// When the system says no.
pub fn many_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("cannot have more files open")
}

/// A client about to be run: never with the configuration, credentials or proxies of whoever runs the tests.
#[derive(Debug)]
pub struct Run {
    command: Command,
    shown: String,
    limit: Duration,
    home: Option<TempDir>,
}

/// What a client did.
#[derive(Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub shown: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// A client with an empty home folder that goes away with it.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new(program: impl AsRef<OsStr>) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("assay-home-").tempdir()?;
        let mut run = Self::in_home(program, home.path());
        run.home = Some(home);
        Ok(run)
    }

    /// A client with a given home folder, so that several runs share what one of them stored (a login, a cache).
    #[must_use]
    pub fn in_home(program: impl AsRef<OsStr>, home: &Path) -> Self {
        let mut command = Command::new(program.as_ref());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        isolate(&mut command, home);
        let shown = Path::new(program.as_ref()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { command, shown, limit: Duration::from_secs(PATIENCE), home: None }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// One variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The folder it works in.
    #[must_use]
    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end; a failure of the client is an answer, not an error.
    ///
    /// # Errors
    /// When it cannot be started or takes longer than its limit; then it is ended.
    pub async fn run(mut self) -> Result<Ran> {
        let child = self.command.spawn().with_context(|| format!("cannot start {}", self.shown))?;
        let Ok(output) = tokio::time::timeout(self.limit, child.wait_with_output()).await else {
            bail!("{} took longer than {} s", self.shown, self.limit.as_secs());
        };
        let output = output?;
        Ok(Ran {
            shown: self.shown,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs it and expects success.
    ///
    /// # Errors
    /// As [`Run::run`], and when it fails; the error carries all it printed.
    pub async fn succeed(self) -> Result<Ran> {
        let ran = self.run().await?;
        if !ran.status.success() {
            bail!("{ran}");
        }
        Ok(ran)
    }

    /// Runs it and expects a failure.
    ///
    /// # Errors
    /// As [`Run::run`], and when it succeeds.
    pub async fn fail(self) -> Result<Ran> {
        let ran = self.run().await?;
        if ran.status.success() {
            bail!("this was expected to fail: {ran}");
        }
        Ok(ran)
    }
}

impl Ran {
    /// All that a user saw.
    #[must_use]
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Whether a user saw this text.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}\n--- stdout\n{}\n--- stderr\n{}", self.shown, self.status, self.stdout, self.stderr)
    }
}

/// Keeps the path, drops what would lead a client elsewhere, and switches off update checks and colours.
fn isolate(command: &mut Command, home: &Path) {
    command.env_clear();
    for name in ["PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYENV_ROOT", "PYENV_VERSION"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("HOME", home).env("XDG_CONFIG_HOME", home.join("config")).env("XDG_CACHE_HOME", home.join("cache"));
    command.env("XDG_DATA_HOME", home.join("data")).env("XDG_RUNTIME_DIR", home.join("run"));
    command.env("REGISTRY_AUTH_FILE", home.join("auth.json")).env("DOCKER_CONFIG", home.join("docker"));
    command.env("PIP_CONFIG_FILE", "/dev/null").env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_INPUT", "1");
    command.env("PIP_CACHE_DIR", home.join("pip")).env("UV_CACHE_DIR", home.join("uv")).env("UV_NO_CONFIG", "1");
    command.env("UV_PYTHON_DOWNLOADS", "never").env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring");
    command.env("NO_COLOR", "1").env("TERM", "dumb").env("COLUMNS", "200");
}

#[cfg(test)]
mod tests {
    use super::Run;
    use std::time::Duration;

    #[tokio::test]
    async fn both_outputs_are_kept_and_the_home_is_private() -> anyhow::Result<()> {
        let ran = Run::new("sh")?.args(["-c", "echo out; echo err >&2; echo $HOME; exit 3"]).fail().await?;
        assert_eq!(ran.status.code(), Some(3));
        assert!(ran.stdout.starts_with("out\n") && ran.stdout.contains("assay-home-"));
        assert_eq!(ran.stderr, "err\n");
        Ok(())
    }

    #[tokio::test]
    async fn a_client_that_hangs_is_ended() -> anyhow::Result<()> {
        let run = Run::new("sleep")?.arg("30").limit(Duration::from_millis(100)).run().await;
        assert!(run.is_err_and(|error| error.to_string().contains("took longer")));
        Ok(())
    }
}
