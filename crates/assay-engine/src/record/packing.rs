//! How input documents are compressed. A packing is never changed once documents were written with it: a better one gets
//! the next number, and what was written before stays readable.

use assay_model::{problem::Problem, seam::meta::PackedInput};
use std::{cell::RefCell, sync::LazyLock};
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// Zstandard after a sample of the document: most of a small document is names of fields, which the sample has already.
const SAMPLED: u32 = 1;
/// Measured on documents of wheels and images; see docs/decision-log.md.
const LEVEL: i32 = 6;
/// Only what occurs in it matters, and that it never changes.
const SAMPLE: &[u8] = include_bytes!("sample-1.json");
/// Largest document that is unpacked, in bytes: a stored frame may have been tampered with.
const MAX_DOCUMENT: u64 = 1 << 30;

static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(SAMPLE, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(SAMPLE));

// Making one costs more than packing most documents.
thread_local!(static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) });
thread_local!(static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) });

/// Compresses a document.
///
/// # Errors
/// When the compressor has no memory.
pub(crate) fn pack(digest: &str, document: &[u8]) -> Result<PackedInput, Problem> {
    let failed = |e| Problem::internal("cannot compress an input document", e);
    let bytes = PACKER.with_borrow_mut(|kept| {
        let packer = match kept {
            Some(packer) => packer,
            None => kept.insert(Compressor::with_prepared_dictionary(&ENCODER).map_err(failed)?),
        };
        packer.compress(document).map_err(failed)
    })?;
    Ok(PackedInput { digest: digest.to_owned(), packing: SAMPLED, size: document.len() as u64, bytes })
}

/// Restores a document.
///
/// # Errors
/// When it was damaged, or a newer version wrote it.
pub(crate) fn unpack(input: &PackedInput) -> Result<Vec<u8>, Problem> {
    if input.packing != SAMPLED {
        return Err(Problem::invalid("unknown-packing", "the input document was stored by a newer version"));
    }
    let damaged = || Problem::invalid("damaged-input", "the stored input document is damaged");
    let size = usize::try_from(input.size).ok().filter(|_| input.size <= MAX_DOCUMENT).ok_or_else(damaged)?;
    let document = UNPACKER.with_borrow_mut(|kept| {
        let failed = |e| Problem::internal("cannot make a decompressor", e);
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None => kept.insert(Decompressor::with_prepared_dictionary(&DECODER).map_err(failed)?),
        };
        unpacker.decompress(&input.bytes, size).map_err(|e| damaged().caused_by(e))
    })?;
    let is_itself = document.len() == size && assay_model::Digest::of(&document).as_str() == input.digest;
    if is_itself { Ok(document) } else { Err(damaged()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::Digest;

    #[test]
    fn documents_come_back_and_damage_is_noticed() {
        for document in [b"[{},{}]".to_vec(), SAMPLE.to_vec(), b"x".repeat(3_000_000)] {
            let packed = pack(Digest::of(&document).as_str(), &document).unwrap();
            assert_eq!(unpack(&packed).unwrap(), document);
            let mut flipped = packed.clone();
            *flipped.bytes.last_mut().unwrap() ^= 1;
            assert!(unpack(&flipped).is_err());
            assert!(unpack(&PackedInput { size: packed.size + 1, ..packed.clone() }).is_err());
            assert!(unpack(&PackedInput { digest: Digest::of(b"other").to_string(), ..packed.clone() }).is_err());
            assert!(unpack(&PackedInput { packing: 99, ..packed }).is_err());
        }
    }
}
