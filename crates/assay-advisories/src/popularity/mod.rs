//! Catalogues of popular packages: the most downloaded projects of PyPI (rows of `project` and `download_count`), and the
//! npm packages with the highest impact (`top_download`, then what only `top_dependent` has), JSON, plain or compressed.

use crate::input;
use assay_model::{
    Problem, ecosystem,
    health::Popularity,
    seam::{
        ReadSeek, Task,
        source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec},
    },
};
use serde::Deserialize;
use std::{collections::HashSet, io::Read};

/// Unpacked bytes of a catalogue, which is read as one document.
const MAX_BYTES: u64 = 64 << 20;
/// Names of a catalogue; more are no longer popular.
const MAX_NAMES: usize = 100_000;
/// Longest name.
const MAX_NAME: usize = 214;

static SPEC: SourceSpec = SourceSpec {
    id: "popularity",
    summary: "Popular packages of PyPI and npm, by rank: what names may be mistaken for, JSON",
    cadence: 7 * 24 * 3600,
    data_license: "per catalogue: top-pypi-packages none stated, npm-high-impact MIT",
};

/// The source.
#[derive(Debug)]
pub struct PopularPackages;

#[derive(Deserialize)]
#[serde(untagged)]
enum Catalogue {
    PyPi {
        rows: Vec<Row>,
    },
    Npm {
        top_download: Vec<String>,
        #[serde(default)]
        top_dependent: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Row {
    project: String,
    download_count: Option<u64>,
}

impl Source for PopularPackages {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        text.starts_with('{')
            && (text.contains("\"top_download\"")
                || ["\"rows\"", "\"download_count\"", "\"project\""].iter().all(|mark| text.contains(mark)))
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::several_files(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        input::open(file, MAX_BYTES)?.read_to_end(&mut bytes).map_err(input::failed)?;
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let catalogue: Catalogue = serde_json::from_slice(json)
            .map_err(|e| Problem::invalid("bad-feed", format!("{name} is no catalogue of popular packages: {e}")))?;
        match catalogue {
            Catalogue::PyPi { mut rows } => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.download_count));
                tell("pypi", rows.into_iter().map(|row| (row.project, row.download_count)), out)
            }
            Catalogue::Npm { top_download, top_dependent } => {
                tell("npm", top_download.into_iter().chain(top_dependent).map(|name| (name, None)), out)
            }
        }
    }
}

fn tell(
    purl_type: &str,
    names: impl Iterator<Item = (String, Option<u64>)>,
    out: &mut dyn Intel,
) -> Result<(), Problem> {
    let law = ecosystem::of_purl_type(purl_type);
    let mut seen = HashSet::new();
    let mut rank = 0;
    for (name, downloads) in names.take(MAX_NAMES) {
        let name = law.map_or_else(|| name.clone(), |law| law.normalize_name(&name).into_owned());
        if name.is_empty() || name.len() > MAX_NAME || !seen.insert(name.clone()) {
            continue;
        }
        rank += 1;
        out.popularity(Popularity { purl_type: purl_type.to_owned(), name, rank, downloads })?;
    }
    out.progress(u64::from(rank), Some(u64::from(rank)));
    if rank > 0 { out.whole(&Extent::Popularity(purl_type)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
