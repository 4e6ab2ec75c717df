//! Health, metrics, status, jobs, and the token endpoint of the distribution specification.

use super::{super::auth, Answer, App, Call, ok, plain};
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
    seam::meta,
};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::{fmt::Write, sync::Arc};

pub(crate) async fn health(_: Arc<App>, _: Call) -> Answer {
    Ok(plain(StatusCode::OK, "text/plain", "ok\n"))
}

/// Ready when the store answers.
pub(crate) async fn ready(app: Arc<App>, _: Call) -> Answer {
    match app.engine.meta().head().await {
        Ok(_) => Ok(plain(StatusCode::OK, "text/plain", "ready\n")),
        Err(problem) => Err(Problem::busy(format!("the store does not answer: {problem}"), 5)),
    }
}

/// Exchanges Basic credentials, or none, for a short-lived bearer token.
pub(crate) async fn flow_token(app: Arc<App>, call: Call) -> Answer {
    let caller = auth::caller(&app, &call.headers).await?;
    if caller == Caller::Anonymous && app.engine.readable_repositories(&caller).await?.is_empty() {
        return Err(Problem::new(
            Kind::Unauthenticated,
            "unauthenticated",
            "authentication required: log in with any user name and a token as password",
        ));
    }
    let (token, seconds) = auth::flow_token(&app, &caller)?;
    ok(&json!({"token": token, "access_token": token, "expires_in": seconds, "issued_at": Timestamp::now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    since: Option<Timestamp>,
}

pub(crate) async fn status(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let now = app.engine.now();
    let since = match asked.since {
        Some(since) => Some(app.engine.attended_since(since).await?),
        None => None,
    };
    let (jobs, advisories, feeds, inventories) = meta::read(app.engine.meta(), move |tx| {
        Ok((tx.job_counts(now)?, tx.advisory_counts()?, tx.feed_states()?, tx.inventories_made()?))
    })
    .await?;
    let drained = app.engine.drained().await?;
    let holdings = app.engine.holdings().await?;
    let repositories: Vec<_> = app
        .engine
        .readable_repositories(&Caller::System)
        .await?
        .into_iter()
        .map(|place| {
            json!({
                "name": place.name, "holds": holdings.get(&place.id).copied().unwrap_or_default(),
                "quota_bytes": place.settings.quota_bytes, "quota_packages": place.settings.quota_packages,
            })
        })
        .collect();
    ok(&json!({
        "version": env!("CARGO_PKG_VERSION"), "workspace": app.workspace, "jobs": jobs, "advisories": advisories,
        "feeds": feeds, "matched": drained.matched, "decided": drained.decided, "inventories": inventories,
        "now": now, "since": since, "repositories": repositories, "collection": app.engine.collection(), "renewal": app.engine.renewal().await?,
    }))
}

/// Prometheus text format.
pub(crate) async fn metrics(app: Arc<App>, _: Call) -> Answer {
    let now = app.engine.now();
    let (jobs, advisories, events) =
        meta::read(app.engine.meta(), move |tx| Ok((tx.job_counts(now)?, tx.advisory_counts()?, tx.last_event()?)))
            .await?;
    let drained = app.engine.drained().await?;
    let health = app.engine.source_health().await?;
    let mut text = String::new();
    let mut line = |help: &str, name: &str, rows: Vec<(String, i64)>| {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let by_lane = |pick: fn(&meta::JobCounts) -> i64| {
        jobs.iter().map(|(lane, c)| (format!("{{lane=\"{}\"}}", lane.as_str()), pick(c))).collect::<Vec<_>>()
    };
    line("Jobs waiting.", "assay_jobs_waiting", by_lane(|c| c.waiting));
    line("Jobs running.", "assay_jobs_running", by_lane(|c| c.running));
    line("Jobs given up.", "assay_jobs_dead", by_lane(|c| c.dead));
    let by_source = advisories.iter().map(|(s, n)| (format!("{{source=\"{s}\"}}"), *n)).collect();
    line("Current advisories.", "assay_advisories", by_source);
    let of_sources = |pick: fn(&assay_engine::SourceHealth) -> Option<i64>| {
        let label = |one: &assay_engine::SourceHealth| format!("{{source=\"{}\"}}", one.source);
        health.iter().filter_map(|one| Some((label(one), pick(one)?))).collect::<Vec<_>>()
    };
    line("Records kept of a source.", "assay_source_records", of_sources(|s| Some(s.records)));
    line(
        "Unix time of a source's last success.",
        "assay_source_last_success_timestamp_seconds",
        of_sources(|s| s.synced_at.map(|at| at.as_second())),
    );
    line(
        "Unix time of the last attempt to fetch a source.",
        "assay_source_last_attempt_timestamp_seconds",
        of_sources(|s| s.attempted_at.map(|at| at.as_second())),
    );
    line("Failures in a row of a source.", "assay_source_failures", of_sources(|s| Some(i64::from(s.failures))));
    line("Whether a source is stale.", "assay_source_stale", of_sources(|s| Some(i64::from(s.stale))));
    line("Entries of the event log.", "assay_events_total", vec![(String::new(), events)]);
    let count = |n: u64| vec![(String::new(), i64::try_from(n).unwrap_or(i64::MAX))];
    line("Components matched.", "assay_components_matched_total", count(drained.matched));
    line("Packages decided.", "assay_decisions_total", count(drained.decided));
    let collected = app.engine.collection_totals();
    line("Blobs that collection looked at.", "assay_gc_examined_total", count(collected.examined));
    line("Blobs that collection removed.", "assay_gc_removed_total", count(collected.removed));
    line("Bytes that collection removed.", "assay_gc_removed_bytes_total", count(collected.bytes));
    line("Whether collection is running.", "assay_gc_running", count(u64::from(app.engine.collection().running)));
    Ok(plain(StatusCode::OK, "text/plain; version=0.0.4", text))
}

pub(crate) async fn dead_jobs(app: Arc<App>, _: Call) -> Answer {
    let now = Timestamp::now();
    let jobs = meta::read(app.engine.meta(), move |tx| tx.dead_jobs(false, now)).await?;
    ok(&json!({"jobs": jobs}))
}

pub(crate) async fn retry_jobs(app: Arc<App>, _: Call) -> Answer {
    let now = Timestamp::now();
    let jobs = meta::write(app.engine.meta(), move |tx| tx.dead_jobs(true, now)).await?;
    ok(&json!({"retried": jobs.len()}))
}
