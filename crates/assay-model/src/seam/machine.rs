//! The machine that a program runs on, as far as the configuration of package clients tells where they take from. Formats
//! know their clients; what they propose is a registry that could be an upstream.

use crate::upstream::Secrets;
use std::path::{Path, PathBuf};

/// What may be looked at. Nothing is changed, and no client is made to use the network.
pub trait Machine {
    /// An environment variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// The user's own folder.
    fn home(&self) -> Option<PathBuf>;
    /// A small text file; nothing where there is none, or it cannot be read.
    fn text(&self, path: &Path) -> Option<String>;
    /// What lies in a folder, in order; nothing where there is none.
    fn entries(&self, folder: &Path) -> Vec<PathBuf>;
    /// A small text in a zip archive.
    fn archived(&self, archive: &Path, entry: &str) -> Option<String>;
    /// What a program prints; nothing where it is not installed, fails, or takes longer than some seconds.
    fn ask(&self, program: &str, arguments: &[&str]) -> Option<String>;
}

/// A registry that a client of this machine takes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detected {
    /// Address, as an upstream is given it: without credentials and without a slash at its end.
    pub url: String,
    /// Which client uses it.
    pub client: String,
    /// Where that was found, for people: a file, a command, a variable.
    pub place: String,
    /// Names that it is used for; empty means all.
    pub include: Vec<String>,
    /// Names that it is not used for.
    pub exclude: Vec<String>,
    /// Credentials that the client has for it.
    pub secrets: Secrets,
}

impl Detected {
    /// A registry under an address as clients write it: credentials in it are taken out. Nothing where it is none.
    pub fn new(client: &str, place: impl Into<String>, address: &str) -> Option<Self> {
        let (scheme, rest) = address.trim().split_once("://")?;
        if !matches!(scheme, "http" | "https") {
            return None;
        }
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let (login, host) = authority.rsplit_once('@').map_or(("", authority), |(login, host)| (login, host));
        let (username, password) = login.split_once(':').unwrap_or((login, ""));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        if host.is_empty() || host.contains(['$', '{', ' ']) {
            return None;
        }
        let secrets = Secrets { username: decoded(username), password: decoded(password), ..Secrets::default() };
        let url = format!("{scheme}://{host}/{path}").trim_end_matches('/').to_owned();
        let (client, place) = (client.to_owned(), place.into());
        Some(Self { url, client, place, secrets, ..Self::default() })
    }
}

/// A text with its `%41` resolved.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|c| u8::from_str_radix(c, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_addresses() {
        let found = Detected::new("pip", "PIP_INDEX_URL", " https://me:p%40ss@host.example:8443/simple/?x#y ").unwrap();
        assert_eq!(found.url, "https://host.example:8443/simple");
        assert_eq!((found.secrets.username.as_str(), found.secrets.password.as_str()), ("me", "p@ss"));
        assert_eq!(Detected::new("x", "y", "http://host.example").unwrap().url, "http://host.example");
        for none in ["", "direct", "file:///srv/mirror", "https://", "https://${HOST}/x", "host.example/simple"] {
            assert!(Detected::new("x", "y", none).is_none(), "{none}");
        }
    }
}
