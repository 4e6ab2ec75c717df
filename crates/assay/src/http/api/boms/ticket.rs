//! Identifiers in the form of UUIDs (RFC 9562, version 8) that hold what they stand for, or are derived from it, under the
//! server's key: they need no table and cannot be guessed.

use super::App;
use assay_model::{package::PackageId, problem::Problem};
use hmac::{Hmac, KeyInit, Mac};

fn mac(app: &App, what: &str) -> Result<[u8; 16], Problem> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&app.signing_key)
        .map_err(|_| Problem::bug("the signing key has a wrong length"))?;
    mac.update(what.as_bytes());
    let full = mac.finalize().into_bytes();
    let mut half = [0; 16];
    half.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    Ok(half)
}

/// Sets version and variant.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// The token of an upload: it names the package, whose state says whether it is still being worked on.
pub(super) fn token(app: &App, package: PackageId) -> Result<String, Problem> {
    let mut bytes = mac(app, &format!("bom token {}", package.0))?;
    let id = package.0.to_be_bytes();
    // identifiers of packages count up from 1: six bytes hold more than there will ever be
    bytes.iter_mut().zip(id.iter().skip(2)).for_each(|(to, from)| *to = *from);
    Ok(uuid(bytes))
}

/// The package that a token names; nothing for what is none of ours.
pub(super) fn redeem(app: &App, given: &str) -> Result<Option<PackageId>, Problem> {
    let hex: String = given.chars().filter(|c| *c != '-').take(12).collect();
    let Ok(id) = i64::from_str_radix(&hex, 16) else { return Ok(None) };
    let package = PackageId(id);
    Ok((token(app, package)? == given.to_ascii_lowercase()).then_some(package))
}

/// The identifier of a project: the same for the same name and version, whether a document of it is there yet or not.
pub(super) fn project(app: &App, repository: &str, name: &str, version: &str) -> Result<String, Problem> {
    Ok(uuid(mac(app, &format!("bom project {repository}\n{name}\n{version}"))?))
}
