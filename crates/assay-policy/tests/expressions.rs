//! Every built-in function and operator, and every construct of the language, one small policy each, by both evaluators.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::{decision::Outcome, seam::judge::Judge};
use assay_policy::Path;
use std::{fs, path::PathBuf};

/// The reasons of a policy of which only the inner part is given.
fn reasons(inner: &str) -> Result<Option<Vec<String>>, String> {
    let (imports, rules): (Vec<&str>, Vec<&str>) = inner.lines().partition(|line| line.starts_with("import "));
    let (imports, rules) = (imports.join("\n"), rules.join("\n"));
    let rego = format!("package cloudsmith\n\nimport rego.v1\n{imports}\n\nmatch if count(reason) > 0\n\n{rules}\n");
    let judge = common::judge().with_path(Path::Both);
    let rules = judge.compile(vec![common::policy("small", &rego)]).map_err(|problem| problem.to_string())?;
    let verdict = rules.judge(&common::clean()).unwrap().evaluated.remove(0).verdict;
    match verdict.outcome {
        Outcome::Match => Ok(Some(verdict.reasons)),
        Outcome::NoMatch => Ok(None),
        Outcome::Failed(message) => Err(message),
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)).unwrap()
}

fn answer(expression: &str) -> Result<String, String> {
    let found = reasons(&format!("reason contains json.marshal(value) if value := {expression}"))?;
    Ok(found.map_or_else(|| "undefined".into(), |reasons| reasons.join(";")))
}

#[test]
fn constructs_of_the_language_mean_what_they_mean_to_the_reference() {
    let text = read("language.txt");
    let blocks: Vec<&str> = text.split("--- ").skip(1).collect();
    assert!(blocks.len() >= 70, "{}", blocks.len());
    let mut wrong = Vec::new();
    for block in blocks {
        let (name, rest) = block.split_once('\n').unwrap();
        let (inner, expected) = rest.trim_end().rsplit_once("\n=> ").unwrap();
        let said = match reasons(inner) {
            Ok(Some(reasons)) => reasons.join(" ;; "),
            Ok(None) => "no match".into(),
            Err(message) if expected == "failed" && !message.contains("the compiled form") => "failed".into(),
            Err(message) => format!("failed: {message}"),
        };
        if said != expected {
            wrong.push(format!("{name}\n    expected {expected}\n    got      {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn expressions_have_the_values_that_the_reference_gives() {
    let text = read("expressions.txt");
    let cases: Vec<(&str, &str)> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(" => ")).collect();
    assert!(cases.len() >= 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for (expression, expected) in cases {
        let said = answer(expression).unwrap_or_else(|error| format!("failed: {error}"));
        if said != expected {
            wrong.push(format!("{expression}\n    expected {expected}\n    got      {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
