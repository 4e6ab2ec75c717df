//! Which operating system a document is about: a component that says so, or the qualifiers of its packages.

use assay_model::ecosystem;
use assay_model::inventory::OsRelease;
use assay_model::purl::Purl;

use super::bom::Item;
use super::facts::Facts;
use crate::part::field;

/// Releases that packages are sometimes marked with by name.
const CODENAMES: [(&str, &str, &str); 21] = [
    ("debian", "stretch", "9"),
    ("debian", "buster", "10"),
    ("debian", "bullseye", "11"),
    ("debian", "bookworm", "12"),
    ("debian", "trixie", "13"),
    ("debian", "forky", "14"),
    ("debian", "jessie", "8"),
    ("debian", "wheezy", "7"),
    ("ubuntu", "precise", "12.04"),
    ("ubuntu", "trusty", "14.04"),
    ("ubuntu", "xenial", "16.04"),
    ("ubuntu", "bionic", "18.04"),
    ("ubuntu", "focal", "20.04"),
    ("ubuntu", "impish", "21.10"),
    ("ubuntu", "jammy", "22.04"),
    ("ubuntu", "kinetic", "22.10"),
    ("ubuntu", "lunar", "23.04"),
    ("ubuntu", "mantic", "23.10"),
    ("ubuntu", "noble", "24.04"),
    ("ubuntu", "oracular", "24.10"),
    ("ubuntu", "plucky", "25.04"),
];

/// The release that a component of type operating system stands for.
pub(super) fn of_item(item: &Item, facts: &Facts, path: &str) -> Option<OsRelease> {
    let syft = |name: &str| item.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let name = field(syft("syft:distro:id").or(Some(&item.name)))?;
    let version = field(syft("syft:distro:versionID").or(Some(&item.version))).unwrap_or_default();
    let (id, version) = known(&name, &version)?;
    let mut found = release(&id, &version, path);
    if let Some(pretty) = field(Some(&item.summary)) {
        found.name = pretty;
    }
    if facts.own {
        found.ecosystem.clone_from(&facts.ecosystem);
        found.path.clone_from(&facts.path);
    }
    Some(found)
}

/// Names for people, without the release that some put into them.
const PRODUCTS: [(&str, &str); 6] = [
    ("red hat enterprise linux", "rhel"),
    ("suse linux enterprise server", "sles"),
    ("oracle linux", "ol"),
    ("amazon linux", "amzn"),
    ("rocky linux", "rocky"),
    ("alpine linux", "alpine"),
];

/// Id and version; none where the name is no id and of no product that is known.
fn known(name: &str, version: &str) -> Option<(String, String)> {
    let lower = name.to_lowercase();
    if lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Some((lower, version.to_owned()));
    }
    let (product, id) = PRODUCTS.iter().find(|(product, _)| lower.starts_with(product))?;
    let mut words =
        lower.get(product.len()..)?.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let version = if version.is_empty() { words.next().unwrap_or_default() } else { version };
    Some(((*id).to_owned(), version.to_owned()))
}

/// The release that a package says it is for: `distro=alpine-3.20.3`, `distro=3.20.3`, `distro=focal`.
pub(super) fn of_purl(purl: &Purl, path: &str) -> Option<OsRelease> {
    let distro = purl.qualifier("distro")?;
    let namespace = purl.namespace().unwrap_or_default();
    let by_name = |id: &str, word: &str| CODENAMES.iter().find(|(of, name, _)| *of == id && *name == word);
    if distro.starts_with(|c: char| c.is_ascii_digit()) || distro == "edge" {
        return (!namespace.is_empty()).then(|| release(namespace, distro, path));
    }
    if let Some((id, _, version)) = by_name(namespace, distro) {
        return Some(release(id, version, path));
    }
    let dash = distro.match_indices('-').map(|(at, _)| at);
    let digit = |at: &usize| distro.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match dash.clone().find(digit) {
        Some(at) => Some(release(distro.get(..at)?, distro.get(at + 1..)?, path)),
        None => {
            let (id, word) = distro.split_once('-').unwrap_or((distro, ""));
            let version = by_name(id, word).map_or(word, |(_, _, version)| version);
            Some(release(id, version, path))
        }
    }
}

fn release(name: &str, version: &str, path: &str) -> OsRelease {
    let lower = name.to_lowercase();
    let id = ecosystem::distribution(&lower).map_or(lower.as_str(), |known| known.id);
    OsRelease {
        id: id.to_owned(),
        version: version.to_owned(),
        name: format!("{name} {version}").trim().to_owned(),
        ecosystem: ecosystem::of_release(id, version),
        path: path.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::of_purl;

    #[test]
    fn packages_name_their_release_in_many_ways() {
        for (purl, id, version) in [
            ("pkg:apk/alpine/zlib@1?distro=3.20.3", "alpine", "3.20.3"),
            ("pkg:apk/alpine/zlib@1?distro=alpine-3.20.3", "alpine", "3.20.3"),
            ("pkg:deb/ubuntu/pcre3@2?distro=focal", "ubuntu", "20.04"),
            ("pkg:deb/debian/a@2?distro=debian-9", "debian", "9"),
            ("pkg:deb/debian/a@2?distro=debian-bookworm", "debian", "12"),
            ("pkg:rpm/redhat/a@2?distro=redhat-8.10", "rhel", "8.10"),
            ("pkg:rpm/opensuse/a@2?distro=opensuse-leap-15.5", "opensuse-leap", "15.5"),
            ("pkg:apk/wolfi/a@2?distro=wolfi-20230201", "wolfi", "20230201"),
        ] {
            let found = of_purl(&purl.parse().unwrap(), "p").unwrap();
            assert_eq!((&*found.id, &*found.version), (id, version), "{purl}");
        }
        assert!(of_purl(&"pkg:deb/debian/a@2".parse().unwrap(), "p").is_none());
    }
}
