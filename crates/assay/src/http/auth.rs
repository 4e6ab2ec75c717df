//! Who calls: HTTP Basic with the token as password (any user name), Bearer, the bare token, `X-Api-Key`, the pages'
//! cookie; and the token flow of the distribution specification, whose short-lived tokens are signed and name the API token behind them.

use super::App;
use crate::web::SESSION_COOKIE;
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds that a flow token lasts.
const FLOW_SECONDS: i64 = 900;
const FLOW_PREFIX: &str = "assayflow.";

#[derive(Serialize, Deserialize)]
struct Flow {
    /// Id of the API token, or none for an anonymous caller.
    id: Option<String>,
    /// Seconds since 1970.
    exp: i64,
}

/// The caller that the headers prove. Wrong credentials are an error, never anonymous.
pub(super) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    match secret(headers)? {
        None => Ok(Caller::Anonymous),
        Some(secret) => match secret.strip_prefix(FLOW_PREFIX) {
            Some(flow) => redeem(app, flow).await,
            None => app.engine.identify(&secret).await,
        },
    }
}

fn secret(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let unreadable = || {
        Problem::new(
            Kind::Unauthenticated,
            "bad-credentials",
            "the credentials cannot be read; use Basic with the token as password, or Bearer",
        )
    };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| unreadable())?;
        // Some clients send the bare token.
        let Some((scheme, rest)) = value.trim().split_once(' ') else {
            return Ok(Some(value.trim().to_owned()));
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Some(rest.trim().to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(unreadable());
        }
        let decoded = STANDARD.decode(rest.trim()).map_err(|_| unreadable())?;
        let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
        let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
        let secret = if password.is_empty() { user } else { password };
        return Ok((!secret.is_empty()).then(|| secret.to_owned()));
    }
    if let Some(key) = headers.get("x-api-key") {
        return Ok(Some(key.to_str().map_err(|_| unreadable())?.to_owned()));
    }
    Ok(None)
}

/// The token in the pages' cookie. Only pages and reading endpoints look at it.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == SESSION_COOKIE && !value.is_empty()).then(|| value.to_owned())
    })
}

fn sign(app: &App, payload: &str) -> Result<Hmac<sha2::Sha256>, Problem> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&app.signing_key)
        .map_err(|_| Problem::bug("the signing key has a wrong length"))?;
    mac.update(payload.as_bytes());
    Ok(mac)
}

/// A short-lived token for the caller, and how many seconds it lasts.
pub(super) fn flow_token(app: &App, caller: &Caller) -> Result<(String, i64), Problem> {
    let id = match caller {
        Caller::Token(token) => Some(token.id.clone()),
        _ => None,
    };
    let flow = Flow { id, exp: Timestamp::now().as_second() + FLOW_SECONDS };
    let payload = serde_json::to_vec(&flow).map_err(|e| Problem::internal("cannot write a token", e))?;
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let signature = URL_SAFE_NO_PAD.encode(sign(app, &payload)?.finalize().into_bytes());
    Ok((format!("{FLOW_PREFIX}{payload}.{signature}"), FLOW_SECONDS))
}

async fn redeem(app: &App, flow: &str) -> Result<Caller, Problem> {
    let wrong = || Problem::new(Kind::Unauthenticated, "bad-token", "the token is wrong or expired; log in again");
    let (payload, signature) = flow.split_once('.').ok_or_else(wrong)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong())?;
    sign(app, payload)?.verify_slice(&signature).map_err(|_| wrong())?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| wrong())?;
    let flow: Flow = serde_json::from_slice(&payload).map_err(|_| wrong())?;
    if flow.exp <= Timestamp::now().as_second() {
        return Err(wrong());
    }
    match flow.id {
        None => Ok(Caller::Anonymous),
        Some(id) => app.engine.known_token(&id).await,
    }
}

/// The challenge of the token flow for a request to `path`.
pub(super) fn bearer_challenge(base_url: &str, path: &str) -> String {
    let name = path.trim_start_matches("/v2/");
    let name = ["/blobs/", "/manifests/", "/tags/", "/referrers/"]
        .iter()
        .filter_map(|part| name.find(part))
        .min()
        .and_then(|end| name.get(..end));
    let realm = format!("Bearer realm=\"{base_url}/auth/token\",service=\"assay\"");
    match name {
        Some(name) => format!("{realm},scope=\"repository:{name}:pull,push\""),
        None => realm,
    }
}
