//! Which files an import reads: those that are named, and in directories those that a source recognises.

use anyhow::{Context as _, Result, bail};
use assay_model::seam::source::Source;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Bytes by which a source recognises a file.
const HEAD: usize = 4096;
/// Files that one import reads.
const MAX_FILES: usize = 1_000_000;
/// How deep directories are walked.
const MAX_DEPTH: usize = 32;

/// One thing to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// To be fetched first.
    Url(String),
    /// A file, with the name it goes by.
    File { name: String, path: PathBuf },
}

/// What was found to import, and what in directories was passed over.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) inputs: Vec<Input>,
    pub(super) skipped: Vec<String>,
}

/// Resolves what was named on the command line, in that order; directories in the order of names.
///
/// # Errors
/// When a path does not exist or a directory cannot be read.
pub(super) fn gather(from: &[String], sources: &[&dyn Source]) -> Result<Gathered> {
    let mut all = Gathered::default();
    for one in from {
        if one.starts_with("https://") || one.starts_with("http://") {
            all.inputs.push(Input::Url(one.clone()));
            continue;
        }
        let path = Path::new(one);
        let meta = fs::metadata(path).with_context(|| format!("cannot read {one}"))?;
        if meta.is_dir() {
            // Files go by their path from the directory that was named, so that two directories can be told apart.
            let root = path.canonicalize().with_context(|| format!("cannot read {one}"))?;
            walk(root.parent().unwrap_or(&root), &root, 0, sources, &mut all)?;
        } else {
            let name = path.file_name().map_or_else(|| one.clone(), |n| n.to_string_lossy().into_owned());
            all.inputs.push(Input::File { name, path: path.to_owned() });
        }
    }
    Ok(all)
}

fn walk(root: &Path, folder: &Path, depth: usize, sources: &[&dyn Source], all: &mut Gathered) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{} is more than {MAX_DEPTH} directories deep", folder.display());
    }
    let unreadable = || format!("cannot read {}", folder.display());
    let mut entries =
        fs::read_dir(folder).with_context(unreadable)?.collect::<Result<Vec<_>, _>>().with_context(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() {
            walk(root, &path, depth + 1, sources, all)?;
            continue;
        }
        // Links to files are followed, links to directories could lead in circles.
        if !path.is_file() {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if is_feed(&name, &path, sources)? {
            all.inputs.push(Input::File { name, path });
        } else {
            all.skipped.push(name);
        }
        if all.inputs.len() + all.skipped.len() > MAX_FILES {
            bail!("{} holds more than {MAX_FILES} files", root.display());
        }
    }
    Ok(())
}

/// By ending first, so that a directory of other things is not opened file by file.
fn is_feed(name: &str, path: &Path, sources: &[&dyn Source]) -> Result<bool> {
    let lower = name.to_lowercase();
    let lower = lower.strip_suffix(".gz").unwrap_or(&lower);
    if ![".zip", ".json", ".jsonl", ".ndjson", ".csv"].iter().any(|end| lower.ends_with(end)) {
        return Ok(false);
    }
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(HEAD as u64).read_to_end(&mut head).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(sources.iter().any(|source| source.recognizes(name, &head)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn directories_give_their_feeds_in_order_and_name_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join("feeds").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let record = r#"{"id":"X-1","modified":"2024-01-01T00:00:00Z","affected":[]}"#;
        write("b/two.json", record);
        write("a/one.json", record);
        write("package.json", r#"{"name":"left-pad"}"#);
        write("README.md", "text");
        let root = dir.path().join("feeds").to_string_lossy().into_owned();
        let all = gather(&[root, "https://host.example/x.zip".into()], assay_advisories::ALL).unwrap();
        let names: Vec<String> = all
            .inputs
            .iter()
            .map(|input| match input {
                Input::Url(url) => url.clone(),
                Input::File { name, .. } => name.clone(),
            })
            .collect();
        assert_eq!(names, ["feeds/a/one.json", "feeds/b/two.json", "https://host.example/x.zip"]);
        assert_eq!(all.skipped, ["feeds/README.md", "feeds/package.json"]);
        assert!(gather(&["/nowhere/at/all".into()], assay_advisories::ALL).is_err());
    }
}
