//! A policy that makes more of what it has, again and again, fails; the server goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::decision::Outcome;

fn failure(rego: &str) -> String {
    let rules = common::rules(vec![common::policy("p", rego)]);
    match rules.judge(&common::clean()).unwrap().evaluated.remove(0).verdict.outcome {
        Outcome::Failed(message) => message,
        other => panic!("{rego}: {other:?}"),
    }
}

/// A chain of rules, each of which makes twice of what the one before made.
fn doubling(first: &str, step: impl Fn(String) -> String) -> String {
    let rules: String = (0..40).map(|n| format!("a{} := {}\n", n + 1, step(format!("a{n}")))).collect();
    format!("package cloudsmith\n\ndefault match := false\n\nmatch if count(a40) > 0\n\na0 := {first}\n{rules}")
}

#[test]
fn what_doubles_again_and_again_fails() {
    let text = |rego: String| assert!(failure(&rego).contains("a text may have at most"), "{rego}");
    text(doubling("\"xxxxxxxx\"", |a| format!("concat(\"\", [{a}, {a}])")));
    text(doubling("\"xxxxxxxx\"", |a| format!("replace({a}, \"x\", \"xx\")")));
    text(doubling("\"xxxxxxxx\"", |a| format!("strings.replace_n({{\"x\": \"xx\"}}, {a})")));
    let array = doubling("[1, 2, 3, 4]", |a| format!("array.concat({a}, {a})"));
    assert!(failure(&array).contains("an array may hold at most"), "{array}");
}
