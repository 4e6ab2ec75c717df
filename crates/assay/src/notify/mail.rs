//! Messages as mail over SMTP: plain text, encrypted unless the address says otherwise.

use super::{address, render, wrong};
use crate::transport::guard::Guard;
use assay_model::{
    notification::Message,
    problem::{Kind, Problem},
    seam::notices::{Receipt, Target},
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{Mailbox, Message as Mail, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use std::{net::SocketAddr, time::Duration};
use url::Url;

/// Seconds that a command may take.
const SILENCE: u64 = 15;

fn failed(message: String) -> Problem {
    Problem::new(Kind::Upstream, "no-answer", message)
}

pub(super) fn check(target: Target<'_>) -> Result<(), Problem> {
    for one in target.settings.to.iter().chain([&target.settings.from]) {
        mailbox(one)?;
    }
    Ok(())
}

fn mailbox(text: &str) -> Result<Mailbox, Problem> {
    text.parse().map_err(|e| wrong(format!("`{text}` is no mail address: {e}")))
}

pub(super) async fn send(guard: &Guard, target: Target<'_>, message: &Message) -> Result<Receipt, Problem> {
    let url = Url::parse(address(target)).map_err(|_| wrong("`address` cannot be read"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port().unwrap_or(match url.scheme() {
        "smtps" => 465,
        "smtp" => 587,
        _ => 25,
    });
    // connected to is what was checked: the name cannot change its mind in between
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Vec<SocketAddr> = found.map_err(|e| failed(format!("`{host}` is not known: {e}")))?.collect();
    let allowed = guard
        .filter(&host, found.into_iter())
        .map_err(|e| Problem::new(Kind::Upstream, crate::transport::guard::REFUSED, e.to_string()))?;
    let ip = allowed.first().map(|address| address.ip().to_string()).unwrap_or_default();
    let parameters = || parameters(&host, &target.settings.ca_certificates);
    let tls = match url.scheme() {
        "smtps" => Tls::Wrapper(parameters()?),
        "smtp" => Tls::Required(parameters()?),
        _ => Tls::None,
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(ip)
        .port(port)
        .tls(tls)
        .timeout(Some(Duration::from_secs(SILENCE)));
    if !target.secrets.username.is_empty() {
        let (name, password) = (target.secrets.username.clone(), target.secrets.password.clone());
        transport = transport.credentials(Credentials::new(name, password));
    }
    match transport.build().send(mail(target, message)?).await {
        Ok(said) => Ok(Receipt {
            taken: said.is_positive(),
            code: said.code().to_string().parse().ok(),
            note: said.first_line().unwrap_or_default().chars().take(200).collect(),
            retry_after: None,
        }),
        Err(error) => match error.status() {
            Some(code) => Ok(Receipt {
                taken: false,
                code: code.to_string().parse().ok(),
                note: error.to_string().chars().take(200).collect(),
                retry_after: None,
            }),
            None => Err(failed(format!("{host} takes no mail: {error}"))),
        },
    }
}

/// TLS with a server of that name; `authorities` are trusted beside those of the system.
fn parameters(host: &str, authorities: &str) -> Result<TlsParameters, Problem> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !authorities.trim().is_empty() {
        let read = Certificate::from_pem(authorities.as_bytes());
        builder =
            builder.add_root_certificate(read.map_err(|e| wrong(format!("`ca_certificates` cannot be used: {e}")))?);
    }
    builder.build().map_err(|e| Problem::internal("cannot set up TLS", e))
}

fn mail(target: Target<'_>, message: &Message) -> Result<Mail, Problem> {
    let from = mailbox(&target.settings.from)?;
    let domain = from.email.domain().to_owned();
    let mut mail = Mail::builder()
        .from(from)
        .subject(format!("[{}] {}", message.workspace, message.title).chars().take(200).collect::<String>())
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .header(ContentType::TEXT_PLAIN);
    for one in &target.settings.to {
        mail = mail.to(mailbox(one)?);
    }
    mail.body(render::text(message)).map_err(|e| wrong(format!("no mail can be made of it: {e}")))
}
