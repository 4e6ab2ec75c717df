//! The vectors of a CVE as a note about it.

use super::SPEC;
use crate::{
    cvss::{Vector, Version},
    statement::Note,
};
use assay_model::advisory::Advisory;

/// The note; nothing where no vector is valid.
pub(super) fn of(cve: &str, vectors: &[(&'static str, String)], cwes: &[String], updated: &str) -> Option<Advisory> {
    let mut note = Note::default();
    for (by, text) in vectors {
        let Ok(vector) = Vector::parse(text) else { continue };
        let entry = note.cvss.entry((*by).to_owned()).or_default();
        let (score, kept) = match vector.version {
            Version::V2 => (&mut entry.v2_score, &mut entry.v2_vector),
            Version::V3 => (&mut entry.v3_score, &mut entry.v3_vector),
            Version::V4 => (&mut entry.v4_score, &mut entry.v4_vector),
        };
        // of several the first, which is of the newest version
        if kept.is_none() {
            (*score, *kept) = (Some(vector.score), Some(vector.to_string()));
        }
    }
    if note.cvss.is_empty() {
        return None;
    }
    Some(Advisory {
        id: format!("{}/{cve}", SPEC.id),
        modified: updated.to_owned(),
        aliases: vec![cve.to_owned()],
        database_specific: Some(note.specific(cwes)),
        ..Advisory::default()
    })
}
