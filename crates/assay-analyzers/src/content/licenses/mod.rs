//! Licences that files contain or state: the texts of licences, and headers of source files.
//!
//! Lives here: recognising a text, and finding headers. What a declaration means is in `assay_model::license`.

mod exact;
mod header;
mod names;
mod similar;
#[cfg(test)]
mod tests;

use assay_model::inventory::{LicenseEvidence, LicenseFile};
use assay_model::license;

pub(crate) use header::{HEAD_BYTES, in_head};
pub(crate) use names::is_license_file;

/// What is read of a licence file.
pub(crate) const TEXT_BYTES: u64 = 1 << 20;
/// Words that stand beside recognised texts and are no text of their own: copyright lines, a title, an introduction.
const BESIDE: usize = 120;
/// A file of more licences than this is told by its first ones.
const LICENSES: usize = 50;

/// The licences whose texts the file contains, each once.
pub(crate) fn in_text(path: &str, text: &str) -> Vec<LicenseFile> {
    let words = exact::Words::of(text);
    let found = exact::find(&words);
    let covered: usize = found.iter().map(|one| one.words).sum();
    let rest = words.len().saturating_sub(covered);
    let mut told: Vec<(String, u8)> = found.iter().map(|one| (one.id.to_owned(), 100)).collect();
    if told.is_empty() {
        // A reference to a licence is shorter than any text of one.
        told.extend(similar::find(text));
    } else if rest > BESIDE && rest > covered / 3 {
        told.extend(similar::find(&words.without(&found)));
    }
    told.sort();
    told.dedup_by(|other, first| other.0 == first.0);
    told.truncate(LICENSES);
    told.into_iter()
        .map(|(id, confidence)| LicenseFile {
            path: path.to_owned(),
            layer: None,
            class: license::class_of(&id),
            expression: id,
            confidence,
            evidence: LicenseEvidence::Text,
        })
        .collect()
}
