//! Every fuzz target runs on its seeds and on a few mutations of them, so that a target that is broken itself, or a fault
//! close to valid input, shows up in the ordinary tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::time::Duration;

use assay_testkit::fuzz::{engine, targets};

#[test]
fn every_target_passes_near_its_seeds() {
    let folder = tempfile::tempdir().unwrap();
    for target in targets() {
        let plan = engine::Plan {
            time: Duration::from_secs(20),
            inputs: target.seeds.len() as u64 + 50,
            seed: 1,
            artifacts: folder.path().join(&target.name),
            trace: None,
        };
        match engine::run(&target, &plan).unwrap() {
            engine::Found::Nothing(count) => assert!(count > 0, "{} ran on nothing", target.name),
            engine::Found::Input(path, what) => {
                panic!("{} {what} on {:?}", target.name, String::from_utf8_lossy(&std::fs::read(path).unwrap()));
            }
        }
    }
}

#[test]
fn names_are_unique_and_every_target_has_seeds() {
    let mut names = BTreeSet::new();
    for target in targets() {
        assert!(!target.seeds.is_empty() && target.seeds.iter().all(|seed| !seed.is_empty()), "{}", target.name);
        assert!(names.insert(target.name.clone()), "{} stands twice", target.name);
    }
}
