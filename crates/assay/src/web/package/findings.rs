//! Findings of a package as lines of a table.

use crate::web::pieces::{SeverityBadge, short};
use assay_engine::ScoredFinding;
use assay_model::finding::{Cvss, Status};

/// One finding.
pub(super) struct FindingLine {
    pub(super) id: String,
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
    pub(super) ranges: Vec<String>,
    /// Source, score and vector.
    pub(super) cvss: Vec<(String, String, String)>,
    pub(super) sources: Vec<(String, String)>,
    pub(super) published: Option<String>,
}

impl FindingLine {
    pub(super) fn of(found: ScoredFinding) -> Self {
        let ScoredFinding { component, finding, epss, kev } = found;
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
            cvss: finding.cvss.into_iter().flat_map(|(source, cvss)| vectors(&source, cvss)).collect(),
            sources: finding.sources.into_iter().map(|s| (s.advisory, short(&s.revision))).collect(),
            aliases: finding.aliases.into_iter().collect(),
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
