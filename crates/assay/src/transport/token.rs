//! Tokens of registries that hand them out elsewhere: a 401 names a realm, the realm gives a token for a scope (the
//! Distribution project's token specification; RFC 6750 for the challenge). Tokens are kept until shortly before their end.

use assay_model::{
    problem::{Kind, Problem},
    upstream::Secrets,
};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};
use url::Url;

/// Largest answer of a realm that is read.
pub(super) const ANSWER_BYTES: usize = 1 << 20;
/// Seconds a token is good for where the realm does not say.
const UNSAID: u64 = 60;
/// Seconds before its end at which a token is not used any more.
const MARGIN: u64 = 10;

/// What a challenge asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Where to get a token.
    pub(super) realm: Url,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// The Bearer challenge among those of a `WWW-Authenticate` header, if there is one.
    pub(super) fn find(header: &str) -> Option<Self> {
        challenges(header).into_iter().find_map(|(scheme, mut fields)| {
            let realm = scheme.eq_ignore_ascii_case("bearer").then(|| fields.remove("realm")).flatten()?;
            Some(Self { realm: realm.parse().ok()?, service: fields.remove("service"), scope: fields.remove("scope") })
        })
    }

    /// The address that gives the token.
    pub(super) fn url(&self) -> Url {
        let mut url = self.realm.clone();
        let said = [("service", &self.service), ("scope", &self.scope)];
        for (name, value) in said.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            // several scopes are told apart by blanks in the challenge, and by repetition in the request
            let words: Vec<&str> = if name == "scope" { value.split(' ').collect() } else { vec![value] };
            for word in words.into_iter().filter(|w| !w.is_empty()) {
                url.query_pairs_mut().append_pair(name, word);
            }
        }
        url
    }
}

/// The challenges of a header: scheme and parameters, names in lower case (RFC 9110, section 11.6.1).
fn challenges(header: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let word_end = rest.find([' ', '=', ',', '\t']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let after = after.trim_start_matches([' ', '\t']);
        match (after.strip_prefix('='), found.last_mut()) {
            (Some(after), Some((_, fields))) if !word.is_empty() => {
                let (value, after) = value(after.trim_start_matches([' ', '\t']));
                fields.insert(word.to_ascii_lowercase(), value);
                rest = after;
            }
            // a stray `=`, or a parameter without a scheme
            (Some(after), _) => rest = after,
            (None, _) => {
                if !word.is_empty() {
                    found.push((word.to_owned(), BTreeMap::new()));
                }
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    found
}

/// A token or quoted string, and what follows.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

/// What a token is good for: everything next to a path, for one login.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Scope([u8; 32]);

impl Scope {
    /// Paths that differ in their last two segments only are of one thing: `…/manifests/1` and `…/blobs/sha256:…`.
    /// Where that is wrong the registry says 401 again, and another token is fetched.
    pub(super) fn of(url: &Url, secrets: &Secrets) -> Self {
        let mut segments: Vec<&str> = url.path().split('/').collect();
        segments.truncate(segments.len().saturating_sub(2));
        let mut hasher = Sha256::new();
        let origin = url.origin().ascii_serialization();
        for word in [origin.as_str(), &segments.join("/"), &secrets.username, &secrets.password] {
            hasher.update((word.len() as u64).to_be_bytes());
            hasher.update(word);
        }
        Self(hasher.finalize().into())
    }
}

#[derive(Clone)]
struct Kept {
    token: String,
    until: Instant,
}

/// Tokens in force.
pub(super) struct Tokens(Cache<Scope, Kept>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(3600)).build())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.entry_count())
    }
}

/// What a realm answers.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn get(&self, scope: &Scope) -> Option<String> {
        self.0.get(scope).filter(|kept| kept.until > Instant::now()).map(|kept| kept.token)
    }

    pub(super) fn forget(&self, scope: &Scope) {
        self.0.invalidate(scope);
    }

    /// Keeps the token of a realm's answer and gives it.
    pub(super) fn keep(&self, scope: Scope, realm: &Url, answer: &[u8]) -> Result<String, Problem> {
        let host = realm.host_str().unwrap_or_default();
        let useless = || {
            Problem::new(
                Kind::Upstream,
                "no-token",
                format!("`{host}`, where the upstream sends us for a token, gave none"),
            )
        };
        let answer: Answer = serde_json::from_slice(answer).map_err(|_| useless())?;
        let token = answer.token.or(answer.access_token).filter(|t| !t.is_empty()).ok_or_else(useless)?;
        let seconds = answer.expires_in.unwrap_or(UNSAID).clamp(UNSAID, 3600) - MARGIN;
        self.0.insert(scope, Kept { token: token.clone(), until: Instant::now() + Duration::from_secs(seconds) });
        Ok(token)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        let header = r#"Basic realm="a, b", Bearer realm="https://auth.example/token?x=1",service="reg, istry",scope="repository:a/b:pull repository:c:pull", Digest x=y"#;
        let found = Challenge::find(header).unwrap();
        assert_eq!(
            found.url().as_str(),
            "https://auth.example/token?x=1&service=reg%2C+istry&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull"
        );
        let loose = Challenge::find("bearer Realm = https://auth.example/t , error=\"a\\\"b\"").unwrap();
        assert_eq!(loose.url().as_str(), "https://auth.example/t");
    }

    #[test]
    fn what_is_no_bearer_challenge_is_none() {
        for header in
            ["", "Basic realm=\"x\"", "Bearer", "Bearer realm=\"nowhere\"", "Bearer scope=\"x\"", "=,=\"", "\""]
        {
            assert!(Challenge::find(header).is_none(), "{header}");
        }
    }

    #[test]
    fn tokens_are_for_one_login_and_one_thing() {
        let me = Secrets { username: "me".into(), password: "x".into(), ..Secrets::default() };
        let scope =
            |path: &str, secrets: &Secrets| Scope::of(&format!("https://r.example{path}").parse().unwrap(), secrets);
        let here = scope("/v2/a/b/manifests/1", &me);
        assert!(here == scope("/v2/a/b/blobs/sha256:00", &me));
        assert!(here != scope("/v2/a/c/manifests/1", &me));
        assert!(here != scope("/v2/a/b/manifests/1", &Secrets::default()));
        let tokens = Tokens::default();
        let realm = "https://auth.example/".parse().unwrap();
        assert!(tokens.get(&here).is_none());
        assert_eq!(tokens.keep(here.clone(), &realm, br#"{"access_token":"t","expires_in":300}"#).unwrap(), "t");
        assert_eq!(tokens.get(&here).as_deref(), Some("t"));
        tokens.forget(&here);
        assert!(tokens.get(&here).is_none());
        for useless in [&b"{}"[..], b"<html>", br#"{"token":""}"#] {
            assert_eq!(tokens.keep(here.clone(), &realm, useless).unwrap_err().kind, Kind::Upstream);
        }
    }
}
