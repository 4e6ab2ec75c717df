//! What a package is, and what it carries: the one is told once, the other belongs to it.

use std::collections::BTreeSet;
use std::ops::Range;

use assay_model::component::Occurrence;

use crate::component;

/// `own` are the components that the analyzer of the package found, those behind them were found inside. A package names
/// itself in several places; only the analyzer of its kind is heard on that. What a distribution's package carries is the
/// distribution's.
pub(super) fn settle(components: &mut Vec<Occurrence>, own: Range<usize>) {
    let subjects: &[Occurrence] = components.get(own.clone()).unwrap_or_default();
    let purls: BTreeSet<String> = subjects.iter().map(|found| found.component.purl.clone()).collect();
    let owner = subjects.iter().map(|found| &found.component).find(|own| component::is_distribution(own));
    let owner = owner.map(|owner| owner.purl.clone());
    let mut at = 0;
    components.retain_mut(|found| {
        at += 1;
        if at <= own.end {
            return true;
        }
        if found.owned_by.is_none() {
            found.owned_by.clone_from(&owner);
        }
        !purls.contains(&found.component.purl)
    });
}
