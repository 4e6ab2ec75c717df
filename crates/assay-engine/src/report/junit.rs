//! JUnit XML: every place a suite, every finding a failure, so that a build server shows them as it shows tests.

use super::trivy::{License, Outcome, Report, Secret, Vulnerability};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use std::io;

struct Case {
    class: String,
    name: String,
    message: String,
    text: String,
}

/// The document.
///
/// # Errors
/// Never: it is written to memory.
pub fn render(report: &Report) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&Outcome, Vec<Case>)> = report.results.iter().map(|outcome| (outcome, cases(outcome))).collect();
    let failures: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    let tests: usize = suites.iter().map(|(_, cases)| cases.len().max(1)).sum();
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", clean(&report.artifact_name).as_str()));
    root.push_attribute(("tests", tests.to_string().as_str()));
    root.push_attribute(("failures", failures.to_string().as_str()));
    root.push_attribute(("errors", "0"));
    writer.write_event(Event::Start(root))?;
    for (outcome, cases) in &suites {
        suite(&mut writer, report, outcome, cases)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    Ok(String::from_utf8_lossy(&writer.into_inner()).into_owned())
}

fn suite(writer: &mut Writer<Vec<u8>>, report: &Report, outcome: &Outcome, cases: &[Case]) -> io::Result<()> {
    let mut start = BytesStart::new("testsuite");
    start.push_attribute(("name", clean(&outcome.target).as_str()));
    start.push_attribute(("tests", cases.len().max(1).to_string().as_str()));
    start.push_attribute(("failures", cases.len().to_string().as_str()));
    start.push_attribute(("errors", "0"));
    start.push_attribute(("skipped", "0"));
    start.push_attribute(("timestamp", clean(&report.created_at).as_str()));
    writer.write_event(Event::Start(start))?;
    if !outcome.kind.is_empty() {
        writer.write_event(Event::Start(BytesStart::new("properties")))?;
        let property =
            BytesStart::new("property").with_attributes([("name", "type"), ("value", outcome.kind.as_str())]);
        writer.write_event(Event::Empty(property))?;
        writer.write_event(Event::End(BytesEnd::new("properties")))?;
    }
    for case in cases {
        test(writer, case)?;
    }
    if cases.is_empty() {
        let (class, name) = (clean(&outcome.target), "nothing found");
        let passed = BytesStart::new("testcase").with_attributes([("classname", class.as_str()), ("name", name)]);
        writer.write_event(Event::Empty(passed))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn test(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let start = BytesStart::new("testcase");
    let start =
        start.with_attributes([("classname", clean(&case.class).as_str()), ("name", clean(&case.name).as_str())]);
    writer.write_event(Event::Start(start.into_owned()))?;
    let failure = BytesStart::new("failure");
    let failure = failure.with_attributes([("message", clean(&case.message).as_str()), ("type", "description")]);
    writer.write_event(Event::Start(failure.into_owned()))?;
    writer.write_event(Event::Text(BytesText::new(&clean(&case.text))))?;
    writer.write_event(Event::End(BytesEnd::new("failure")))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn cases(outcome: &Outcome) -> Vec<Case> {
    let vulnerability = |v: &Vulnerability| Case {
        class: format!("{}-{}", v.pkg_name, v.installed_version),
        name: format!("[{}] {}", v.severity, v.vulnerability_id),
        message: if v.title.is_empty() { v.vulnerability_id.clone() } else { v.title.clone() },
        text: match v.fixed_version.as_str() {
            "" => v.description.clone(),
            fixed => format!("Fixed in {fixed}.\n{}", v.description),
        },
    };
    let secret = |s: &Secret| Case {
        class: outcome.target.clone(),
        name: format!("[{}] {} in line {}", s.severity, s.rule_id, s.start_line),
        message: s.title.clone(),
        text: s.matched.clone(),
    };
    let license = |l: &License| Case {
        class: if l.pkg_name.is_empty() { l.file_path.clone() } else { l.pkg_name.clone() },
        name: format!("[{}] {}", l.severity, l.name),
        message: format!("{} licence", l.category),
        text: l.file_path.clone(),
    };
    let licenses = outcome.licenses.iter().map(license);
    outcome
        .vulnerabilities
        .iter()
        .map(vulnerability)
        .chain(outcome.secrets.iter().map(secret))
        .chain(licenses)
        .collect()
}

/// Without characters that XML 1.0 cannot carry.
fn clean(text: &str) -> String {
    let lawful = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().map(|c| if lawful(c) && !matches!(c, '\u{fffe}' | '\u{ffff}') { c } else { ' ' }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn findings_are_failures_and_nothing_found_passes() {
        let v = Vulnerability {
            vulnerability_id: "CVE-2026-1".into(),
            pkg_name: "a<b".into(),
            severity: "LOW".into(),
            description: "x & y \u{1}".into(),
            ..Vulnerability::default()
        };
        let bad = Outcome { target: "go.mod".into(), vulnerabilities: vec![v], ..Outcome::default() };
        let good = Outcome { target: "yarn.lock".into(), kind: "yarn".into(), ..Outcome::default() };
        let text = render(&Report { results: vec![bad, good], ..Report::default() }).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!((root.attribute("tests"), root.attribute("failures")), (Some("2"), Some("1")));
        let failure = document.descendants().find(|n| n.has_tag_name("failure")).unwrap();
        assert_eq!(failure.text().unwrap().trim(), "x & y");
        assert_eq!(document.descendants().filter(|n| n.has_tag_name("testcase")).count(), 2);
    }
}
