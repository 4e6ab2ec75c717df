//! The library of ready policies: each passes its own tests with every line of its module evaluated, is what its sheet says,
//! and takes settings as constants and as nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use assay_model::{
    policy::{OnFailure, Policy},
    seam::judge::Judge as _,
};
use assay_policy::{
    Limits, RegoJudge,
    library::{Ready, all, find, page, settings},
    testing::{self, Ended, Source, Suite},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

fn suite(ready: &Ready) -> Suite {
    let module =
        |name: &str, rego: &str| Source { path: format!("{}/{name}", ready.sheet.name), rego: rego.to_owned() };
    Suite {
        name: ready.sheet.name.clone(),
        modules: vec![module("policy.rego", ready.rego), module("policy_test.rego", ready.tests)],
        data: Vec::new(),
    }
}

fn policy(rego: &str) -> Policy {
    Policy {
        slug: "ready".into(),
        name: "ready".into(),
        description: String::new(),
        rego: rego.to_owned(),
        precedence: 1,
        terminal: false,
        enabled: true,
        on_failure: OnFailure::FailClosed,
        actions: Vec::new(),
        reads: BTreeSet::new(),
        revision: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn every_policy_passes_its_tests_and_they_evaluate_every_line_of_it() {
    for ready in all().unwrap() {
        let report = testing::run(&suite(ready), None, &Limits::default());
        assert!(report.tests.len() >= 3, "{} has {} tests", ready.sheet.name, report.tests.len());
        for test in &report.tests {
            assert_eq!(test.ended, Ended::Pass, "{} {}:{} {:?}", test.name, test.file, test.line, test.stopped);
        }
        let negative = ready.tests.matches("not assay.match").count();
        assert!(negative >= 1, "{} is never seen to let anything through", ready.sheet.name);
        let module = &report.coverage[&format!("{}/policy.rego", ready.sheet.name)];
        assert!(module.not_covered.is_empty(), "{}: lines {:?}", ready.sheet.name, module.not_covered);
    }
}

#[test]
fn the_server_has_nothing_to_say_against_any() {
    let judge = RegoJudge::new(&[]);
    for ready in all().unwrap() {
        let checked = judge.check(ready.rego).unwrap_or_else(|error| panic!("{}: {error}", ready.sheet.name));
        assert!(checked.warnings.is_empty(), "{}: {:?}", ready.sheet.name, checked.warnings);
        let defaults = ready.module(&ready.sheet.defaults()).unwrap();
        assert_eq!(defaults, ready.rego, "the block of {} is not what its sheet says", ready.sheet.name);
    }
}

#[test]
fn sheets_are_complete_and_in_order() {
    let mut last = 0;
    for ready in all().unwrap() {
        let sheet = &ready.sheet;
        assert!(sheet.precedence > last, "{} is out of order", sheet.name);
        last = sheet.precedence;
        assert!(sheet.description.chars().count() <= 250 && !sheet.description.is_empty(), "{}", sheet.name);
        assert!(!sheet.actions().unwrap().is_empty(), "{}", sheet.name);
        assert_eq!(settings::origin(ready.rego), Some(sheet.name.as_str()));
        assert!(ready.about.starts_with(&format!("# {}\n\n", sheet.title)), "{}", sheet.name);
        for setting in &sheet.settings {
            let used = ready.rego.split("# end of settings").nth(1).unwrap();
            assert!(used.contains(&setting.name), "{} of {} is not used", setting.name, sheet.name);
            if !setting.required {
                assert_eq!(setting.accept(&setting.default).unwrap(), setting.default, "{}", setting.name);
            }
        }
    }
}

#[test]
fn the_page_is_what_the_folders_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy-library.md");
    let made = page().unwrap();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "write docs/policy-library.md again: UPDATE_PAGES=1 cargo test -p assay-policy --test library"
    );
}

fn set(name: &str, given: Value) -> Result<String, String> {
    let ready = find(name).unwrap();
    let given = serde_json::from_value(given).unwrap();
    let values = ready.sheet.values(&given, &settings::Values::new()).map_err(|error| error.to_string())?;
    Ok(ready.module(&values).unwrap())
}

#[test]
fn settings_become_constants() {
    let module =
        set("critical-with-fix", json!({"threshold": "7.5", "ignored": "CVE-2026-1, GHSA-1", "only_with_fix": "no"}));
    let module = module.unwrap();
    for line in
        ["threshold := 7.5\n", "ignored := {\n\t\"CVE-2026-1\",\n\t\"GHSA-1\",\n}\n", "only_with_fix := false\n"]
    {
        assert!(module.contains(line), "{line}: {module}");
    }
    assert!(module.contains("unscored := {\"CRITICAL\"}\n"), "what is not named stays: {module}");
    let module = set("maintenance", json!({"checks": "Maintained=1,Dangerous-Workflow=5"})).unwrap();
    assert!(module.contains("checks := {\n\t\"Dangerous-Workflow\": 5,\n\t\"Maintained\": 1,\n}\n"), "{module}");
    let module = set("critical-with-fix", json!({"unscored": ""})).unwrap();
    assert!(module.contains("unscored := set()\n"), "{module}");
}

#[test]
fn what_does_not_fit_is_refused_with_what_does() {
    let refused = |name: &str, given: Value, part: &str| {
        let said = set(name, given).unwrap_err();
        assert!(said.contains(part), "`{part}` is not in: {said}");
    };
    refused("critical-with-fix", json!({"threshold": 11}), "`11` is no number from 0 to 10");
    refused("critical-with-fix", json!({"threshold": "high"}), "`high` is no number from 0 to 10");
    refused("critical-with-fix", json!({"treshold": 1}), "has no setting `treshold`; it has threshold");
    refused("cooldown", json!({"days": 1.5}), "`1.5` is no whole number from 1 to 3650");
    refused("cooldown", json!({"since": "birth"}), "`birth` is not published or arrived");
    refused("cooldown", json!({"only_upstream": "perhaps"}), "no true or false");
    refused("dependency-confusion", json!({}), "`names`: must be set (--set names=...): Your own names");
    refused("malware", json!({"ignored": ["a\nb"]}), "is no list");
    refused("maintenance", json!({"checks": {"Maintained": 11}}), "is no numbers by name from 0 to 10");
    assert!(find("nothing").unwrap_err().to_string().contains("no policy `nothing`"));
}

proptest! {
    /// Whatever text is set, the module is as long in rules as before, passes the check, and gives the text back.
    #[test]
    fn no_text_becomes_program(texts in proptest::collection::btree_set("[^\\p{Cc}]{1,40}|\"\\}\nmatch := true#|`|\\\\\"|\\$\\{x\\}", 0..4)) {
        let ready = find("malware").unwrap();
        let fit: BTreeSet<String> =
            texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty() && !text.contains('\n')).collect();
        let given = [("ignored".to_owned(), json!(fit))].into();
        let values = ready.sheet.values(&given, &settings::Values::new()).unwrap();
        let module = ready.module(&values).unwrap();
        let judge = RegoJudge::new(&[]);
        prop_assert!(judge.check(&module).is_ok(), "{module}");
        prop_assert_eq!(settings::read(&module, &ready.sheet).unwrap(), values);
        for id in &fit {
            let document = |id: &str| json!({"v1": {"repository": {"name": "main"}, "malware": [
                {"identifier": id, "aliases": [], "package_name": "a", "package_version": "1"}]}});
            let outcome = |id: &str| judge.evaluate(&policy(&module), &document(id), Timestamp::UNIX_EPOCH).unwrap().outcome;
            prop_assert_eq!(outcome(id), assay_model::decision::Outcome::NoMatch, "{}", module);
            prop_assert_eq!(outcome("MAL-0"), assay_model::decision::Outcome::Match, "{}", module);
        }
    }
}

#[test]
fn settings_are_read_back_and_kept() {
    for ready in all().unwrap() {
        let read = settings::read(ready.rego, &ready.sheet);
        if ready.sheet.settings.iter().any(|setting| setting.required) {
            continue;
        }
        assert_eq!(read.unwrap(), ready.sheet.defaults(), "{}", ready.sheet.name);
    }
    let ready = find("critical-with-fix").unwrap();
    let first = set("critical-with-fix", json!({"threshold": 5, "ignored": ["CVE-1", "CVE-2"]})).unwrap();
    let before = settings::read(&first, &ready.sheet).unwrap();
    let second = ready.sheet.values(&[("threshold".to_owned(), json!(6))].into(), &before).unwrap();
    assert_eq!((&second["threshold"], &second["ignored"]), (&json!(6), &json!(["CVE-1", "CVE-2"])));
    let edited = first.replace("threshold := 5", "threshold := 5 + 1");
    let said = settings::read(&edited, &ready.sheet).unwrap_err().to_string();
    assert!(said.contains("`threshold`") && said.contains("edited by hand"), "{said}");
    assert_eq!(settings::origin("package assay\n\nmatch := true\n"), None);
}
