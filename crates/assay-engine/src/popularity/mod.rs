//! Popularity: what the catalogues of popular packages say about a name. The catalogues are kept in memory, made ready for
//! comparison, for as long as their revision stands.

mod distance;
mod index;

pub(crate) use index::Index;

use assay_model::{health::Standing, problem::Problem, seam::meta::Tx};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Catalogues as last read, by type, each with its revision.
#[derive(Default)]
pub(crate) struct Catalogues(Mutex<BTreeMap<String, (u64, Arc<Index>)>>);

fn key(purl_type: &str) -> String {
    format!("popularity.revision.{purl_type}")
}

fn revision(tx: &mut dyn Tx, purl_type: &str) -> Result<u64, Problem> {
    Ok(tx.setting(&key(purl_type))?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Notes that a catalogue changed, in the transaction that changes it.
pub(crate) fn revise(tx: &mut dyn Tx, purl_type: &str) -> Result<(), Problem> {
    let next = revision(tx, purl_type)? + 1;
    tx.put_setting(&key(purl_type), &next.to_string())
}

impl Catalogues {
    /// What the catalogue of the type says about a name.
    pub(crate) fn standing(&self, tx: &mut dyn Tx, purl_type: &str, name: &str) -> Result<Standing, Problem> {
        Ok(self.of(tx, purl_type)?.standing(name))
    }

    fn of(&self, tx: &mut dyn Tx, purl_type: &str) -> Result<Arc<Index>, Problem> {
        let revision = revision(tx, purl_type)?;
        let mut kept = self.0.lock().map_err(|_| Problem::bug("the catalogues are poisoned"))?;
        if let Some((_, index)) = kept.get(purl_type).filter(|(of, _)| *of == revision) {
            return Ok(index.clone());
        }
        let index = Arc::new(Index::new(tx.popularity(purl_type)?.into_iter()));
        kept.insert(purl_type.to_owned(), (revision, index.clone()));
        Ok(index)
    }
}
