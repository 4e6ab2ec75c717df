//! What lock files and manifests of Python's package managers share: requirements, ranges, `pyproject.toml`, digests.

pub(crate) mod pyproject;
pub(crate) mod range;
pub(crate) mod requirement;

use assay_model::problem::Problem;
use serde::de::DeserializeOwned;

use crate::part::{LIMIT, corrupt};

pub(crate) use crate::python::normal;

pub(crate) const OSV: &str = "PyPI";

/// Above this a file is not read as TOML, which costs many times its size in memory.
const TOML_BYTES: usize = 16 << 20;

/// A lock file written in TOML.
///
/// # Errors
/// `corrupt` when it is no TOML or of another form, `limit` when it is very large.
pub(crate) fn toml<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    if text.len() > TOML_BYTES {
        return Err(Problem::invalid(LIMIT, format!("it is larger than {} MiB", TOML_BYTES >> 20)));
    }
    toml::from_str(text).map_err(|error| corrupt(format!("it is not such TOML: {}", error.message())))
}

/// `algorithm:hex` of the only hash that a file states for a package; with several it is not known which one is meant.
pub(crate) fn only_digest<'a>(mut hashes: impl Iterator<Item = &'a str>) -> Option<String> {
    let hash = hashes.next()?;
    let (algorithm, hex) = hash.split_once(':')?;
    let length = match algorithm {
        "md5" => 32,
        "sha1" => 40,
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return None,
    };
    let sane = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (sane && hashes.next().is_none()).then(|| hash.to_ascii_lowercase())
}
