//! Runs one fuzz target on the stable toolchain. `cargo xtask fuzz` starts it, a process a target.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assay_testkit::fuzz::{self, engine};

const HELP: &str = "\
assay-fuzz --list
assay-fuzz TARGET [--seconds N] [--inputs N] [--seed N] [--artifacts DIR] [--trace FILE]
assay-fuzz TARGET --input FILE";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("assay-fuzz: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let mut words = std::env::args().skip(1);
    let name = words.next().context(HELP)?;
    if name == "--list" {
        for target in fuzz::targets() {
            println!("{}", target.name);
        }
        return Ok(true);
    }
    let target = fuzz::target(&name).with_context(|| format!("there is no target {name:?}"))?;
    let mut plan = engine::Plan {
        time: Duration::from_secs(60),
        inputs: u64::MAX,
        seed: 1,
        artifacts: PathBuf::from("fuzz/artifacts").join(&name),
        trace: None,
    };
    let mut input = None;
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--seconds" => plan.time = Duration::from_secs(value.parse()?),
            "--inputs" => plan.inputs = value.parse()?,
            "--seed" => plan.seed = value.parse()?,
            "--artifacts" => plan.artifacts = PathBuf::from(value),
            "--trace" => plan.trace = Some(PathBuf::from(value)),
            "--input" => input = Some(PathBuf::from(value)),
            _ => bail!("there is no switch {word:?}\n{HELP}"),
        }
    }
    let found = match input {
        Some(file) => engine::replay(&target, &file)?,
        None => engine::run(&target, &plan)?,
    };
    Ok(match found {
        engine::Found::Nothing(count) => {
            println!("{name}: {count} inputs, nothing found");
            true
        }
        engine::Found::Input(path, what) => {
            println!("{name} {what} on {}; seed {}", path.display(), plan.seed);
            false
        }
    })
}
