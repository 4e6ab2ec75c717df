//! How a project and its packages fare, apart from vulnerabilities: OpenSSF Scorecard, popularity, and how fresh what we
//! know is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A result of OpenSSF Scorecard for a source repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// The repository without scheme, in lower case (`github.com/owner/name`).
    pub repository: String,
    /// Aggregate score, 0 to 10.
    pub score: f64,
    /// Scores of checks by name, 0 to 10; -1 where a check could not be made.
    pub checks: BTreeMap<String, f64>,
    /// Day of the run, `YYYY-MM-DD`.
    pub date: String,
}

/// How much a package is used, from a catalogue of popular ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Popularity {
    /// Type of the package URL (`pypi`, `npm`).
    pub purl_type: String,
    /// Name, normalised as in the ecosystem.
    pub name: String,
    /// Place in the catalogue, from 1.
    pub rank: u32,
    /// Downloads in the catalogue's period, where it tells.
    pub downloads: Option<u64>,
}

/// What a catalogue says about the name of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its own entry, if it has one.
    pub own: Option<Popularity>,
    /// Popular packages whose names differ by little, nearest first, at most ten; empty for a popular package.
    pub similar: Vec<Similar>,
    /// Whether there is a catalogue for its type at all.
    pub known: bool,
}

/// A popular package with a name that can be confused with another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similar {
    /// The popular package.
    pub popular: Popularity,
    /// Edits between the names (Damerau-Levenshtein, after look-alike characters are folded).
    pub distance: u32,
}

/// How fresh a source is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// Id of the source.
    pub source: String,
    /// Last success.
    pub synced_at: Option<Timestamp>,
    /// Whether it is older than its limit.
    pub stale: bool,
}

/// Exploit maturity of a vulnerability as CISA's SSVC decision points say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssvc {
    /// `none`, `poc` or `active`.
    pub exploitation: String,
    /// `yes` or `no`.
    pub automatable: String,
    /// `partial` or `total`.
    pub technical_impact: String,
    /// When it was said, RFC 3339.
    pub at: String,
}

/// A signature or attestation that came with a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What it is: `signature` or `provenance` or another predicate type.
    pub kind: String,
    /// How it is made (`cosign`, `sigstore-bundle`, `npm-registry`, `openpgp`, `dsse`).
    pub form: String,
    /// The file or manifest that holds it.
    pub path: String,
    /// Whether it was checked against a trusted key or identity and holds; nothing where none is configured.
    pub verified: Option<bool>,
    /// Who signed: a key's name, or an identity.
    pub signer: Option<String>,
    /// Who vouches for the identity.
    pub issuer: Option<String>,
    /// Type of a statement's predicate (`https://slsa.dev/provenance/v1`).
    pub predicate_type: Option<String>,
    /// Who built it, as provenance says.
    pub builder: Option<String>,
    /// Where provenance says that it was built from.
    pub source: Option<String>,
    /// The commit that provenance says it was built from.
    pub commit: Option<String>,
    /// Why it was not verified.
    pub detail: Option<String>,
}
