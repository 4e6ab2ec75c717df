//! A directory on this machine as the root of a file system. Links are not followed, so it cannot be left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assay_archive::{ArchiveError, Budget, EntryHead, EntryKind};
use assay_model::problem::Problem;

use super::collector::Collector;
use crate::part::{Halt, LIMIT, UNSUPPORTED, problem};

pub(super) fn walk(root: &Path, budget: &Budget, collector: &mut Collector<'_>) -> Result<(), Problem> {
    let unreadable = |error: io::Error| {
        Problem::new(kind_of(&error), "unreadable", format!("{} cannot be read: {error}", root.display()))
    };
    let mut pending = vec![(root.to_path_buf(), String::new())];
    fs::read_dir(root).map_err(unreadable)?;
    if root.join("oci-layout").is_file() {
        let detail = "an image layout in a folder is not read as an image; pack it as a tar and scan that";
        collector.skip("oci-layout", UNSUPPORTED, detail);
    }
    let mut entries = 0_u64;
    while let Some((folder, prefix)) = pending.pop() {
        let Ok(listing) = fs::read_dir(&folder) else {
            collector.skip(&prefix, "unreadable", "the directory cannot be read");
            continue;
        };
        let mut items: Vec<PathBuf> = listing.flatten().map(|item| item.path()).collect();
        items.sort();
        for item in items {
            entries += 1;
            budget.check_time().map_err(problem)?;
            if entries > budget.limits().entries {
                collector.skip(&prefix, LIMIT, "the directory has more entries than `limits.archive.entries`");
                return Ok(());
            }
            let name = item.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if one(&item, &path, collector)? {
                pending.push((item, path));
            }
        }
    }
    Ok(())
}

/// True for a directory to go into.
fn one(item: &Path, path: &str, collector: &mut Collector<'_>) -> Result<bool, Problem> {
    let Ok(metadata) = fs::symlink_metadata(item) else {
        collector.skip(path, "unreadable", "the file cannot be read");
        return Ok(false);
    };
    if metadata.is_dir() {
        return Ok(true);
    }
    let kind = match metadata.is_file() {
        true => EntryKind::File,
        false => EntryKind::Other,
    };
    let mode = metadata.permissions().mode();
    let head = EntryHead { path: path.to_owned(), kind, size: metadata.len(), mode };
    let mut body = Lazy { path: item, file: None };
    match collector.visit(&head, &mut body) {
        Ok(()) => {}
        Err(Halt(failed)) if body.is_unreadable() => collector.skip(path, "unreadable", &failed.message),
        Err(Halt(failed)) => return Err(failed),
    }
    Ok(false)
}

/// Opened only if somebody reads it.
struct Lazy<'a> {
    path: &'a Path,
    file: Option<Result<File, ArchiveError>>,
}

impl Lazy<'_> {
    fn is_unreadable(&self) -> bool {
        matches!(self.file, Some(Err(_)))
    }
}

impl io::Read for Lazy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let open = || File::open(self.path).map_err(ArchiveError::from);
        match self.file.get_or_insert_with(open) {
            Ok(file) => file.read(buffer),
            Err(error) => Err(error.clone().into()),
        }
    }
}

fn kind_of(error: &io::Error) -> assay_model::Kind {
    match error.kind() {
        io::ErrorKind::NotFound => assay_model::Kind::NotFound,
        _ => assay_model::Kind::Invalid,
    }
}
