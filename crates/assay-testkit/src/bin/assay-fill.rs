//! Fills a server with many tiny packages, and makes an advisory for one of them. `cargo xtask bench` starts it.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use assay_testkit::client::Http;
use assay_testkit::make::{feeds, wheel::Wheel};
use assay_testkit::upload;

const HELP: &str = "\
assay-fill wheels --url URL [--repository main] [--prefix fill] [--names N] [--versions N] [--connections N]
                  (the token is in ASSAY_TOKEN)
assay-fill advisory --id ID --name NAME --out FILE.zip";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-fill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value =
        |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).map(String::as_str);
    match words.first().map(String::as_str) {
        Some("wheels") => {
            let plan = Plan {
                repository: value("--repository").unwrap_or("main").to_owned(),
                prefix: value("--prefix").unwrap_or("fill").to_owned(),
                names: value("--names").unwrap_or("10").parse()?,
                versions: value("--versions").unwrap_or("1").parse()?,
            };
            let token = std::env::var("ASSAY_TOKEN").context("ASSAY_TOKEN is not set")?;
            let http = Http::new(value("--url").context(HELP)?, Some(&token))?;
            wheels(http, plan, value("--connections").unwrap_or("4").parse()?).await
        }
        Some("advisory") => {
            let named = |name: &str| value(name).context(HELP);
            advisory(named("--id")?, named("--name")?, named("--out")?)
        }
        _ => bail!("{HELP}"),
    }
}

struct Plan {
    repository: String,
    prefix: String,
    names: usize,
    versions: usize,
}

/// Uploads all of them over a few connections that are kept open.
async fn wheels(http: Http, plan: Plan, connections: usize) -> Result<()> {
    let plan = Arc::new(plan);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (http, plan, next) = (http.clone(), Arc::clone(&plan), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= plan.names * plan.versions {
                    return Ok::<_, anyhow::Error>(());
                }
                let name = format!("{}-{}", plan.prefix, at / plan.versions);
                let built = Wheel::new(&name, &format!("1.{}", at % plan.versions)).build()?;
                let reply = upload::pypi(&http, &plan.repository, &built).await?;
                if !reply.status.is_success() {
                    bail!("{} was refused with {}: {}", built.file_name, reply.status, reply.text());
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

fn advisory(id: &str, name: &str, out: &str) -> Result<()> {
    let record = feeds::osv_record(id, "PyPI", name, None, feeds::CRITICAL, "2026-01-01T00:00:00Z");
    std::fs::write(out, feeds::osv_zip(&[record])?).with_context(|| format!("cannot write {out}"))
}
