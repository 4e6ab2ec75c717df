//! Core metadata: found in an archive that is read to its end, and its headers. Pure over bytes.

use crate::{
    kit::archive::{Bounds, unreadable},
    pypi::names::{self, FileName, Kind},
};
use assay_archive::{ArchiveError, EntryHead, Flow, Kind as Container, read_small};
use assay_model::{Problem, seam::ReadSeek};
use serde_json::{Map, Value, json};

/// Largest METADATA or PKG-INFO: descriptions are long, but not longer than this.
pub(crate) const DOCUMENT: u64 = 4 << 20;

/// Values kept of one header that can be repeated, and bytes of each.
const VALUES: usize = 1000;
const VALUE: usize = 4096;

/// Code of problems with an archive that is sound and has no metadata, or several.
pub(crate) const UNCLEAR: &str = "bad-metadata";

/// Core metadata: the document as it is, and its headers.
#[derive(Debug)]
pub(crate) struct CoreMetadata {
    pub(crate) document: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl CoreMetadata {
    /// # Errors
    /// `Invalid` when the document has no headers.
    pub(crate) fn parse(document: Vec<u8>) -> Result<Self, Problem> {
        let (parsed, _) = mailparse::parse_headers(&document)
            .map_err(|error| Problem::invalid("bad-metadata", format!("the metadata cannot be read: {error}")))?;
        let headers = parsed
            .iter()
            .map(|header| (header.get_key().to_ascii_lowercase(), text_of(header.get_value_raw())))
            .collect();
        Ok(Self { document, headers })
    }
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).take(VALUES).collect()
    }
    /// Whether a resolver may take the document for what a build would say (PEP 643): a version of metadata that knows
    /// `Dynamic`, and nothing that resolving needs is dynamic.
    pub(crate) fn is_static(&self) -> bool {
        let number = |part: Option<&str>| part.and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
        let mut parts = self.first("metadata-version").unwrap_or_default().split('.');
        let knows = (number(parts.next()), number(parts.next())) >= (2, 2);
        let resolving = ["requires-dist", "requires-python", "provides-extra"];
        knows && !self.all("dynamic").iter().any(|field| resolving.contains(&field.to_ascii_lowercase().as_str()))
    }

    /// What people and policies ask of a distribution; the whole document stays in its file.
    pub(crate) fn summary(&self) -> Map<String, Value> {
        let mut kept = Map::new();
        for name in [
            "name",
            "version",
            "summary",
            "license",
            "license-expression",
            "author",
            "author-email",
            "maintainer",
            "maintainer-email",
            "home-page",
            "keywords",
            "requires-python",
        ] {
            if let Some(value) = self.first(name).filter(|value| !value.is_empty() && *value != "UNKNOWN") {
                kept.insert(name.replace('-', "_"), value.into());
            }
        }
        for (name, key) in [
            ("classifier", "classifiers"),
            ("project-url", "project_urls"),
            ("requires-dist", "requires_dist"),
            ("provides-extra", "provides_extra"),
        ] {
            let values = self.all(name);
            if !values.is_empty() {
                kept.insert(key.into(), json!(values));
            }
        }
        kept
    }
}

/// A header's value on one line; metadata is UTF-8 (PEP 566) and never encoded as mail is.
fn text_of(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= VALUE { line } else { line.chars().take(VALUE / 4).collect() }
}

/// Reads the archive to its end and returns its core metadata.
///
/// # Errors
/// `Invalid` for a damaged or unsafe archive or one without metadata, `TooLarge` beyond a limit.
pub(crate) fn read(file: &FileName, bytes: &mut dyn ReadSeek) -> Result<CoreMetadata, Problem> {
    let walker = Bounds { document: DOCUMENT, ..Bounds::default() }.walker();
    let container = match file.kind {
        Kind::Wheel | Kind::SdistZip => Container::Zip,
        Kind::SdistTar | Kind::SdistOld => Container::Tar,
    };
    let mut found: Option<(String, Vec<u8>)> = None;
    let mut twice = None;
    walker
        .walk(bytes, container, |entry, body| -> Result<Flow, ArchiveError> {
            if is_metadata(file.kind, entry) {
                match &found {
                    Some(_) => twice = Some(entry.path.clone()),
                    None => found = Some((entry.path.clone(), read_small(body, walker.budget())?)),
                }
            }
            Ok(Flow::Continue)
        })
        .map_err(|error| unreadable(&format!("`{}`", file.text), "bad-archive", error))?;
    let Some((path, document)) = found else {
        let wanted = match file.kind {
            Kind::Wheel => "*.dist-info/METADATA",
            _ => "*/PKG-INFO",
        };
        return Err(Problem::invalid(UNCLEAR, format!("`{}` contains no {wanted}", file.text)));
    };
    if let Some(other) = twice {
        return Err(Problem::invalid(
            UNCLEAR,
            format!("`{}` contains both {} and {}", file.text, names::shown(&path), names::shown(&other)),
        ));
    }
    CoreMetadata::parse(document)
}

fn is_metadata(kind: Kind, entry: &EntryHead) -> bool {
    let Some((top, rest)) = entry.path.split_once('/') else { return false };
    entry.is_file()
        && match kind {
            Kind::Wheel => top.ends_with(".dist-info") && rest == "METADATA",
            Kind::SdistTar | Kind::SdistZip | Kind::SdistOld => rest == "PKG-INFO",
        }
}
