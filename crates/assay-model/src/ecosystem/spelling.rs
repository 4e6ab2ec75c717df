//! Releases of distributions, spelled one way: what tools call a release differs (`3.10.2`, `v3.10`), advisories know
//! one name of it.

use super::law;
use std::borrow::Cow;

/// The spelling under which records and components of a release meet: `Alpine:v3.10` for `Alpine:3.10.2`, `Debian:12`
/// for `Debian:12.4`, `Amazon Linux:2` for `Amazon Linux:2 (Karoo)`. Anything else, languages among it, stays as it is.
pub fn canonical(ecosystem: &str) -> Cow<'_, str> {
    let ecosystem = ecosystem.trim();
    let Some((base, release)) = ecosystem.split_once(':') else { return Cow::Borrowed(ecosystem) };
    let spelled = match law::of(ecosystem) {
        Some(law) if law.osv == base && law.is_distribution() => spell(base, release.trim()),
        _ => None,
    };
    match spelled {
        Some(spelled) if spelled != release => Cow::Owned(format!("{base}:{spelled}")),
        _ => Cow::Borrowed(ecosystem),
    }
}

fn spell(base: &str, release: &str) -> Option<String> {
    match base {
        "Alpine" | "Alpaquita" if begins_with_digit(release.trim_start_matches('v')) => {
            Some(format!("v{}", parts(release.trim_start_matches('v'), 2)))
        }
        "Debian" | "AlmaLinux" | "Rocky Linux" | "Oracle Linux" | "CentOS" | "Azure Linux" => numbered(release, 1),
        // A product has its own name, and perhaps an edition: `enterprise_linux:9::baseos`.
        "Red Hat" => numbered(release, 1).map(|major| format!("enterprise_linux:{major}")),
        "Photon OS" => numbered(release, 2),
        "Ubuntu" => Some(ubuntu(release)),
        "Amazon Linux" => Some(amazon(release)),
        "openSUSE" => Some(opensuse(release)),
        "SUSE" => suse(release),
        _ => None,
    }
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The first parts of a version between dots.
fn parts(version: &str, count: usize) -> String {
    version.split('.').take(count).collect::<Vec<_>>().join(".")
}

fn numbered(release: &str, count: usize) -> Option<String> {
    let first = release.split_whitespace().next()?;
    let plain = begins_with_digit(first) && first.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| parts(first, count))
}

/// April releases of even years are supported for long, and their name says so.
fn ubuntu(release: &str) -> String {
    let (kind, rest) = match release.rsplit_once("Pro:") {
        Some((before, rest)) => (&release[..before.len() + 4], rest),
        None => ("", release),
    };
    let number = rest.split([':', ' ']).next().unwrap_or(rest);
    let long = number
        .split_once('.')
        .and_then(|(year, month)| Some(month.starts_with("04") && year.parse::<u32>().ok()? % 2 == 0));
    if !begins_with_digit(number) {
        return release.to_owned();
    }
    let number = parts(number, 2);
    if long == Some(true) { format!("{kind}{number}:LTS") } else { format!("{kind}{number}") }
}

/// The first one was numbered by its dates (`2018.03`).
fn amazon(release: &str) -> String {
    let first = release.split_whitespace().next().unwrap_or(release);
    let major = first.split('.').next().unwrap_or(first);
    match major.parse::<u32>() {
        Ok(2011..=2018) => "1".to_owned(),
        Ok(_) => major.to_owned(),
        Err(_) => release.to_owned(),
    }
}

fn opensuse(release: &str) -> String {
    let rolling = release.eq_ignore_ascii_case("tumbleweed") || release.len() == 8 && numbered(release, 1).is_some();
    match release {
        _ if rolling => "Tumbleweed".to_owned(),
        leap if begins_with_digit(leap) => format!("Leap {}", parts(leap, 2)),
        other => other.to_owned(),
    }
}

/// `15.3` for the server and its modules in every spelling (`15-SP3`, `Linux Enterprise Module for Basesystem 15 SP3`).
/// Other products (Micro, long-term support) have releases of their own.
fn suse(release: &str) -> Option<String> {
    if let Some(micro) = release.strip_prefix("Linux Micro ") {
        return Some(format!("Linux Enterprise Micro {micro}"));
    }
    let bare = match release.strip_prefix("Linux Enterprise ") {
        None => release,
        Some(product) => {
            let at = product.find(|c: char| c.is_ascii_digit())?;
            let name = product.get(..at)?.trim();
            if !matches!(name, "" | "Server" | "Desktop") && !name.starts_with("Module for ") {
                return None;
            }
            product.get(at..)?
        }
    };
    let (major, pack) = match bare.split_once([' ', '-', '.']) {
        Some((major, pack)) => (major, pack.trim_start_matches("SP")),
        None => (bare, ""),
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (number(major), pack) {
        (true, "" | "0") => Some(major.to_owned()),
        (true, pack) if number(pack) => Some(format!("{major}.{pack}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_release_has_one_spelling() {
        for (given, expected) in [
            ("Alpine:3.10.2", "Alpine:v3.10"),
            ("Alpine:v3.10", "Alpine:v3.10"),
            ("Alpine:edge", "Alpine:edge"),
            ("Debian:10.1", "Debian:10"),
            ("Debian:12", "Debian:12"),
            ("Ubuntu:18.04", "Ubuntu:18.04:LTS"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS"),
            ("Ubuntu:23.10", "Ubuntu:23.10"),
            ("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04:LTS"),
            ("Ubuntu:Pro:FIPS:18.04:LTS", "Ubuntu:Pro:FIPS:18.04:LTS"),
            ("Amazon Linux:2 (Karoo)", "Amazon Linux:2"),
            ("Amazon Linux:2018.03", "Amazon Linux:1"),
            ("Amazon Linux:2023.1.20230809", "Amazon Linux:2023"),
            ("Red Hat:7.7", "Red Hat:enterprise_linux:7"),
            ("SUSE:Linux Micro 6.0", "SUSE:Linux Enterprise Micro 6.0"),
            ("Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9::baseos"),
            ("Rocky Linux:8.5", "Rocky Linux:8"),
            ("Azure Linux:3.0.20240401", "Azure Linux:3"),
            ("Photon OS:3.0", "Photon OS:3.0"),
            ("openSUSE:Leap 15.1", "openSUSE:Leap 15.1"),
            ("openSUSE:15.1", "openSUSE:Leap 15.1"),
            ("openSUSE:tumbleweed", "openSUSE:Tumbleweed"),
            ("openSUSE:20240219", "openSUSE:Tumbleweed"),
            ("openSUSE:Leap Micro 6.0", "openSUSE:Leap Micro 6.0"),
            ("SUSE:15-SP3", "SUSE:15.3"),
            ("SUSE:15.3", "SUSE:15.3"),
            ("SUSE:Linux Enterprise Server 15 SP3", "SUSE:15.3"),
            ("SUSE:Linux Enterprise Server 15 SP3-LTSS", "SUSE:Linux Enterprise Server 15 SP3-LTSS"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP3", "SUSE:15.3"),
            ("SUSE:Linux Enterprise Micro 5.3", "SUSE:Linux Enterprise Micro 5.3"),
            ("PyPI", "PyPI"),
            ("Maven:https://repo.example/a.b", "Maven:https://repo.example/a.b"),
            ("Root:Alpine:3.18", "Root:Alpine:3.18"),
        ] {
            assert_eq!(canonical(given), expected, "{given}");
            assert_eq!(canonical(&canonical(given)), expected, "twice {given}");
        }
    }
}
