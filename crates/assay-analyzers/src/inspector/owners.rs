//! What other files say of the operating system's packages: which package owns a file, so that a Python package that the
//! distribution installed is known to be the distribution's, and under which licences it is.

use std::collections::HashMap;

use assay_model::inventory::Inventory;
use assay_model::seam::analyzer::Entry;

use crate::component;
use crate::part::Part;

/// More than any real file system has among the files that analyzers read.
const FILES: usize = 200_000;

/// Owners of those files that some analyzer reads; the rest would only cost memory.
#[derive(Default)]
pub(super) struct Owners {
    /// File to the analyzer and the name of the package.
    packages: HashMap<String, (&'static str, String)>,
    /// Analyzer and name of a package to its licences.
    licences: HashMap<(&'static str, String), String>,
}

impl Owners {
    /// Takes in one list of `part`.
    pub(super) fn read(&mut self, parts: &[Box<dyn Part>], part: &dyn Part, path: &str, list: &str) {
        let id = part.spec().id;
        part.owned_files(path, list, &mut |file, package| {
            let entry = Entry { path: file, ..Entry::default() };
            if self.packages.len() < FILES && parts.iter().any(|part| part.wants(&entry)) {
                self.packages.insert(file.to_owned(), (id, package.to_owned()));
            }
        });
    }

    /// Takes in one statement of licences.
    pub(super) fn read_licence(&mut self, part: &dyn Part, package: &str, text: &str) {
        if self.licences.len() < FILES
            && let Some(licence) = part.licence(text)
        {
            self.licences.insert((part.spec().id, package.to_owned()), licence);
        }
    }

    /// Fills in licences that the database itself does not tell.
    pub(super) fn license(&self, out: &mut Inventory) {
        let by_analyzer: HashMap<(&str, &str), &String> = self
            .licences
            .iter()
            .map(|((analyzer, package), licence)| ((*analyzer, package.as_str()), licence))
            .collect();
        for found in &mut out.components {
            let stated = by_analyzer.get(&(found.analyzer.as_str(), found.component.name.as_str()));
            if found.licenses.is_empty() {
                found.licenses.extend(stated.map(|licence| (*licence).clone()));
            }
        }
    }

    /// Marks what is owned with the purl of its owner.
    pub(super) fn mark(&self, out: &mut Inventory) {
        if self.packages.is_empty() {
            return;
        }
        let purls: HashMap<(String, String), String> = out
            .components
            .iter()
            .filter(|found| component::is_distribution(&found.component))
            .map(|found| ((found.analyzer.clone(), found.component.name.clone()), found.component.purl.clone()))
            .collect();
        for found in &mut out.components {
            if let Some((analyzer, package)) = self.packages.get(&found.path)
                && !component::is_distribution(&found.component)
            {
                found.owned_by = purls.get(&((*analyzer).to_owned(), package.clone())).cloned();
            }
        }
    }
}
