//! Names, tags, digests and the addresses they form: pure.

pub(super) use crate::kit::text::shown;

use assay_model::{Digest, Problem};
use std::str::FromStr;

/// Longest name of an image, the repository apart; clients stop at 255 with their host.
const NAME: usize = 255;

/// What a path after the repository addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) name: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Manifest(Pointer),
    Blob(Digest),
    Uploads,
    Upload(String),
    Tags,
    Referrers(Digest),
}

/// How a manifest is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pointer {
    Tag(String),
    Digest(Digest),
}

impl Route {
    /// # Errors
    /// `NotFound` when the path addresses nothing, `Invalid` when a part of it breaks its rules.
    pub(super) fn parse(encoded: &str) -> Result<Self, Problem> {
        let path = crate::kit::path::decode(encoded)?;
        let segments: Vec<&str> = path.split('/').collect();
        // Read from the end: a name may contain any of the words.
        let (name, what) = match segments.as_slice() {
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => (name, What::Uploads),
            [name @ .., "blobs", "uploads", session] => (name, What::Upload(session_id(session)?)),
            [name @ .., "tags", "list"] => (name, What::Tags),
            [name @ .., "manifests", pointer] => (name, What::Manifest(Pointer::parse(pointer)?)),
            [name @ .., "blobs", hex] => (name, What::Blob(digest(hex)?)),
            [name @ .., "referrers", hex] => (name, What::Referrers(digest(hex)?)),
            _ => return Err(Problem::not_found("there is nothing at this address; images are <repository>/<image>")),
        };
        let name = name.join("/");
        if name.is_empty() {
            return Err(Problem::invalid(
                "name-invalid",
                "an image needs a name of its own below the repository: use <repository>/<image>",
            ));
        }
        check_name(&name)?;
        Ok(Self { name, what })
    }
}

impl Pointer {
    fn parse(text: &str) -> Result<Self, Problem> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        check_tag(text)?;
        Ok(Self::Tag(text.to_owned()))
    }
}

/// The tag rule of the distribution specification.
///
/// # Errors
/// `Invalid` with code `tag-invalid`.
pub(super) fn check_tag(text: &str) -> Result<(), Problem> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let fits = (1..=128).contains(&text.len())
        && text.bytes().all(inside)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits {
        return Ok(());
    }
    Err(Problem::invalid(
        "tag-invalid",
        format!(
            "`{}` is neither a digest nor a tag: letters, digits, `_`, `.` and `-`, at most 128, not beginning \
                 with `.` or `-`",
            shown(text)
        ),
    ))
}

/// The name rule of the distribution specification.
///
/// # Errors
/// `Invalid` with code `name-invalid`.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if name.len() <= NAME && name.split('/').all(component) {
        return Ok(());
    }
    Err(Problem::invalid(
        "name-invalid",
        format!(
            "`{}` is no valid image name: lower-case letters and digits, separated by `.`, `_`, `__` or dashes, in parts \
             divided by `/`, at most {NAME} bytes",
            shown(name)
        ),
    ))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn component(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut rest = text.as_bytes();
    loop {
        let letters = rest.iter().take_while(|b| word(**b)).count();
        let Some(after) = rest.get(letters..) else { return false };
        if letters == 0 {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        let separator = after.iter().take_while(|b| !word(**b)).count();
        let fits = match after.get(..separator) {
            Some(b"." | b"_" | b"__") => true,
            Some(dashes) => dashes.iter().all(|b| *b == b'-'),
            None => false,
        };
        let Some(next) = after.get(separator..) else { return false };
        if !fits {
            return false;
        }
        rest = next;
    }
}

/// A digest that content is addressed by: `sha256` or `sha512`.
///
/// # Errors
/// `Invalid` with code `digest-invalid`.
pub(super) fn digest(text: &str) -> Result<Digest, Problem> {
    Digest::from_str(text).map_err(|problem| Problem::invalid("digest-invalid", problem.message.clone()))
}

/// Whether content is stored by this digest; others stand beside it.
pub(super) fn is_own(digest: &Digest) -> bool {
    digest.algorithm() == "sha256"
}

fn session_id(text: &str) -> Result<String, Problem> {
    if text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Ok(text.to_owned());
    }
    Err(Problem::new(assay_model::Kind::NotFound, "blob-upload-unknown", "there is no such upload"))
}
