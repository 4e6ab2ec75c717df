//! Blobs as files: `blobs/sha256/ab/<the other 62 digits>`. A blob appears by a rename of a synced file, so that a reader
//! sees all of it or nothing, and whoever was told that it is stored finds it after a crash.

use super::{clamp, missing, reading::Reading};
use assay_model::{
    Digest, Problem,
    seam::{ByteStream, ReadSeek, Task, blob::BlobStore},
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
};

/// Blobs below a directory.
pub struct FileBlobs {
    /// The directory `blobs`.
    root: PathBuf,
}

/// Digits of the digest that name a folder: 256 folders per algorithm.
const FAN_OUT: usize = 2;
/// Below `blobs`: copies from other file systems, until they are renamed.
const INCOMING: &str = "incoming";

impl FileBlobs {
    /// Opens or makes the folder `blobs` below `directory`. Blocks.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, Problem> {
        let root = directory.join("blobs");
        let make = || {
            fs::create_dir_all(root.join(INCOMING))?;
            sync_directory(&root)?;
            sync_directory(directory)
        };
        make().map_err(|e| failed("make", &root, e))?;
        Ok(Self { root })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let (folder, name) = digest.hex().split_at(FAN_OUT);
        self.root.join(digest.algorithm()).join(folder).join(name)
    }
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Problem {
    Problem::internal(format!("cannot {verb} {}: {error}", path.display()), error)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes the folder of a blob, and makes its existence last.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1).take(2) {
        sync_directory(above)?;
    }
    Ok(())
}

/// A file with the bytes of `spooled`, synced, on the file system of `root`.
fn copy_over(root: &Path, spooled: &Path) -> io::Result<tempfile::TempPath> {
    let mut copy = tempfile::NamedTempFile::new_in(root.join(INCOMING))?;
    io::copy(&mut File::open(spooled)?, copy.as_file_mut())?;
    copy.as_file().sync_all()?;
    Ok(copy.into_temp_path())
}

fn put(root: &Path, target: &Path, spooled: &Path) -> io::Result<()> {
    let folder = target.parent().ok_or(ErrorKind::InvalidInput)?;
    let file = File::open(spooled)?;
    let size = file.metadata()?.len();
    if fs::metadata(target).is_ok_and(|m| m.len() == size) {
        // it may have been renamed a moment ago by someone who has not synced the folder yet
        sync_directory(folder)?;
        return fs::remove_file(spooled);
    }
    file.sync_all()?;
    make_folder(folder)?;
    match fs::rename(spooled, target) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            copy_over(root, spooled)?.persist(target).map_err(|e| e.error)?;
            fs::remove_file(spooled)?;
        }
        done => done?,
    }
    sync_directory(folder)
}

fn start(path: &Path, digest: &Digest, range: Option<Range<u64>>) -> Result<Reading, Problem> {
    let file = open(path, digest)?;
    let size = file.metadata().map_err(|e| failed("read", path, e))?.len();
    // the first bytes come with the opening: small files cost one trip to a blocking thread
    Reading::begin(file, clamp(range, size)?).map_err(|e| failed("read", path, e))
}

fn open(path: &Path, digest: &Digest) -> Result<File, Problem> {
    File::open(path)
        .map_err(|e| if e.kind() == ErrorKind::NotFound { missing(digest) } else { failed("open", path, e) })
}

/// Names in a folder, in order. A folder that is not there is empty.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn list(root: &Path, after: Option<&Digest>, limit: usize) -> io::Result<Vec<(Digest, u64)>> {
    let mut found = Vec::new();
    for algorithm in ["sha256", "sha512"] {
        for folder in names(&root.join(algorithm))? {
            if after.is_some_and(|a| format!("{algorithm}:{folder}g").as_str() < a.as_str()) {
                continue;
            }
            let below = root.join(algorithm).join(&folder);
            for name in names(&below)? {
                let Ok(digest) = format!("{algorithm}:{folder}{name}").parse::<Digest>() else { continue };
                if after.is_some_and(|a| digest <= *a) {
                    continue;
                }
                if found.len() >= limit {
                    return Ok(found);
                }
                // one that is deleted meanwhile is left out
                if let Ok(metadata) = fs::metadata(below.join(&name)) {
                    found.push((digest, metadata.len()));
                }
            }
        }
    }
    Ok(found)
}

/// Runs file operations on a thread that may block.
fn blocking<'a, T: Send + 'static>(job: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Task<'a, T> {
    Box::pin(async {
        tokio::task::spawn_blocking(job).await.map_err(|e| Problem::internal("a file operation was cut off", e))?
    })
}

impl BlobStore for FileBlobs {
    fn put<'a>(&'a self, digest: &'a Digest, spooled: &'a Path) -> Task<'a, ()> {
        let (root, target, spooled) = (self.root.clone(), self.path(digest), spooled.to_owned());
        blocking(move || put(&root, &target, &spooled).map_err(|e| failed("store", &target, e)))
    }

    fn open<'a>(&'a self, digest: &'a Digest, range: Option<Range<u64>>) -> Task<'a, ByteStream> {
        let (path, digest) = (self.path(digest), digest.clone());
        blocking(move || start(&path, &digest, range).map(Reading::stream))
    }

    fn local<'a>(&'a self, digest: &'a Digest) -> Task<'a, Box<dyn ReadSeek>> {
        let (path, digest) = (self.path(digest), digest.clone());
        blocking(move || Ok(Box::new(open(&path, &digest)?) as Box<dyn ReadSeek>))
    }

    fn stat<'a>(&'a self, digest: &'a Digest) -> Task<'a, Option<u64>> {
        let path = self.path(digest);
        blocking(move || match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at", &path, error)),
        })
    }

    fn delete<'a>(&'a self, digest: &'a Digest) -> Task<'a, ()> {
        let path = self.path(digest);
        blocking(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("delete", &path, error)),
            _ => Ok(()),
        })
    }

    fn list<'a>(&'a self, after: Option<&'a Digest>, limit: usize) -> Task<'a, Vec<(Digest, u64)>> {
        let (root, after) = (self.root.clone(), after.cloned());
        blocking(move || list(&root, after.as_ref(), limit).map_err(|e| failed("list", &root, e)))
    }
}
