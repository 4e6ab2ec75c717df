//! `updateinfo.xml`: the announcements in a repository of rpm packages (Amazon Linux, Rocky Linux, Oracle Linux, openSUSE,
//! Fedora and others), plain or compressed.
//!
//! An announcement names packages with the versions that it brings; everything below is affected by the CVEs it refers to.

mod place;
mod xml;

use crate::input;
use crate::statement::{Named, Statement};
use assay_model::Problem;
use assay_model::advisory::{Advisory, Affected, AffectedPackage, Range, RangeEvent};
use assay_model::finding::Severity;
use assay_model::seam::source::{Cursor, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use place::Place;
use serde_json::json;
use std::collections::BTreeMap;
use xml::Update;

/// Unpacked bytes of one file.
const MAX_BYTES: u64 = 4 << 30;

static SPEC: SourceSpec = SourceSpec {
    id: "updateinfo",
    summary: "Announcements of rpm repositories (updateinfo.xml): Amazon, Rocky, Oracle, openSUSE, Fedora",
    cadence: 6 * 3600,
    data_license: "per distribution",
};

/// The source.
#[derive(Debug)]
pub struct UpdateInfo;

impl Source for UpdateInfo {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
            && text.contains("<updates")
            && text.contains("<update ")
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::several_files(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut content = input::open(file, MAX_BYTES)?;
        let mut done = 0;
        xml::each(name, &mut content, &mut |text| {
            done += 1;
            out.progress(done, None);
            match Update::read(text) {
                Ok(update) => tell(&update, out),
                Err(reason) => {
                    let kept = &text.as_bytes()[..text.len().min(input::KEPT_BYTES)];
                    out.bad(SPEC.id, &format!("{name} update {done}"), &reason, kept)
                }
            }
        })
    }
}

fn tell(update: &Update, out: &mut dyn Intel) -> Result<(), Problem> {
    if update.cves.is_empty() || update.packages.is_empty() {
        return Ok(());
    }
    let Some(place) = Place::of(&update.id, &update.releases) else {
        return out.bad(SPEC.id, &update.id, "its id and release name no distribution that is known", &[]);
    };
    let affected = affected(update, &place);
    for cve in &update.cves {
        let advisory = Advisory {
            id: format!("{}/{}/{}/{cve}", SPEC.id, place.ecosystem, update.id),
            modified: update.updated.clone(),
            published: update.issued.clone(),
            upstream: vec![cve.clone()],
            summary: update.title.clone(),
            details: update.description.clone(),
            affected: affected.clone(),
            references: update.links.iter().map(|url| json!({"type": "ADVISORY", "url": url})).collect(),
            ..Advisory::default()
        };
        let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
        out.advisory(SPEC.id, advisory, &bytes)?;
    }
    Ok(())
}

/// One entry for each package and version, with the architectures it was built for.
fn affected(update: &Update, place: &Place) -> Vec<Affected> {
    let mut builds: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    for package in update.packages.iter().filter(|package| package.arch != "src") {
        let name = match &package.module {
            Some(module) => format!("{module}::{}", package.name),
            None => package.name.clone(),
        };
        builds.entry((name, &package.version)).or_default().push(package.arch.clone());
    }
    let severity = severity(&update.severity);
    let one = |((name, fixed), mut arches): ((String, &str), Vec<String>)| {
        arches.sort();
        arches.dedup();
        let event = |introduced: Option<&str>, fixed: Option<&str>| RangeEvent {
            introduced: introduced.map(str::to_owned),
            fixed: fixed.map(str::to_owned),
            ..RangeEvent::default()
        };
        let mut affected = Affected {
            package: AffectedPackage { ecosystem: place.ecosystem.clone(), name, purl: None },
            ranges: vec![Range {
                kind: "ECOSYSTEM".to_owned(),
                events: vec![event(Some("0"), None), event(None, Some(fixed))],
                ..Range::default()
            }],
            ..Affected::default()
        };
        Statement {
            named: Some(Named::Binary),
            severity,
            arches,
            vendor_ids: vec![update.id.clone()],
            origin: Some(place.origin.clone()),
            ..Statement::default()
        }
        .write(&mut affected);
        affected
    };
    builds.into_iter().map(one).collect()
}

fn severity(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "important" => Some(Severity::High),
        other => Severity::parse(other).filter(|severity| *severity != Severity::Unknown),
    }
}

#[cfg(test)]
mod tests;
