//! Ports of who is trusted to sign and of the evidence that came with packages, part of the metadata store like those in
//! [`super::meta`]; and the seam behind which signatures are read and checked, implemented by `assay-signatures`.

use crate::{
    digest::Digest,
    health::Signature,
    package::PackageId,
    problem::Problem,
    trust::{Evidence, Held, TrustKind, Trusted},
};
use std::collections::{BTreeMap, BTreeSet};

type R<T> = Result<T, Problem>;

/// What a key or certificate is, as far as it can be told apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Base64 of the SHA-256 of it in DER, without padding.
    pub fingerprint: String,
    /// Algorithm of the key (`ecdsa-p256`, `ed25519`, `rsa-3072`).
    pub algorithm: String,
}

/// Reads and checks signatures. Pure: no network, no clock.
pub trait Verifier: Send + Sync {
    /// Looks at what an operator wants to trust.
    ///
    /// # Errors
    /// `Invalid`, saying what is wrong with the PEM.
    fn fingerprint(&self, kind: TrustKind, pem: &str) -> R<Fingerprint>;
    /// The evidence in what a package holds; what is none gives nothing, what is damaged gives evidence that does not
    /// hold. `documents` has the bytes of those that are here.
    fn read(&self, held: &Held, documents: &BTreeMap<Digest, Vec<u8>>) -> Vec<Evidence>;
    /// Reads the keys of those who are trusted, once for all that is checked against them.
    fn ring(&self, trusted: Vec<Trusted>) -> Box<dyn Ring>;
}

/// Those who are trusted, ready to be asked.
pub trait Ring: Send + Sync {
    /// Whether the evidence about one package holds, in its order, by those whom `covers` says to be trusted for that
    /// package. What that costs is bounded for all of it together, by what is in it and not by a clock; what nobody looked
    /// at for that is neither verified nor found to be wrong, and says so.
    fn check(&self, evidence: &[Evidence], covers: &dyn Fn(&Trusted) -> bool) -> Vec<Signature>;
}

/// Who is trusted.
pub trait TrustTable {
    /// All, by name.
    fn trusted(&mut self) -> R<Vec<Trusted>>;
    /// Adds or replaces one by its name.
    fn put_trusted(&mut self, trusted: &Trusted) -> R<()>;
    /// Removes one; says whether it was there.
    fn remove_trusted(&mut self, name: &str) -> R<bool>;
}

/// Evidence that a package holds about a version of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvidence {
    /// The version that it is about.
    pub about: String,
    /// What takes its place when it comes again.
    pub place: Option<String>,
    /// What it is.
    pub evidence: Evidence,
}

/// Whom a piece of evidence is about, met on a walk over all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvidence {
    /// Number; later ones are higher.
    pub id: i64,
    /// Packages that it is about, those that it extends to among them.
    pub packages: Vec<PackageId>,
    /// Name of the repository.
    pub repository: String,
    /// Format.
    pub format: String,
    /// Name of the package.
    pub name: String,
}

/// Evidence by what it is about. It may come before what it is about.
pub trait EvidenceTable {
    /// Sets the evidence that a package holds, and lets go of what others hold in the same places; gives the packages for
    /// which that makes a difference.
    fn set_evidence(&mut self, holder: PackageId, evidence: &[NewEvidence]) -> R<BTreeSet<PackageId>>;
    /// Sets the versions of its name to which evidence about a package extends; gives those for which that makes a
    /// difference.
    fn set_parts(&mut self, whole: PackageId, parts: &[String]) -> R<BTreeSet<PackageId>>;
    /// Evidence about these packages, in the order in which it came; the first `most` pieces about each.
    fn evidence_about(&mut self, packages: &[PackageId], most: usize) -> R<BTreeMap<PackageId, Vec<Evidence>>>;
    /// Evidence that these packages hold, whatever it is about.
    fn evidence_held(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<Evidence>>>;
    /// A part of the walk over all evidence, after a number.
    fn walk_evidence(&mut self, after: i64, limit: usize) -> R<Vec<KeptEvidence>>;
}

/// For whom packages were taken from upstreams.
pub trait Requesters {
    /// Notes for whom a package was taken from an upstream, in place of what was noted when it was here before.
    fn note_requester(&mut self, package: PackageId, who: &str) -> R<()>;
    /// For whom these packages were taken.
    fn requesters(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, String>>;
}
