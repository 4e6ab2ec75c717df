//! From one item to a component with the keys that advisories are matched by.

use assay_model::component::{Component, Occurrence};
use assay_model::ecosystem;
use assay_model::inventory::OsRelease;
use assay_model::purl::{BadPurl, Purl, UNTYPED};

use super::bom::Item;
use super::facts::{Facts, source_rpm};
use super::os;
use crate::component::{self, OsPackage};

/// The property of a package that says itself for which release it is: it keeps its name in whatever tree it lies.
const DISTRO: &str = "distro";

/// What an item is called, and whether that is a package URL of its own.
pub(super) enum Name {
    Purl(Box<Purl>),
    Bad(BadPurl),
    None,
}

/// The item's purl. One in the reference has qualifiers that the purl itself sometimes lacks.
pub(super) fn name(item: &Item) -> Name {
    if item.purl.is_empty() {
        return Name::None;
    }
    let purl: Purl = match item.purl.parse() {
        Ok(purl) => purl,
        Err(bad) => return Name::Bad(bad),
    };
    Name::Purl(Box::new(purl))
}

/// Qualifiers of the purl, or else of the one that the reference is.
struct Qualifiers<'a> {
    purl: &'a Purl,
    reference: Option<Purl>,
}

impl<'a> Qualifiers<'a> {
    fn new(purl: &'a Purl, item: &Item) -> Self {
        let reference: Option<Purl> = item.reference.parse().ok();
        let same = |other: &Purl| other.package() == purl.package() && other.version() == purl.version();
        Self { purl, reference: reference.filter(same) }
    }

    fn get(&self, key: &str) -> &str {
        let other = || self.reference.as_ref().and_then(|purl| purl.qualifier(key));
        self.purl.qualifier(key).or_else(other).unwrap_or_default()
    }

    /// The release that the package is for.
    fn release(&self, path: &str) -> Option<OsRelease> {
        os::of_purl(self.purl, path).or_else(|| os::of_purl(self.reference.as_ref()?, path))
    }
}

/// The component of a document that we wrote: what it says is what we found.
pub(super) fn own(item: &Item, facts: &Facts, purl: &Purl) -> Component {
    let namespace = if item.group.is_empty() { &facts.group } else { &item.group };
    // SPDX has one field for both.
    let name = [format!("{namespace}/"), format!("{namespace}:")]
        .iter()
        .find_map(|prefix| item.name.strip_prefix(prefix.as_str()))
        .filter(|_| item.group.is_empty() && !namespace.is_empty());
    let name = name.unwrap_or(&item.name).to_owned();
    let or = |key: &str, other: &str| if key.is_empty() { other.to_owned() } else { key.to_owned() };
    Component {
        purl: item.purl.clone(),
        purl_type: purl.kind().to_owned(),
        namespace: namespace.clone(),
        version: item.version.clone(),
        ecosystem: facts.ecosystem.clone(),
        match_name: or(&facts.key.0, &name),
        match_version: or(&facts.key.1, &item.version),
        name,
    }
}

/// The package as its ecosystem's own tools would have told it, under the purl that the document gives it.
pub(super) fn package(
    item: &Item,
    facts: &Facts,
    purl: &Purl,
    system: Option<&OsRelease>,
    (path, analyzer): (&str, &str),
) -> Result<Occurrence, BadPurl> {
    let mut probe = Component { purl_type: purl.kind().to_owned(), ..Component::default() };
    if component::is_distribution(&probe) {
        return of_system(item, facts, purl, system, (path, analyzer));
    }
    let version = purl.version().unwrap_or(&item.version);
    let full = full_name(purl);
    probe = match purl.law() {
        Some(law) => Component { purl: purl.as_str().to_owned(), ..component::of_language(law.osv, &full, version)? },
        None => Component {
            purl: purl.as_str().to_owned(),
            purl_type: purl.kind().to_owned(),
            namespace: purl.namespace().unwrap_or_default().to_owned(),
            name: purl.name().to_owned(),
            version: version.to_owned(),
            ecosystem: String::new(),
            match_name: full,
            match_version: version.to_owned(),
        },
    };
    Ok(component::occurrence(probe, path, analyzer))
}

/// The name as advisories of the ecosystem write it.
pub(super) fn full_name(purl: &Purl) -> String {
    let maven = ecosystem::of_purl_type(purl.kind()).is_some_and(|law| law.scheme == ecosystem::Scheme::Maven);
    let joined = |namespace: &str| match maven {
        true => format!("{namespace}:{}", purl.name()),
        false => format!("{namespace}/{}", purl.name()),
    };
    // A recipe's user and channel, and a registry's organisation, are no part of the name.
    let named_alone = matches!(purl.law().map(|law| law.osv), Some("ConanCenter" | "Hex" | "PyPI" | "CRAN"));
    match purl.namespace() {
        Some(namespace) if !named_alone => joined(namespace),
        _ => purl.name().to_owned(),
    }
}

fn of_system(
    item: &Item,
    facts: &Facts,
    purl: &Purl,
    system: Option<&OsRelease>,
    (path, analyzer): (&str, &str),
) -> Result<Occurrence, BadPurl> {
    let qualifiers = Qualifiers::new(purl, item);
    let epoch = [qualifiers.get("epoch"), &facts.epoch].into_iter().find(|text| !text.is_empty() && *text != "0");
    let bare = purl.version().unwrap_or(&item.version);
    let version = with_epoch(epoch.unwrap_or_default(), bare);
    let (source, source_version) = source(item, facts, &qualifiers, purl.name(), &version);
    let package = OsPackage {
        purl_type: purl.kind(),
        name: purl.name(),
        version: &version,
        architecture: qualifiers.get("arch"),
        source: &source,
        source_version: &source_version,
    };
    let mut found = package.occurrence(path, analyzer)?;
    let modularity = [qualifiers.get("modularitylabel"), &facts.modularity].into_iter().find(|text| !text.is_empty());
    if let Some(label) = modularity {
        found.properties.insert(format!("{analyzer}.modularity"), label.to_owned());
    }
    let stated = qualifiers.release(path);
    // The system's own word is more precise, unless the package is for another one.
    let release = match (system, &stated) {
        (Some(system), Some(stated)) if system.id != stated.id && !stated.ecosystem.is_empty() => Some(stated),
        (Some(system), _) => Some(system),
        (None, stated) => stated.as_ref(),
    };
    if let Some(release) = release {
        component::settle(&mut found, release);
        let distro = format!("{}-{}", release.id, release.version);
        found.properties.insert(format!("{analyzer}.{DISTRO}"), distro.trim_end_matches('-').to_owned());
    } else {
        found.component.namespace = purl.namespace().unwrap_or_default().to_owned();
    }
    found.component.purl = purl.as_str().to_owned();
    Ok(found)
}

fn with_epoch(epoch: &str, version: &str) -> String {
    let has_one = version.split_once(':').is_some_and(|(epoch, _)| epoch.bytes().all(|b| b.is_ascii_digit()));
    if epoch.is_empty() || has_one { version.to_owned() } else { format!("{epoch}:{version}") }
}

/// The source package: from the tool's properties, the format's own field, or the purl (`upstream`, `source`, `origin`).
fn source(item: &Item, facts: &Facts, qualifiers: &Qualifiers<'_>, name: &str, version: &str) -> (String, String) {
    let or_own = |text: &str| if text.is_empty() { version.to_owned() } else { text.to_owned() };
    if !facts.key.0.is_empty() {
        return (facts.key.0.clone(), or_own(&facts.key.1));
    }
    if let Some((name, of)) = item.source.as_ref() {
        return (name.clone(), or_own(of));
    }
    let upstream = qualifiers.get("upstream");
    if let Some((name, of)) = source_rpm(upstream) {
        // The file's name has no epoch; it is that of the package.
        let epoch = version.split_once(':').map_or("", |(epoch, _)| epoch);
        return (name.to_owned(), with_epoch(epoch, &of));
    }
    let stated = [upstream, qualifiers.get("source"), qualifiers.get("origin")].into_iter().find(|t| !t.is_empty());
    match stated.map(|text| text.split_once('@').unwrap_or((text, ""))) {
        Some((name, of)) => (name.to_owned(), or_own(of)),
        None => (name.to_owned(), version.to_owned()),
    }
}

/// What the document names without a package URL. Nobody has advisories for such a name.
pub(super) fn unnamed(item: &Item) -> Result<Component, BadPurl> {
    let purl = Purl::builder(UNTYPED, &*item.name).namespace(&*item.group).version(&*item.version).build()?;
    Ok(Component {
        purl: purl.as_str().to_owned(),
        purl_type: UNTYPED.to_owned(),
        namespace: item.group.clone(),
        name: item.name.clone(),
        version: item.version.clone(),
        ecosystem: String::new(),
        match_name: item.name.clone(),
        match_version: item.version.clone(),
    })
}
