//! `assay import dir`: the files of a folder are sent as a client of their format would, those that are there already
//! left out.

use super::ImportArgs;
use crate::cli::{
    Context,
    client::Client,
    feeds::progress::Progress,
    look::{bytes, count, harmless},
};
use anyhow::{Context as _, Result, bail};
use assay_formats::{Place, TREES};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Stands where the format of a source stands otherwise.
pub(super) const DIR: &str = "dir";

/// Files of one folder, and how deep it is walked.
const FILES: usize = 1_000_000;
const DEPTH: usize = 64;

#[derive(Default)]
struct Sum {
    taken: u64,
    here: u64,
    other: u64,
    bytes: u64,
    failures: Vec<(String, String)>,
}

pub(super) async fn run(context: &Context, client: &Client, args: &ImportArgs) -> Result<ExitCode> {
    let known: Vec<&str> = TREES.iter().map(|(format, _)| format.spec().id).collect();
    let known = known.join(", ");
    let Some(id) = &args.format else { bail!("name the format of the files with --format: {known}") };
    let Some((format, place)) = TREES.iter().find(|(format, _)| format.spec().id == id) else {
        bail!("folders of format `{id}` are not sent file by file; those of {known} are");
    };
    let root = PathBuf::from(&args.address);
    let mut files = Vec::new();
    walk(&root, "", 0, &mut files)?;
    files.sort_unstable();
    let base = format!("{}/{}", format.spec().prefix, args.repository);
    let progress = Progress::start(&format!("importing {}", root.display()), false);
    let mut sum = Sum::default();
    for (done, path) in files.iter().enumerate() {
        progress.tell(&harmless(path));
        progress.set(done as u64, Some(files.len() as u64), false);
        one(client, &root, path, (&base, *place), args.dry_run, &mut sum).await?;
    }
    progress.finish("done");
    print(context, args.dry_run, &sum)?;
    Ok(if sum.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one(
    client: &Client,
    root: &Path,
    path: &str,
    (base, place): (&str, Place),
    dry_run: bool,
    sum: &mut Sum,
) -> Result<()> {
    let Some(at) = place(path) else {
        sum.other += 1;
        return Ok(());
    };
    let address = format!("{base}/{at}");
    let (digest, size) = match digest(&root.join(path)) {
        Ok(read) => read,
        Err(error) => {
            sum.failures.push((path.to_owned(), format!("{error:#}")));
            return Ok(());
        }
    };
    if client.validator(&address).await?.is_some_and(|there| there == format!("sha256:{digest}")) {
        sum.here += 1;
        return Ok(());
    }
    let outcome = match dry_run {
        true => Ok(()),
        false => client.put_file(&address, tokio::fs::File::open(root.join(path)).await?, size).await?,
    };
    match outcome {
        Ok(()) => {
            sum.taken += 1;
            sum.bytes += size;
        }
        Err(why) => sum.failures.push((path.to_owned(), why)),
    }
    Ok(())
}

fn digest(file: &Path) -> Result<(String, u64)> {
    let mut open = fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0_u8; 256 << 10]);
    loop {
        let n = open.read(&mut buffer).with_context(|| format!("cannot read {}", file.display()))?;
        if n == 0 {
            return Ok((hex::encode(hasher.finalize()), size));
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
        size += n as u64;
    }
}

/// Paths of all files below a folder. Links are not followed.
fn walk(root: &Path, below: &str, depth: usize, files: &mut Vec<String>) -> Result<()> {
    let folder = root.join(below);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { bail!("{} has no name in UTF-8", entry.path().display()) };
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH {
            walk(root, &path, depth + 1, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
        if files.len() > FILES {
            bail!("{} has more than {FILES} files; import parts of it", root.display());
        }
    }
    Ok(())
}

fn print(context: &Context, dry_run: bool, sum: &Sum) -> Result<()> {
    if context.out.json {
        let failures = sum.failures.iter().map(|(path, why)| json!({"path": path, "reason": why}));
        return context.out.data(&json!({
            "files": sum.taken, "files_here": sum.here, "other": sum.other, "bytes": sum.bytes,
            "failed": sum.failures.len(), "failures": failures.collect::<Vec<_>>(), "dry_run": dry_run,
        }));
    }
    let verb = if dry_run { "would be taken" } else { "taken" };
    let mut text = format!(
        "{} {verb} ({}), {} here already, {} of another kind, {} failed",
        count(sum.taken, "file", "files"),
        bytes(sum.bytes),
        sum.here,
        sum.other,
        sum.failures.len()
    );
    for (path, why) in &sum.failures {
        text.push_str(&format!("\n  {}: {}", harmless(path), harmless(why)));
    }
    context.out.text(&text)
}
