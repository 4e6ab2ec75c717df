//! VEX: what somebody says about whether a product is affected by a vulnerability. Documents are read in
//! `assay-advisories`; whose word counts is a matter of the one who asks.

use crate::{component::Component, finding::Finding, glob, package::PackageId, purl::Purl};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The four words of VEX (CISA, "Minimum Requirements for VEX").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    /// Nothing needs to be done.
    NotAffected,
    /// Something should be done.
    Affected,
    /// These versions have a fix.
    Fixed,
    /// Not known yet.
    UnderInvestigation,
}

impl VexStatus {
    /// Whether a finding with this status is no finding any more.
    pub fn suppresses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// A product that a statement is about, by any of its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexProduct {
    /// Package URLs of it; one without version means every version.
    pub purls: Vec<String>,
    /// Digests of it, as `algorithm:hex` in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
    /// Parts of the product that the statement is limited to, as package URLs; none means the product as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

/// One statement of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexStatement {
    /// Every id of the vulnerability.
    pub vulnerability: BTreeSet<String>,
    /// What it is about.
    pub products: Vec<VexProduct>,
    /// The word.
    pub status: VexStatus,
    /// Why it is not affected, as the document's format spells it (`vulnerable_code_not_present`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// A sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// When it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Who said it.
    pub author: String,
    /// Id of the document, or its file name.
    pub document: String,
}

/// Where a document came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum VexOrigin {
    /// Uploaded, by this token.
    Uploaded(String),
    /// Attached to an image, by whoever may push there: the repository's name.
    Attached(String),
    /// From a feed: its id.
    Feed(String),
}

/// A statement as the workspace has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What is said.
    pub statement: VexStatement,
    /// Where it came from.
    pub origin: VexOrigin,
    /// Whether the workspace takes this author's word: only then it can suppress.
    pub trusted: bool,
}

impl VexOrigin {
    /// Which kind it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Uploaded(_) => "uploaded",
            Self::Attached(_) => "attached",
            Self::Feed(_) => "feed",
        }
    }
    /// By whom, where, or of what.
    pub fn name(&self) -> &str {
        let (Self::Uploaded(name) | Self::Attached(name) | Self::Feed(name)) = self;
        name
    }
    /// The origin of that kind.
    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "uploaded" => Some(Self::Uploaded(name.to_owned())),
            "attached" => Some(Self::Attached(name.to_owned())),
            "feed" => Some(Self::Feed(name.to_owned())),
            _ => None,
        }
    }
}

/// Row identity of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VexId(pub i64);

/// A document as the workspace has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexDocument {
    /// Identity.
    pub id: VexId,
    /// What it calls itself, or its file name; of attached ones the digest of what holds it. A document with the same
    /// name and origin is a revision of it.
    pub name: String,
    /// Where it came from.
    pub origin: VexOrigin,
    /// Who says it.
    pub author: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The package that holds it, for attached ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageId>,
    /// Number of its statements.
    pub statements: u64,
    /// When this revision came.
    pub at: Timestamp,
}

/// A document to be kept.
#[derive(Clone, Debug)]
pub struct NewVex {
    /// See [`VexDocument::name`].
    pub name: String,
    /// Where it came from.
    pub origin: VexOrigin,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The package that holds it.
    pub package: Option<PackageId>,
    /// What it says.
    pub statements: Vec<VexStatement>,
    /// Now.
    pub at: Timestamp,
}

/// Whose statements are trusted: the first rule that fits says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRule {
    /// `uploaded`, `attached`, `feed`; empty for any.
    #[serde(default)]
    pub origin: String,
    /// Authors, with `*`; empty for any.
    #[serde(default)]
    pub author: String,
    /// Repositories that hold the image it is attached to, or ids of feeds, with `*`; empty for any.
    #[serde(default)]
    pub from: String,
    /// Whether it is trusted.
    pub trusted: bool,
}

/// The rules of a workspace, in order. What none fits is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VexTrust {
    /// The rules.
    pub rules: Vec<TrustRule>,
}

impl Default for VexTrust {
    fn default() -> Self {
        let rule = |origin: &str, trusted| TrustRule {
            origin: origin.to_owned(),
            author: String::new(),
            from: String::new(),
            trusted,
        };
        Self { rules: vec![rule("uploaded", true), rule("feed", true), rule("attached", false)] }
    }
}

impl VexTrust {
    /// Whether a statement of this author from there is trusted.
    pub fn trusts(&self, origin: &VexOrigin, author: &str) -> bool {
        let fits = |pattern: &str, text: &str| pattern.is_empty() || glob::matches(pattern, text);
        let rule = self.rules.iter().find(|rule| {
            (rule.origin.is_empty() || rule.origin == origin.kind())
                && fits(&rule.author, author)
                && fits(&rule.from, origin.name())
        });
        rule.is_some_and(|rule| rule.trusted)
    }
}

/// The qualifier of a package URL that tells where an image lies, host and path.
pub const REPOSITORY_URL: &str = "repository_url";

/// What is looked at: the artifact that a component is in.
#[derive(Clone, Debug, Default)]
pub struct VexSubject {
    /// Package URLs that the artifact goes by.
    pub purls: Vec<String>,
    /// Its digests, as `algorithm:hex` in lower case.
    pub digests: Vec<String>,
    /// Which components of it others hold, by package URL: see [`crate::holders`].
    pub within: BTreeMap<String, BTreeSet<String>>,
}

impl VexStatement {
    /// Whether any of its products may be this package URL.
    pub fn names(&self, purl: &str) -> bool {
        self.products.iter().flat_map(|product| &product.purls).any(|wanted| is_named(wanted, purl))
    }

    /// Whether it speaks of this finding of this component of this artifact.
    pub fn speaks_of(&self, subject: &VexSubject, component: &Component, finding: &Finding) -> bool {
        finding.ids().any(|id| self.vulnerability.contains(id))
            && self.products.iter().any(|product| covers(product, subject, component))
    }
}

/// The statement that counts among those that speak of the finding: the latest, of equals the last.
pub fn verdict<'a>(
    statements: &'a [VexStatement],
    subject: &VexSubject,
    component: &Component,
    finding: &Finding,
) -> Option<&'a VexStatement> {
    statements.iter().filter(|one| one.speaks_of(subject, component, finding)).max_by_key(|one| one.at)
}

fn covers(product: &VexProduct, subject: &VexSubject, component: &Component) -> bool {
    let names = |wanted: &String| is_named(wanted, &component.purl);
    // the artifact, or a component of it that holds this one: a program in an image and what it is built from
    let holders = subject.within.get(&component.purl);
    let mut wholes = subject.purls.iter().chain(holders.into_iter().flatten());
    let of_whole = wholes.any(|purl| product.purls.iter().any(|wanted| is_named(wanted, purl)))
        || product.digests.iter().any(|digest| subject.digests.contains(digest));
    if product.parts.is_empty() {
        of_whole || product.purls.iter().any(names)
    } else {
        of_whole && product.parts.iter().any(names)
    }
}

/// Whether `wanted` names `purl`: same type, namespace and name; the same version and qualifiers where it has any.
fn is_named(wanted: &str, purl: &str) -> bool {
    let (Ok(wanted), Ok(purl)) = (wanted.parse::<Purl>(), purl.parse::<Purl>()) else { return wanted == purl };
    let same_package =
        (wanted.kind(), wanted.namespace(), wanted.name()) == (purl.kind(), purl.namespace(), purl.name());
    let version = |purl: &Purl| purl.version().map(|version| version.trim_start_matches('v').to_owned());
    let same_version = wanted.version().is_none() || version(&wanted) == version(&purl);
    let same_qualifier = |(key, value): (&String, &String)| match purl.qualifier(key) {
        // An image is known here by its path; under which name the server is reached is a matter of the reader.
        Some(path) if key == REPOSITORY_URL => value == path || value.ends_with(&format!("/{path}")),
        own => own == Some(value.as_str()),
    };
    same_package && same_version && wanted.qualifiers().iter().all(same_qualifier)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn statement(status: VexStatus, product: VexProduct, at: &str) -> VexStatement {
        VexStatement {
            vulnerability: BTreeSet::from(["CVE-2024-1".to_owned()]),
            products: vec![product],
            status,
            justification: None,
            statement: None,
            at: Some(at.parse().unwrap()),
            author: "someone".into(),
            document: "d".into(),
        }
    }

    fn purls(purls: &[&str], parts: &[&str]) -> VexProduct {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        VexProduct { purls: own(purls), digests: Vec::new(), parts: own(parts) }
    }

    fn component(purl: &str) -> Component {
        Component { purl: purl.into(), ..Component::default() }
    }

    fn finding() -> Finding {
        Finding { id: "GHSA-x".into(), aliases: BTreeSet::from(["CVE-2024-1".to_owned()]), ..Finding::default() }
    }

    #[test]
    fn products_are_named_by_package_url() {
        let here = component("pkg:golang/golang.org/x/crypto@v0.1.0");
        let says = |product| {
            let one = statement(VexStatus::NotAffected, product, "2026-01-01T00:00:00Z");
            let subject = VexSubject { purls: vec!["pkg:oci/app@sha256:ab".into()], ..VexSubject::default() };
            one.speaks_of(&subject, &here, &finding())
        };
        assert!(says(purls(&["pkg:golang/golang.org/x/crypto"], &[])));
        assert!(says(purls(&["pkg:golang/golang.org/x/crypto@0.1.0"], &[])));
        assert!(!says(purls(&["pkg:golang/golang.org/x/crypto@0.2.0"], &[])));
        assert!(says(purls(&["pkg:oci/app"], &[])), "the whole artifact");
        assert!(says(purls(&["pkg:oci/app"], &["pkg:golang/golang.org/x/crypto@v0.1.0"])));
        assert!(!says(purls(&["pkg:oci/other"], &["pkg:golang/golang.org/x/crypto@v0.1.0"])));
        assert!(!says(purls(&["pkg:oci/app"], &["pkg:golang/golang.org/x/net"])));
        let subject =
            VexSubject { purls: vec!["pkg:oci/app@sha256:ab?repository_url=main/app".into()], ..VexSubject::default() };
        let at = |text: &str| {
            let one = statement(VexStatus::NotAffected, purls(&[text], &[]), "2026-01-01T00:00:00Z");
            one.speaks_of(&subject, &here, &finding())
        };
        assert!(at("pkg:oci/app?repository_url=registry.example:5000/main/app") && at("pkg:oci/app@sha256%3Aab"));
        assert!(!at("pkg:oci/app?repository_url=registry.example/domain/app"));
    }

    #[test]
    fn a_product_inside_the_artifact_speaks_of_what_it_holds() {
        let net = "pkg:golang/golang.org/x/net@v0.1.0";
        let within =
            BTreeMap::from([(net.to_owned(), BTreeSet::from(["pkg:golang/example.org/tool@v1.2.0".to_owned()]))]);
        let subject = VexSubject { purls: vec!["pkg:oci/app@sha256:ab".into()], within, ..VexSubject::default() };
        let says = |product, of: &str| {
            let one = statement(VexStatus::NotAffected, product, "2026-01-01T00:00:00Z");
            one.speaks_of(&subject, &component(of), &finding())
        };
        let tool = "pkg:golang/example.org/tool";
        assert!(says(purls(&[tool], &["pkg:golang/golang.org/x/net"]), net));
        assert!(says(purls(&[tool], &[]), net), "the whole product");
        assert!(says(purls(&["pkg:golang/example.org/tool@v1.2.0"], &[net]), net));
        assert!(!says(purls(&["pkg:golang/example.org/tool@v1.3.0"], &[net]), net), "another version of it");
        assert!(!says(purls(&[tool], &["pkg:golang/golang.org/x/text"]), net), "another part");
        assert!(!says(purls(&[tool], &[]), "pkg:golang/golang.org/x/crypto@v0.1.0"), "what it does not hold");
    }

    #[test]
    fn the_first_rule_that_fits_says_whom_to_trust() {
        let (uploaded, attached) = (VexOrigin::Uploaded("ci".into()), VexOrigin::Attached("main".into()));
        let usual = VexTrust::default();
        assert!(usual.trusts(&uploaded, "x") && usual.trusts(&VexOrigin::Feed("vex".into()), "x"));
        assert!(!usual.trusts(&attached, "x"));
        let rule = |origin: &str, author: &str, from: &str, trusted| TrustRule {
            origin: origin.into(),
            author: author.into(),
            from: from.into(),
            trusted,
        };
        let own = VexTrust { rules: vec![rule("", "Mallory*", "", false), rule("attached", "", "ma*", true)] };
        assert!(own.trusts(&attached, "x") && !own.trusts(&attached, "Mallory Inc"));
        assert!(!own.trusts(&VexOrigin::Attached("other".into()), "x"));
        assert!(!own.trusts(&uploaded, "x"), "what no rule fits is not trusted");
    }

    #[test]
    fn the_latest_word_counts() {
        let all = [
            statement(VexStatus::NotAffected, purls(&["pkg:npm/a"], &[]), "2026-02-01T00:00:00Z"),
            statement(VexStatus::Affected, purls(&["pkg:npm/a@1"], &[]), "2026-03-01T00:00:00Z"),
            statement(VexStatus::Fixed, purls(&["pkg:npm/a"], &[]), "2026-01-01T00:00:00Z"),
        ];
        let said = verdict(&all, &VexSubject::default(), &component("pkg:npm/a@1"), &finding()).unwrap();
        assert_eq!(said.status, VexStatus::Affected);
        let said = verdict(&all, &VexSubject::default(), &component("pkg:npm/a@2"), &finding()).unwrap();
        assert_eq!(said.status, VexStatus::NotAffected);
        assert!(verdict(&all, &VexSubject::default(), &component("pkg:npm/b@1"), &finding()).is_none());
    }
}
