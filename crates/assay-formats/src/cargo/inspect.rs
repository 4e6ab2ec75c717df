//! What a `.crate` says of itself: the manifest read from the archive, compared with the publication, made into a claim.
//! Pure over bytes.

pub(super) mod manifest;
pub(super) mod metadata;

use super::{line, names};
use crate::kit::archive::{Bounds, unreadable};
use assay_archive::{ArchiveError, EntryKind, Flow, Kind as Container, read_small};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    seam::{
        ReadSeek,
        format::{Claim, Staged},
    },
};
use manifest::Manifest;
use metadata::Metadata;
use serde_json::Value;
use std::io::SeekFrom;

/// Sent with every `.crate`.
pub(super) const MEDIA_TYPE: &str = "application/gzip";

/// Reads the archive to its end and returns its manifest. All of it must lie in the folder `name-version`, because
/// cargo unpacks nothing else.
///
/// # Errors
/// `Invalid` for a damaged or unsafe archive or one without a manifest, `TooLarge` beyond a limit.
pub(super) fn read(name: &str, version: &str, bytes: &mut dyn ReadSeek, links: Links) -> Result<Manifest, Problem> {
    let file = format!("{name}-{version}.crate");
    let wrong = |why: &str| Problem::invalid("bad-archive", format!("`{}` {why}", names::shown(&file)));
    check_gzip(bytes).map_err(|_| wrong("is not compressed with gzip"))?;
    let walker = Bounds::default().walker();
    let folder = format!("{name}-{version}");
    let mut found = None;
    let mut fault = None;
    walker
        .walk(bytes, Container::Tar, |entry, body| -> Result<Flow, ArchiveError> {
            let inside = entry.path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
            if entry.path != folder && inside.is_none() {
                fault = Some(format!(
                    "contains `{}`, which is outside of the folder `{folder}`",
                    names::shown(&entry.path)
                ));
                return Ok(Flow::Stop);
            }
            let linked = matches!(entry.kind, EntryKind::Symlink(_) | EntryKind::Hardlink(_));
            if linked && links == Links::Refused {
                fault = Some(format!("contains the link `{}`; a crate has only files", names::shown(&entry.path)));
                return Ok(Flow::Stop);
            }
            if entry.is_file() && inside == Some("Cargo.toml") {
                found = Some(read_small(body, walker.budget())?);
            }
            Ok(Flow::Continue)
        })
        .map_err(|error| unreadable(&format!("`{}`", names::shown(&file)), "bad-archive", error))?;
    if let Some(why) = fault {
        return Err(wrong(&why));
    }
    let document = found.ok_or_else(|| wrong(&format!("contains no {folder}/Cargo.toml")))?;
    let text = String::from_utf8(document).map_err(|_| wrong("contains a Cargo.toml that is not UTF-8"))?;
    Manifest::parse(&text)
}

/// What is done about links in an archive. Old crates of public registries have some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Refused,
    Tolerated,
}

fn check_gzip(bytes: &mut dyn ReadSeek) -> std::io::Result<()> {
    let mut magic = [0; 2];
    bytes.seek(SeekFrom::Start(0))?;
    bytes.read_exact(&mut magic)?;
    bytes.seek(SeekFrom::Start(0))?;
    if magic == [0x1f, 0x8b] { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}

/// Checks a staged publication against itself.
///
/// # Errors
/// As [`read`], and `Invalid` naming what disagrees.
pub(super) fn check(metadata: &Metadata, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
    read(&metadata.name, &metadata.vers, bytes, Links::Refused)?.agrees(metadata)
}

/// The claim of a publication that was checked. `name` is normalised.
pub(super) fn claim(name: String, metadata: &Metadata, staged: Staged) -> Claim {
    let mut kept = metadata.described();
    kept.insert(line::LINE.into(), line::of(metadata));
    kept.insert(line::YANKED.into(), false.into());
    Claim {
        version: metadata.vers.clone(),
        metadata: Value::Object(kept),
        files: vec![NewFile {
            path: names::file_path(&name, &metadata.vers),
            digest: staged.digest,
            size: staged.size,
            media_type: MEDIA_TYPE.to_owned(),
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: Value::Null,
        }],
        name,
        references: Vec::new(),
        published_at: None,
        replaces_others: false,
        replaces_files: false,
    }
}

/// Completes the claim of a `.crate` that was fetched with what its manifest says for people and policies.
///
/// # Errors
/// As [`read`], and `Invalid` when it is another crate or version.
pub(super) fn complete(claim: &mut Claim, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
    let written = claim.metadata.get(line::LINE).and_then(|line| line.get("name")).and_then(Value::as_str);
    let written = written.unwrap_or(&claim.name).to_owned();
    let manifest = read(&written, &claim.version, bytes, Links::Tolerated)?;
    manifest.is_of(&written, &claim.version)?;
    if let Value::Object(kept) = &mut claim.metadata {
        for (key, value) in manifest.described() {
            kept.entry(key).or_insert(value);
        }
    }
    Ok(())
}
