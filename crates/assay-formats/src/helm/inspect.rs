//! What a chart says of itself: Chart.yaml read from the archive, made into a claim. Pure over bytes.

use super::{
    names::{self, file_name, shown},
    yaml::{self, Bounds},
};
use crate::kit::archive;
use assay_archive::{ArchiveError, Flow, Kind as Container, read_small};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    seam::{
        ReadSeek,
        format::{Claim, Staged},
    },
};
use serde_json::{Map, Value};
use std::io::SeekFrom;

/// Largest chart, packed and unpacked, in bytes: Helm unpacks no more.
pub(super) const CHART: u64 = 100 << 20;

/// Largest Chart.yaml.
const DOCUMENT: u64 = 1 << 20;

/// Entries of one chart.
const ENTRIES: u64 = 100_000;

/// A chart by its Chart.yaml.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    pub(super) name: String,
    pub(super) version: String,
    /// All fields.
    pub(super) metadata: Value,
}

/// Reads the archive to its end and returns its Chart.yaml.
///
/// # Errors
/// `Invalid` for a damaged or unsafe archive or one without a sound Chart.yaml, `TooLarge` beyond a limit.
pub(super) fn read(bytes: &mut dyn ReadSeek) -> Result<Chart, Problem> {
    let mut magic = [0; 2];
    let gzip = bytes.seek(SeekFrom::Start(0)).and_then(|_| bytes.read_exact(&mut magic)).is_ok();
    if !gzip || magic != [0x1f, 0x8b] {
        return Err(Problem::invalid("bad-chart", "this is not a chart: expected a .tgz as `helm package` makes it"));
    }
    let walker =
        archive::Bounds { entries: ENTRIES, total: CHART, document: DOCUMENT, ..archive::Bounds::default() }.walker();
    let (mut found, mut tops) = (None, Vec::new());
    let walked = walker.walk(bytes, Container::Tar, |entry, body| -> Result<Flow, ArchiveError> {
        if entry.is_file()
            && let Some((top, "Chart.yaml")) = entry.path.split_once('/')
        {
            tops.push(top.to_owned());
            found = Some(read_small(body, walker.budget())?);
        }
        Ok(Flow::Continue)
    });
    walked.map_err(|error| archive::unreadable("the chart", "bad-chart", error))?;
    let document = found.ok_or_else(|| Problem::invalid("bad-chart", "the archive contains no <chart>/Chart.yaml"))?;
    if tops.len() > 1 {
        let tops = shown(&tops.join(", "));
        return Err(Problem::invalid("bad-chart", format!("the archive contains more than one Chart.yaml: {tops}")));
    }
    let text = String::from_utf8(document).map_err(|_| Problem::invalid("bad-chart", "Chart.yaml is not UTF-8"))?;
    parse(&text)
}

/// # Errors
/// `Invalid` with the rule that Chart.yaml breaks.
pub(super) fn parse(text: &str) -> Result<Chart, Problem> {
    let wrong = |why: &str| Problem::invalid("bad-chart", format!("Chart.yaml {why}"));
    let bounds = Bounds { nodes: 20_000, bytes: DOCUMENT as usize };
    let mut fields: Map<String, Value> =
        yaml::read(text, bounds).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let [name, version, api] = ["name", "version", "apiVersion"].map(|field| text_of(fields.get(field)));
    if api.is_none() {
        return Err(wrong("has no apiVersion"));
    }
    let name = name.ok_or_else(|| wrong("has no name"))?;
    let version = version.ok_or_else(|| wrong("has no version"))?;
    names::check_name(&name)?;
    names::check_version(&version)?;
    if !matches!(fields.get("type").and_then(Value::as_str), None | Some("" | "application" | "library")) {
        return Err(wrong("has a type that is neither application nor library"));
    }
    fields.insert("name".to_owned(), name.as_str().into());
    fields.insert("version".to_owned(), version.as_str().into());
    if let Some(app) = text_of(fields.get("appVersion")) {
        fields.insert("appVersion".to_owned(), app.into());
    }
    Ok(Chart { name, version, metadata: Value::Object(fields) })
}

/// A text, also where somebody forgot the quotes around a number.
pub(super) fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The claim of a chart with the files that came for it.
pub(super) fn claim(chart: &Chart, files: Vec<NewFile>) -> Claim {
    Claim {
        name: chart.name.clone(),
        version: chart.version.clone(),
        metadata: chart.metadata.clone(),
        files,
        references: Vec::new(),
        published_at: None,
        replaces_others: false,
        replaces_files: false,
    }
}

/// The file of a chart, or of its signature.
pub(super) fn new_file(chart: &Chart, staged: Staged, signature: bool) -> NewFile {
    let (ending, media_type, role) = match signature {
        true => (names::PROVENANCE, "application/pgp-signature", None),
        false => ("", "application/gzip", Some(Role::File)),
    };
    NewFile {
        path: format!("{}{ending}", file_name(&chart.name, &chart.version)),
        digest: staged.digest,
        size: staged.size,
        media_type: media_type.to_owned(),
        role,
        hashes: staged.hashes,
        metadata: Value::Null,
    }
}
