//! Waiting until a change of policy is carried out on a server, and counting what it did.

use super::{
    client::Client,
    effect::Effect,
    look::count,
    out::{is_watched, note},
    views::{Jobs, Status},
};
use anyhow::{Result, bail};
use assay_model::event::{Event, Seq};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The lane in which changes are carried out.
const LANE: &str = "change";
/// Between two looks, in milliseconds.
const PAUSE: u64 = 150;
/// Jobs that neither run nor become fewer for this long are not due yet (reviews by the clock, retries), in seconds.
const STILL: u64 = 5;
/// Longest wait, in seconds; the server goes on without us.
const PATIENCE: u64 = 3600;
const PAGE: usize = 1000;

/// Where the server stood before the change.
pub(super) struct Before {
    event: Seq,
    since: Timestamp,
}

/// What the change did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Done {
    /// Packages decided, each once.
    pub(super) decided: u64,
    /// Of these, newly quarantined.
    pub(super) quarantined: u64,
    /// Of these, released.
    pub(super) released: u64,
}

#[derive(Deserialize)]
struct Events {
    events: Vec<Event>,
}

impl Before {
    pub(super) async fn note(client: &Client) -> Result<Self> {
        let newest = [("order", "newest".to_owned()), ("limit", "1".to_owned())];
        let last: Events = client.get(&["events"], &newest).await?;
        let status: Status = client.get(&["status"], &[]).await?;
        Ok(Self { event: last.events.first().map_or(0, |event| event.seq), since: status.now })
    }

    /// Waits until the lane is empty and counts.
    pub(super) async fn settle(self, client: &Client) -> Result<Done> {
        drained(client).await?;
        let status: Status = client.get(&["status"], &[("since", self.since.to_string())]).await?;
        let decided = status.since.map_or(0, |since| since.decided);
        let (mut after, mut effect) = (self.event, Effect::default());
        loop {
            let query = [("after", after.to_string()), ("limit", PAGE.to_string())];
            let page: Events = client.get(&["events"], &query).await?;
            for event in &page.events {
                effect.add(event);
                after = event.seq;
            }
            if page.events.len() < PAGE {
                return Ok(Done { decided, quarantined: effect.quarantined(), released: effect.released() });
            }
        }
    }
}

impl Done {
    /// One line for people.
    pub(super) fn sentence(&self) -> String {
        let packages = count(self.decided, "package", "packages");
        format!("{packages} decided: {} newly quarantined, {} released", self.quarantined, self.released)
    }
}

async fn drained(client: &Client) -> Result<()> {
    let started = Instant::now();
    let (mut last, mut moved) = (Jobs::default(), Instant::now());
    let bar = is_watched().then(bar);
    loop {
        let status: Status = client.get(&["status"], &[]).await?;
        let jobs = status.jobs.get(LANE).copied().unwrap_or_default();
        let left = jobs.waiting + jobs.running;
        if jobs != last {
            (last, moved) = (jobs, Instant::now());
        }
        if let Some(bar) = &bar {
            let left = u64::try_from(left).unwrap_or(0);
            bar.set_length(bar.length().unwrap_or(0).max(left));
            bar.set_position(bar.length().unwrap_or(0) - left);
        }
        if left == 0 || (jobs.running == 0 && moved.elapsed() > Duration::from_secs(STILL)) {
            if let Some(bar) = &bar {
                bar.finish_and_clear();
            }
            if left > 0 {
                note(&format!(
                    "{} due later; see `assay status`",
                    count(u64::try_from(left).unwrap_or(0), "job is", "jobs are")
                ));
            }
            return Ok(());
        }
        if started.elapsed() > Duration::from_secs(PATIENCE) {
            bail!("the server is still deciding after an hour; it goes on, see `assay status`");
        }
        tokio::time::sleep(Duration::from_millis(PAUSE)).await;
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("deciding {bar:30} {human_pos}/{human_len} {eta:>4}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "))
}
