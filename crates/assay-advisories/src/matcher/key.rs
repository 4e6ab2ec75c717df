//! Under which (ecosystem, name) components and advisories meet.
//!
//! What follows the colon of an ecosystem is a release where the ecosystem is a distribution (`Debian:12`), and the
//! address of a repository where it is a language (`Maven:https://...`). A release must be the same; a record without
//! one holds for all. A component rarely knows its repository, so there only two different addresses keep apart.

use super::subject::{Subject, spelled};
use crate::statement::{self, Statement, VULNERABILITY};
use assay_model::advisory::{Advisory, Affected};
use assay_model::component::Component;
use assay_model::ecosystem;
use std::collections::BTreeSet;

pub(super) fn of_component(component: &Component) -> Vec<(String, String)> {
    let subject = Subject::new(component);
    if component.match_name.is_empty() {
        return Vec::new();
    }
    let names = subject.names();
    let under = |ecosystem: &String| names.iter().map(|name| (ecosystem.clone(), name.clone())).collect::<Vec<_>>();
    subject.ecosystems.iter().flat_map(under).collect()
}

pub(super) fn of_advisory(advisory: &Advisory) -> Vec<(String, String)> {
    if statement::is_note(advisory) {
        return of_vulnerabilities(advisory.aliases.iter().map(String::as_str));
    }
    let mut keys = BTreeSet::new();
    for affected in &advisory.affected {
        let ecosystem = ecosystem::canonical(&affected.package.ecosystem);
        if ecosystem.is_empty() || affected.package.name.is_empty() {
            continue;
        }
        let name = spelled(&ecosystem, &affected.package.name);
        if let Some(base) = repository_of(&ecosystem) {
            keys.insert((base.to_owned(), name.clone()));
        }
        keys.insert((ecosystem.into_owned(), name));
    }
    keys.into_iter().collect()
}

/// Where records about vulnerabilities apart from any package are filed.
pub(super) fn of_vulnerabilities<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    ids.map(|id| (VULNERABILITY.to_owned(), id.to_owned())).collect()
}

/// What to look for among components to find those with this key: a package out of a module is known by its bare name,
/// and a release may be spelled otherwise.
pub(super) fn searched((ecosystem, name): &(String, String)) -> Vec<(String, String)> {
    if ecosystem == VULNERABILITY {
        return Vec::new();
    }
    let law = ecosystem::of(ecosystem);
    if !law.is_some_and(|law| law.is_distribution()) {
        return vec![(ecosystem.clone(), name.clone())];
    }
    let bare = name.rsplit_once("::").map_or(name.as_str(), |(_, bare)| bare);
    let base = without_suffix(ecosystem).unwrap_or(ecosystem);
    let mut all = vec![(base.to_owned(), bare.to_owned())];
    if base == "Red Hat" {
        all.push(("CentOS".to_owned(), bare.to_owned()));
    }
    all
}

/// The version to compare where the entry names this component, and this build of it.
pub(super) fn version_for<'a>(
    subject: &'a Subject<'_>,
    affected: &Affected,
    statement: Option<&Statement>,
) -> Option<&'a str> {
    let theirs = ecosystem::canonical(&affected.package.ecosystem);
    let own = subject.ecosystems.first().map(String::as_str);
    let same = subject.ecosystems.iter().any(|ours| *ours == theirs) || own.is_some() && repository_of(&theirs) == own;
    if !same || subject.is_other_build(affected, statement) {
        return None;
    }
    subject.version_for(affected, statement)
}

/// `Debian` of `Debian:12`. None for an ecosystem that wraps another, where the suffix is not a release.
pub(super) fn without_suffix(ecosystem: &str) -> Option<&str> {
    let (base, _) = ecosystem.split_once(':')?;
    ecosystem::of(ecosystem).is_none_or(|law| law.osv == base).then_some(base)
}

/// The ecosystem without the address of a repository, where it has one.
fn repository_of(ecosystem: &str) -> Option<&str> {
    let base = without_suffix(ecosystem)?;
    ecosystem::of(base).is_some_and(|law| !law.is_distribution()).then_some(base)
}
