//! The zip container, by its central directory, after checking that the local headers tell the same story.
//!
//! Installers disagree on which of the two to believe; a file that they would unpack differently is refused as a whole,
//! before the first entry is shown.

mod body;
mod directory;

use std::collections::HashSet;
use std::io::{Read, Seek};

use crate::error::ArchiveError;
use crate::walk::{Flow, RawEntry, RawKind, Visitor};

use body::Body;
use directory::Central;

/// Unix, in the upper byte of "version made by".
const MADE_ON_UNIX: u16 = 3;

pub(crate) fn walk<R: Read + Seek, E: From<ArchiveError>>(
    reader: &mut R,
    visitor: &mut Visitor<'_, E>,
) -> Result<(), E> {
    let entries = directory::read(reader, visitor.budget())?;
    check_names(&entries, visitor)?;
    // Before the first entry is shown: who does not put up with it learns so at once.
    for central in entries.iter().filter(|central| central.is_encrypted()) {
        let name = central.shown_name();
        visitor.irregular(ArchiveError::Encrypted(name.clone()), &name, "only a password opens it")?;
    }
    for central in &entries {
        visitor.count()?;
        if central.is_encrypted() {
            continue;
        }
        if entry(reader, central, visitor)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}

fn check_names<E: From<ArchiveError>>(entries: &[Central], visitor: &mut Visitor<'_, E>) -> Result<(), ArchiveError> {
    let mut seen = HashSet::with_capacity(entries.len());
    for central in entries.iter().filter(|central| !central.is_dir()) {
        let name = central.shown_name();
        // Two spellings of one path are the same file once unpacked.
        let path = visitor.normal_form(&central.name).unwrap_or_else(|_| name.clone());
        if !seen.insert(path) {
            let error = ArchiveError::corrupt(format!("two entries are named {name:?}"));
            visitor.irregular(error, &name, "the name occurs twice")?;
        }
    }
    Ok(())
}

fn entry<R: Read + Seek, E: From<ArchiveError>>(
    reader: &mut R,
    central: &Central,
    visitor: &mut Visitor<'_, E>,
) -> Result<Flow, E> {
    let kind = kind(reader, central, visitor)?;
    let raw = RawEntry { name: central.name.clone(), kind, size: central.unpacked, mode: central.mode() };
    let mut body = Body::open(reader, central, visitor.budget());
    visitor.show(&raw, &mut body)
}

fn kind<R: Read + Seek, E: From<ArchiveError>>(
    reader: &mut R,
    central: &Central,
    visitor: &Visitor<'_, E>,
) -> Result<RawKind, ArchiveError> {
    if central.is_dir() {
        return Ok(RawKind::Dir);
    }
    match RawKind::of_mode(central.mode()) {
        RawKind::Symlink(_) => {
            visitor.budget().check_path(central.unpacked)?;
            let mut target = Vec::new();
            Body::open(reader, central, visitor.budget()).read_to_end(&mut target)?;
            Ok(RawKind::Symlink(target))
        }
        // The type bits say directory, the name says file: unpackers go by the name.
        RawKind::Dir => Ok(RawKind::File),
        kind => Ok(kind),
    }
}

impl Central {
    fn is_dir(&self) -> bool {
        self.name.ends_with(b"/")
    }

    fn shown_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    fn mode(&self) -> u32 {
        if self.made_by >> 8 == MADE_ON_UNIX { self.external >> 16 } else { 0 }
    }
}
