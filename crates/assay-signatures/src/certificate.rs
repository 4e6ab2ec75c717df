//! Signing certificates of a Fulcio-like authority: the chain to a trusted certificate (webpki, for code signing), the
//! identity in the subject's alternative names, and who vouched for it.

use crate::{CERTIFICATES, key::PublicKey, unbase64};
use assay_model::{Problem, glob, seam::trust::Fingerprint, trust::Trusted};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs as algorithms};
use x509_cert::{
    Certificate,
    der::{
        Decode as _, Encode as _,
        asn1::{ObjectIdentifier, Utf8StringRef},
    },
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Extended key usage for code signing (RFC 5280, 4.2.1.12).
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
/// Who vouched for the identity, as Fulcio writes it: as DER, and before that as bare text.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const ISSUER_BARE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
/// Algorithms of certificates' signatures.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
];

/// Whose certificate it is.
pub(crate) struct Holder {
    pub(crate) identities: Vec<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) key: PublicKey,
    /// Seconds since 1970.
    not_before: u64,
    leaf: CertificateDer<'static>,
    others: Vec<CertificateDer<'static>>,
}

impl Holder {
    /// Certificates as base64 of DER, the holder's first; nothing where that cannot be read.
    pub(crate) fn read(certificates: &[String]) -> Option<Self> {
        let mut ders =
            certificates.iter().take(CERTIFICATES).filter_map(|text| unbase64(text)).map(CertificateDer::from);
        let leaf = ders.next()?;
        let certificate = Certificate::from_der(&leaf).ok()?;
        let body = certificate.tbs_certificate();
        let (_, names) = body.get_extension::<SubjectAltName>().ok()??;
        let name = |name: GeneralName| match name {
            GeneralName::Rfc822Name(text) => Some(text.to_string()),
            GeneralName::UniformResourceIdentifier(text) => Some(text.to_string()),
            _ => None,
        };
        Some(Self {
            identities: names.0.into_iter().filter_map(name).collect(),
            issuer: issuer(&certificate),
            key: PublicKey::from_der(&body.subject_public_key_info().to_der().ok()?)?,
            not_before: body.validity().not_before.to_unix_duration().as_secs(),
            others: ders.collect(),
            leaf,
        })
    }

    /// The identity that an authority is trusted for.
    ///
    /// # Errors
    /// Why it is not: for people.
    pub(crate) fn identified(
        &self,
        authority: &Trusted,
        anchors: &[TrustAnchor<'_>],
        logged_at: Option<i64>,
    ) -> Result<&str, String> {
        let at = match logged_at {
            Some(at) => u64::try_from(at).map_err(|_| "it was logged before there were clocks".to_owned())?,
            None => self.not_before,
        };
        self.chain(anchors, at).map_err(|why| format!("its certificate is not by {}: {why}", authority.name))?;
        let who = self.identities.first().map(String::as_str).unwrap_or("nobody");
        let Some(identity) = self.identities.iter().find(|identity| glob::any(&authority.identities, identity)) else {
            return Err(format!("{who} is not among the identities that {} is trusted for", authority.name));
        };
        let by = self.issuer.as_deref().unwrap_or_default();
        if !authority.issuers.is_empty() && !glob::any(&authority.issuers, by) {
            let by = if by.is_empty() { "nobody" } else { by };
            return Err(format!(
                "{by} vouches for {who}, and is not among the issuers that {} is trusted for",
                authority.name
            ));
        }
        Ok(identity)
    }

    /// What a look for a chain costs, in signatures by P-256: certificates that came with it can be tried in any order,
    /// and are of any size.
    pub(crate) fn weight(&self, anchors: &[TrustAnchor<'_>]) -> usize {
        8 * (1 + self.others.len() * self.others.len()) + anchors.len()
    }

    fn chain(&self, anchors: &[TrustAnchor<'_>], at: u64) -> Result<(), String> {
        let leaf = EndEntityCert::try_from(&self.leaf).map_err(|error| error.to_string())?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(at));
        let usage = KeyUsage::required(CODE_SIGNING);
        leaf.verify_for_usage(ALGORITHMS, anchors, &self.others, time, usage, None, None)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

fn issuer(certificate: &Certificate) -> Option<String> {
    let extensions = certificate.tbs_certificate().extensions()?;
    let of = |oid| extensions.iter().find(|one| one.extn_id == oid).map(|one| one.extn_value.as_bytes());
    let as_der = || Utf8StringRef::from_der(of(ISSUER)?).ok().map(|text| text.as_str().to_owned());
    as_der().or_else(|| String::from_utf8(of(ISSUER_BARE)?.to_vec()).ok())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let bad =
        || Problem::invalid("bad-certificate", "there is no certificate in it: a PEM block `CERTIFICATE` is wanted");
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(CERTIFICATES)
        .collect::<Result<_, _>>()
        .map_err(|_| bad())?;
    if all.is_empty() { Err(bad()) } else { Ok(all) }
}

/// The certificates of an authority, ready to be the end of chains; nothing where none can be read.
pub(crate) fn anchors(pem: &str) -> Option<Vec<TrustAnchor<'static>>> {
    let trusted = certificates(pem).ok()?;
    Some(trusted.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).map(|anchor| anchor.to_owned()).collect())
}

/// PEM certificates as base64 of DER; what cannot be read is left out.
pub(crate) fn from_pem(pem: &str) -> Vec<String> {
    use base64::engine::general_purpose::STANDARD;
    let ders = CertificateDer::pem_slice_iter(pem.as_bytes()).take(CERTIFICATES).filter_map(Result::ok);
    ders.map(|der| STANDARD.encode(der)).collect()
}

/// What the certificates of an authority are.
///
/// # Errors
/// `Invalid` when one cannot be read or be trusted.
pub(crate) fn shown(pem: &str) -> Result<Fingerprint, Problem> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(Problem::invalid("bad-certificate", "there is a private key in it: give only certificates"));
    }
    let all = certificates(pem)?;
    let mut shown = Fingerprint::default();
    for der in &all {
        let unfit =
            |why: String| Problem::invalid("bad-certificate", format!("a certificate cannot be trusted: {why}"));
        anchor_from_trusted_cert(der).map_err(|error| unfit(error.to_string()))?;
        let certificate = Certificate::from_der(der).map_err(|error| unfit(error.to_string()))?;
        let info =
            certificate.tbs_certificate().subject_public_key_info().to_der().map_err(|e| unfit(e.to_string()))?;
        let key = PublicKey::from_der(&info).ok_or_else(|| unfit("its key is not supported".to_owned()))?;
        shown = Fingerprint { fingerprint: STANDARD_NO_PAD.encode(Sha256::digest(der)), ..key.shown() };
    }
    Ok(shown)
}
