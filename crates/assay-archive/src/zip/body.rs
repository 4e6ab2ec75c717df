//! One zip entry's content: decompressed, counted, and compared with the declared size and checksum.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::decompress::Counted;
use crate::error::ArchiveError;
use crate::limits::Budget;

use super::directory::Central;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const BZIP2: u16 = 12;
const ZSTD: u16 = 93;
const XZ: u16 = 95;

type Packed<'a, R> = BufReader<Take<Counted<&'a mut R>>>;

enum Decoder<'a, R: Read> {
    /// Not started: nothing is read for an entry that nobody looks at.
    Unopened(&'a mut R),
    Failed,
    Stored(Packed<'a, R>),
    Deflated(Box<DeflateDecoder<Packed<'a, R>>>),
    Bzip2(Box<bzip2::bufread::BzDecoder<Packed<'a, R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Packed<'a, R>>>),
    Xz(Box<liblzma::bufread::XzDecoder<Packed<'a, R>>>),
}

pub(crate) struct Body<'a, R: Read> {
    decoder: Decoder<'a, R>,
    central: &'a Central,
    budget: &'a Budget,
    crc: Crc,
    produced: u64,
}

impl<'a, R: Read + Seek> Body<'a, R> {
    pub(crate) fn open(reader: &'a mut R, central: &'a Central, budget: &'a Budget) -> Self {
        Self { decoder: Decoder::Unopened(reader), central, budget, crc: Crc::new(), produced: 0 }
    }

    fn start(&mut self) -> Result<(), ArchiveError> {
        if !matches!(self.decoder, Decoder::Unopened(_)) {
            return Ok(());
        }
        let Decoder::Unopened(reader) = std::mem::replace(&mut self.decoder, Decoder::Failed) else {
            return Ok(());
        };
        reader.seek(SeekFrom::Start(self.central.content_at)).map_err(|error| ArchiveError::of_input(&error))?;
        let packed = BufReader::with_capacity(32 << 10, Counted::new(reader).take(self.central.packed));
        let setup = |error: io::Error| ArchiveError::Io(error.kind(), error.to_string());
        self.decoder = match self.central.method {
            STORED => Decoder::Stored(packed),
            DEFLATED => Decoder::Deflated(Box::new(DeflateDecoder::new(packed))),
            BZIP2 => Decoder::Bzip2(Box::new(bzip2::bufread::BzDecoder::new(packed))),
            ZSTD => Decoder::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(packed).map_err(setup)?)),
            XZ => Decoder::Xz(Box::new(liblzma::bufread::XzDecoder::new(packed))),
            method => {
                return Err(ArchiveError::Unsupported(format!(
                    "zip compression method {method} of {:?}",
                    self.shown()
                )));
            }
        };
        Ok(())
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.central.name).into_owned()
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.produced += bytes.len() as u64;
        self.crc.update(bytes);
        if self.produced > self.central.unpacked {
            return Err(ArchiveError::corrupt(format!("{:?} is larger than declared", self.shown())));
        }
        self.budget.spend_bytes(bytes.len() as u64)?;
        self.budget.check_ratio(self.central.packed, self.produced)
    }

    fn finish(&self) -> Result<(), ArchiveError> {
        if self.produced < self.central.unpacked {
            return Err(ArchiveError::truncated(format!("{:?} is smaller than declared", self.shown())));
        }
        if self.crc.sum() != self.central.crc {
            return Err(ArchiveError::corrupt(format!("the checksum of {:?} is wrong", self.shown())));
        }
        Ok(())
    }
}

impl<R: Read + Seek> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.start()?;
        let read = match &mut self.decoder {
            Decoder::Unopened(_) | Decoder::Failed => {
                return Err(ArchiveError::corrupt(format!("{:?} cannot be read", self.shown())).into());
            }
            Decoder::Stored(inner) => inner.read(buffer),
            Decoder::Deflated(inner) => inner.read(buffer),
            Decoder::Bzip2(inner) => inner.read(buffer),
            Decoder::Zstd(inner) => inner.read(buffer),
            Decoder::Xz(inner) => inner.read(buffer),
        };
        match read {
            Ok(0) => self.finish()?,
            Ok(count) => self.advance(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(ArchiveError::of_decoder(&error).into()),
        }
        Ok(read.unwrap_or(0))
    }
}
