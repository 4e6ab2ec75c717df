//! Public keys: ECDSA over P-256, P-384 and P-521, Ed25519, RSA from 2048 bits, as SubjectPublicKeyInfo (RFC 5280).

use crate::ring::{Beyond, Purse};
use assay_model::{Problem, seam::trust::Fingerprint};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    der::{
        Decode as _,
        asn1::{AnyRef, ObjectIdentifier, UintRef},
    },
    spki::SubjectPublicKeyInfoRef,
};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const EDWARDS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

type Algorithms = &'static [&'static (dyn VerificationAlgorithm + Sync)];

/// What signatures look like by their kind of key.
#[derive(Clone, Copy)]
enum Form {
    /// DER of two numbers, at most so many bytes.
    Elliptic(usize),
    /// Exactly so many bytes.
    Exact(usize),
}

/// A public key.
#[derive(Clone)]
pub(crate) struct PublicKey {
    algorithm: String,
    algorithms: Algorithms,
    form: Form,
    /// What the check of a signature costs, in those of P-256.
    weight: usize,
    bits: Vec<u8>,
    fingerprint: [u8; 32],
}

impl PublicKey {
    /// # Errors
    /// `Invalid` when it is no public key, or one that is not supported.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, Problem> {
        let bad = |message: &str| Problem::invalid("bad-key", message);
        if pem.contains("PRIVATE KEY-----") {
            return Err(bad("that is a private key: give the public one, and keep this where it was"));
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| bad("there is no public key in it: a PEM block `PUBLIC KEY` is wanted"))?;
        Self::from_der(&der).ok_or_else(|| {
            bad("the key is not supported: use ECDSA (P-256, P-384, P-521), Ed25519, or RSA with 2048 to 8192 bits")
        })
    }

    /// A SubjectPublicKeyInfo; nothing where it is damaged or not supported.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let bits = info.subject_public_key.as_bytes()?.to_vec();
        let (algorithm, algorithms, form, weight): (String, Algorithms, Form, usize) = match info.algorithm.oid {
            EC => {
                let curve: ObjectIdentifier = info.algorithm.parameters?.decode_as().ok()?;
                match curve {
                    P256 => ("ecdsa-p256".into(), &[&ECDSA_P256_SHA256_ASN1], Form::Elliptic(72), 1),
                    P384 => {
                        let algorithms: Algorithms = &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1];
                        ("ecdsa-p384".into(), algorithms, Form::Elliptic(104), 8)
                    }
                    P521 => {
                        let algorithms: Algorithms = &[&ECDSA_P521_SHA512_ASN1, &ECDSA_P521_SHA256_ASN1];
                        ("ecdsa-p521".into(), algorithms, Form::Elliptic(139), 16)
                    }
                    _ => return None,
                }
            }
            EDWARDS => ("ed25519".into(), &[&ED25519], Form::Exact(64), 1),
            RSA => {
                let size = rsa_bits(&bits).filter(|size| RSA_BITS.contains(size))?;
                let algorithms: Algorithms = &[
                    &RSA_PKCS1_2048_8192_SHA256,
                    &RSA_PSS_2048_8192_SHA256,
                    &RSA_PKCS1_2048_8192_SHA512,
                    &RSA_PKCS1_2048_8192_SHA384,
                ];
                (format!("rsa-{size}"), algorithms, Form::Exact(size.div_ceil(8)), size.div_ceil(1024))
            }
            _ => return None,
        };
        Some(Self { algorithm, algorithms, form, weight, bits, fingerprint: Sha256::digest(der).into() })
    }

    /// Whether it made this signature. What a key of its kind cannot have made costs nothing.
    ///
    /// # Errors
    /// [`Beyond`] when nobody looked.
    pub(crate) fn made(&self, message: &[u8], signature: &[u8], purse: &mut Purse) -> Result<bool, Beyond> {
        let could_be = match self.form {
            Form::Elliptic(most) => signature.first() == Some(&0x30) && signature.len() <= most,
            Form::Exact(bytes) => signature.len() == bytes,
        };
        if !could_be {
            return Ok(false);
        }
        purse.pay_for(self.weight, message)?;
        let checks = |algorithm: &&'static (dyn VerificationAlgorithm + Sync)| {
            UnparsedPublicKey::new(*algorithm, &self.bits).verify(message, signature).is_ok()
        };
        Ok(self.algorithms.iter().any(checks))
    }

    /// Base64 of the SHA-256 of its DER, without padding: what npm calls a key after `SHA256:`.
    pub(crate) fn fingerprint(&self) -> String {
        STANDARD_NO_PAD.encode(self.fingerprint)
    }

    /// The same as hex: what Rekor calls a log.
    pub(crate) fn log_id(&self) -> String {
        hex::encode(self.fingerprint)
    }

    pub(crate) fn shown(&self) -> Fingerprint {
        Fingerprint { fingerprint: self.fingerprint(), algorithm: self.algorithm.clone() }
    }
}

/// Bits of the modulus of an RSAPublicKey (RFC 8017, A.1.1).
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let key = AnyRef::from_der(der).ok()?;
    let modulus = key.sequence(|reader| {
        let modulus = UintRef::decode(reader)?;
        UintRef::decode(reader)?;
        Ok::<_, x509_cert::der::Error>(modulus)
    });
    let bytes = modulus.ok()?;
    let first = *bytes.as_bytes().first()?;
    Some(bytes.as_bytes().len() * 8 - first.leading_zeros() as usize)
}
