//! `registry/name:tag` and `registry/name@sha256:…`.

use anyhow::{Result, bail};
use std::{fmt, str::FromStr};

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Whether the text could be a reference: its first part is a host, that is, has a dot or a port or is `localhost`.
    pub fn looks_like_one(text: &str) -> bool {
        let bare = text.strip_prefix("docker://").unwrap_or(text);
        let Some((host, rest)) = bare.split_once('/') else { return false };
        let is_host = host == "localhost" || host.contains(['.', ':']);
        is_host && !rest.is_empty() && !host.starts_with('.') && !bare.contains("://")
    }
    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// Name of the repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }
    /// What the manifest is asked for by: the digest where there is one, else the tag.
    pub fn locator(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
    /// Whether the registry is on this machine.
    pub fn is_loopback(&self) -> bool {
        format!("http://{}", self.host).parse().is_ok_and(|url| crate::net::is_loopback(&url))
    }
}

impl FromStr for Reference {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if !Self::looks_like_one(text) {
            bail!("{text} is no image in a registry: write registry/name:tag");
        }
        let bare = text.strip_prefix("docker://").unwrap_or(text);
        let (bare, digest) = match bare.split_once('@') {
            Some((bare, digest)) => (bare, Some(digest.to_owned())),
            None => (bare, None),
        };
        let (host, rest) = bare.split_once('/').unwrap_or((bare, ""));
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
            _ => (rest, None),
        };
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '/');
        if repository.is_empty() || !repository.chars().all(allowed) {
            bail!("{repository} is no name of an image: use lower-case letters, digits, `.`, `_`, `-` and `/`");
        }
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if tag.as_ref().is_some_and(|tag| tag.is_empty() || tag.len() > 128 || !tag.chars().all(word)) {
            bail!("{text} has a tag that cannot be one");
        }
        if digest.as_ref().is_some_and(|digest| digest.parse::<assay_model::Digest>().is_err()) {
            bail!("{text} has a digest that cannot be one: write sha256: and 64 hexadecimal digits");
        }
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        match (&self.tag, &self.digest) {
            (_, Some(digest)) => write!(f, "@{digest}"),
            (Some(tag), None) => write!(f, ":{tag}"),
            (None, None) => f.write_str(":latest"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Reference;

    #[test]
    fn references() {
        let of = |text: &str| {
            let one: Reference = text.parse().unwrap();
            (one.host().to_owned(), one.repository().to_owned(), one.locator().to_owned())
        };
        let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of("localhost/a"), own("localhost", "a", "latest"));
        assert_eq!(of("127.0.0.1:5000/main/a/b:1.0"), own("127.0.0.1:5000", "main/a/b", "1.0"));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(of(&format!("docker://registry.example/a:1@{digest}")), own("registry.example", "a", &digest));
        for text in [
            "alpine",
            "main/oci/a:1",
            "./a/b",
            "https://x.example/a",
            "x.example/A",
            "x.example/a:b:c",
            "x.example/a@sha256:1",
            "x.example/",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
