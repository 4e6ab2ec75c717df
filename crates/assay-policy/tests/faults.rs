//! What is wrong with a source is told at once: all of it, in its order, and nothing that only follows from another fault.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::seam::judge::Judge;

/// Line, code and a part of the message of each fault.
fn faults(rego: &str) -> Vec<(u32, String, String)> {
    let faults = common::judge().check(rego).expect_err(rego);
    faults.0.into_iter().map(|remark| (remark.line, remark.code, remark.message)).collect()
}

#[track_caller]
fn told(rego: &str, expected: &[(u32, &str, &str)]) {
    let found = faults(rego);
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(is, want)| is.0 == want.0 && is.1 == want.1 && is.2.contains(want.2));
    assert!(same, "{rego}\n  gave: {found:#?}\n  expected: {expected:#?}");
}

const MANY: &str = r#"package cloudsmith

default match := false

match if count(reason) > 0

reason contains text if {
	some v in input.v0.vulnerabilities
	v.epss_score > 0.5
	text := sprintff("%s", [v.identifier])
}

reason contains "old" if {
	input.v0.package.uploded_at < limit
}

reason contains "named" if re_match(`^x`, input.v0.package.name)

reason contains "listed" if data.names[_] == input.v0.package.name
"#;

#[test]
fn unknown_functions_paths_data_and_variables_are_told_together() {
    told(
        MANY,
        &[
            (9, "unknown_field", "epss.score"),
            (10, "rego_type_error", "did you mean `sprintf`?"),
            (14, "unknown_field", "uploaded_at"),
            (14, "rego_unsafe_var_error", "limit"),
            (17, "rego_type_error", "regex.match"),
            (19, "bad_policy", "no data documents"),
        ],
    );
}

#[test]
fn words_of_the_language_that_are_not_known_cannot_be_imported() {
    let rego =
        "package assay\n\nimport rego.v1\nimport future.keywords.not\n\nmatch if not input.v1.format == \"npm\"\n";
    told(rego, &[(4, "bad_policy", "`future.keywords.not` cannot be imported")]);
}

#[test]
fn rules_that_cannot_be_parsed_do_not_hide_what_follows() {
    let rego = "package cloudsmith\n\ndefault match := false\n\nmatch if {\n\tinput.v0.package.name ==\n}\n\nreason contains \"a\" if {\n\tx := [1, 2\n}\n\nreason contains \"b\" if input.v0.packge.name == \"b\"\n\nreason contains helper(1) if match\n\nhelper(n) := n if n > nn\n";
    let found = faults(rego);
    let lines: Vec<u32> = found.iter().map(|fault| fault.0).collect();
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!((6..=7).contains(&lines[0]) && (10..=11).contains(&lines[1]), "{found:#?}");
    assert!(found[2].2.contains("`package`") && lines[2] == 13, "{found:#?}");
    assert!(found[3].2.contains("nn") && lines[3] == 17, "{found:#?}");
}

#[test]
fn what_was_never_closed_is_told_once() {
    let rego = "package cloudsmith\n\ndefault match := false\n\nmatch if {\n\tcount(reason) > 0\n\nreason contains \"a\" if input.v0.package.name == \"a\"\n\nreason contains \"b\" if input.v0.package.naem == \"b\"\n";
    let found = faults(rego);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!((found[0].1.as_str(), found[1].0), ("rego_parse_error", 10), "{found:#?}");
}

#[test]
fn one_mistake_is_one_fault() {
    // a rule that is not there because of its mistake is missed by nobody
    told(
        "package cloudsmith\n\nmatch if bad\n\nbad if {\n\tinput.v0.package.name = = \"x\"\n}\n",
        &[(6, "rego_parse_error", "")],
    );
    told(
        "package cloudsmith\n\nmatch {\n\tinput.v0.package.name == \"x\"\n}\n\nother {\n\ttrue\n}\n",
        &[(3, "rego_parse_error", "Rego v0")],
    );
    let many: String = (0..80).map(|n| format!("a{n} := nothing{n}(1)\n")).collect();
    assert_eq!(faults(&format!("package cloudsmith\nmatch := true\n{many}")).len(), 50, "there is an end");
}

/// The head of a rule is what nobody else looks at: the rule would never hold, and never say why.
#[test]
fn a_head_names_only_what_its_rule_gives_a_value() {
    let begin = "package assay\ndefault match := false\nmatch if count(reason) > 0\n";
    let wrong = [
        ("reason contains zz if input.v0.package.name", "zz"),
        ("reason contains zz", "zz"),
        ("reason contains sprintf(\"%s\", [msg]) if { input.v0.package.name }", "msg"),
        ("reason contains msg if { texts := [msg | some msg in [\"a\"]]; count(texts) > 0 }", "msg"),
        ("reason contains \"a\" if { x := yy; x > 1 }", "yy"),
        ("score := qq if input.v0.package.size > 1\nreason contains \"a\" if score > 1", "qq"),
        ("of[kk] := o if some o in input.v0.osv\nreason contains \"a\" if of.x", "kk"),
        ("f(x) := yy if x > 1\nreason contains \"a\" if f(2) > 1", "yy"),
        ("o := {\"a\": tt} if true\nreason contains \"a\" if o.a", "tt"),
        ("o := 1 if input.v0.package.indexed else := ee if true\nreason contains \"a\" if o", "ee"),
        ("reason contains \"a\" if { some ii; not input.v0.package.tags[jj] }", "jj"),
    ];
    for (rule, name) in wrong {
        let found = faults(&format!("{begin}{rule}\n"));
        assert_eq!(found.len(), 1, "{rule}: {found:#?}");
        assert!(
            found[0].1 == "rego_unsafe_var_error" && found[0].2.contains(&format!("`{name}`")),
            "{rule}: {found:#?}"
        );
    }
    let right = [
        "reason contains msg if msg := input.v0.package.name",
        "reason contains msg if { some i; msg = input.v0.package.tags[i].name }",
        "reason contains id if [id, _] = [input.v0.package.name, 1]",
        "reason contains k if input.v0.vulnerabilities[_].cvss[k].V3Score > 1",
        "reason contains k if { walk(input.v0.metadata, [path, value]); k := sprintf(\"%v %v\", [path, value]) }",
        "reason contains t if { split(input.v0.package.name, \"-\", parts); t := parts[0] }",
        "of[id] contains o.summary if { some o in input.v0.osv; id := o.id }\nreason contains id if some id, _ in of",
        "reason contains x.name if some x in input.v0.package.tags",
        "reason contains n if { every k, v in input.v1.labels { k != v }; n := \"a\" }",
        "reason contains y if { ys := {y | some y in [\"a\"]}; some y in ys }",
        "reason contains concat(\",\", [n | n := input.v0.package.tags[_].name]) if true",
        "first([x, _]) := x\nreason contains first([\"a\", 2]) if true",
    ];
    for rule in right {
        if let Err(found) = common::judge().check(&format!("{begin}{rule}\n")) {
            panic!("{rule}: {found:#?}");
        }
    }
}

#[test]
fn a_function_gets_as_many_arguments_as_it_takes() {
    told(
        "package assay\n\ndefault match := false\n\nmatch if semver.compare(input.v0.package.version) == 1\n\nmatch if lower(input.v0.package.name, \"x\", \"y\") == \"x\"\n\nmatch if f(1, 2, 3)\n\nf(x) if x > 1\n",
        &[
            (5, "rego_type_error", "`semver.compare` takes 2 arguments and is given 1"),
            (7, "rego_type_error", "`lower` takes 1 argument and is given 3"),
            (9, "rego_type_error", "`f` takes 1 argument and is given 3"),
        ],
    );
}

#[test]
fn a_second_value_for_a_name_is_called_that() {
    let in_body = |text: &str| format!("package assay\n\ndefault match := false\n\nmatch if {{\n{text}\n}}\n");
    told(
        &in_body("\tx := 1\n\tx := 2\n\tx > 1"),
        &[(6, "rego_parse_error", "`x` gets a value with `:=` more than once")],
    );
    told(&in_body("\tx := 1; x := 2"), &[(6, "rego_parse_error", "more than once")]);
    told(&in_body("\ty > 1\n\ty := input.v1.package.size"), &[(6, "rego_parse_error", "used before the `:=`")]);
}
