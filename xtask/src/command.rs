//! Running other programs: quiet unless they fail, and always stopped again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs to the end and keeps its output; what it said is in the error when it fails.
///
/// # Errors
/// When it cannot be started or ends with a failure.
pub fn quiet(command: &mut Command) -> Result<Output> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!(
            "{shown}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output)
}

/// Runs with the terminal's own output and says whether it succeeded.
///
/// # Errors
/// When it cannot be started.
pub fn loud(command: &mut Command) -> Result<bool> {
    let shown = show(command);
    Ok(command.status().with_context(|| format!("cannot start {shown}"))?.success())
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// A program that this one started and that must not outlive it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Running {
    /// Starts `command` with its output in `log`; as `user` when one is named, which takes root.
    ///
    /// When `setpriv` exists, the kernel also ends the program should this one be killed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &Command, user: Option<&str>, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = as_user(command, user, true)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name: name.to_owned(), log: log.to_path_buf() })
    }

    /// Waits until `ready` holds.
    ///
    /// # Errors
    /// When the program ends before that, or `limit` passes.
    pub fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended early: {status}\n{}", self.name, tail(&self.log));
            }
            if start.elapsed() > limit {
                bail!("{} was not ready within {} s\n{}", self.name, limit.as_secs(), tail(&self.log));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Its process: that of the program itself, since the wrappers replace themselves by it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the program to end (SIGTERM), and insists (SIGKILL) after `patience`.
    pub fn stop(&mut self, patience: Duration) {
        let id = self.child.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).stderr(Stdio::null()).status();
        let start = Instant::now();
        while asked.is_ok() && start.elapsed() < patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // An error here means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop(Duration::from_secs(5));
        }
    }
}

/// The same command, run as another user and, if `tied`, ended by the kernel when this program ends.
pub fn as_user(command: &Command, user: Option<&str>, tied: bool) -> Command {
    let mut wrapped = match crate::repo::program("setpriv") {
        Some(setpriv) if tied || user.is_some() => {
            let mut wrapped = Command::new(setpriv);
            if let Some(user) = user {
                wrapped.args(["--reuid", user, "--regid", user, "--init-groups"]);
            }
            if tied {
                wrapped.args(["--pdeathsig", "TERM"]);
            }
            wrapped.arg("--").arg(command.get_program());
            wrapped
        }
        _ => Command::new(command.get_program()),
    };
    wrapped.args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
