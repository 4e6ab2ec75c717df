//! Which of several statements about the operating system's release counts.
//!
//! Files tell it with different precision, and some tell only what to add: the repository that packages come from, or a
//! subscription. Each is kept as it was read; what they mean together does not depend on the order in which they came.

use assay_model::ecosystem;
use assay_model::inventory::OsRelease;

/// Where releases are told, the most telling first. A derivative often keeps the file of what it derives from, so those of
/// the most widely derived come last.
pub(crate) const PATHS: [&str; 22] = [
    "etc/os-release",
    "usr/lib/os-release",
    "x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release",
    "aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release",
    "etc/oracle-release",
    "etc/rocky-release",
    "etc/almalinux-release",
    "etc/fedora-release",
    "usr/lib/fedora-release",
    "etc/centos-release",
    "etc/azurelinux-release",
    "etc/mariner-release",
    "etc/photon-release",
    "etc/SuSE-release",
    "etc/system-release",
    "usr/lib/system-release",
    "etc/redhat-release",
    "etc/alpine-release",
    "etc/lsb-release",
    "etc/debian_version",
    REPOSITORIES,
    ADVANTAGE,
];

/// Where Alpine's packages come from.
pub(crate) const REPOSITORIES: &str = "etc/apk/repositories";
/// The state of Ubuntu's subscription.
pub(crate) const ADVANTAGE: &str = "var/lib/ubuntu-advantage/status.json";

fn rank(path: &str) -> usize {
    PATHS.iter().position(|known| *known == path).unwrap_or(PATHS.len())
}

fn is_addition(path: &str) -> bool {
    path == REPOSITORIES || path == ADVANTAGE
}

/// What all statements come to.
pub(crate) fn decide(statements: &[OsRelease]) -> Option<OsRelease> {
    let mut ranked: Vec<&OsRelease> = statements.iter().collect();
    ranked.sort_by(|a, b| (rank(&a.path), &a.path, &a.version).cmp(&(rank(&b.path), &b.path, &b.version)));
    let mut best = ranked.iter().find(|statement| !is_addition(&statement.path)).map(|found| (*found).clone())?;
    for other in ranked.iter().filter(|other| other.id == best.id && other.path != best.path) {
        if is_addition(&other.path) {
            best.ecosystem = added(&best, other);
        } else if is_finer(&best.version, &other.version) {
            let was_told = best.ecosystem == ecosystem::of_release(&best.id, &best.version);
            best.version.clone_from(&other.version);
            if was_told {
                best.ecosystem = ecosystem::of_release(&best.id, &best.version);
            }
        }
    }
    Some(best)
}

/// `12.5` says more than `12`, and `2 (Karoo)` more than `2`.
fn is_finer(version: &str, other: &str) -> bool {
    let rest = other.strip_prefix(version);
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) || version.is_empty()
    })
}

fn added(best: &OsRelease, addition: &OsRelease) -> String {
    if addition.path == REPOSITORIES && !addition.ecosystem.is_empty() {
        return addition.ecosystem.clone();
    }
    match best.ecosystem.strip_prefix("Ubuntu:") {
        Some(release) if addition.path == ADVANTAGE && !release.starts_with("Pro:") => format!("Ubuntu:Pro:{release}"),
        _ => best.ecosystem.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::decide;
    use assay_model::ecosystem;
    use assay_model::inventory::OsRelease;

    fn said(path: &str, id: &str, version: &str) -> OsRelease {
        let ecosystem = ecosystem::of_release(id, version);
        OsRelease { id: id.into(), version: version.into(), name: path.into(), ecosystem, path: path.into() }
    }

    fn outcome(statements: &[OsRelease]) -> (String, String, String) {
        let mut turned = statements.to_vec();
        turned.reverse();
        let one = decide(statements);
        assert_eq!(one, decide(&turned), "the order must not matter");
        one.map(|os| (os.id, os.version, os.ecosystem)).unwrap_or_default()
    }

    fn is(got: &(String, String, String), id: &str, version: &str, ecosystem: &str) {
        assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_str()), (id, version, ecosystem));
    }

    #[test]
    fn finer_statements_of_the_same_distribution_are_taken() {
        let debian = [said("etc/debian_version", "debian", "12.5"), said("usr/lib/os-release", "debian", "12")];
        is(&outcome(&debian), "debian", "12.5", "Debian:12");
        let centos = [said("etc/centos-release", "centos", "7.6.1810"), said("etc/os-release", "centos", "7")];
        is(&outcome(&centos), "centos", "7.6.1810", "CentOS:7");
        let ubuntu = [said("etc/debian_version", "debian", "13"), said("etc/os-release", "ubuntu", "24.04")];
        is(&outcome(&ubuntu), "ubuntu", "24.04", "Ubuntu:24.04:LTS");
        let odd = [said("etc/os-release", "debian", "1"), said("etc/debian_version", "debian", "12.5")];
        is(&outcome(&odd), "debian", "1", "Debian:1");
        let oracle = [said("etc/redhat-release", "rhel", "8.5"), said("etc/oracle-release", "ol", "8.5")];
        is(&outcome(&oracle), "ol", "8.5", "Oracle Linux:8");
    }

    #[test]
    fn repositories_and_subscriptions_only_add() {
        let edge = said("etc/apk/repositories", "alpine", "edge");
        assert_eq!(decide(std::slice::from_ref(&edge)), None);
        let alpine = [said("etc/os-release", "alpine", "3.20.3"), edge];
        is(&outcome(&alpine), "alpine", "3.20.3", "Alpine:edge");
        let advantage = said("var/lib/ubuntu-advantage/status.json", "ubuntu", "");
        let ubuntu = [said("etc/os-release", "ubuntu", "18.04"), advantage.clone()];
        is(&outcome(&ubuntu), "ubuntu", "18.04", "Ubuntu:Pro:18.04:LTS");
        let other = [said("etc/os-release", "debian", "12"), advantage];
        is(&outcome(&other), "debian", "12", "Debian:12");
    }
}
