//! `assay serve`: first-run set-up, the listener, workers and the schedule of the sources.

use crate::{config::Config, http, net::HttpNet, wiring};
use anyhow::{Context, Result, bail};
use assay_engine::{Engine, Watched};
use assay_model::{
    access::{Caller, Permission},
    problem::Problem,
    repository::Settings,
    seam::source::Net,
};
use std::{
    fs::{File, TryLockError},
    io::IsTerminal,
    sync::Arc,
};
use tokio::net::TcpListener;

const FIRST_REPOSITORY: &str = "main";

/// Runs the server until it is told to stop (SIGINT, SIGTERM).
///
/// # Errors
/// When the address is taken or a store cannot be opened.
pub async fn run(mut config: Config) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("ASSAY_LOG").unwrap_or_else(|_| "info".into()))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    allow_many_files();
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", config.listen))?;
    config.listen = listener.local_addr()?;
    let alone = take_directory(&config)?;
    let engine = wiring::engine(&config).await?;
    wiring::vault(&config).check(engine.meta(), !config.database.url.is_empty()).await?;
    let welcome = first_run(&engine).await?;
    if config.database.url.is_empty() {
        engine.take_back_leases().await?;
        engine.take_back_graves().await?;
    }
    if alone.is_some() {
        let removed = engine.clear_leftovers().await?;
        if removed > 0 {
            tracing::info!(removed, "removed what interrupted uploads had left in the spool");
        }
    }
    engine.after_import().await?;
    let mut workers = engine.start_workers();
    if config.database.url.is_empty() && config.storage.url.is_empty() {
        workers.spawn(collect_unnamed(engine.clone()));
    }
    if config.sources.sync {
        for source in engine.sources() {
            if let Some(address) = config.sources.addresses.get(source.spec().id).filter(|a| !a.is_empty()) {
                let watched = Watched { source: *source, address: address.clone() };
                workers.spawn(engine.clone().keep_source(watched, network));
            }
        }
    }
    workers.spawn(engine.clone().watch_freshness());
    announce(&config, &welcome)?;
    let stopping = engine.clone();
    http::server::run(listener, http::App::new(engine, &config).await?).await?;
    if let Err(problem) = stopping.write_downloads().await {
        tracing::warn!(%problem, "the last downloads were not counted");
    }
    workers.abort_all();
    Ok(())
}

/// Every connection is a file, and so is every blob that is sent: asks for as many as the system allows. Shells and
/// service managers often give no more than 1,024.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "cannot have more files open");
    }
}

/// Holds the data directory for this server as long as the file is open; none where it can be shared and is. Its end, of
/// whatever kind, gives the directory back.
fn take_directory(config: &Config) -> Result<Option<File>> {
    let shown = config.data.display();
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make the data directory {shown}"))?;
    let lock = File::options().create(true).truncate(false).write(true).open(config.data.join("lock"));
    let lock = lock.with_context(|| format!("cannot write to the data directory {shown}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) if config.database.url.is_empty() => {
            bail!("another server runs on the data directory {shown}; stop it, or choose another directory with --data")
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the data directory cannot be locked; what interrupted uploads left is not removed");
            Ok(None)
        }
    }
}

enum Welcome {
    /// The token was made just now.
    Token(String),
    /// The operator chose the token.
    Chosen,
    /// There are tokens already.
    Again,
}

async fn first_run(engine: &Engine) -> Result<Welcome> {
    let system = Caller::System;
    if engine.readable_repositories(&system).await?.is_empty() {
        engine.create_repository(&system, FIRST_REPOSITORY, Settings::default()).await?;
    }
    if let Ok(secret) = std::env::var("ASSAY_ADMIN_TOKEN") {
        engine.ensure_admin_token(&secret).await?;
        return Ok(Welcome::Chosen);
    }
    if !engine.tokens(&system).await?.is_empty() {
        return Ok(Welcome::Again);
    }
    let issued = engine.issue_token(&system, "admin", Permission::Admin, vec![], None).await?;
    Ok(Welcome::Token(issued.secret))
}

#[allow(clippy::print_stdout, reason = "what the operator reads at start")]
fn announce(config: &Config, welcome: &Welcome) -> Result<()> {
    let file = config.data.join("listen");
    std::fs::write(&file, format!("{}\n", config.listen))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let url = wiring::public_url(config);
    println!("listening on {url}");
    println!();
    println!("  web page    {url}/ui/");
    println!("  repository  {FIRST_REPOSITORY}");
    let token = match welcome {
        Welcome::Token(secret) => {
            println!("  token       {secret}   (administrator; shown once, keep it)");
            secret.as_str()
        }
        Welcome::Chosen => "$ASSAY_ADMIN_TOKEN",
        Welcome::Again => {
            println!("  token       the one you kept; `assay tokens create` makes more");
            return Ok(());
        }
    };
    println!();
    println!("Next, in another terminal:");
    println!("  export ASSAY_URL={url} ASSAY_TOKEN={token}");
    println!(
        "  twine upload --repository-url $ASSAY_URL/pypi/{FIRST_REPOSITORY}/legacy/ -u __token__ -p $ASSAY_TOKEN dist/*"
    );
    println!("  curl -u :$ASSAY_TOKEN -T FILE $ASSAY_URL/generic/{FIRST_REPOSITORY}/path/file");
    Ok(())
}

async fn collect_unnamed(engine: Arc<Engine>) {
    match engine.collect_unnamed().await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "deleted bytes that an interrupted upload had left"),
        Err(problem) => tracing::warn!(%problem, "cannot look for bytes of interrupted uploads"),
    }
}

/// A network for one fetch of a source.
fn network() -> Result<Box<dyn Net>, Problem> {
    let net = HttpNet::new().map_err(|error| Problem::internal("cannot make an HTTP client", error))?;
    Ok(Box::new(net))
}
