//! A file on its way in from an upstream: it can be followed while it arrives. All who ask for the file while it is on its
//! way share one flight.

use assay_model::{
    digest::Digest,
    package::FileId,
    problem::{Kind, Problem},
    seam::ByteStream,
};
use bytes::Bytes;
use std::{
    io,
    ops::Range,
    path::PathBuf,
    sync::{Mutex, OnceLock},
};
use tokio::{
    io::{AsyncReadExt, AsyncSeekExt},
    sync::watch,
};

const CHUNK: usize = 64 << 10;

/// How far a flight is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Nothing has arrived.
    Waiting,
    /// Bytes arrive: so many, of so many where that is known.
    Arriving { written: u64, size: Option<u64> },
    /// All bytes are there and are what they should be.
    Verified { digest: Digest, size: u64 },
    /// It is a file of a package, for the gate to decide.
    Landed(FileId),
    /// It will not come.
    Lost(Lost),
}

/// Why a flight failed: a problem that can be told several times.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    kind: Kind,
    code: &'static str,
    message: String,
    retry_after: Option<u32>,
}

impl Lost {
    pub(crate) fn because(problem: &Problem) -> Self {
        let Problem { kind, code, message, retry_after, .. } = problem;
        Self { kind: *kind, code, message: message.clone(), retry_after: *retry_after }
    }
    /// Whether there is no such file.
    pub(crate) fn is_absence(&self) -> bool {
        self.kind == Kind::NotFound
    }
    pub(crate) fn problem(self) -> Problem {
        let mut problem = Problem::new(self.kind, self.code, self.message);
        problem.retry_after = self.retry_after;
        problem
    }
}

/// A file on its way.
pub(crate) struct Flight {
    stage: watch::Sender<Stage>,
    spool: Mutex<Option<PathBuf>>,
    digest: OnceLock<Digest>,
    pub(crate) media_type: String,
}

impl Flight {
    pub(crate) fn new(media_type: &str) -> Self {
        Self {
            stage: watch::channel(Stage::Waiting).0,
            spool: Mutex::default(),
            digest: OnceLock::new(),
            media_type: media_type.to_owned(),
        }
    }
    pub(crate) fn watch(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }
    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Landed(_) | Stage::Lost(_))
    }
    /// The digest, once all bytes are there.
    pub(crate) fn verified(&self) -> Option<Digest> {
        self.digest.get().cloned()
    }
    pub(super) fn reached(&self, stage: Stage) {
        if let Stage::Verified { digest, .. } = &stage {
            let _ = self.digest.set(digest.clone());
        }
        self.stage.send_replace(stage);
    }
    /// Bytes lie there from now on, until the flight is verified.
    pub(super) fn lies_at(&self, path: PathBuf) {
        if let Ok(mut spool) = self.spool.lock() {
            *spool = Some(path);
        }
    }
    /// The bytes as they lie there.
    pub(crate) fn open(&self) -> Option<std::fs::File> {
        let path = self.spool.lock().ok()?.clone()?;
        std::fs::File::open(path).ok()
    }
}

/// Follows a flight from its file. The last byte is given only once all bytes are verified, so that a client never
/// takes other bytes for complete.
pub(crate) fn follow(file: std::fs::File, stage: watch::Receiver<Stage>, range: Range<u64>) -> ByteStream {
    let state = (tokio::fs::File::from_std(file), stage, range, false);
    Box::pin(futures_util::stream::unfold(state, |(mut file, mut stage, mut range, failed)| async move {
        if failed || range.start >= range.end {
            return None;
        }
        match next(&mut file, &mut stage, &mut range).await {
            Ok(bytes) => Some((Ok(bytes), (file, stage, range, false))),
            Err(error) => Some((Err(error), (file, stage, range, true))),
        }
    }))
}

async fn next(
    file: &mut tokio::fs::File,
    stage: &mut watch::Receiver<Stage>,
    range: &mut Range<u64>,
) -> io::Result<Bytes> {
    loop {
        let there = match &*stage.borrow_and_update() {
            Stage::Waiting => 0,
            Stage::Arriving { written, .. } => written.saturating_sub(1),
            Stage::Verified { .. } | Stage::Landed(_) => u64::MAX,
            Stage::Lost(lost) => return Err(io::Error::other(lost.message.clone())),
        };
        if there > range.start {
            file.seek(io::SeekFrom::Start(range.start)).await?;
            let most = (there.min(range.end) - range.start).min(CHUNK as u64);
            let mut buffer = vec![0_u8; usize::try_from(most).unwrap_or(CHUNK)];
            let read = file.read(&mut buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer.truncate(read);
            range.start += read as u64;
            return Ok(buffer.into());
        }
        if stage.changed().await.is_err() {
            return Err(io::Error::other("the transfer was given up"));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::io::Write;

    #[tokio::test]
    async fn the_last_byte_waits_until_all_are_verified() {
        let mut spooled = tempfile::NamedTempFile::new().unwrap();
        let flight = Flight::new("text/plain");
        flight.lies_at(spooled.path().to_owned());
        let mut stream = follow(flight.open().unwrap(), flight.watch(), 0..5);
        spooled.write_all(b"hello").unwrap();
        flight.reached(Stage::Arriving { written: 5, size: Some(5) });
        assert_eq!(stream.next().await.unwrap().unwrap(), "hell");
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), stream.next()).await;
        assert!(waits.is_err());
        flight.reached(Stage::Verified { digest: Digest::of(b"hello"), size: 5 });
        assert_eq!(stream.next().await.unwrap().unwrap(), "o");
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_lost_breaks_off() {
        let spooled = tempfile::NamedTempFile::new().unwrap();
        let flight = Flight::new("text/plain");
        flight.lies_at(spooled.path().to_owned());
        let mut stream = follow(flight.open().unwrap(), flight.watch(), 0..5);
        flight.reached(Stage::Lost(Lost::because(&Problem::not_found("gone"))));
        assert!(stream.next().await.unwrap().is_err());
        assert!(stream.next().await.is_none());
    }
}
