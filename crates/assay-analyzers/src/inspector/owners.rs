//! What other files say of the operating system's packages: which package owns a file, so that a Python package that the
//! distribution installed is known to be the distribution's, and under which licences it is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use assay_archive::Budget;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::Entry;

use super::place::outermost;
use crate::component;
use crate::part::Part;

/// More than any real file system has: each takes sixteen bytes.
const FILES: usize = 3_000_000;
/// Licences of packages that are kept.
const LICENCES: usize = 200_000;
/// Where distributions that merged `/usr` may still list files without it.
const USR: &str = "usr/";

/// Owners of files. Paths are kept as hashes: which of them will matter is only known when the tree has passed.
#[derive(Default)]
pub(super) struct Owners {
    /// Hash of a path to the place of its owner in `packages`.
    files: HashMap<u64, u32>,
    /// Analyzer and name.
    packages: Vec<(&'static str, String)>,
    places: HashMap<(&'static str, String), u32>,
    /// Analyzer and name of a package to its licences.
    licences: HashMap<(&'static str, String), Vec<String>>,
}

impl Owners {
    /// Takes in one list of `part`.
    pub(super) fn read(
        &mut self,
        part: &dyn Part,
        list: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
    ) -> Result<(), Problem> {
        let id = part.spec().id;
        part.owns(list, bytes, budget, &mut |file, package| self.own(id, file, package))
    }

    fn own(&mut self, analyzer: &'static str, file: &str, package: &str) {
        let full = self.files.len() >= FILES;
        let Ok(next) = u32::try_from(self.packages.len()) else { return };
        if full || file.is_empty() {
            return;
        }
        let place = match self.packages.last() {
            // Lists tell one package after the other.
            Some((known, name)) if *known == analyzer && name == package => next - 1,
            _ => *self.places.entry((analyzer, package.to_owned())).or_insert_with(|| {
                self.packages.push((analyzer, package.to_owned()));
                next
            }),
        };
        self.files.insert(hash(file), place);
    }

    /// Takes in one statement of licences.
    pub(super) fn read_licence(&mut self, part: &dyn Part, package: &str, text: &str) {
        if self.licences.len() < LICENCES
            && let licences = part.licences(text)
            && !licences.is_empty()
        {
            self.licences.insert((part.spec().id, package.to_owned()), licences);
        }
    }

    /// Fills in licences that the database itself does not tell.
    pub(super) fn license(&self, out: &mut Inventory) {
        let by_analyzer: HashMap<(&str, &str), &Vec<String>> = self
            .licences
            .iter()
            .map(|((analyzer, package), licences)| ((*analyzer, package.as_str()), licences))
            .collect();
        for found in &mut out.components {
            let stated = by_analyzer.get(&(found.analyzer.as_str(), found.component.name.as_str()));
            if found.licenses.is_empty() {
                found.licenses.extend(stated.into_iter().flat_map(|licences| licences.iter().cloned()));
            }
        }
    }

    /// Marks what is owned with the purl of its owner. What lies in an archive is owned as the archive is.
    pub(super) fn mark(&self, out: &mut Inventory) {
        if self.files.is_empty() {
            return;
        }
        let purls: HashMap<(String, String), String> = out
            .components
            .iter()
            .filter(|found| component::is_distribution(&found.component))
            .map(|found| ((found.analyzer.clone(), found.component.name.clone()), found.component.purl.clone()))
            .collect();
        for found in out.components.iter_mut().filter(|found| !component::is_distribution(&found.component)) {
            if let Some((analyzer, package)) = self.owner(outermost(&found.path)) {
                found.owned_by = purls.get(&((*analyzer).to_owned(), package.clone())).cloned();
            }
        }
    }

    fn owner(&self, path: &str) -> Option<&(&'static str, String)> {
        let place = self.files.get(&hash(path)).or_else(|| match path.strip_prefix(USR) {
            Some(short) => self.files.get(&hash(short)),
            None => self.files.get(&hash(&format!("{USR}{path}"))),
        });
        self.packages.get(usize::try_from(*place?).ok()?)
    }
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
