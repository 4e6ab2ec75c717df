//! Whom a document of VEX is about: packages with findings that its statements speak of, and whether its word counts there.

use crate::{Engine, assessed, catalogue::findings_of};
use assay_model::{
    access::{Caller, Permission},
    package::{Package, PackageId, State},
    problem::Problem,
    seam::meta::{self, Tx},
    vex::{VexId, VexOrigin, VexStatement, VexStatus},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packages that are looked at.
const MOST_PACKAGES: usize = 500;
/// Findings that are told.
const MOST_ROWS: usize = 1000;

/// A finding that a document speaks of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppliedRow {
    /// The package's number.
    pub package: PackageId,
    /// `repository/format/name@version`.
    pub name: String,
    /// State of the package.
    pub state: State,
    /// Package URL of the component that has the finding.
    pub component: String,
    /// The finding.
    pub vulnerability: String,
    /// What the document says of it.
    pub status: VexStatus,
    /// Whether that is the word that counts among all that are known.
    pub counts: bool,
    /// Whether it takes the finding away.
    pub suppresses: bool,
}

impl AppliedRow {
    /// What comes of it, for people.
    pub fn effect(&self) -> &'static str {
        match (self.suppresses, self.counts) {
            (true, _) => "takes the finding away",
            (false, true) => "informs",
            (false, false) => "another statement counts",
        }
    }
}

/// Whom a document is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VexApplied {
    /// By package.
    pub findings: Vec<AppliedRow>,
    /// Whether there are more than are told.
    pub more: bool,
}

impl Engine {
    /// Whom a document is about.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn vex_applied(&self, caller: &Caller, id: VexId) -> Result<VexApplied, Problem> {
        caller.require_everywhere(Permission::Read)?;
        let now = self.now();
        meta::read(self.meta(), move |tx| {
            let Some((document, statements)) = tx.vex_document(id)? else { return Err(super::documents::unknown(id)) };
            let spoken: Vec<String> = tx.vulnerabilities_in(&[id])?.into_iter().collect();
            let components = tx.components_with_ids(&spoken)?;
            let mut packages = tx.packages_with(&components)?;
            let mut applied = VexApplied { more: packages.len() > MOST_PACKAGES, ..VexApplied::default() };
            packages.truncate(MOST_PACKAGES);
            let speaker = Speaker::new(&document.origin, &statements, now);
            for package in tx.packages(&packages)?.into_iter().filter(|one| one.state != State::Deleted) {
                applied.findings.extend(speaker.about(tx, &package)?);
                if applied.findings.len() > MOST_ROWS {
                    applied.findings.truncate(MOST_ROWS);
                    applied.more = true;
                    break;
                }
            }
            Ok(applied)
        })
        .await
    }
}

/// A document's statements by the ids that they speak of.
struct Speaker<'a> {
    origin: &'a VexOrigin,
    by_id: BTreeMap<&'a str, Vec<&'a VexStatement>>,
    now: Timestamp,
}

impl<'a> Speaker<'a> {
    fn new(origin: &'a VexOrigin, statements: &'a [VexStatement], now: Timestamp) -> Self {
        let mut by_id: BTreeMap<&str, Vec<&VexStatement>> = BTreeMap::new();
        for one in statements {
            one.vulnerability.iter().for_each(|id| by_id.entry(id).or_default().push(one));
        }
        Self { origin, by_id, now }
    }

    fn about(&self, tx: &mut dyn Tx, package: &Package) -> Result<Vec<AppliedRow>, Problem> {
        let Some(repository) = tx.repository_by_id(package.repository)? else { return Ok(Vec::new()) };
        let (files, mut findings) = (tx.files_of(&[package.id])?, findings_of(tx, package.id)?);
        let names = assessed::assess(tx, package, &repository, &files, (&mut findings, self.now))?;
        let mut rows = Vec::new();
        for found in &findings {
            let own = found.finding.ids().filter_map(|id| self.by_id.get(id)).flatten();
            let said =
                own.filter(|one| one.speaks_of(&names, &found.component, &found.finding)).max_by_key(|one| one.at);
            let Some(statement) = said else { continue };
            let counting = found.assessment.said.as_ref();
            let counting = counting.filter(|said| said.origin == *self.origin && said.statement == **statement);
            rows.push(AppliedRow {
                package: package.id,
                name: package.at.subject(&repository.name),
                state: package.state,
                component: found.component.purl.clone(),
                vulnerability: found.finding.id.clone(),
                status: statement.status,
                counts: counting.is_some(),
                suppresses: counting.is_some_and(|said| said.trusted && statement.status.suppresses()),
            });
        }
        Ok(rows)
    }
}
