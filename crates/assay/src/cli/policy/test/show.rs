//! How results of tests are told: to people, to programs (the fields that OPA's runner has, and a few more), and to
//! continuous integration (JUnit's XML).

use crate::cli::look::harmless;
use assay_policy::testing::{Coverage, Ended, Report, Tested};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// For people: what fails, or all, then the counts, then lines that no test evaluates.
pub(super) fn pretty(report: &Report, verbose: bool, coverage: bool) -> String {
    let mut lines = Vec::new();
    let mut file = "";
    for test in &report.tests {
        let (word, why) = match &test.ended {
            Ended::Pass => ("PASS", ""),
            Ended::Fail => ("FAIL", ""),
            Ended::Error(why) => ("ERROR", why.as_str()),
            Ended::Skipped => ("SKIPPED", ""),
        };
        let silent = matches!(test.ended, Ended::Pass | Ended::Skipped);
        if silent && !verbose {
            continue;
        }
        if file != test.file {
            file = &test.file;
            lines.push(format!("{}:", harmless(file)));
        }
        lines.push(format!("{}.{}: {word} ({})", test.package, test.name, time(test.duration)));
        if !why.is_empty() {
            lines.push(format!("  {}", harmless(why)));
        }
        for (case, holds) in &test.cases {
            lines.push(format!("  {}: {}", harmless(case), if *holds { "PASS" } else { "FAIL" }));
        }
        if let Some(stopped) = &test.stopped {
            lines.push(format!("  stopped at line {}: {}", stopped.line, harmless(&stopped.code)));
        }
        lines.extend(test.printed.iter().map(|text| format!("  printed: {}", harmless(text.trim_end()))));
    }
    if !lines.is_empty() {
        lines.push("-".repeat(80));
    }
    lines.extend(counts(&report.tests));
    if coverage {
        lines.push(String::new());
        for (file, covered) in &report.coverage {
            lines.push(format!("{:6.2} %  {}", covered.percent(), harmless(file)));
            if !covered.not_covered.is_empty() {
                lines.push(format!("          not covered: {}", ranges(covered)));
            }
        }
        lines.push(format!("{:6.2} %  in all", overall(&report.coverage)));
    }
    lines.join("\n")
}

fn counts(tests: &[Tested]) -> Vec<String> {
    if tests.is_empty() {
        return vec!["there are no tests: rules named `test_…` in files such as policy_test.rego".into()];
    }
    let count = |wanted: fn(&Ended) -> bool| tests.iter().filter(|test| wanted(&test.ended)).count();
    let total = tests.len();
    let parts = [
        ("PASS", count(|ended| *ended == Ended::Pass)),
        ("FAIL", count(|ended| *ended == Ended::Fail)),
        ("ERROR", count(|ended| matches!(ended, Ended::Error(_)))),
        ("SKIPPED", count(|ended| *ended == Ended::Skipped)),
    ];
    parts.into_iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{word}: {count}/{total}")).collect()
}

fn time(nanoseconds: u64) -> String {
    let whole = nanoseconds / 1_000;
    if whole < 10_000 { format!("{whole}µs") } else { format!("{}ms", whole / 1_000) }
}

/// `3-5, 9`.
fn ranges(coverage: &Coverage) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for line in &coverage.not_covered {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == *line => *end = *line,
            _ => ranges.push((*line, *line)),
        }
    }
    let one = |(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn overall(coverage: &BTreeMap<String, Coverage>) -> f64 {
    let mut all = Coverage::default();
    let mut line = 0;
    for one in coverage.values() {
        // Lines of different files are different lines.
        for _ in &one.covered {
            line += 1;
            all.covered.insert(line);
        }
        for _ in &one.not_covered {
            line += 1;
            all.not_covered.insert(line);
        }
    }
    all.percent()
}

/// For programs: a list of tests, or an object with it where coverage was asked for.
pub(super) fn json(report: &Report, coverage: bool) -> Value {
    let test = |test: &Tested| {
        let mut one = json!({
            "location": {"file": test.file, "row": test.line, "col": 1},
            "package": test.package, "name": test.name, "duration": test.duration, "suite": test.suite,
        });
        let fields = match &test.ended {
            Ended::Pass => vec![],
            Ended::Fail => vec![("fail", json!(true))],
            Ended::Error(why) => vec![("error", json!({"message": why}))],
            Ended::Skipped => vec![("skip", json!(true))],
        };
        let printed = (!test.printed.is_empty()).then(|| ("output", json!(test.printed)));
        let stopped = test.stopped.as_ref().map(|stopped| ("stopped", json!(stopped)));
        let cases = (!test.cases.is_empty()).then(|| ("sub_results", cases(test)));
        for (name, value) in fields.into_iter().chain(cases).chain(printed).chain(stopped) {
            one[name] = value;
        }
        one
    };
    let tests: Vec<Value> = report.tests.iter().map(test).collect();
    if !coverage {
        return json!(tests);
    }
    let file = |(file, covered): (&String, &Coverage)| {
        let one = json!({
            "covered": covered.covered, "not_covered": covered.not_covered, "coverage": covered.percent(),
        });
        (file.clone(), one)
    };
    let files: serde_json::Map<String, Value> = report.coverage.iter().map(file).collect();
    json!({"tests": tests, "coverage": {"files": files, "coverage": overall(&report.coverage)}})
}

fn cases(test: &Tested) -> Value {
    let one = |(case, holds): (&String, &bool)| {
        let name = json!({"name": case});
        (case.clone(), if *holds { name } else { json!({"name": case, "fail": true}) })
    };
    Value::Object(test.cases.iter().map(one).collect())
}

/// JUnit's XML: a suite for each policy.
pub(super) fn junit(report: &Report) -> String {
    let mut suites: BTreeMap<&str, Vec<&Tested>> = BTreeMap::new();
    for test in &report.tests {
        suites.entry(&test.suite).or_default().push(test);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (name, tests) in suites {
        let count = |wanted: fn(&Ended) -> bool| tests.iter().filter(|test| wanted(&test.ended)).count();
        xml.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
            escaped(name),
            tests.len(),
            count(|ended| *ended == Ended::Fail),
            count(|ended| matches!(ended, Ended::Error(_))),
            count(|ended| *ended == Ended::Skipped),
        ));
        tests.iter().for_each(|test| xml.push_str(&case(test)));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(test: &Tested) -> String {
    let inner = match &test.ended {
        Ended::Pass => String::new(),
        Ended::Fail => {
            let place = test.stopped.as_ref().map(|stopped| format!("line {}: {}", stopped.line, stopped.code));
            let failed: Vec<&str> =
                test.cases.iter().filter(|(_, holds)| !**holds).map(|(case, _)| case.as_str()).collect();
            let place = if failed.is_empty() { place } else { Some(format!("cases: {}", failed.join(", "))) };
            format!(
                "      <failure message=\"the rule does not hold\">{}</failure>\n",
                escaped(&place.unwrap_or_default())
            )
        }
        Ended::Error(why) => format!("      <error message=\"{}\"/>\n", escaped(why)),
        Ended::Skipped => "      <skipped/>\n".into(),
    };
    let printed = if test.printed.is_empty() {
        String::new()
    } else {
        format!("      <system-out>{}</system-out>\n", escaped(&test.printed.join("\n")))
    };
    format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6}\">\n{inner}{printed}    </testcase>\n",
        escaped(&test.package),
        escaped(&test.name),
        escaped(&test.file),
        test.line,
        test.duration as f64 / 1e9,
    )
}

/// Text for XML; characters that XML cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
