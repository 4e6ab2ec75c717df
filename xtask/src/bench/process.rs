//! What a process costs from outside: time, processor time, and the most memory it held.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Clock ticks of `/proc` in a second; Linux has no other on the machines this runs on.
const TICKS: f64 = 100.0;
const POLL: Duration = Duration::from_millis(2);

/// What one run cost.
#[derive(Debug)]
pub struct Cost {
    /// Wall clock, in seconds.
    pub seconds: f64,
    /// User and system time, in seconds.
    pub processor: f64,
    /// Peak of resident memory, in MiB.
    pub memory: f64,
    pub stdout: Vec<u8>,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or fails.
pub fn cost(command: &mut Command) -> Result<Cost> {
    let shown = format!("{command:?}");
    let before = children()?;
    let start = Instant::now();
    let out = tempfile::NamedTempFile::new()?;
    let said = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(out.reopen()?).stderr(said.reopen()?);
    let mut child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut memory: f64 = 0.0;
    let status = loop {
        memory = memory.max(peak(Path::new(&status_file)).unwrap_or_default());
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(POLL),
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{shown}: {status}\n{}", std::fs::read_to_string(said.path()).unwrap_or_default());
    }
    Ok(Cost { seconds, processor: children()? - before, memory, stdout: std::fs::read(out.path())? })
}

/// Processor time of all children that have ended, in seconds.
fn children() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The name may hold anything, and is the only field in parentheses.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (ticks(13), ticks(14));
    Ok((user.context("no cutime")? + system.context("no cstime")?) / TICKS)
}

/// `VmHWM`, in MiB.
fn peak(status: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::cost;
    use std::process::Command;

    #[test]
    fn a_process_costs_something() -> anyhow::Result<()> {
        let spent =
            cost(Command::new("sh").args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo $i"]))?;
        assert_eq!(spent.stdout, b"100000\n");
        assert!(spent.memory > 0.0 && spent.seconds > 0.0);
        assert!(cost(Command::new("sh").args(["-c", "exit 3"])).is_err());
        Ok(())
    }
}
