//! Security databases of distributions that package with apk (Alpine's secdb, Wolfi, Chainguard): one JSON file per
//! release and repository, by itself or many in an archive.
//!
//! A file says which version of a package fixed which ids; the version `0` says that the package was never affected. It
//! knows nothing that has no fix.

use crate::documents::{self, Reader};
use crate::input;
use crate::statement::Statement;
use assay_model::Problem;
use assay_model::advisory::{Advisory, Affected, AffectedPackage, Range, RangeEvent};
use assay_model::finding::Origin;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Largest file, in bytes; the largest known has 3 MiB.
const MAX_FILE: usize = 64 << 20;
/// More ids than any version fixed.
const MAX_IDS: usize = 1000;

static SPEC: SourceSpec = SourceSpec {
    id: "secdb",
    summary: "Security databases of Alpine, Wolfi and Chainguard (secdb), JSON",
    cadence: 6 * 3600,
    data_license: "per distribution: Alpine states none, Wolfi and Chainguard Apache-2.0",
};

/// The source.
#[derive(Debug)]
pub struct SecDb;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    distroversion: Option<String>,
    #[serde(default)]
    reponame: String,
    #[serde(default)]
    urlprefix: String,
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: BTreeMap<String, Option<Vec<String>>>,
}

/// A distribution whose database this is.
struct Distribution {
    /// OSV ecosystem.
    ecosystem: &'static str,
    origin: (&'static str, &'static str, &'static str),
    /// In the addresses of its packages.
    mark: &'static str,
}

/// The first whose mark is in the address; the last is for those that say a release.
static DISTRIBUTIONS: [Distribution; 3] = [
    Distribution {
        ecosystem: "Wolfi",
        origin: ("wolfi", "Wolfi Secdb", "https://packages.wolfi.dev/os/security.json"),
        mark: "wolfi",
    },
    Distribution {
        ecosystem: "Chainguard",
        origin: ("chainguard", "Chainguard Security Data", "https://packages.cgr.dev/chainguard/security.json"),
        mark: "cgr.dev",
    },
    Distribution {
        ecosystem: "Alpine",
        origin: ("alpine", "Alpine Secdb", "https://secdb.alpinelinux.org/"),
        mark: "",
    },
];

impl Source for SecDb {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let first = documents::first_entry(head);
        let content = first.map_or_else(|| input::peek(head), |(_, content)| content);
        let text = String::from_utf8_lossy(&content);
        let marks = ["\"reponame\"", "\"urlprefix\"", "\"apkurl\"", "\"packages\""];
        text.trim_start().starts_with('{') && marks.iter().filter(|mark| text.contains(**mark)).count() >= 3
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::several_files(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let is_document = |path: &str| path.ends_with(".json");
        let reader = Reader { source: SPEC.id, largest: MAX_FILE, is_document: &is_document };
        reader.each(name, file, out, &mut |name, bytes, out| match serde_json::from_slice::<File>(bytes) {
            Ok(file) => file.tell(name, out),
            Err(error) => out.bad(SPEC.id, name, &error.to_string(), &bytes[..bytes.len().min(input::KEPT_BYTES)]),
        })
    }
}

impl File {
    fn tell(&self, name: &str, out: &mut dyn Intel) -> Result<(), Problem> {
        let place = DISTRIBUTIONS.iter().find(|one| self.urlprefix.contains(one.mark));
        let release = self.distroversion.as_deref().filter(|release| !release.is_empty());
        let Some((distribution, ecosystem)) = place.and_then(|one| Some((one, one.place(release)?))) else {
            return out.bad(SPEC.id, name, "it does not say which release it is about", &[]);
        };
        for Entry { pkg } in &self.packages {
            for (id, fixes) in pkg.by_id() {
                let advisory = advisory(distribution, &ecosystem, &self.reponame, &pkg.name, id, &fixes);
                let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
                out.advisory(SPEC.id, advisory, &bytes)?;
            }
        }
        if self.packages.is_empty() {
            return Ok(());
        }
        let prefix = format!("{}/{ecosystem}/{}/", SPEC.id, self.reponame);
        out.whole(&Extent::Ids { source: SPEC.id, prefix: &prefix })
    }
}

impl Distribution {
    fn place(&self, release: Option<&str>) -> Option<String> {
        match release {
            Some(release) if self.mark.is_empty() => Some(format!("{}:{release}", self.ecosystem)),
            None if self.mark.is_empty() => None,
            _ => Some(self.ecosystem.to_owned()),
        }
    }
}

impl Package {
    /// The versions that fixed each id, without those that say it never had it.
    fn by_id(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut by_id: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (version, ids) in self.secfixes.iter().filter(|(version, _)| *version != "0") {
            // Other names of the same follow after a space (`CVE-2019-1 XSA-2`).
            let ids = ids.iter().flatten().filter_map(|id| id.split_whitespace().next());
            for id in ids.filter(|id| id.len() <= 64 && !id.contains('/')).take(MAX_IDS) {
                by_id.entry(id).or_default().insert(version);
            }
        }
        by_id
    }
}

fn advisory(
    distribution: &Distribution,
    ecosystem: &str,
    repository: &str,
    package: &str,
    id: &str,
    fixes: &BTreeSet<&str>,
) -> Advisory {
    let event = |introduced: Option<&str>, fixed: Option<&str>| RangeEvent {
        introduced: introduced.map(str::to_owned),
        fixed: fixed.map(str::to_owned),
        ..RangeEvent::default()
    };
    let range = |fixed: &&str| Range {
        kind: "ECOSYSTEM".to_owned(),
        events: vec![event(Some("0"), None), event(None, Some(fixed))],
        ..Range::default()
    };
    let mut affected = Affected {
        package: AffectedPackage { ecosystem: ecosystem.to_owned(), name: package.to_owned(), purl: None },
        ranges: fixes.iter().map(range).collect(),
        ..Affected::default()
    };
    let (origin, name, url) = distribution.origin;
    let origin = Origin { id: origin.to_owned(), name: name.to_owned(), url: url.to_owned(), base: None };
    Statement { origin: Some(origin), ..Statement::default() }.write(&mut affected);
    Advisory {
        id: format!("{}/{ecosystem}/{repository}/{package}/{id}", SPEC.id),
        modified: "1970-01-01T00:00:00Z".to_owned(),
        upstream: vec![id.to_owned()],
        affected: vec![affected],
        ..Advisory::default()
    }
}

#[cfg(test)]
mod tests;
