//! A hub of VEX documents: an archive whose `index.json` names packages and where the document of each lies.
//!
//! Documents of any format are read; those that the index does not name are passed over. A hub is whole: documents that
//! its index no longer names are gone. A document that cannot be read is set aside, and then nothing is gone.

use crate::{
    documents::{self, Reader},
    download, input, vex,
};
use assay_model::Problem;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 16 << 20;
/// Packages of an index.
const MAX_PACKAGES: usize = 1_000_000;
/// What a fetched hub goes by, whatever its address ends with.
const NAME: &str = "vex-hub.archive";
const INDEX: &str = "index.json";

static SPEC: SourceSpec = SourceSpec {
    id: "vex",
    summary: "Hub of VEX documents: an archive with an index, OpenVEX, CSAF or CycloneDX",
    cadence: 6 * 3600,
    data_license: "that of the hub",
};

/// The source.
#[derive(Debug)]
pub struct VexHub;

#[derive(Deserialize)]
struct Index {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    location: String,
}

impl Source for VexHub {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, name: &str, head: &[u8]) -> bool {
        if documents::archive(head).is_none() {
            return false;
        }
        if name == NAME {
            return true;
        }
        let Some((path, content)) = documents::first_entry(head) else { return false };
        let (path, content) = (String::from_utf8_lossy(&path), String::from_utf8_lossy(&content));
        is_index(&path) && content.contains("\"packages\"") && content.contains("\"location\"")
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(async move {
            Ok(match download::one_file(net, base, since).await? {
                Fetched::Unchanged => Fetched::Unchanged,
                Fetched::Batch { files, cursor } => {
                    let files = files.into_iter().map(|(_, body)| (NAME.to_owned(), body)).collect();
                    Fetched::Batch { files, cursor }
                }
            })
        })
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let (root, wanted) = index(name, file, out)?;
        file.rewind().map_err(input::failed)?;
        let is_document = |path: &str| path.strip_prefix(&root).is_some_and(|path| wanted.contains(path));
        let reader = Reader { source: SPEC.id, largest: MAX_DOCUMENT, is_document: &is_document };
        let mut read = BTreeSet::new();
        let mut all = true;
        reader.each(name, file, out, &mut |path, bytes, out| {
            let place = path.strip_prefix(&root).unwrap_or(path).to_owned();
            match vex::read(&place, bytes) {
                Ok(statements) => {
                    out.vex(SPEC.id, &place, statements, bytes)?;
                    read.insert(place);
                    Ok(())
                }
                Err(problem) => {
                    all = false;
                    out.bad(SPEC.id, &place, &problem.message, bytes)
                }
            }
        })?;
        if all && read == wanted { out.whole(&Extent::Vex(SPEC.id)) } else { Ok(()) }
    }
}

/// At the root, or in the one folder that archives of repositories have.
fn is_index(path: &str) -> bool {
    path == INDEX
        || path.strip_suffix(INDEX).is_some_and(|folder| folder.matches('/').count() == 1 && folder.ends_with('/'))
}

/// The folder that the index is in, and the places of the documents that it names.
fn index(name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(String, BTreeSet<String>), Problem> {
    let reader = Reader { source: SPEC.id, largest: MAX_DOCUMENT, is_document: &is_index };
    let mut found: BTreeMap<usize, (String, BTreeSet<String>)> = BTreeMap::new();
    reader.each(name, file, out, &mut |path, bytes, _| {
        if let Ok(Index { packages }) = serde_json::from_slice(bytes)
            && packages.len() <= MAX_PACKAGES
        {
            let root = path.strip_suffix(INDEX).unwrap_or_default().to_owned();
            found.insert(root.len(), (root, packages.into_iter().map(|entry| entry.location).collect()));
        }
        Ok(())
    })?;
    found.into_values().next().ok_or_else(|| {
        Problem::invalid(
            "bad-feed",
            format!("{name} is no hub of VEX documents: it has no `{INDEX}` that names packages"),
        )
    })
}

#[cfg(test)]
mod tests;
