//! What a distribution says of itself: core metadata read from the archive, compared with the form, made into a claim.
//! Pure over bytes.

mod attest;
mod core;

pub(super) use attest::{FIELD as ATTESTATIONS, SIGNATURE};
pub(super) use core::{CoreMetadata, DOCUMENT, UNCLEAR, read};

use super::{
    kept,
    names::{self, FileName, Kind},
};
use assay_model::{
    Digest, Problem,
    package::{NewFile, Role},
    seam::format::{Claim, Staged},
    view::{PackageView, VersionView},
};
use serde_json::{Map, Value};

/// Media type of a provenance document (PEP 740 names none of its own; this is the custom).
pub(super) const PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json";

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
    pub(super) blake2: Option<String>,
    pub(super) attestations: Option<String>,
    pub(super) signature: Option<String>,
}

/// Something that is served beside a distribution: what is added to its name, its media type, its bytes.
pub(super) struct Beside {
    pub(super) end: &'static str,
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Beside {
    pub(super) fn metadata(document: Vec<u8>) -> Self {
        Self { end: kept::METADATA, media_type: "text/plain; charset=utf-8", bytes: document }
    }

    /// What the form brings besides the file.
    ///
    /// # Errors
    /// `Invalid` when an attestation is damaged or speaks of another file, or a signature is none.
    pub(super) fn of_form(form: &Form, file: &FileName, digest: &Digest) -> Result<Vec<Self>, Problem> {
        let mut found = Vec::new();
        if let Some(text) = form.attestations.as_deref().filter(|text| !text.is_empty()) {
            let bytes = attest::provenance(text, file, digest)?;
            found.push(Self { end: kept::PROVENANCE, media_type: PROVENANCE, bytes });
        }
        if let Some(text) = form.signature.as_deref() {
            let bytes = attest::signature(text)?;
            found.push(Self { end: kept::SIGNATURE, media_type: "application/pgp-signature", bytes });
        }
        Ok(found)
    }

    pub(super) fn file(&self, of: &str, staged: Staged) -> NewFile {
        NewFile {
            path: format!("{of}{}", self.end),
            digest: staged.digest,
            size: staged.size,
            media_type: self.media_type.to_owned(),
            role: None,
            hashes: staged.hashes,
            metadata: Value::Null,
        }
    }
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
    pub(super) fn spelled_as<'v>(&mut self, view: Option<&'v PackageView>) -> Option<&'v VersionView> {
        let (found, spelling) = names::find(view?, &self.version)?;
        self.version = spelling;
        Some(found)
    }

    /// The metadata document, where it is served apart: that of wheels (PEP 658), and of sdists that promise it.
    pub(super) fn document(&self) -> Option<Beside> {
        let serves = self.file.kind == Kind::Wheel || self.metadata.is_static();
        serves.then(|| Beside::metadata(self.metadata.document.clone()))
    }

    /// `carried` is what the version keeps of before.
    pub(super) fn claim(self, staged: Staged, beside: Vec<NewFile>, carried: Map<String, Value>) -> Claim {
        let file = NewFile {
            path: self.file.text.clone(),
            digest: staged.digest,
            size: staged.size,
            media_type: self.file.kind.media_type().to_owned(),
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: self.file_metadata(),
        };
        let mut metadata = self.metadata.summary();
        metadata.extend(carried);
        Claim {
            version: self.version.to_string(),
            metadata: Value::Object(metadata),
            name: self.name,
            files: std::iter::once(file).chain(beside).collect(),
            references: Vec::new(),
            published_at: None,
            replaces_others: false,
            replaces_files: false,
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
}
