//! Who is trusted to sign, and what came with packages that somebody signed. Foreign bytes become [`Evidence`] once, when
//! they arrive; whether it holds is asked again whenever a decision is made, since who is trusted changes. Both are behind
//! the seam in [`crate::seam::trust`].

use crate::{digest::Digest, glob};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of trust is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustKind {
    /// A public key: what it signed counts.
    Key,
    /// A certificate authority: what the holder of a certificate of it signed counts, where the identity in it fits.
    Authority,
    /// The key of a transparency log (Rekor): what it promised counts as logged at that time.
    Log,
}

impl TrustKind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Authority => "authority",
            Self::Log => "log",
        }
    }
}

/// What trust is given for. Empty lists do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrustScope {
    /// Names of repositories, with `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// Packages as `format:name`, with `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

impl TrustScope {
    /// Whether it is for a package of a repository.
    pub fn covers(&self, repository: &str, format: &str, name: &str) -> bool {
        let fits = |patterns: &[String], text: &str| patterns.is_empty() || glob::any(patterns, text);
        fits(&self.repositories, repository) && fits(&self.packages, &format!("{format}:{name}"))
    }
}

/// Somebody who is trusted to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// Name, as it stands where a signature is by it.
    pub name: String,
    /// What kind of trust.
    pub kind: TrustKind,
    /// Public key, or certificates of the authority, the root among them; PEM.
    pub pem: String,
    /// For an authority: whose certificates count, as e-mail addresses or URIs, with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// For an authority: who must have vouched for the identity (OpenID Connect issuers), with `*`; none means anyone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
    /// For an authority: whether a trusted log must have promised to log the signature while the certificate was valid.
    #[serde(default)]
    pub logged: bool,
    /// What it is for.
    #[serde(default)]
    pub scope: TrustScope,
    /// Base64 of the SHA-256 of the key (of the last certificate for an authority) in DER.
    #[serde(default)]
    pub fingerprint: String,
    /// Algorithm of that key.
    #[serde(default)]
    pub algorithm: String,
    /// Who added it.
    #[serde(default)]
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// How evidence is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A manifest whose layers are signatures (simple signing), envelopes (DSSE) or Sigstore bundles. The first document.
    Manifest,
    /// Signatures over a text (`name@version:integrity`), as a registry gives them with its metadata.
    Registry {
        /// What is signed.
        message: String,
        /// Id of the key and signature, the latter as base64.
        signatures: Vec<(Option<String>, String)>,
    },
    /// JSON that lists Sigstore bundles: `{"attestations": [{"bundle": …}]}`.
    Bundles,
    /// JSON that lists attestations by publisher (PEP 740): `{"attestation_bundles": [{"attestations": […]}]}`.
    Attestations,
    /// A signature file of its own, with what is said about why nobody checks it.
    Opaque {
        /// How it is made.
        form: &'static str,
        /// Why it is not checked.
        why: &'static str,
    },
}

/// Something of a package that may be evidence; a format points it out, without looking inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How it is laid out.
    pub layout: Layout,
    /// What holds it: a file, or a mutable name of a manifest.
    pub path: String,
    /// Version of the same name that it is about, where that is another than the one that holds it.
    pub about: Option<String>,
    /// What takes the place of it when it comes again under the same name.
    pub place: Option<String>,
    /// Bytes to read; of a manifest first itself, then its parts.
    pub documents: Vec<Digest>,
    /// Digests of which a statement must name one, as `algorithm:hex`.
    pub subjects: Vec<String>,
}

/// What a package brings that is evidence, or that evidence about it extends to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Possible evidence.
    pub held: Vec<Held>,
    /// Versions of the same name that this one lists by digest: whoever signs it signs them.
    pub parts: Vec<String>,
    /// Version of the same name about which it holds evidence, where it holds nothing else.
    pub speaks_of: Option<String>,
}

/// A signature as it was made, with all that is needed to check it without asking anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// What the signer calls the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The signature, base64.
    pub signature: String,
    /// Certificates as DER in base64, the signer's first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// Entries of transparency logs about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogEntry>,
}

/// An entry of a transparency log with the log's promise (Rekor's signed entry timestamp).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The entry as the log canonicalised it, base64.
    pub body: String,
    /// Seconds since 1970.
    pub integrated_time: i64,
    /// Hex of the SHA-256 of the log's key.
    pub log_id: String,
    /// Its place in the log.
    pub log_index: i64,
    /// The promise: a signature, base64.
    pub promise: String,
}

/// A signature or statement that came with a package, read and ready to be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `signature`, `provenance`, or the predicate type of another statement.
    pub kind: String,
    /// How it is made (`cosign`, `dsse`, `sigstore-bundle`, `npm-registry`, `pep740`, `openpgp`).
    pub form: String,
    /// What holds it.
    pub path: String,
    /// What is signed, base64.
    #[serde(default)]
    pub message: String,
    /// Signatures over it; one that holds is enough.
    #[serde(default)]
    pub seals: Vec<Seal>,
    /// Why no key can make it hold: it is about something else, or nobody can check it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// Whether the objection is that nobody looked, so that it is not found to be wrong either.
    #[serde(default)]
    pub unchecked: bool,
    /// Whether its bytes are not what they are called: no signature and no statement, but anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
    /// Type of a statement's predicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// Who built it, as provenance says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// Repository that it was built from, as provenance says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Commit that it was built from, as provenance says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::TrustScope;

    #[test]
    fn scopes_cover_what_they_name() {
        let all = TrustScope::default();
        assert!(all.covers("prod", "oci", "team/app"));
        let some = TrustScope { repositories: vec!["prod*".into()], packages: vec!["oci:team/*".into()] };
        assert!(some.covers("prod-eu", "oci", "team/app"));
        for (repository, format, name) in [("dev", "oci", "team/app"), ("prod", "oci", "app"), ("prod", "x", "team/a")]
        {
            assert!(!some.covers(repository, format, name), "{repository} {format}:{name}");
        }
    }
}
