//! Asking the public API repository by repository: `<base>/projects/<host>/<owner>/<name>`. Only repositories that occur
//! among stored packages are asked about, each at most once in a while, and a bounded number of them in one run.

use crate::download::{NOT_MODIFIED, discard};
use assay_model::{
    Problem,
    problem::Kind,
    seam::source::{Cursor, Fetched, Net},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requests of one run: with an hourly run, some thousand repositories a day.
pub(super) const AT_ONCE: usize = 200;
/// Seconds until a repository is asked about again; the API has a new result about once a week.
pub(super) const AGAIN: i64 = 3 * 24 * 3600;
/// Failures in a row after which the run ends: the API is down, or wants to be left alone.
const PATIENCE: usize = 5;

/// What is known of a repository's answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Asked {
    /// When, in seconds.
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

pub(super) async fn fetch(
    net: &dyn Net,
    base: &str,
    since: Option<&Cursor>,
    about: &[String],
    now: Timestamp,
) -> Result<Fetched, Problem> {
    let mut asked: BTreeMap<String, Asked> =
        since.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default();
    asked.retain(|repository, _| about.binary_search(repository).is_ok());
    let now = now.as_second();
    let mut due: Vec<(i64, &String)> =
        about.iter().map(|r| (asked.get(r).map_or(0, |a| a.at), r)).filter(|(at, _)| at + AGAIN <= now).collect();
    due.sort();
    let (mut files, mut failures, mut last) = (Vec::new(), 0, None);
    for (_, repository) in due.into_iter().take(AT_ONCE) {
        let known = asked.get(repository).cloned().unwrap_or_default();
        let url = format!("{}/projects/{repository}", base.trim_end_matches('/'));
        match net.get(&url, known.etag.as_deref()).await {
            Ok(reply) if reply.status == NOT_MODIFIED => {
                discard(&reply.body);
                asked.insert(repository.clone(), Asked { at: now, ..known });
                failures = 0;
            }
            Ok(reply) => {
                asked.insert(repository.clone(), Asked { at: now, etag: reply.etag });
                files.push((format!("{repository}.json"), reply.body));
                failures = 0;
            }
            // it was never looked at by Scorecard
            Err(problem) if problem.kind == Kind::NotFound => {
                asked.insert(repository.clone(), Asked { at: now, etag: None });
                failures = 0;
            }
            Err(problem) => {
                failures += 1;
                tracing::debug!(repository, %problem, "no scorecard");
                last = Some(problem);
                if failures >= PATIENCE {
                    break;
                }
            }
        }
    }
    match last {
        Some(problem) if files.is_empty() => Err(problem),
        _ => Ok(Fetched::Batch { files, cursor: Cursor(serde_json::to_string(&asked).unwrap_or_default()) }),
    }
}
