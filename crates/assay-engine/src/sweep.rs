//! The sweep: recomputes from state alone who is undecided without a job, and collects what nobody refers to. It must
//! find nothing to decide; what it finds is reported and mended.

use crate::{CollectOptions, Engine};
use assay_model::{
    package::State,
    problem::Problem,
    seam::meta::{self, PackageFilter},
    work::{Due, Lane, NewJob, Stage},
};
use jiff::SignedDuration;
use std::{sync::Arc, time::Duration};

/// Documents of upstreams that are kept at most, and their bytes as they are kept.
const DOCUMENTS: usize = 200_000;
const DOCUMENT_BYTES: u64 = 4 << 30;

impl Engine {
    /// Sweeps once; gives how many packages were pending. Their jobs absorb the ones written here.
    ///
    /// # Errors
    /// From the store.
    pub async fn sweep(self: &Arc<Self>) -> Result<usize, Problem> {
        let now = self.now();
        let filter = PackageFilter { state: Some(State::Pending), limit: 10_000, ..PackageFilter::default() };
        let pending = meta::write(self.meta(), move |tx| {
            let pending = tx.list_packages(&filter)?;
            let job = |id: i64| NewJob {
                lane: Lane::Scan,
                stage: Stage::Analyze,
                key: id,
                cause: "sweep".to_owned(),
                due: Due::at_once(now),
            };
            tx.enqueue(&pending.iter().map(|p| job(p.id.0)).collect::<Vec<_>>())?;
            Ok(pending.len())
        })
        .await?;
        let yesterday = now - SignedDuration::from_hours(24);
        meta::write(self.meta(), move |tx| tx.forget_attended(yesterday)).await?;
        self.begin_renewal().await?;
        self.forget_old_downloads().await?;
        self.forget_the_past().await?;
        self.retain().await?;
        self.forget_old_inputs().await?;
        let purged = self.purge_due().await?;
        if purged > 0 {
            tracing::info!(purged, "purged packages from the trash");
        }
        let purged = self.purge_deleted_by_policies().await?;
        if purged > 0 {
            tracing::info!(purged, "purged packages that policies had deleted");
        }
        let run = self.collect(CollectOptions::default()).await?;
        if run.removed > 0 {
            tracing::info!(removed = run.removed, bytes = run.bytes, "removed bytes that nothing refers to");
        }
        Ok(pending)
    }

    /// Forgets the documents of upstreams that were not asked for in the longest time.
    async fn forget_documents(&self) -> Result<(), Problem> {
        meta::write(self.meta(), |tx| tx.evict_remote_documents(DOCUMENTS, DOCUMENT_BYTES).map(|_| ())).await
    }

    pub(crate) async fn sweep_regularly(self: Arc<Self>) {
        loop {
            match self.sweep().await {
                Ok(0) => {}
                Ok(pending) => tracing::info!(pending, "packages await their decision"),
                Err(problem) => tracing::error!(%problem, "the sweep failed"),
            }
            if let Err(problem) = self.forget_documents().await {
                tracing::error!(%problem, "documents of upstreams were not forgotten");
            }
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
    }
}
