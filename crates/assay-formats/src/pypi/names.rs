//! Names, versions and file names of distributions: pure.

use assay_model::Problem;
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

/// At most a hundred characters of what a client sent.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(100).map(|c| if c.is_control() { '?' } else { c }).collect()
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
}

impl Kind {
    /// As the upload form calls it.
    pub(super) fn file_type(self) -> &'static str {
        match self {
            Self::Wheel => "bdist_wheel",
            Self::SdistTar | Self::SdistZip => "sdist",
        }
    }
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Wheel | Self::SdistZip => "application/zip",
            Self::SdistTar => "application/gzip",
        }
    }
}

impl FileName {
    /// # Errors
    /// `Invalid` when it is no file name of a wheel or sdist.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::invalid("bad-file-name", format!("`{}` {why}", shown(text)));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.+!".contains(&b);
        if text.is_empty() || text.len() > FILE_NAME || !text.bytes().all(plain) || text.starts_with('.') {
            return Err(wrong("is no file name of a distribution"));
        }
        let kind = if text.ends_with(".whl") {
            Kind::Wheel
        } else if text.ends_with(".tar.gz") {
            Kind::SdistTar
        } else if text.ends_with(".zip") {
            Kind::SdistZip
        } else {
            return Err(wrong("is neither a wheel (.whl) nor an sdist (.tar.gz, .zip)"));
        };
        let name = Self { text: text.to_owned(), kind };
        if kind == Kind::Wheel && !matches!(name.stem().split('-').count(), 5 | 6) {
            return Err(wrong("is no file name of a wheel: name-version(-build)-python-abi-platform.whl"));
        }
        Ok(name)
    }

    /// The part before the extension.
    pub(super) fn stem(&self) -> &str {
        let extension = match self.kind {
            Kind::Wheel => ".whl",
            Kind::SdistTar => ".tar.gz",
            Kind::SdistZip => ".zip",
        };
        self.text.strip_suffix(extension).unwrap_or(&self.text)
    }

    /// Whether it is the file name of this name (normalised) and version. Old sdists have dashes in either part, so
    /// every dash is tried.
    pub(super) fn belongs_to(&self, name: &str, version: &Version) -> bool {
        let fits = |n: &str, v: &str| {
            normalise(n).is_ok_and(|n| n == name) && Version::from_str(v).is_ok_and(|v| v == *version)
        };
        let stem = self.stem();
        match self.kind {
            Kind::Wheel => {
                let mut parts = stem.split('-');
                matches!((parts.next(), parts.next()), (Some(n), Some(v)) if fits(n, &v.replace('_', "-")))
            }
            Kind::SdistTar | Kind::SdistZip => {
                stem.match_indices('-').any(|(at, _)| fits(&stem[..at], &stem[at + 1..]))
            }
        }
    }
}
