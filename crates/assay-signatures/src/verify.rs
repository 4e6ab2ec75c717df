//! Whether evidence holds: by a key, or by a certificate of an authority whose identity fits.

use crate::{
    certificate::Holder,
    key::PublicKey,
    log,
    ring::{Beyond, Known, Means, Purse},
    unbase64,
};
use assay_model::{
    health::Signature,
    trust::{Evidence, Seal, TrustKind, Trusted},
};
use rustls_pki_types::TrustAnchor;

/// What is said of what nobody looked at, or not to the end.
const BEYOND: &str = "not checked to the end: checking what came with this package reached its bound";

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

/// Those who are trusted for a package, by what they are trusted by.
pub(crate) struct Asked<'k> {
    keys: Vec<(&'k Trusted, Option<&'k PublicKey>)>,
    authorities: Vec<(&'k Trusted, &'k [TrustAnchor<'static>])>,
    logs: Vec<&'k PublicKey>,
}

impl<'k> Asked<'k> {
    pub(crate) fn of(among: &[&'k Known]) -> Self {
        let mut asked = Self { keys: Vec::new(), authorities: Vec::new(), logs: Vec::new() };
        for one in among {
            match (&one.means, one.who.kind) {
                (Means::Key(key), _) => asked.keys.push((&one.who, Some(key))),
                (Means::Authority(anchors), _) => asked.authorities.push((&one.who, anchors)),
                (Means::Log(key), _) => asked.logs.push(key),
                (Means::Unreadable, TrustKind::Key) => asked.keys.push((&one.who, None)),
                (Means::Unreadable, TrustKind::Authority) => asked.authorities.push((&one.who, &[])),
                (Means::Unreadable, TrustKind::Log) => {}
            }
        }
        asked
    }
}

pub(crate) fn verify(evidence: &Evidence, asked: &Asked<'_>, purse: &mut Purse) -> Signature {
    let unknown = Signature {
        kind: evidence.kind.clone(),
        form: evidence.form.clone(),
        path: evidence.path.clone(),
        predicate_type: evidence.predicate_type.clone(),
        builder: evidence.builder.clone(),
        source: evidence.source.clone(),
        commit: evidence.commit.clone(),
        ..Signature::default()
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
        match sealed(&message, seal, asked, purse) {
            Ok(Found::Holds(By { signer, issuer })) => {
                return Signature { verified: Some(true), signer: Some(signer), issuer, ..unknown };
            }
            Ok(Found::Fails(reason)) => why = why.or(Some(reason)),
            Ok(Found::NobodyToAsk) => {}
            // It may hold by what was not looked at: it is not found to be wrong either.
            Err(Beyond) => return Signature { detail: Some(BEYOND.to_owned()), ..unknown },
        }
    }
    Signature { verified: why.is_some().then_some(false), detail: why, ..unknown }
}

fn sealed(message: &[u8], seal: &Seal, asked: &Asked<'_>, purse: &mut Purse) -> Result<Found, Beyond> {
    let Some(signature) = unbase64(&seal.signature) else {
        return Ok(Found::Fails("the signature is not base64".to_owned()));
    };
    match seal.certificates.is_empty() {
        true => by_key(message, &signature, seal, asked, purse),
        false => by_certificate(message, &signature, seal, asked, purse),
    }
}

fn by_key(
    message: &[u8],
    signature: &[u8],
    seal: &Seal,
    asked: &Asked<'_>,
    purse: &mut Purse,
) -> Result<Found, Beyond> {
    if asked.keys.is_empty() {
        return Ok(Found::NobodyToAsk);
    }
    // Registries name their keys by what they are; others call them what they like.
    let named = seal.key_id.as_deref().and_then(|id| id.strip_prefix("SHA256:"));
    let is_meant = |who: &Trusted| named.is_none_or(|named| named.trim_end_matches('=') == who.fingerprint);
    let mut keys = asked.keys.iter().filter(|(who, _)| is_meant(who)).peekable();
    if keys.peek().is_none() {
        return Ok(Found::Fails(format!(
            "it was made with the key {}, which is not trusted",
            seal.key_id.as_deref().unwrap_or_default()
        )));
    }
    for (who, key) in keys {
        if let Some(key) = key
            && key.made(message, signature, purse)?
        {
            return Ok(Found::Holds(By { signer: who.name.clone(), issuer: None }));
        }
    }
    Ok(Found::Fails("no trusted key made it".to_owned()))
}

fn by_certificate(
    message: &[u8],
    signature: &[u8],
    seal: &Seal,
    asked: &Asked<'_>,
    purse: &mut Purse,
) -> Result<Found, Beyond> {
    if asked.authorities.is_empty() {
        return Ok(Found::NobodyToAsk);
    }
    purse.pay(1)?;
    let Some(holder) = Holder::read(&seal.certificates) else {
        return Ok(Found::Fails("its certificate cannot be read, or names nobody".to_owned()));
    };
    if !holder.key.made(message, signature, purse)? {
        return Ok(Found::Fails("the key in its certificate did not make it".to_owned()));
    }
    let (mut why, mut promised) = (String::new(), None);
    for (authority, anchors) in &asked.authorities {
        let logged = match (authority.logged, &promised) {
            (false, _) => Ok(None),
            (true, Some(known)) => Clone::clone(known),
            (true, None) => {
                let found = log::promised(seal, &asked.logs, purse)?.map(Some);
                promised.insert(found).clone()
            }
        };
        let found = match logged {
            Ok(at) => {
                purse.pay(holder.weight(anchors))?;
                holder.identified(authority, anchors, at)
            }
            Err(reason) => Err(reason),
        };
        match found {
            Ok(identity) => {
                return Ok(Found::Holds(By { signer: identity.to_owned(), issuer: holder.issuer.clone() }));
            }
            Err(reason) if why.is_empty() => why = reason,
            Err(_) => {}
        }
    }
    Ok(Found::Fails(why))
}
