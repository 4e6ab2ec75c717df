//! Every policy in `cases/` on example packages, with the outcome that the contract gives. The expectations were worked
//! out by hand, not taken from a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::{decision::Outcome, seam::judge::Judge};
use assay_policy::Path;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn row(line: &str) -> Result<(), String> {
    let mut parts = line.splitn(4, '|').map(str::trim);
    let mut next = || parts.next().unwrap();
    let (name, facts, outcome, reasons) = (next(), next(), next(), next());
    let source = fs::read_to_string(folder().join(format!("{name}.rego"))).unwrap();
    let rules = common::judge()
        .with_path(Path::Both)
        .compile(vec![common::policy(name, &source)])
        .map_err(|problem| problem.to_string())?;
    let evaluated = rules.judge(&common::named(facts)).unwrap().evaluated;
    let verdict = &evaluated[0].verdict;
    let (said, mut text) = match &verdict.outcome {
        Outcome::Match => ("match", verdict.reasons.join(";")),
        Outcome::NoMatch => ("no", verdict.reasons.join(";")),
        Outcome::Failed(message) => ("failed", message.clone()),
    };
    if reasons == "*" {
        text = "*".into();
    }
    if (said, text.as_str()) == (outcome, reasons) {
        return Ok(());
    }
    Err(format!("expected {outcome} `{reasons}`, got {said} `{text}`"))
}

#[test]
fn policies_answer_as_the_table_says() {
    let table = fs::read_to_string(folder().join("table.txt")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|line| row(line).err().map(|error| format!("{}: {error}", line.split('|').next().unwrap())))
        .collect();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let listed: BTreeSet<&str> = rows.iter().map(|line| line.split('|').next().unwrap().trim()).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(case) = name.strip_suffix(".rego") {
            assert!(listed.contains(case), "{case} is in no row of the table");
        }
    }
    assert!(listed.len() >= 60);
}
