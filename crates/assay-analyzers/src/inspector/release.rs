//! What the operating system's release says of its packages: their names, and whether anybody has advisories for them.

use std::collections::{BTreeSet, HashMap};

use assay_model::inventory::{Inventory, Skipped};

use crate::part::UNSUPPORTED;
use crate::{component, release};

/// Decides which release it is, and gives the distribution's packages its names. Purls of owners follow.
pub(super) fn settle(out: &mut Inventory) {
    out.os = release::decide(&out.releases);
    let Some(os) = out.os.clone() else { return };
    let mut renamed = HashMap::new();
    for found in out.components.iter_mut().filter(|found| component::follows_release(found)) {
        let before = found.component.purl.clone();
        component::settle(found, &os);
        renamed.insert(before, found.component.purl.clone());
    }
    for owner in out.components.iter_mut().filter_map(|found| found.owned_by.as_mut()) {
        if let Some(purl) = renamed.get(owner) {
            owner.clone_from(purl);
        }
    }
}

/// Packages of a distribution whose release nobody knows, or nobody has advisories for, were found but cannot be judged.
pub(super) fn tell_unmatchable(out: &mut Inventory) {
    let paths: BTreeSet<String> = out
        .components
        .iter()
        .filter(|found| found.component.ecosystem.is_empty() && component::is_distribution(&found.component))
        .map(|found| found.path.clone())
        .collect();
    out.skipped.extend(paths.into_iter().map(|path| Skipped {
        path,
        reason: UNSUPPORTED.to_owned(),
        detail: match &out.os {
            Some(os) => format!("there are no advisories for the packages of {}", os.name),
            None => "no file tells the distribution's release, so advisories cannot be matched".to_owned(),
        },
    }));
}
