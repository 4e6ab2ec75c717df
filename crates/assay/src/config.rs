//! Configuration: one TOML file, `ASSAY_*` variables and flags, in rising priority. [`KEYS`] is the reference; the page in
//! `docs/configuration.md` is checked against it.

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// One key of the file, its variable, its default and what it means.
pub struct Key {
    /// Dotted path in the file.
    pub path: &'static str,
    /// Environment variable.
    pub variable: &'static str,
    /// Default, as written in the file.
    pub default: &'static str,
    /// For people.
    pub help: &'static str,
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    key("data", "ASSAY_DATA", "\"assay-data\"", "Data directory: database, blobs, uploads in progress."),
    key("listen", "ASSAY_LISTEN", "\"127.0.0.1:8080\"", "Address and port to listen on; port 0 takes a free one."),
    key(
        "public_url",
        "ASSAY_PUBLIC_URL",
        "\"\"",
        "Scheme and authority under which clients reach the server, for links. Empty: `http://` and the listen address.",
    ),
    key("workspace", "ASSAY_WORKSPACE", "\"assay\"", "Name of the installation, as pages and policies show it."),
    key(
        "secret_key",
        "ASSAY_SECRET_KEY",
        "\"\"",
        "Seals the secrets of upstreams in the database: 32 characters or more, the same on all nodes of one database. Empty: `secret.key` in the data directory, made when first needed.",
    ),
    key(
        "allow_private_networks",
        "ASSAY_ALLOW_PRIVATE_NETWORKS",
        "[]",
        "Networks such as `10.1.0.0/16` that upstreams, their redirects and webhooks may lie in though they are not public; in the variable separated by commas.",
    ),
    key(
        "database.url",
        "ASSAY_DATABASE_URL",
        "\"\"",
        "`postgres://user:password@host/database`, or empty for SQLite in the data directory.",
    ),
    key("storage.url", "ASSAY_STORAGE_URL", "\"\"", "`s3://bucket/prefix`, or empty for files in the data directory."),
    key(
        "storage.endpoint",
        "ASSAY_STORAGE_ENDPOINT",
        "\"\"",
        "Address of the S3 service; empty for the one of the region.",
    ),
    key("storage.region", "ASSAY_STORAGE_REGION", "\"us-east-1\"", "S3 region."),
    key("storage.access_key", "ASSAY_STORAGE_ACCESS_KEY", "\"\"", "S3 access key id."),
    key("storage.secret_key", "ASSAY_STORAGE_SECRET_KEY", "\"\"", "S3 secret key."),
    key("limits.file_bytes", "ASSAY_LIMITS_FILE_BYTES", "21474836480", "Largest file that may be uploaded, in bytes."),
    key(
        "limits.archive.entries",
        "ASSAY_LIMITS_ARCHIVE_ENTRIES",
        "2000000",
        "Most entries that are read of one artifact, nested archives included.",
    ),
    key(
        "limits.archive.entry_bytes",
        "ASSAY_LIMITS_ARCHIVE_ENTRY_BYTES",
        "17179869184",
        "Most bytes that one entry may unpack to.",
    ),
    key(
        "limits.archive.total_bytes",
        "ASSAY_LIMITS_ARCHIVE_TOTAL_BYTES",
        "137438953472",
        "Most bytes that one artifact may unpack to.",
    ),
    key("limits.archive.ratio", "ASSAY_LIMITS_ARCHIVE_RATIO", "500", "Greatest ratio of unpacked to packed bytes."),
    key("limits.archive.depth", "ASSAY_LIMITS_ARCHIVE_DEPTH", "4", "How deep archives within archives are read."),
    key("limits.archive.path_bytes", "ASSAY_LIMITS_ARCHIVE_PATH_BYTES", "4096", "Longest path of an entry."),
    key(
        "limits.archive.metadata_bytes",
        "ASSAY_LIMITS_ARCHIVE_METADATA_BYTES",
        "33554432",
        "Largest metadata file or package database that is read.",
    ),
    key(
        "limits.archive.deadline",
        "ASSAY_LIMITS_ARCHIVE_DEADLINE",
        "600",
        "Seconds that one artifact may take to read.",
    ),
    key(
        "decisions.input_days",
        "ASSAY_DECISIONS_INPUT_DAYS",
        "400",
        "For how many days after the next decision about the same package a decision keeps the document that it was a function of. The decision in force always keeps it.",
    ),
    key(
        "notifications.quiet",
        "ASSAY_NOTIFICATIONS_QUIET",
        "3",
        "Seconds of quiet after which what belongs together goes as one message.",
    ),
    key(
        "notifications.retry",
        "ASSAY_NOTIFICATIONS_RETRY",
        "10",
        "Seconds until a message that was not taken is tried again; doubles with each attempt.",
    ),
    key("notifications.attempts", "ASSAY_NOTIFICATIONS_ATTEMPTS", "12", "Attempts after which a message is given up."),
    key(
        "notifications.pause_after_hours",
        "ASSAY_NOTIFICATIONS_PAUSE_AFTER_HOURS",
        "72",
        "Hours of nothing but failures after which a channel is paused.",
    ),
    key(
        "notifications.keep_days",
        "ASSAY_NOTIFICATIONS_KEEP_DAYS",
        "30",
        "Days that messages and their attempts are kept.",
    ),
    key(
        "dependency_track.repository",
        "ASSAY_DEPENDENCY_TRACK_REPOSITORY",
        "\"boms\"",
        "Repository for bills of materials that uploaders of Dependency-Track send; made when first needed.",
    ),
    key("sources.sync", "ASSAY_SOURCES_SYNC", "true", "Whether `serve` fetches the sources on a schedule."),
    key(
        "sources.cadence",
        "ASSAY_SOURCES_CADENCE",
        "0",
        "Seconds between two fetches of a source; 0 for each source's own (see `assay feeds status`).",
    ),
    key(
        "sources.stale_after",
        "ASSAY_SOURCES_STALE_AFTER",
        "4",
        "A source is stale when its last success is older than this many times its cadence; 0 for never.",
    ),
    key(
        "sources.osv",
        "ASSAY_SOURCES_OSV",
        "\"https://osv-vulnerabilities.storage.googleapis.com#PyPI,npm,crates.io,Go,Maven,NuGet,RubyGems,Packagist,Alpine,Debian\"",
        "OSV bulk export; after `#` the ecosystems to fetch. Empty turns the source off.",
    ),
    key(
        "sources.trivy-db",
        "ASSAY_SOURCES_TRIVY_DB",
        "\"\"",
        "Trivy's vulnerability database: `https://registry.example/owner/trivy-db:2`, or the address of a file. Empty turns the source off.",
    ),
    key(
        "sources.epss",
        "ASSAY_SOURCES_EPSS",
        "\"https://epss.empiricalsecurity.com/epss_scores-current.csv.gz\"",
        "EPSS scores of the day. Empty turns the source off.",
    ),
    key(
        "sources.kev",
        "ASSAY_SOURCES_KEV",
        "\"https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json\"",
        "CISA's catalogue of known exploited vulnerabilities. Empty turns the source off.",
    ),
    key(
        "sources.secdb",
        "ASSAY_SOURCES_SECDB",
        "\"\"",
        "Security databases of Alpine, Wolfi or Chainguard, files after `#`: `https://secdb.alpinelinux.org#v3.22/main.json,v3.22/community.json`.",
    ),
    key(
        "sources.debian-tracker",
        "ASSAY_SOURCES_DEBIAN_TRACKER",
        "\"\"",
        "Debian's security tracker, which knows what has no fix: `https://security-tracker.debian.org/tracker/data/json`.",
    ),
    key(
        "sources.updateinfo",
        "ASSAY_SOURCES_UPDATEINFO",
        "\"\"",
        "Announcements of rpm repositories, files after `#`: `https://mirror.example/8/BaseOS#repodata/updateinfo.xml.gz`.",
    ),
    key(
        "sources.csaf",
        "ASSAY_SOURCES_CSAF",
        "\"\"",
        "CSAF VEX documents of a publisher: `https://security.access.redhat.com/data/csaf/v2/vex`.",
    ),
    key(
        "sources.vex",
        "ASSAY_SOURCES_VEX",
        "\"\"",
        "A hub of VEX documents: an archive with an `index.json`. Empty turns the source off.",
    ),
    key(
        "sources.eol",
        "ASSAY_SOURCES_EOL",
        "\"https://endoflife.date/api/v1/products/full\"",
        "Ends of life of operating systems, languages and frameworks. Empty turns the source off.",
    ),
    key(
        "sources.scorecard",
        "ASSAY_SOURCES_SCORECARD",
        "\"https://api.securityscorecards.dev\"",
        "API of OpenSSF Scorecard, asked about the source repositories of stored packages. Empty turns the source off.",
    ),
    key(
        "sources.popularity",
        "ASSAY_SOURCES_POPULARITY",
        "\"https://hugovk.github.io/top-pypi-packages/top-pypi-packages.min.json\"",
        "Catalogues of popular packages, files after `#`. Empty turns the source off.",
    ),
    key(
        "sources.ssvc",
        "ASSAY_SOURCES_SSVC",
        "\"\"",
        "CISA's enrichment of CVE records (SSVC and CVSS), an archive or lines: `https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip`.",
    ),
];

const fn key(path: &'static str, variable: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { path, variable, default, help }
}

/// The reference of all keys, for `serve --help`.
pub fn reference() -> String {
    let mut text = String::from("Configuration (file key, variable, default):\n");
    for key in KEYS {
        text.push_str(&format!("  {}  {}  {}\n      {}\n", key.path, key.variable, key.default, key.help));
    }
    text
}

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
