//! Messages over HTTP: one POST, no redirects, at most a line of the answer.

use super::{address, render, wrong};
use crate::{
    net,
    transport::{
        certificates,
        guard::{self, Guard},
    },
};
use assay_model::{
    channel::{Body, ChannelKind},
    notification::Message,
    problem::{Kind, Problem},
    seam::notices::{Receipt, Target},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;
use reqwest::{ClientBuilder, Response, header};
use serde_json::Value;
use sha2::Sha256;
use std::time::Duration;
use url::Url;

/// Seconds until a connection stands, and of silence.
const SILENCE: u64 = 15;
/// Bytes of an answer that are read.
const ANSWER: usize = 512;

pub(super) async fn send(guard: Guard, target: Target<'_>, message: &Message) -> Result<Receipt, Problem> {
    let url = Url::parse(address(target)).map_err(|_| wrong("`address` cannot be read"))?;
    let (media_type, body) = body(target, message);
    let body = serde_json::to_vec(&body).map_err(|e| Problem::internal("a message cannot be written", e))?;
    let uri = url.as_str().parse();
    let routed = !net::is_loopback(&url) && uri.is_ok_and(|uri| Matcher::from_env().intercept(&uri).is_some());
    if routed {
        guard.check_ahead(&url).await?;
    } else {
        guard.check_literal(&url)?;
    }
    let builder = ClientBuilder::new()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(SILENCE))
        .read_timeout(Duration::from_secs(SILENCE))
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_merge(certificates(&target.settings.ca_certificates)?);
    let builder = if routed { builder } else { builder.no_proxy().dns_resolver(guard) };
    let client = builder.build().map_err(|e| Problem::internal("cannot set up TLS", e))?;
    let mut request = client
        .post(url)
        .header(header::CONTENT_TYPE, media_type)
        .header("x-assay-delivery", &message.id)
        .header("x-assay-event", &message.kind);
    if target.kind == ChannelKind::Webhook && !target.secrets.token.is_empty() {
        let signature = signature(&target.secrets.token, Timestamp::now().as_second(), &body)?;
        request = request.header("x-assay-signature", signature);
    }
    let response = request.body(body).send().await.map_err(|error| {
        let host = target.settings.address.split(['?', '#']).next().unwrap_or_default();
        guard::refusal(&error).unwrap_or_else(|| {
            Problem::new(Kind::Upstream, "no-answer", format!("no answer from {host}: {}", net::root_cause(&error)))
        })
    })?;
    Ok(receipt(response).await)
}

fn body(target: Target<'_>, message: &Message) -> (&'static str, Value) {
    match (target.kind, target.settings.body) {
        (ChannelKind::Slack, _) => ("application/json", render::slack(message)),
        (ChannelKind::Teams, _) => ("application/json", render::teams(message)),
        (_, Body::CloudEvents) => ("application/cloudevents+json; charset=utf-8", render::cloud_event(message)),
        (_, Body::Json) => ("application/json", serde_json::to_value(message).unwrap_or_default()),
    }
}

/// `t=<seconds>,v1=<hex>`: HMAC-SHA256 with the secret over `<seconds>.<body>`.
fn signature(secret: &str, seconds: i64, body: &[u8]) -> Result<String, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|e| Problem::internal("the signing secret cannot be used", e))?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes())))
}

async fn receipt(mut response: Response) -> Receipt {
    let status = response.status();
    let retry_after = net::wait_of(&response).and_then(|wait| i64::try_from(wait.as_secs()).ok());
    let mut said = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        said.extend_from_slice(&chunk);
        if said.len() >= ANSWER {
            break;
        }
    }
    let said: String = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    Receipt {
        taken: status.is_success(),
        code: Some(status.as_u16()),
        note: said.chars().take(200).collect(),
        retry_after,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_over_time_and_body() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        let made = signature("secret", 1_700_000_000, b"{}").unwrap();
        assert!(made.starts_with("t=1700000000,v1=") && made.len() == 16 + 64, "{made}");
        assert_ne!(made, signature("secret", 1_700_000_001, b"{}").unwrap().replace("001,", "000,"));
    }
}
