//! What a distribution says of itself: core metadata read from the archive, compared with the form, made into a claim.
//! Pure over bytes.

use super::names::{self, FileName, Kind};
use assay_archive::{ArchiveError, EntryHead, Flow, Kind as Container, Limits, Walker, read_small};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    problem::Kind as ProblemKind,
    seam::{
        ReadSeek,
        format::{Claim, Staged},
    },
    view::PackageView,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Largest METADATA or PKG-INFO: descriptions are long, but not longer than this.
const DOCUMENT: u64 = 4 << 20;

/// Wall time for reading one upload's metadata.
const TIME: Duration = Duration::from_secs(120);

/// Values kept of one header that can be repeated, and bytes of each.
const VALUES: usize = 1000;
const VALUE: usize = 4096;

/// Core metadata: the document as it is, and its headers.
#[derive(Debug)]
pub(super) struct CoreMetadata {
    pub(super) document: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl CoreMetadata {
    /// # Errors
    /// `Invalid` when the document has no headers.
    pub(super) fn parse(document: Vec<u8>) -> Result<Self, Problem> {
        let (parsed, _) = mailparse::parse_headers(&document)
            .map_err(|error| Problem::invalid("bad-metadata", format!("the metadata cannot be read: {error}")))?;
        let headers = parsed
            .iter()
            .map(|header| (header.get_key().to_ascii_lowercase(), text_of(header.get_value_raw())))
            .collect();
        Ok(Self { document, headers })
    }
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).take(VALUES).collect()
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
pub(super) fn read(file: &FileName, bytes: &mut dyn ReadSeek) -> Result<CoreMetadata, Problem> {
    let limits = Limits::configured();
    let (document, time) = (limits.metadata_bytes.min(DOCUMENT), limits.deadline.min(TIME));
    let walker = Walker::new(limits.with_metadata_bytes(document).with_deadline(time));
    let container = match file.kind {
        Kind::Wheel | Kind::SdistZip => Container::Zip,
        Kind::SdistTar => Container::Tar,
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
        .map_err(|error| unreadable(file, error))?;
    let Some((path, document)) = found else {
        let wanted = match file.kind {
            Kind::Wheel => "*.dist-info/METADATA",
            _ => "*/PKG-INFO",
        };
        return Err(Problem::invalid("bad-metadata", format!("`{}` contains no {wanted}", file.text)));
    };
    if let Some(other) = twice {
        return Err(Problem::invalid(
            "bad-metadata",
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
            Kind::SdistTar | Kind::SdistZip => rest == "PKG-INFO",
        }
}

fn unreadable(file: &FileName, error: ArchiveError) -> Problem {
    let message = format!("`{}` cannot be read: {error}", file.text);
    let (kind, code) = match &error {
        ArchiveError::Limit { .. } => (ProblemKind::TooLarge, "archive-limit"),
        ArchiveError::Io(..) => (ProblemKind::Internal, "unreadable"),
        _ => (ProblemKind::Invalid, "bad-archive"),
    };
    Problem::new(kind, code, message).caused_by(error)
}

/// What the form says of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) file_type: String,
    pub(super) python: String,
    pub(super) md5: Option<String>,
    pub(super) sha256: Option<String>,
}

/// A distribution whose form, file name and metadata agree.
#[derive(Debug)]
pub(super) struct Distribution {
    /// Normalised.
    pub(super) name: String,
    version: pep440_rs::Version,
    file: FileName,
    python: String,
    metadata: CoreMetadata,
}

impl Distribution {
    /// # Errors
    /// `Invalid`, naming the two that disagree.
    pub(super) fn agree(form: &Form, file: FileName, metadata: CoreMetadata) -> Result<Self, Problem> {
        let name = names::normalise(&form.name)?;
        let version = names::version(&form.version)?;
        let differ = |what: &str, inside: &str, said: &str| {
            Problem::invalid(
                "metadata-mismatch",
                format!(
                    "the {what} in the metadata of `{}` is `{}` and the upload says `{}`",
                    file.text,
                    names::shown(inside),
                    names::shown(said)
                ),
            )
        };
        let inside = metadata.first("name").unwrap_or_default();
        if names::normalise(inside).ok().as_deref() != Some(name.as_str()) {
            return Err(differ("name", inside, &form.name));
        }
        let inside = metadata.first("version").unwrap_or_default();
        if names::version(inside).ok().as_ref() != Some(&version) {
            return Err(differ("version", inside, &form.version));
        }
        if !file.belongs_to(&name, &version) {
            return Err(Problem::invalid(
                "metadata-mismatch",
                format!("the file name `{}` is not one of {} {}", file.text, form.name, form.version),
            ));
        }
        if !form.file_type.is_empty() && form.file_type != file.kind.file_type() {
            return Err(differ("filetype by the file's name", file.kind.file_type(), &form.file_type));
        }
        let python = form.python.chars().take(40).collect();
        Ok(Self { name, version, file, python, metadata })
    }

    /// The same, with its version written as in the package that is there already: `1.0` and `1.0.0` are one version.
    pub(super) fn spelled_as(mut self, view: Option<&PackageView>) -> Self {
        let known = view.into_iter().flat_map(|view| &view.versions).map(|version| &version.package.at.version);
        if let Some(same) = known.filter_map(|text| names::version(text).ok()).find(|known| *known == self.version) {
            self.version = same;
        }
        self
    }

    /// The metadata document, where it is served apart: that of wheels (PEP 658).
    pub(super) fn document(&self) -> Option<&[u8]> {
        (self.file.kind == Kind::Wheel).then_some(&self.metadata.document)
    }

    pub(super) fn claim(self, staged: Staged, document: Option<Staged>) -> Claim {
        let mut files = vec![NewFile {
            path: self.file.text.clone(),
            digest: staged.digest,
            size: staged.size,
            media_type: self.file.kind.media_type().to_owned(),
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: self.file_metadata(),
        }];
        if let Some(document) = document {
            files.push(NewFile {
                path: metadata_path(&self.file.text),
                digest: document.digest,
                size: document.size,
                media_type: "text/plain; charset=utf-8".to_owned(),
                role: None,
                hashes: document.hashes,
                metadata: Value::Null,
            });
        }
        Claim {
            version: self.version.to_string(),
            metadata: self.package_metadata(),
            name: self.name,
            files,
            references: Vec::new(),
            published_at: None,
            replaces_others: false,
        }
    }

    fn file_metadata(&self) -> Value {
        let mut kept = Map::new();
        kept.insert("filetype".into(), self.file.kind.file_type().into());
        if !self.python.is_empty() {
            kept.insert("python_version".into(), self.python.clone().into());
        }
        if let Some(range) = self.metadata.first("requires-python") {
            kept.insert("requires_python".into(), range.into());
        }
        Value::Object(kept)
    }

    /// What people and policies ask of a distribution; the whole document stays in its file.
    fn package_metadata(&self) -> Value {
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
            if let Some(value) = self.metadata.first(name).filter(|value| !value.is_empty() && *value != "UNKNOWN") {
                kept.insert(name.replace('-', "_"), value.into());
            }
        }
        for (name, key) in [
            ("classifier", "classifiers"),
            ("project-url", "project_urls"),
            ("requires-dist", "requires_dist"),
            ("provides-extra", "provides_extra"),
        ] {
            let values = self.metadata.all(name);
            if !values.is_empty() {
                kept.insert(key.into(), json!(values));
            }
        }
        Value::Object(kept)
    }
}

/// Where a file's metadata document is served (PEP 658).
pub(super) fn metadata_path(file: &str) -> String {
    format!("{file}.metadata")
}
