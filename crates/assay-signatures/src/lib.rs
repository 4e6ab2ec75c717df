//! Signatures and attestations: reads what came with packages, and checks it against those who are trusted. No network, no
//! clock: a transparency log counts by the promise it signed, a certificate by the chain that came with it.
//!
//! One file per thing that is read: [`manifest`] (layers as cosign writes them), [`bundle`] (Sigstore bundles and PEP 740),
//! [`statement`] (in-toto statements in DSSE envelopes); and per thing that is checked against: [`key`], [`certificate`],
//! [`log`]. [`verify`] brings both together, [`ring`] bounds it. Path validation is webpki's, arithmetic is aws-lc's.
//!
//! Left out: OpenPGP, timestamps of RFC 3161, proofs of inclusion, signed certificate timestamps.

mod bundle;
mod certificate;
mod key;
mod log;
mod manifest;
mod ring;
mod statement;
mod verify;

#[cfg(test)]
mod tests;

use assay_model::{
    Digest, Problem,
    seam::trust::{Fingerprint, Ring, Verifier},
    trust::{Evidence, Held, Layout, Seal, TrustKind, Trusted},
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use std::collections::BTreeMap;

/// Pieces of evidence that are read of one package.
const PIECES: usize = 100;
/// Signatures over one message that are looked at.
const SEALS: usize = 16;
/// Certificates that come with one signature.
const CERTIFICATES: usize = 8;
/// Log entries that come with one signature.
const ENTRIES: usize = 16;

/// The verifier of this crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signatures;

impl Verifier for Signatures {
    fn fingerprint(&self, kind: TrustKind, pem: &str) -> Result<Fingerprint, Problem> {
        match kind {
            TrustKind::Key | TrustKind::Log => key::PublicKey::from_pem(pem).map(|key| key.shown()),
            TrustKind::Authority => certificate::shown(pem),
        }
    }

    fn read(&self, held: &Held, documents: &BTreeMap<Digest, Vec<u8>>) -> Vec<Evidence> {
        let mut found = match &held.layout {
            Layout::Manifest => manifest::read(held, documents),
            Layout::Registry { message, signatures } => vec![registry(held, message, signatures)],
            Layout::Bundles => first(held, documents).map(|bytes| bundle::listed(held, bytes)).unwrap_or_default(),
            Layout::Attestations => first(held, documents).map(|bytes| bundle::pep740(held, bytes)).unwrap_or_default(),
            Layout::Opaque { form, why } => vec![Evidence {
                kind: "signature".to_owned(),
                form: (*form).to_owned(),
                path: held.path.clone(),
                objection: Some((*why).to_owned()),
                unchecked: true,
                ..Evidence::default()
            }],
        };
        found.truncate(PIECES);
        for one in &mut found {
            one.seals.truncate(SEALS);
            for seal in &mut one.seals {
                seal.certificates.truncate(CERTIFICATES);
                seal.log.truncate(ENTRIES);
            }
        }
        found
    }

    fn ring(&self, trusted: Vec<Trusted>) -> Box<dyn Ring> {
        Box::new(ring::Keys::read(trusted))
    }
}

fn first<'d>(held: &Held, documents: &'d BTreeMap<Digest, Vec<u8>>) -> Option<&'d [u8]> {
    documents.get(held.documents.first()?).map(Vec::as_slice)
}

/// Signatures of a registry over a line of text.
fn registry(held: &Held, message: &str, signatures: &[(Option<String>, String)]) -> Evidence {
    let seal = |(key_id, signature): &(Option<String>, String)| Seal {
        key_id: key_id.clone(),
        signature: signature.clone(),
        ..Seal::default()
    };
    Evidence {
        kind: "signature".to_owned(),
        form: "npm-registry".to_owned(),
        path: held.path.clone(),
        message: STANDARD.encode(message),
        seals: signatures.iter().take(SEALS).map(seal).collect(),
        ..Evidence::default()
    }
}

/// Base64 as signers write it: of either alphabet, with or without padding, in lines.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let url_safe = text.iter().any(|b| matches!(b, b'-' | b'_'));
    let alphabet = if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}
