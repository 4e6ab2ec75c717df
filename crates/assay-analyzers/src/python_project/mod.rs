//! What lock files and manifests of Python's package managers share: requirements, ranges, `pyproject.toml`, digests.

pub(crate) mod pyproject;
pub(crate) mod range;
pub(crate) mod requirement;

use assay_model::problem::Problem;
use serde::de::DeserializeOwned;

use crate::part::{LIMIT, corrupt};

pub(crate) use crate::python::normal;

pub(crate) const OSV: &str = "PyPI";

/// How many versions of one package are looked through where a file has several; forks for platforms are a handful.
pub(crate) const VERSIONS: usize = 16;

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{only_digest, toml};

    #[test]
    fn bounds() {
        let deep = format!("a = {}", "[".repeat(1_000_000));
        assert_eq!(toml::<::toml::Table>(&deep).unwrap_err().code, "corrupt");
        let long = format!("a = '{}'", "x".repeat(super::TOML_BYTES));
        assert_eq!(toml::<::toml::Table>(&long).unwrap_err().code, "limit");
    }

    #[test]
    fn one_hash_or_none() {
        let hash = format!("sha256:{}", "0A".repeat(32));
        assert_eq!(only_digest([hash.as_str()].into_iter()), Some(hash.to_ascii_lowercase()));
        assert_eq!(only_digest([hash.as_str(), hash.as_str()].into_iter()), None);
        assert_eq!(only_digest(["sha256:01"].into_iter()), None);
    }
}
