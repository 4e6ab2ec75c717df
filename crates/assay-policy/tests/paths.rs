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

const FOUND: &str = "match if {\n\tsome v in input.v1.vulnerabilities\n\t";

fn found(condition: &str) -> String {
    body(&format!("{FOUND}{condition}\n}}"))
}

#[test]
fn comparing_what_never_can_be_equal_is_refused_with_what_to_write() {
    let cases = [
        ("v.epss > 0.5", "v.epss", "is an object and `0.5` a number", "its fields: score, percentile"),
        ("0.5 < v.epss", "v.epss", "is an object", "score"),
        ("e := v.epss; e > 0.5", "e > 0.5", "`input.v1.vulnerabilities[_].epss` is an object", "score"),
        ("v.epss > limit", "v.epss", "`0.7` a number", "score"),
        ("v.kev == true", "v.kev", "is an object and `true` true or false", ""),
        ("v.cvss >= 7", "v.cvss", "is an object", "`some source, x in`"),
        ("v.patched_versions == \"1.0\"", "v.patched_versions", "is an array", "write `in`"),
        ("v.patched_versions > 0", "v.patched_versions", "is an array", "`count(...)`"),
        ("v.score == \"9.8\"", "v.score", "they are never equal", "`9.8` without quotes"),
        ("v.package_name == 5", "v.package_name", "is a text and `5` a number", "`\"5\"`"),
        (
            "input.v1.package.signed != \"true\"",
            "input.v1.package.signed",
            "they always differ",
            "`true` without quotes",
        ),
        ("v.severity == \"Critical\"", "\"Critical\"", "never `\"Critical\"`", "`\"CRITICAL\"`"),
        ("v.severity = \"Critical\"", "\"Critical\"", "never `\"Critical\"`", "`\"CRITICAL\"`"),
        ("v.severity in {\"HIGH\", \"CRITCAL\"}", "\"CRITCAL\"", "never `\"CRITCAL\"`", "`\"CRITICAL\"`"),
        ("v.severity in grave", "\"hi\\u0067h\"", "never `\"high\"`", "`\"HIGH\"`"),
        ("v.severity == \"SEVERE\"", "\"SEVERE\"", "never `\"SEVERE\"`", "one of UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL"),
        ("input.v0.repository.repository_type == \"public\"", "\"public\"", "never", "`\"PUBLIC\"`"),
    ];
    for (condition, wrong, says, hint) in cases {
        let rego = format!("{}limit := 0.7\n\ngrave := [\"hi\\u0067h\"]\n", found(condition));
        let faults = common::judge().check(&rego).expect_err(condition).0;
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(faults.len(), 1, "{condition}: {told}");
        assert!(told.contains(says) && told.contains(hint), "{condition}\n  gave: {told}\n  expected: {says} … {hint}");
        assert!(
            told.starts_with(&place(&rego, wrong)),
            "{condition}\n  gave: {told}\n  expected: {}",
            place(&rego, wrong)
        );
    }
}

#[test]
fn comparing_what_can_be_equal_is_fine() {
    let cases = [
        "v.epss.score > 0.5; v.epss != null; v.kev != null; v.score >= 7",
        "v.epss == {}",
        "v.severity == \"CRITICAL\"; v.severity in {\"HIGH\", \"UNKNOWN\"}; lower(v.severity) == \"critical\"",
        "v.severity != input.v1.package.name",
        "limit := v.severity; limit == \"HIGH\"",
        "some x in [1, \"a\"]; x == 3",
        "input.v0.metadata[_].content.level == \"Critical\"",
        "input.v1.labels.stage == \"production\"",
        "some o in input.v0.osv; o.database_specific.severity == \"High\"",
        "some path, value; walk(input.v1, [path, value]); value == 3",
        "input.v0.package[_] == \"Critical\"",
        "count(v.patched_versions) > 0; count(v.cvss) == 1",
        "v.title; v.package_name; input.v1.package.is_local; not input.v1.package.signed",
        "input.v1.signatures[_].verified == true",
        "input.v1.age_at_arrival_days < 3; input.v1.package.size > -1",
    ];
    for condition in cases {
        let checked =
            common::judge().check(&found(condition)).unwrap_or_else(|faults| panic!("{condition}\n  gave: {faults}"));
        assert!(checked.warnings.is_empty(), "{condition}: {:?}", checked.warnings);
    }
    // one name with two meanings: one of them fits
    let either = "f(x) if x > 7\n\nmatch if f(input.v1.vulnerabilities[_].score)\n\nmatch if f(input.v1.vulnerabilities[_].epss)";
    assert!(common::judge().check(&body(either)).is_ok());
    let replaced = "named if input.v1.vulnerabilities[_].epss > 1\n\nmatch if named with input as {\"v1\": {\"vulnerabilities\": []}}";
    assert!(common::judge().check(&body(replaced)).is_ok());
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let cases = [
        ("v.kev", "v.kev", "null_is_not_false", "`v.kev != null`"),
        ("not v.kev", "v.kev", "null_is_not_false", "`v.kev == null`"),
        ("k := v.kev\n\tk # here", "k # here", "null_is_not_false", "`k != null`"),
        (
            "count([s | some s in input.v1.signatures; s.verified]) > 0",
            "s.verified",
            "null_is_not_false",
            "`s.verified == true`",
        ),
        ("not input.v1.signatures[0].verified", "input.v1.signatures", "null_is_not_false", "!= true`"),
        ("v.severity >= \"HIGH\"", "\"HIGH\"", "order_of_words", "as in a dictionary"),
        (
            "some r in input.v0.security_scan; r.Class == \"secret\"",
            "\"secret\"",
            "unknown_word",
            "one of os-pkgs, lang-pkgs",
        ),
    ];
    for (condition, wrong, code, hint) in cases {
        let rego = found(condition);
        let warnings =
            common::judge().check(&rego).unwrap_or_else(|faults| panic!("{condition}\n  gave: {faults}")).warnings;
        assert_eq!(warnings.len(), 1, "{condition}: {warnings:?}");
        let told = warnings[0].to_string();
        assert!(
            told.starts_with(&place(&rego, wrong)) && told.contains(hint),
            "{condition}\n  gave: {told}\n  expected: {hint}"
        );
        assert_eq!(warnings[0].code, code, "{condition}");
    }
}

#[test]
fn imports_of_keywords_may_stand_anywhere() {
    let rego = "package cloudsmith\n\nimport future.keywords.if\nimport future.keywords\n\nx if input.v0.package.name == \"a\"\n\nimport future.keywords.in\nimport rego.v1\nimport rego.v1\n\nmatch if x\n\nreason contains r if {\n\tsome r in [\"b\"]\n}\n";
    common::judge().check(rego).unwrap();
    common::rules(vec![common::policy("imports", rego)]);
    let wrong = common::judge().check(&rego.replace("\tsome r", "\tsome r, r2")).map(drop);
    assert!(wrong.is_ok(), "{wrong:?}");
    let faults = common::judge().check(&rego.replace("package.name", "package.nam")).unwrap_err().to_string();
    assert!(faults.starts_with("line 6, column 23"), "lines and columns stay what they are: {faults}");
}
