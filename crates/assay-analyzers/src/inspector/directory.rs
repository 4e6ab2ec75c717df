//! A directory on this machine as the root of a file system. Links are not followed, so it cannot be left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assay_archive::{ArchiveError, Budget, EntryHead, EntryKind, Report};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;

use super::collector::Collector;
use super::image::ImageArchive;
use crate::part::{Halt, LIMIT, problem};

pub(super) fn walk(root: &Path, budget: &Budget, collector: &mut Collector<'_>) -> Result<(), Problem> {
    let unreadable = |error: io::Error| {
        Problem::new(kind_of(&error), "unreadable", format!("{} cannot be read: {error}", root.display()))
    };
    let mut pending = vec![(root.to_path_buf(), String::new())];
    fs::read_dir(root).map_err(unreadable)?;
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
            if one(&item, &path, collector)? && !collector.excludes_folder(&path) {
                pending.push((item, path));
            }
        }
    }
    Ok(())
}

/// An image layout, or an unpacked `docker save`, in a folder: read as the archive of it would be.
pub(super) fn image(
    root: &Path,
    budget: &Budget,
    mut inspect: impl FnMut(&mut dyn io::Read) -> Result<Inventory, Problem>,
) -> Result<Option<(ImageArchive, Report)>, Problem> {
    if !root.join("oci-layout").is_file() && !root.join("manifest.json").is_file() {
        return Ok(None);
    }
    let mut image = ImageArchive::default();
    let mut pending = vec![String::new()];
    let mut entries = 0;
    while let Some(folder) = pending.pop() {
        let Ok(listing) = fs::read_dir(root.join(&folder)) else { continue };
        let mut names: Vec<String> =
            listing.flatten().map(|item| item.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names {
            entries += 1;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let Ok(metadata) = fs::symlink_metadata(root.join(&path)) else { continue };
            // Layouts are three levels deep; what else lies there is not part of them.
            if metadata.is_dir() && path.matches('/').count() < 2 {
                pending.push(path);
            } else if metadata.is_file() && entries <= budget.limits().entries {
                let head = EntryHead { path: path.clone(), kind: EntryKind::File, size: metadata.len(), mode: 0 };
                let mut body = Lazy { path: &root.join(&path), file: None };
                image.visit(&head, &mut body, budget, &mut inspect).map_err(|halt| halt.0)?;
            }
        }
    }
    Ok(image.is_one().then(|| (image, Report::default())))
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
