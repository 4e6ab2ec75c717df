//! The stable engine: mutates seeds for a while and keeps the input that breaks a target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Target;
use super::mutate::{Random, mutate};
use crate::make::sha256;

/// The longest input, in bytes: long enough for nested archives, short enough to run thousands a second.
const INPUT_LIMIT: usize = 64 << 10;

/// How long one input may take in a debug build before it counts as a finding.
const SLOW: Duration = Duration::from_secs(10);

/// How a run is bounded and where findings go.
#[derive(Debug)]
pub struct Plan {
    /// Time for the whole run.
    pub time: Duration,
    /// Stops after this many inputs even if there is time left.
    pub inputs: u64,
    /// The number from which all inputs follow.
    pub seed: u64,
    /// Where a breaking input is kept.
    pub artifacts: PathBuf,
    /// A file that gets every input before it runs, to find one that kills the process.
    pub trace: Option<PathBuf>,
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, in so many inputs.
    Nothing(u64),
    /// This input breaks the target.
    Input(PathBuf, &'static str),
}

/// Runs a target on its seeds, on whatever earlier runs kept, and on mutations of them.
///
/// # Errors
/// When a file cannot be read or written.
pub fn run(target: &Target, plan: &Plan) -> Result<Found> {
    let mut seeds = target.seeds.clone();
    seeds.extend(kept(&plan.artifacts)?);
    let start = Instant::now();
    let mut random = Random::new(plan.seed);
    let mut count = 0;
    while count < plan.inputs && start.elapsed() < plan.time {
        let input = match usize::try_from(count).ok().and_then(|at| seeds.get(at)) {
            Some(seed) => seed.clone(),
            None => mutate(&seeds, &mut random, INPUT_LIMIT),
        };
        count += 1;
        if let Some(trace) = &plan.trace {
            std::fs::write(trace, &input)?;
        }
        if let Some(what) = breaks(target, &input) {
            return Ok(Found::Input(keep(&plan.artifacts, &input)?, what));
        }
    }
    Ok(Found::Nothing(count))
}

/// Runs a target on one file.
///
/// # Errors
/// When it cannot be read.
pub fn replay(target: &Target, file: &Path) -> Result<Found> {
    let input = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(breaks(target, &input).map_or(Found::Nothing(1), |what| Found::Input(file.to_path_buf(), what)))
}

fn breaks(target: &Target, input: &[u8]) -> Option<&'static str> {
    let start = Instant::now();
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        return Some("panics");
    }
    (start.elapsed() > SLOW).then_some("is slow")
}

fn kept(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut names: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect(),
        Err(_) => return Ok(Vec::new()),
    };
    names.sort();
    names.iter().map(|path| std::fs::read(path).with_context(|| path.display().to_string())).collect()
}

fn keep(folder: &Path, input: &[u8]) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("crash-{}", &sha256(input)[..16]));
    std::fs::write(&path, input)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{Found, Plan, replay, run};
    use crate::fuzz::Target;
    use std::time::Duration;

    fn plan(folder: &std::path::Path) -> Plan {
        let artifacts = folder.join("artifacts");
        Plan { time: Duration::from_secs(20), inputs: 200_000, seed: 1, artifacts, trace: None }
    }

    #[test]
    fn a_planted_fault_is_found_kept_and_found_again() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = Target::new("planted", vec![b"size: 12\n".to_vec()], |input| {
            let text = String::from_utf8_lossy(input);
            let number = text.strip_prefix("size: ").and_then(|rest| rest.trim().parse::<u64>().ok());
            assert!(number.is_none_or(|number| number < 1 << 40), "planted");
        });
        let Found::Input(path, what) = run(&target, &plan(folder.path()))? else { anyhow::bail!("nothing found") };
        assert_eq!(what, "panics");
        assert_eq!(replay(&target, &path)?, Found::Input(path, "panics"));
        Ok(())
    }

    #[test]
    fn a_sound_target_passes() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = Target::new("sound", vec![b"x".to_vec()], |input| assert!(input.len() <= 1 << 20));
        let plan = Plan { inputs: 500, ..plan(folder.path()) };
        assert_eq!(run(&target, &plan)?, Found::Nothing(500));
        Ok(())
    }
}
