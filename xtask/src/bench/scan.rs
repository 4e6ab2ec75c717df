//! Time of a whole `assay scan` process, with its feeds imported beforehand.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::load;
use super::table::{Row, median};
use super::{Options, Programs};
use crate::command::quiet;
use crate::repo;

pub fn wheel(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let wheel = artifact("requests-2.6.0-py2.py3-none-any.whl")?;
    scan("scan: requests wheel", &wheel, "feeds/osv/PyPI", options, programs)
}

pub fn image(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let image = corpus("rootfs/docker-save-alpine-310.tar.gz")?;
    scan("scan: Alpine 3.10 image", &image, "feeds/osv/Alpine", options, programs)
}

fn scan(name: &str, file: &Path, feed: &str, options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("assay-bench-").tempdir()?;
    let assay = |words: &[&OsStr]| {
        let mut command = load::pinned(&programs.assay, Some(0));
        quiet(command.args(words).arg("--data").arg(folder.path().join("data")))
    };
    let start = Instant::now();
    assay(&["feeds".as_ref(), "import".as_ref(), corpus(feed)?.as_os_str()])?;
    let imported = start.elapsed();
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..options.rounds() * 2 + 1 {
        let start = Instant::now();
        let output = assay(&["scan".as_ref(), "--format".as_ref(), "json".as_ref(), file.as_os_str()])?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        found = findings(&output.stdout)?;
    }
    if found == 0 {
        bail!("`assay scan` found nothing in {}", file.display());
    }
    let middle = median(times).context("no scan was run")?;
    Ok(vec![
        Row::value(&format!("{name}, {found} findings"), "ms", middle),
        Row::value(&format!("{name}: import of {feed}"), "s", imported.as_secs_f64()),
    ])
}

/// How many findings a report has.
fn findings(report: &[u8]) -> Result<usize> {
    let report: serde_json::Value = serde_json::from_slice(report).context("`assay scan` printed no JSON")?;
    let list = report.get("findings").and_then(serde_json::Value::as_array);
    list.map(Vec::len).context("the report of `assay scan` has no findings")
}

pub fn corpus(path: &str) -> Result<PathBuf> {
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(|| repo::root().join("../shared"), PathBuf::from);
    let path = root.join(path);
    if !path.exists() {
        bail!("test data is not there: {} (ASSAY_CORPUS)", path.display());
    }
    Ok(path)
}

/// A real artifact that the tests downloaded.
pub fn artifact(name: &str) -> Result<PathBuf> {
    let path = repo::tools().join("artifacts").join(name);
    if !path.is_file() {
        bail!("{} is not there: `cargo xtask test` downloads it", path.display());
    }
    Ok(path)
}
