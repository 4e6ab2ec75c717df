//! The key that signs bundles, sealed in the store, and the keys that are trusted.

use anyhow::{Context, Result, bail};
use assay_engine::Engine;
use assay_model::{
    seam::{meta, upstream::Vault},
    upstream::Secrets,
};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::collections::BTreeSet;

const KEY: &str = "bundle.key";
const TRUSTED: &str = "bundle.trusted";

/// The installation's key pair; made when it is first needed.
///
/// # Errors
/// When the vault cannot seal or open it.
pub async fn own(engine: &Engine, vault: &dyn Vault) -> Result<Ed25519KeyPair> {
    let kept = meta::read(engine.meta(), |tx| tx.setting(KEY)).await?;
    let sealed = match kept {
        Some(sealed) => sealed,
        None => {
            let mut seed = [0_u8; 32];
            aws_lc_rs::rand::fill(&mut seed).context("the system gives no random bytes")?;
            let secrets = Secrets { password: hex::encode(seed), ..Secrets::default() };
            let sealed = hex::encode(vault.seal(&secrets)?);
            // of two that make one at once, one wins and both use it
            meta::write(engine.meta(), move |tx| tx.setting_or(KEY, &sealed)).await?
        }
    };
    let opened = vault.open(&hex::decode(sealed).context("the sealed key is damaged")?)?;
    let seed = hex::decode(&opened.password).context("the sealed key is damaged")?;
    Ed25519KeyPair::from_seed_unchecked(&seed).ok().context("the key cannot be used")
}

/// The public half, hexadecimal.
pub fn public(pair: &Ed25519KeyPair) -> String {
    hex::encode(pair.public_key().as_ref())
}

/// Whether the signature is of this key.
pub fn is_signed(key: &str, message: &[u8], signature: &[u8]) -> bool {
    hex::decode(key).is_ok_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
}

/// Keys whose bundles are taken in, beside the own one.
///
/// # Errors
/// From the store.
pub async fn trusted(engine: &Engine) -> Result<BTreeSet<String>> {
    let kept = meta::read(engine.meta(), |tx| tx.setting(TRUSTED)).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Trusts a key, or no longer; says whether that is new.
///
/// # Errors
/// When it is no public key of Ed25519.
pub async fn trust(engine: &Engine, key: &str, add: bool, actor: &str) -> Result<bool> {
    let key = key.trim().to_ascii_lowercase();
    if hex::decode(&key).map_or(0, |bytes| bytes.len()) != 32 {
        bail!("`{key}` is no key: expected the 64 hexadecimal digits that `assay feeds key` prints on the other side");
    }
    let mut keys = trusted(engine).await?;
    let changed = if add { keys.insert(key.clone()) } else { keys.remove(&key) };
    let (now, actor) = (engine.now(), actor.to_owned());
    meta::write(engine.meta(), move |tx| {
        if !changed {
            return Ok(());
        }
        let text = serde_json::to_string(&keys).unwrap_or_default();
        tx.put_setting(TRUSTED, &text)?;
        let kind = if add { "feed.trusted" } else { "feed.distrusted" };
        let (actor, subject) = (actor.clone(), key.clone());
        tx.append_event(&assay_model::event::NewEvent { at: now, kind, actor, subject, body: serde_json::json!({}) })
            .map(|_| ())
    })
    .await?;
    Ok(changed)
}
