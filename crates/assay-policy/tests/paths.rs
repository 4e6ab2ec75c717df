//! Paths that do not exist are told when a policy is saved, however a policy comes to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::seam::judge::Judge;

fn body(rules: &str) -> String {
    format!("package cloudsmith\n\ndefault match := false\n\n{rules}\n")
}

/// Where a text stands, as messages say it.
fn place(rego: &str, text: &str) -> String {
    let (line, found) = rego.lines().enumerate().find_map(|(line, all)| Some((line, all.split_once(text)?.0))).unwrap();
    format!("line {}, column {}:", line + 1, found.chars().count() + 1)
}

#[test]
fn a_path_that_does_not_exist_is_refused_wherever_it_stands() {
    let cases = [
        ("match if {\n\tsome v in input.v0.vulnerabilities\n\tv.epss_score > 0.1\n}", "epss_score ", "`epss.score`"),
        ("match if input.v0.vulnerabilities[_].epss.scor > 0.1", "scor >", "`score`"),
        (
            "match if {\n\tv := input.v1.vulnerabilities[_]\n\tk := v.kev\n\tk.date != null\n}",
            "date !=",
            "`date_added`",
        ),
        (
            "match if {\n\tevery v in input.v1.vulnerabilities { v.nearest_fix != null }\n}",
            "nearest_fix ",
            "`nearest_fixed`",
        ),
        (
            "bad(v) if v.epss_percentile > 0.9\nmatch if {\n\tsome v in input.v0.vulnerabilities\n\tbad(v)\n}",
            "epss_percentile",
            "`epss.percentile`",
        ),
        ("found := input.v0.vulnerabilities\nmatch if found[_].sevrity == \"HIGH\"", "sevrity", "`severity`"),
        ("match if count([x | some x in input.v1.components; x.depht > 3]) > 0", "depht", "`depth`"),
        ("reason contains v.titel if some v in input.v0.vulnerabilities\nmatch if true", "titel", "`title`"),
        ("match if input.v0[\"packge\"].name == \"x\"", "packge", "`package`"),
        (
            "match if {\n\tsome result in input.v0.security_scan\n\tsome f in result.Vulnerabilities\n\tf.fixed_version\n}",
            "fixed_version",
            "`FixedVersion`",
        ),
        ("match if {\n\tsome o in input.v0.osv\n\to.affected[_].ranges[_].events[_].fixd\n}", "fixd", "`fixed`"),
        ("match if input.v0.package.tags.name == \"x\"", "name ==", "it is an array"),
        ("match if {\n\tx := input.v0\n\tx.package.sha256\n}", "sha256", "`checksum_sha256`"),
        ("match if input.v1.vulnerabilities[_].vex.state == \"fixed\"", "state ==", "`status`"),
    ];
    for (rules, wrong, hint) in cases {
        let place = place(&body(rules), wrong);
        let remark = common::judge().check(&body(rules)).expect_err(rules).0.remove(0);
        let told = remark.to_string();
        assert!(told.starts_with(&place) && told.contains(hint), "{rules}\n  gave: {told}\n  expected: {place} {hint}");
        assert_eq!(remark.code, "unknown_field");
    }
    let imported = "package cloudsmith\nimport input.v0.pakage as p\nmatch if p.name == \"x\"";
    assert!(common::judge().check(imported).unwrap_err().to_string().contains("`package`"));
    let through = "package cloudsmith\nimport input.v0.package as p\nmatch if p.nmae == \"x\"";
    assert!(common::judge().check(through).unwrap_err().to_string().starts_with("line 3, column 12: there is no"));
}

#[test]
fn what_cannot_be_followed_is_not_judged() {
    let cases = [
        // one name with two meanings, each right in its place
        "match if {\n\tsome v in input.v0.osv\n\tv.id == \"x\"\n}\nmatch if {\n\tsome v in input.v0.vulnerabilities\n\tv.identifier == \"x\"\n}",
        "match if {\n\tcount([v | some v in input.v0.osv; v.id]) > 0\n\tcount([v | some v in input.v0.vulnerabilities; v.identifier]) > 0\n}",
        // made of something else
        "match if {\n\tv := object.union(input.v0.package, {\"mine\": 1})\n\tv.mine == 1\n}",
        "match if {\n\tsome v in [{\"a\": 1}]\n\tv.a == 1\n}",
        "scores[v.identifier] := {\"mine\": v.severity} if some v in input.v0.vulnerabilities\nmatch if scores[_].mine == \"HIGH\"",
        "f(v) if v.anything\nmatch if f({\"anything\": true})",
        "f(v) if v.id\nmatch if f(input.v0.osv[_])\nmatch if f({\"id\": 1})",
        "lists := {\"banned\": [\"a\"]}\nmatch if input.v0.package.name in lists.banned",
        "match if {\n\tsome key\n\tinput.v0.package[key] == \"x\"\n}",
        "match if input.v0.metadata[_].content.whatever.it.is == 1",
        "match if input.v0.osv[_].database_specific.severity == \"HIGH\"",
        "match if input.v1.labels[\"team/owner\"] == \"a\"",
        "default found := null\nfound := input.v0.package\nmatch if found.name == \"x\"",
        "match if object.get(input.v0.package, \"anything\", null) == null",
        "match if {\n\tsome f in input.v0.package.files\n\tf.file_extension == \".pkl\"\n}",
        "named if input.v0.package.nothing == 1\nmatch if named with input as {\"v0\": {\"package\": {\"nothing\": 1}}}",
    ];
    for rules in cases {
        common::judge().check(&body(rules)).unwrap_or_else(|remark| panic!("{rules}\n  gave: {remark}"));
    }
}

#[test]
fn what_is_never_filled_is_a_warning() {
    let rego =
        body("match if {\n\tinput.v0.model_security.scan_summary == \"UNSAFE\"\n\tinput.v0.package.card.datasets\n}");
    let warnings = common::judge().check(&rego).unwrap().warnings;
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("line 6, column 11: `input.v0.model_security`"), "{told:?}");
    assert!(told[1].starts_with("line 7, column 19: `input.v0.package.card`"), "{told:?}");
    let fine = common::judge().check(&body("match if input.v0.package.name == \"x\"")).unwrap();
    assert!(fine.warnings.is_empty());
}

#[test]
fn a_policy_that_was_saved_by_an_older_version_still_runs() {
    let rego = body("match if input.v0.package.nothing == 1");
    assert!(common::judge().check(&rego).is_err());
    common::rules(vec![common::policy("old", &rego)]);
}

#[test]
fn names_that_do_not_exist_are_told_with_those_that_do() {
    let told = |rules: &str| common::judge().check(&body(rules)).expect_err(rules).to_string();
    let function = told("match if regex.mach(`a`, \"a\")");
    assert!(function.contains("did you mean `regex.match`?"), "{function}");
    let own = told("is_bad(x) if x == 1\nmatch if is_bda(1)");
    assert!(own.contains("did you mean `is_bad`?"), "{own}");
    let variable = told("threshold := 3\nmatch if treshold > 1");
    assert!(variable.starts_with("line 6, column 10") && variable.contains("did you mean `threshold`?"), "{variable}");
    let nothing = told("match if zzz > 1");
    assert!(nothing.contains("`some zzz in ...`"), "{nothing}");
}
