//! Taking in a bundle: signature and every digest first, then the same way as any import.

use super::{
    ADVISORIES, EPSS, FORMAT, KEV, MANIFEST, MEMBERS, Manifest, POPULARITY, SCORECARDS, SIGNATURE, SSVC, VEX, key,
};
use anyhow::{Context, Result, bail};
use assay_engine::{Engine, ImportReport};
use assay_model::{
    Digest, Problem,
    advisory::Advisory,
    event::NewEvent,
    health::{Popularity, Ssvc},
    seam::{
        meta::{self, BundleRecord},
        source::{Extent, Intel},
        upstream::Vault,
    },
    vex::VexStatement,
};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

/// Bytes of a manifest.
const MAX_MANIFEST: u64 = 1 << 20;
/// Bytes of one line.
const MAX_LINE: u64 = 64 << 20;
/// Bytes of one member.
const MAX_MEMBER: u64 = 64 << 30;
/// Members of a bundle.
const MAX_MEMBERS: usize = 32;

/// A bundle whose signature and digests hold.
#[derive(Debug)]
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    text: String,
}

impl Verified {
    /// SHA-256 of the manifest.
    pub fn digest(&self) -> String {
        Digest::of(self.text.as_bytes()).to_string()
    }

    /// As it is kept.
    pub fn record(&self, taken_in: bool, at: jiff::Timestamp) -> BundleRecord {
        let Manifest { number, key, .. } = &self.manifest;
        let (number, key) = (*number, key.clone());
        BundleRecord { digest: self.digest(), number, key, taken_in, manifest: self.text.clone(), at }
    }
}

/// Whether the file begins as bundles do: compressed, with the first member's name.
///
/// # Errors
/// When it cannot be read.
pub fn is_bundle(path: &Path) -> Result<bool> {
    let mut head = [0_u8; 512];
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if GzDecoder::new(file).read_exact(&mut head).is_err() {
        return Ok(false);
    }
    Ok(MEMBERS
        .iter()
        .chain(&[MANIFEST])
        .any(|name| head.starts_with(name.as_bytes()) && head.get(name.len()) == Some(&0)))
}

/// Reads the whole file and checks it against its manifest, and the manifest against its signature. Whether the key is
/// trusted is another question.
///
/// # Errors
/// When anything does not hold.
pub fn verify(path: &Path) -> Result<Verified> {
    let mut seen: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let (mut text, mut signature) = (None, None);
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(path)?)));
    for entry in tar.entries()? {
        let mut entry = entry.context("the bundle is damaged")?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if seen.len() > MAX_MEMBERS {
            bail!("the bundle has too many members");
        }
        match name.as_str() {
            MANIFEST | SIGNATURE => {
                let mut bytes = Vec::new();
                entry.by_ref().take(MAX_MANIFEST).read_to_end(&mut bytes).context("the bundle is damaged")?;
                if name == MANIFEST { text = Some(bytes) } else { signature = Some(bytes) }
            }
            _ => {
                let told = digest_of(&mut entry.by_ref().take(MAX_MEMBER)).context("the bundle is damaged")?;
                if seen.insert(name.clone(), told).is_some() {
                    bail!("the bundle has `{name}` twice");
                }
            }
        }
    }
    let (Some(text), Some(signature)) = (text, signature) else {
        bail!("the bundle is cut short: its manifest or its signature is missing")
    };
    let manifest: Manifest = serde_json::from_slice(&text).context("the manifest cannot be read")?;
    if manifest.format != FORMAT {
        bail!("this version reads bundles of the format {FORMAT}, not {}", manifest.format);
    }
    if !key::is_signed(&manifest.key, &text, &signature) {
        bail!("the signature does not fit: the bundle was changed after it was made");
    }
    for member in &manifest.members {
        if seen.remove(&member.name) != Some((member.sha256.clone(), member.bytes)) {
            bail!("`{}` is not what the manifest says: the bundle was changed or damaged", member.name);
        }
    }
    if let Some(name) = seen.keys().next() {
        bail!("`{name}` is not in the manifest");
    }
    Ok(Verified { manifest, text: String::from_utf8(text).context("the manifest is no text")? })
}

/// SHA-256 and length.
fn digest_of(from: &mut dyn Read) -> std::io::Result<(String, u64)> {
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 64 << 10]);
    loop {
        let n = from.read(&mut buffer)?;
        let Some(read) = buffer.get(..n).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
        bytes += n as u64;
    }
    Ok((hex::encode(digest.finalize()), bytes))
}

/// Verifies a bundle and takes it in. Nothing is written before everything holds.
///
/// # Errors
/// When it does not, the key is not trusted, a delta's base is missing, or a newer one was taken in and `force` is not set.
pub async fn import(
    engine: &Arc<Engine>,
    vault: &dyn Vault,
    path: &Path,
    force: bool,
    actor: &str,
) -> Result<ImportReport> {
    let checked = path.to_owned();
    let verified = tokio::task::spawn_blocking(move || verify(&checked)).await??;
    let manifest = &verified.manifest;
    let own = key::public(&key::own(engine, vault).await?);
    if manifest.key != own && !key::trusted(engine).await?.contains(&manifest.key) {
        bail!("the key {} is not trusted; if it is the one that you expect, `assay feeds trust add {0}`", manifest.key);
    }
    check_order(engine, manifest, force).await?;
    let (worker, path) = (engine.clone(), path.to_owned());
    let report = tokio::task::spawn_blocking(move || apply(&worker, &path, force)).await??;
    engine.heard_of(verified.manifest.heard.clone()).await?;
    let (record, now, actor) = (verified.record(true, engine.now()), engine.now(), actor.to_owned());
    meta::write(engine.meta(), move |tx| {
        tx.put_bundle(&record)?;
        let body = json!({"number": record.number, "key": record.key});
        let (actor, subject) = (actor.clone(), record.digest.clone());
        tx.append_event(&NewEvent { at: now, kind: "feed.bundle_imported", actor, subject, body }).map(|_| ())
    })
    .await?;
    engine.after_import().await?;
    Ok(report)
}

/// A delta needs its base, and older bundles do not follow newer ones unless that is meant.
async fn check_order(engine: &Engine, manifest: &Manifest, force: bool) -> Result<()> {
    let (of, wanted) = (manifest.key.clone(), manifest.base.as_ref().map(|base| base.digest.clone()));
    let (last, base) = meta::read(engine.meta(), move |tx| {
        let base = wanted.as_ref().map(|digest| tx.bundle(digest)).transpose()?.flatten();
        Ok((tx.last_bundle(&of)?, base))
    })
    .await?;
    if let (Some(wanted), None) = (&manifest.base, &base) {
        bail!(
            "this is a delta since bundle {} ({}), which was not taken in here; import that first, or a whole bundle",
            wanted.number,
            wanted.digest
        );
    }
    if let Some(last) = last.filter(|last| *last > manifest.number && !force) {
        bail!(
            "bundle {last} of this key was taken in already, and this is {}; --force goes back to it",
            manifest.number
        );
    }
    Ok(())
}

fn apply(engine: &Engine, path: &Path, force: bool) -> Result<ImportReport> {
    let mut report = ImportReport::default();
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(path)?)));
    for entry in tar.entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut lines = BufReader::new(entry);
        let of = match name.as_str() {
            ADVISORIES => "advisories",
            EPSS => "epss",
            KEV => "kev",
            SSVC => "ssvc",
            SCORECARDS => "scorecard",
            POPULARITY => "popularity",
            VEX => "vex",
            _ => continue,
        };
        engine.import_told(of, &name, force, &mut report, &mut |intel| tell(&name, &mut lines, intel))?;
    }
    Ok(report)
}

#[derive(Deserialize)]
struct Line {
    source: String,
    bytes: String,
    record: Option<Advisory>,
}

#[derive(Deserialize)]
struct Points {
    cve: String,
    said: Ssvc,
}

#[derive(Deserialize)]
struct Document {
    source: String,
    name: String,
    statements: Vec<VexStatement>,
}

fn tell(name: &str, from: &mut dyn BufRead, intel: &mut dyn Intel) -> Result<(), Problem> {
    let (mut line, mut parts, mut any) = (Vec::new(), BTreeSet::new(), false);
    loop {
        line.clear();
        let read = Read::take(&mut *from, MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(|e| Problem::internal("the bundle cannot be read", e))? == 0 {
            break;
        }
        any = true;
        match name {
            ADVISORIES => {
                let Line { source, bytes, record } = parsed(&line)?;
                let advisory = record.map_or_else(|| parsed(bytes.as_bytes()), Ok)?;
                intel.advisory(&source, advisory, bytes.as_bytes())?;
            }
            EPSS => intel.epss(parsed(&line)?)?,
            KEV => intel.kev(parsed(&line)?)?,
            SSVC => {
                let Points { cve, said } = parsed(&line)?;
                intel.ssvc(&cve, said)?;
            }
            SCORECARDS => intel.scorecard(parsed(&line)?)?,
            VEX => {
                let Document { source, name, statements } = parsed(&line)?;
                // the document itself is not carried: what it says stands for it
                let bytes = serde_json::to_vec(&statements).map_err(|e| Problem::internal("cannot write JSON", e))?;
                intel.vex(&source, &name, statements, &bytes)?;
                parts.insert(source);
            }
            _ => {
                let entry: Popularity = parsed(&line)?;
                parts.insert(entry.purl_type.clone());
                intel.popularity(entry)?;
            }
        }
    }
    // advisories that were taken back are in the bundle as such; tables are whole, but one that is empty was never filled
    match name {
        _ if !any => Ok(()),
        EPSS => intel.whole(&Extent::Epss),
        KEV => intel.whole(&Extent::Kev),
        SSVC => intel.whole(&Extent::Ssvc("")),
        SCORECARDS => intel.whole(&Extent::Scorecards),
        POPULARITY => parts.iter().try_for_each(|kind| intel.whole(&Extent::Popularity(kind))),
        VEX => parts.iter().try_for_each(|source| intel.whole(&Extent::Vex(source))),
        _ => Ok(()),
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(line: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(line)
        .map_err(|e| Problem::invalid("bad-bundle", format!("a record of the bundle cannot be read: {e}")))
}
