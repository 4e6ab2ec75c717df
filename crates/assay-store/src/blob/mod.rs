//! Where bytes are kept: files below a directory, or objects of an S3-compatible service. Rows about blobs are in `meta`.

pub mod files;
mod reading;
pub mod s3;

use assay_model::{Problem, problem::Kind};
use std::ops::Range;

/// Bytes read at once while a blob is streamed.
const CHUNK: usize = 128 * 1024;

/// The part of a blob of `size` bytes that `range` asks for: its end may lie beyond the blob, its start may not.
fn clamp(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>, Problem> {
    let Some(range) = range else { return Ok(0..size) };
    if range.start > size || range.start > range.end {
        let message = format!("bytes {}..{} are outside of {size} bytes", range.start, range.end);
        return Err(Problem::new(Kind::Range, "bad-range", message));
    }
    Ok(range.start..range.end.min(size))
}

/// The problem of a blob that is not there.
fn missing(digest: &assay_model::Digest) -> Problem {
    Problem::not_found(format!("the bytes of {digest} are not stored"))
}
