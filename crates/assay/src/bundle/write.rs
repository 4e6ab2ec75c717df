//! Making a bundle, from one snapshot of the store.

use super::{
    ADVISORIES, Base, EPSS, FORMAT, KEV, MANIFEST, MEMBERS, Manifest, Member, POPULARITY, SCORECARDS, SIGNATURE, VEX,
    key,
};
use anyhow::{Context, Result};
use assay_engine::Engine;
use assay_model::{
    Digest, Problem, ecosystem,
    seam::{
        meta::{self, BundleRecord, ScoreTable, Tx, VexFilter},
        upstream::Vault,
    },
};
use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, Seek, Write},
    path::Path,
};

const PAGE: usize = 2000;
/// What is exported again before a base's moment: nodes' clocks differ, and the same twice changes nothing.
const OVERLAP: i64 = 600;

/// Exports to a file; `base` makes a delta.
///
/// # Errors
/// When the store or the file fails.
pub async fn write(engine: &Engine, vault: &dyn Vault, to: &Path, base: Option<BundleRecord>) -> Result<Manifest> {
    let pair = key::own(engine, vault).await?;
    let public = key::public(&pair);
    let parts = meta::read(engine.meta(), move |tx| gather(tx, base.as_ref(), &public)).await?;
    let text = serde_json::to_string_pretty(&parts.manifest)?;
    let signature = pair.sign(text.as_bytes()).as_ref().to_vec();
    let (Parts { manifest, files }, to, signed) = (parts, to.to_owned(), text.clone());
    let manifest = tokio::task::spawn_blocking(move || {
        pack(&to, &manifest.members, files, &[(MANIFEST, signed.as_bytes()), (SIGNATURE, &signature)])
            .map(|()| manifest)
    })
    .await??;
    let digest = Digest::of(text.as_bytes()).to_string();
    let (number, at) = (manifest.number, engine.now());
    let record = BundleRecord { digest, number, key: manifest.key.clone(), taken_in: false, manifest: text, at };
    meta::write(engine.meta(), move |tx| tx.put_bundle(&record)).await?;
    Ok(manifest)
}

/// Writes the file; one that is cut off is never seen under its name.
fn pack(to: &Path, members: &[Member], files: Vec<File>, ends: &[(&str, &[u8])]) -> Result<()> {
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(file.as_file()), Compression::new(6)));
    for (member, mut content) in members.iter().zip(files) {
        content.rewind()?;
        append(&mut tar, &member.name, member.bytes, content)?;
    }
    for (name, bytes) in ends {
        append(&mut tar, name, bytes.len() as u64, *bytes)?;
    }
    tar.into_inner()?.finish()?.flush()?;
    file.as_file().sync_all()?;
    file.persist(to).with_context(|| format!("cannot write {}", to.display())).map(|_| ())
}

/// The bundle to build on, by its number or the digest of its manifest.
///
/// # Errors
/// When none such was made or taken in here.
pub async fn base(engine: &Engine, named: &str) -> Result<BundleRecord> {
    let wanted = named.to_owned();
    let found = meta::read(engine.meta(), move |tx| tx.bundle(&wanted)).await?;
    found.with_context(|| format!("no bundle {named} was made here; name its file, or export without a base"))
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, size: u64, content: impl std::io::Read) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content)?;
    Ok(())
}

struct Parts {
    manifest: Manifest,
    files: Vec<File>,
}

fn gather(tx: &mut dyn Tx, base: Option<&BundleRecord>, key: &str) -> Result<Parts, Problem> {
    let before: Option<Manifest> = base
        .map(|base| serde_json::from_str(&base.manifest))
        .transpose()
        .map_err(|e| Problem::internal("the base's manifest cannot be read", e))?;
    let since = before.as_ref().map_or(Timestamp::UNIX_EPOCH, |b| b.as_of - SignedDuration::from_secs(OVERLAP));
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        number: tx.last_import()?,
        as_of: tx.newest_advisory()?.unwrap_or(Timestamp::UNIX_EPOCH),
        base: base.map(|base| Base { number: base.number, digest: base.digest.clone() }),
        key: key.to_owned(),
        members: Vec::new(),
        heard: tx.feed_states()?.into_iter().filter_map(|state| Some((state.feed, state.synced_at?))).collect(),
        unchanged: Vec::new(),
    };
    let mut files = Vec::new();
    for name in MEMBERS {
        let mut lines = Lines::new()?;
        match name {
            ADVISORIES => advisories(tx, since, &mut lines)?,
            SCORECARDS => scorecards(tx, &mut lines)?,
            POPULARITY => popularity(tx, &mut lines)?,
            VEX => vex(tx, &mut lines)?,
            EPSS => scores(tx, ScoreTable::Epss, &mut lines)?,
            KEV => scores(tx, ScoreTable::Kev, &mut lines)?,
            _ => scores(tx, ScoreTable::Ssvc, &mut lines)?,
        }
        let (member, file) = lines.finish(name)?;
        let known = before.iter().flat_map(|b| b.members.iter().chain(&b.unchanged));
        if name != ADVISORIES && known.into_iter().any(|known| *known == member) {
            manifest.unchanged.push(member);
        } else if member.records > 0 || name != ADVISORIES {
            manifest.members.push(member);
            files.push(file);
        }
    }
    Ok(Parts { manifest, files })
}

/// A member while it is written, in a file without a name.
struct Lines {
    file: BufWriter<File>,
    digest: Sha256,
    bytes: u64,
    records: u64,
}

impl Lines {
    fn new() -> Result<Self, Problem> {
        let file = tempfile::tempfile().map_err(|e| Problem::internal("cannot make a temporary file", e))?;
        Ok(Self { file: BufWriter::new(file), digest: Sha256::new(), bytes: 0, records: 0 })
    }

    fn add(&mut self, value: &Value) -> Result<(), Problem> {
        let mut line = value.to_string();
        line.push('\n');
        self.digest.update(line.as_bytes());
        self.bytes += line.len() as u64;
        self.records += 1;
        self.file.write_all(line.as_bytes()).map_err(|e| Problem::internal("cannot write a temporary file", e))
    }

    fn finish(self, name: &str) -> Result<(Member, File), Problem> {
        let file =
            self.file.into_inner().map_err(|e| Problem::internal("cannot write a temporary file", e.into_error()))?;
        let sha256 = hex::encode(self.digest.finalize());
        Ok((Member { name: name.to_owned(), sha256, bytes: self.bytes, records: self.records }, file))
    }
}

/// In order of source and id within a page of the store's order, which imports fix.
fn advisories(tx: &mut dyn Tx, since: Timestamp, lines: &mut Lines) -> Result<(), Problem> {
    let mut after = 0;
    loop {
        let page = tx.advisories_since(since, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        for one in page {
            let text = String::from_utf8(one.bytes).map_err(|e| Problem::internal("an advisory is no text", e))?;
            let mut line = json!({"source": one.stored.source, "bytes": text});
            let read = serde_json::from_str::<assay_model::advisory::Advisory>(&text);
            if !read.is_ok_and(|read| read == one.stored.advisory)
                && let Some(fields) = line.as_object_mut()
            {
                fields.insert("record".to_owned(), json!(one.stored.advisory));
            }
            lines.add(&line)?;
        }
    }
}

fn scores(tx: &mut dyn Tx, table: ScoreTable, lines: &mut Lines) -> Result<(), Problem> {
    let mut after = String::new();
    loop {
        let page = tx.scored(table, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(last);
        let found = tx.scores(&page)?;
        match table {
            ScoreTable::Epss => found.epss.values().try_for_each(|one| lines.add(&json!(one)))?,
            ScoreTable::Kev => found.kev.values().try_for_each(|one| lines.add(&json!(one)))?,
            ScoreTable::Ssvc => {
                found.ssvc.iter().try_for_each(|(cve, said)| lines.add(&json!({"cve": cve, "said": said})))?;
            }
        }
    }
}

fn scorecards(tx: &mut dyn Tx, lines: &mut Lines) -> Result<(), Problem> {
    let mut after = String::new();
    loop {
        let page = tx.scorecards_after(&after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.repository);
        page.iter().try_for_each(|card| lines.add(&json!(card)))?;
    }
}

/// Documents of feeds, in order of feed and name: what was uploaded or attached is a matter of each installation.
fn vex(tx: &mut dyn Tx, lines: &mut Lines) -> Result<(), Problem> {
    let filter = VexFilter { origin: Some("feed".to_owned()), limit: usize::MAX, ..VexFilter::default() };
    let mut documents = tx.vex_documents(&filter)?;
    documents.sort_by(|a, b| (&a.origin, &a.name).cmp(&(&b.origin, &b.name)));
    for document in documents {
        let Some((document, statements)) = tx.vex_document(document.id)? else { continue };
        lines.add(&json!({"source": document.origin.name(), "name": document.name, "statements": statements}))?;
    }
    Ok(())
}

fn popularity(tx: &mut dyn Tx, lines: &mut Lines) -> Result<(), Problem> {
    let types: BTreeSet<&str> = ecosystem::laws().iter().map(|law| law.purl_type).collect();
    for purl_type in types {
        tx.popularity(purl_type)?.iter().try_for_each(|entry| lines.add(&json!(entry)))?;
    }
    Ok(())
}
