//! Comma-separated values (RFC 4180): one line per vulnerability, secret or licence, with scores where they are known.

use super::trivy::{License, Outcome, Report, Secret, Vulnerability};

const HEADINGS: [&str; 20] = [
    "kind",
    "target",
    "class",
    "type",
    "id",
    "severity",
    "package",
    "installed",
    "fixed",
    "status",
    "path",
    "line",
    "cvss",
    "epss",
    "kev",
    "title",
    "url",
    "purl",
    "source",
    "fingerprint",
];

/// The document, with a line of headings.
///
/// # Errors
/// Never: it is written to memory.
pub fn render(report: &Report) -> Result<String, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for outcome in &report.results {
        for v in &outcome.vulnerabilities {
            writer.write_record(vulnerability(outcome, v).map(|cell| safe(&cell)))?;
        }
        for s in &outcome.secrets {
            writer.write_record(secret(outcome, s).map(|cell| safe(&cell)))?;
        }
        for l in &outcome.licenses {
            writer.write_record(license(outcome, l).map(|cell| safe(&cell)))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn row<const N: usize>(outcome: &Outcome, kind: &str, cells: [String; N]) -> [String; 20] {
    let first = [kind.to_owned(), outcome.target.clone(), outcome.class.clone(), outcome.kind.clone()];
    let mut all = first.into_iter().chain(cells);
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

fn vulnerability(outcome: &Outcome, v: &Vulnerability) -> [String; 20] {
    let kev = match &v.kev {
        Some(kev) if kev.ransomware => "ransomware",
        Some(_) => "yes",
        None => "",
    };
    let cells = [
        v.vulnerability_id.clone(),
        v.severity.clone(),
        v.pkg_name.clone(),
        v.installed_version.clone(),
        v.fixed_version.clone(),
        v.status.clone(),
        v.pkg_path.clone(),
        String::new(),
        highest(v).map(|score| format!("{score:.1}")).unwrap_or_default(),
        v.epss.as_ref().map(|epss| format!("{:.5}", epss.score)).unwrap_or_default(),
        kev.to_owned(),
        v.title.clone(),
        v.primary_url.clone(),
        v.pkg_identifier.purl.clone(),
        v.data_source.as_ref().map(|source| source.id.clone()).unwrap_or_default(),
        v.fingerprint.clone(),
    ];
    row(outcome, "vulnerability", cells)
}

fn secret(outcome: &Outcome, s: &Secret) -> [String; 20] {
    let none = String::new;
    let cells = [
        s.rule_id.clone(),
        s.severity.clone(),
        none(),
        none(),
        none(),
        none(),
        outcome.target.clone(),
        s.start_line.to_string(),
        none(),
        none(),
        none(),
        s.title.clone(),
    ];
    row(outcome, "secret", cells)
}

fn license(outcome: &Outcome, l: &License) -> [String; 20] {
    let none = String::new;
    let cells = [
        l.name.clone(),
        l.severity.clone(),
        l.pkg_name.clone(),
        none(),
        none(),
        l.category.clone(),
        l.file_path.clone(),
        none(),
        none(),
        none(),
        none(),
        none(),
        l.link.clone(),
    ];
    row(outcome, "license", cells)
}

/// The highest score of any source, the newest version of CVSS of each.
pub(super) fn highest(v: &Vulnerability) -> Option<f64> {
    let scores = v.cvss.values().filter_map(|c| [c.v40_score, c.v3_score, c.v2_score].into_iter().find(|s| *s > 0.0));
    scores.reduce(f64::max)
}

/// A spreadsheet takes a cell that begins like this for a formula; it gets an apostrophe.
fn safe(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '@', '\t', '\r']) || (cell.starts_with('-') && cell.len() > 1);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_every_column_and_no_formula() {
        let v = Vulnerability { title: "=HYPERLINK(\"x\"),".into(), ..Vulnerability::default() };
        let outcome = Outcome {
            vulnerabilities: vec![v],
            secrets: vec![Secret::default()],
            licenses: vec![License::default()],
            ..Outcome::default()
        };
        let text = render(&Report { results: vec![outcome], ..Report::default() }).unwrap();
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.iter().map(::csv::StringRecord::len).collect::<Vec<_>>(), [20, 20, 20]);
        assert_eq!(rows.first().unwrap().get(15).unwrap(), "'=HYPERLINK(\"x\"),");
    }
}
