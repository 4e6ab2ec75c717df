//! What a person sees while a scan takes long: a line that moves, on a terminal only.

use crate::cli::out;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often it moves, in milliseconds.
const TICK: u64 = 120;

/// A step of a scan; it disappears when dropped.
pub(super) struct Step(Option<ProgressBar>);

impl Step {
    pub(super) fn begin(what: &str) -> Self {
        let bar = out::is_watched().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style).with_message(crate::cli::look::harmless(what));
            bar.enable_steady_tick(Duration::from_millis(TICK));
            bar
        });
        Self(bar)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Bytes that are being fetched; it disappears when dropped.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn begin(what: &str) -> Self {
        let bar = out::is_watched().then(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_message(crate::cli::look::harmless(what))
        });
        Self(bar)
    }

    pub(super) fn at(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
