//! What the buckets of the database are about: an ecosystem, and how its entries are to be read.

use crate::statement::Named;
use assay_model::ecosystem;

/// A bucket with one bucket per package.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Packages of a language, from one database.
    Language {
        /// OSV's name.
        ecosystem: String,
    },
    /// A release of a distribution.
    Distribution(Family),
    /// Red Hat's, for all its products at once.
    RedHat,
    /// One record per vulnerability.
    Vulnerability,
    /// Not about vulnerabilities.
    Other,
    /// Of no known kind.
    Unknown,
}

/// How the entries of a distribution are to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    /// With release.
    pub(super) ecosystem: String,
    pub(super) named: Named,
    /// Whether an entry without a fixed version says that nothing fixes it yet; in others it says nothing.
    pub(super) unfixed: bool,
    /// Whether an epoch of 0 is left out where the fixed version is shown.
    pub(super) plain_epoch: bool,
}

pub(super) const DATA_SOURCE: &str = "data-source";
pub(super) const RED_HAT_CPE: &str = "Red Hat CPE";
const RED_HAT: &str = "Red Hat";
const VULNERABILITY: &str = "vulnerability";
/// Buckets that say nothing about packages.
const OTHERS: [&str; 7] =
    [DATA_SOURCE, RED_HAT_CPE, "trivy", "metadata", "vulnerability-id", "vulnerability-detail", "advisory-detail"];

/// Prefix of a bucket's name, ecosystem, and how it is read. The release follows the prefix.
type Line = (&'static str, &'static str, Named, bool, bool);

/// The longer prefix first where one is another's beginning.
const DISTRIBUTIONS: &[Line] = &[
    ("alpine ", "Alpine", Named::Source, true, false),
    ("debian ", "Debian", Named::Source, true, false),
    ("ubuntu ", "Ubuntu", Named::Source, true, false),
    ("wolfi", "Wolfi", Named::Source, true, false),
    ("chainguard", "Chainguard", Named::Source, true, false),
    ("minimos", "MinimOS", Named::Source, true, false),
    ("echo", "Echo", Named::Source, true, false),
    ("amazon linux ", "Amazon Linux", Named::Binary, false, false),
    ("alma ", "AlmaLinux", Named::Binary, false, true),
    ("rocky ", "Rocky Linux", Named::Binary, false, true),
    ("Oracle Linux ", "Oracle Linux", Named::Binary, false, false),
    ("Photon OS ", "Photon OS", Named::Source, false, false),
    ("Azure Linux ", "Azure Linux", Named::Source, true, true),
    ("CBL-Mariner ", "Azure Linux", Named::Source, true, true),
    ("openSUSE Tumbleweed", "openSUSE:Tumbleweed", Named::Binary, false, false),
    ("openSUSE Leap Micro ", "openSUSE:Leap Micro ", Named::Binary, false, false),
    ("openSUSE Leap ", "openSUSE:Leap ", Named::Binary, false, false),
    ("SUSE Linux Enterprise Micro ", "SUSE:Linux Enterprise Micro ", Named::Binary, false, false),
    ("SUSE Linux Enterprise ", "SUSE", Named::Binary, false, false),
];

pub(super) fn kind(name: &str) -> Kind {
    if let Some((prefix, _)) = name.split_once("::") {
        let law = ecosystem::of_any_name(prefix).filter(|law| !law.is_distribution());
        return law.map_or(Kind::Unknown, |law| Kind::Language { ecosystem: law.osv.to_owned() });
    }
    match name {
        VULNERABILITY => return Kind::Vulnerability,
        RED_HAT => return Kind::RedHat,
        other if OTHERS.contains(&other) => return Kind::Other,
        _ => {}
    }
    let line = DISTRIBUTIONS.iter().find_map(|line| Some((line, name.strip_prefix(line.0)?)));
    let Some(((_, base, named, unfixed, plain_epoch), release)) = line else { return Kind::Unknown };
    Kind::Distribution(Family {
        ecosystem: ecosystem_of(base, release),
        named: *named,
        unfixed: *unfixed,
        plain_epoch: *plain_epoch,
    })
}

fn ecosystem_of(base: &str, release: &str) -> String {
    let full = match (base, release.strip_suffix("-ESM")) {
        ("Ubuntu", Some(release)) => format!("{base}:Pro:{release}"),
        (base, _) if release.is_empty() || base.ends_with(' ') => format!("{base}{release}"),
        (base, _) => format!("{base}:{release}"),
    };
    ecosystem::canonical(&full).into_owned()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_ecosystem() {
        for (name, expected) in [
            ("alpine 3.10", "Alpine:v3.10"),
            ("alpine edge", "Alpine:edge"),
            ("debian 10", "Debian:10"),
            ("ubuntu 18.04", "Ubuntu:18.04:LTS"),
            ("ubuntu 18.04-ESM", "Ubuntu:Pro:18.04:LTS"),
            ("amazon linux 2", "Amazon Linux:2"),
            ("CBL-Mariner 1.0", "Azure Linux:1"),
            ("Azure Linux 3.0", "Azure Linux:3"),
            ("openSUSE Leap 15.1", "openSUSE:Leap 15.1"),
            ("openSUSE Tumbleweed", "openSUSE:Tumbleweed"),
            ("openSUSE Leap Micro 6.0", "openSUSE:Leap Micro 6.0"),
            ("SUSE Linux Enterprise 15-SP3", "SUSE:15.3"),
            ("SUSE Linux Enterprise 15.5", "SUSE:15.5"),
            ("SUSE Linux Enterprise Micro 5.3", "SUSE:Linux Enterprise Micro 5.3"),
            ("Oracle Linux 8", "Oracle Linux:8"),
            ("Photon OS 3.0", "Photon OS:3.0"),
            ("wolfi", "Wolfi"),
        ] {
            let Kind::Distribution(family) = kind(name) else { panic!("{name} is no distribution") };
            assert_eq!(family.ecosystem, expected);
        }
        for (name, expected) in [
            ("pip::GitHub Security Advisory Pip", "PyPI"),
            ("go::x", "Go"),
            ("erlang::x", "Hex"),
            ("cocoapods::x", "CocoaPods"),
            ("k8s::Official Kubernetes CVE Feed", "Kubernetes"),
            ("conan::x", "ConanCenter"),
            ("rubygems::x", "RubyGems"),
            ("bitnami::x", "Bitnami"),
            ("composer::x", "Packagist"),
            ("swift::x", "SwiftURL"),
            ("nuget::x", "NuGet"),
            ("cargo::Open Source Vulnerability", "crates.io"),
        ] {
            assert_eq!(kind(name), Kind::Language { ecosystem: expected.to_owned() }, "{name}");
        }
        assert_eq!(
            (kind("data-source"), kind("Red Hat"), kind("nowhere 1")),
            (Kind::Other, Kind::RedHat, Kind::Unknown)
        );
        assert_eq!(kind("seal::x"), Kind::Unknown);
    }
}
