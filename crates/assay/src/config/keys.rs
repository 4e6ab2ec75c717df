//! Every key of the configuration, with its variable, default and meaning.

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
