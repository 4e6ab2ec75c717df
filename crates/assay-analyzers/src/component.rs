//! Building occurrences: purl, ecosystem and the keys that advisories are matched by, from what a file says.

use assay_model::component::{Component, Occurrence};
use assay_model::ecosystem::{self, Law, NameRule, Scheme};
use assay_model::inventory::OsRelease;
use assay_model::purl::{BadPurl, Purl};

/// Properties carry the analyzer's name before their own.
const ARCHITECTURE: &str = ".architecture";

/// A package of a language's ecosystem, named as OSV names it. All before the last `/` of its name is the namespace
/// (`@scope/name`, `github.com/owner/name`, `vendor/name`), in Maven's ecosystem all before the `:`.
///
/// # Errors
/// When name or version cannot be part of a package URL.
pub(crate) fn of_language(osv: &str, name: &str, version: &str) -> Result<Component, BadPurl> {
    let law = ecosystem::of(osv);
    let normal = law.map_or_else(|| name.into(), |law| law.normalize_name(name));
    let purl_type = law.map_or(assay_model::purl::UNTYPED, |law| law.purl_type);
    let separator = if law.is_some_and(|law| law.scheme == Scheme::Maven) { ':' } else { '/' };
    let written = name.rsplit_once(separator).map_or(name, |(_, written)| written);
    // Advisories take more spellings for one name than package URLs do, but for this rule.
    let spelled = if law.is_some_and(|law| law.names == NameRule::Pep503) { &normal } else { name };
    let (namespace, bare) = spelled.rsplit_once(separator).unwrap_or(("", spelled));
    let purl = Purl::builder(purl_type, bare).namespace(namespace).version(version).build()?;
    Ok(Component {
        purl: purl.as_str().to_owned(),
        purl_type: purl_type.to_owned(),
        namespace: purl.namespace().unwrap_or_default().to_owned(),
        name: written.to_owned(),
        version: version.to_owned(),
        ecosystem: osv.to_owned(),
        match_name: normal.to_string(),
        match_version: version.to_owned(),
    })
}

/// An installed package of a distribution, before it is known which one: namespace and ecosystem come with [`settle`].
pub(crate) struct OsPackage<'a> {
    pub(crate) purl_type: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) architecture: &'a str,
    pub(crate) source: &'a str,
    pub(crate) source_version: &'a str,
}

impl OsPackage<'_> {
    pub(crate) fn occurrence(&self, path: &str, analyzer: &str) -> Result<Occurrence, BadPurl> {
        let component = Component {
            purl: String::new(),
            purl_type: self.purl_type.to_owned(),
            namespace: String::new(),
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            ecosystem: String::new(),
            match_name: self.source.to_owned(),
            match_version: self.source_version.to_owned(),
        };
        let mut found = occurrence(component, path, analyzer);
        if !self.architecture.is_empty() {
            found.properties.insert(format!("{analyzer}{ARCHITECTURE}"), self.architecture.to_owned());
        }
        found.component.purl = distribution_purl(&found, "")?;
        Ok(found)
    }
}

/// An occurrence that says nothing more than what and where.
pub(crate) fn occurrence(component: Component, path: &str, analyzer: &str) -> Occurrence {
    Occurrence { component, path: path.to_owned(), analyzer: analyzer.to_owned(), ..Occurrence::default() }
}

/// Whether this is a package of a distribution, whose purl and ecosystem depend on the release it runs on.
pub(crate) fn is_distribution(component: &Component) -> bool {
    ecosystem::laws().iter().any(|law| law.is_distribution() && law.purl_type == component.purl_type)
}

/// Gives a distribution's package the namespace, ecosystem and purl of this release.
pub(crate) fn settle(found: &mut Occurrence, os: &OsRelease) {
    let law = ecosystem::of(&os.ecosystem).filter(|law| law.purl_type == found.component.purl_type);
    let namespace = law.and_then(|law: &Law| law.purl_namespace).unwrap_or(&os.id);
    found.component.namespace = namespace.to_owned();
    found.component.ecosystem = if law.is_some() { os.ecosystem.clone() } else { String::new() };
    let distro = if os.version.is_empty() { os.id.clone() } else { format!("{}-{}", os.id, os.version) };
    // A release with an odd name leaves the package's name as it was.
    if let Ok(purl) = distribution_purl(found, &distro) {
        found.component.purl = purl;
    }
}

fn distribution_purl(found: &Occurrence, distro: &str) -> Result<String, BadPurl> {
    let component = &found.component;
    let architecture =
        found.properties.iter().find(|(key, _)| key.ends_with(ARCHITECTURE)).map_or("", |(_, value)| value.as_str());
    let upstream = match (component.match_name == component.name, component.match_version == component.version) {
        (true, true) => String::new(),
        (_, true) => component.match_name.clone(),
        (_, false) => format!("{}@{}", component.match_name, component.match_version),
    };
    let purl = Purl::builder(&component.purl_type, &component.name)
        .namespace(&component.namespace)
        .version(&component.version)
        .qualifier("arch", architecture)
        .qualifier("distro", distro)
        .qualifier("upstream", upstream)
        .build()?;
    Ok(purl.as_str().to_owned())
}
