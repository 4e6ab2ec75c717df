//! Configuration: one TOML file, `ASSAY_*` variables and flags, in rising priority. [`KEYS`] is the reference; the page in
//! `docs/configuration.md` is checked against it.

mod keys;

pub use keys::{KEYS, reference};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// The whole configuration, every key set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Data directory.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// For links; may be empty.
    pub public_url: String,
    /// Name of the installation.
    pub workspace: String,
    /// Seals secrets at rest; may be empty.
    pub secret_key: Secret,
    /// Networks that may be connected to on behalf of others.
    pub allow_private_networks: Vec<String>,
    /// Metadata.
    pub database: Database,
    /// Bytes.
    pub storage: Storage,
    /// Limits on foreign bytes.
    pub limits: LimitKeys,
    /// What is kept of decisions.
    pub decisions: DecisionKeys,
    /// How messages go.
    pub notifications: NotificationKeys,
    /// Where facts come from.
    pub sources: Sources,
    /// What uploaders of Dependency-Track meet.
    pub dependency_track: DependencyTrack,
}

/// What uploaders of Dependency-Track meet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencyTrack {
    /// Name of the repository that holds their documents.
    pub repository: String,
}

/// A text that is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("withheld")
    }
}

/// Where metadata is kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// URL, or empty for SQLite.
    pub url: String,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.url.is_empty() { "sqlite" } else { "postgres (address withheld)" })
    }
}

/// Where bytes are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// URL, or empty for files.
    pub url: String,
    /// S3 service.
    pub endpoint: String,
    /// S3 region.
    pub region: String,
    /// S3 key id.
    pub access_key: String,
    /// S3 secret.
    pub secret_key: String,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("url", &self.url).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// How messages go.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationKeys {
    /// Seconds of quiet before a message goes.
    pub quiet: u32,
    /// Seconds until the second attempt.
    pub retry: u32,
    /// Attempts.
    pub attempts: u32,
    /// Hours of failures before a channel is paused.
    pub pause_after_hours: u32,
    /// Days that deliveries are kept.
    pub keep_days: u32,
}

/// What is kept of decisions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionKeys {
    /// Days that superseded decisions keep their inputs.
    pub input_days: u32,
}

/// Limits on foreign bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitKeys {
    /// Bytes of an upload.
    pub file_bytes: u64,
    /// Limits on what is unpacked.
    pub archive: ArchiveLimits,
}

/// Limits on what is unpacked; see `assay_archive::Limits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveLimits {
    /// Entries.
    pub entries: u64,
    /// Unpacked bytes of one entry.
    pub entry_bytes: u64,
    /// Unpacked bytes of everything.
    pub total_bytes: u64,
    /// Unpacked to packed.
    pub ratio: u64,
    /// Nesting.
    pub depth: u64,
    /// Bytes of a path.
    pub path_bytes: u64,
    /// Bytes of a metadata file.
    pub metadata_bytes: u64,
    /// Seconds.
    pub deadline: u64,
}

/// Where facts about the world come from.
#[derive(Clone, Debug, Deserialize)]
pub struct Sources {
    /// Whether `serve` fetches on a schedule.
    pub sync: bool,
    /// Seconds between two fetches; 0 for each source's own.
    pub cadence: u64,
    /// How many cadences make a source stale.
    pub stale_after: u32,
    /// Addresses by source id.
    #[serde(flatten)]
    pub addresses: BTreeMap<String, String>,
}

/// What flags say, for the keys that have one.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
}

impl Config {
    /// Reads the file, the environment and the flags.
    ///
    /// # Errors
    /// When the file cannot be read, or a key is unknown or has the wrong type; the message names it.
    pub fn load(flags: &Flags) -> Result<Self> {
        Self::assemble(flags, |name| std::env::var(name).ok())
    }

    fn assemble(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut table = defaults()?;
        let named = flags.config.clone().or_else(|| variable("ASSAY_CONFIG").map(PathBuf::from));
        if let Some(path) = named {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?;
            let file: toml::Table =
                toml::from_str(&text).with_context(|| format!("{} is not valid TOML", path.display()))?;
            merge(&mut table, file);
        }
        for key in KEYS {
            if let Some(text) = variable(key.variable) {
                set(&mut table, key.path, &text)
                    .with_context(|| format!("{} has a value that does not fit", key.variable))?;
            }
        }
        if let Some(data) = &flags.data {
            set(&mut table, "data", &data.to_string_lossy())?;
        }
        if let Some(listen) = &flags.listen {
            set(&mut table, "listen", listen)?;
        }
        toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| anyhow!("the configuration is wrong: {}", e.message()))
    }
}

fn defaults() -> Result<toml::Table> {
    let mut table = toml::Table::new();
    for key in KEYS {
        let parsed: toml::Table = toml::from_str(&format!("v = {}", key.default))?;
        let value = parsed.get("v").cloned().context("a default without value")?;
        place(&mut table, key.path, value)?;
    }
    Ok(table)
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// Sets a key from text, keeping the type of its default.
fn set(table: &mut toml::Table, path: &str, text: &str) -> Result<()> {
    let default = KEYS.iter().find(|k| k.path == path).map(|k| k.default).unwrap_or_default();
    let value = match default {
        "true" | "false" => match text {
            "true" | "on" | "1" | "yes" => toml::Value::Boolean(true),
            "false" | "off" | "0" | "no" => toml::Value::Boolean(false),
            _ => bail!("`{path}` is true or false, not `{text}`"),
        },
        "[]" => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            toml::Value::Array(words.map(|word| toml::Value::String(word.to_owned())).collect())
        }
        d if d.starts_with('"') => toml::Value::String(text.to_owned()),
        _ => toml::Value::Integer(text.parse().with_context(|| format!("`{path}` is a number, not `{text}`"))?),
    };
    place(table, path, value)
}

fn place(table: &mut toml::Table, path: &str, value: toml::Value) -> Result<()> {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
            Ok(())
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            place(inner.as_table_mut().with_context(|| format!("`{section}` is a section"))?, rest, value)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn flags_outrank_variables_and_these_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nworkspace = \"file\"\n[limits]\nfile_bytes = 5\n").unwrap();
        let variable = |name: &str| match name {
            "ASSAY_CONFIG" => Some(file.to_string_lossy().into_owned()),
            "ASSAY_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "ASSAY_SOURCES_SYNC" => Some("off".to_owned()),
            "ASSAY_ALLOW_PRIVATE_NETWORKS" => Some("10.0.0.0/8, fd00::/8".to_owned()),
            _ => None,
        };
        let by_variable = Config::assemble(&Flags::default(), variable).unwrap();
        assert_eq!((by_variable.listen.port(), by_variable.workspace.as_str()), (2, "file"));
        assert_eq!((by_variable.limits.file_bytes, by_variable.sources.sync), (5, false));
        assert_eq!(by_variable.allow_private_networks, ["10.0.0.0/8", "fd00::/8"]);
        let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
        assert_eq!(Config::assemble(&flags, variable).unwrap().listen.port(), 3);
    }

    #[test]
    fn a_wrong_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.toml");
        std::fs::write(&file, "listne = \"x\"\n").unwrap();
        let flags = Flags { config: Some(file), ..Flags::default() };
        assert!(Config::assemble(&flags, |_| None).unwrap_err().to_string().contains("listne"));
    }

    #[test]
    fn the_reference_page_names_every_key() {
        let page = include_str!("../../../docs/configuration.md");
        for key in KEYS {
            assert!(
                page.contains(&format!("`{}`", key.path)) && page.contains(key.variable),
                "{} is missing",
                key.path
            );
        }
    }
}
