//! `assay policy test`: authors of policies try them before anybody else meets them.

use crate::support::{ASSAY, package_id, publish, refuse_dangerous, server, settled};
use anyhow::Result;
use assay_testkit::{Run, make::wheel::Wheel};
use serde_json::Value;
use std::{fs, path::Path};

const POLICY: &str = "package cloudsmith

import rego.v1

default match := false

limit := 7

match if count(reason) > 0

reason contains msg if {
\tsome found in input.v0.vulnerabilities
\tsome source in found.cvss
\tsource.V3Score >= limit
\tmsg := sprintf(\"%s scores %v\", [found.identifier, source.V3Score])
}

reason contains \"never reached\" if {
\tinput.v0.package.name == \"never\"
}
";

const TESTS: &str = "package cloudsmith_test

import rego.v1

import data.cloudsmith

scored(score) := {\"v0\": {\"vulnerabilities\": [{\"identifier\": \"CVE-1\", \"cvss\": {\"nvd\": {\"V3Score\": score}}}], \"package\": {\"name\": \"a\"}}}

test_high_matches if {
\tcloudsmith.match with input as scored(9.8)
}

test_reason_names_it if {
\tcloudsmith.reason == {\"CVE-1 scores 9.8\"} with input as scored(9.8)
}

test_low_does_not if {
\tnot cloudsmith.match with input as scored(data.low)
}
";

fn assay(folder: &Path, line: &str) -> Result<Run> {
    Ok(Run::new(ASSAY)?.current_dir(folder).env("ASSAY_DATA", folder.join("data")).args(line.split(' ')))
}

/// A folder per policy, as a library of policies has it.
fn library(folder: &Path, name: &str, policy: &str, tests: &str) -> Result<()> {
    let own = folder.join(name);
    fs::create_dir_all(&own)?;
    fs::write(own.join("policy.rego"), policy)?;
    fs::write(own.join("policy_test.rego"), tests)?;
    fs::write(own.join("policy.yaml"), "name: what it is called\n")?;
    fs::write(own.join("lists.json"), "{\"low\": 3.1}")?;
    Ok(())
}

#[tokio::test]
async fn tests_of_a_library_pass_though_all_policies_share_a_package() -> Result<()> {
    let folder = tempfile::tempdir()?;
    library(folder.path(), "one", POLICY, TESTS)?;
    library(folder.path(), "two", &POLICY.replace("limit := 7", "limit := 4"), TESTS)?;
    let ran = assay(folder.path(), "policy test .")?.succeed().await?;
    assert_eq!(ran.stdout, "PASS: 6/6\n", "{ran}");
    let ran = assay(folder.path(), "policy test . -v --run reason_names")?.succeed().await?;
    assert!(ran.says("data.cloudsmith_test.test_reason_names_it: PASS") && ran.says("PASS: 2/2"), "{ran}");
    let ran = assay(folder.path(), "policy test one --coverage")?.succeed().await?;
    assert!(ran.says("not covered: ") && ran.says("100.00 %  one/policy_test.rego"), "{ran}");
    let ran = assay(folder.path(), "policy test one --coverage --format json")?.succeed().await?;
    let told: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(told["tests"].as_array().map(Vec::len), Some(3), "{ran}");
    let missed = told["coverage"]["files"]["one/policy.rego"]["not_covered"].as_array().cloned().unwrap_or_default();
    assert_eq!(missed, [Value::from(18)], "{ran}");
    let ran = assay(folder.path(), "policy test . --run nothing-is-called-so --fail-on-empty")?.fail().await?;
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_test_that_fails_says_where_and_what_it_printed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let wrong = "package cloudsmith_test

import rego.v1

import data.cloudsmith

test_wrong if {
\tprint(\"the limit is\", cloudsmith.limit)
\tcloudsmith.limit == 8
\tcloudsmith.match
}

todo_test_later if false
";
    library(folder.path(), "one", POLICY, wrong)?;
    let ran = assay(folder.path(), "policy test one")?.fail().await?;
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    for part in
        ["test_wrong: FAIL", "stopped at line 9: cloudsmith.limit == 8", "the limit is 7", "FAIL: 1/2", "SKIPPED: 1/2"]
    {
        assert!(ran.says(part), "`{part}` is not in {ran}");
    }
    let ran = assay(folder.path(), "policy test one --format junit")?.fail().await?;
    for part in [
        "<testsuites>",
        "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\"",
        "name=\"test_wrong\"",
        "the limit is 7",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` is not in {ran}");
    }
    let ran = assay(folder.path(), "policy test one --json")?.fail().await?;
    let told: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&told[0]["fail"], &told[0]["location"]["row"]), (&true.into(), &7.into()), "{ran}");
    assert_eq!(told[1]["skip"], true, "{ran}");
    Ok(())
}

#[tokio::test]
async fn files_side_by_side_go_by_their_names_and_mistakes_are_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    fs::write(place.join("a.rego"), POLICY)?;
    fs::write(place.join("b.rego"), POLICY.replace("limit := 7", "limit := 8"))?;
    fs::write(place.join("a_test.rego"), "package cloudsmith_test\n\ntest_a if data.cloudsmith.limit == 7\n")?;
    fs::write(place.join("b_test.rego"), "package cloudsmith\n\ntest_b if limit == 8\n")?;
    let ran = assay(place, "policy test .")?.succeed().await?;
    assert_eq!(ran.stdout, "PASS: 2/2\n", "{ran}");

    fs::write(place.join("c_test.rego"), "package cloudsmith_test\n\ntest_c if true\n")?;
    let ran = assay(place, "policy test .")?.fail().await?;
    assert!(ran.says("c_test.rego belongs to none of the policies") && ran.status.code() == Some(1), "{ran}");
    fs::remove_file(place.join("c_test.rego"))?;

    fs::write(place.join("b.rego"), "package cloudsmith\n\nmatch if http.send({}).ok\n")?;
    let ran = assay(place, "policy test .")?.fail().await?;
    assert!(ran.says("the server would refuse this policy: line 3, column 10") && ran.says("ERROR: 1/2"), "{ran}");
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    fs::write(place.join("b.rego"), POLICY)?;
    fs::write(place.join("b_test.rego"), "package cloudsmith\n\ntest_b if {\n")?;
    let ran = assay(place, "policy test .")?.fail().await?;
    assert!(ran.says("b_test.rego") && ran.says("ERROR: 1/2"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_policy_is_tried_on_a_file_and_on_a_stored_package() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(
        folder.path().join("named.rego"),
        "package assay\n\nimport rego.v1\n\nmatch if startswith(input.v1.package.name, \"tiny\")\n\nreason contains sprintf(\"%s %s\", [input.v0.package.name, input.v0.package.version]) if match\n",
    )?;
    fs::write(
        folder.path().join("input.json"),
        "{\"input\": {\"v0\": {\"package\": {\"name\": \"x\"}}, \"v1\": {\"package\": {\"name\": \"x\"}}}}",
    )?;
    let ran = assay(folder.path(), "policy test named.rego --input input.json")?.succeed().await?;
    assert_eq!(ran.stdout, "named.rego: no match\n", "{ran}");

    let server = server().await?;
    publish(&server, &Wheel::new("tiny-kept", "1.0").build()?).await?;
    settled(&server).await?;
    refuse_dangerous(&server).await?;
    let file = folder.path().join("named.rego").display().to_string();
    let ran = server.cli(["policy", "test", &file, "--package", "main/pypi/tiny-kept@1.0"])?.succeed().await?;
    assert!(ran.says("named.rego: match") && ran.says("tiny-kept 1.0"), "{ran}");
    let ran =
        server.cli(["policy", "test", &file, "--json", "--package", "main/pypi/tiny-kept@1.0"])?.succeed().await?;
    let told: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(told[0]["reasons"][0], "tiny-kept 1.0", "{ran}");
    let id = package_id(&server, "main/pypi/tiny-kept@1.0").await?;
    let input = server.http().get(&format!("/api/v1/packages/{id}/input")).await?.expect_status(200)?.json()?;
    assert_eq!(input["v0"]["package"]["format"], "python", "{input}");
    assert!(input["v1"]["components"].as_array().is_some_and(|all| !all.is_empty()), "{input}");
    Ok(())
}
