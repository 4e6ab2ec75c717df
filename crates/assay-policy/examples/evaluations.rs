//! How many evaluations a second one processor does of a policy, by each way of evaluating, on documents with 1, 10, and
//! 500 vulnerabilities of which the last one matters. Run by `cargo xtask bench`; writes the documents to a folder, so that
//! another evaluator can be measured on the same ones, and prints one line of JSON for each figure.

use anyhow::{Context, Result, bail};
use assay_model::{
    decision::Outcome,
    policy::{OnFailure, Policy},
};
use assay_policy::{Path, RegoJudge};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

const SIZES: [usize; 3] = [1, 10, 500];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next =
        |what: &str| arguments.next().with_context(|| format!("usage: evaluations POLICY FOLDER MS; {what}"));
    let rego = std::fs::read_to_string(next("POLICY is missing")?)?;
    let folder = PathBuf::from(next("FOLDER is missing")?);
    let time = Duration::from_millis(next("MS is missing")?.parse()?);
    for size in SIZES {
        let document = document(size);
        std::fs::write(folder.join(format!("{size}.json")), document.to_string())?;
        for (name, path) in
            [("interpreter", Path::Interpreter), ("compiled", Path::Compiled), ("as used", Path::Checked)]
        {
            let judge = RegoJudge::new(&[]).with_path(path);
            let evaluate = judge.trial(&policy(&rego), &document)?;
            let first = evaluate(Timestamp::UNIX_EPOCH).outcome;
            if first != Outcome::Match {
                bail!("{name} does not match with {size} vulnerabilities: {first:?}");
            }
            println!(
                "{}",
                json!({"size": size, "path": name, "per_second": rate(time, || drop(evaluate(Timestamp::UNIX_EPOCH)))})
            );
        }
    }
    Ok(())
}

/// Calls a second; warm before it counts.
fn rate(time: Duration, mut call: impl FnMut()) -> f64 {
    for _ in 0..32 {
        call();
    }
    let started = Instant::now();
    let mut calls = 0_u32;
    while started.elapsed() < time {
        for _ in 0..8 {
            call();
        }
        calls += 8;
    }
    f64::from(calls) / started.elapsed().as_secs_f64()
}

fn policy(rego: &str) -> Policy {
    Policy {
        slug: "measured".into(),
        name: "measured".into(),
        description: String::new(),
        rego: rego.to_owned(),
        precedence: 100,
        terminal: false,
        enabled: true,
        on_failure: OnFailure::default(),
        actions: Vec::new(),
        reads: BTreeSet::new(),
        revision: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// A document with so many vulnerabilities in the shape of a scanner's report; all are fixed, the last one is severe.
fn document(size: usize) -> Value {
    let one = |index: usize| {
        let score = if index + 1 == size { 9.8 } else { 3.1 };
        let id = format!("CVE-2024-{index:05}");
        json!({
            "VulnerabilityID": id, "PkgID": format!("package-{index}@1.0.{index}"), "PkgName": format!("package-{index}"),
            "PkgIdentifier": {"PURL": format!("pkg:npm/package-{index}@1.0.{index}"), "UID": "7c1f0d2e0a5b3c41"},
            "InstalledVersion": format!("1.0.{index}"), "FixedVersion": format!("1.1.{index}"), "Status": "fixed",
            "Layer": {"DiffID": "sha256:beee9f30bc1f711043e78d4a2be0668955d4b761d587d6f60c2c8dc081efb203"},
            "SeveritySource": "ghsa", "PrimaryURL": format!("https://advisories.example/{id}"),
            "Title": format!("package-{index}: a flaw in how something is read"),
            "Description": "What is wrong, in some detail. ".repeat(20),
            "Severity": if score > 9.0 { "CRITICAL" } else { "LOW" },
            "CweIDs": ["CWE-79"],
            "CVSS": {
                "ghsa": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": score},
                "nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": score}
            },
            "References": (0..6).map(|n| format!("https://references.example/{id}/{n}")).collect::<Vec<_>>(),
            "PublishedDate": "2024-05-20T20:15:00Z", "LastModifiedDate": "2024-06-10T17:16:00Z"
        })
    };
    let vulnerabilities: Vec<Value> = (0..size).map(one).collect();
    json!({"v0": {
        "package": {"name": "example", "version": "1.0.0", "format": "docker", "tags": []},
        "security_scan": {"0": {"Target": "example", "Vulnerabilities": []}, "Vulnerabilities": vulnerabilities}
    }})
}
