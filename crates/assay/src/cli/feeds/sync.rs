//! `assay feeds sync`: what `serve` does on a schedule, once and now.

use super::{aftermath::Before, import::with_cause, progress::Progress, report::Report};
use crate::{
    cli::{Context, out::note},
    net::HttpNet,
    wiring,
};
use anyhow::{Result, bail};
use assay_model::seam::source::Source;
use std::{process::ExitCode, sync::Arc};

pub(super) async fn run(context: &Context, only: &[String]) -> Result<ExitCode> {
    let config = context.config()?;
    let chosen = choose(assay_advisories::ALL, only)?;
    let engine = wiring::engine(&config).await?;
    let before = Before::note(&engine).await?;
    let mut report = Report::default();
    for source in chosen {
        let id = source.spec().id;
        let Some(address) = config.sources.addresses.get(id).filter(|address| !address.is_empty()) else {
            note(&format!("{id}: no address is configured, so it is not fetched"));
            continue;
        };
        let progress = Arc::new(Progress::start(&format!("fetching {id}"), true));
        let watched = progress.clone();
        let net = HttpNet::new()?.observed(Box::new(move |url, done, total| {
            watched.tell(url);
            watched.set(done, total, true);
        }));
        let outcome = engine.sync_source(source, &net, address).await;
        drop(net);
        let spent = progress.seconds();
        if let Some(progress) = Arc::into_inner(progress) {
            progress.finish(if outcome.is_ok() { "done" } else { "failed" });
        }
        report.add(id.to_owned(), spent, outcome.map_err(|problem| with_cause(&problem)));
    }
    report.change = before.settle(&engine).await?;
    report.print(&context.out)
}

fn choose(all: &'static [&'static dyn Source], only: &[String]) -> Result<Vec<&'static dyn Source>> {
    let ids: Vec<&str> = all.iter().map(|source| source.spec().id).collect();
    if let Some(unknown) = only.iter().find(|id| !ids.contains(&id.as_str())) {
        bail!("there is no source `{unknown}`; known are {}", ids.join(", "));
    }
    Ok(all.iter().copied().filter(|s| only.is_empty() || only.iter().any(|id| id == s.spec().id)).collect())
}
