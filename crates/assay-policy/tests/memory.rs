//! A policy that holds more and more fails, and the process keeps its size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::decision::Outcome;
use assay_policy::{Limits, Path};
use regorus_mimalloc::limits::global_allocation_stats_snapshot;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const HEAD: &str = "package cloudsmith\n\ndefault match := false\n\n";
const MEMORY: u64 = 32 << 20;

fn outcome(rego: &str, path: Path) -> Outcome {
    // time is not what ends them here
    let limits = Limits { evaluation: Duration::from_secs(120), memory: MEMORY, ..Limits::default() };
    let judge = common::judge().with_limits(limits).with_path(path);
    let verdict =
        judge.evaluate(&common::policy("p", rego), &serde_json::json!({"v0": {}}), common::at("2026-01-01T00:00:00Z"));
    verdict.unwrap().outcome
}

fn hungry() -> Vec<String> {
    let rows = "match if count(rows) > 0\n\nrows := [row |\n\tsome i in numbers.range(1, 10000)\n\tsome j in numbers.range(1, 10000)\n\trow := [i, j, i + j]\n]\n";
    let texts = "match if count(texts) > 0\n\nlong := concat(\"\", [\"x\" | some _ in numbers.range(1, 100000)])\n\ntexts contains sprintf(\"%d %s\", [i, long]) if some i in numbers.range(1, 100000)\n";
    let table = "match if count(table) > 0\n\ntable := {sprintf(\"%d-%d\", [i, j]): i |\n\tsome i in numbers.range(1, 10000)\n\tsome j in numbers.range(1, 10000)\n}\n";
    let ranges =
        "match if count(rows) > 0\n\nrows := [numbers.range(i, i + 900000) | some i in numbers.range(1, 10000)]\n";
    [rows, texts, table, ranges].iter().map(|rule| format!("{HEAD}{rule}")).collect()
}

/// What the process holds is what these tests look at, so one is done after the other.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_holds_more_and_more_fails_and_is_freed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = global_allocation_stats_snapshot();
    for rego in hungry() {
        let told = outcome(&rego, Path::Checked);
        assert_eq!(told, Outcome::Failed("the policy holds more memory than 32 MiB".into()), "{rego}");
    }
    let after = global_allocation_stats_snapshot();
    assert!(after.peak - before.allocated < MEMORY + (32 << 20), "{before:?} {after:?}");
    assert!(after.allocated < before.allocated + (32 << 20), "{before:?} {after:?}");
    let modest = format!("{HEAD}match if count(numbers.range(1, 100000)) > 0\n");
    assert_eq!(outcome(&modest, Path::Checked), Outcome::Match);
}

#[test]
fn a_hungry_policy_does_not_fail_its_neighbours() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let hungry = hungry().remove(0);
    let modest = format!("{HEAD}match if {{\n\tsome i in numbers.range(1, 20000)\n\ti == 20000\n}}\n");
    std::thread::scope(|scope| {
        let bad: Vec<_> = (0..2).map(|_| scope.spawn(|| outcome(&hungry, Path::Interpreter))).collect();
        for _ in 0..20 {
            assert_eq!(outcome(&modest, Path::Checked), Outcome::Match);
        }
        for one in bad {
            assert!(matches!(one.join().unwrap(), Outcome::Failed(why) if why.contains("more memory")));
        }
    });
}
