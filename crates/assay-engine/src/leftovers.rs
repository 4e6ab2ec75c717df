//! Leftovers: what killed servers and given-up uploads leave in the spool and in the blob store, and how it goes away while
//! the service runs.

use crate::Engine;
use assay_model::{digest::Digest, problem::Problem, seam::meta};
use std::path::Path;

/// What the names of spooled bodies begin with.
pub(crate) const SPOOLED: &str = "stage-";

fn spool(e: std::io::Error) -> Problem {
    Problem::internal("cannot look through the spool directory", e)
}

async fn names_in(folder: &Path) -> Result<Vec<String>, Problem> {
    let mut entries = tokio::fs::read_dir(folder).await.map_err(spool)?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(spool)? {
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

impl Engine {
    /// Removes what uploads of an ended server left in the spool; says how many files. To be called before uploads are
    /// taken, and only by the one server of a data directory: another one's uploads in progress look the same. Commands
    /// that import feeds do not spool uploads and may run meanwhile.
    ///
    /// # Errors
    /// From the store, or when the spool cannot be read.
    pub async fn clear_leftovers(&self) -> Result<usize, Problem> {
        let mut removed = 0;
        for name in names_in(&self.parts.spool).await? {
            if name.starts_with(SPOOLED) {
                tokio::fs::remove_file(self.parts.spool.join(name)).await.map_err(spool)?;
                removed += 1;
            }
        }
        let sessions = self.parts.spool.join("sessions");
        for name in names_in(&sessions).await? {
            let id = name.clone();
            if meta::read(self.meta(), move |tx| tx.upload(&id)).await?.is_none() {
                tokio::fs::remove_file(sessions.join(name)).await.map_err(spool)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Ends uploads and stages that nobody came back for and deletes bytes that nothing refers to.
    pub(crate) async fn collect(&self) -> Result<usize, Problem> {
        let before = self.now() - jiff::SignedDuration::from_secs(self.parts.limits.stage_seconds);
        let stale = meta::write(self.meta(), move |tx| {
            let stale = tx.stale_uploads(before)?;
            for id in &stale {
                tx.close_upload(id)?;
            }
            Ok(stale)
        })
        .await?;
        for id in stale {
            let _ = tokio::fs::remove_file(self.session_path(&id)?).await;
        }
        let mut removed = 0;
        loop {
            let _alone = self.collecting.write().await;
            let orphans = meta::write(self.meta(), move |tx| tx.collect_blobs(before, 500)).await?;
            if orphans.is_empty() {
                return Ok(removed);
            }
            for digest in &orphans {
                removed += usize::from(self.delete_orphan(digest).await?);
            }
        }
    }

    /// Deletes bytes that no row names; says whether it did.
    async fn delete_orphan(&self, digest: &Digest) -> Result<bool, Problem> {
        let wanted = digest.clone();
        if meta::read(self.meta(), move |tx| tx.blob_size(&wanted)).await?.is_some() {
            return Ok(false);
        }
        self.parts.blobs.delete(digest).await?;
        Ok(true)
    }

    /// Deletes bytes that a crash left between the blob store and the transaction that would have named them. Only for
    /// stores that no other process uploads to.
    ///
    /// # Errors
    /// From the stores.
    pub async fn collect_unnamed(&self) -> Result<usize, Problem> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let _alone = self.collecting.write().await;
            let page = self.parts.blobs.list(after.as_ref(), 200).await?;
            for (digest, _) in &page {
                removed += usize::from(self.delete_orphan(digest).await?);
            }
            match page.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return Ok(removed),
            }
        }
    }
}
