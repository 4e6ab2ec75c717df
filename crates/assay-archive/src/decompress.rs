//! One compressed stream: the compression is told by magic, and every unpacked byte passes a guard.

use std::io::{self, BufReader, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::read::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::error::ArchiveError;
use crate::limits::Budget;
use crate::sniff::{Kind, SNIFF_BYTES, sniff};

/// What an xz stream may ask for in memory; presets up to -9 ask for 65 MiB.
const XZ_MEMORY_BYTES: u64 = 96 << 20;
/// The largest zstd window, as a power of two, that is given memory: 128 MiB, the reference tool's own bound.
const ZSTD_WINDOW_LOG: u32 = 27;
const BUFFER_BYTES: usize = 64 << 10;

type Input<R> = BufReader<Counted<Chain<Cursor<Vec<u8>>, R>>>;

/// The content of a possibly compressed stream. Reading fails, with an [`ArchiveError`] inside the `io::Error`, as soon
/// as a bound is exceeded.
pub struct Decompressed<R: Read> {
    decoder: Decoder<R>,
    compression: Option<Kind>,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    budget: Budget,
}

enum Decoder<R: Read> {
    Plain(Input<R>),
    Gzip(Box<MultiGzDecoder<Input<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Input<R>>>),
    Xz(Box<XzDecoder<Input<R>>>),
    Bzip2(Box<MultiBzDecoder<Input<R>>>),
}

/// Opens `reader`: gzip (all members), zstd (all frames), xz (all streams), bzip2 (all streams), or the bytes as they
/// are if no compression is recognised.
///
/// # Errors
/// Reading the first bytes failed, or the decoder could not be set up.
pub fn decompress<R: Read>(mut reader: R, budget: impl Into<Budget>) -> Result<Decompressed<R>, ArchiveError> {
    let mut first = Vec::with_capacity(SNIFF_BYTES);
    (&mut reader).take(SNIFF_BYTES as u64).read_to_end(&mut first).map_err(|error| ArchiveError::of_input(&error))?;
    let compression = sniff(&first).filter(|kind| kind.is_compression());
    let counted = Counted::new(Cursor::new(first).chain(reader));
    let packed = Arc::clone(&counted.count);
    let input = BufReader::with_capacity(BUFFER_BYTES, counted);
    let decoder = match compression {
        Some(Kind::Gzip) => Decoder::Gzip(Box::new(MultiGzDecoder::new(input))),
        Some(Kind::Zstd) => Decoder::Zstd(Box::new(zstd_decoder(input)?)),
        Some(Kind::Xz) => Decoder::Xz(Box::new(xz_decoder(input)?)),
        Some(Kind::Bzip2) => Decoder::Bzip2(Box::new(MultiBzDecoder::new(input))),
        _ => Decoder::Plain(input),
    };
    Ok(Decompressed { decoder, compression, packed, unpacked: 0, budget: budget.into() })
}

fn zstd_decoder<R: Read>(input: Input<R>) -> Result<zstd::stream::read::Decoder<'static, Input<R>>, ArchiveError> {
    let setup = |error: io::Error| ArchiveError::Io(error.kind(), error.to_string());
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(setup)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(setup)?;
    Ok(decoder)
}

fn xz_decoder<R: Read>(input: Input<R>) -> Result<XzDecoder<Input<R>>, ArchiveError> {
    let stream = Stream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED)
        .map_err(|error| ArchiveError::Io(io::ErrorKind::Other, error.to_string()))?;
    Ok(XzDecoder::new_stream(input, stream))
}

impl<R: Read> Decompressed<R> {
    /// The compression that was found; `None` if the bytes pass as they are.
    #[must_use]
    pub fn compression(&self) -> Option<Kind> {
        self.compression
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.decoder {
            Decoder::Plain(inner) => inner.read(buffer),
            Decoder::Gzip(inner) => inner.read(buffer),
            Decoder::Zstd(inner) => inner.read(buffer),
            Decoder::Xz(inner) => inner.read(buffer),
            Decoder::Bzip2(inner) => inner.read(buffer),
        };
        let count = match read {
            Ok(count) => count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) if self.compression.is_none() => return Err(ArchiveError::of_input(&error).into()),
            Err(error) => return Err(ArchiveError::of_decoder(&error).into()),
        };
        self.unpacked += count;
        self.budget.spend_bytes(count)?;
        if self.compression.is_some() {
            self.budget.check_ratio(self.packed.load(Ordering::Relaxed), self.unpacked)?;
        }
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// Counts packed bytes, and marks the reader's own failures so that they are not blamed on the data.
pub(crate) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, count: Arc::default() }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.count.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(ArchiveError::of_input(&error).into()),
        }
    }
}
