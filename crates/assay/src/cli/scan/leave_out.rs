//! What a scan is told to leave out: ignore files, VEX documents, and VEX that is attached to an image.

use super::target::Looked;
use anyhow::{Context as _, Result, bail};
use assay_advisories::vex;
use assay_engine::{
    ScanResult,
    ignore::{self, IgnoreRule, Suppressed},
};
use assay_model::vex::VexStatement;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files that are read where there are any, in this order.
const USUAL: [&str; 5] = [".assayignore", ".assayignore.yaml", ".trivyignore", ".trivyignore.yaml", ".trivyignore.yml"];
/// VEX documents in a folder.
const MAX_DOCUMENTS: usize = 10_000;

/// The options that leave findings out.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Known and answered for")]
pub(crate) struct LeaveOut {
    /// File of ids to leave out, with expiry [default: .assayignore or .trivyignore, where there is one]
    #[arg(long, value_name = "FILE")]
    ignore_file: Vec<PathBuf>,
    /// VEX document, or folder of such: OpenVEX, CSAF, CycloneDX
    #[arg(long, value_name = "FILE|DIR")]
    vex: Vec<PathBuf>,
    /// Do not believe VEX documents that are attached to an image in its registry
    #[arg(long)]
    no_attached_vex: bool,
    /// List what was left out, and why
    #[arg(long)]
    pub(crate) show_suppressed: bool,
}

impl LeaveOut {
    /// Takes out what is answered for.
    pub(crate) fn apply(&self, looked: &Looked, result: &mut ScanResult) -> Result<Vec<Suppressed>> {
        let rules = self.rules()?;
        let mut statements = Vec::new();
        for path in &self.vex {
            documents(path, &mut statements)?;
        }
        if !self.no_attached_vex {
            let read = |(_, bytes): &(String, Vec<u8>)| vex::read("attached document", bytes).ok();
            statements.extend(looked.attached.iter().filter_map(read).flatten());
        }
        let today = jiff::Zoned::now().date();
        Ok(ignore::apply(result, &rules, &statements, &looked.vex, today))
    }

    fn rules(&self) -> Result<Vec<(String, IgnoreRule)>> {
        let usual = || USUAL.iter().map(PathBuf::from).filter(|path| path.is_file()).collect();
        let files: Vec<PathBuf> = if self.ignore_file.is_empty() { usual() } else { self.ignore_file.clone() };
        let mut rules = Vec::new();
        for file in files {
            let name = file.display().to_string();
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
            rules.extend(ignore::read(&name, &text)?.into_iter().map(|rule| (name.clone(), rule)));
        }
        Ok(rules)
    }
}

fn documents(path: &Path, statements: &mut Vec<VexStatement>) -> Result<()> {
    if path.is_file() {
        statements.extend(document(path)?);
        return Ok(());
    }
    let mut files = Vec::new();
    collect(path, &mut files, 8).with_context(|| format!("cannot read {}", path.display()))?;
    if files.len() > MAX_DOCUMENTS {
        bail!("{} has more than {MAX_DOCUMENTS} documents", path.display());
    }
    files.sort();
    for file in files {
        // Other documents lie beside (`index.json`); a folder is searched, a file that is named has to be one.
        match document(&file) {
            Ok(read) => statements.extend(read),
            Err(error) => tracing::debug!(file = %file.display(), %error, "no VEX document"),
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, depth: u32) -> std::io::Result<()> {
    for item in fs::read_dir(folder)? {
        let (path, kind) = item.and_then(|item| Ok((item.path(), item.file_type()?)))?;
        if kind.is_dir() && depth > 0 {
            collect(&path, files, depth - 1)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "json" || ending == "vex") {
            files.push(path);
        }
    }
    Ok(())
}

fn document(path: &Path) -> Result<Vec<VexStatement>> {
    let size = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size > vex::MAX_DOCUMENT as u64 {
        bail!("{} has more than {} MiB", path.display(), vex::MAX_DOCUMENT >> 20);
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(vex::read(&path.display().to_string(), &bytes)?)
}
