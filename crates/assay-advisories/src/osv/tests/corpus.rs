//! Every record of the real feeds is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::super::*;
use crate::testing::{self, Kept};
use std::collections::BTreeMap;
use std::fs::File;

fn read(folder: &str) -> Option<BTreeMap<String, Kept>> {
    let folder = testing::corpus(folder)?;
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let Ok(mut file) = File::open(entry.path().join("all.zip")) else { continue };
        let mut head = vec![0; 512];
        std::io::Read::read_exact(&mut file, &mut head).unwrap();
        assert!(Osv.recognizes("renamed", &head), "{name}");
        let mut kept = Kept::default();
        Osv.parse(&format!("{name}/all.zip"), &mut file, &mut kept).unwrap();
        assert_eq!(kept.progress.0, kept.advisories.len() as u64 + kept.bad.len() as u64);
        kept.advisories.iter_mut().for_each(|(_, bytes)| *bytes = Vec::new());
        all.insert(name, kept);
    }
    Some(all)
}

#[test]
fn all_feeds_are_read_whole() {
    let mut records = 0;
    for folder in ["feeds/osv", "feeds/malicious"] {
        let Some(feeds) = read(folder) else { return };
        for (name, kept) in &feeds {
            assert!(kept.bad.is_empty(), "{name}: {:?}", kept.bad);
            records += kept.advisories.len();
        }
        let pypi = |id: &str| {
            feeds
                .get("PyPI")
                .is_none_or(|kept| folder == "feeds/malicious" || kept.advisories.iter().any(|(a, _)| a.id == id))
        };
        // These break the schema, and none of the rules that a record needs to be of use.
        assert!(["PYSEC-2017-27", "PYSEC-2019-155", "PYSEC-2021-371", "PYSEC-2023-80"].into_iter().all(pypi));
    }
    eprintln!("osv feeds: {records} records");
    assert!(records > 80_000);
}

#[test]
fn snapshots_differ_as_their_deltas_say() {
    let (Some(before), Some(now)) = (read("feeds/osv-2-before"), read("feeds/osv")) else { return };
    for (name, before) in before {
        let path = testing::corpus(&format!("feeds/osv-2-before/delta-{name}.json")).unwrap();
        let delta: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let by_id =
            |kept: &Kept| kept.advisories.iter().map(|(a, _)| (a.id.clone(), a.clone())).collect::<BTreeMap<_, _>>();
        let (old, new) = (by_id(&before), by_id(&now[&name]));
        let count = |field: &str| delta[field].as_array().map_or(0, Vec::len);
        assert_eq!(new.keys().filter(|id| !old.contains_key(*id)).count(), count("added"), "{name}");
        assert_eq!(old.keys().filter(|id| !new.contains_key(*id)).count(), count("removed"), "{name}");
        let withdrawn = new
            .iter()
            .filter(|(id, a)| a.withdrawn.is_some() && old.get(*id).is_none_or(|o| o.withdrawn.is_none()))
            .count();
        assert_eq!(withdrawn, count("newly_withdrawn"), "{name}");
        eprintln!("{name}: {} before, {} now, {withdrawn} newly withdrawn", old.len(), new.len());
    }
}
