//! A machine made of words: files, variables and what programs print.

use assay_model::seam::machine::Machine;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Knows what it is told.
#[derive(Default)]
pub(crate) struct FakeMachine {
    variables: BTreeMap<String, String>,
    files: BTreeMap<PathBuf, String>,
    programs: BTreeMap<String, String>,
}

impl FakeMachine {
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
    /// A file; one in an archive has the archive's path before its own, with `!` between them.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }
    /// What a command line prints.
    pub(crate) fn program(mut self, line: &str, output: &str) -> Self {
        self.programs.insert(line.to_owned(), output.to_owned());
        self
    }
}

impl Machine for FakeMachine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn home(&self) -> Option<PathBuf> {
        Some("/home/ann".into())
    }
    fn text(&self, path: &Path) -> Option<String> {
        self.files.get(path).cloned()
    }
    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok()?.components().next().map(|first| folder.join(first)))
            .map(|path| PathBuf::from(path.to_string_lossy().split('!').next().unwrap_or_default()))
            .collect();
        all.dedup();
        all
    }
    fn archived(&self, archive: &Path, entry: &str) -> Option<String> {
        self.files.get(Path::new(&format!("{}!{entry}", archive.display()))).cloned()
    }
    fn ask(&self, program: &str, arguments: &[&str]) -> Option<String> {
        self.programs.get(&format!("{program} {}", arguments.join(" "))).cloned()
    }
}
