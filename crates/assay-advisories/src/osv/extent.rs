//! What a bulk zip is complete about. `all.zip` holds all records of an ecosystem that its publisher has; several
//! publishers can share an ecosystem (reviewed advisories, lists of malicious packages), and their ids tell them apart.

use super::SPEC;
use assay_model::{
    Problem,
    advisory::Advisory,
    seam::source::{Extent, Intel},
};
use std::collections::BTreeSet;

/// What all records have in common so far.
#[derive(Default)]
pub(super) struct Common {
    ecosystems: Option<BTreeSet<String>>,
    prefixes: BTreeSet<String>,
    /// A record without a prefix, or one that could not be read.
    odd: bool,
}

impl Common {
    pub(super) fn add(&mut self, advisory: &Advisory) {
        if advisory.affected.is_empty() {
            return;
        }
        match advisory.id.split_once('-') {
            Some((prefix, _)) => drop(self.prefixes.insert(format!("{prefix}-"))),
            None => self.odd = true,
        }
        // both the ecosystem and, where it names a release, the one without
        let of = advisory.affected.iter().map(|affected| affected.package.ecosystem.as_str());
        let named: BTreeSet<String> = of
            .flat_map(|name| [Some(name), name.split_once(':').map(|(base, _)| base)].into_iter().flatten())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        match &mut self.ecosystems {
            Some(common) => common.retain(|name| named.contains(name)),
            none => *none = Some(named),
        }
    }

    pub(super) fn spoil(&mut self) {
        self.odd = true;
    }

    /// Says what the zip was complete about, if it was.
    pub(super) fn tell(&self, out: &mut dyn Intel) -> Result<(), Problem> {
        let common = self.ecosystems.as_ref().filter(|common| !self.odd && !common.is_empty());
        // the longest says most: a zip of one release is not complete about the others
        let Some(ecosystem) = common.and_then(|common| common.iter().max_by_key(|name| name.len())) else {
            return Ok(());
        };
        let prefixes: Vec<String> = self.prefixes.iter().cloned().collect();
        out.whole(&Extent::Ecosystem { source: SPEC.id, ecosystem, prefixes: &prefixes })
    }
}
