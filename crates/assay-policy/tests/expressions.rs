//! Every built-in function and operator, one small policy each, by both evaluators.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::{decision::Outcome, seam::judge::Judge};
use assay_policy::Path;
use std::{fs, path::PathBuf};

fn answer(expression: &str) -> Result<String, String> {
    let rego = format!(
        "package cloudsmith\n\nmatch if count(reason) > 0\n\nreason contains json.marshal(value) if value := {expression}\n"
    );
    let judge = common::judge().with_path(Path::Both);
    let rules = judge.compile(vec![common::policy("expression", &rego)]).map_err(|problem| problem.to_string())?;
    let verdict = rules.judge(&common::clean()).unwrap().evaluated.remove(0).verdict;
    match verdict.outcome {
        Outcome::Match => Ok(verdict.reasons.join(";")),
        Outcome::NoMatch => Ok("undefined".into()),
        Outcome::Failed(message) => Err(message),
    }
}

#[test]
fn expressions_have_the_values_that_the_reference_gives() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/expressions.txt");
    let text = fs::read_to_string(file).unwrap();
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
