//! One find as Trivy's `Package`.

use super::{
    hash, identity,
    kinds::{self, Kind},
    model::{Identifier, Layer, Location, Package},
    purl::Parts,
};
use assay_model::{
    component::{Component, Occurrence, Relationship},
    inventory::{Inventory, OsRelease},
};
use std::collections::BTreeMap;

/// What packages refer to: layers by digest, the system.
pub(super) struct Surroundings<'a> {
    layers: BTreeMap<&'a str, Layer>,
    os: Option<&'a OsRelease>,
    subject: &'a str,
}

impl<'a> Surroundings<'a> {
    /// Of what is called `subject`.
    pub(super) fn of(inventory: &'a Inventory, subject: &'a str) -> Self {
        let layers = inventory.image.iter().flat_map(|image| &image.layers);
        let named = |digest: &str, diff_id: &str| Layer {
            digest: digest.to_owned(),
            diff_id: diff_id.to_owned(),
            ..Layer::default()
        };
        let layers = layers.flat_map(|l| {
            let layer = named(&l.digest, &l.diff_id);
            [(l.digest.as_str(), layer.clone()), (l.diff_id.as_str(), layer)]
        });
        let layers = layers.filter(|(digest, _)| !digest.is_empty()).collect();
        Self { layers, os: inventory.os.as_ref(), subject }
    }

    /// Where it lies; nowhere when all that is known is the bill of materials that tells of it.
    pub(super) fn path<'f>(&self, found: &'f Occurrence) -> &'f str {
        let is_bill = self.subject.rsplit('/').next() == Some(found.path.as_str());
        if kinds::is_of_bill(found) && is_bill { "" } else { &found.path }
    }

    /// The layer of this digest.
    pub(super) fn layer(&self, digest: Option<&str>) -> Layer {
        let Some(digest) = digest else { return Layer::default() };
        let unknown = || Layer { digest: digest.to_owned(), ..Layer::default() };
        self.layers.get(digest).cloned().unwrap_or_else(unknown)
    }
}

/// The name as its ecosystem writes it: with scope, group or path.
pub(super) fn full_name(component: &Component, is_system: bool) -> String {
    let Component { namespace, name, purl_type, .. } = component;
    let joint = if purl_type == "maven" { ':' } else { '/' };
    match namespace.as_str() {
        "" => name.clone(),
        _ if is_system => name.clone(),
        namespace if name.starts_with(namespace) && name[namespace.len()..].starts_with(joint) => name.clone(),
        namespace => format!("{namespace}{joint}{name}"),
    }
}

/// The name of a language's package as its file writes it: package URLs change the case of some.
pub(super) fn written_name(found: &Occurrence) -> String {
    let component = &found.component;
    let known = full_name(component, false);
    let written = found.id.split("::").next().and_then(|id| id.strip_suffix(&component.version));
    let written = written.and_then(|id| id.strip_suffix(['@', '/', ':']).or_else(|| id.strip_suffix("@v")));
    match written {
        Some(name) if name.eq_ignore_ascii_case(&known) => name.to_owned(),
        _ => known,
    }
}

/// The identifier as reports write it. That of a Maven project's dependency tells the project, by the path under which
/// the reader knows it.
pub(super) fn id(found: &Occurrence, kind: Kind, subject: &str) -> String {
    match found.id.rsplit_once("::") {
        Some((coordinates, _)) if kind.name == "pom" => {
            let path = format!("{}/{}", subject.trim_end_matches('/'), found.path);
            let hash = hash::map([("gav", hash::text(coordinates)), ("path", hash::text(&path))]);
            format!("{coordinates}::{:.8}", format!("{hash:x}"))
        }
        _ => found.id.clone(),
    }
}

/// The version with epoch and release, as findings show it.
#[must_use]
pub fn installed(package: &Package) -> String {
    let version = match package.release.as_str() {
        "" => package.version.clone(),
        release => format!("{}-{release}", package.version),
    };
    if package.epoch == 0 { version } else { format!("{}:{version}", package.epoch) }
}

/// `1:2.3-4` as epoch, version and release.
fn split(version: &str) -> (i64, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}

/// The package of a find. Its UID counts everything that is said of it, also what a report then leaves out.
/// `ids` has the identifiers of its group as reports write them.
pub(super) fn package(
    found: &Occurrence,
    kind: Kind,
    ids: &BTreeMap<&str, String>,
    around: &Surroundings<'_>,
) -> Package {
    let mut package = if kind.is_system { of_system(found, around) } else { of_language(found) };
    let said = |id: &String| ids.get(id.as_str()).unwrap_or(id).clone();
    if !kind.is_system {
        package.id = said(&found.id);
    }
    package.dev = found.dev;
    package.licenses.clone_from(&found.licenses);
    package.depends_on = found.depends_on.iter().map(said).collect();
    if kind.is_system {
        package.digest = found.digest.clone().unwrap_or_default();
    }
    package.analyzed_by = kind.analyzed_by.to_owned();
    package.locations = found.lines.iter().map(|l| Location { start_line: l.first, end_line: l.last }).collect();
    relate(&mut package, found.relationship);
    let path = around.path(found);
    if kind.together.is_some() {
        package.file_path = path.to_owned();
    }
    let hashed_under = if kind.is_system { "" } else { path };
    if kinds::is_of_bill(found) {
        package.layer = around.layer(found.layer.as_deref());
        found.component.purl.clone_into(&mut package.identifier.purl);
        package.identifier.bom_ref = found.property("reference").unwrap_or_default().to_owned();
        let parts = Parts::parse(&package.identifier.purl);
        package.identifier.uid = identity::uid(hashed_under, &package, parts.as_ref());
    } else {
        package.identifier.uid = identity::uid(hashed_under, &package, None);
        package.layer = around.layer(found.layer.as_deref());
    }
    package
}

fn relate(package: &mut Package, relationship: Relationship) {
    let word = match relationship {
        Relationship::Unknown => "",
        Relationship::Root => "root",
        Relationship::Workspace => "workspace",
        Relationship::Direct => "direct",
        Relationship::Indirect => "indirect",
    };
    package.relationship = word.to_owned();
    package.indirect = relationship == Relationship::Indirect;
}

fn of_language(found: &Occurrence) -> Package {
    let component = &found.component;
    let name = written_name(found);
    let purl = match Parts::of_language(&component.purl_type, &name, &component.version) {
        Some(parts) => parts.with("uuid", found.property("uuid").unwrap_or_default()).text(),
        None => String::new(),
    };
    let identifier = Identifier { purl, ..Identifier::default() };
    Package { name, version: component.version.clone(), identifier, ..Package::default() }
}

/// The identifier of a package of a system.
pub(super) fn id_of_system(found: &Occurrence, around: &Surroundings<'_>) -> String {
    of_system(found, around).id
}

fn of_system(found: &Occurrence, around: &Surroundings<'_>) -> Package {
    let component = &found.component;
    let whole = |version: &str| (0, version.to_owned(), String::new());
    let parts = |version: &str| match component.purl_type.as_str() {
        "deb" | "rpm" => {
            let (epoch, version, release) = split(version);
            (epoch, version.to_owned(), release.to_owned())
        }
        _ => whole(version),
    };
    let (epoch, version, release) = parts(&component.version);
    let (source, source_version) = found.source();
    let (src_epoch, src_version, src_release) = parts(source_version);
    let said = |key: &str| found.property(key).unwrap_or_default().to_owned();
    let mut package = Package {
        name: component.name.clone(),
        version,
        release,
        epoch,
        arch: said("architecture"),
        src_name: source.to_owned(),
        src_version,
        src_release,
        src_epoch,
        maintainer: said("maintainer"),
        modularity_label: said("modularity"),
        ..Package::default()
    };
    package.id = system_id(&package, &component.purl_type);
    package.identifier.purl = system_purl(&package, component, around);
    package
}

fn system_id(package: &Package, purl_type: &str) -> String {
    let version = installed(&Package { epoch: 0, ..package.clone() });
    match purl_type {
        "rpm" if !package.arch.is_empty() => format!("{}@{version}.{}", package.name, package.arch),
        "deb" => format!("{}@{}", package.name, installed(package)),
        _ => format!("{}@{version}", package.name),
    }
}

fn system_purl(package: &Package, component: &Component, around: &Surroundings<'_>) -> String {
    let Some(os) = around.os else { return component.purl.clone() };
    if !matches!(component.purl_type.as_str(), "apk" | "deb" | "rpm") {
        return component.purl.clone();
    }
    let family = kinds::family(os);
    let version = installed(&Package { epoch: 0, ..package.clone() });
    let distro = if component.purl_type == "apk" { os.version.clone() } else { format!("{family}-{}", os.version) };
    let epoch = if package.epoch == 0 { String::new() } else { package.epoch.to_string() };
    Parts::of_system(&component.purl_type, family, &component.name, &version)
        .with("arch", &package.arch)
        .with("epoch", &epoch)
        .with("distro", &distro)
        .with("modularitylabel", &package.modularity_label)
        .text()
}
