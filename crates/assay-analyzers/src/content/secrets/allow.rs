//! What is not looked at, and which matches are not believed.

use std::collections::BTreeSet;

use assay_model::problem::Problem;
use regex::bytes::{Regex, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::rule::compile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowFile {
    allow: Vec<Written>,
    skip: Skip,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// For people: what it spares.
    #[serde(rename = "id")]
    _id: String,
    path: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    names: BTreeSet<String>,
    folders: BTreeSet<String>,
    extensions: BTreeSet<String>,
}

pub(super) struct Allow {
    paths: RegexSet,
    texts: Vec<Regex>,
    skip: Skip,
}

impl Allow {
    pub(super) fn new(file: AllowFile) -> Result<Self, Problem> {
        let unreadable = |error| Problem::internal("a rule of what is no secret cannot be read", error);
        let paths: Vec<&String> = file.allow.iter().filter_map(|rule| rule.path.as_ref()).collect();
        let paths = RegexSetBuilder::new(paths).unicode(false).build().map_err(unreadable)?;
        let texts = file.allow.iter().filter_map(|rule| rule.text.as_ref()).map(|text| compile(text));
        Ok(Self { paths, texts: texts.collect::<Result<_, _>>().map_err(unreadable)?, skip: file.skip })
    }

    pub(super) fn wants(&self, path: &str) -> bool {
        let mut parts = path.rsplit('/');
        let name = parts.next().unwrap_or(path);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        !self.skip.names.contains(name)
            && !extension.is_some_and(|extension| self.skip.extensions.contains(&extension))
            && !parts.any(|folder| self.skip.folders.contains(folder))
            && !self.paths.is_match(path.as_bytes())
    }

    pub(super) fn believes(&self, matched: &[u8]) -> bool {
        !self.texts.iter().any(|allowed| allowed.is_match(matched))
    }
}

/// What people write where a secret goes: `${TOKEN}`, `<your key>`, `xxxx`, `changeme`.
pub(super) fn is_placeholder(secret: &[u8]) -> bool {
    let lower = secret.to_ascii_lowercase();
    let has = |part: &[u8]| lower.windows(part.len()).any(|window| window == part);
    const WORDS: [&[u8]; 12] = [
        b"${",
        b"{{",
        b"}}",
        b"<",
        b"xxxx",
        b"****",
        b"changeme",
        b"placeholder",
        b"your_",
        b"your-",
        b"abcdefghijkl",
        b"dummy",
    ];
    WORDS.iter().any(|word| has(word))
}

/// Shannon's entropy, in bits per byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Letters and digits, two of each at least: words and numbers are no keys.
pub(super) fn is_mixed(bytes: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    count(u8::is_ascii_digit) >= 2 && count(u8::is_ascii_alphabetic) >= 2
}
