//! Keeping advisories: what is new of a batch, what it touches, and the jobs that look at it again.

use super::coming;
use crate::matching::fence;
use assay_model::{
    advisory::{Advisory, is_entry_id},
    clock::Clock,
    component::ComponentId,
    digest::Digest,
    event::NewEvent,
    problem::Problem,
    seam::{
        matcher::{Matcher, StoredAdvisory},
        meta::{Change, NewAdvisory, Tx},
    },
    work::{Due, Lane, NewJob, Stage},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{Hash, Hasher},
};

/// Advisories that a cause names.
const NAMED: usize = 3;

pub(super) fn prepare(records: Vec<(String, Advisory, Vec<u8>)>, matcher: &dyn Matcher) -> Vec<NewAdvisory> {
    let prepare = |(source, advisory, bytes): (String, Advisory, Vec<u8>)| {
        let live = advisory.withdrawn.is_none();
        NewAdvisory {
            keys: if live { matcher.filed_under(&advisory) } else { Vec::new() },
            stated: if live { matcher.stated(&advisory) } else { Vec::new() },
            stored: StoredAdvisory { revision: Digest::of(&bytes).to_string(), source, advisory },
            bytes,
        }
    };
    records.into_iter().map(prepare).collect()
}

/// A digest of an id, short enough to remember millions.
pub(super) fn short(id: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

pub(super) type Stored = (Vec<(String, Change)>, u64);

/// Keeps what is new of a batch and asks for every component it touches to be matched: those filed under its keys, now
/// or before, and those with a finding of which it states an alias or a severity.
pub(super) fn store_advisories(
    tx: &mut dyn Tx,
    matcher: &dyn Matcher,
    batch: &[NewAdvisory],
    clock: &dyn Clock,
) -> Result<Stored, Problem> {
    let mut changes = Vec::new();
    let mut fresh = Vec::new();
    let known = known_revisions(tx, batch)?;
    for new in batch {
        let id = (new.stored.source.clone(), new.stored.advisory.id.clone());
        if known.get(&id) == Some(&new.stored.revision) {
            changes.push((id.0, Change::Unchanged));
        } else {
            fresh.push(new.clone());
        }
    }
    if fresh.is_empty() {
        return Ok((changes, 0));
    }
    fence(tx)?;
    // taken behind the fence: what is exported since a moment misses nothing that was committed after it
    let now = clock.now();
    coming::note(tx, &fresh, now)?;
    let mut keys: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let mut kinds: BTreeMap<&str, Change> = BTreeMap::new();
    for (new, (change, before)) in fresh.iter().zip(tx.put_advisories(&fresh, now)?) {
        changes.push((new.stored.source.clone(), change));
        if change != Change::Unchanged {
            for key in new.keys.iter().cloned().chain(before) {
                keys.entry(key).or_default().insert(&new.stored.advisory.id);
            }
            kinds.insert(&new.stored.advisory.id, change);
            ids.extend(new.stored.advisory.ids().filter(|id| !is_entry_id(id)).map(str::to_owned));
        }
    }
    let all: BTreeSet<&str> = fresh.iter().map(|new| new.stored.advisory.id.as_str()).collect();
    let cause = changed(&all, &kinds);
    let mut touched: BTreeMap<ComponentId, String> = BTreeMap::new();
    let searched: BTreeSet<(String, String)> = keys.keys().flat_map(|key| matcher.searched(key)).collect();
    for named in tx.components_named(&searched.into_iter().collect::<Vec<_>>())? {
        let of: Vec<(String, String)> = matcher.keys(&named.component);
        let about: BTreeSet<&str> = of.iter().filter_map(|key| keys.get(key)).flatten().copied().collect();
        if !about.is_empty() {
            touched.insert(named.id, changed(&about, &kinds));
        }
    }
    for id in tx.components_with_ids(&ids.into_iter().collect::<Vec<_>>())? {
        touched.entry(id).or_insert_with(|| cause.clone());
    }
    let job = |(id, cause): (&ComponentId, &String)| NewJob {
        lane: Lane::Change,
        stage: Stage::Match,
        key: id.0,
        cause: cause.clone(),
        due: Due::at_once(now),
    };
    tx.enqueue(&touched.iter().map(job).collect::<Vec<_>>())?;
    if !touched.is_empty() {
        let body = json!({"components": touched.len()});
        tx.append_event(&NewEvent { at: now, kind: "feed.touched", actor: "system".into(), subject: cause, body })?;
    }
    Ok((changes, touched.len() as u64))
}

/// The advisories that are new, changed or withdrawn, for people; of many only how many.
fn changed(ids: &BTreeSet<&str>, kinds: &BTreeMap<&str, Change>) -> String {
    let named: Vec<&str> = ids.iter().copied().take(NAMED).collect();
    let are_all = |kind: Change| ids.iter().all(|id| kinds.get(id) == Some(&kind));
    let (one_did, all_did) = match () {
        () if are_all(Change::New) => ("is new", "are new"),
        () if are_all(Change::Withdrawn) => ("was withdrawn", "were withdrawn"),
        () => ("changed", "changed"),
    };
    match (named.as_slice(), ids.len()) {
        ([one], _) => format!("advisory {one} {one_did}"),
        (_, all) if all > NAMED => format!("{all} advisories {all_did}"),
        (named, _) => format!("advisories {} {all_did}", named.join(", ")),
    }
}

fn known_revisions(tx: &mut dyn Tx, batch: &[NewAdvisory]) -> Result<BTreeMap<(String, String), String>, Problem> {
    let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for new in batch {
        by_source.entry(&new.stored.source).or_default().push(new.stored.advisory.id.clone());
    }
    let mut known = BTreeMap::new();
    for (source, ids) in by_source {
        for (id, revision) in tx.advisory_revisions(source, &ids)? {
            known.insert((source.to_owned(), id), revision);
        }
    }
    Ok(known)
}
