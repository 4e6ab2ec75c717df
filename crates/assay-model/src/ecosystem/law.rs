//! What holds in an ecosystem, and how to find it by the names that people and tools use.
//!
//! The ecosystems themselves are lines of `table.rs`; the rules for versions are in the schemes' files.

use super::Scheme;
use super::table::{ALIASES, LAWS, WRAPPERS};
use std::borrow::Cow;

/// How names are made comparable. Two names of one package are equal after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// Names are compared as they are.
    Exact,
    /// Case does not matter.
    Lower,
    /// PEP 503: case does not matter, runs of `-`, `_` and `.` are one `-`.
    Pep503,
    /// Case does not matter, `_` and `-` are the same letter.
    Cargo,
    /// A repository address: case, scheme, a trailing `.git` and slashes do not matter.
    Repository,
}

/// Which name and version of an installed package the advisories of a distribution speak of, where they do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// The package as it is installed.
    Binary,
    /// The source package that it was built from.
    Source,
    /// The name of the source package, but the version of what was built.
    SourceName,
}

/// What holds in one ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// OSV's name without suffix, for example `Debian` of `Debian:12`.
    pub osv: &'static str,
    /// The type of its package URLs; empty when it has none.
    pub purl_type: &'static str,
    /// The namespace of its package URLs, for distributions that share a type.
    pub purl_namespace: Option<&'static str>,
    pub scheme: Scheme,
    pub names: NameRule,
    /// What advisories are looked up by.
    pub keys: Keys,
}

impl Law {
    /// The spelling under which a name is stored and looked up.
    pub fn normalize_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.names {
            NameRule::Exact => Cow::Borrowed(name),
            NameRule::Lower => lower(name),
            NameRule::Pep503 => pep503(name),
            NameRule::Cargo => match lower(name) {
                same if !same.contains('_') => same,
                other => Cow::Owned(other.replace('_', "-")),
            },
            NameRule::Repository => repository(name),
        }
    }

    /// True for operating-system distributions, whose package URLs carry the distribution as namespace.
    pub fn is_distribution(&self) -> bool {
        self.purl_namespace.is_some()
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_uppercase) { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) }
}

fn pep503(name: &str) -> Cow<'_, str> {
    let is_separator = |b: u8| matches!(b, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let double_dash = bytes.windows(2).any(|pair| is_separator(pair[0]) && is_separator(pair[1]));
    let other = |b: &u8| matches!(b, b'_' | b'.') || b.is_ascii_uppercase();
    if !double_dash && !bytes.iter().any(other) {
        return Cow::Borrowed(name);
    }
    let mut spelled = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !spelled.ends_with('-') {
                spelled.push('-');
            }
        } else {
            spelled.push(c.to_ascii_lowercase());
        }
    }
    Cow::Owned(spelled)
}

fn repository(name: &str) -> Cow<'_, str> {
    let bare = name.split_once("://").map_or(name, |(_, rest)| rest);
    let bare = bare.trim_end_matches('/');
    lower(bare.strip_suffix(".git").unwrap_or(bare))
}

/// All ecosystems.
pub fn laws() -> &'static [Law] {
    LAWS
}

/// The law of an ecosystem by OSV's exact name, with or without suffix (`Ubuntu:22.04:LTS`).
pub fn of(ecosystem: &str) -> Option<&'static Law> {
    let (base, suffix) = match ecosystem.split_once(':') {
        Some((base, suffix)) => (base, Some(suffix)),
        None => (ecosystem, None),
    };
    let exact = |name: &str| LAWS.iter().find(|law| law.osv == name);
    // One level only: a wrapper inside a wrapper has no meaning.
    let inner = || exact(suffix?.split(':').next()?);
    if let Some(law) = exact(ecosystem) {
        return Some(law);
    }
    if WRAPPERS.contains(&base) {
        return inner().or_else(|| exact(base));
    }
    exact(base)
}

/// The law of a package-URL type that is one language's. Types that distributions share (`deb`, `apk`,
/// `rpm`) have none, as their law depends on the namespace.
pub fn of_purl_type(purl_type: &str) -> Option<&'static Law> {
    let named = |law: &&Law| !law.purl_type.is_empty() && law.purl_type == purl_type;
    LAWS.iter().filter(|law| !law.is_distribution()).find(named)
}

/// The law of a package URL: by type for languages, by type and namespace for distributions.
pub fn of_purl(purl_type: &str, namespace: Option<&str>) -> Option<&'static Law> {
    let namespace = namespace.unwrap_or_default();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == namespace).map(|(_, osv)| *osv);
    let named = |law: &&Law| law.purl_namespace == Some(namespace) || alias == Some(law.osv);
    let distribution = LAWS.iter().filter(|law| law.is_distribution() && law.purl_type == purl_type).find(named);
    distribution.or_else(|| of_purl_type(purl_type))
}

/// The law under any name that a person may type, in any case: OSV's, a package-URL type or an alias.
pub fn of_any_name(name: &str) -> Option<&'static Law> {
    let base = name.split(':').next().unwrap_or(name);
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(base));
    of(name)
        .or_else(|| LAWS.iter().find(|law| law.osv.eq_ignore_ascii_case(base)))
        .or_else(|| alias.and_then(|(_, osv)| of(osv)))
        .or_else(|| of_purl_type(&base.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_do_not_matter() {
        for name in
            ["Alpine:v3.10", "Debian:12", "Ubuntu:22.04:LTS", "Rocky Linux:9", "Red Hat:enterprise_linux:9::baseos"]
        {
            assert!(of(name).is_some(), "{name}");
        }
        assert!(of("Nowhere:1").is_none());
        assert_eq!(of("Root:Alpine:3.18").map(|law| law.scheme), Some(Scheme::Alpine));
        assert!(of("Root").is_none());
        assert_eq!(of("Echo:PyPI").map(|law| law.scheme), Some(Scheme::Pep440));
        assert_eq!(of("Echo:npm").map(|law| law.scheme), Some(Scheme::Pub));
        assert_eq!(of("Echo").map(|law| law.scheme), Some(Scheme::Debian));
    }

    #[test]
    fn every_alias_leads_somewhere_and_no_name_is_twice() {
        for (alias, osv) in ALIASES {
            assert!(of(osv).is_some(), "{alias}");
        }
        for (i, law) in LAWS.iter().enumerate() {
            assert!(LAWS[i + 1..].iter().all(|other| other.osv != law.osv), "{}", law.osv);
        }
    }

    #[test]
    fn names_are_spelled_one_way() {
        let spell = |osv: &str, name: &str| of(osv).map(|law| law.normalize_name(name).into_owned());
        assert_eq!(spell("PyPI", "Django_REST..framework"), Some("django-rest-framework".into()));
        assert_eq!(spell("PyPI", "already-fine"), Some("already-fine".into()));
        assert_eq!(spell("npm", "@Scope/Name"), Some("@Scope/Name".into()));
        assert_eq!(spell("NuGet", "Newtonsoft.Json"), Some("newtonsoft.json".into()));
        assert_eq!(spell("crates.io", "Serde_JSON"), Some("serde-json".into()));
        assert_eq!(spell("SwiftURL", "https://example.org/A/B.git"), Some("example.org/a/b".into()));
    }

    #[test]
    fn shared_package_url_types_have_no_single_law() {
        assert!(of_purl_type("deb").is_none());
        assert!(of_purl_type("").is_none());
        assert_eq!(of_purl_type("gem").map(|law| law.osv), Some("RubyGems"));
        assert_eq!(of_purl("deb", Some("ubuntu")).map(|law| law.osv), Some("Ubuntu"));
        assert_eq!(of_purl("rpm", Some("rocky")).map(|law| law.osv), Some("Rocky Linux"));
        assert_eq!(of_purl("maven", Some("debian")).map(|law| law.osv), Some("Maven"));
        assert!(of_purl("rpm", Some("nobody")).is_none());
    }
}
