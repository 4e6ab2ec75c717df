//! Queries as conditions on packages. Every condition begins at an index where the term names something exactly, and
//! looks through the packages of the page where it does not.

use super::Session;
use crate::sql::{R, Value, all, clean, numbers, value::params};
use assay_model::{
    ecosystem,
    query::{Compare, NumberField, Pattern, Query, Term, TextField, TimeField},
};
use std::fmt::Write;

/// Components that one term may stand for.
const COMPONENTS: i64 = 50_000;

/// A condition on the package under the alias `p`, and its parameters.
#[derive(Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) params: Vec<Value>,
    /// Parameters that stand before these.
    pub(super) before: usize,
}

impl Condition {
    fn bind(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.before + self.params.len())
    }
    fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }
    /// `text` with every `$?` replaced by the one value.
    fn with(&mut self, text: &str, value: Value) {
        let place = self.bind(value);
        self.push(&text.replace("$?", &place));
    }
    /// A text of the package fits a pattern: an index serves the whole text, `LIKE` the rest.
    fn fits(&mut self, column: &str, pattern: &Pattern) {
        let like = clean(&pattern.like()).into_owned();
        let place = self.bind(like.into());
        let _ = write!(self.sql, "lower({column}) LIKE {place} ESCAPE '\\'");
    }
}

/// From packages to what is in them.
const INSIDE: &str = "SELECT f.package FROM file f JOIN inventory i ON i.digest = f.digest AND i.role = f.role";

impl Session<'_> {
    /// The condition of a query, whose parameters stand after `before` others.
    pub(super) fn condition(&mut self, query: &Query, before: usize) -> R<Condition> {
        let mut condition = Condition { before, ..Condition::default() };
        self.add(query, &mut condition)?;
        Ok(condition)
    }

    fn add(&mut self, query: &Query, to: &mut Condition) -> R<()> {
        let (all, word) = match query {
            Query::Term(term) => return self.add_term(term, to),
            Query::Not(inner) => {
                to.push("NOT (");
                self.add(inner, to)?;
                to.push(")");
                return Ok(());
            }
            Query::And(all) => (all, " AND "),
            Query::Or(all) => (all, " OR "),
        };
        to.push("(");
        for (index, inner) in all.iter().enumerate() {
            if index > 0 {
                to.push(word);
            }
            self.add(inner, to)?;
        }
        to.push(")");
        Ok(())
    }

    fn add_term(&mut self, term: &Term, to: &mut Condition) -> R<()> {
        match term {
            Term::Text(field, pattern) => text(*field, pattern, to),
            Term::Number(field, compare, number) => {
                let sum = match field {
                    NumberField::Size => {
                        "(SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM file f WHERE f.package = p.id)"
                    }
                    NumberField::Downloads => {
                        "(SELECT CAST(COALESCE(SUM(d.count), 0) AS BIGINT) FROM download d WHERE d.package = p.id)"
                    }
                    NumberField::Vulnerabilities => {
                        "(SELECT COUNT(DISTINCT v.id) FROM file f
                          JOIN inventory i ON i.digest = f.digest AND i.role = f.role
                          JOIN occurrence o ON o.inventory = i.id
                          JOIN finding v ON v.component = o.component WHERE f.package = p.id)"
                    }
                };
                to.with(&format!("{sum} {} $?", compare.sign()), (*number).into());
            }
            Term::Time(field, compare, at) => {
                let column = match field {
                    TimeField::Uploaded => "p.uploaded_at",
                    TimeField::Published => "COALESCE(p.published_at, p.uploaded_at)",
                    TimeField::LastDownloaded => {
                        "(SELECT COALESCE(MAX(d.last_at), 0) FROM download d WHERE d.package = p.id)"
                    }
                };
                to.with(&format!("{column} {} $?", compare.sign()), (*at).into());
            }
            Term::State(state) => to.with("p.state = $?", state.as_str().into()),
            Term::Severity(least) => severity(*least, to),
            Term::Vulnerability(id) => to.with(
                // finding_id's primary key
                &format!(
                    "p.id IN ({INSIDE} JOIN occurrence o ON o.inventory = i.id
                     JOIN finding_id v ON v.component = o.component WHERE v.id = $?)"
                ),
                spelled(id).into(),
            ),
            Term::Component(name, version) => {
                let ids = self.components_that(name, version.as_ref())?;
                to.with(
                    &format!(
                        "p.id IN ({INSIDE} JOIN occurrence o ON o.inventory = i.id
                         WHERE o.component IN (SELECT CAST(value AS BIGINT) FROM @list($?)))"
                    ),
                    numbers(ids),
                );
            }
        }
        Ok(())
    }

    /// Components whose name (or package URL) fits, and whose version compares as asked in their own ecosystem's order.
    fn components_that(&mut self, name: &Pattern, version: Option<&(Compare, String)>) -> R<Vec<i64>> {
        let columns = "SELECT c.id, c.purl_type, c.version FROM component c";
        let found = match name.exact() {
            // component_by_name, component_by_own_name: names are kept as their ecosystems write them, mostly in lower case
            Some(exact) if !exact.starts_with("pkg:") => all(
                self.sql,
                &format!("{columns} WHERE c.match_name = $1 OR c.name = $1 LIMIT $2"),
                &params![exact, COMPONENTS],
                |r| Ok((r.int()?, r.text()?, r.text()?)),
            )?,
            _ => {
                let like = clean(&name.like()).into_owned();
                all(
                    self.sql,
                    &format!(
                        "{columns} WHERE lower(c.name) LIKE $1 ESCAPE '\\' OR lower(c.purl) LIKE $1 ESCAPE '\\' LIMIT $2"
                    ),
                    &params![like, COMPONENTS],
                    |r| Ok((r.int()?, r.text()?, r.text()?)),
                )?
            }
        };
        let fits = |(_, purl_type, has): &(i64, String, String)| {
            let Some((compare, wanted)) = version else { return true };
            let law = ecosystem::of_purl_type(purl_type);
            law.and_then(|law| law.scheme.compare(has, wanted).ok()).is_some_and(|order| compare.holds(order))
        };
        Ok(found.into_iter().filter(fits).map(|(id, _, _)| id).collect())
    }
}

/// An id as it is kept: people write CVE ids in any case, other ids have letters of both.
fn spelled(id: &str) -> String {
    let is_cve = id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("cve-"));
    if is_cve { id.to_uppercase() } else { clean(id).into_owned() }
}

fn text(field: TextField, pattern: &Pattern, to: &mut Condition) {
    let exists = |to: &mut Condition, from: &str, column: &str| {
        to.push(&format!("EXISTS (SELECT 1 FROM {from} AND "));
        to.fits(column, pattern);
        to.push(")");
    };
    match field {
        TextField::Name => to.fits("p.name", pattern),
        TextField::Version => to.fits("p.version", pattern),
        TextField::Format => to.fits("p.format", pattern),
        TextField::Uploader => to.fits("p.uploader", pattern),
        TextField::Origin => to.fits("COALESCE(p.origin, '')", pattern),
        TextField::Repository => exists(to, "repository r WHERE r.id = p.repository", "r.name"),
        TextField::File => exists(to, "file f WHERE f.package = p.id", "f.path"),
        TextField::Checksum => {
            to.push("(");
            exists(to, "file f WHERE f.package = p.id", "substr(f.digest, 8)");
            to.push(" OR ");
            exists(to, "file f WHERE f.package = p.id", "f.digest");
            if let Some(hex) = pattern.exact().filter(|hex| hex.len() >= 32) {
                let inside = format!("%\"{}\"%", clean(hex).replace(['%', '_', '\\'], ""));
                to.with(" OR EXISTS (SELECT 1 FROM file f WHERE f.package = p.id AND f.hashes LIKE $?)", inside.into());
            }
            to.push(")");
        }
        TextField::Tag => {
            to.push("(");
            exists(to, "reference r WHERE r.package = p.id", "r.reference");
            let quoted =
                Pattern { pieces: vec![format!("\"{}\"", pattern.pieces.join("*"))], from_start: false, to_end: false };
            let like = quoted.like().replace('*', "%");
            to.with(" OR lower(p.tags) LIKE $? ESCAPE '\\')", clean(&like).as_ref().into());
        }
        TextField::License => {
            // a corrected licence stands for all that was declared or found
            to.push("(p.id IN (SELECT c.package FROM license_correction c WHERE ");
            to.fits("c.expression", pattern);
            to.push(&format!(") OR (p.id IN ({INSIDE} JOIN inventory_license l ON l.inventory = i.id WHERE "));
            to.fits("l.license", pattern);
            to.push(") AND NOT EXISTS (SELECT 1 FROM license_correction c WHERE c.package = p.id)))");
        }
        TextField::Policy => {
            // matched policies are in the decision that made the state
            let like = format!("%\"policy\":\"{}\"%", pattern.like());
            to.with(
                "EXISTS (SELECT 1 FROM decision d WHERE d.id = p.decision AND lower(d.document) LIKE $? ESCAPE '\\')",
                clean(&like).as_ref().into(),
            );
        }
    }
}

fn severity(least: assay_model::finding::Severity, to: &mut Condition) {
    use assay_model::finding::Severity::{Critical, High, Low, Medium, Unknown};
    let words: Vec<String> = [Unknown, Low, Medium, High, Critical]
        .into_iter()
        .filter(|severity| *severity >= least)
        .map(|severity| severity.as_str().to_uppercase())
        .collect();
    // finding_by_severity
    to.push(&format!(
        "p.id IN ({INSIDE} JOIN occurrence o ON o.inventory = i.id JOIN finding v ON v.component = o.component WHERE
         v.severity IN ("
    ));
    for (index, word) in words.iter().enumerate() {
        let place = to.bind(word.as_str().into());
        to.push(&format!("{}{place}", if index > 0 { ", " } else { "" }));
    }
    to.push("))");
}
