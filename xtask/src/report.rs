//! The summary at the end of a run: what was done, how long it took, how it ended.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How one step ended.
#[derive(Debug)]
pub enum Outcome {
    Passed,
    /// Not done, and why: always shown.
    Skipped(String),
    /// What is wrong, ready to be read.
    Failed(String),
}

/// The steps of one run, in order.
#[derive(Debug, Default)]
pub struct Report {
    steps: Vec<(String, Outcome, Duration)>,
    notes: Vec<String>,
}

impl Report {
    /// Runs one step; an error is a failure of that step and never ends the run.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome>) {
        eprintln!("── {name}");
        let start = Instant::now();
        let outcome = work().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        match &outcome {
            Outcome::Passed => {}
            Outcome::Skipped(why) => eprintln!("SKIPPED: {name}: {why}"),
            Outcome::Failed(why) => eprintln!("{why}\nFAILED: {name}"),
        }
        self.steps.push((name.to_owned(), outcome, start.elapsed()));
    }

    /// Remembers something that the reader should see at the end although nothing failed.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub fn passed(&self) -> bool {
        !self.steps.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
    }

    /// Prints the table; says whether everything passed.
    pub fn finish(&self) -> bool {
        eprintln!("\n── summary");
        for (name, outcome, time) in &self.steps {
            let (word, detail) = match outcome {
                Outcome::Passed => ("ok", String::new()),
                Outcome::Skipped(why) => ("skipped", format!("  {why}")),
                Outcome::Failed(why) => ("FAILED", format!("  {}", why.lines().next().unwrap_or_default())),
            };
            eprintln!("  {word:<8}{name:<34}{:>7.1} s{detail}", time.as_secs_f64());
        }
        for note in &self.notes {
            eprintln!("  note: {note}");
        }
        let passed = self.passed();
        eprintln!("{}", if passed { "everything that was run passed" } else { "FAILED" });
        passed
    }
}
