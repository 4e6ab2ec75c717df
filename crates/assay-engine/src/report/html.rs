//! One HTML page that needs nothing else: no script, no style, no picture from anywhere. All that was found stands in it,
//! escaped.

use super::{
    csv::highest,
    trivy::{License, Outcome, Package, Report, Secret, Vulnerability},
};
use std::{collections::BTreeMap, fmt::Write as _};

const SEVERITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"];

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --faint: #777; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
h2 small, .faint { color: var(--faint); font-weight: normal; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-size: .8rem; color: var(--faint); }
td { overflow-wrap: anywhere; }
td.id, td.number { white-space: nowrap; }
details pre { white-space: pre-wrap; }
pre { margin: .3rem 0; padding: .5rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
.tally { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; padding: 0; list-style: none; }
.tally li { border: 1px solid var(--line); border-radius: 4px; padding: .3rem .8rem; }
.tally b { font-size: 1.2rem; margin-right: .4rem; }
.s { border-radius: 3px; padding: 0 .4rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.CRITICAL { background: #7d1128; color: #fff; } .HIGH { background: #c0392b; color: #fff; }
.MEDIUM { background: #b9770e; color: #fff; } .LOW { background: #2e6da4; color: #fff; }
.UNKNOWN { background: #6b7280; color: #fff; }
details summary { cursor: pointer; }
@media print { details { display: block; } }
";

/// The page. `notes` are sentences about what the reader should know: what was not read, what was left out.
#[must_use]
pub fn render(report: &Report, notes: &[String]) -> String {
    let name = escape(&report.artifact_name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
    );
    let _ = writeln!(page, "<p class=\"faint\">{}</p>", escape(&about(report)));
    page.push_str(&tally(report));
    for note in notes {
        let _ = writeln!(page, "<p>{}</p>", escape(note));
    }
    for outcome in &report.results {
        page.push_str(&section(outcome));
    }
    if report.results.is_empty() {
        page.push_str("<p>Nothing was recognised in it.</p>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn about(report: &Report) -> String {
    let mut parts = vec![report.artifact_type.replace('_', " ")];
    parts.extend(report.metadata.os.as_ref().map(|os| {
        let ended = if os.eosl { ", no longer supported" } else { "" };
        format!("{} {}{ended}", os.family, os.name)
    }));
    parts.push(format!("scanned {}", report.created_at));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn tally(report: &Report) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for v in report.results.iter().flat_map(|o| &o.vulnerabilities) {
        *counts.entry(v.severity.as_str()).or_default() += 1;
    }
    let mut list = String::from("<ul class=\"tally\">\n");
    for severity in SEVERITIES {
        let n = counts.get(severity).copied().unwrap_or_default();
        let _ = writeln!(list, "<li><b>{n}</b>{}</li>", severity.to_lowercase());
    }
    let secrets: usize = report.results.iter().map(|o| o.secrets.len()).sum();
    let packages: usize = report.results.iter().map(|o| o.packages.len()).sum();
    let _ = writeln!(list, "<li><b>{secrets}</b>secrets</li>\n<li><b>{packages}</b>packages</li>\n</ul>");
    list
}

fn section(outcome: &Outcome) -> String {
    let kind = if outcome.kind.is_empty() { &outcome.class } else { &outcome.kind };
    let target = if outcome.target.is_empty() { "-" } else { &outcome.target };
    let mut text = format!("<h2>{} <small>{}</small></h2>\n", escape(target), escape(kind));
    if !outcome.vulnerabilities.is_empty() {
        let head = ["Vulnerability", "Severity", "CVSS", "EPSS", "KEV", "Package", "Installed", "Fixed in", ""];
        text.push_str(&table(&head, outcome.vulnerabilities.iter().map(vulnerability)));
    }
    if !outcome.secrets.is_empty() {
        text.push_str(&table(&["Secret", "Severity", "Line", "Where"], outcome.secrets.iter().map(secret)));
    }
    if !outcome.licenses.is_empty() {
        let head = ["Licence", "Severity", "Class", "Package", "File"];
        text.push_str(&table(&head, outcome.licenses.iter().map(license)));
    }
    if !outcome.packages.is_empty() {
        let n = outcome.packages.len();
        let _ = writeln!(text, "<details><summary>{n} package{}</summary>", if n == 1 { "" } else { "s" });
        text.push_str(&table(&["Package", "Version", "Licences", "Where"], outcome.packages.iter().map(package)));
        text.push_str("</details>\n");
    } else if outcome.vulnerabilities.is_empty() && outcome.secrets.is_empty() && outcome.licenses.is_empty() {
        text.push_str("<p class=\"faint\">Nothing found.</p>\n");
    }
    text
}

fn table(head: &[&str], rows: impl Iterator<Item = String>) -> String {
    let head: String = head.iter().map(|cell| format!("<th>{cell}</th>")).collect();
    let rows: String = rows.map(|row| format!("<tr>{row}</tr>\n")).collect();
    format!("<table>\n<tr>{head}</tr>\n{rows}</table>\n")
}

fn cell(text: &str) -> String {
    format!("<td>{}</td>", escape(text))
}

fn severity(word: &str) -> String {
    let class = if SEVERITIES.contains(&word) { word } else { "UNKNOWN" };
    format!("<td><span class=\"s {class}\">{}</span></td>", escape(&word.to_lowercase()))
}

fn vulnerability(v: &Vulnerability) -> String {
    let id = match v.primary_url.as_str() {
        url if url.starts_with("https://") => {
            format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escape(url), escape(&v.vulnerability_id))
        }
        _ => escape(&v.vulnerability_id),
    };
    let cvss = highest(v).map(|score| format!("{score:.1}")).unwrap_or_default();
    let epss = v.epss.as_ref().map(|epss| format!("{:.1}%", epss.score * 100.0)).unwrap_or_default();
    let kev = match &v.kev {
        Some(kev) if kev.ransomware => "ransomware",
        Some(_) => "yes",
        None => "",
    };
    let fixed = if v.fixed_version.is_empty() { v.status.replace('_', " ") } else { v.fixed_version.clone() };
    let package = match v.pkg_path.as_str() {
        "" => cell(&v.pkg_name),
        path => format!("<td>{}<br><span class=\"faint\">{}</span></td>", escape(&v.pkg_name), escape(path)),
    };
    let title = if v.title.is_empty() { "more" } else { &v.title };
    let more = match v.description.as_str() {
        "" => escape(&v.title),
        text => format!("<details><summary>{}</summary><pre>{}</pre></details>", escape(title), escape(text)),
    };
    [
        format!("<td class=\"id\">{id}</td>"),
        severity(&v.severity),
        format!("<td class=\"number\">{cvss}</td><td class=\"number\">{epss}</td>"),
        cell(kev),
        package,
        cell(&v.installed_version),
        cell(&fixed),
        format!("<td>{more}</td>"),
    ]
    .concat()
}

fn secret(s: &Secret) -> String {
    let lines: Vec<String> = s.code.lines.iter().map(|l| format!("{:>5} {}", l.number, l.content)).collect();
    let code = if lines.is_empty() { s.matched.clone() } else { lines.join("\n") };
    [
        format!("<td>{}<br><span class=\"faint\">{}</span></td>", escape(&s.title), escape(&s.rule_id)),
        severity(&s.severity),
        format!("<td class=\"number\">{}</td>", s.start_line),
        format!("<td><pre>{}</pre></td>", escape(&code)),
    ]
    .concat()
}

fn license(l: &License) -> String {
    [cell(&l.name), severity(&l.severity), cell(&l.category), cell(&l.pkg_name), cell(&l.file_path)].concat()
}

fn package(p: &Package) -> String {
    let version = super::trivy::whole_version(p);
    [cell(&p.name), cell(&version), cell(&p.licenses.join(", ")), cell(&p.file_path)].concat()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_cannot_become_part_of_the_page() {
        let v = Vulnerability {
            vulnerability_id: "CVE-1".into(),
            severity: "\"><script>".into(),
            title: "<img src=x onerror=alert(1)>".into(),
            description: "</pre><script>alert(1)</script>".into(),
            primary_url: "javascript:alert(1)".into(),
            ..Vulnerability::default()
        };
        let outcome = Outcome { target: "<b>".into(), vulnerabilities: vec![v], ..Outcome::default() };
        let page = render(&Report { results: vec![outcome], ..Report::default() }, &["a & b".into()]);
        for part in ["<script", "<img", "<b></h2>", "href=\"javascript"] {
            assert!(!page.contains(part), "{part} in {page}");
        }
        assert!(page.contains("a &amp; b") && page.contains("&lt;img"));
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing is fetched from elsewhere");
    }
}
