//! A decision is a function: what a document gives again after it was written and read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::{facts::Facts, seam::judge::Judge};
use std::path::Path;

/// Every policy of the table, all in one set.
fn policies() -> Vec<assay_model::policy::Policy> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "rego") {
            let slug = path.file_stem().unwrap().to_str().unwrap().to_owned();
            all.push(common::policy(&slug, &std::fs::read_to_string(&path).unwrap()));
        }
    }
    let by_number = "package cloudsmith\nmatch := input.v0.security_scan[0].Type == \"alpine\"";
    all.push(common::policy("by-number", by_number));
    let in_order = "package cloudsmith\nmatch := true\nkinds := [t.Type | some t in input.v0.security_scan; t.Type]\nlast := {i | some i, t in input.v0.security_scan; is_number(i)}";
    all.push(common::policy("in-order", in_order));
    assert!(all.len() > 90, "{}", all.len());
    all
}

/// An image with components of a dozen kinds: the numbers of its results have one digit and two.
fn motley() -> Facts {
    let mut facts = common::image();
    let template = facts.components[0].clone();
    for kind in ["npm", "pypi", "gem", "cargo", "golang", "maven", "nuget", "composer", "hex", "pub", "conan", "swift"]
    {
        let mut found = template.clone();
        found.component = common::component(kind, "thing", "1.0", "");
        facts.components.push(found);
    }
    facts
}

#[test]
fn a_document_that_was_written_and_read_gives_the_same_verdicts() {
    let rules = common::rules(policies());
    for (name, facts) in [("wheel", common::wheel()), ("image", common::image()), ("motley", motley())] {
        let judged = rules.judge(&facts).unwrap();
        let again = rules.replay(&judged.document, facts.now).unwrap();
        assert_eq!(again.document, judged.document, "{name}");
        assert_eq!((&again.input, &again.waivers), (&judged.input, &judged.waivers), "{name}");
        assert_eq!(again.evaluated.len(), judged.evaluated.len());
        for (a, b) in again.evaluated.iter().zip(&judged.evaluated) {
            assert_eq!(a.verdict, b.verdict, "{name}");
        }
        assert_eq!(common::judge().shown(&judged.document, "p").unwrap(), common::judge().input(&facts).unwrap());
    }
}

/// The ready policies, as they are installed with usual settings.
fn ready() -> Vec<assay_model::policy::Policy> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
    let texts = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("policy.rego"));
    let texts = texts.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap());
    let ready: Vec<_> = texts.enumerate().map(|(n, rego)| common::policy(&format!("ready-{n}"), &rego)).collect();
    assert!(ready.len() > 10, "{}", ready.len());
    ready
}

#[test]
fn a_policy_says_the_same_of_the_parts_that_it_reads_as_of_the_whole() {
    let worlds =
        [common::wheel(), common::image(), motley(), common::malware(), common::application(), common::known()];
    for policy in policies().into_iter().chain(ready()) {
        let slug = policy.slug.clone();
        let rules = common::rules(vec![policy]);
        for facts in &worlds {
            let (whole, parts) = (rules.judge(facts).unwrap(), rules.suppose(facts));
            assert_eq!(parts.waivers, whole.waivers, "{slug}");
            let verdicts = |judged: &assay_model::decision::Judged| -> Vec<_> {
                judged.evaluated.iter().map(|one| one.verdict.clone()).collect()
            };
            assert_eq!(verdicts(&parts), verdicts(&whole), "{slug}");
        }
    }
}

#[test]
fn numbers_stay_what_they_are() {
    let mut facts = common::wheel();
    let epss = facts.scores.epss.values_mut().next().unwrap();
    let policy = common::policy(
        "numbers",
        "package cloudsmith\nmatch := true\nscores := [sprintf(\"%v\", [v.epss.score]) | some v in input.v0.vulnerabilities; v.epss]\nsize := input.v0.package.size",
    );
    epss.percentile = 1.0;
    for score in [0.1 + 0.2, 1.0, 5e-324, 0.00043, 1.0 / 3.0, 0.0] {
        facts.scores.epss.values_mut().next().unwrap().score = score;
        let rules = common::rules(vec![policy.clone()]);
        let judged = rules.judge(&facts).unwrap();
        let again = rules.replay(&judged.document, facts.now).unwrap();
        assert_eq!(again.evaluated[0].verdict, judged.evaluated[0].verdict, "{score}");
        assert_eq!(again.input, judged.input, "{score}");
    }
}

#[test]
fn what_is_no_document_is_refused() {
    let rules = common::rules(vec![]);
    let now = common::wheel().now;
    for wrong in ["", "{}", "[1]", "[{},{},{}]", "[{}"] {
        assert!(rules.replay(wrong.as_bytes(), now).is_err(), "{wrong}");
        assert!(common::judge().sheet(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_sheet_says_what_the_document_says() {
    let facts = common::wheel();
    let rules = common::rules(vec![]);
    let sheet = common::judge().sheet(&rules.judge(&facts).unwrap().document).unwrap();
    assert_eq!(sheet.tags, facts.package.tags);
    let named: Vec<(&str, &str)> = facts.findings.iter().map(|(c, f)| (f.id.as_str(), c.purl.as_str())).collect();
    for one in &sheet.findings {
        assert!(named.contains(&(one.id.as_str(), one.component.as_str())), "{one:?}");
    }
    let of = |id: &str| sheet.findings.iter().find(|one| one.id == id).unwrap();
    let told = of("CVE-2018-18074");
    let (_, finding) = facts.findings.iter().find(|(_, f)| f.id == "CVE-2018-18074").unwrap();
    assert_eq!((told.score, told.severity), (finding.score(), Some(finding.severity)));
    assert_eq!(told.epss, facts.scores.epss.get("CVE-2018-18074").map(|epss| epss.score));
    assert_eq!(told.fixed, finding.nearest_fixed);
    assert_eq!(sheet.facts["package.name"], facts.package.at.name.as_str());
    assert!(sheet.facts.keys().any(|path| path.starts_with("components.pkg:")), "{:?}", sheet.facts.keys());
    assert!(!sheet.facts.keys().any(|path| path.starts_with("vulnerabilities") || path.starts_with("security_scan")));
}
