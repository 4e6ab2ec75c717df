//! Building occurrences: purl, ecosystem and the keys that advisories are matched by, from what a file says.

use assay_model::component::{Component, Occurrence};
use assay_model::ecosystem::{self, Keys, Law};
use assay_model::inventory::OsRelease;
use assay_model::purl::{BadPurl, Purl};

const ARCHITECTURE: &str = "architecture";
/// The module and stream that a package of a modular distribution belongs to (`nodejs:18:...`).
pub(crate) const MODULARITY: &str = "modularity";

/// A package of a language's ecosystem, named as OSV names it. All before the last `/` of its name is the namespace
/// (`@scope/name`, `github.com/owner/name`, `vendor/name`), in Maven's ecosystem all before the `:`.
///
/// # Errors
/// When name or version cannot be part of a package URL.
pub(crate) fn of_language(osv: &str, name: &str, version: &str) -> Result<Component, BadPurl> {
    Component::of_language(osv, name, version)
}

/// A package of a distribution, before it is known which one: namespace and ecosystem come with [`settle`].
#[derive(Default)]
pub(crate) struct OsPackage<'a> {
    pub(crate) purl_type: &'a str,
    pub(crate) name: &'a str,
    /// With epoch and revision, as the package manager writes it.
    pub(crate) version: &'a str,
    pub(crate) architecture: &'a str,
    /// Its own name where it is not known.
    pub(crate) source: &'a str,
    pub(crate) source_version: &'a str,
}

impl OsPackage<'_> {
    pub(crate) fn occurrence(&self, path: &str, analyzer: &str) -> Result<Occurrence, BadPurl> {
        let component = Component {
            purl_type: self.purl_type.to_owned(),
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            match_name: self.source.to_owned(),
            match_version: self.source_version.to_owned(),
            ..Component::default()
        };
        let mut found = occurrence(component, path, analyzer);
        found.id = format!("{}@{}", self.name, self.version);
        set(&mut found, ARCHITECTURE, self.architecture);
        if self.source != self.name {
            set(&mut found, "source", self.source);
        }
        if self.source_version != self.version {
            set(&mut found, "source-version", self.source_version);
        }
        found.component.purl = distribution_purl(&found, "")?;
        Ok(found)
    }
}

/// Makes the purl anew after properties that it names were added.
pub(crate) fn rename(found: &mut Occurrence) {
    if let Ok(purl) = distribution_purl(found, "") {
        found.component.purl = purl;
    }
}

/// Adds a property under the analyzer's name; an empty one is none.
pub(crate) fn set(found: &mut Occurrence, key: &str, value: &str) {
    if !value.is_empty() {
        found.properties.insert(format!("{}.{key}", found.analyzer), value.to_owned());
    }
}

/// An occurrence that says nothing more than what and where.
pub(crate) fn occurrence(component: Component, path: &str, analyzer: &str) -> Occurrence {
    Occurrence { component, path: path.to_owned(), analyzer: analyzer.to_owned(), ..Occurrence::default() }
}

/// The property of a package that says itself for which release it is: it keeps its name, whatever tree it lies in.
const DISTRO: &str = ".distro";

/// Whether the package says itself for which release it is.
fn is_settled(found: &Occurrence) -> bool {
    found.properties.keys().any(|key| key.ends_with(DISTRO))
}

/// Whether this is a package of a distribution, whose purl and ecosystem depend on the release it runs on.
pub(crate) fn is_distribution(component: &Component) -> bool {
    ecosystem::laws().iter().any(|law| law.is_distribution() && law.purl_type == component.purl_type)
}

/// Gives a distribution's package the namespace, ecosystem, matching key and purl of this release. It is looked up under its own
/// name and version, and under those of its source package, which are the matching key.
pub(crate) fn settle(found: &mut Occurrence, os: &OsRelease) {
    let known = ecosystem::distribution(&os.id);
    let law = ecosystem::of(&os.ecosystem).filter(|law| law.purl_type == found.component.purl_type);
    let of_law = law.and_then(|law: &Law| law.purl_namespace);
    let namespace = known.and_then(|known| known.namespace).or(of_law).unwrap_or(&os.id);
    found.component.namespace = namespace.to_owned();
    let speaks = law.is_some() && !is_third_party(found);
    found.component.ecosystem = if speaks { os.ecosystem.clone() } else { String::new() };
    let (source, source_version) = found.source();
    let source = source.to_owned();
    // Its own name advisories find without help; here stands the other one.
    found.component.match_version = match law.map(|law| law.keys) {
        Some(Keys::SourceName) => found.component.version.clone(),
        _ => source_version.to_owned(),
    };
    found.component.match_name = source;
    let family = known.map_or(os.id.as_str(), |known| known.family);
    let distro = if os.version.is_empty() { family.to_owned() } else { format!("{family}-{}", os.version) };
    // A release with an odd name leaves the package's name as it was.
    if let Ok(purl) = distribution_purl(found, &distro) {
        found.component.purl = purl;
    }
}

/// What the makers of distributions with rpm packages call themselves in them, in lower case.
const VENDORS: [&str; 17] = [
    "alma",
    "amazon",
    "azure",
    "bottlerocket",
    "centos",
    "cloudlinux",
    "fedora",
    "koji",
    "mageia",
    "mariner",
    "microsoft",
    "openeuler",
    "oracle",
    "photon",
    "red hat",
    "rocky",
    "vmware",
];

/// Whether the package comes from somebody else than a maker of distributions, who numbers versions in another way: the
/// distribution's advisories say nothing of it. Where no vendor is named, nothing is assumed.
fn is_third_party(found: &Occurrence) -> bool {
    if found.component.purl_type != RPM {
        return false;
    }
    let vendor = found.property("maintainer").unwrap_or_default().to_lowercase();
    let is_maker = vendor.is_empty() || vendor.contains("suse") || VENDORS.iter().any(|name| vendor.contains(name));
    !is_maker || found.component.version.ends_with(".remi")
}

/// Whether it takes its names from the system that it was found on. A package file that tells its own distribution does not.
pub(crate) fn follows_release(found: &Occurrence) -> bool {
    let is_installed = !found.analyzer.ends_with(PACKAGE_FILE);
    is_distribution(&found.component) && !is_settled(found) && (is_installed || found.component.ecosystem.is_empty())
}

/// How the ids of analyzers end that read the package files of distributions.
pub(crate) const PACKAGE_FILE: &str = "-file";

const RPM: &str = "rpm";

fn distribution_purl(found: &Occurrence, distro: &str) -> Result<String, BadPurl> {
    let component = &found.component;
    let (epoch, version) = match component.version.split_once(':') {
        Some((epoch, version)) if component.purl_type == RPM => (epoch, version),
        _ => ("", component.version.as_str()),
    };
    // Gentoo's names begin with a category, which is their namespace.
    let (namespace, name) = component.name.rsplit_once('/').unwrap_or((&component.namespace, &component.name));
    let purl = Purl::builder(&component.purl_type, name)
        .namespace(namespace)
        .version(version)
        .qualifier("arch", found.property(ARCHITECTURE).unwrap_or_default())
        .qualifier("distro", distro)
        .qualifier("epoch", epoch)
        .qualifier("modularitylabel", found.property(MODULARITY).unwrap_or_default())
        .qualifier("upstream", upstream(found))
        .build()?;
    Ok(purl.as_str().to_owned())
}

/// The source package where it is another: `name`, `name@version`, or the file name of a source rpm.
fn upstream(found: &Occurrence) -> String {
    let component = &found.component;
    let (name, version) = found.source();
    match (name == component.name, version == component.version) {
        (true, true) => String::new(),
        _ if component.purl_type == RPM => {
            format!("{name}-{}.src.rpm", version.split_once(':').map_or(version, |(_, version)| version))
        }
        (_, true) => name.to_owned(),
        (_, false) => format!("{name}@{version}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn who_made_a_package_decides_whose_advisories_speak_of_it() {
        let ecosystem = |vendor: &str, version: &str| {
            let package = OsPackage {
                purl_type: "rpm",
                name: "php",
                version,
                source: "php",
                source_version: version,
                ..OsPackage::default()
            };
            let mut found = package.occurrence("rpmdb", "rpm").unwrap();
            set(&mut found, "maintainer", vendor);
            let ecosystem = "Red Hat:enterprise_linux:8".to_owned();
            let [id, version, name, path] = ["rhel", "8.4", "Red Hat", "etc/os-release"].map(str::to_owned);
            settle(&mut found, &OsRelease { id, version, name, ecosystem, path });
            found.component.ecosystem
        };
        for vendor in ["Red Hat, Inc.", "Rocky Enterprise Software Foundation", "openSUSE", ""] {
            assert_eq!(ecosystem(vendor, "7.2.24-1.el8"), "Red Hat:enterprise_linux:8", "{vendor}");
        }
        assert_eq!(ecosystem("Docker", "7.2.24-1.el8"), "");
        assert_eq!(ecosystem("Red Hat, Inc.", "8.0.30-1.el8.remi"), "");
    }
}
