//! All poms of a tree: by path, by coordinates, each read once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use assay_model::problem::Problem;

use crate::locked::{file_name, folder};
use crate::part::Gathered;

use super::MANIFEST;
use super::effective::{self, Effective, Managed};
use super::file::{self, Pom};

/// Parents above one another, and bills of materials inside one another.
const DEPTH: usize = 48;
/// Properties and dependencies that are held at once.
const HELD: usize = 300_000;
/// Projects of one name that are looked at.
const SAME_NAME: usize = 50;
/// Poms of repositories that can be found, and the longest path of one.
const POMS: usize = 100_000;
const PATH: usize = 1024;
/// Folders that the path of a repository's pom has: those of the group, the name, the version.
const FOLDERS: usize = 20;

pub(super) struct Poms<'g> {
    files: &'g Gathered,
    read: BTreeMap<String, Option<Rc<Pom>>>,
    made: BTreeMap<String, Option<Rc<Effective>>>,
    /// Being made: a pom that is its own ancestor has none.
    making: BTreeSet<String>,
    managing: BTreeSet<String>,
    managed: BTreeMap<String, Rc<Managed>>,
    /// How much is held in `made` and `managed`.
    weight: usize,
    /// Projects by their own artifact name; made when first asked for.
    projects: Option<BTreeMap<String, Vec<String>>>,
    /// Paths of a local repository's poms, by the path that coordinates lead to.
    repository: BTreeMap<String, String>,
}

impl<'g> Poms<'g> {
    pub(super) fn new(files: &'g Gathered) -> Self {
        let mut repository = BTreeMap::new();
        let poms = files.iter().filter(|(path, _)| file_name(path) != MANIFEST && path.len() <= PATH);
        for (path, _) in poms.take(POMS) {
            // Where the repository begins is not known: every end of the path may be the one that coordinates lead to.
            let begins = path.rmatch_indices('/').map(|(at, _)| at + 1).take(FOLDERS).skip(2).chain([0]);
            for end in begins.filter_map(|at| path.get(at..)) {
                repository.entry(end.to_owned()).or_insert_with(|| path.to_owned());
            }
        }
        Self {
            files,
            read: BTreeMap::new(),
            made: BTreeMap::new(),
            making: BTreeSet::new(),
            managing: BTreeSet::new(),
            managed: BTreeMap::new(),
            weight: 0,
            projects: None,
            repository,
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.files.get(path).is_some()
    }

    /// # Errors
    /// When the file is no pom.
    pub(super) fn check(&self, path: &str) -> Result<(), Problem> {
        let bytes = self.files.get(path).unwrap_or_default();
        file::read(&String::from_utf8_lossy(bytes)).map(|_| ())
    }

    /// The file as it is written; none when it is not here or no pom.
    pub(super) fn pom(&mut self, path: &str) -> Option<Rc<Pom>> {
        if let Some(known) = self.read.get(path) {
            return known.clone();
        }
        let read = self.files.get(path).and_then(|bytes| file::read(&String::from_utf8_lossy(bytes)).ok()).map(Rc::new);
        self.read.insert(path.to_owned(), read.clone());
        read
    }

    /// With what it inherits.
    pub(super) fn effective(&mut self, path: &str) -> Option<Rc<Effective>> {
        if let Some(known) = self.made.get(path) {
            return known.clone();
        }
        if self.making.len() >= DEPTH || !self.making.insert(path.to_owned()) {
            return None;
        }
        let made = effective::make(self, path).map(Rc::new);
        self.making.remove(path);
        self.hold(made.as_ref().map_or(1, |made| made.weight()));
        self.made.insert(path.to_owned(), made.clone());
        made
    }

    /// What a pom says of the versions of others. One that imports itself adds nothing to itself.
    pub(super) fn managed(&mut self, of: &Effective) -> Rc<Managed> {
        if let Some(known) = self.managed.get(&of.path) {
            return Rc::clone(known);
        }
        if self.managing.len() >= DEPTH || !self.managing.insert(of.path.clone()) {
            return Rc::default();
        }
        let made = Rc::new(effective::manage(self, of));
        self.managing.remove(&of.path);
        self.hold(made.weight());
        self.managed.insert(of.path.clone(), Rc::clone(&made));
        made
    }

    /// What was made can be made again: beyond a bound all of it is forgotten.
    fn hold(&mut self, weight: usize) {
        self.weight += weight;
        if self.weight > HELD {
            self.weight = weight;
            self.made.clear();
            self.managed.clear();
        }
    }

    /// The pom of these coordinates: another project of the tree, or one in a local repository.
    pub(super) fn find(&mut self, group: &str, name: &str, version: &str) -> Option<Rc<Effective>> {
        for path in self.projects(name) {
            let project = self.effective(&path);
            let is_it = |of: &Rc<Effective>| of.group == group && of.name == name && of.version == version;
            if let Some(project) = project.filter(is_it) {
                return Some(project);
            }
        }
        let path = format!("{}/{name}/{version}/{name}-{version}.pom", group.replace('.', "/"));
        let path = self.repository.get(&path)?.clone();
        self.effective(&path)
    }

    fn projects(&mut self, name: &str) -> Vec<String> {
        if self.projects.is_none() {
            let mut projects: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let paths: Vec<&str> = self.files.named(MANIFEST).map(|(path, _)| path).collect();
            for path in paths {
                let name = self.pom(path).and_then(|pom| pom.name.clone()).unwrap_or_default();
                let same = projects.entry(name).or_default();
                if same.len() < SAME_NAME {
                    same.push(path.to_owned());
                }
            }
            self.projects = Some(projects);
        }
        self.projects.as_ref().and_then(|projects| projects.get(name)).cloned().unwrap_or_default()
    }

    /// The pom that a relative path of another leads to: a file, or a folder with one.
    pub(super) fn beside(&self, path: &str, relative: &str) -> Option<String> {
        let at = crate::locked::join(folder(path), relative)?;
        let inside = if at.is_empty() { MANIFEST.to_owned() } else { format!("{at}/{MANIFEST}") };
        [at, inside].into_iter().find(|path| self.has(path))
    }
}
