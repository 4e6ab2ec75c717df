//! Tests of policies with cases, and what counts as tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_policy::{
    Limits,
    testing::{self, Ended, Report, Source, Suite},
};

const POLICY: &str = "package cloudsmith\n\ndefault match := false\n\nmax := 7\n\nmatch if input.v0.vulnerabilities[_].cvss.nvd.V3Score >= max\n\nunused if input.v0.package.name == \"a\"\n";

fn run(test: &str) -> Report {
    let source = |path: &str, rego: &str| Source { path: path.into(), rego: rego.into() };
    let modules = vec![source("policy.rego", POLICY), source("policy_test.rego", test)];
    testing::run(&Suite { name: "s".into(), modules, data: Vec::new() }, None, &Limits::default())
}

fn cases(report: &Report) -> Vec<(&str, bool)> {
    report.tests[0].cases.iter().map(|(case, holds)| (case.as_str(), *holds)).collect()
}

const HEAD: &str = "package cloudsmith_test\n\nimport data.cloudsmith\n\nof(s) := {\"v0\": {\"vulnerabilities\": [{\"cvss\": {\"nvd\": {\"V3Score\": s}}}]}}\n\n";

#[test]
fn a_case_that_does_not_hold_fails_its_test_by_name() {
    let both = |low: u8| {
        run(&format!(
            "{HEAD}test_scores[name] if {{\n\tsome name, score in {{\"low\": {low}, \"high\": 9}}\n\tcloudsmith.match with input as of(score)\n}}\n"
        ))
    };
    let failed = both(1);
    assert_eq!(failed.tests.len(), 1);
    assert_eq!((failed.tests[0].name.as_str(), &failed.tests[0].ended), ("test_scores", &Ended::Fail));
    assert_eq!(cases(&failed), [("high", true), ("low", false)]);
    let passed = both(8);
    assert_eq!(passed.tests[0].ended, Ended::Pass);
    assert_eq!(cases(&passed), [("high", true), ("low", true)]);
}

#[test]
fn cases_can_be_written_one_by_one_or_have_several_names() {
    let report = run(&format!(
        "{HEAD}test_one[\"nine\"] if cloudsmith.match with input as of(9)\n\ntest_one[\"two\"] if cloudsmith.match with input as of(2)\n"
    ));
    let one: Vec<(&str, bool)> =
        report.tests.iter().map(|test| (test.name.as_str(), test.ended == Ended::Pass)).collect();
    assert_eq!(one, [("test_one.nine", true), ("test_one.two", false)]);
    let report = run(&format!(
        "{HEAD}test_both[kind][name] := holds if {{\n\tsome kind in [\"x\"]\n\tsome name, score in {{\"a\": 9, \"b\": 1}}\n\tholds := score > 5\n}}\n"
    ));
    assert_eq!(cases(&report), [("x/a", true), ("x/b", false)], "{:?}", report.tests);
    assert_eq!(report.tests[0].ended, Ended::Fail);
    let none = run(&format!("{HEAD}test_none[name] if {{\n\tsome name in []\n}}\n"));
    assert_eq!(none.tests[0].ended, Ended::Fail, "a test without a case shows nothing");
}

#[test]
fn what_no_test_asks_for_is_not_covered() {
    let test = format!(
        "{HEAD}test_high if cloudsmith.match with input as of(9)\n\ntest_max if cloudsmith.match with input as of(5) with cloudsmith.max as 4\n\ntest_low if {{\n\tcloudsmith.match with input as of(1)\n}}\n"
    );
    let report = run(&test);
    let ended: Vec<&Ended> = report.tests.iter().map(|test| &test.ended).collect();
    assert_eq!(ended, [&Ended::Pass, &Ended::Pass, &Ended::Fail]);
    assert!(report.coverage["policy.rego"].not_covered.contains(&9), "{:?}", report.coverage["policy.rego"]);
    let stopped = report.tests[2].stopped.as_ref().unwrap();
    assert_eq!(stopped.code, "cloudsmith.match with input as of(1)", "lines are shown as they were written");
}

#[test]
fn an_error_of_a_test_says_where_it_is() {
    let report = run(&format!(
        "{HEAD}import rego.v1\n\ntest_f if {{\n\tf(1) == 1\n}}\n\nf(x) := 1 if x > 0\n\nf(x) := 2 if x > 0\n"
    ));
    let Ended::Error(message) = &report.tests[0].ended else { panic!("{:?}", report.tests) };
    assert!(message.starts_with("policy_test.rego:"), "{message}");
    let line: usize = message.split(':').nth(1).unwrap().parse().unwrap();
    assert!((9..=15).contains(&line) && message.contains("multiple outputs"), "{message}");
}
