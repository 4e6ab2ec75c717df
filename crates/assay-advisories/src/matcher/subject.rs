//! A component as the matcher sees it: where its advisories may be filed, under which names, and which version each name
//! stands for.
//!
//! A distribution's package has two names: its own, with its version, and that of the source package it was built from,
//! with that one's. Some databases use the one, some the other. A package out of a module goes by
//! `module:stream::name`, for each stream is maintained by itself.

use crate::statement::{Named, Statement};
use assay_model::advisory::Affected;
use assay_model::component::Component;
use assay_model::ecosystem::{self, Keys, Law, Scheme};
use assay_model::purl::Purl;
use serde_json::Value;
use std::collections::BTreeMap;

/// Editions of Red Hat Enterprise Linux that a system has unless it says otherwise, as OSV names them.
const EDITIONS: [&str; 5] = ["", "::baseos", "::appstream", "::server", "::workstation"];
/// Releases with support beyond their life.
const EXTENDED: &str = "Ubuntu:Pro:";
/// The last release that was a rebuild of Red Hat's.
const LAST_REBUILD: u32 = 8;

pub(super) struct Subject<'a> {
    pub(super) component: &'a Component,
    pub(super) scheme: Scheme,
    is_distribution: bool,
    /// Ecosystems under which advisories may be filed, its own first.
    pub(super) ecosystems: Vec<String>,
    /// Version of the package itself, with its epoch.
    own_version: String,
    /// Name and version of the source package; of a language's package its own.
    source: String,
    source_version: String,
    module: Option<String>,
    qualifiers: BTreeMap<String, String>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(component: &'a Component) -> Self {
        let law = ecosystem::of(component.ecosystem.trim());
        let purl: Option<Purl> = component.purl.parse().ok();
        let qualifiers = purl.map(|purl| purl.qualifiers().clone()).unwrap_or_default();
        let get = |name: &str| qualifiers.get(name).map(String::as_str);
        let scheme = law.map_or(Scheme::Opaque, |law| law.scheme);
        let epoch = get("epoch").filter(|epoch| scheme == Scheme::Rpm && *epoch != "0");
        let with_epoch = |version: &str| match epoch {
            Some(epoch) if !version.contains(':') => format!("{epoch}:{version}"),
            _ => version.to_owned(),
        };
        let is_distribution = law.is_some_and(Law::is_distribution);
        let (source, version) =
            match get("upstream").filter(|_| is_distribution && component.match_name == component.name) {
                Some(upstream) => upstream_of(upstream),
                None => (component.match_name.as_str(), Some(component.match_version.as_str())),
            };
        let by_name = law.is_some_and(|law| law.keys == Keys::SourceName);
        let source_version = version.filter(|_| !by_name).unwrap_or(&component.version);
        Self {
            scheme,
            is_distribution,
            ecosystems: ecosystems(component.ecosystem.trim()),
            own_version: with_epoch(&component.version),
            source: source.to_owned(),
            source_version: if is_distribution { with_epoch(source_version) } else { component.match_version.clone() },
            module: ["modularitylabel", "rpmmod"].iter().find_map(|name| get(name)).and_then(module),
            component,
            qualifiers,
        }
    }

    fn qualifier(&self, name: &str) -> Option<&str> {
        self.qualifiers.get(name).map(String::as_str)
    }

    /// Every name under which advisories may be filed, without duplicates.
    pub(super) fn names(&self) -> Vec<String> {
        let component = self.component;
        let mut names = Vec::new();
        if !component.match_name.is_empty() {
            names.push(spelled(&component.ecosystem, &component.match_name));
        }
        if self.is_distribution && !component.name.is_empty() {
            names.push(component.name.clone());
            names.push(self.source.clone());
            names.extend(self.module.as_ref().map(|module| format!("{module}::{}", component.name)));
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The version that an entry is to be compared with, where it names this component at all.
    pub(super) fn version_for(&self, affected: &Affected, statement: Option<&Statement>) -> Option<&str> {
        let component = self.component;
        let name = affected.package.name.as_str();
        if !self.is_distribution {
            let same = !component.match_name.is_empty()
                && spelled(&component.ecosystem, &component.match_name) == spelled(&affected.package.ecosystem, name);
            return same.then_some(self.source_version.as_str());
        }
        let named = statement.and_then(|s| s.named).unwrap_or_else(|| custom(&affected.package.ecosystem));
        let bare = match name.rsplit_once("::") {
            Some((module, bare)) if self.module.as_deref() == Some(module) => bare,
            Some(_) => return None,
            None => name,
        };
        match named {
            Named::Source if bare == self.source => Some(&self.source_version),
            Named::Binary if bare == component.name => Some(&self.own_version),
            _ => None,
        }
    }

    /// Whether the entry is about the extended support that the system has, beside what it has without.
    pub(super) fn extends(&self, affected: &Affected) -> bool {
        let own = self.ecosystems.first().map(String::as_str).unwrap_or_default();
        own.starts_with(EXTENDED) && ecosystem::canonical(&affected.package.ecosystem) == own
    }

    /// Whether the entry is about another build of the package: another architecture or operating system, another module,
    /// another flavour.
    pub(super) fn is_other_build(&self, affected: &Affected, statement: Option<&Statement>) -> bool {
        let arches = statement.map_or(&[][..], |s| s.arches.as_slice());
        self.is_other_arch(arches)
            || self.is_other_platform(affected)
            || self.scheme == Scheme::Rpm && fixes(affected).any(|fixed| self.is_other_flavour(affected, fixed))
    }

    fn is_other_arch(&self, arches: &[String]) -> bool {
        let ours = self.qualifier("arch").filter(|arch| !matches!(*arch, "noarch" | "all" | "src"));
        ours.is_some_and(|ours| !arches.is_empty() && !arches.iter().any(|arch| arch == ours || arch == "noarch"))
    }

    /// Go's vulnerabilities and Rust's may be those of some systems only. What is not known of the component excludes
    /// nothing.
    fn is_other_platform(&self, affected: &Affected) -> bool {
        let Some(specific) = affected.rest.get("ecosystem_specific") else { return false };
        let differs = |ours: Option<&str>, theirs: Option<&Value>| {
            let theirs: Vec<&str> =
                theirs.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            ours.is_some_and(|ours| !theirs.is_empty() && !theirs.contains(&ours))
        };
        let imports = specific.get("imports").and_then(Value::as_array).filter(|imports| !imports.is_empty());
        let other_import = |import: &Value| {
            differs(self.qualifier("goos"), import.get("goos"))
                || differs(self.qualifier("goarch"), import.get("goarch"))
        };
        let affects = specific.get("affects");
        imports.is_some_and(|imports| imports.iter().all(other_import))
            || differs(self.qualifier("os"), affects.and_then(|affects| affects.get("os")))
            || differs(self.qualifier("arch"), affects.and_then(|affects| affects.get("arch")))
    }

    fn is_other_flavour(&self, affected: &Affected, fixed: &str) -> bool {
        let modular = |version: &str| version.contains(".module");
        if modular(&self.own_version) != modular(fixed) && !affected.package.name.contains("::") {
            return true;
        }
        flavour(&self.own_version) != flavour(fixed)
    }
}

/// What Oracle builds beside the ordinary package: patched while running, and certified.
fn flavour(version: &str) -> (Option<String>, bool) {
    let lower = version.to_ascii_lowercase();
    let ksplice = lower.split(['.', '-']).find(|part| part.starts_with("ksplice")).map(str::to_owned);
    (ksplice, lower.ends_with("_fips"))
}

fn fixes(affected: &Affected) -> impl Iterator<Item = &str> {
    affected.ranges.iter().flat_map(|range| &range.events).filter_map(|event| event.fixed.as_deref())
}

/// `module:stream` of a label (`nodejs:12:8030020201124152102:229f0a1c`).
fn module(label: &str) -> Option<String> {
    let mut parts = label.split(':').filter(|part| !part.is_empty());
    Some(format!("{}:{}", parts.next()?, parts.next()?))
}

/// Name and version of a source package as package URLs give it: `name`, `name@version`, or the file name of a source rpm.
fn upstream_of(text: &str) -> (&str, Option<&str>) {
    let Some(file) = text.strip_suffix(".src.rpm") else {
        return text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
    };
    let dashes: Vec<usize> = file.rmatch_indices('-').map(|(at, _)| at).take(2).collect();
    match dashes.get(1) {
        Some(&at) => (&file[..at], Some(&file[at + 1..])),
        None => (file, None),
    }
}

/// Distributions whose records in the OSV schema name the source package, though their own announcements name what is
/// installed.
const BY_SOURCE: [&str; 3] = ["Rocky Linux", "SUSE", "openSUSE"];

/// Which names the records of an ecosystem use where they do not say.
fn custom(ecosystem: &str) -> Named {
    match ecosystem::of(ecosystem) {
        Some(law) if law.keys == Keys::Binary && !BY_SOURCE.contains(&law.osv) => Named::Binary,
        _ => Named::Source,
    }
}

/// Its own release, the ecosystem without one, and what else holds for that release.
fn ecosystems(stated: &str) -> Vec<String> {
    let own = ecosystem::canonical(stated).into_owned();
    if own.is_empty() {
        return Vec::new();
    }
    let mut all = vec![own.clone()];
    let major = |base: &str| own.strip_prefix(base)?.strip_prefix(':')?.parse::<u32>().ok();
    let rebuilt = || major("CentOS").filter(|major| *major <= LAST_REBUILD);
    if let Some(major) = major("Red Hat:enterprise_linux").or_else(rebuilt) {
        all.extend(EDITIONS.map(|edition| format!("Red Hat:enterprise_linux:{major}{edition}")));
    }
    // What is extended beyond its life still has what came before.
    if let Some(release) = own.strip_prefix(EXTENDED) {
        all.push(format!("Ubuntu:{}", release.rsplit_once("FIPS:").map_or(release, |(_, release)| release)));
    }
    all.extend(super::key::without_suffix(&own).map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all
}

pub(super) fn spelled(ecosystem: &str, name: &str) -> String {
    ecosystem::of(ecosystem).map_or_else(|| name.to_owned(), |law| law.normalize_name(name).into_owned())
}
