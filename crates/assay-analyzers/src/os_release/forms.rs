//! The forms in which files tell a release.

use assay_model::ecosystem;
use assay_model::inventory::OsRelease;
use serde_json::Value;

use crate::part::field;
use crate::release::{ADVANTAGE, REPOSITORIES};

/// Debian names releases before it numbers them.
const DEBIAN_NAMES: [(&str, &str); 11] = [
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];

/// How the files of one line begin, and whose they are. The longer of two that begin alike comes first.
const PRODUCTS: [(&str, &str); 17] = [
    ("Red Hat", "rhel"),
    ("CentOS", "centos"),
    ("Oracle Linux", "ol"),
    ("Enterprise Linux Enterprise Linux", "ol"),
    ("Rocky Linux", "rocky"),
    ("AlmaLinux", "almalinux"),
    ("Fedora", "fedora"),
    (AMAZON, "amzn"),
    ("VMware Photon", "photon"),
    ("Photon", "photon"),
    ("CBL-Mariner", "mariner"),
    ("Microsoft Azure Linux", "azurelinux"),
    ("Azure Linux", "azurelinux"),
    ("Mageia", "mageia"),
    ("openEuler", "openeuler"),
    ("openSUSE", "opensuse"),
    ("SUSE Linux Enterprise", "sles"),
];

const AMAZON: &str = "Amazon Linux";
/// Ahead of Red Hat Enterprise Linux and numbered differently: no advisories are published for it.
const STREAM: &str = "Stream";

pub(super) enum Said {
    Release(OsRelease),
    /// As it should be, but of no consequence.
    Nothing,
    /// Not what the path promises.
    Unclear,
}

impl From<Option<OsRelease>> for Said {
    fn from(found: Option<OsRelease>) -> Self {
        found.map_or(Self::Unclear, Self::Release)
    }
}

pub(super) fn read(path: &str, text: &str) -> Said {
    if path == REPOSITORIES {
        return repositories(text, path).map_or(Said::Nothing, Said::Release);
    }
    if path == ADVANTAGE {
        return advantage(text, path);
    }
    match path.rsplit('/').next() {
        Some("os-release") => os_release(text, path).into(),
        Some("alpine-release") => plain("alpine", "Alpine Linux", text, path).into(),
        Some("debian_version") => plain("debian", "Debian GNU/Linux", text, path).into(),
        Some("lsb-release") => lsb_release(text, path).map_or(Said::Nothing, Said::Release),
        Some("SuSE-release") => suse_release(text, path).into(),
        // Distributions without an own form may put anything here.
        Some("system-release") => one_line(text, path).map_or(Said::Nothing, Said::Release),
        _ => one_line(text, path).into(),
    }
}

fn release(id: &str, version: &str, name: String, path: &str) -> OsRelease {
    let ecosystem = match id == "centos" && name.contains(STREAM) {
        true => String::new(),
        false => ecosystem::of_release(id, version),
    };
    OsRelease { id: id.to_owned(), version: version.to_owned(), name, ecosystem, path: path.to_owned() }
}

/// A file that holds nothing but a version, or for unreleased Debian a name (`trixie/sid`).
fn plain(id: &str, name: &str, text: &str, path: &str) -> Option<OsRelease> {
    let stated = field(text.lines().next())?;
    let version = debian_number(id, &stated).unwrap_or(&stated).to_owned();
    Some(release(id, &version, format!("{name} {stated}"), path))
}

fn os_release(text: &str, path: &str) -> Option<OsRelease> {
    let get = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        field(Some(&unquoted(line.trim())))
    };
    let id = get("ID").map(|id| id.to_lowercase()).filter(|id| is_plain(id))?;
    let version = get("VERSION_ID").or_else(|| {
        let name = get("VERSION_CODENAME").or_else(|| get("PRETTY_NAME"))?;
        debian_number(&id, &name).map(str::to_owned)
    });
    let mut version = version.unwrap_or_default();
    if id == "openeuler"
        && let Some((_, edition)) = get("VERSION").as_deref().and_then(|version| version.split_once('('))
    {
        // Service packs are releases of their own, but VERSION_ID does not tell them.
        version = format!("{version}-{}", edition.trim_end_matches(')').trim());
    }
    let name = get("PRETTY_NAME").unwrap_or_else(|| format!("{id} {version}").trim().to_owned());
    Some(release(&id, &version, name, path))
}

/// The Linux Standard Base's. Its names are only compared with those that are known.
fn lsb_release(text: &str, path: &str) -> Option<OsRelease> {
    let get = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        field(Some(&unquoted(line.trim())))
    };
    let id = ecosystem::distribution(&get("DISTRIB_ID")?)?.id;
    let version = get("DISTRIB_RELEASE")?;
    let name = get("DISTRIB_DESCRIPTION").unwrap_or_else(|| format!("{id} {version}"));
    Some(release(id, &version, name, path))
}

/// `CentOS Linux release 7.6.1810 (Core)`, `CBL-Mariner 2.0.20220226`.
fn one_line(text: &str, path: &str) -> Option<OsRelease> {
    let line = field(text.lines().next())?;
    let (prefix, id) = PRODUCTS.iter().find(|(prefix, _)| line.starts_with(prefix))?;
    let rest = line.strip_prefix(prefix)?.trim();
    let version = match *prefix == AMAZON {
        // What follows the number is part of how this one is called: `2 (Karoo)`, `AMI release 2018.03`.
        true => rest.strip_prefix("release ").unwrap_or(rest),
        false => rest.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?,
    };
    let version = version.to_owned();
    Some(release(id, &version, line, path))
}

/// The product on the first line, then `VERSION = 11` and `PATCHLEVEL = 4`.
fn suse_release(text: &str, path: &str) -> Option<OsRelease> {
    let mut found = one_line(text, path)?;
    let get = |key: &str| {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim().strip_prefix('='))?;
        field(Some(value))
    };
    if let Some(version) = get("VERSION") {
        found.version = match get("PATCHLEVEL").filter(|level| level != "0") {
            Some(level) if !version.contains('.') => format!("{version}.{level}"),
            _ => version,
        };
        found.ecosystem = ecosystem::of_release(&found.id, &found.version);
    }
    Some(found)
}

/// The newest release that Alpine's packages come from. Repositories with a tag serve single packages only.
fn repositories(text: &str, path: &str) -> Option<OsRelease> {
    let releases = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '@'])).filter_map(|line| {
        let mut parts = line.trim_end_matches('/').rsplit('/').skip(1);
        let release = parts.next()?;
        let (major, minor) = match release {
            "edge" => (u32::MAX, 0),
            _ => {
                let (major, minor) = release.strip_prefix('v')?.split_once('.')?;
                (major.parse().ok()?, minor.parse::<u32>().ok()?)
            }
        };
        Some(((major, minor), release.trim_start_matches('v')))
    });
    let (_, version) = releases.max()?;
    Some(release("alpine", version, format!("Alpine Linux {version}"), path))
}

/// Whether security maintenance beyond the standard term is on.
fn advantage(text: &str, path: &str) -> Said {
    let Ok(status) = serde_json::from_str::<Value>(text) else { return Said::Unclear };
    let is_on = |service: &Value| service["name"] == "esm-infra" && service["status"] == "enabled";
    match status["services"].as_array().is_some_and(|services| services.iter().any(is_on)) {
        true => Said::Release(release("ubuntu", "", "Ubuntu Pro".to_owned(), path)),
        false => Said::Nothing,
    }
}

fn is_plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The value as a shell would read it.
fn unquoted(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let mut out = String::new();
    let mut escaped = false;
    for c in inner.unwrap_or(value).chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

fn debian_number<'a>(id: &str, stated: &str) -> Option<&'a str> {
    let named = |(name, number): &(&str, &'a str)| stated.contains(name).then_some(*number);
    (id == "debian").then(|| DEBIAN_NAMES.iter().find_map(named)).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Said, os_release, plain, read};
    use assay_model::inventory::OsRelease;

    #[test]
    fn os_release_in_the_wild() {
        for (text, id, version, ecosystem) in [
            ("ID=alpine\nVERSION_ID=3.10.4\n", "alpine", "3.10.4", "Alpine:v3.10"),
            ("ID=debian\nVERSION_ID=\"12\"\n", "debian", "12", "Debian:12"),
            ("PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nID=debian\n", "debian", "13", "Debian:13"),
            ("ID='ubuntu'\nVERSION_ID=\"22.04\"", "ubuntu", "22.04", "Ubuntu:22.04:LTS"),
            ("ID=wolfi\nVERSION_ID=20230201\n", "wolfi", "20230201", "Wolfi"),
            ("ID=\"rhel\"\nVERSION_ID=\"9.2\"\n", "rhel", "9.2", "Red Hat:9"),
            (
                "NAME=\"CentOS Stream\"\nID=\"centos\"\nVERSION_ID=\"8\"\nPRETTY_NAME=\"CentOS Stream 8\"",
                "centos",
                "8",
                "",
            ),
            (
                "ID=\"openEuler\"\nVERSION=\"22.03 (LTS-SP3)\"\nVERSION_ID=\"22.03\"",
                "openeuler",
                "22.03-LTS-SP3",
                "openEuler:22.03-LTS-SP3",
            ),
            ("ID=\"sles\"\nVERSION_ID=\"15.4\"\n", "sles", "15.4", "SUSE:Linux Enterprise Server 15 SP4"),
            ("ID=plan9\nVERSION_ID=4\n", "plan9", "4", ""),
            ("ID=debian\n", "debian", "", ""),
            ("ID=arch\nPRETTY_NAME=\"Arch Linux\"\n", "arch", "", ""),
        ] {
            let found = os_release(text, "etc/os-release").unwrap();
            assert_eq!((&*found.id, &*found.version, &*found.ecosystem), (id, version, ecosystem), "{text}");
        }
        assert!(os_release("NAME=x\n", "p").is_none());
        assert!(os_release("ID=a b/../c\n", "p").is_none());
        assert_eq!(plain("debian", "Debian", "forky/sid\n", "p").unwrap().ecosystem, "Debian:14");
        assert_eq!(plain("debian", "Debian", "11.6\n", "p").unwrap().ecosystem, "Debian:11");
        assert_eq!(plain("alpine", "Alpine", "3.9.0\n", "p").unwrap().ecosystem, "Alpine:v3.9");
    }

    #[test]
    fn quotes_are_read_as_a_shell_does() {
        let found = os_release("ID=\"x\"\nPRETTY_NAME=\"a \\\"b\\\" \\$c\"\n", "p").unwrap();
        assert_eq!(found.name, "a \"b\" $c");
    }

    fn release(path: &str, text: &str) -> Option<OsRelease> {
        match read(path, text) {
            Said::Release(found) => Some(found),
            _ => None,
        }
    }

    #[test]
    fn files_of_distributions() {
        for (path, text, id, version) in [
            ("etc/redhat-release", "Red Hat Enterprise Linux Server release 7.7 (Maipo)\n", "rhel", "7.7"),
            ("etc/redhat-release", "Red Hat Enterprise Linux release 10.0 (Coughlan)\n", "rhel", "10.0"),
            ("etc/centos-release", "CentOS Linux release 7.6.1810 (Core) \n", "centos", "7.6.1810"),
            ("etc/centos-release", "CentOS Stream release 9\n", "centos", "9"),
            ("etc/redhat-release", "CentOS release 6.10 (Final)\n", "centos", "6.10"),
            ("etc/rocky-release", "Rocky Linux release 8.5 (Green Obsidian)\n", "rocky", "8.5"),
            ("etc/almalinux-release", "AlmaLinux release 9.3 (Shamrock Pampas Cat)\n", "almalinux", "9.3"),
            ("etc/oracle-release", "Oracle Linux Server release 8.5\n", "ol", "8.5"),
            ("etc/fedora-release", "Fedora release 35 (Thirty Five)\n", "fedora", "35"),
            ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn", "2 (Karoo)"),
            ("etc/system-release", "Amazon Linux AMI release 2018.03\n", "amzn", "AMI release 2018.03"),
            ("usr/lib/system-release", "Amazon Linux release 2023 (Amazon Linux)\n", "amzn", "2023 (Amazon Linux)"),
            ("etc/mariner-release", "CBL-Mariner 2.0.20220226\nMARINER_BUILD_NUMBER=1\n", "mariner", "2.0.20220226"),
            ("etc/azurelinux-release", "Microsoft Azure Linux 3.0.20240727\n", "azurelinux", "3.0.20240727"),
            ("etc/photon-release", "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=1\n", "photon", "4.0"),
            (
                "etc/SuSE-release",
                "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
                "sles",
                "11.4",
            ),
            ("etc/SuSE-release", "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n", "opensuse", "13.2"),
            ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n", "ubuntu", "18.04"),
        ] {
            let found = release(path, text).unwrap_or_else(|| panic!("{path}: {text}"));
            assert_eq!((&*found.id, &*found.version), (id, version), "{text}");
        }
        assert!(matches!(read("etc/redhat-release", "Something else\n"), Said::Unclear));
        assert!(matches!(read("etc/lsb-release", "LSB_VERSION=1.4\n"), Said::Nothing));
    }

    #[test]
    fn repositories_of_alpine() {
        let version = |text: &str| release("etc/apk/repositories", text).map(|found| found.version);
        let both = "#https://m.example/alpine/edge/main\nhttps://m.example/alpine/v3.9/main\nhttps://m.example/alpine/v3.18/community/\n";
        assert_eq!(version(both).as_deref(), Some("3.18"));
        assert_eq!(
            version("http://m.example/alpine/v3.18/main\nhttp://m.example/alpine/edge/testing").as_deref(),
            Some("edge")
        );
        assert_eq!(version("@edge http://m.example/alpine/edge/testing\n/media/cdrom/apks\n"), None);
        assert_eq!(version("https://packages.example/os\n"), None);
    }

    #[test]
    fn subscriptions_of_ubuntu() {
        let path = "var/lib/ubuntu-advantage/status.json";
        let status = |on: &str| format!(r#"{{"services":[{{"name":"esm-infra","status":"{on}"}}]}}"#);
        assert!(release(path, &status("enabled")).is_some());
        assert!(matches!(read(path, &status("disabled")), Said::Nothing));
        assert!(matches!(read(path, "no"), Said::Unclear));
    }
}
