//! What a scan is told to leave out: ignore files and VEX statements. Pure.
//!
//! Ignore files are read in two shapes: a line per id (`CVE-2024-1 exp:2026-12-31 # why`), and YAML with the sections
//! `vulnerabilities`, `secrets` and `licenses`, whose entries have `id`, `paths`, `purls`, `expired_at` and `statement`.

use crate::{catalogue::ScoredFinding, scan::ScanResult};
use assay_model::{
    component::Component,
    inventory::Inventory,
    problem::Problem,
    purl::Purl,
    vex::{self, VexStatement, VexSubject},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More rules than anybody keeps by hand.
const MAX_RULES: usize = 100_000;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Any of the others: the line form does not tell.
    Anything,
    /// Findings, by any id of the vulnerability.
    Vulnerability,
    /// Secrets, by the id of the rule.
    Secret,
    /// Licences, by name.
    License,
}

/// One entry of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IgnoreRule {
    /// What it is about.
    pub about: About,
    /// Id to leave out; `*` for all.
    pub id: String,
    /// Only at these paths (`*` within a folder, `**` across folders); none means everywhere.
    pub paths: Vec<String>,
    /// Only of these packages; a package URL without version means every version; none means all.
    pub purls: Vec<String>,
    /// Last day on which it holds.
    pub expires: Option<Date>,
    /// Why.
    pub statement: Option<String>,
}

/// A finding that was left out, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Suppressed {
    /// What was found.
    #[serde(flatten)]
    pub finding: ScoredFinding,
    /// `ignored`, or the word of the VEX statement (`not_affected`, `fixed`).
    pub status: String,
    /// Why, in the words of whoever said so.
    pub statement: Option<String>,
    /// Why, in one of the words that VEX has for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The file or document that says so.
    pub source: String,
}

/// The rules of an ignore file; its form is told by its name (`.yaml`, `.yml`) or its content.
///
/// # Errors
/// `Invalid` with the line where it cannot be read; what is ignored must never be guessed.
pub fn read(name: &str, text: &str) -> Result<Vec<IgnoreRule>, Problem> {
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    let rules = if is_yaml { of_yaml(name, text)? } else { of_lines(name, text)? };
    if rules.len() > MAX_RULES {
        return Err(Problem::invalid("ignore-file", format!("{name} has more than {MAX_RULES} entries")));
    }
    Ok(rules)
}

fn of_lines(name: &str, text: &str) -> Result<Vec<IgnoreRule>, Problem> {
    let mut rules = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (said, comment) = line.split_once('#').map_or((line, None), |(said, why)| (said, Some(why.trim())));
        let mut words = said.split_whitespace();
        let Some(id) = words.next() else { continue };
        let mut rule = IgnoreRule {
            about: About::Anything,
            id: id.to_owned(),
            paths: Vec::new(),
            purls: Vec::new(),
            expires: None,
            statement: comment.filter(|why| !why.is_empty()).map(str::to_owned),
        };
        for word in words {
            match word.split_once(':') {
                Some(("exp", day)) => rule.expires = Some(date(name, number, day)?),
                Some(("path", path)) => rule.paths.push(path.to_owned()),
                Some(("pkg", _)) => rule.purls.push(word.to_owned()),
                _ => return Err(wrong(name, number, &format!("{word} is none of exp:DATE, path:PATTERN and pkg:..."))),
            }
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn wrong(name: &str, line: usize, what: &str) -> Problem {
    Problem::invalid("ignore-file", format!("{name}, line {line}: {what}"))
}

fn date(name: &str, line: usize, day: &str) -> Result<Date, Problem> {
    day.parse().map_err(|_| wrong(name, line, &format!("{day} is no date such as 2026-12-31")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sections {
    vulnerabilities: Vec<Entry>,
    secrets: Vec<Entry>,
    licenses: Vec<Entry>,
    /// Of configuration files, which are not looked at here.
    misconfigurations: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Entry {
    id: String,
    paths: Vec<String>,
    purls: Vec<String>,
    expired_at: Option<String>,
    statement: Option<String>,
}

fn of_yaml(name: &str, text: &str) -> Result<Vec<IgnoreRule>, Problem> {
    let sections: Sections = serde_saphyr::from_str(text)
        .map_err(|error| Problem::invalid("ignore-file", format!("{name} cannot be read: {error}")))?;
    let kinds = [
        (About::Vulnerability, sections.vulnerabilities),
        (About::Secret, sections.secrets),
        (About::License, sections.licenses),
    ];
    let mut rules = Vec::new();
    for (about, entries) in kinds {
        for entry in entries {
            let expires =
                entry.expired_at.as_deref().map(|day| date(name, 0, day.get(..10).unwrap_or(day))).transpose()?;
            if entry.id.is_empty() {
                return Err(Problem::invalid("ignore-file", format!("{name} has an entry without id")));
            }
            let Entry { id, paths, purls, statement, .. } = entry;
            rules.push(IgnoreRule { about, id, paths, purls, expires, statement });
        }
    }
    Ok(rules)
}

impl IgnoreRule {
    fn holds(&self, about: About, today: Date) -> bool {
        (self.about == about || self.about == About::Anything) && self.expires.is_none_or(|last| today <= last)
    }

    fn is_for(&self, id: &str) -> bool {
        self.id == "*" || self.id.eq_ignore_ascii_case(id)
    }

    fn is_at(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|pattern| matches(pattern, path))
    }

    fn is_of(&self, component: &Component) -> bool {
        self.purls.is_empty() || self.purls.iter().any(|purl| names(purl, &component.purl))
    }
}

fn names(wanted: &str, purl: &str) -> bool {
    let (Ok(wanted), Ok(purl)) = (wanted.parse::<Purl>(), purl.parse::<Purl>()) else { return false };
    (wanted.kind(), wanted.namespace(), wanted.name()) == (purl.kind(), purl.namespace(), purl.name())
        && (wanted.version().is_none() || wanted.version() == purl.version())
}

/// Whether a path matches a pattern in which `?` is a character and `*` any number of them within a folder, `**` of
/// folders. A pattern that names a folder holds for all that is in it.
fn matches(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| text.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    match_parts(&parts(pattern), &parts(path))
}

/// Cost is bounded by the product of the lengths: reached pairs are kept in `from`, one bit for each place in the path.
fn match_parts(pattern: &[String], path: &[String]) -> bool {
    let mut from = vec![false; path.len() + 1];
    from[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        let mut reached = false;
        for at in 0..=path.len() {
            if part == "**" {
                reached |= from.get(at).copied().unwrap_or_default();
                next[at] = reached;
            } else if at > 0 && from[at - 1] {
                next[at] = path.get(at - 1).is_some_and(|name| match_name(part.as_bytes(), name.as_bytes()));
            }
        }
        from = next;
    }
    from.contains(&true)
}

fn match_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Takes out of a result what rules and statements say, and returns the findings among it. Rules come with the file they
/// stand in. A rule with paths leaves a finding out only where it holds for every place of the component.
pub fn apply(
    result: &mut ScanResult,
    rules: &[(String, IgnoreRule)],
    statements: &[VexStatement],
    subject: &VexSubject,
    today: Date,
) -> Vec<Suppressed> {
    let places = places(&result.inventory);
    let mut left_out = Vec::new();
    let findings = std::mem::take(&mut result.findings);
    for finding in findings {
        match ignored(&finding, rules, &places, today).or_else(|| excused(&finding, statements, subject)) {
            Some(Reason { status, statement, justification, source }) => {
                left_out.push(Suppressed { finding, status, statement, justification, source });
            }
            None => result.findings.push(finding),
        }
    }
    let any = |about: About, id: &str, path: &str| {
        rules
            .iter()
            .any(|(_, rule)| rule.holds(about, today) && rule.purls.is_empty() && rule.is_for(id) && rule.is_at(path))
    };
    result.inventory.secrets.retain(|found| !any(About::Secret, &found.rule, &found.path));
    result.inventory.licenses.retain(|found| !any(About::License, &found.expression, &found.path));
    left_out
}

fn places(inventory: &Inventory) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in &inventory.components {
        places.entry(found.component.purl.clone()).or_default().push(found.path.clone());
    }
    places
}

struct Reason {
    status: String,
    statement: Option<String>,
    justification: Option<String>,
    source: String,
}

fn ignored(
    one: &ScoredFinding,
    rules: &[(String, IgnoreRule)],
    places: &BTreeMap<String, Vec<String>>,
    today: Date,
) -> Option<Reason> {
    let paths = places.get(&one.component.purl).map(Vec::as_slice).unwrap_or_default();
    let (file, rule) = rules.iter().find(|(_, rule)| {
        rule.holds(About::Vulnerability, today)
            && one.finding.ids().any(|id| rule.is_for(id))
            && rule.is_of(&one.component)
            && (rule.paths.is_empty() || !paths.is_empty() && paths.iter().all(|path| rule.is_at(path)))
    })?;
    let (statement, source) = (rule.statement.clone(), file.clone());
    Some(Reason { status: "ignored".to_owned(), statement, justification: None, source })
}

fn excused(one: &ScoredFinding, statements: &[VexStatement], subject: &VexSubject) -> Option<Reason> {
    let said = vex::verdict(statements, subject, &one.component, &one.finding)?;
    let why = said.statement.clone().or_else(|| said.justification.clone());
    said.status.suppresses().then(|| Reason {
        status: said.status.as_str().to_owned(),
        statement: why,
        justification: said.justification.clone(),
        source: said.document.clone(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::{component::Occurrence, finding::Finding};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn lines() {
        let text = "# ours\nCVE-2024-1\n\nGHSA-x exp:2026-12-31 # until the release\nCVE-3 pkg:npm/a@1 path:lib/**\n";
        let rules = read(".assayignore", text).unwrap();
        assert_eq!(rules.len(), 3);
        assert_eq!(
            (rules[1].expires, rules[1].statement.as_deref()),
            (Some(day("2026-12-31")), Some("until the release"))
        );
        assert_eq!((rules[2].purls.len(), rules[2].paths.len()), (1, 1));
        assert!(read("x", "CVE-1 exp:tomorrow").unwrap_err().message.contains("line 1"));
        assert!(read("x", "CVE-1 whatever").is_err());
    }

    #[test]
    fn yaml() {
        let text = "vulnerabilities:\n  - id: CVE-2024-1\n    paths: [\"app/package-lock.json\"]\n    expired_at: 2026-06-30\n    \
                    statement: not reachable\nsecrets:\n  - id: aws-access-key-id\nlicenses:\n  - id: GPL-3.0-only\n";
        let rules = read(".trivyignore.yaml", text).unwrap();
        assert_eq!(
            rules.iter().map(|rule| rule.about).collect::<Vec<_>>(),
            [About::Vulnerability, About::Secret, About::License]
        );
        assert_eq!(rules[0].expires, Some(day("2026-06-30")));
        assert!(read("a.yaml", "vulnerabilities:\n  - idd: x\n").is_err());
    }

    #[test]
    fn patterns() {
        for (pattern, path) in [
            ("a/b.txt", "a/b.txt"),
            ("a/*.txt", "a/b.txt"),
            ("**/b.txt", "b.txt"),
            ("**/b.txt", "x/y/b.txt"),
            ("a/**", "a/x/y"),
            ("a/**/z", "a/z"),
            ("?/b*", "a/bcd"),
            ("a", "a/b/c"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("a/*.txt", "a/x/b.txt"), ("b.txt", "a/b.txt"), ("a/b", "a/bc"), ("**/x", "a/y")] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    fn result(paths: &[&str]) -> ScanResult {
        let component = Component { purl: "pkg:npm/a@1".into(), name: "a".into(), ..Component::default() };
        let occurrence =
            |path: &&str| Occurrence { component: component.clone(), path: (*path).into(), ..Occurrence::default() };
        let finding = Finding { id: "CVE-2024-1".into(), aliases: ["GHSA-x".to_owned()].into(), ..Finding::default() };
        ScanResult {
            inventory: Inventory { components: paths.iter().map(occurrence).collect(), ..Inventory::default() },
            findings: vec![ScoredFinding { component, finding, epss: None, kev: None, assessment: Default::default() }],
            details: BTreeMap::new(),
            advisories: BTreeMap::new(),
        }
    }

    fn left(rule: &str, paths: &[&str], today: &str) -> usize {
        let rules: Vec<_> = read("f", rule).unwrap().into_iter().map(|rule| ("f".to_owned(), rule)).collect();
        let mut result = result(paths);
        let out = apply(&mut result, &rules, &[], &VexSubject::default(), day(today));
        assert_eq!(out.len() + result.findings.len(), 1);
        result.findings.len()
    }

    #[test]
    fn a_rule_holds_where_and_as_long_as_it_says() {
        assert_eq!(left("ghsa-x", &["l"], "2026-01-01"), 0, "by any id, in any case");
        assert_eq!(left("CVE-2024-1 exp:2026-01-01", &["l"], "2026-01-01"), 0, "on the last day");
        assert_eq!(left("CVE-2024-1 exp:2026-01-01", &["l"], "2026-01-02"), 1);
        assert_eq!(left("CVE-2024-1 pkg:npm/a", &["l"], "2026-01-02"), 0);
        assert_eq!(left("CVE-2024-1 pkg:npm/a@2", &["l"], "2026-01-02"), 1);
        assert_eq!(left("CVE-2024-1 path:test/**", &["test/l"], "2026-01-02"), 0);
        assert_eq!(left("CVE-2024-1 path:test/**", &["test/l", "l"], "2026-01-02"), 1, "another copy stays");
    }

    #[test]
    fn a_statement_excuses() {
        let statement = VexStatement {
            vulnerability: ["GHSA-x".to_owned()].into(),
            products: vec![vex::VexProduct { purls: vec!["pkg:npm/a".into()], ..Default::default() }],
            status: vex::VexStatus::NotAffected,
            justification: Some("code_not_reachable".into()),
            statement: None,
            at: None,
            author: "us".into(),
            document: "vex-1".into(),
        };
        let mut found = result(&["l"]);
        let out = apply(&mut found, &[], std::slice::from_ref(&statement), &VexSubject::default(), day("2026-01-01"));
        assert_eq!(
            (out[0].status.as_str(), out[0].source.as_str(), found.findings.len()),
            ("not_affected", "vex-1", 0)
        );
        let informs = VexStatement { status: vex::VexStatus::Affected, ..statement };
        let mut found = result(&["l"]);
        assert!(apply(&mut found, &[], &[informs], &VexSubject::default(), day("2026-01-01")).is_empty());
    }
}
