//! Who writes which ids: the key under which a database's scores are shown, and whose words come first.

/// A database of advisories.
pub(super) struct Database {
    /// Key of its scores in a finding.
    pub(super) key: &'static str,
    prefixes: &'static [&'static str],
}

/// In the order in which their summaries are preferred; ids are tried from the top, so longer prefixes come first.
static DATABASES: &[Database] = &[
    Database { key: "ghsa", prefixes: &["GHSA-"] },
    Database { key: "rustsec", prefixes: &["RUSTSEC-"] },
    Database { key: "go", prefixes: &["GO-"] },
    Database { key: "pypa", prefixes: &["PYSEC-"] },
    Database { key: "drupal", prefixes: &["DSA-CONTRIB-", "DSA-CORE-", "DRUPAL-"] },
    Database { key: "bitnami", prefixes: &["BIT-"] },
    Database { key: "nvd", prefixes: &["CVE-"] },
    // Every database without a line of its own.
    Database { key: crate::osv::SPEC.id, prefixes: &[] },
    Database { key: "debian", prefixes: &["DSA-", "DLA-", "DTSA-", "DEBIAN-"] },
    Database { key: "ubuntu", prefixes: &["USN-", "UBUNTU-", "LSN-"] },
    Database { key: "alpine", prefixes: &["ALPINE-"] },
    Database { key: "almalinux", prefixes: &["ALSA-", "ALBA-", "ALEA-"] },
    Database { key: "rocky", prefixes: &["RLSA-", "RXSA-", "RLBA-", "RLEA-"] },
    Database { key: "redhat", prefixes: &["RHSA-", "RHBA-", "RHEA-"] },
    Database { key: "suse", prefixes: &["SUSE-", "openSUSE-"] },
    Database { key: "mageia", prefixes: &["MGASA-"] },
    Database { key: "openeuler", prefixes: &["OESA-"] },
    Database { key: "azure", prefixes: &["AZL-"] },
    Database { key: "chainguard", prefixes: &["CGA-"] },
];

/// Whether a record with this id may list several vulnerabilities as if they were names of one. Distributions do, and of
/// a database that is not known here it cannot be told.
pub(super) fn may_bundle(id: &str) -> bool {
    let other = DATABASES.iter().position(|database| database.prefixes.is_empty());
    other.is_some_and(|other| of(id).0 >= other)
}

/// The database of an id, with its place in the order of preference.
pub(super) fn of(id: &str) -> (usize, &'static str) {
    let wrote = |database: &Database| database.prefixes.iter().any(|prefix| id.starts_with(prefix));
    let other = |database: &Database| database.prefixes.is_empty();
    let place = DATABASES.iter().position(wrote).or_else(|| DATABASES.iter().position(other)).unwrap_or_default();
    (place, DATABASES[place].key)
}
