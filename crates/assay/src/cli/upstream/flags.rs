//! Options that say what an upstream is like. Secrets come by standard input only: what stands on a command line can be
//! read by everybody on the machine.

use crate::cli::text;
use anyhow::{Context as _, Result, bail};
use clap::{ArgAction, Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::{
    io::{self, Read as _},
    path::PathBuf,
};

/// Bytes that are read from standard input.
const STDIN: u64 = 256 << 10;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum ModeFlag {
    /// What it gives leaves after the decision
    Hold,
    /// What it gives leaves at once
    Open,
    /// It is never asked
    CachedOnly,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rules {
    /// Place in the order; smaller is asked earlier [default when added: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) priority: Option<i32>,
    /// When what it gives may leave
    #[arg(long, value_enum)]
    mode: Option<ModeFlag>,
    /// Whether it is asked at all
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    enabled: Option<bool>,
    /// How far it is trusted, for policies
    #[arg(long, value_name = "WORD")]
    trust: Option<String>,
    /// Ask it only for names like this (`acme-*`); may be repeated, replaces those before; "" for all
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Never ask it for names like this; may be repeated, replaces those before; "" for none
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Whether names that are published here may also be taken from it
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    shadow_local: Option<bool>,
    /// Whether it may lie in a private network
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    allow_private: Option<bool>,
    /// Seconds for which an index is not asked for again
    #[arg(long, value_name = "N")]
    metadata_seconds: Option<u32>,
    /// Seconds until a silent connection is given up
    #[arg(long, value_name = "N")]
    timeout_seconds: Option<u32>,
    /// Certificate authorities that it is trusted by besides the system's, a PEM file
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Leave out versions that are younger than this
    #[arg(long, value_name = "N")]
    cooldown_days: Option<u32>,
    /// Whether the cooldown also leaves out versions of unknown age
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    cooldown_unknown: Option<bool>,
    /// Names that the cooldown does not hold for; may be repeated, replaces those before; "" for none
    #[arg(long, value_name = "PATTERN")]
    cooldown_exempt: Vec<String>,
}

impl Rules {
    /// The settings that are named.
    pub(super) fn settings(self) -> Result<Map<String, Value>> {
        let mode = self.mode.map(|mode| match mode {
            ModeFlag::Hold => "hold",
            ModeFlag::Open => "open",
            ModeFlag::CachedOnly => "cached-only",
        });
        let certificates = self.ca_file.map(|file| text::certificates(&file));
        let patterns = |given: Vec<String>| {
            (!given.is_empty()).then(|| json!(given.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>()))
        };
        let named = [
            ("mode", mode.map(Value::from)),
            ("enabled", self.enabled.map(Value::from)),
            ("trust", self.trust.map(Value::from)),
            ("include", patterns(self.include)),
            ("exclude", patterns(self.exclude)),
            ("shadow_local", self.shadow_local.map(Value::from)),
            ("allow_private", self.allow_private.map(Value::from)),
            ("metadata_seconds", self.metadata_seconds.map(Value::from)),
            ("timeout_seconds", self.timeout_seconds.map(Value::from)),
            ("ca_certificates", certificates.transpose()?.map(Value::from)),
            ("cooldown_days", self.cooldown_days.map(Value::from)),
            ("cooldown_unknown", self.cooldown_unknown.map(Value::from)),
            ("cooldown_exempt", patterns(self.cooldown_exempt)),
        ];
        Ok(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SecretFlags {
    /// User name; the password comes from standard input
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Read a token from standard input, sent as `Authorization: Bearer`
    #[arg(long, conflicts_with = "username")]
    bearer_stdin: bool,
    /// Read `{"username", "password", "token", "headers": {}}` from standard input
    #[arg(long, conflicts_with_all = ["username", "bearer_stdin"])]
    secrets_stdin: bool,
}

impl SecretFlags {
    /// The credentials that are given, if any are.
    pub(in crate::cli) fn read(self) -> Result<Option<Value>> {
        if !(self.password_stdin || self.bearer_stdin || self.secrets_stdin) {
            return Ok(None);
        }
        let mut text = String::new();
        io::stdin().take(STDIN).read_to_string(&mut text).context("cannot read standard input")?;
        let line = text.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            bail!("standard input has no secret");
        }
        Ok(Some(match self.username {
            Some(username) => json!({"username": username, "password": line}),
            None if self.bearer_stdin => json!({"token": line}),
            None => serde_json::from_str(&text).context("standard input is not the JSON of credentials")?,
        }))
    }
}
