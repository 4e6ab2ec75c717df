//! `assay feeds import`.

use super::{
    aftermath::Before,
    files::{Gathered, Input, gather},
    progress::Progress,
    report::Report,
};
use crate::{
    bundle,
    cli::{
        Context,
        look::{count, harmless},
        out::note,
    },
    net::HttpNet,
    wiring,
};
use anyhow::{Context as _, Result};
use assay_engine::{Engine, ImportReport, SourceCounts};
use assay_model::seam::source::Net;
use std::{fs::File, path::Path, process::ExitCode, sync::Arc};
use tempfile::TempPath;

pub(super) async fn run(context: &Context, from: &[String], force: bool) -> Result<ExitCode> {
    let config = context.config()?;
    let Gathered { inputs, skipped } = gather(from, assay_advisories::ALL)?;
    if !config.data.exists() {
        // Whoever names a server (ASSAY_URL) may expect that it is what is imported into.
        let place = harmless(&config.data.display().to_string());
        note(&format!(
            "note: {place} is new; a server that keeps its data elsewhere sees nothing of this: name its directory with --data"
        ));
    }
    let engine = wiring::engine(&config).await?;
    let before = Before::note(&engine).await?;
    let mut report = Report { skipped, ..Report::default() };
    for input in inputs {
        match input {
            Input::File { name, path } if bundle::read::is_bundle(&path)? => {
                let started = std::time::Instant::now();
                let taken = bundle::read::import(&engine, &wiring::vault(&config), &path, force, "cli").await;
                report.add(name, started.elapsed().as_secs_f64(), taken.map_err(|error| format!("{error:#}")));
            }
            Input::File { name, path } => read(&engine, &mut report, force, name, &path).await?,
            Input::Url(url) => fetch(&engine, &mut report, force, &url).await?,
        }
    }
    report.change = before.settle(&engine).await?;
    if report.files.is_empty() {
        note("warning: nothing to import was found; `assay feeds status` lists the sources whose files are read");
    }
    report.print(&context.out)
}

/// Fetches a file and imports it; a fetch that fails is one piece of the report.
async fn fetch(engine: &Arc<Engine>, report: &mut Report, force: bool, url: &str) -> Result<()> {
    let progress = Arc::new(Progress::start(url, true));
    let watched = progress.clone();
    let net = HttpNet::new()?.observed(Box::new(move |_, done, total| watched.set(done, total, true)));
    let fetched = net.get(url, None).await;
    drop(net);
    let spent = progress.seconds();
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(if fetched.is_ok() { "fetched" } else { "failed" });
    }
    match fetched {
        Ok(reply) => {
            let body = TempPath::try_from_path(reply.body)?;
            let name = url.split(['?', '#']).next().unwrap_or(url).rsplit('/').next().unwrap_or(url);
            read(engine, report, force, name.to_owned(), &body).await
        }
        Err(problem) => {
            report.add(url.to_owned(), spent, Err(problem.to_string()));
            Ok(())
        }
    }
}

/// Imports a file on a blocking thread; a file that is no feed is one piece of the report.
async fn read(engine: &Arc<Engine>, report: &mut Report, force: bool, name: String, path: &Path) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let engine = engine.clone();
    let (name, spent, outcome) = tokio::task::spawn_blocking(move || {
        let progress = Progress::start(&name, false);
        let mut counts = ImportReport::default();
        let outcome = engine
            .import_forced(&name, &mut file, force, &mut counts, &mut |done, total| progress.set(done, total, false));
        let spent = progress.seconds();
        progress.finish(&match &outcome {
            Ok(()) => count(counts.sources.values().map(SourceCounts::total).sum(), "record", "records"),
            Err(_) => "failed".to_owned(),
        });
        (name, spent, outcome.map(|()| counts).map_err(|problem| with_cause(&problem)))
    })
    .await?;
    report.add(name, spent, outcome);
    Ok(())
}

/// The problem and what caused it, on one line.
pub(super) fn with_cause(problem: &assay_model::Problem) -> String {
    match std::error::Error::source(problem) {
        Some(cause) => format!("{problem}: {cause}"),
        None => problem.to_string(),
    }
}
