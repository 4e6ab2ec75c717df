//! What identifies a document and dates it, derived from what it says.

use assay_model::digest::Digest;
use jiff::Timestamp;

/// RFC 3339 with whole seconds, as validators of `date-time` expect.
pub(in crate::report) fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A name-based UUID (version 8, RFC 9562) of the content.
pub(in crate::report) fn uuid_of(content: &[u8]) -> String {
    let digest = Digest::of(content);
    let hex = digest.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
