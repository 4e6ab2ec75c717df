//! The judge's contract: what is accepted, what is refused and how, which facts are read, and that nothing fails
//! silently or without end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use assay_model::{
    decision::{Judged, Outcome},
    policy::FactKind::{
        self, Advisories, Downloads, Epss, Findings, Freshness, Health, Inventory, Kev, Package, Repository,
        Signatures, Ssvc, Tags, Time, Vex, Waivers,
    },
    seam::judge::Judge,
};
use assay_policy::{Limits, RegoJudge};
use std::{collections::BTreeSet, path::PathBuf, thread, time::Duration};

fn body(rules: &str) -> String {
    format!("package cloudsmith\n\ndefault match := false\n\n{rules}\n")
}

fn refused(rego: &str) -> String {
    common::judge().check(rego).expect_err(rego).to_string()
}

fn reads(rules: &str) -> BTreeSet<FactKind> {
    common::judge().check(&body(rules)).unwrap_or_else(|remark| panic!("{rules}: {remark}")).reads
}

fn outcome(rego: &str, facts: &assay_model::facts::Facts) -> Outcome {
    common::rules(vec![common::policy("p", rego)]).judge(facts).unwrap().evaluated.remove(0).verdict.outcome
}

#[test]
fn the_published_example_runs_verbatim() {
    let corpus = std::env::var("ASSAY_CORPUS").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        |path| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path),
    );
    let Ok(rego) = std::fs::read_to_string(corpus.join("oracles/policies/max-cvss.rego")) else {
        eprintln!("SKIPPED: no corpus at {}", corpus.display());
        return;
    };
    assert_eq!(common::judge().check(&rego).unwrap().reads, BTreeSet::from([Findings, Inventory, Vex, Waivers]));
    let rules = common::rules(vec![common::policy("max-cvss", &rego)]);
    for (facts, expected) in [(common::wheel(), true), (common::image(), true), (common::clean(), false)] {
        let verdict = rules.judge(&facts).unwrap().evaluated.remove(0).verdict;
        assert_eq!(verdict.outcome == Outcome::Match, expected, "{verdict:?}");
        assert_eq!(verdict.reasons, if expected { vec!["CVSS Score >= 6"] } else { vec![] });
        if expected {
            assert_eq!(verdict.output, serde_json::json!({ "max_cvss_score": 6 }));
        }
    }
    let mut unfixed = common::wheel();
    unfixed.findings.iter_mut().for_each(|(_, found)| {
        found.status = assay_model::finding::Status::Affected;
        found.fixed_versions.clear();
    });
    assert_eq!(outcome(&rego, &unfixed), Outcome::NoMatch);
}

#[test]
fn refusals_say_where_and_what_to_do() {
    let cases = [
        ("", "begin with `package cloudsmith`"),
        ("package other\nmatch := true", "line 1, column 9: the package is `other`"),
        ("package cloudsmith.policy\nmatch := true", "write `package cloudsmith`"),
        ("package cloudsmith\nallow := true", "there is no rule `match`"),
        ("package cloudsmith\nmatch(x) := true", "`match` takes arguments"),
        ("package cloudsmith\nmatch if {\n  x := \n}", "line 3, column"),
        ("package cloudsmith\nmatch { true }", "this is Rego v0: write `if`"),
        (
            "package cloudsmith\nmatch if re_match(`a`, \"a\")",
            "line 2, column 10: there is no function `re_match`; use regex.match",
        ),
        ("package cloudsmith\nmatch if http.send({\"method\": \"get\"})", "`http.send` is not available"),
        ("package cloudsmith\nmatch if rand.intn(\"a\", 3) == 1", "`rand.intn` is not available"),
        ("package cloudsmith\nmatch if uuid.rfc4122(\"a\") == \"\"", "`uuid.rfc4122` is not available"),
        ("package cloudsmith\nmatch if opa.runtime().env", "`opa.runtime` is not available"),
        ("package cloudsmith\nmatch if regex.match(`(`, \"a\")", "`(` is not a regular expression: unclosed group"),
        ("package cloudsmith\nmatch if data.lists.banned", "there are no data documents"),
        ("package cloudsmith\nimport data.lists\nmatch if lists.banned", "there are no data documents"),
        ("package cloudsmith\nmatch if f(1)\nf(x) if f(x + 1)", "rules cannot be recursive"),
        ("package cloudsmith\nmatch if a\na if b\nb if a", "rules cannot be recursive"),
        ("package cloudsmith\nmatch if x > 1", "line 2, column 10"),
        ("package cloudsmith\nmatch if input.package.name", "there is no `input.package`; policies read `input.v0`"),
        (
            "package cloudsmith\nmatch if input.v0.kev[_]",
            "line 2, column 19: there is no `input.v0.kev`; it is in `input.v1.kev`",
        ),
        ("package cloudsmith\na := 1\nmatch if -a < 1", "line 3, column 10: a minus can stand"),
    ];
    for (rego, expected) in cases {
        let message = refused(rego);
        assert!(message.contains(expected), "{rego}\n  gave: {message}\n  expected: {expected}");
    }
    assert!(refused(&body(&"# x\n".repeat(70_000))).contains("at most 262144 are allowed"));
    let chain: String = (0..60).map(|n| format!("a{n} if a{}\n", n + 1)).collect();
    assert!(refused(&body(&format!("match if a0\n{chain}a60 := true"))).contains("needs a chain of"));
    let nested = format!("match if {}1{} == 1", "(".repeat(5000), ")".repeat(5000));
    assert!(refused(&body(&nested)).contains("line 5"));
}

#[test]
fn long_chains_of_operators_are_refused_and_shorter_ones_fit_a_small_stack() {
    let sum = |terms: usize, joint: &str| body(&format!("match if 1{} > 0", joint.repeat(terms)));
    for joint in ["+1", "+\n1", "\n+1", " + (1)", "# c\n+1"] {
        assert!(refused(&sum(3_000, joint)).contains("operators; split it"), "{joint}");
        let rego = sum(150, joint);
        let run = move || outcome(&rego, &common::clean());
        let small = thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap();
        assert_eq!(small.join().unwrap(), Outcome::Match, "{joint}");
    }
    let many_rules: String = (0..1_000).map(|n| format!("r{n} := {n} + 1\n")).collect();
    assert_eq!(outcome(&body(&format!("match if r0 == 1\n{many_rules}")), &common::clean()), Outcome::Match);
}

#[test]
fn local_names_are_not_recursion() {
    let rego = body("score := 3\n\nf(score) := score + 1\n\nmatch if f(score) == 4");
    assert_eq!(outcome(&rego, &common::clean()), Outcome::Match);
}

#[test]
fn the_facts_a_policy_reads_follow_from_its_source() {
    let set = |kinds: &[FactKind]| kinds.iter().copied().collect::<BTreeSet<_>>();
    let all = set(&[
        Package, Repository, Inventory, Findings, Advisories, Epss, Kev, Ssvc, Tags, Vex, Waivers, Health, Signatures,
        Freshness, Downloads,
    ]);
    let cases = [
        ("match if input.v0.package.name == \"x\"", set(&[Package])),
        ("match if input.v0[\"package\"].name == \"x\"", set(&[Package])),
        ("match if input.v0.package.tags[_].name == \"x\"", set(&[Tags])),
        ("match if \"x\" in input.v1.tags", set(&[Tags])),
        ("match if input.v0.repository.name == \"x\"", set(&[Repository])),
        ("match if time.now_ns() > 0", set(&[Time])),
        ("match if count(input.v0.osv) > 0", set(&[Findings, Advisories, Vex, Waivers])),
        ("match if count(input.v0.vulnerabilities) > 0", set(&[Findings, Vex, Waivers])),
        ("match if {\n some v in input.v0.vulnerabilities\n v.severity == \"HIGH\"\n}", set(&[Findings, Vex, Waivers])),
        (
            "match if {\n some v in input.v0.vulnerabilities\n v.epss.score > 0.1\n}",
            set(&[Findings, Epss, Vex, Waivers]),
        ),
        ("match if input.v0.vulnerabilities[_].epss.score > 0.1", set(&[Findings, Epss, Vex, Waivers])),
        (
            "match if {\n v := input.v0.vulnerabilities[_]\n e := v.epss\n e.score > 0.1\n}",
            set(&[Findings, Epss, Vex, Waivers]),
        ),
        (
            "bad(v) if v.epss.score > 0.1\nmatch if {\n some v in input.v0.vulnerabilities\n bad(v)\n}",
            set(&[Findings, Advisories, Epss, Vex, Waivers]),
        ),
        (
            "match if {\n some v in input.v0.vulnerabilities\n some k\n v[k].score > 0.1\n}",
            set(&[Findings, Advisories, Epss, Vex, Waivers]),
        ),
        ("match if {\n some v in input.v1.vulnerabilities\n v.kev\n}", set(&[Findings, Kev, Vex, Waivers])),
        (
            "found := input.v0.vulnerabilities\nmatch if found[_].epss.score > 1",
            set(&[Findings, Advisories, Epss, Vex, Waivers]),
        ),
        ("match if count(input.v1.kev) > 0", set(&[Findings, Kev, Vex, Waivers])),
        ("match if not input.v1.completeness.complete", set(&[Inventory])),
        ("match if input.v0.package.license.raw_license == \"MIT\"", set(&[Package, Inventory])),
        (
            "pkg := input.v0.package\nmatch if pkg.name == \"x\"",
            set(&[Package, Tags, Inventory, Findings, Vex, Waivers, Signatures, Downloads]),
        ),
        ("match if {\n pkg := input.v0.package\n pkg.name == \"x\"\n}", set(&[Package])),
        ("match if {\n v := input.v0\n v.repository.name == \"x\"\n}", set(&[Repository])),
        ("match if {\n some key\n input.v0[key]\n}", all.clone()),
        ("match if count(input) > 0", all.clone()),
        ("match if json.marshal(input.v0) == \"\"", all.clone()),
        ("named if input.v0.package.name == \"x\"\nmatch if named with input as {}", {
            let mut kinds = all.clone();
            kinds.insert(Package);
            kinds
        }),
        ("match if count(input.v1.suppressed) > 0", set(&[Findings, Vex, Waivers])),
        ("match if input.v1.scorecard.score < 3", set(&[Health])),
        ("match if input.v1.popularity.rank > 3", set(&[Health])),
        ("match if not input.v0.package.signed", set(&[Signatures])),
        ("match if input.v0.package.last_downloaded_at == null", set(&[Downloads])),
        ("match if input.v1.sources[_].stale", set(&[Freshness])),
        ("match if input.v1.labels.stage == \"production\"", set(&[Repository])),
        ("match if count(input.v1.waivers) > 0", set(&[Waivers])),
        (
            "match if {\n some v in input.v1.vulnerabilities\n v.ssvc.exploitation == \"active\"\n}",
            set(&[Findings, Ssvc, Vex, Waivers]),
        ),
        ("match if {\n some v in input.v1.vulnerabilities\n v.vex.status\n}", set(&[Findings, Vex, Waivers])),
        ("match if true", set(&[])),
    ];
    for (rules, expected) in cases {
        assert_eq!(reads(rules), expected, "{rules}");
    }
    let imported = "package cloudsmith\nimport input.v0.repository as repo\nmatch if repo.name == \"x\"";
    assert_eq!(common::judge().check(imported).unwrap().reads, set(&[Repository]));
    let whole = "package cloudsmith\nimport input.v0\nmatch if v0.package.name == \"x\"";
    assert_eq!(common::judge().check(whole).unwrap().reads, set(&[Package]));
}

#[test]
fn a_costly_policy_is_stopped_and_fails() {
    let judge = common::judge().with_limits(Limits { evaluation: Duration::from_millis(100), ..Limits::default() });
    let rego = body(
        "match if {\n some a in numbers.range(1, 3000)\n some b in numbers.range(1, 3000)\n \
         some c in numbers.range(1, 3000)\n ((a + b) + c) < 0\n}",
    );
    let rules = judge.compile(vec![common::policy("slow", &rego)]).unwrap();
    let started = std::time::Instant::now();
    let evaluated = rules.judge(&common::clean()).unwrap().evaluated;
    assert_eq!(evaluated[0].verdict.outcome, Outcome::Failed("the policy took longer than 100 ms".into()));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn failures_say_where() {
    let rego = body("match if value == 1\n\nvalue := x if some x in [1, 2]");
    let Outcome::Failed(message) = outcome(&rego, &common::clean()) else { panic!("must fail") };
    assert!(message.starts_with("line 7, column"), "{message}");
}

#[test]
fn policies_run_in_order_until_a_terminal_match() {
    let make = |slug: &str, precedence: u16, terminal: bool, enabled: bool, result: bool| {
        let mut policy = common::policy(slug, &format!("package cloudsmith\nmatch := {result}"));
        policy.precedence = precedence;
        policy.terminal = terminal;
        policy.enabled = enabled;
        policy
    };
    let rules = common::rules(vec![
        make("last", 40, false, true, true),
        make("terminal", 30, true, true, true),
        make("terminal-without-match", 20, true, true, false),
        make("disabled", 10, true, false, true),
        make("b", 5, false, true, true),
        make("a", 5, false, true, true),
    ]);
    let order: Vec<_> = rules.policies().iter().map(|policy| policy.slug.as_str()).collect();
    assert_eq!(order, ["a", "b", "terminal-without-match", "terminal", "last"]);
    let evaluated = rules.judge(&common::clean()).unwrap().evaluated;
    let said: Vec<_> = evaluated.iter().map(|one| one.verdict.policy.as_str()).collect();
    assert_eq!(said, ["a", "b", "terminal-without-match", "terminal"]);
}

#[test]
fn many_threads_share_one_set_of_rules() {
    let rego = body("match if {\n some v in input.v0.vulnerabilities\n v.severity == \"HIGH\"\n time.now_ns() > 0\n}");
    let rules = common::rules(vec![common::policy("p", &rego), common::policy("q", &rego)]);
    let alone = rules.judge(&common::wheel()).unwrap().input;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let Judged { evaluated: hit, input: digest, .. } = rules.judge(&common::wheel()).unwrap();
                    assert_eq!(digest, alone);
                    assert!(hit.iter().all(|one| one.verdict.outcome == Outcome::Match));
                    let miss = rules.judge(&common::clean()).unwrap().evaluated;
                    assert!(miss.iter().all(|one| one.verdict.outcome == Outcome::NoMatch));
                }
            });
        }
    });
}

#[test]
fn the_longest_allowed_chain_fits_a_small_stack() {
    let chain: String =
        (0..45).map(|n| format!("a{n} := x if {{\n some y in [a{}]\n x := [y][0]\n}}\n", n + 1)).collect();
    let rego = body(&format!("match if a0 == 1\n{chain}a45 := 1"));
    let run = move || outcome(&rego, &common::clean());
    let small = thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap();
    assert_eq!(small.join().unwrap(), Outcome::Match);
}

#[test]
fn unnamed_formats_keep_their_id() {
    let document = RegoJudge::new(&[]).input(&common::wheel()).unwrap();
    assert_eq!(document["v0"]["package"]["format"], "pypi");
    let named = common::judge().input(&common::wheel()).unwrap();
    assert_eq!(named["v0"]["package"]["format"], "python");
}
