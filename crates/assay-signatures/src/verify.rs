//! Whether evidence holds: by a key, or by a certificate of an authority whose identity fits.

use crate::{certificate::Holder, key::PublicKey, log, unbase64};
use assay_model::{
    health::Signature,
    trust::{Evidence, Seal, TrustKind, Trusted},
};

/// Who it is by, and who vouches for that.
struct By {
    signer: String,
    issuer: Option<String>,
}

/// What was found out about one signature.
enum Found {
    Holds(By),
    /// Why not, for people.
    Fails(String),
    /// Nobody is trusted who could have made it.
    NobodyToAsk,
}

pub(crate) fn verify(evidence: &Evidence, trusted: &[&Trusted]) -> Signature {
    let unknown = Signature {
        kind: evidence.kind.clone(),
        form: evidence.form.clone(),
        path: evidence.path.clone(),
        verified: None,
        signer: None,
        issuer: None,
        predicate_type: evidence.predicate_type.clone(),
        builder: evidence.builder.clone(),
        source: evidence.source.clone(),
        commit: evidence.commit.clone(),
        detail: None,
    };
    if let Some(objection) = &evidence.objection {
        let verified = (!evidence.unchecked).then_some(false);
        return Signature { verified, detail: Some(objection.clone()), ..unknown };
    }
    let Some(message) = unbase64(&evidence.message) else {
        return Signature {
            verified: Some(false),
            detail: Some("what is signed cannot be read".to_owned()),
            ..unknown
        };
    };
    let mut why = None;
    for seal in &evidence.seals {
        match sealed(&message, seal, trusted) {
            Found::Holds(By { signer, issuer }) => {
                return Signature { verified: Some(true), signer: Some(signer), issuer, ..unknown };
            }
            Found::Fails(reason) => why = why.or(Some(reason)),
            Found::NobodyToAsk => {}
        }
    }
    Signature { verified: why.is_some().then_some(false), detail: why, ..unknown }
}

fn sealed(message: &[u8], seal: &Seal, trusted: &[&Trusted]) -> Found {
    let Some(signature) = unbase64(&seal.signature) else {
        return Found::Fails("the signature is not base64".to_owned());
    };
    match seal.certificates.is_empty() {
        true => by_key(message, &signature, seal, trusted),
        false => by_certificate(message, &signature, seal, trusted),
    }
}

fn by_key(message: &[u8], signature: &[u8], seal: &Seal, trusted: &[&Trusted]) -> Found {
    let mut keys = trusted.iter().filter(|one| one.kind == TrustKind::Key).peekable();
    if keys.peek().is_none() {
        return Found::NobodyToAsk;
    }
    // Registries name their keys by what they are; others call them what they like.
    let named = seal.key_id.as_deref().and_then(|id| id.strip_prefix("SHA256:"));
    let is_meant = |one: &&&Trusted| named.is_none_or(|named| named.trim_end_matches('=') == one.fingerprint);
    let mut keys = keys.filter(is_meant).peekable();
    if keys.peek().is_none() {
        return Found::Fails(format!(
            "it was made with the key {}, which is not trusted",
            seal.key_id.as_deref().unwrap_or_default()
        ));
    }
    let made = |one: &&Trusted| PublicKey::from_pem(&one.pem).is_ok_and(|key| key.made(message, signature));
    match keys.copied().find(made) {
        Some(one) => Found::Holds(By { signer: one.name.clone(), issuer: None }),
        None => Found::Fails("no trusted key made it".to_owned()),
    }
}

fn by_certificate(message: &[u8], signature: &[u8], seal: &Seal, trusted: &[&Trusted]) -> Found {
    let mut authorities = trusted.iter().filter(|one| one.kind == TrustKind::Authority).peekable();
    if authorities.peek().is_none() {
        return Found::NobodyToAsk;
    }
    let Some(holder) = Holder::read(&seal.certificates) else {
        return Found::Fails("its certificate cannot be read, or names nobody".to_owned());
    };
    if !holder.key.made(message, signature) {
        return Found::Fails("the key in its certificate did not make it".to_owned());
    }
    let mut why = String::new();
    for authority in authorities {
        let logged = match authority.logged {
            true => log::promised(seal, trusted).map(Some),
            false => Ok(None),
        };
        match logged.and_then(|at| holder.identified(authority, at)) {
            Ok(identity) => {
                return Found::Holds(By { signer: identity.to_owned(), issuer: holder.issuer.clone() });
            }
            Err(reason) if why.is_empty() => why = reason,
            Err(_) => {}
        }
    }
    Found::Fails(why)
}
