//! Archives that uploads are: walking them within bounds, off the asynchronous threads, and what is said of one that
//! cannot be read.

use assay_archive::{ArchiveError, Limits, Walker};
use assay_model::{Kind, Problem};
use std::time::Duration;

/// Bounds of one kind of archive; the configured limits hold where they are narrower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Entries.
    pub(crate) entries: u64,
    /// Bytes of all entries, unpacked.
    pub(crate) total: u64,
    /// Bytes of one entry that is read whole.
    pub(crate) document: u64,
    /// Wall time.
    pub(crate) time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: u64::MAX, total: u64::MAX, document: 4 << 20, time: Duration::from_secs(120) }
    }
}

impl Bounds {
    /// What walks within them.
    pub(crate) fn walker(self) -> Walker {
        let limits = Limits::configured();
        let (entries, total) = (limits.entries.min(self.entries), limits.total_bytes.min(self.total));
        let (document, time) = (limits.metadata_bytes.min(self.document), limits.deadline.min(self.time));
        let limits = limits.with_entries(entries).with_total_bytes(total);
        Walker::new(limits.with_metadata_bytes(document).with_deadline(time))
    }
}

/// What a client is told of an archive that cannot be read; `code` is that of a damaged one.
pub(crate) fn unreadable(what: &str, code: &'static str, error: ArchiveError) -> Problem {
    let message = format!("{what} cannot be read: {error}");
    let (kind, code) = match &error {
        ArchiveError::Limit { .. } => (Kind::TooLarge, "archive-limit"),
        ArchiveError::Io(..) => (Kind::Internal, "unreadable"),
        _ => (Kind::Invalid, code),
    };
    Problem::new(kind, code, message).caused_by(error)
}

/// Runs work that blocks on a thread for it. `what` says what failed where the work does not come to its end.
///
/// # Errors
/// Those of the work.
pub(crate) async fn apart<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(format!("{what} failed"), error))?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Bounds, apart};
    use assay_archive::{Flow, Kind};
    use assay_model::Problem;
    use std::io::Cursor;

    #[test]
    fn bounds_hold() {
        let bytes = crate::kit::testing::tgz(&[("a", "x"), ("b", "y")]);
        let walk = |bounds: Bounds| {
            let mut seen = 0;
            let walked = bounds.walker().walk(Cursor::new(&bytes), Kind::Tar, |_, _| {
                seen += 1;
                Ok::<_, assay_archive::ArchiveError>(Flow::Continue)
            });
            (walked.is_ok(), seen)
        };
        assert_eq!(walk(Bounds::default()), (true, 2));
        assert!(!walk(Bounds { entries: 1, ..Bounds::default() }).0);
    }

    #[tokio::test]
    async fn work_apart_ends_in_its_own_words_or_ours() {
        assert_eq!(apart("counting", || Ok(1)).await.unwrap(), 1);
        let error = apart::<()>("counting", || Err(Problem::not_found("nothing"))).await.unwrap_err();
        assert_eq!(error.message, "nothing");
    }
}
