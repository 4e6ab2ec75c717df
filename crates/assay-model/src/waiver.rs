//! A waiver: an exception with a scope, a reason, an author and an end. One that names vulnerabilities takes findings out
//! of what policies see; one that names policies alone takes their verdicts about whole packages back.

use crate::{
    decision::DecisionId,
    glob,
    package::PackageId,
    purl::Purl,
    vers::{BadRange, VersionRange},
    vex::VexStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Identity of a waiver, unique in the workspace: `W` and a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaiverId(pub String);

impl fmt::Display for WaiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl WaiverId {
    /// The waiver of that number.
    pub fn of(number: i64) -> Self {
        Self(format!("W{number}"))
    }
    /// Its number; nothing for what is no id.
    pub fn number(&self) -> Option<i64> {
        let digits = self.0.strip_prefix(['W', 'w'])?;
        digits.parse().ok().filter(|number| *number > 0)
    }
}

/// What a waiver is about. An empty part does not restrict; at least vulnerabilities or policies are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverScope {
    /// Ids of vulnerabilities; any alias of a finding counts.
    pub vulnerabilities: BTreeSet<String>,
    /// Which components (with vulnerabilities: or the packages that these are in) or packages (without).
    pub packages: Vec<PackageRange>,
    /// Names of repositories, with `*`.
    pub repositories: Vec<String>,
    /// Slugs of the policies that it holds against.
    pub policies: BTreeSet<String>,
}

/// Versions of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackageRange {
    /// Package URL; with a version only that one.
    pub purl: String,
    /// Which versions, in the native notation of [`vers`](https://github.com/package-url/vers-spec) constraints
    /// (`>=1.2|<1.4`); empty for all.
    pub versions: String,
}

impl PackageRange {
    /// Checks purl and versions.
    ///
    /// # Errors
    /// Saying what is wrong.
    pub fn check(&self) -> Result<(), BadRange> {
        let bad = |reason: String| BadRange { text: self.purl.clone(), reason };
        let purl: Purl = self.purl.parse().map_err(|error| bad(format!("{error}")))?;
        if purl.version().is_some() && !self.versions.trim().is_empty() {
            return Err(bad("the package URL has a version, and versions are given beside it".to_owned()));
        }
        VersionRange::parse(purl.scheme(), &self.versions).map(|_| ())
    }

    /// Whether it has that package URL in it: same type, namespace and name; a version within; the same qualifiers where
    /// it has any.
    pub fn covers(&self, purl: &str) -> bool {
        let (Ok(wanted), Ok(purl)) = (self.purl.parse::<Purl>(), purl.parse::<Purl>()) else { return false };
        let key = |purl: &Purl| (purl.kind().to_owned(), purl.namespace().map(str::to_owned), purl.name().to_owned());
        let same_qualifier = |(key, value): (&String, &String)| purl.qualifier(key) == Some(value.as_str());
        if key(&wanted) != key(&purl) || !wanted.qualifiers().iter().all(same_qualifier) {
            return false;
        }
        let versions = wanted.version().unwrap_or(&self.versions);
        let Ok(range) = VersionRange::parse(wanted.scheme(), versions) else { return false };
        match purl.version() {
            Some(version) => range.contains(version),
            None => versions.trim().is_empty(),
        }
    }
}

impl WaiverScope {
    /// Whether it holds in a repository of that name.
    pub fn is_in(&self, repository: &str) -> bool {
        self.repositories.is_empty() || glob::any(&self.repositories, repository)
    }
    /// Whether any of these package URLs is within its packages.
    pub fn covers<'a>(&self, mut purls: impl Iterator<Item = &'a str>) -> bool {
        self.packages.is_empty() || purls.any(|purl| self.packages.iter().any(|range| range.covers(purl)))
    }
    /// Whether its packages might have one of that name, as formats write it; false only where none has.
    pub fn may_cover(&self, name: &str) -> bool {
        let plain = |text: &str| text.to_lowercase().replace(['_', '.'], "-");
        let name = plain(name);
        let last =
            |range: &PackageRange| range.purl.parse::<Purl>().is_ok_and(|purl| name.ends_with(&plain(purl.name())));
        self.packages.is_empty() || self.packages.iter().any(last)
    }
    /// Whether it takes findings away, rather than verdicts about whole packages.
    pub fn is_about_findings(&self) -> bool {
        !self.vulnerabilities.is_empty()
    }
}

/// What a waiver says where it is exported as VEX. By default that something should be done, and its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaiverVex {
    /// The word.
    pub status: VexStatus,
    /// Why it is not affected, as OpenVEX spells it (`vulnerable_code_not_present`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// How far a waiver is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverStatus {
    /// Waits for an approver.
    #[default]
    Requested,
    /// In force until it ends.
    Active,
    /// An approver said no.
    Refused,
    /// Ended by hand.
    Revoked,
    /// Ended by itself.
    Expired,
}

impl WaiverStatus {
    /// The word, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Requested, Self::Active, Self::Refused, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// A waiver as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Identity.
    pub id: WaiverId,
    /// What it is about.
    pub scope: WaiverScope,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub author: String,
    /// Who approved or refused it, where that was needed.
    pub approver: Option<String>,
    /// How far it is.
    pub status: WaiverStatus,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When its status last changed.
    pub changed_at: Timestamp,
    /// What was said at its last change: why it was refused, revoked or extended. Empty where nothing was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// What it says as VEX, where that is more than the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vex: Option<WaiverVex>,
    /// The waiver that ends when this one takes effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<WaiverId>,
    /// Days before its end for which notice was given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub noticed: BTreeSet<u32>,
}

/// That a decision about a package rested on a waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverUse {
    /// Which waiver.
    pub waiver: WaiverId,
    /// For which package.
    pub package: PackageId,
    /// Which decision.
    pub decision: DecisionId,
    /// When it was made.
    pub at: Timestamp,
}

/// How a workspace wants its waivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverRules {
    /// Whether another administrator than the author has to agree.
    pub approval: Approval,
    /// Days that a waiver may last.
    pub max_days: u32,
    /// Days before its end on which notice is given.
    pub notice_days: BTreeSet<u32>,
}

impl Default for WaiverRules {
    fn default() -> Self {
        Self { approval: Approval::None, max_days: 365, notice_days: BTreeSet::from([1, 7]) }
    }
}

/// Whether waivers need a second person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// In force when they are made.
    #[default]
    None,
    /// In force when an administrator other than the author approves.
    Required,
}

impl Waiver {
    /// Whether it is in force at that moment.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.status == WaiverStatus::Active && now < self.expires_at
    }
    /// Whether it takes findings away, rather than verdicts about whole packages.
    pub fn is_about_findings(&self) -> bool {
        self.scope.is_about_findings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(purl: &str, versions: &str) -> PackageRange {
        PackageRange { purl: purl.into(), versions: versions.into() }
    }

    #[test]
    fn packages_are_named_by_package_url_and_versions() {
        let requests = range("pkg:pypi/Requests", ">=2.0|<2.20");
        assert!(requests.covers("pkg:pypi/requests@2.6.0") && !requests.covers("pkg:pypi/requests@2.20"));
        assert!(!requests.covers("pkg:pypi/requests2@2.6.0") && !requests.covers("pkg:npm/requests@2.6.0"));
        assert!(range("pkg:pypi/requests@2.6", "").covers("pkg:pypi/requests@2.6.0"), "equal in the ecosystem's order");
        let debian = range("pkg:deb/debian/curl?arch=amd64", "<7.90");
        assert!(debian.covers("pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12"));
        assert!(!debian.covers("pkg:deb/debian/curl@7.88.1-10?arch=arm64"));
        assert!(!debian.covers("pkg:deb/ubuntu/curl@7.88.1-10?arch=amd64"));
        assert!(range("pkg:oci/app", "").covers("pkg:oci/app@sha256:ab"));
    }

    #[test]
    fn names_are_looked_at_before_inventories_are() {
        let scope = |purl: &str| WaiverScope { packages: vec![range(purl, "")], ..WaiverScope::default() };
        assert!(scope("pkg:pypi/typing-extensions").may_cover("Typing_Extensions"));
        assert!(scope("pkg:npm/%40scope/name").may_cover("@scope/name"));
        assert!(scope("pkg:maven/org.example/core.lib").may_cover("org.example:core.lib"));
        assert!(!scope("pkg:pypi/requests").may_cover("flask") && WaiverScope::default().may_cover("flask"));
    }

    #[test]
    fn bad_packages_are_told() {
        assert!(range("requests", "").check().is_err());
        assert!(range("pkg:oci/app", ">=1").check().is_err(), "no order");
        assert!(range("pkg:pypi/a@1", "<2").check().is_err());
        assert!(range("pkg:pypi/a", "<2").check().is_ok());
    }

    #[test]
    fn ids_have_numbers() {
        assert_eq!(WaiverId::of(12).number(), Some(12));
        assert_eq!(WaiverId("w3".into()).number(), Some(3));
        for wrong in ["12", "W", "W-1", "W0", "x"] {
            assert_eq!(WaiverId(wrong.into()).number(), None, "{wrong}");
        }
    }
}
