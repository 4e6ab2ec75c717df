//! An engine in the process of the test, with all that the server knows except a network; what stands for its messenger
//! and its vault.

use anyhow::Result;
use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_engine::{Engine, IntakeLimits, NoticeRules, Parts};
use assay_model::{
    Problem,
    clock::Clock,
    notification::Message,
    seam::{
        Task,
        meta::MetaStore,
        notices::{Messenger, Receipt, Target},
        upstream::{Offline, Vault},
    },
    upstream::Secrets,
};
use assay_store::StoreConfig;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// An engine that asks nobody, with its database. Its workers are not started.
pub async fn engine(
    config: &StoreConfig,
    folder: &Path,
    clock: Arc<dyn Clock>,
    messenger: Arc<dyn Messenger>,
) -> Result<(Arc<Engine>, Arc<dyn MetaStore>)> {
    let stores = assay_store::open(config).await?;
    let names: Vec<(&str, &str)> = assay_formats::ALL.iter().map(|f| (f.spec().id, f.spec().policy_name)).collect();
    let meta = stores.meta.clone();
    let engine = Engine::new(Parts {
        meta: stores.meta,
        blobs: stores.blobs,
        formats: assay_formats::ALL,
        inspector: Arc::new(StandardInspector::new(Limits::default())),
        matcher: Arc::new(assay_advisories::OsvMatcher),
        judge: Arc::new(assay_policy::RegoJudge::new(&names)),
        vex: Arc::new(assay_advisories::vex::Documents),
        verifier: Arc::new(assay_signatures::Signatures),
        actions: assay_policy::ALL,
        sources: assay_advisories::ALL,
        transport: Arc::new(Offline),
        vault: Arc::new(Empty),
        messenger,
        notices: NoticeRules::default(),
        clock,
        spool: folder.join("spool"),
        workspace: "test".to_owned(),
        public_url: "https://assay.example".to_owned(),
        limits: IntakeLimits::default(),
        decision_input_days: 400,
    })?;
    Ok((engine, meta))
}

/// Keeps what it is given, and takes it.
#[derive(Clone, Default)]
pub struct Receiver(Arc<Mutex<Vec<Message>>>);

impl Receiver {
    /// Everything it was given.
    pub fn all(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }
    /// What a channel was told.
    pub fn of(&self, channel: &str) -> Vec<Message> {
        self.all().into_iter().filter(|message| message.channel == channel).collect()
    }
}

impl Messenger for Receiver {
    fn send<'a>(&'a self, _: Target<'a>, message: &'a Message) -> Task<'a, Receipt> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Receipt { taken: true, ..Receipt::default() }) })
    }
    fn check(&self, _: Target<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

/// There are no secrets here.
pub struct Empty;

impl Vault for Empty {
    fn seal(&self, _: &Secrets) -> Result<Vec<u8>, Problem> {
        Ok(Vec::new())
    }
    fn open(&self, _: &[u8]) -> Result<Secrets, Problem> {
        Ok(Secrets::default())
    }
}
