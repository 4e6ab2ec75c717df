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
	v.epss_scor > 0.5
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
