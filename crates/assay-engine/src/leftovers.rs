//! Leftovers: what killed servers leave in the spool. What they leave in the blob store goes with the collection.

use crate::Engine;
use assay_model::{problem::Problem, seam::meta};
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
}
