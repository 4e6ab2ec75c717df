//! The operating system's release: `os-release` (freedesktop.org) and what distributions had before it.

use assay_archive::{Budget, Limits};
use assay_model::inventory::{Inventory, OsRelease};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::part::{Part, corrupt, field, text};
use crate::release;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "os-release",
    revision: 1,
    reads: Reads::System,
    summary: "etc/os-release, usr/lib/os-release, etc/alpine-release, etc/debian_version: distribution and release",
};

/// Debian names releases before it numbers them.
const DEBIAN_NAMES: [(&str, &str); 9] = [
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

pub(crate) struct OsReleaseFile;

impl Analyzer for OsReleaseFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        release::PATHS.contains(&entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for OsReleaseFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = text(bytes, budget)?;
        let found = match entry.path.rsplit('/').next() {
            Some("alpine-release") => plain("alpine", "Alpine Linux", &text, entry.path),
            Some("debian_version") => plain("debian", "Debian GNU/Linux", &text, entry.path),
            _ => os_release(&text, entry.path),
        };
        let found = found.ok_or_else(|| corrupt(format!("{} names no operating system", entry.path)))?;
        release::keep_better(&mut out.os, found);
        Ok(())
    }
}

/// A file that holds nothing but a version, or for unreleased Debian a name (`trixie/sid`).
fn plain(id: &str, name: &str, text: &str, path: &str) -> Option<OsRelease> {
    let stated = field(text.lines().next())?;
    let version = debian_number(id, &stated).unwrap_or(&stated).to_owned();
    Some(OsRelease {
        id: id.to_owned(),
        name: format!("{name} {stated}"),
        ecosystem: ecosystem(id, &version),
        version,
        path: path.to_owned(),
    })
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
    let version = version.unwrap_or_default();
    let name = get("PRETTY_NAME").unwrap_or_else(|| format!("{id} {version}").trim().to_owned());
    let ecosystem = ecosystem(&id, &version);
    Some(OsRelease { id, version, name, ecosystem, path: path.to_owned() })
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

/// OSV's name with the release as OSV writes it; empty where OSV has none, or the release is unknown.
fn ecosystem(id: &str, version: &str) -> String {
    let major = version.split('.').next().unwrap_or_default();
    let mut parts = version.split('.');
    let minor = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()].join(".");
    match id {
        "wolfi" => "Wolfi".to_owned(),
        "chainguard" => "Chainguard".to_owned(),
        "minimos" => "MinimOS".to_owned(),
        _ if version.is_empty() => String::new(),
        // A snapshot between releases: 3.21_alpha20240923.
        "alpine" if version.contains("_alpha") => "Alpine:edge".to_owned(),
        "alpine" => format!("Alpine:v{minor}"),
        "debian" => format!("Debian:{major}"),
        "ubuntu" => ubuntu(version),
        "almalinux" => format!("AlmaLinux:{major}"),
        "rocky" => format!("Rocky Linux:{major}"),
        "opensuse-leap" => format!("openSUSE:Leap {version}"),
        "opensuse-tumbleweed" => "openSUSE:Tumbleweed".to_owned(),
        _ => String::new(),
    }
}

/// April releases of even years are supported for long, and OSV says so in the name.
fn ubuntu(version: &str) -> String {
    let long = version.strip_suffix(".04").and_then(|year| year.parse::<u32>().ok()).is_some_and(|year| year % 2 == 0);
    if long { format!("Ubuntu:{version}:LTS") } else { format!("Ubuntu:{version}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{os_release, plain};

    #[test]
    fn releases_have_the_names_that_advisories_use() {
        for (text, id, version, ecosystem) in [
            ("ID=alpine\nVERSION_ID=3.10.4\n", "alpine", "3.10.4", "Alpine:v3.10"),
            ("ID=alpine\nVERSION_ID=3.21_alpha20240923\n", "alpine", "3.21_alpha20240923", "Alpine:edge"),
            ("ID=debian\nVERSION_ID=\"12\"\n", "debian", "12", "Debian:12"),
            ("PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nID=debian\n", "debian", "13", "Debian:13"),
            ("ID='ubuntu'\nVERSION_ID=\"22.04\"", "ubuntu", "22.04", "Ubuntu:22.04:LTS"),
            ("ID=ubuntu\nVERSION_ID=23.10", "ubuntu", "23.10", "Ubuntu:23.10"),
            ("ID=wolfi\nVERSION_ID=20230201\n", "wolfi", "20230201", "Wolfi"),
            ("ID=plan9\nVERSION_ID=4\n", "plan9", "4", ""),
            ("ID=debian\n", "debian", "", ""),
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
}
