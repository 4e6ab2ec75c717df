//! Progress of long work on standard error: a bar where a person watches, plain lines where not, nothing in between.

use crate::cli::{look::seconds, out};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How often the bar moves by itself, in milliseconds.
const TICK: u64 = 120;

/// The progress of one step.
pub(in crate::cli) struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    started: Instant,
}

impl Progress {
    /// Begins a step whose units are bytes or, else, records.
    pub(in crate::cli) fn start(name: &str, in_bytes: bool) -> Self {
        let bar = out::is_watched().then(|| {
            let bar = ProgressBar::new_spinner().with_message(name.to_owned()).with_style(unknown(in_bytes));
            bar.enable_steady_tick(Duration::from_millis(TICK));
            bar
        });
        if bar.is_none() {
            out::note(&format!("{name} ..."));
        }
        Self { bar, name: name.to_owned(), started: Instant::now() }
    }

    /// Names what is worked on within the step.
    pub(in crate::cli) fn tell(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// How far it is.
    pub(in crate::cli) fn set(&self, done: u64, total: Option<u64>, in_bytes: bool) {
        let Some(bar) = &self.bar else { return };
        if let Some(total) = total.filter(|total| *total > 0)
            && bar.length() != Some(total)
        {
            bar.set_style(known(in_bytes));
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Seconds so far.
    pub(in crate::cli) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the step; the bar goes away, or a line says how it ended.
    pub(in crate::cli) fn finish(self, how: &str) {
        match &self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => out::note(&format!("{}: {how} in {}", self.name, seconds(self.seconds()))),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("━╸ ")
}

fn known(in_bytes: bool) -> ProgressStyle {
    style(if in_bytes {
        "{msg:40!} {bar:30} {bytes:>10}/{total_bytes:10} {eta:>4}"
    } else {
        "{msg:40!} {bar:30} {human_pos:>10}/{human_len:10} {eta:>4}"
    })
}

fn unknown(in_bytes: bool) -> ProgressStyle {
    style(if in_bytes { "{spinner} {msg:40!} {bytes:>10}" } else { "{spinner} {msg:40!} {human_pos:>10}" })
}
