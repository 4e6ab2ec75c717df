//! Findings of a package as lines of a table.

use crate::web::pieces::{SeverityBadge, short};
use assay_engine::ScoredFinding;
use assay_model::{
    assessment::Suppression,
    finding::{Cvss, FindingKind, Status},
    vex::Said,
};

/// One finding.
pub(super) struct FindingLine {
    pub(super) id: String,
    /// What it is, where it is no vulnerability.
    pub(super) kind: Option<&'static str>,
    pub(super) title: String,
    pub(super) aliases: Vec<String>,
    pub(super) severity: SeverityBadge,
    pub(super) score: Option<String>,
    pub(super) epss: Option<String>,
    pub(super) epss_detail: String,
    pub(super) kev: Option<String>,
    pub(super) component: String,
    pub(super) purl: String,
    pub(super) version: String,
    pub(super) nearest_fixed: Option<String>,
    pub(super) fixed: Vec<String>,
    pub(super) fix_known: bool,
    /// What there is to expect without a fixed version.
    pub(super) status: &'static str,
    pub(super) ranges: Vec<String>,
    /// Source, score and vector.
    pub(super) cvss: Vec<(String, String, String)>,
    pub(super) sources: Vec<(String, String)>,
    pub(super) published: Option<String>,
    /// Why it does not count, for some policies or all.
    pub(super) suppressed: Vec<String>,
    /// What is said of it without taking it away.
    pub(super) said: Option<String>,
}

impl FindingLine {
    pub(super) fn of(found: ScoredFinding) -> Self {
        let ScoredFinding { component, finding, epss, kev, assessment } = found;
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        Self {
            score: finding.score().map(|s| format!("{s:.1}")),
            epss: epss.as_ref().map(|e| percent(e.score)),
            epss_detail: epss.map(|e| format!("percentile {}, {}", percent(e.percentile), e.date)).unwrap_or_default(),
            kev: kev.map(|k| {
                let ransomware = if k.ransomware { ", by ransomware too" } else { "" };
                format!("listed {}{ransomware}", k.date_added)
            }),
            severity: SeverityBadge(finding.severity),
            said: assessment.said.as_ref().filter(|_| assessment.for_all().is_none()).map(informs),
            suppressed: assessment.suppressed.iter().map(suppression).collect(),
            cvss: finding.cvss.into_iter().flat_map(|(source, cvss)| vectors(&source, cvss)).collect(),
            sources: finding.sources.into_iter().map(|s| (s.advisory, short(&s.revision))).collect(),
            aliases: finding.aliases.into_iter().collect(),
            kind: match finding.kind {
                FindingKind::Vulnerability => None,
                FindingKind::Malware => Some("malware"),
                FindingKind::EndOfLife => Some("end of life"),
            },
            status: expectation(finding.kind, finding.status),
            fix_known: finding.status == Status::Fixed,
            nearest_fixed: finding.nearest_fixed,
            fixed: finding.fixed_versions,
            ranges: finding.vulnerable_ranges,
            published: finding.published,
            title: if finding.title == finding.id { String::new() } else { finding.title },
            id: finding.id,
            component: component.name,
            version: component.version,
            purl: component.purl,
        }
    }
}

/// One line: who takes the finding away, why, and from whom.
fn suppression(why: &Suppression) -> String {
    match why {
        Suppression::Vex { status, justification, statement, author, .. } => {
            let why = statement.as_ref().or(justification.as_ref()).map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} says {}{why}", named(author), status.as_str())
        }
        Suppression::Waiver { waiver, reason, author, expires_at, policies, .. } => {
            let from = match policies.is_empty() {
                true => String::new(),
                false => format!(" for {}", policies.iter().cloned().collect::<Vec<_>>().join(", ")),
            };
            format!("waived{from} by {author} until {} ({waiver}): {reason}", expires_at.strftime("%Y-%m-%d %H:%M"))
        }
    }
}

fn informs(said: &Said) -> String {
    let trust = if said.trusted { "" } else { ", who is not trusted," };
    format!("{}{trust} says {}", named(&said.statement.author), said.statement.status.as_str())
}

fn named(author: &str) -> &str {
    if author.is_empty() { "an author without a name" } else { author }
}

fn expectation(kind: FindingKind, status: Status) -> &'static str {
    match (kind, status) {
        (FindingKind::Malware, _) => "nothing to fix: not to be used",
        (FindingKind::EndOfLife, _) => "no longer maintained",
        (_, Status::WillNotFix) => "will not be fixed",
        (_, Status::FixDeferred) => "fix deferred",
        (_, Status::EndOfLife) => "no fix: end of life",
        (_, Status::UnderInvestigation) => "under investigation",
        (_, Status::Affected | Status::Fixed) => "no fix known",
    }
}

fn vectors(source: &str, cvss: Cvss) -> Vec<(String, String, String)> {
    let kinds = [
        ("CVSS 4", cvss.v4_score, cvss.v4_vector),
        ("CVSS 3", cvss.v3_score, cvss.v3_vector),
        ("CVSS 2", cvss.v2_score, cvss.v2_vector),
    ];
    let said = kinds.into_iter().filter(|(_, score, vector)| score.is_some() || vector.is_some());
    said.map(|(kind, score, vector)| {
        let score = score.map_or_else(|| "no score".to_owned(), |s| format!("{s:.1}"));
        (format!("{source}, {kind}"), score, vector.unwrap_or_default())
    })
    .collect()
}
