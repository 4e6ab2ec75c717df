//! A reader that takes the digest of what passes.

use std::io::{self, Read};

use assay_model::digest::Digest;
use assay_model::problem::Problem;
use sha2::{Digest as _, Sha256};

pub(super) struct Hashing<'a> {
    inner: &'a mut dyn Read,
    hasher: Sha256,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(inner: &'a mut dyn Read) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    /// Reads what is left, and says what everything was.
    pub(super) fn finish(mut self) -> io::Result<Result<Digest, Problem>> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(Digest::sha256(&hex::encode(self.hasher.finalize())))
    }
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
