//! Which distribution a package file is for. Nothing in it says so outright; distributions mark their builds in the release
//! (`13.el8`, `2.fc40`), and builders sign with their name.

use assay_model::ecosystem;
use assay_model::inventory::OsRelease;

use super::header::{Header, Tag};

/// What the vendors of builds for Enterprise Linux (`.el8`) call themselves.
const ENTERPRISE: [(&str, &str); 5] =
    [("Red Hat", "rhel"), ("CentOS", "centos"), ("AlmaLinux", "almalinux"), ("Rocky", "rocky"), ("Oracle", "ol")];

/// Marks of distributions that have one each, and what follows a number in their release.
const MARKS: [(&str, &str, &str); 6] = [
    ("amzn", "amzn", ""),
    ("fc", "fedora", ""),
    ("ph", "photon", ".0"),
    ("cm", "mariner", ".0"),
    ("azl", "azurelinux", ".0"),
    ("mga", "mageia", ""),
];

pub(super) fn of(header: Header<'_>) -> Option<OsRelease> {
    let vendor = header.text(Tag::VENDOR).unwrap_or_default();
    let release = header.text(Tag::RELEASE)?;
    let (id, version) = guess(&vendor, &release)?;
    let ecosystem = ecosystem::of_release(id, &version);
    Some(OsRelease { id: id.to_owned(), name: format!("{id} {version}"), version, ecosystem, path: String::new() })
}

fn guess(vendor: &str, release: &str) -> Option<(&'static str, String)> {
    let mut words = release.split(|c: char| !c.is_ascii_alphanumeric());
    if vendor.starts_with("SUSE") {
        return service_pack(release).map(|version| ("sles", version));
    }
    words.find_map(|word| {
        let digits = word.find(|c: char| c.is_ascii_digit())?;
        let (mark, number) = word.split_at(digits);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return None;
        }
        if mark == "el" {
            let (_, id) = ENTERPRISE.iter().find(|(name, _)| vendor.contains(name))?;
            return Some((*id, number.to_owned()));
        }
        let (_, id, rest) = MARKS.iter().find(|(known, ..)| *known == mark)?;
        Some((*id, format!("{number}{rest}")))
    })
}

/// Releases of SUSE begin with the product: `150400.3.1` was built for 15 SP4.
fn service_pack(release: &str) -> Option<String> {
    let first = release.split('.').next()?;
    let (product, pack) = (first.get(..2)?, first.get(2..4)?);
    let is_product = first.len() == 6 && first.ends_with("00") && matches!(product, "12" | "15");
    let pack: u32 = pack.parse().ok()?;
    is_product.then(|| if pack == 0 { product.to_owned() } else { format!("{product}.{pack}") })
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn builds_are_known_by_their_marks() {
        for (vendor, release, expected) in [
            ("Red Hat, Inc.", "13.el7_6", Some(("rhel", "7"))),
            ("AlmaLinux", "1.module_el8.6.0+2760+1746ec94", Some(("almalinux", "8"))),
            ("Rocky Enterprise Software Foundation", "4.el9.1", Some(("rocky", "9"))),
            ("Oracle America", "1.0.1.el8", Some(("ol", "8"))),
            ("Fedora Project", "3.el9", None),
            ("Fedora Project", "2.fc40", Some(("fedora", "40"))),
            ("Amazon Linux", "5.amzn2.0.2", Some(("amzn", "2"))),
            ("Amazon Linux", "1.amzn2023.0.3", Some(("amzn", "2023"))),
            ("VMware, Inc.", "1.ph3", Some(("photon", "3.0"))),
            ("Microsoft Corporation", "12.cm2", Some(("mariner", "2.0"))),
            ("SUSE LLC <https://www.suse.example/>", "150400.3.1", Some(("sles", "15.4"))),
            ("SUSE LLC", "150000.3.1", Some(("sles", "15"))),
            ("SUSE LLC", "3.1", None),
            ("Nobody", "1", None),
        ] {
            let found = guess(vendor, release);
            assert_eq!(found.as_ref().map(|(id, version)| (*id, version.as_str())), expected, "{vendor} {release}");
        }
    }
}
