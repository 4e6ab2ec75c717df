//! Who we are to a registry: basic authentication, or a token that its challenge tells where to get (the Distribution
//! project's token specification). Credentials are those given, or saved by `docker login`, `podman login` and their kin.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::{collections::BTreeMap, env, fmt, fs, path::PathBuf};
use url::Url;

/// Name and password.
#[derive(Clone)]
pub struct Login {
    /// Name.
    pub username: String,
    /// Password or token.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What is sent with each request.
pub(super) struct Auth {
    login: Option<Login>,
    sent: Sent,
}

enum Sent {
    Nothing,
    Basic,
    Bearer(String),
}

impl Auth {
    pub(super) fn new(login: Option<Login>) -> Self {
        Self { login, sent: Sent::Nothing }
    }

    pub(super) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match (&self.sent, &self.login) {
            (Sent::Bearer(token), _) => request.bearer_auth(token),
            (Sent::Basic, Some(login)) => request.basic_auth(&login.username, Some(&login.password)),
            _ => request,
        }
    }

    /// Does what the registry's challenges ask for.
    pub(super) async fn answer(
        &mut self,
        client: &Client,
        base: &str,
        repository: &str,
        challenges: &[String],
    ) -> Result<()> {
        for challenge in challenges {
            let (scheme, rest) = challenge.split_once(' ').unwrap_or((challenge, ""));
            if scheme.eq_ignore_ascii_case("bearer") {
                self.sent = Sent::Bearer(self.token(client, base, repository, &fields(rest)).await?);
                return Ok(());
            }
            if scheme.eq_ignore_ascii_case("basic") && self.login.is_some() {
                self.sent = Sent::Basic;
                return Ok(());
            }
        }
        bail!("{base} wants to know who asks: log in with --username and --password-stdin, or `docker login`")
    }

    async fn token(
        &self,
        client: &Client,
        base: &str,
        repository: &str,
        challenge: &BTreeMap<String, String>,
    ) -> Result<String> {
        let realm = challenge.get("realm").context("the registry does not say where to get a token")?;
        let mut url: Url = realm.parse().context("the registry's address for tokens is no address")?;
        if base.starts_with("https:") && url.scheme() != "https" {
            bail!("{base} wants the password sent to {realm}, which is not encrypted");
        }
        let scope = format!("repository:{repository}:pull");
        url.query_pairs_mut().append_pair("scope", challenge.get("scope").unwrap_or(&scope));
        if let Some(service) = challenge.get("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut request = client.get(url);
        if let Some(login) = &self.login {
            request = request.basic_auth(&login.username, Some(&login.password));
        }
        let response = request.send().await.context("the registry's token service cannot be reached")?;
        if !response.status().is_success() {
            let hint = match self.login {
                Some(_) => "check name and password",
                None => "log in with --username and --password-stdin, or `docker login`",
            };
            bail!("{base} gives no token ({}): {hint}", response.status());
        }
        let answer: Value = response.json().await.context("the token service's answer is no JSON")?;
        let token = answer["token"].as_str().or(answer["access_token"].as_str());
        token.map(str::to_owned).context("the token service's answer has no token")
    }
}

/// `key="value",other="…"`.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        fields.insert(key.trim_matches([',', ' ']).to_ascii_lowercase(), value.to_owned());
        rest = after;
    }
    fields
}

/// What `docker login` and its kin have saved for a registry. Helpers that keep passwords elsewhere are not asked.
pub(super) fn saved(host: &str) -> Option<Login> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let files = [
        env::var_os("REGISTRY_AUTH_FILE").map(PathBuf::from),
        runtime.map(|folder| folder.join("containers/auth.json")),
        env::var_os("DOCKER_CONFIG").map(|folder| PathBuf::from(folder).join("config.json")),
        home.map(|folder| folder.join(".docker/config.json")),
    ];
    let of = |file: PathBuf| of_document(&serde_json::from_slice(&fs::read(file).ok()?).ok()?, host);
    files.into_iter().flatten().find_map(of)
}

fn of_document(document: &Value, host: &str) -> Option<Login> {
    let entries = document["auths"].as_object()?;
    let bare = |key: &str| {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest);
        key.split('/').next().unwrap_or(key).to_owned()
    };
    let entry =
        entries.get(host).or_else(|| entries.iter().find(|(key, _)| bare(key) == host).map(|(_, entry)| entry))?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(entry["auth"].as_str()?).ok()?;
    let (username, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Login { username: username.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_cut_into_fields() {
        let fields = fields(r#"realm="https://a.example/token",service="reg, istry",scope="repository:a/b:pull,push""#);
        assert_eq!(fields["realm"], "https://a.example/token");
        assert_eq!(fields["service"], "reg, istry");
        assert_eq!(fields["scope"], "repository:a/b:pull,push");
    }

    #[test]
    fn saved_logins_are_found_by_host() {
        let auth = base64::engine::general_purpose::STANDARD.encode("me:se:cret");
        let document =
            serde_json::json!({"auths": {"https://a.example/v1/": {"auth": auth}, "b.example:5000": {"auth": auth}}});
        for host in ["a.example", "b.example:5000"] {
            let login = of_document(&document, host).unwrap();
            assert_eq!((login.username.as_str(), login.password.as_str()), ("me", "se:cret"));
            assert!(!format!("{login:?}").contains("cret"));
        }
        assert!(of_document(&document, "c.example").is_none());
    }
}
