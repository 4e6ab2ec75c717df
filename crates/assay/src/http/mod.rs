//! The HTTP edge: routes, authentication, and the translation of replies and problems. Nothing here decides anything.

mod answer;
mod api;
mod auth;
mod drain;
mod formats;
mod pages;
mod range;
mod routes;
pub mod server;
#[cfg(test)]
mod warm;

pub(crate) use api::decisions::{filter as entry_filter, moment};

use crate::{config::Config, wiring};
use anyhow::Result;
use assay_engine::Engine;
use std::sync::Arc;

/// What every handler can reach.
pub struct App {
    engine: Arc<Engine>,
    /// Set when links must not follow the `Host` header.
    public_url: Option<String>,
    workspace: String,
    sources: std::collections::BTreeMap<String, String>,
    signing_key: Vec<u8>,
    /// The repository of documents that uploaders of Dependency-Track send.
    boms: String,
    vault: crate::vault::KeyVault,
    /// Where bundles lie while they are made and taken in.
    spool: std::path::PathBuf,
}

impl App {
    /// Reads what it needs from the configuration and the store.
    ///
    /// # Errors
    /// From the store.
    pub async fn new(engine: Arc<Engine>, config: &Config) -> Result<Arc<Self>> {
        let signing_key = engine.signing_key().await?;
        Ok(Arc::new(Self {
            engine,
            public_url: (!config.public_url.is_empty()).then(|| wiring::public_url(config)),
            workspace: config.workspace.clone(),
            sources: config.sources.addresses.clone(),
            signing_key,
            boms: config.dependency_track.repository.clone(),
            vault: wiring::vault(config),
            spool: config.data.join("spool"),
        }))
    }

    /// Scheme and authority as this client sees them.
    fn base_url(&self, host: Option<&::http::HeaderValue>) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let host = host.and_then(|h| h.to_str().ok()).unwrap_or("localhost");
        format!("http://{host}")
    }
}
