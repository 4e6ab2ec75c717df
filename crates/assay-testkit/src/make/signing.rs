//! Signers and what they make: keys, an authority that certifies identities as Fulcio does, a log that promises as Rekor
//! does; simple signing as cosign writes it, DSSE envelopes, Sigstore bundles, attestations of PEP 740.

use anyhow::{Context, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, date_time_ymd,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Seconds since 1970 at which certificates here begin, 2026-01-01, and end, 2026-01-02.
pub const VALID: (i64, i64) = (1_767_225_600, 1_767_312_000);
/// Media type of in-toto statements in envelopes.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A key pair (ECDSA, P-256).
#[derive(Debug)]
pub struct Signer {
    pair: KeyPair,
}

impl Signer {
    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn new() -> Result<Self> {
        Ok(Self { pair: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)? })
    }

    /// The public key.
    #[must_use]
    pub fn pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// What npm calls the key.
    #[must_use]
    pub fn npm_id(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.pair.subject_public_key_info())))
    }

    /// The public key as base64 of its DER.
    #[must_use]
    pub fn der(&self) -> String {
        STANDARD.encode(self.pair.subject_public_key_info())
    }

    /// A signature, base64.
    ///
    /// # Errors
    /// Never in practice.
    pub fn sign(&self, message: &[u8]) -> Result<String> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pair.serialize_der());
        let pair = pair.ok().context("a key that cannot be read")?;
        let signature = pair.sign(&SystemRandom::new(), message).ok().context("no randomness")?;
        Ok(STANDARD.encode(signature))
    }

    /// The entry of a log whose key this is about a signature by somebody, with its promise, as bundles write it.
    ///
    /// # Errors
    /// Never in practice.
    pub fn promise(&self, signature: &str, at: i64) -> Result<Value> {
        let body =
            json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {"signature": {"content": signature}}});
        let body = STANDARD.encode(body.to_string());
        let id = Sha256::digest(self.pair.subject_public_key_info());
        let said = json!({"body": body, "integratedTime": at, "logID": hex::encode(id), "logIndex": 7});
        Ok(json!({
            "logIndex": "7", "logId": {"keyId": STANDARD.encode(id)}, "integratedTime": at.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": self.sign(said.to_string().as_bytes())?},
            "canonicalizedBody": body,
        }))
    }
}

/// An authority that certifies signers for a day.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn new() -> Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&pair)?.pem();
        Ok(Self { issuer: Issuer::new(params, pair), pem })
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A new signer with a certificate about an identity (an address of e-mail or a URI) for which an issuer vouches.
    ///
    /// # Errors
    /// When the identity cannot stand in a certificate.
    pub fn certify(&self, identity: &str, by: &str) -> Result<Certified> {
        self.certify_for(identity, by, ExtendedKeyUsagePurpose::CodeSigning)
    }

    /// As [`Authority::certify`], for a purpose.
    ///
    /// # Errors
    /// When the identity cannot stand in a certificate.
    pub fn certify_for(&self, identity: &str, by: &str, purpose: ExtendedKeyUsagePurpose) -> Result<Certified> {
        let signer = Signer::new()?;
        let mut params = CertificateParams::default();
        let name = identity.try_into()?;
        params.subject_alt_names =
            vec![if identity.contains("://") { SanType::URI(name) } else { SanType::Rfc822Name(name) }];
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 1, 2);
        params.extended_key_usages = vec![purpose];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let mut text = vec![0x0c, u8::try_from(by.len())?];
        text.extend_from_slice(by.as_bytes());
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], text)];
        let certificate = params.signed_by(&signer.pair, &self.issuer)?;
        Ok(Certified { signer, der: STANDARD.encode(certificate.der()), pem: certificate.pem() })
    }
}

/// A signer whom an authority knows.
#[derive(Debug)]
pub struct Certified {
    /// Its key.
    pub signer: Signer,
    /// Its certificate, base64 of DER.
    pub der: String,
    /// The same as PEM.
    pub pem: String,
}

/// What cosign signs of an image.
#[must_use]
pub fn simple_signing(reference: &str, digest: &str) -> Vec<u8> {
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    payload.to_string().into_bytes()
}

/// An in-toto statement.
#[must_use]
pub fn statement(kind: &str, name: &str, (algorithm, hex): (&str, &str), predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": [{"name": name, "digest": {algorithm: hex}}],
        "predicateType": kind, "predicate": predicate,
    });
    statement.to_string().into_bytes()
}

/// A predicate of SLSA provenance 1.
#[must_use]
pub fn provenance(builder: &str, source: &str, commit: &str) -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://build.example/v1",
            "externalParameters": {"workflow": {"repository": source, "ref": "refs/heads/main"}},
            "resolvedDependencies": [{"uri": format!("git+{source}@refs/heads/main"), "digest": {"gitCommit": commit}}],
        },
        "runDetails": {"builder": {"id": builder}},
    })
}

/// A DSSE envelope around a statement.
///
/// # Errors
/// As of [`Signer::sign`].
pub fn envelope(signer: &Signer, statement: &[u8]) -> Result<Value> {
    let mut message = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), statement.len()).into_bytes();
    message.extend_from_slice(statement);
    Ok(json!({
        "payloadType": IN_TOTO, "payload": STANDARD.encode(statement),
        "signatures": [{"keyid": "", "sig": signer.sign(&message)?}],
    }))
}

/// A Sigstore bundle, with the promise of a log where one is named.
///
/// # Errors
/// As of [`Signer::sign`].
pub fn bundle(by: &Certified, statement: &[u8], log: Option<&Signer>) -> Result<Value> {
    let envelope = envelope(&by.signer, statement)?;
    let signature = envelope["signatures"][0]["sig"].as_str().unwrap_or_default();
    let entries = log.map(|log| log.promise(signature, VALID.0 + 60)).transpose()?;
    Ok(json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": by.der}, "tlogEntries": entries.into_iter().collect::<Vec<_>>(),
        },
        "dsseEnvelope": envelope,
    }))
}

/// An attestation as publishers of Python packages send it.
///
/// # Errors
/// As of [`Signer::sign`].
pub fn attestation(by: &Certified, statement: &[u8], log: &Signer) -> Result<Value> {
    let envelope = envelope(&by.signer, statement)?;
    let signature = envelope["signatures"][0]["sig"].as_str().unwrap_or_default();
    Ok(json!({
        "version": 1,
        "verification_material": {
            "certificate": by.der, "transparency_entries": [log.promise(signature, VALID.0 + 60)?],
        },
        "envelope": {"statement": STANDARD.encode(statement), "signature": signature},
    }))
}
