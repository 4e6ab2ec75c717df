//! Those who send messages: webhooks (CloudEvents or plain JSON, signed), e-mail, Slack, Teams. One attempt each; when to
//! try again is the engine's.

mod http;
mod mail;
mod render;

use crate::transport::{
    self,
    guard::{self, Guard},
};
use assay_engine::CHANNEL_ADDRESS;
use assay_model::{
    channel::ChannelKind,
    notification::Message,
    problem::Problem,
    seam::{
        Task,
        notices::{Messenger, Receipt, Target},
    },
};
use url::Url;

/// Sends over the network, to addresses that the guard lets pass.
#[derive(Debug)]
pub struct Senders {
    guard: Guard,
}

impl Senders {
    /// Behind this guard.
    pub fn new(guard: Guard) -> Self {
        Self { guard }
    }

    fn guard(&self, target: Target<'_>) -> Guard {
        self.guard.with_private(target.settings.allow_private)
    }
}

/// The address, also where it is a secret.
fn address(target: Target<'_>) -> &str {
    target.secrets.headers.get(CHANNEL_ADDRESS).unwrap_or(&target.settings.address)
}

fn wrong(message: impl Into<String>) -> Problem {
    Problem::invalid("bad-channel", message)
}

impl Messenger for Senders {
    fn send<'a>(&'a self, target: Target<'a>, message: &'a Message) -> Task<'a, Receipt> {
        Box::pin(async move {
            let guard = self.guard(target);
            match target.kind {
                ChannelKind::Email => mail::send(&guard, target, message).await,
                _ => http::send(guard, target, message).await,
            }
        })
    }

    fn check(&self, target: Target<'_>) -> Result<(), Problem> {
        let url = Url::parse(address(target)).map_err(|e| wrong(format!("`address` cannot be read: {e}")))?;
        let fits = match target.kind {
            ChannelKind::Email => matches!(url.scheme(), "smtp" | "smtps" | "smtp+plain"),
            _ => matches!(url.scheme(), "http" | "https"),
        };
        if !fits || url.host_str().is_none_or(str::is_empty) || !url.username().is_empty() {
            let form = match target.kind {
                ChannelKind::Email => "smtps://host:465, smtp://host:587 (STARTTLS) or smtp+plain://host:25",
                _ => "https://host/path, without a login in it",
            };
            return Err(wrong(format!("`address` has the form {form}")));
        }
        transport::certificates(&target.settings.ca_certificates)?;
        if target.kind == ChannelKind::Email {
            mail::check(target)?;
        }
        self.guard(target).check_literal(&url).map_err(|refused| Problem::invalid(guard::REFUSED, refused.to_string()))
    }
}
