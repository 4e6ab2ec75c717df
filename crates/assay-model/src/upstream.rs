//! An upstream: a remote registry of one format that a repository takes from, as an administrator configures it. How a
//! format asks it is in `seam/upstream.rs`; its password never leaves the store in the clear.

use crate::{problem::Problem, repository::RepositoryId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Row identity of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpstreamId(pub i64);

/// An upstream as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    /// Identity.
    pub id: UpstreamId,
    /// The repository that takes from it.
    #[serde(rename = "repository_id")]
    pub repository: RepositoryId,
    /// Id of the format that it speaks.
    pub format: String,
    /// Name, unique in the repository: 1 to 64 of `a-z0-9._-`.
    pub name: String,
    /// Asked in rising order; equal ones by name.
    pub priority: i32,
    /// What an administrator can change.
    pub settings: UpstreamSettings,
}

/// An upstream about to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUpstream {
    /// The repository that takes from it.
    pub repository: RepositoryId,
    /// Id of the format that it speaks.
    pub format: String,
    /// Name; see [`check_name`].
    pub name: String,
    /// Asked in rising order.
    pub priority: i32,
    /// What an administrator can change.
    pub settings: UpstreamSettings,
}

/// Checks the name of an upstream: 1 to 64 of `a-z0-9._-`, beginning and ending with a letter or digit.
///
/// # Errors
/// When the name breaks the rule.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let ok = bytes.len() <= 64
        && bytes.iter().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'))
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain);
    if ok {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(Problem::invalid(
        "bad-upstream-name",
        format!(
            "`{shown}` cannot name an upstream; use 1 to 64 of a-z 0-9 . _ - and begin and end with a letter or digit"
        ),
    ))
}

/// When what an upstream gives may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// After the decision; clients wait up to the repository's hold.
    #[default]
    Hold,
    /// At once, while it is hashed, stored and inspected; what is decided afterwards counts from then on.
    Open,
    /// The upstream is never asked: only what is here already.
    CachedOnly,
}

/// What an administrator can change about an upstream. Secrets are apart, see [`Secrets`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Address of the registry, as its clients are given it: `http` or `https`, no query.
    pub url: String,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// When what it gives may leave.
    pub mode: Mode,
    /// How far it is trusted, for policies: any word, `trusted` and `untrusted` by custom.
    pub trust: String,
    /// Names that are asked for: patterns with `*`; empty means all.
    pub include: Vec<String>,
    /// Names that are never asked for; they win.
    pub exclude: Vec<String>,
    /// Whether names that are published here may also be taken from it. Off: dependency confusion stays closed.
    pub shadow_local: bool,
    /// Whether its address may lie in a private network.
    pub allow_private: bool,
    /// Seconds for which an index is not asked for again.
    pub metadata_seconds: u32,
    /// Seconds until a silent connection is given up.
    pub timeout_seconds: u32,
    /// Certificate authorities that it is trusted by besides those of the system, PEM.
    pub ca_certificates: String,
    /// Versions that its index must be at least this many days old for; 0 takes all.
    pub cooldown_days: u32,
    /// Whether versions of unknown age are withheld by the cooldown.
    pub cooldown_unknown: bool,
    /// Names that the cooldown does not hold for: patterns with `*`.
    pub cooldown_exempt: Vec<String>,
    /// What is passed on from it as it is, beside packages: names of checksum databases, patterns with `*`.
    pub relays: Vec<String>,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            enabled: true,
            mode: Mode::Hold,
            trust: "trusted".to_owned(),
            include: Vec::new(),
            exclude: Vec::new(),
            shadow_local: false,
            allow_private: false,
            metadata_seconds: 600,
            timeout_seconds: 30,
            ca_certificates: String::new(),
            cooldown_days: 0,
            cooldown_unknown: false,
            cooldown_exempt: Vec::new(),
            relays: Vec::new(),
        }
    }
}

impl UpstreamSettings {
    /// Checks what can be checked without asking the upstream.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn check(&self) -> Result<(), Problem> {
        let wrong = |message: String| Err(Problem::invalid("bad-upstream", message));
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        let Some(rest) = rest else {
            return wrong(format!("`{}` is no address of an upstream; it begins with https:// or http://", self.url));
        };
        if rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', ' ']) {
            return wrong(format!("`{}` is no address of an upstream; give scheme, host and path only", self.url));
        }
        if rest.split('/').next().is_some_and(|host| host.contains('@')) {
            return wrong("credentials of an upstream are given apart from its address".to_owned());
        }
        if self.timeout_seconds == 0 || self.timeout_seconds > 3600 {
            return wrong("`timeout_seconds` must be 1 to 3600".to_owned());
        }
        Ok(())
    }

    /// Whether a name may be asked for.
    pub fn takes(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        !any(&self.exclude) && (self.include.is_empty() || any(&self.include))
    }
}

/// Credentials and headers of an upstream: encrypted at rest, never shown again.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// User name for Basic authentication.
    pub username: String,
    /// Password for Basic authentication.
    pub password: String,
    /// Sent as `Authorization: Bearer`; wins over a password.
    pub token: String,
    /// Sent with every request.
    pub headers: BTreeMap<String, String>,
}

impl Secrets {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("acme-*", "acme-tools", true),
            ("acme-*", "xacme-tools", false),
            ("@acme/*", "@acme/ui", true),
            ("*-internal", "a-internal", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "abcb", false),
            ("a*a", "a", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "9", "python.org-mirror_2", &"x".repeat(64)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for wrong in ["", "-a", "a-", ".", "A", "a b", "a/b", "\u{e4}", &"x".repeat(65)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn exclusion_wins() {
        let settings = UpstreamSettings {
            include: vec!["a*".to_owned()],
            exclude: vec!["ab*".to_owned()],
            ..UpstreamSettings::default()
        };
        assert!(settings.takes("ac") && !settings.takes("abc") && !settings.takes("b"));
    }

    #[test]
    fn addresses_are_checked() {
        let with = |url: &str| UpstreamSettings { url: url.to_owned(), ..UpstreamSettings::default() }.check().is_ok();
        assert!(with("https://registry.example/simple") && with("http://127.0.0.1:8080"));
        for wrong in ["", "registry.example", "ftp://x.example", "https://", "https://u:p@x.example", "https://x?y"] {
            assert!(!with(wrong), "{wrong}");
        }
    }
}
