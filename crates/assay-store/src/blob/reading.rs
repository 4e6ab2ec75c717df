//! A file as a stream. What the system has in memory is read where it is asked for; only what has to come from a disk takes
//! a trip to a thread that may block. Buffers are used again once they are sent.

use assay_model::seam::ByteStream;
use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags};
use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt as _,
};

/// Bytes read at first: who never reads on holds no more than this.
const FIRST: usize = 32 << 10;
/// Bytes read at once further on. Larger ones leave the processor's cache before they are sent.
const MOST: usize = 128 << 10;
/// Buffers on their way to the client that are waited for to be used again.
const SENT: usize = 2;

/// What is left of a stream.
pub(super) struct Reading {
    file: File,
    left: Range<u64>,
    size: usize,
    first: Option<Bytes>,
    sent: Vec<Bytes>,
}

impl Reading {
    /// Reads the first bytes of that part of a file. Blocks.
    ///
    /// # Errors
    /// From reading.
    pub(super) fn begin(file: File, part: Range<u64>) -> io::Result<Self> {
        let mut reading = Self { file, left: part, size: FIRST, first: None, sent: Vec::new() };
        if reading.is_left() {
            let mut buffer = reading.buffer();
            reading.file.read_exact_at(&mut buffer, reading.left.start)?;
            reading.first = Some(reading.took(buffer));
        }
        Ok(reading)
    }

    fn is_left(&self) -> bool {
        self.left.start < self.left.end
    }

    pub(super) fn stream(self) -> ByteStream {
        Box::pin(futures_util::stream::unfold(Some(self), |reading| async {
            let mut reading = reading?;
            if let Some(first) = reading.first.take() {
                return Some((Ok(first), Some(reading)));
            }
            if !reading.is_left() {
                return None;
            }
            let mut buffer = reading.buffer();
            if reading.in_memory(&mut buffer) {
                let bytes = reading.took(buffer);
                return Some((Ok(bytes), Some(reading)));
            }
            let (file, start) = (reading.file, reading.left.start);
            let read = tokio::task::spawn_blocking(move || {
                // fewer bytes than were promised is an error: a reader must not take a part for the whole
                let read = file.read_exact_at(&mut buffer, start);
                read.map(|()| (file, buffer))
            });
            Some(match read.await {
                Ok(Ok((file, buffer))) => {
                    let mut reading = Self { file, ..reading };
                    (Ok(reading.took(buffer)), Some(reading))
                }
                Ok(Err(error)) => (Err(error), None),
                Err(error) => (Err(io::Error::other(error)), None),
            })
        }))
    }

    /// Fills the buffer if that takes no disk. A system that cannot tell, or a file that ended early, is for the thread
    /// that may block.
    fn in_memory(&self, buffer: &mut [u8]) -> bool {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = self.left.start + filled as u64;
            match rustix::io::preadv2(&self.file, &mut [IoSliceMut::new(rest)], at, ReadWriteFlags::NOWAIT) {
                Ok(0) => return false,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// A buffer for what comes next: one that was sent, where there is one.
    fn buffer(&mut self) -> Vec<u8> {
        let left = self.left.end - self.left.start;
        let want = usize::try_from(left).map_or(self.size, |left| left.min(self.size));
        for at in 0..self.sent.len() {
            match self.sent.swap_remove(at).try_into_mut() {
                Ok(free) if free.len() >= want => {
                    let mut buffer = Vec::from(free);
                    buffer.truncate(want);
                    return buffer;
                }
                // it was smaller than what is read by now
                Ok(_) => break,
                Err(waits) => {
                    self.sent.push(waits);
                    let last = self.sent.len() - 1;
                    self.sent.swap(at, last);
                }
            }
        }
        vec![0; want]
    }

    /// Takes note of what was read, and gives it to be sent.
    fn took(&mut self, buffer: Vec<u8>) -> Bytes {
        self.left.start += buffer.len() as u64;
        self.size = (self.size * 2).min(MOST);
        let bytes = Bytes::from(buffer);
        if self.is_left() {
            if self.sent.len() == SENT {
                self.sent.swap_remove(0);
            }
            self.sent.push(bytes.clone());
        }
        bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use std::io::Write as _;

    async fn parts(size: usize, part: Range<u64>, keep: bool) -> (Vec<u8>, Vec<u8>) {
        let whole: Vec<u8> = (0..size).map(|at| (at / 7 % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&whole).unwrap();
        let mut stream = Reading::begin(file, part.clone()).unwrap().stream();
        let (mut read, mut kept) = (Vec::new(), Vec::new());
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.unwrap();
            read.extend_from_slice(&chunk);
            kept.extend(keep.then_some(chunk));
        }
        if keep {
            assert_eq!(kept.concat(), read, "what was given is not written over");
        }
        (read, whole[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()].to_vec())
    }

    #[tokio::test]
    async fn all_bytes_come_in_order() {
        for keep in [false, true] {
            for (size, part) in [
                (0, 0..0),
                (1, 0..1),
                (FIRST, 0..FIRST as u64),
                (5 << 20, 0..5 << 20),
                (5 << 20, 12_345..4_999_999),
                ((5 << 20) + 1, (5 << 20)..(5 << 20) + 1),
            ] {
                let (read, wanted) = parts(size, part.clone(), keep).await;
                assert!(read == wanted, "{part:?} of {size}: {} bytes", read.len());
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 100_000]).unwrap();
        let mut stream = Reading::begin(file, 0..200_000).unwrap().stream();
        let mut read = 0;
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(chunk) => read += chunk.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(read < 100_000 && stream.next().await.is_none());
    }
}
