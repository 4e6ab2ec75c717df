//! Findings in the two forms that policies read: `security_scan` with Trivy's names, and the normalised
//! `vulnerabilities`.

use super::{
    PolicyNames,
    depth::{self, Depths},
    suppressed,
    value::{extend, list, number, object, sparse, text, texts},
};
use assay_model::{
    assessment::{Assessment, assess},
    component::{Component, Occurrence},
    facts::Facts,
    finding::{Cvss, Finding, FindingKind, FindingSource},
    health::Ssvc,
    score::{Epss, Kev},
};
use regorus::{Value, value::Object};
use std::collections::BTreeMap;

/// The findings of one package, with what is joined to them.
pub(super) struct Findings<'a> {
    facts: &'a Facts,
    names: &'a PolicyNames,
    places: BTreeMap<&'a str, &'a Occurrence>,
    links: BTreeMap<&'a str, &'a str>,
    depths: Depths,
    /// What becomes of each finding, in their order.
    assessments: Vec<Assessment>,
}

impl<'a> Findings<'a> {
    /// Indexes what findings are joined with.
    pub(super) fn new(facts: &'a Facts, names: &'a PolicyNames) -> Self {
        // Of several places of one component the first in rendering order stands for it.
        let places = facts.components.iter().rev().map(|found| (found.component.purl.as_str(), found)).collect();
        let links = facts.advisories.iter().filter_map(|advisory| Some((advisory.id.as_str(), link(advisory)?)));
        let (links, depths) = (links.collect(), Depths::of_all(&facts.components));
        Self { facts, names, places, links, depths, assessments: assess(facts) }
    }

    /// Every finding with what becomes of it: the one place where those that count part from those that do not.
    pub(super) fn assessed(&self) -> impl Iterator<Item = (&'a Component, &'a Finding, &Assessment)> {
        let all = self.facts.findings.iter().zip(&self.assessments);
        all.map(|((component, finding), assessment)| (component, finding, assessment))
    }

    /// The findings that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&'a Component, &'a Finding)> {
        let counted = self.assessed().filter(|(_, _, assessment)| assessment.for_all().is_none());
        counted.map(|(component, finding, _)| (component, finding))
    }

    /// The counted findings of one kind, in their order.
    fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = (&'a Component, &'a Finding)> {
        self.counted().filter(move |(_, finding)| finding.kind == kind)
    }

    /// How far components are from the package.
    pub(super) fn depths(&self) -> &Depths {
        &self.depths
    }

    /// `security_scan`: one object that serves two generations of policies. Its integer keys hold Trivy's results, one
    /// per target; its key `Vulnerabilities` holds the vulnerabilities of all targets.
    pub(super) fn security_scan(&self) -> Value {
        let mut targets: BTreeMap<(bool, &str), Vec<Value>> = BTreeMap::new();
        for found in &self.facts.components {
            targets.entry(self.target_of(&found.component)).or_default();
        }
        let mut all = Vec::with_capacity(self.facts.findings.len());
        for (component, finding) in self.of_kind(FindingKind::Vulnerability) {
            let entry = self.trivy(component, finding);
            all.push(entry.clone());
            targets.entry(self.target_of(component)).or_default().push(entry);
        }
        let results = targets.into_iter().map(|((language, kind), found)| self.result(language, kind, found));
        let mut scan: Object = results.enumerate().map(|(index, result)| (Value::from(index), result)).collect();
        scan.insert(Value::from("Vulnerabilities"), list(all));
        scan.into_value()
    }

    /// Which result a component belongs to: the operating system's packages first, then one per purl type.
    fn target_of<'b>(&self, component: &'b Component) -> (bool, &'b str)
    where
        'a: 'b,
    {
        match &self.facts.os {
            Some(os) if !os.ecosystem.is_empty() && os.ecosystem == component.ecosystem => (false, os.id.as_str()),
            _ => (true, component.purl_type.as_str()),
        }
    }

    fn result(&self, language: bool, kind: &str, found: Vec<Value>) -> Value {
        let name = &self.facts.package.at.name;
        let target = match &self.facts.os {
            Some(os) if !language => format!("{name} ({} {})", os.id, os.version),
            _ => format!("{name} ({kind})"),
        };
        object([
            ("Target", Value::from(target)),
            ("Class", Value::from(if language { "lang-pkgs" } else { "os-pkgs" })),
            ("Type", Value::from(kind)),
            ("Vulnerabilities", list(found)),
        ])
    }

    /// One vulnerability with Trivy's names. What is absent there is absent here: policies test for a fix by the mere
    /// presence of `FixedVersion`.
    fn trivy(&self, component: &Component, finding: &Finding) -> Value {
        let place = self.places.get(component.purl.as_str());
        let layer = place.and_then(|found| found.layer.as_deref());
        let cvss = finding.cvss.iter().map(|(source, cvss)| (Value::from(source.as_str()), trivy_cvss(cvss)));
        sparse([
            ("VulnerabilityID", Value::from(finding.id.as_str())),
            ("VendorIDs", texts(finding.sources.iter().map(|source| source.advisory.as_str()))),
            ("PkgName", Value::from(component.name.as_str())),
            ("PkgID", Value::from(format!("{}@{}", component.name, component.version))),
            ("PkgPath", text(place.map(|found| found.path.as_str()))),
            ("PkgIdentifier", object([("PURL", Value::from(component.purl.as_str()))])),
            ("InstalledVersion", Value::from(component.version.as_str())),
            ("FixedVersion", text(Some(&finding.fixed_versions.join(", ")))),
            ("Status", Value::from(finding.status.as_str())),
            ("Layer", layer.map_or(Value::Null, |digest| object([("Digest", Value::from(digest))]))),
            ("Severity", Value::from(finding.severity.as_str())),
            ("CVSS", cvss.collect::<Object>().into_value()),
            ("Title", text(Some(&finding.title))),
            ("PublishedDate", text(finding.published.as_deref())),
            ("PrimaryURL", text(self.link(finding))),
        ])
    }

    /// `vulnerabilities`.
    pub(super) fn vulnerabilities(&self) -> Value {
        list(self.of_kind(FindingKind::Vulnerability).map(|(component, finding)| self.normalised(component, finding)))
    }

    fn normalised(&self, component: &Component, finding: &Finding) -> Value {
        let cvss = finding.cvss.iter().map(|(source, cvss)| (Value::from(source.as_str()), full_cvss(cvss)));
        let epss = self.epss(finding);
        object([
            ("identifier", Value::from(finding.id.as_str())),
            ("VulnerabilityID", Value::from(finding.id.as_str())),
            ("title", Value::from(finding.title.as_str())),
            ("severity", Value::from(finding.severity.as_str())),
            ("cvss", cvss.collect::<Object>().into_value()),
            ("epss", epss.map_or(Value::Null, epss_value)),
            ("package_name", Value::from(component.name.as_str())),
            ("format", Value::from(self.names.of(&component.purl_type))),
            ("patched_versions", texts(finding.fixed_versions.iter().map(String::as_str))),
            ("vulnerable_versions", texts(finding.vulnerable_ranges.iter().map(String::as_str))),
            ("published_date", text(finding.published.as_deref())),
            ("source", self.source(finding)),
        ])
    }

    /// `vulnerabilities` of the newer document: the same with aliases, all sources, component, exploitation, what is said of
    /// it, and the nearest fix.
    pub(super) fn detailed(&self) -> Value {
        let vulnerabilities = self.assessed().filter(|(_, finding, assessment)| {
            finding.kind == FindingKind::Vulnerability && assessment.for_all().is_none()
        });
        list(vulnerabilities.map(|(component, finding, assessment)| {
            let ssvc = finding.ids().find_map(|id| self.facts.scores.ssvc.get(id));
            extend(
                &self.normalised(component, finding),
                [
                    ("aliases", texts(finding.aliases.iter().map(String::as_str))),
                    ("sources", list(finding.sources.iter().map(|source| self.record(source)))),
                    ("purl", Value::from(component.purl.as_str())),
                    ("package_version", Value::from(component.version.as_str())),
                    ("depth", depth::value(self.depths.nearest(&component.purl))),
                    ("status", Value::from(finding.status.as_str())),
                    ("score", number(finding.score())),
                    ("nearest_fixed", text(finding.nearest_fixed.as_deref())),
                    ("kev", self.kev(finding).map_or(Value::Null, kev_value)),
                    ("ssvc", ssvc.map_or(Value::Null, ssvc_value)),
                    ("vex", assessment.said.as_ref().map_or(Value::Null, suppressed::statement)),
                ],
            )
        }))
    }

    /// `malware`: components that an advisory calls malicious.
    pub(super) fn malware(&self) -> Value {
        list(self.of_kind(FindingKind::Malware).map(|(component, finding)| self.named(component, finding)))
    }

    /// `end_of_life`: components that their makers no longer maintain.
    pub(super) fn end_of_life(&self) -> Value {
        list(self.of_kind(FindingKind::EndOfLife).map(|(component, finding)| self.named(component, finding)))
    }

    fn named(&self, component: &Component, finding: &Finding) -> Value {
        object([
            ("identifier", Value::from(finding.id.as_str())),
            ("aliases", texts(finding.aliases.iter().map(String::as_str))),
            ("title", Value::from(finding.title.as_str())),
            ("package_name", Value::from(component.name.as_str())),
            ("package_version", Value::from(component.version.as_str())),
            ("purl", text(Some(&component.purl))),
            ("published_date", text(finding.published.as_deref())),
            ("source", self.source(finding)),
        ])
    }

    /// `kev`: the findings that are known to be exploited.
    pub(super) fn exploited(&self) -> Value {
        list(self.counted().filter_map(|(component, finding)| {
            let kev = self.kev(finding)?;
            let fields = [
                ("identifier", Value::from(finding.id.as_str())),
                ("package_name", Value::from(component.name.as_str())),
                ("purl", Value::from(component.purl.as_str())),
            ];
            Some(extend(&kev_value(kev), fields))
        }))
    }

    /// The highest prediction for any id of the finding.
    fn epss(&self, finding: &Finding) -> Option<&'a Epss> {
        let known = finding.ids().filter_map(|id| self.facts.scores.epss.get(id));
        known.max_by(|a, b| a.score.total_cmp(&b.score))
    }

    fn kev(&self, finding: &Finding) -> Option<&'a Kev> {
        finding.ids().find_map(|id| self.facts.scores.kev.get(id))
    }

    fn link(&self, finding: &Finding) -> Option<&'a str> {
        finding.sources.iter().find_map(|source| self.links.get(source.advisory.as_str()).copied())
    }

    /// The first source.
    fn source(&self, finding: &Finding) -> Value {
        let name = finding.sources.first().map(prefix);
        object([("name", text(name)), ("url", text(self.link(finding)))])
    }

    fn record(&self, source: &FindingSource) -> Value {
        object([
            ("advisory", Value::from(source.advisory.as_str())),
            ("name", Value::from(prefix(source))),
            ("url", text(self.links.get(source.advisory.as_str()).copied())),
        ])
    }
}

/// The prefix of a source's ids is its name.
fn prefix(source: &FindingSource) -> &str {
    let advisory = &source.advisory;
    let end = advisory.find(['-', ':']).unwrap_or(advisory.len());
    advisory.get(..end).unwrap_or_default()
}

fn ssvc_value(ssvc: &Ssvc) -> Value {
    object([
        ("exploitation", Value::from(ssvc.exploitation.as_str())),
        ("automatable", Value::from(ssvc.automatable.as_str())),
        ("technical_impact", Value::from(ssvc.technical_impact.as_str())),
        ("at", text(Some(&ssvc.at))),
    ])
}

fn cvss_fields(cvss: &Cvss) -> [(&'static str, Value); 6] {
    [
        ("V2Score", number(cvss.v2_score)),
        ("V2Vector", text(cvss.v2_vector.as_deref())),
        ("V3Score", number(cvss.v3_score)),
        ("V3Vector", text(cvss.v3_vector.as_deref())),
        ("V40Score", number(cvss.v4_score)),
        ("V40Vector", text(cvss.v4_vector.as_deref())),
    ]
}

fn trivy_cvss(cvss: &Cvss) -> Value {
    sparse(cvss_fields(cvss))
}

fn full_cvss(cvss: &Cvss) -> Value {
    object(cvss_fields(cvss))
}

fn epss_value(epss: &Epss) -> Value {
    object([("score", Value::from(epss.score)), ("percentile", Value::from(epss.percentile))])
}

fn kev_value(kev: &Kev) -> Value {
    object([
        ("cve", Value::from(kev.cve.as_str())),
        ("date_added", text(Some(&kev.date_added))),
        ("due_date", text(Some(&kev.due_date))),
        ("ransomware", Value::from(kev.ransomware)),
        ("name", text(Some(&kev.name))),
    ])
}

/// The page of an advisory: its first reference of kind `ADVISORY`, else its first.
fn link(advisory: &assay_model::advisory::Advisory) -> Option<&str> {
    let field = |reference: &'_ serde_json::Value, key: &str| {
        reference.get(key).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let official = advisory.references.iter().find(|one| field(one, "type").as_deref() == Some("ADVISORY"));
    official.or(advisory.references.first())?.get("url")?.as_str()
}
