//! What can be set of a channel on the command line, and the requests that are made of it.

use crate::cli::text;
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::{io::Read as _, path::PathBuf};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// An HTTP endpoint that gets JSON
    Webhook,
    /// Mail over SMTP
    Email,
    /// An incoming webhook of Slack
    Slack,
    /// A webhook of Teams that takes adaptive cards
    Teams,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AddArgs {
    /// 1 to 64 of a-z 0-9 . _ -
    pub(super) name: String,
    /// How it reaches
    #[arg(long, value_enum)]
    kind: Sort,
    /// https://..., or for mail smtps://host:465, smtp://host:587, smtp+plain://host:25
    #[arg(long, value_name = "URL")]
    address: String,
    #[command(flatten)]
    settings: SettingArgs,
    /// One message per event rather than one per cause
    #[arg(long)]
    each: bool,
    /// The address may lie in a private network
    #[arg(long)]
    allow_private: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EditArgs {
    /// Which
    pub(super) name: String,
    /// Another address
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    #[command(flatten)]
    settings: SettingArgs,
    /// Whether there is one message per event rather than one per cause
    #[arg(long, value_name = "BOOL")]
    each: Option<bool>,
    /// Whether the address may lie in a private network
    #[arg(long, value_name = "BOOL")]
    allow_private: Option<bool>,
}

/// What is set of a channel; each list whole.
#[derive(Debug, clap::Args)]
struct SettingArgs {
    /// Body of a webhook: cloudevents or json
    #[arg(long, value_name = "FORM")]
    body: Option<String>,
    /// Sender of mails
    #[arg(long, value_name = "MAIL")]
    from: Option<String>,
    /// Recipient of mails; may be repeated
    #[arg(long, value_name = "MAIL")]
    to: Vec<String>,
    /// Kind of event, with *; may be repeated. Else the usual ones
    #[arg(long, value_name = "KIND")]
    event: Vec<String>,
    /// Only of this repository, with *; may be repeated
    #[arg(long, value_name = "NAME")]
    repository: Vec<String>,
    /// Only of this format; may be repeated
    #[arg(long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Only from this severity on: low, medium, high, critical; none for all
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// Only packages that fit this search
    #[arg(long, value_name = "SEARCH")]
    query: Option<String>,
    /// How often: immediate, hourly, daily, or a length from 5s to 24h (90s, 15m, 6h)
    #[arg(long, value_name = "PACE")]
    pace: Option<String>,
    /// Hour of the day (UTC) of a daily message
    #[arg(long, value_name = "HOUR")]
    hour: Option<i8>,
    /// Certificates of authorities (PEM) to trust beside those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// User name for the mail server; the password comes from standard input with --secret-stdin
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Read the signing secret, or the password, from standard input
    #[arg(long)]
    secret_stdin: bool,
}

impl AddArgs {
    /// The channel that is asked for.
    pub(super) fn draft(&self) -> Result<Value> {
        let mut fields = self.settings.fields()?;
        fields.insert("address".to_owned(), json!(self.address));
        fields.insert("each".to_owned(), json!(self.each));
        fields.insert("allow_private".to_owned(), json!(self.allow_private));
        fields.insert("filter".to_owned(), self.settings.filter(Map::new()).into());
        let kind = match self.kind {
            Sort::Webhook => "webhook",
            Sort::Email => "email",
            Sort::Slack => "slack",
            Sort::Teams => "teams",
        };
        let secrets = self.settings.secrets(kind)?.unwrap_or_default();
        Ok(json!({"name": self.name, "kind": kind, "settings": fields, "secrets": secrets}))
    }
}

impl EditArgs {
    /// What is to be different about a channel, as the server knows it.
    pub(super) fn changes(&self, known: &Value) -> Result<Value> {
        let mut fields = self.settings.fields()?;
        fields.extend(self.address.as_ref().map(|address| ("address".to_owned(), json!(address))));
        fields.extend(self.each.map(|each| ("each".to_owned(), json!(each))));
        fields.extend(self.allow_private.map(|allow| ("allow_private".to_owned(), json!(allow))));
        let before = known.pointer("/settings/filter").and_then(Value::as_object).cloned().unwrap_or_default();
        let filter = self.settings.filter(before.clone());
        if filter != before {
            fields.insert("filter".to_owned(), filter.into());
        }
        let kind = known.get("kind").and_then(Value::as_str).unwrap_or_default();
        fields.extend(self.settings.secrets(kind)?.map(|secrets| ("secrets".to_owned(), secrets.into())));
        if fields.is_empty() {
            bail!("say what is to be different: --address, --event, --pace, ...");
        }
        Ok(fields.into())
    }
}

impl SettingArgs {
    /// Settings that are named, but for the filter.
    fn fields(&self) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        let words = [("body", &self.body), ("from", &self.from), ("pace", &self.pace)];
        fields.extend(words.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
        fields.extend(self.hour.map(|hour| ("hour".to_owned(), json!(hour))));
        if !self.to.is_empty() {
            fields.insert("to".to_owned(), json!(self.to));
        }
        if let Some(file) = &self.ca_file {
            fields.insert("ca_certificates".to_owned(), text::certificates(file)?.into());
        }
        Ok(fields)
    }

    /// A filter with what is named put in the place of what was there.
    fn filter(&self, mut filter: Map<String, Value>) -> Map<String, Value> {
        let lists = [("events", &self.event), ("repositories", &self.repository), ("formats", &self.format)];
        filter.extend(
            lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, l)| (name.to_owned(), json!(l))),
        );
        let severity = self.severity.as_ref().map(|word| match word.as_str() {
            "none" => Value::Null,
            word => json!(word.to_uppercase()),
        });
        filter.extend(severity.map(|severity| ("severity".to_owned(), severity)));
        filter.extend(self.query.as_ref().map(|query| ("query".to_owned(), json!(query))));
        filter
    }

    /// Secrets, where any is named.
    fn secrets(&self, kind: &str) -> Result<Option<Map<String, Value>>> {
        let mut secrets = Map::new();
        if self.secret_stdin {
            let mut secret = String::new();
            std::io::stdin().take(64 << 10).read_to_string(&mut secret).context("cannot read the secret")?;
            let secret = secret.trim().to_owned();
            if secret.is_empty() {
                bail!("standard input has no secret");
            }
            let name = if kind == "email" { "password" } else { "token" };
            secrets.insert(name.to_owned(), json!(secret));
        }
        secrets.extend(self.username.clone().map(|name| ("username".to_owned(), json!(name))));
        Ok((!secrets.is_empty()).then_some(secrets))
    }
}
