//! From a distribution and its release to the ecosystem whose advisories hold for it.
//!
//! One line of the table adds a distribution. The files that tell the release are read elsewhere; other tools' names for
//! distributions (families) are understood as well as those of `os-release`.

/// What is known of a distribution.
#[derive(Debug, Clone, Copy)]
pub struct Distribution {
    /// `ID` of `os-release`, in lower case.
    pub id: &'static str,
    /// Its family, as bills of materials and reports name it; the `distro` of package URLs begins with it.
    pub family: &'static str,
    /// Namespace of its package URLs, where it is not that of the ecosystem.
    pub namespace: Option<&'static str>,
    /// The ecosystem of a release; empty when nobody publishes advisories for it.
    ecosystem: fn(&str) -> String,
}

const fn known(id: &'static str, family: &'static str, ecosystem: fn(&str) -> String) -> Distribution {
    Distribution { id, family, namespace: None, ecosystem }
}

const fn in_namespace(
    id: &'static str,
    family: &'static str,
    namespace: &'static str,
    ecosystem: fn(&str) -> String,
) -> Distribution {
    Distribution { id, family, namespace: Some(namespace), ecosystem }
}

static DISTRIBUTIONS: &[Distribution] = &[
    known("alpine", "alpine", alpine),
    known("debian", "debian", |version| with("Debian:", major(version))),
    known("ubuntu", "ubuntu", ubuntu),
    known("echo", "echo", |_| "Echo".to_owned()),
    known("wolfi", "wolfi", |_| "Wolfi".to_owned()),
    known("chainguard", "chainguard", |_| "Chainguard".to_owned()),
    known("minimos", "minimos", |_| "MinimOS".to_owned()),
    known("alpaquita", "alpaquita", |version| with("Alpaquita:", first(version))),
    known("bellsoft-hardened-containers", "bellsoft-hardened-containers", |version| {
        with("BellSoft Hardened Containers:", first(version))
    }),
    known("cleanstart", "cleanstart", |_| "CleanStart".to_owned()),
    known("rhel", "redhat", red_hat),
    known("centos", "centos", centos),
    known("almalinux", "alma", |version| with("AlmaLinux:", major(version))),
    known("rocky", "rocky", |version| with("Rocky Linux:", major(version))),
    known("ol", "oracle", |version| with("Oracle Linux:", major(version))),
    known("amzn", "amazon", amazon),
    in_namespace("fedora", "fedora", "fedora", |_| String::new()),
    known("azurelinux", "azurelinux", |version| with("Azure Linux:", major(version))),
    known("mariner", "cbl-mariner", |version| with("Azure Linux:", major(version))),
    known("photon", "photon", |version| with("Photon OS:", &minor(version))),
    known("mageia", "mageia", |version| with("Mageia:", major(version))),
    known("openeuler", "openeuler", |version| with("openEuler:", first(version))),
    known("opensuse-leap", "opensuse-leap", |version| with("openSUSE:Leap ", &minor(version))),
    known("opensuse-leap-micro", "opensuse-leap-micro", |version| with("openSUSE:Leap Micro ", &minor(version))),
    known("opensuse-tumbleweed", "opensuse-tumbleweed", |_| "openSUSE:Tumbleweed".to_owned()),
    known("opensuse-microos", "opensuse-tumbleweed", |_| "openSUSE:Tumbleweed".to_owned()),
    known("opensuse", "opensuse", |version| with("openSUSE:", &minor(version))),
    known("sles", "sles", suse_server),
    in_namespace("sles_sap", "sles", "suse", |version| {
        service_pack("SUSE:Linux Enterprise Server for SAP Applications ", version)
    }),
    in_namespace("sled", "sled", "suse", |version| service_pack("SUSE:Linux Enterprise Desktop ", version)),
    in_namespace("sle_hpc", "sles", "suse", |version| {
        service_pack("SUSE:Linux Enterprise High Performance Computing ", version)
    }),
    in_namespace("sle-micro", "slem", "suse", |version| with("SUSE:Linux Enterprise Micro ", &minor(version))),
    in_namespace("sl-micro", "slem", "suse", |version| with("SUSE:Linux Micro ", &minor(version))),
    known("bottlerocket", "bottlerocket", |_| "Bottlerocket".to_owned()),
    known("arch", "arch", |_| String::new()),
    known("gentoo", "gentoo", |_| String::new()),
];

/// Other names, to the `ID` that they mean.
const ALIASES: [(&str, &str); 15] = [
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("azure-linux", "azurelinux"),
    ("azure", "azurelinux"),
    ("cbl-mariner", "mariner"),
    ("oracle", "ol"),
    ("oraclelinux", "ol"),
    ("redhat", "rhel"),
    ("rocky-linux", "rocky"),
    ("slem", "sle-micro"),
    ("sle-micro-rancher", "sle-micro"),
    ("suse", "sles"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("archarm", "arch"),
];

/// The distribution of an `ID` of `os-release`, of a family, or of one of their other spellings.
pub fn distribution(id: &str) -> Option<&'static Distribution> {
    let id = id.to_ascii_lowercase();
    let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id.as_str(), |(_, id)| id);
    DISTRIBUTIONS.iter().find(|known| known.id == id)
}

/// OSV's name of the ecosystem, with the release as OSV writes it (`Debian:12`); where OSV has none, a name of the same
/// form. Empty when nobody publishes advisories for this distribution, or its release is needed and not known.
pub fn of_release(id: &str, version: &str) -> String {
    distribution(id).map_or_else(String::new, |known| (known.ecosystem)(version.trim()))
}

fn with(prefix: &str, release: &str) -> String {
    if release.is_empty() { String::new() } else { format!("{prefix}{release}") }
}

/// `2 (Karoo)` is release 2.
fn first(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or_default()
}

fn major(version: &str) -> &str {
    first(version).split('.').next().unwrap_or_default()
}

fn minor(version: &str) -> String {
    let mut parts = first(version).split('.');
    match (parts.next().unwrap_or_default(), parts.next()) {
        (major, Some(minor)) => format!("{major}.{minor}"),
        (major, None) => major.to_owned(),
    }
}

fn alpine(version: &str) -> String {
    let release = minor(version);
    let is_released = release.split('.').all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    match version {
        "" => String::new(),
        "edge" => "Alpine:edge".to_owned(),
        // A snapshot between releases: 3.21_alpha20240923.
        _ if !is_released => "Alpine:edge".to_owned(),
        _ => format!("Alpine:v{release}"),
    }
}

/// April releases of even years are supported for long, and OSV says so in the name.
fn ubuntu(version: &str) -> String {
    let version = minor(version);
    let long = version.strip_suffix(".04").and_then(|year| year.parse::<u32>().ok()).is_some_and(|year| year % 2 == 0);
    if long && version != "6.04" { format!("Ubuntu:{version}:LTS") } else { with("Ubuntu:", &version) }
}

/// OSV names the repositories of this one by CPE (`enterprise_linux:9::appstream`). Which of them a package came from is not
/// told on the system, so the name is that of the release alone.
fn red_hat(version: &str) -> String {
    with("Red Hat:", major(version))
}

/// Up to 8, its packages are those of Red Hat Enterprise Linux, rebuilt under the same versions. Later there is only Stream.
fn centos(version: &str) -> String {
    match major(version).parse() {
        Ok(0..=8_u32) => with("CentOS:", major(version)),
        _ => String::new(),
    }
}

/// The first one was numbered by year and month.
fn amazon(version: &str) -> String {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    match number.map(major) {
        None => String::new(),
        Some("2010" | "2011" | "2012" | "2013" | "2014" | "2015" | "2016" | "2017" | "2018") => {
            "Amazon Linux:1".to_owned()
        }
        Some(major) => with("Amazon Linux:", major),
    }
}

fn suse_server(version: &str) -> String {
    service_pack("SUSE:Linux Enterprise Server ", version)
}

/// `15.4` is version 15 with service pack 4. From 16 on the minor number is part of the version.
fn service_pack(prefix: &str, version: &str) -> String {
    let number = minor(version);
    match number.split_once('.') {
        Some((major, "0")) if major != "16" => with(prefix, major),
        Some((major, pack)) if major.parse().is_ok_and(|major: u32| major < 16) => format!("{prefix}{major} SP{pack}"),
        _ => with(prefix, &number),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{ALIASES, DISTRIBUTIONS, distribution, of_release};
    use crate::ecosystem;

    #[test]
    fn releases_have_the_names_that_advisories_use() {
        for (id, version, expected) in [
            ("alpine", "3.10.4", "Alpine:v3.10"),
            ("alpine", "3.21_alpha20240923", "Alpine:edge"),
            ("alpine", "edge", "Alpine:edge"),
            ("debian", "12.5", "Debian:12"),
            ("debian", "", ""),
            ("ubuntu", "22.04", "Ubuntu:22.04:LTS"),
            ("ubuntu", "23.10", "Ubuntu:23.10"),
            ("ubuntu", "23.04", "Ubuntu:23.04"),
            ("rhel", "8.4", "Red Hat:8"),
            ("redhat", "10.0", "Red Hat:10"),
            ("centos", "7.6.1810", "CentOS:7"),
            ("centos", "9", ""),
            ("almalinux", "9.3", "AlmaLinux:9"),
            ("rocky", "8.5", "Rocky Linux:8"),
            ("ol", "7.9", "Oracle Linux:7"),
            ("amzn", "2 (Karoo)", "Amazon Linux:2"),
            ("amzn", "AMI release 2018.03", "Amazon Linux:1"),
            ("amzn", "2023", "Amazon Linux:2023"),
            ("fedora", "40", ""),
            ("mariner", "2.0.20220226", "Azure Linux:2"),
            ("azurelinux", "3.0", "Azure Linux:3"),
            ("photon", "3.0", "Photon OS:3.0"),
            ("openEuler", "24.03-LTS-SP1", "openEuler:24.03-LTS-SP1"),
            ("opensuse-leap", "15.5", "openSUSE:Leap 15.5"),
            ("opensuse-tumbleweed", "20240101", "openSUSE:Tumbleweed"),
            ("sles", "15.4", "SUSE:Linux Enterprise Server 15 SP4"),
            ("sles", "15", "SUSE:Linux Enterprise Server 15"),
            ("sles", "16.0", "SUSE:Linux Enterprise Server 16.0"),
            ("sle-micro", "5.3", "SUSE:Linux Enterprise Micro 5.3"),
            ("sl-micro", "6.0", "SUSE:Linux Micro 6.0"),
            ("wolfi", "20230201", "Wolfi"),
            ("plan9", "4", ""),
        ] {
            assert_eq!(of_release(id, version), expected, "{id} {version}");
        }
    }

    #[test]
    fn every_ecosystem_that_is_named_has_a_law() {
        for known in DISTRIBUTIONS {
            let ecosystem = of_release(known.id, "3.1");
            assert!(ecosystem.is_empty() || ecosystem::of(&ecosystem).is_some(), "{ecosystem}");
            assert!(of_release(known.id, "").len() < 64);
        }
        for (alias, id) in ALIASES {
            assert_eq!(distribution(alias).unwrap().id, id);
        }
    }
}
