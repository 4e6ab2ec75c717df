//! The only place that names all lists: formats, analyzers, sources, actions, stores become one engine here.

use crate::{
    config::Config,
    notify::Senders,
    transport::{HttpTransport, guard::Guard},
    vault::KeyVault,
};
use anyhow::{Context, Result};
use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_engine::{Engine, IntakeLimits, NoticeRules, Parts, Rhythm};
use assay_model::clock::SystemClock;
use assay_store::{S3Config, StoreConfig};
use std::{sync::Arc, time::Duration};

/// Opens the stores of a configuration and wires an engine over them. Its workers are not started.
///
/// # Errors
/// When the data directory or a store cannot be opened.
pub async fn engine(config: &Config) -> Result<Arc<Engine>> {
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot make the data directory {}", config.data.display()))?;
    // formats read the metadata of what is uploaded
    Limits::configure(limits(config));
    over(config, assay_store::open(&stores(config)?).await?)
}

/// The same over stores that are open.
///
/// # Errors
/// When the spool directory cannot be made, or a configured network cannot be read.
pub fn over(config: &Config, stores: assay_store::Stores) -> Result<Arc<Engine>> {
    let names: Vec<(&str, &str)> = assay_formats::ALL.iter().map(|f| (f.spec().id, f.spec().policy_name)).collect();
    let engine = Engine::new(Parts {
        meta: stores.meta,
        blobs: stores.blobs,
        formats: assay_formats::ALL,
        inspector: Arc::new(inspector(config)),
        matcher: Arc::new(assay_advisories::OsvMatcher),
        judge: Arc::new(assay_policy::RegoJudge::new(&names)),
        vex: Arc::new(assay_advisories::vex::Documents),
        verifier: Arc::new(assay_signatures::Signatures),
        actions: assay_policy::ALL,
        sources: assay_advisories::ALL,
        transport: Arc::new(HttpTransport::new(guard(config)?)),
        vault: Arc::new(vault(config)),
        messenger: Arc::new(Senders::new(guard(config)?)),
        notices: notices(config),
        clock: Arc::new(SystemClock),
        spool: config.data.join("spool"),
        workspace: config.workspace.clone(),
        public_url: public_url(config),
        limits: IntakeLimits { file_bytes: config.limits.file_bytes, ..IntakeLimits::default() },
        decision_input_days: config.decisions.input_days,
    })?;
    engine.set_rhythm(Rhythm { cadence: config.sources.cadence, stale_after: config.sources.stale_after });
    Ok(engine)
}

/// Which addresses may be connected to on behalf of others.
///
/// # Errors
/// When a configured network cannot be read.
pub fn guard(config: &Config) -> Result<Guard> {
    Guard::new(&config.allow_private_networks).context("`allow_private_networks` is wrong")
}

fn notices(config: &Config) -> NoticeRules {
    let given = &config.notifications;
    NoticeRules {
        quiet: given.quiet.into(),
        retry: given.retry.into(),
        attempts: given.attempts,
        pause_after: i64::from(given.pause_after_hours) * 3600,
        keep_days: given.keep_days.into(),
        ..NoticeRules::default()
    }
}

/// What seals secrets at rest.
pub fn vault(config: &Config) -> KeyVault {
    KeyVault::new(&config.secret_key.0, &config.data)
}

/// Every analyzer, under the configured limits.
pub fn inspector(config: &Config) -> StandardInspector {
    StandardInspector::new(limits(config))
}

fn limits(config: &Config) -> Limits {
    let given = &config.limits.archive;
    Limits {
        entries: given.entries,
        entry_bytes: given.entry_bytes,
        total_bytes: given.total_bytes,
        ratio: given.ratio,
        depth: given.depth,
        path_bytes: given.path_bytes,
        metadata_bytes: given.metadata_bytes,
        deadline: Duration::from_secs(given.deadline),
    }
}

fn stores(config: &Config) -> Result<StoreConfig> {
    let embedded = StoreConfig::embedded(&config.data)?;
    let or = |url: &str, default: String| if url.is_empty() { default } else { url.to_owned() };
    let storage = &config.storage;
    Ok(StoreConfig {
        metadata: or(&config.database.url, embedded.metadata),
        blobs: or(&storage.url, embedded.blobs),
        s3: S3Config {
            endpoint: storage.endpoint.clone(),
            region: storage.region.clone(),
            access_key_id: storage.access_key.clone(),
            secret_access_key: storage.secret_key.clone(),
            ..S3Config::default()
        },
    })
}

/// Where people reach the pages.
pub fn public_url(config: &Config) -> String {
    match config.public_url.trim_end_matches('/') {
        "" => format!("http://{}", config.listen),
        url => url.to_owned(),
    }
}
