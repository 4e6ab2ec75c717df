//! Which files are tested together. All policies are in the same package, so that two of them must not meet: each is
//! loaded with its own tests alone, and with the helpers and data of its folder.

use crate::cli::text;
use anyhow::{Context as _, Result, bail};
use assay_policy::testing::{Source, Suite};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 16;
/// Most files that are read.
const MAX_FILES: usize = 10_000;
/// Largest file that is read, bytes.
const MAX_FILE: u64 = 8 << 20;
/// Files beside a policy that describe it and are no data for tests.
const DESCRIPTIONS: &[&str] = &["policy.yaml", "policy.yml"];

/// What a folder holds.
#[derive(Default)]
struct Folder {
    rego: BTreeSet<PathBuf>,
    data: BTreeSet<PathBuf>,
}

/// The suites of files and folders.
pub(super) fn suites(paths: &[PathBuf]) -> Result<Vec<Suite>> {
    let mut folders: BTreeMap<PathBuf, Folder> = BTreeMap::new();
    let mut files = 0;
    for path in paths {
        let told = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if told.is_dir() {
            walk(path, 0, &mut files, &mut folders)?;
        } else {
            add(path, &mut folders);
        }
    }
    if folders.values().all(|folder| folder.rego.is_empty()) {
        bail!("there is no file that ends in .rego");
    }
    let mut suites = Vec::new();
    for (path, folder) in &folders {
        suites.extend(of_folder(path, folder)?);
    }
    Ok(suites)
}

fn walk(path: &Path, depth: usize, files: &mut usize, folders: &mut BTreeMap<PathBuf, Folder>) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{} is more than {MAX_DEPTH} folders deep", path.display());
    }
    let unreadable = || format!("cannot read {}", path.display());
    for entry in fs::read_dir(path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let kind = entry.file_type().with_context(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), depth + 1, files, folders)?;
        } else if kind.is_file() {
            *files += 1;
            if *files > MAX_FILES {
                bail!("there are more than {MAX_FILES} files; name a smaller folder");
            }
            add(&entry.path(), folders);
        }
    }
    Ok(())
}

fn add(path: &Path, folders: &mut BTreeMap<PathBuf, Folder>) {
    let folder = folders.entry(path.parent().unwrap_or(Path::new("")).to_owned()).or_default();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rego") => drop(folder.rego.insert(path.to_owned())),
        Some("json" | "yaml" | "yml") if !DESCRIPTIONS.contains(&name(path).as_str()) => {
            folder.data.insert(path.to_owned());
        }
        _ => {}
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn of_folder(folder: &Path, found: &Folder) -> Result<Vec<Suite>> {
    let sources = found.rego.iter().map(|path| source(path)).collect::<Result<Vec<_>>>()?;
    let (tests, others): (Vec<_>, Vec<_>) = sources.into_iter().partition(Source::is_test);
    let (policies, helpers): (Vec<_>, Vec<_>) = others.into_iter().partition(Source::is_policy);
    let data = found.data.iter().map(|path| data(path)).collect::<Result<Vec<_>>>()?;
    let with = |name: String, modules: Vec<Source>| {
        let modules = modules.into_iter().chain(helpers.iter().cloned()).collect();
        Suite { name, modules, data: data.clone() }
    };
    if policies.len() <= 1 {
        let modules: Vec<Source> = policies.into_iter().chain(tests).collect();
        let name = modules.first().map_or_else(|| folder.display().to_string(), |first| first.path.clone());
        return Ok(if modules.is_empty() && helpers.is_empty() { Vec::new() } else { vec![with(name, modules)] });
    }
    let mut left = tests;
    let mut suites = Vec::new();
    for policy in policies {
        let stem = policy.path.trim_end_matches(".rego").to_owned();
        let (own, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|test| test.path.trim_end_matches("_test.rego") == stem);
        left = others;
        suites.push(with(policy.path.clone(), [policy].into_iter().chain(own).collect()));
    }
    if let Some(test) = left.first() {
        bail!(
            "{} belongs to none of the policies in {}: name it after one, as in x.rego and x_test.rego, or give each \
             policy a folder",
            test.path,
            if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.display()
        );
    }
    Ok(suites)
}

fn source(path: &Path) -> Result<Source> {
    Ok(Source { path: path.display().to_string(), rego: read(path)? })
}

fn read(path: &Path) -> Result<String> {
    text::read(path, MAX_FILE, "")
}

/// A document for `data`, which must have names to be found by.
fn data(path: &Path) -> Result<serde_json::Value> {
    let text = read(path)?;
    let value: serde_json::Value = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?
    } else {
        serde_saphyr::from_str(&text).with_context(|| format!("{} is no YAML", path.display()))?
    };
    if !value.is_object() {
        bail!("{} must be an object: its members are what tests find under `data`", path.display());
    }
    Ok(value)
}
