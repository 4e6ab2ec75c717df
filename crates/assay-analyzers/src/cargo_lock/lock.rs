//! The lock file: packages, the ways in which its four versions name dependencies and checksums, and their lines.

use std::collections::BTreeMap;

use assay_model::component::Lines;
use assay_model::problem::Problem;
use serde::Deserialize;

use crate::part::corrupt;

#[derive(Debug, Deserialize)]
pub(super) struct Lock {
    #[serde(default)]
    pub(super) package: Vec<Package>,
    /// Version 1, before it was one of `package`.
    root: Option<Package>,
    /// Version 1: `checksum NAME VERSION (SOURCE)` and the checksum.
    #[serde(default)]
    metadata: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(skip)]
    pub(super) lines: Option<Lines>,
}

impl Package {
    pub(super) fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

impl Lock {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut lock: Self = toml::from_str(text).map_err(|error| corrupt(error.to_string()))?;
        let mut lines = blocks(text).into_iter();
        for package in &mut lock.package {
            package.lines = lines.next();
        }
        lock.package.extend(lock.root.take());
        Ok(lock)
    }

    pub(super) fn id_of(package: &Package) -> String {
        package.id()
    }

    /// SHA-256 of the crate file; packages of this project and of git have none.
    pub(super) fn checksum(&self, package: &Package) -> Option<String> {
        let old = || {
            let key = format!("checksum {} {} ({})", package.name, package.version, package.source.as_deref()?);
            self.metadata.get(&key)?.as_str()
        };
        let sum = package.checksum.as_deref().or_else(old)?;
        let sane = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        sane.then(|| format!("sha256:{sum}"))
    }
}

/// The lines of each `[[package]]`: to the last one before the next table that is not blank.
fn blocks(text: &str) -> Vec<Lines> {
    let mut blocks: Vec<Lines> = Vec::new();
    let mut open = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('[') {
            open = line == "[[package]]";
            if open {
                blocks.push(Lines { first: number, last: number });
            }
        } else if let Some(block) = blocks.last_mut().filter(|_| open && !line.is_empty() && !line.starts_with('#')) {
            block.last = number;
        }
    }
    blocks
}

/// Packages of one name and version that are told apart by where they come from.
const SOURCES: usize = 16;

/// Packages by name and version.
pub(super) struct Locks<'l> {
    named: BTreeMap<&'l str, BTreeMap<&'l str, Vec<&'l Package>>>,
}

impl<'l> Locks<'l> {
    pub(super) fn new(lock: &'l Lock) -> Self {
        let mut named: BTreeMap<&str, BTreeMap<&str, Vec<&Package>>> = BTreeMap::new();
        for package in &lock.package {
            let same = named.entry(&package.name).or_default().entry(&package.version).or_default();
            if same.len() < SOURCES {
                same.push(package);
            }
        }
        Self { named }
    }

    /// All packages of a name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &'l Package> {
        self.named.get(name).into_iter().flat_map(BTreeMap::values).flatten().copied()
    }

    /// `name`, where there is one of that name; `name version`; `name version (source)`.
    pub(super) fn dependencies(&self, of: &'l Package) -> impl Iterator<Item = &'l Package> {
        of.dependencies.iter().filter_map(|written| {
            let mut words = written.split_whitespace();
            let (name, version, source) = (words.next()?, words.next(), words.next());
            let source = source.map(|source| source.trim_start_matches('(').trim_end_matches(')'));
            let versions = self.named.get(name)?;
            let same = match version {
                Some(version) => versions.get(version)?,
                None => versions.values().next()?,
            };
            same.iter().find(|package| source == package.source.as_deref()).or_else(|| same.first()).copied()
        })
    }
}
