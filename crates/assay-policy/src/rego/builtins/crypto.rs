//! `crypto.*`: digests and keyed digests of texts, as lower-case hex. Certificates and keys are not parsed here.

use super::{hex, text};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use regorus::Value;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

/// Digest of a text.
pub(super) fn digest<D: Digest>(args: &[Value]) -> Value {
    text(args, 0).map_or(Value::Undefined, |input| Value::from(hex(&D::digest(input.as_bytes()))))
}

/// `crypto.md5`.
pub(super) fn md5(args: &[Value]) -> Value {
    digest::<Md5>(args)
}

/// `crypto.sha1`.
pub(super) fn sha1(args: &[Value]) -> Value {
    digest::<Sha1>(args)
}

/// `crypto.sha256`.
pub(super) fn sha256(args: &[Value]) -> Value {
    digest::<Sha256>(args)
}

fn keyed<M: Mac + KeyInit>(args: &[Value]) -> Value {
    let (Some(input), Some(key)) = (text(args, 0), text(args, 1)) else { return Value::Undefined };
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.as_bytes()) else { return Value::Undefined };
    mac.update(input.as_bytes());
    Value::from(hex(&mac.finalize().into_bytes()))
}

/// `crypto.hmac.md5`: text, key.
pub(super) fn hmac_md5(args: &[Value]) -> Value {
    keyed::<Hmac<Md5>>(args)
}

/// `crypto.hmac.sha1`: text, key.
pub(super) fn hmac_sha1(args: &[Value]) -> Value {
    keyed::<Hmac<Sha1>>(args)
}

/// `crypto.hmac.sha256`: text, key.
pub(super) fn hmac_sha256(args: &[Value]) -> Value {
    keyed::<Hmac<Sha256>>(args)
}

/// `crypto.hmac.sha512`: text, key.
pub(super) fn hmac_sha512(args: &[Value]) -> Value {
    keyed::<Hmac<Sha512>>(args)
}

/// `crypto.hmac.equal`. Both sides are in the policy or its input, so nothing secret is told by how long it takes.
pub(super) fn equal(args: &[Value]) -> Value {
    match (text(args, 0), text(args, 1)) {
        (Some(one), Some(other)) => Value::from(one == other),
        _ => Value::Undefined,
    }
}
