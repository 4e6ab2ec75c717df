//! Debian's security tracker: one JSON document, source package to CVE to release.
//!
//! Beyond OSV's records it knows what has no fix, and what the security team means to do about it.

use crate::input;
use crate::statement::Statement;
use assay_model::Problem;
use assay_model::advisory::{Advisory, Affected, AffectedPackage, Range, RangeEvent};
use assay_model::finding::{Origin, Severity, Status};
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Unpacked bytes of the document; a real one has 70 MiB. It is read one package at a time.
const MAX_BYTES: u64 = 4 << 30;

static SPEC: SourceSpec = SourceSpec {
    id: "debian-tracker",
    summary: "Debian's security tracker, JSON",
    cadence: 3600,
    data_license: "none stated (Debian security tracker)",
};

/// Releases by code name. `sid` has no number.
const RELEASES: [(&str, &str); 11] = [
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("squeeze", "6"),
    ("sid", "sid"),
];

/// The source.
#[derive(Debug)]
pub struct DebianTracker;

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    nodsa_reason: Option<String>,
}

impl Source for DebianTracker {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let marks = ["\"releases\"", "\"repositories\"", "\"status\""];
        text.trim_start().starts_with('{')
            && marks.iter().all(|mark| text.contains(mark))
            && RELEASES.iter().any(|(codename, _)| text.contains(&format!("\"{codename}\"")))
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::one_file(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let content = input::open(file, MAX_BYTES)?;
        let (mut stopped, mut bad) = (None, 0);
        let mut document = serde_json::Deserializer::from_reader(content);
        let read = document.deserialize_map(Packages { name, out, stopped: &mut stopped, bad: &mut bad });
        match (stopped, read) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(Problem::invalid("bad-feed", format!("{name} is no tracker document: {error}"))),
            (None, Ok(())) if bad == 0 => out.whole(&Extent::Source(SPEC.id)),
            (None, Ok(())) => Ok(()),
        }
    }
}

/// Takes the packages one by one.
struct Packages<'a> {
    name: &'a str,
    out: &'a mut dyn Intel,
    stopped: &'a mut Option<Problem>,
    bad: &'a mut u64,
}

impl<'de> Visitor<'de> for Packages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source packages with their issues")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut done = 0;
        while let Some((package, issues)) = map.next_entry::<String, BTreeMap<String, Value>>()? {
            done += 1;
            for (id, issue) in issues {
                if let Err(problem) = tell(self.name, &package, &id, issue, self.out, self.bad) {
                    *self.stopped = Some(problem);
                    return Err(serde::de::Error::custom("stopped"));
                }
            }
            if done % 100 == 0 {
                self.out.progress(done, None);
            }
        }
        self.out.progress(done, Some(done));
        Ok(())
    }
}

fn tell(name: &str, package: &str, id: &str, issue: Value, out: &mut dyn Intel, bad: &mut u64) -> Result<(), Problem> {
    let kept = issue.to_string();
    let issue: Issue = match serde_json::from_value(issue) {
        Ok(issue) => issue,
        Err(error) => {
            *bad += 1;
            let bytes = &kept.as_bytes()[..kept.len().min(input::KEPT_BYTES)];
            return out.bad(SPEC.id, &format!("{name} {package} {id}"), &error.to_string(), bytes);
        }
    };
    let affected: Vec<Affected> = issue.releases.iter().filter_map(|(name, one)| one.affected(name, package)).collect();
    let mut advisory = Advisory {
        id: format!("{}/{package}/{id}", SPEC.id),
        modified: "1970-01-01T00:00:00Z".to_owned(),
        upstream: vec![id.to_owned()],
        details: issue.description,
        affected,
        ..Advisory::default()
    };
    if advisory.affected.is_empty() {
        // It may have been said of a release before; now it is said of none.
        advisory.withdrawn = Some(advisory.modified.clone());
    }
    let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
    out.advisory(SPEC.id, advisory, &bytes)
}

impl Release {
    fn affected(&self, codename: &str, package: &str) -> Option<Affected> {
        let (_, number) = RELEASES.iter().find(|(name, _)| *name == codename)?;
        let fixed = self.fixed_version.as_deref().filter(|_| self.status == "resolved");
        if fixed == Some("0") || self.status == "resolved" && fixed.is_none() {
            return None;
        }
        let mut events = vec![RangeEvent { introduced: Some("0".to_owned()), ..RangeEvent::default() }];
        events.extend(fixed.map(|fixed| RangeEvent { fixed: Some(fixed.to_owned()), ..RangeEvent::default() }));
        let mut affected = Affected {
            package: AffectedPackage { ecosystem: format!("Debian:{number}"), name: package.to_owned(), purl: None },
            ranges: vec![Range { kind: "ECOSYSTEM".to_owned(), events, ..Range::default() }],
            ..Affected::default()
        };
        let origin = Origin {
            id: "debian".to_owned(),
            name: "Debian Security Tracker".to_owned(),
            url: "https://security-tracker.debian.org/".to_owned(),
            base: None,
        };
        let (status, severity) = (self.unfixed(), self.severity());
        Statement { status, severity, origin: Some(origin), ..Statement::default() }.write(&mut affected);
        Some(affected)
    }

    /// What the security team means to do about what has no fix.
    fn unfixed(&self) -> Option<Status> {
        let urgency = self.urgency.as_deref().unwrap_or_default();
        match (self.status.as_str(), self.nodsa_reason.as_deref()) {
            ("resolved", _) => None,
            ("undetermined", _) => Some(Status::UnderInvestigation),
            _ if urgency == "end-of-life" => Some(Status::EndOfLife),
            (_, Some("ignored")) => Some(Status::WillNotFix),
            (_, Some("postponed")) => Some(Status::FixDeferred),
            _ => Some(Status::Affected),
        }
    }

    fn severity(&self) -> Option<Severity> {
        match self.urgency.as_deref()?.trim_end_matches('*') {
            "unimportant" | "low" => Some(Severity::Low),
            "medium" => Some(Severity::Medium),
            "high" => Some(Severity::High),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
