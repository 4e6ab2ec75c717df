//! Names, versions, tags and file names: parsed once, pure. Names keep their case; it tells old packages apart.

use crate::kit::path::encode_segment;
pub(super) use crate::kit::text::shown;
use assay_model::{Problem, ecosystem::Scheme};
use std::cmp::Ordering;

/// Longest name with its scope, in bytes.
const NAME: usize = 214;
const VERSION: usize = 256;
const TAG: usize = 100;

/// Names that stand for something else in a project.
const TAKEN: [&str; 2] = ["node_modules", "favicon.ico"];

/// The name of a package, `name` or `@scope/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// A name that a package can have, old ones included.
    ///
    /// # Errors
    /// `Invalid`, with what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Err(Problem::invalid("bad-name", format!("`{}` {why}", shown(text))));
        if text.len() > NAME {
            return wrong("is longer than the 214 bytes that a name may have");
        }
        let parts: Vec<&str> = match text.strip_prefix('@') {
            Some(scoped) => scoped.split('/').collect(),
            None => vec![text],
        };
        if text.starts_with('@') && parts.len() != 2 {
            return wrong("is no scoped name: @scope/name");
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&b);
        if parts.iter().any(|part| part.is_empty() || !part.bytes().all(plain)) {
            return wrong("is no package name: letters, digits, `-`, `_` and `.`, with a scope as @scope/name");
        }
        if parts.iter().any(|part| part.starts_with(['.', '_'])) {
            return wrong("begins with a `.` or `_`, which no package name may");
        }
        if TAKEN.iter().any(|taken| text.eq_ignore_ascii_case(taken)) {
            return wrong("cannot be the name of a package");
        }
        Ok(Self(text.to_owned()))
    }

    /// The same, by the rules for new packages.
    ///
    /// # Errors
    /// `Invalid`, with what is wrong.
    pub(super) fn publishable(&self) -> Result<(), Problem> {
        let wrong = |why: &str| Err(Problem::invalid("bad-name", format!("`{}` {why}", shown(&self.0))));
        if self.0.bytes().any(|b| b.is_ascii_uppercase()) {
            return wrong("has capital letters; names of new packages are in lower case");
        }
        if self.0.bytes().any(|b| b"~!'()*".contains(&b)) {
            return wrong("has one of ~ ! ' ( ) * in it, which new names may not");
        }
        Ok(())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the scope.
    pub(super) fn base(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, base)| base)
    }

    /// Path of the archive of a version.
    pub(super) fn archive(&self, version: &str) -> String {
        format!("{}-{version}.tgz", self.base())
    }

    /// Path of the attestations of a version.
    pub(super) fn attestations(&self, version: &str) -> String {
        format!("{}-{version}.attestations.json", self.base())
    }

    /// The version whose archive is attached under this name; clients put the scope before it or leave it out.
    pub(super) fn version_in<'a>(&self, attached: &'a str, extension: &str) -> Option<&'a str> {
        let stem = attached.strip_suffix(extension)?;
        let rest = stem.strip_prefix(&self.0).or_else(|| stem.strip_prefix(self.base()))?;
        rest.strip_prefix('-').filter(|version| !version.is_empty())
    }

    /// For a path: the slash of a scope stays.
    pub(super) fn encoded(&self) -> String {
        self.0.split('/').map(encode_segment).collect::<Vec<_>>().join("/")
    }
}

/// A version by Semantic Versioning 2.0.0, as it is.
///
/// # Errors
/// `Invalid` when it is none.
pub(super) fn version(text: &str) -> Result<&str, Problem> {
    if text.len() <= VERSION && is_semver(text) {
        return Ok(text);
    }
    Err(Problem::invalid("bad-version", format!("`{}` is not a version by Semantic Versioning: 1.2.3", shown(text))))
}

/// As manifests in old archives write it: with blanks, `v` or `=` before it, and build metadata, which says nothing.
pub(super) fn clean(text: &str) -> &str {
    let text = text.trim().trim_start_matches(['v', '=', ' ']);
    text.split_once('+').map_or(text, |(version, _)| version)
}

fn is_semver(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0')) && part.len() <= 16;
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// By precedence, then as text, so that lists are stable.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    Scheme::Npm.compare(a, b).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
}

/// Whether two versions are one to every client.
pub(super) fn same_precedence(a: &str, b: &str) -> bool {
    Scheme::Npm.compare(a, b).is_ok_and(Ordering::is_eq)
}

/// Whether it comes before a release.
pub(super) fn is_prerelease(version: &str) -> bool {
    version.split('+').next().unwrap_or_default().contains('-')
}

/// The name of a dist-tag: it may not look like a version or a range.
///
/// # Errors
/// `Invalid` when it cannot be one.
pub(super) fn tag(text: &str) -> Result<&str, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.+~".contains(&b);
    let bare = text.strip_prefix('v').unwrap_or(text);
    let ranged = bare.starts_with(|c: char| c.is_ascii_digit() || c == '~') || matches!(text, "x" | "X");
    if text.is_empty() || text.len() > TAG || !text.bytes().all(plain) || ranged {
        let message =
            format!("`{}` cannot be a dist-tag; a tag is a word that is no version and no range", shown(text));
        return Err(Problem::invalid("bad-tag", message));
    }
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_the_client() {
        for good in
            ["a", "some-package", "example.com", "under_score", "123numeric", "@npm/thingy", "@a/b.c", "JSONStream"]
        {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".start",
            "_start",
            "@s/",
            "@/n",
            "@s",
            "@s/n/m",
            "a/b",
            "a b",
            "s:n",
            "node_modules",
            "favicon.ico",
            "@s/.n",
            "ü",
        ] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
        assert!(Name::parse(&"a".repeat(215)).is_err() && Name::parse(&"a".repeat(214)).is_ok());
        for old in ["JSONStream", "crazy!", "@s/No"] {
            assert!(Name::parse(old).unwrap().publishable().is_err(), "{old}");
        }
    }

    #[test]
    fn versions_are_strict() {
        for good in ["0.0.0", "1.2.3", "1.0.0-alpha.1", "1.0.0-0a.b--c", "1.0.0+build.01", "1.0.0-rc.1+b"] {
            assert!(version(good).is_ok(), "{good}");
        }
        for bad in
            ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3.4", "latest"]
        {
            assert!(version(bad).is_err(), "{bad}");
        }
        assert_eq!((clean(" v1.2.3 "), clean("=1.2.3+x")), ("1.2.3", "1.2.3"));
        assert!(is_prerelease("1.0.0-a") && !is_prerelease("1.0.0+a-b"));
    }

    #[test]
    fn attached_archives_are_told_by_name() {
        let name = Name::parse("@scope/tiny").unwrap();
        assert_eq!(name.archive("1.0.0"), "tiny-1.0.0.tgz");
        for attached in ["@scope/tiny-1.0.0.tgz", "tiny-1.0.0.tgz"] {
            assert_eq!(name.version_in(attached, ".tgz"), Some("1.0.0"));
        }
        assert_eq!(name.version_in("other-1.0.0.tgz", ".tgz"), None);
    }

    #[test]
    fn tags_are_no_versions_and_no_ranges() {
        assert!(["latest", "next", "beta-1", "release.x", "vnext"].into_iter().all(|text| tag(text).is_ok()));
        assert!(["", "1.0.0", "v1", "^1", "*", "x", "~1", "a b", ">=2"].into_iter().all(|text| tag(text).is_err()));
    }
}
