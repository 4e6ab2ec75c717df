//! Names, versions and file names of distributions: pure.

pub(super) use crate::kit::text::shown;

use assay_model::{
    Problem,
    view::{PackageView, VersionView},
};
use pep440_rs::Version;
use std::str::FromStr;

/// Longest name, version and file name, in bytes.
const NAME: usize = 128;
const VERSION: usize = 128;
const FILE_NAME: usize = 255;

/// The name as it is compared (PEP 503): lower case, runs of `-`, `_` and `.` are one `-`.
///
/// # Errors
/// `Invalid` when it is no name by the core metadata specification.
pub(super) fn normalise(name: &str) -> Result<String, Problem> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = name.len() <= NAME && name.chars().all(inside) && edge(name.chars().next()) && edge(name.chars().last());
    if !fits {
        return Err(Problem::invalid(
            "bad-name",
            format!(
                "`{}` is not a valid project name: letters, digits, `-`, `_` and `.`, beginning and ending with a \
                 letter or digit, at most {NAME} bytes",
                shown(name)
            ),
        ));
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    Ok(out)
}

/// A version (PEP 440); its `Display` is the canonical form.
///
/// # Errors
/// `Invalid` when it is none.
pub(super) fn version(text: &str) -> Result<Version, Problem> {
    let parsed = if text.len() <= VERSION { Version::from_str(text).ok() } else { None };
    parsed.ok_or_else(|| Problem::invalid("bad-version", format!("`{}` is not a version by PEP 440", shown(text))))
}

/// The version of a project that equals this one by PEP 440, and how it is written there.
pub(super) fn find<'v>(view: &'v PackageView, wanted: &Version) -> Option<(&'v VersionView, Version)> {
    view.versions.iter().find_map(|found| {
        let spelling = version(&found.package.at.version).ok().filter(|version| version == wanted)?;
        Some((found, spelling))
    })
}

/// A distribution's file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) text: String,
    pub(super) kind: Kind,
}

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Wheel,
    SdistTar,
    SdistZip,
    /// As `SdistTar`, by a name that publishers may no longer use (PEP 527): only upstreams still have them.
    SdistOld,
}

/// Ends of file names. The compression of a tar is told by its first bytes, not by these.
const ENDS: [(&str, Kind); 7] = [
    (".whl", Kind::Wheel),
    (".tar.gz", Kind::SdistTar),
    (".zip", Kind::SdistZip),
    (".tgz", Kind::SdistOld),
    (".tar.bz2", Kind::SdistOld),
    (".tar.xz", Kind::SdistOld),
    (".tar", Kind::SdistOld),
];

impl Kind {
    /// As the upload form calls it.
    pub(super) fn file_type(self) -> &'static str {
        match self {
            Self::Wheel => "bdist_wheel",
            Self::SdistTar | Self::SdistZip | Self::SdistOld => "sdist",
        }
    }
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Wheel | Self::SdistZip => "application/zip",
            Self::SdistTar => "application/gzip",
            Self::SdistOld => "application/octet-stream",
        }
    }
}

impl FileName {
    /// The name of a file that may be uploaded.
    ///
    /// # Errors
    /// `Invalid` when it is no file name of a wheel or sdist.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::invalid("bad-file-name", format!("`{}` {why}", shown(text)));
        let name = match Self::listed(text) {
            Some(name) if name.kind != Kind::SdistOld => name,
            _ if !plain(text) => return Err(wrong("is no file name of a distribution")),
            _ => return Err(wrong("is neither a wheel (.whl) nor an sdist (.tar.gz, .zip)")),
        };
        if name.kind == Kind::Wheel && !matches!(name.stem().split('-').count(), 5 | 6) {
            return Err(wrong("is no file name of a wheel: name-version(-build)-python-abi-platform.whl"));
        }
        Ok(name)
    }

    /// The name of a file that an index lists, where it is understood: also of those that cannot be uploaded any more.
    pub(super) fn listed(text: &str) -> Option<Self> {
        let end = |(end, kind): &(&str, Kind)| text.ends_with(end).then_some(*kind);
        let kind = ENDS.iter().find_map(end).filter(|_| plain(text))?;
        Some(Self { text: text.to_owned(), kind })
    }

    /// The part before the extension.
    pub(super) fn stem(&self) -> &str {
        let without = |(end, kind): &(&str, Kind)| self.text.strip_suffix(end).filter(|_| *kind == self.kind);
        ENDS.iter().find_map(without).unwrap_or(&self.text)
    }

    /// The version that the name says, of a file of this project (normalised).
    pub(super) fn version_of(&self, project: &str) -> Option<Version> {
        let parse = |text: &str| version(text).ok();
        let stem = self.stem();
        let is = |name: &str| normalise(name).is_ok_and(|name| name == project);
        if self.kind == Kind::Wheel {
            let mut parts = stem.split('-');
            let (name, version) = (parts.next()?, parts.next()?);
            return parse(&version.replace('_', "-")).filter(|_| is(name));
        }
        // Old sdists have dashes in either part, so every dash is tried.
        stem.match_indices('-').filter(|(at, _)| is(&stem[..*at])).find_map(|(at, _)| parse(&stem[at + 1..]))
    }

    /// Whether it is the file name of this name (normalised) and version.
    pub(super) fn belongs_to(&self, name: &str, version: &Version) -> bool {
        self.version_of(name).is_some_and(|found| found == *version)
    }
}

/// Characters that no file name of a distribution goes beyond.
fn plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.+!".contains(&b);
    !text.is_empty() && text.len() <= FILE_NAME && text.bytes().all(plain) && !text.starts_with('.')
}
