//! The cooldown: versions that are younger than an upstream's settings want are kept back, unless they mend something.

use super::{
    Known,
    listing::{Listing, Offer},
};
use crate::Desk;
use assay_model::{ecosystem, problem::Problem, seam::upstream::RemoteVersion};
use jiff::{SignedDuration, Timestamp};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Versions that are compared with the newest allowed one, nearest first.
const COMPARED: usize = 40;

/// Until when the cooldown keeps a version back.
pub(super) fn withheld(known: &Known, name: &str, version: &RemoteVersion, now: Timestamp) -> Option<Timestamp> {
    let settings = &known.upstream.settings;
    let exempt = settings.cooldown_exempt.iter().any(|pattern| assay_model::upstream::matches(pattern, name));
    if settings.cooldown_days == 0 || exempt {
        return None;
    }
    let Some(published) = version.published_at else { return settings.cooldown_unknown.then_some(Timestamp::MAX) };
    let end = published.checked_add(SignedDuration::from_hours(24 * i64::from(settings.cooldown_days)));
    end.ok().filter(|end| *end > now)
}

impl Desk {
    /// Lets versions through that mend a known vulnerability of the newest version that may be had, and bring none that it
    /// does not have.
    pub(super) async fn let_fixes_through(&self, name: &str, listing: &mut Listing) -> Result<(), Problem> {
        if listing.offers.values().all(|offer| offer.withheld.is_none()) {
            return Ok(());
        }
        let Some(purl_type) = self.format.spec().ecosystem else { return Ok(()) };
        let Some(law) = ecosystem::of_purl_type(purl_type) else { return Ok(()) };
        let compare = |a: &String, b: &String| law.scheme.compare(a, b).unwrap_or(Ordering::Equal);
        let allowed = listing.offers.iter().filter(|(_, offer)| offer.withheld.is_none()).map(|(version, _)| version);
        let Some(newest) = allowed.max_by(|a, b| compare(a, b)).cloned() else { return Ok(()) };
        let held = listing.offers.iter().filter(|(_, offer)| offer.withheld.is_some()).map(|(version, _)| version);
        let mut later: Vec<String> = held.filter(|version| compare(version, &newest).is_gt()).cloned().collect();
        later.sort_by(compare);
        later.truncate(COMPARED);
        let asked: Vec<(String, String)> =
            later.iter().chain([&newest]).map(|version| (name.to_owned(), version.clone())).collect();
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for one in self.engine.known(purl_type, &asked).await? {
            known.entry(one.version).or_default().insert(one.finding.id);
        }
        let Some(has) = known.get(&newest) else { return Ok(()) };
        let none = BTreeSet::new();
        for version in later {
            let left = known.get(&version).unwrap_or(&none);
            if left.is_subset(has)
                && left.len() < has.len()
                && let Some(offer) = listing.offers.get_mut(&version)
            {
                *offer = Arc::new(Offer { withheld: None, ..offer.again() });
            }
        }
        listing.seal();
        Ok(())
    }
}
