//! From a value of the database to an advisory. Every entry of a package becomes a record whose id is its place in the
//! database, so that it collides with nobody's, and whose alias is the vulnerability.

use super::bucket::Family;
use super::redhat::Products;
use super::value::{self, Entry, Standing, Vulnerability};
use crate::statement::{Named, Note, Statement};
use assay_model::advisory::{Advisory, Affected, AffectedPackage, Range, RangeEvent};
use assay_model::finding::{Origin, Severity};
use serde_json::json;

/// Longest id, in bytes; no store could find a longer one.
const MAX_ID: usize = 700;
/// Who judges severities in Red Hat's bucket, which has no data source of its own in every database.
const RED_HAT: &str = "redhat";

/// A bucket, while its entries are read.
pub(super) struct Place<'a> {
    /// Name of the bucket.
    pub(super) bucket: &'a str,
    /// Name of the package.
    pub(super) package: &'a str,
    pub(super) origin: Option<&'a Origin>,
}

type Read = Result<Vec<Advisory>, String>;

impl Place<'_> {
    fn record(&self, key: &str, vulnerability: &str, affected: Vec<Affected>) -> Read {
        if affected.is_empty() {
            return Ok(Vec::new());
        }
        let beside = if key == vulnerability { String::new() } else { format!("/{vulnerability}") };
        let id = id(&format!("{}/{}/{key}{beside}", self.bucket, self.package))?;
        if vulnerability.is_empty() || vulnerability.contains(char::is_whitespace) || vulnerability.contains('/') {
            return Err("the id of the vulnerability is empty, or has white space or a slash in it".to_owned());
        }
        Ok(vec![Advisory { id, aliases: vec![vulnerability.to_owned()], affected, ..Advisory::default() }])
    }

    fn affected(&self, ecosystem: &str, ranges: Vec<Range>, statement: &Statement) -> Affected {
        let package = AffectedPackage { ecosystem: ecosystem.to_owned(), name: self.package.to_owned(), purl: None };
        let mut affected = Affected { package, ranges, ..Affected::default() };
        statement.write(&mut affected);
        affected
    }

    /// An entry of a language.
    pub(super) fn language(&self, ecosystem: &str, key: &str, bytes: &[u8]) -> Read {
        let entry: Entry = value::read(bytes)?;
        let fix = fix_of_constraints(&entry);
        let statement = Statement {
            vendor_ids: entry.vendor_ids,
            fix: (!fix.is_empty()).then_some(fix),
            vulnerable: entry.vulnerable_versions,
            patched: entry.patched_versions,
            unaffected: entry.unaffected_versions,
            origin: self.origin.cloned(),
            ..Statement::default()
        };
        if !statement.has_constraints() {
            return Ok(Vec::new());
        }
        self.record(key, key, vec![self.affected(ecosystem, Vec::new(), &statement)])
    }

    /// An entry of a distribution.
    pub(super) fn distribution(&self, family: &Family, key: &str, bytes: &[u8]) -> Read {
        let entry: Entry = value::read(bytes)?;
        let severity = value::severity(entry.severity);
        let parts = if entry.entries.is_empty() { std::slice::from_ref(&entry) } else { &entry.entries };
        let affected = parts.iter().filter_map(|part| {
            let Standing::Affected(status) = value::standing(part.status) else { return None };
            if part.fixed_version.is_empty() && !family.unfixed {
                return None;
            }
            let vendor_ids = if part.vendor_ids.is_empty() { &entry.vendor_ids } else { &part.vendor_ids };
            let statement = Statement {
                named: Some(family.named),
                status,
                severity: value::severity(part.severity).or(severity),
                arches: part.arches.clone(),
                vendor_ids: vendor_ids.clone(),
                fix: shown(&part.fixed_version, family.plain_epoch),
                origin: self.origin.cloned(),
                ..Statement::default()
            };
            Some(self.affected(&family.ecosystem, range(&part.affected_version, &part.fixed_version), &statement))
        });
        self.record(key, key, affected.collect())
    }

    /// An entry of Red Hat's: a record for each vulnerability of an announcement.
    pub(super) fn red_hat(&self, products: &Products, key: &str, bytes: &[u8]) -> Read {
        let entry: Entry = value::read(bytes)?;
        let mut ids: Vec<&str> = Vec::new();
        for cve in entry.entries.iter().flat_map(|part| &part.cves) {
            let id = if is_announcement(key) { cve.id.as_str() } else { key };
            if !id.is_empty() && !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut records = Vec::new();
        for id in ids {
            let mut affected = Vec::new();
            for part in &entry.entries {
                let Some(cve) = part.cves.iter().find(|cve| !is_announcement(key) || cve.id == id) else { continue };
                self.red_hat_part(products, key, part, value::severity(cve.severity), &mut affected);
            }
            records.extend(self.record(key, id, affected)?);
        }
        Ok(records)
    }

    fn red_hat_part(
        &self,
        products: &Products,
        key: &str,
        part: &Entry,
        severity: Option<Severity>,
        affected: &mut Vec<Affected>,
    ) {
        let Standing::Affected(status) = value::standing(part.status) else { return };
        let statement = Statement {
            named: Some(Named::Binary),
            status,
            severity,
            said_by: Some(RED_HAT.to_owned()),
            arches: part.arches.clone(),
            vendor_ids: if is_announcement(key) { vec![key.to_owned()] } else { Vec::new() },
            fix: shown(&part.fixed_version, true),
            origin: self.origin.cloned(),
            ..Statement::default()
        };
        for ecosystem in products.of(&part.affected) {
            affected.push(self.affected(&ecosystem, range("", &part.fixed_version), &statement));
        }
    }
}

/// Whether the key names an announcement (`RHSA-2019:2304`) rather than a vulnerability.
fn is_announcement(key: &str) -> bool {
    !key.starts_with("CVE-")
}

/// A value of `vulnerability`.
pub(super) fn vulnerability(key: &str, bytes: &[u8]) -> Read {
    let said: Vulnerability = value::read(bytes)?;
    let filled = |text: String| (!text.is_empty()).then_some(text);
    let note = Note {
        severities: said
            .vendor_severity
            .iter()
            .map(|(by, n)| (by.clone(), value::severity(*n).unwrap_or_default()))
            .collect(),
        cvss: said.cvss.into_iter().map(|(by, scores)| (by, scores.cvss())).collect(),
        severity: Severity::parse(&said.severity).filter(|word| *word != Severity::Unknown),
    };
    if key.is_empty() || key.contains('/') {
        return Err("the id of the vulnerability is empty or has a slash in it".to_owned());
    }
    Ok(vec![Advisory {
        id: id(&format!("vulnerability/{key}"))?,
        modified: said.last_modified_date.unwrap_or_default(),
        published: said.published_date,
        aliases: vec![key.to_owned()],
        summary: filled(said.title),
        details: filled(said.description),
        references: said.references.into_iter().map(|url| json!({ "type": "WEB", "url": url })).collect(),
        database_specific: Some(note.specific(&said.cwe_ids)),
        ..Advisory::default()
    }])
}

fn id(place: &str) -> Result<String, String> {
    let id = format!("{}/{place}", super::SPEC.id);
    if id.len() > MAX_ID { Err(format!("its place is longer than {MAX_ID} bytes")) } else { Ok(id) }
}

fn range(introduced: &str, fixed: &str) -> Vec<Range> {
    let introduced = if introduced.is_empty() { "0" } else { introduced };
    let mut events = vec![RangeEvent { introduced: Some(introduced.to_owned()), ..RangeEvent::default() }];
    if !fixed.is_empty() {
        events.push(RangeEvent { fixed: Some(fixed.to_owned()), ..RangeEvent::default() });
    }
    vec![Range { kind: "ECOSYSTEM".to_owned(), events, ..Range::default() }]
}

fn shown(fixed: &str, plain_epoch: bool) -> Option<String> {
    let bare = fixed.strip_prefix("0:").filter(|_| plain_epoch).unwrap_or(fixed);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// The patched versions, or where none is named the bounds below which versions are vulnerable, in one piece.
fn fix_of_constraints(entry: &Entry) -> String {
    let bounds = || {
        let parts = entry.vulnerable_versions.iter().flat_map(|constraint| constraint.split(','));
        parts.filter_map(|part| part.trim().strip_prefix('<').filter(|rest| !rest.starts_with('='))).map(str::trim)
    };
    let mut told: Vec<&str> = Vec::new();
    let patched: Vec<&str> = entry.patched_versions.iter().map(String::as_str).collect();
    for version in if patched.is_empty() { bounds().collect() } else { patched } {
        if !told.contains(&version) {
            told.push(version);
        }
    }
    told.join(", ")
}
