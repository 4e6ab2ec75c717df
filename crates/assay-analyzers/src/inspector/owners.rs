//! Which package of the operating system owns a file: so that a Python package installed by the distribution is known
//! to be the distribution's.

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
}

impl Owners {
    /// Takes in one list of `part`.
    pub(super) fn read(&mut self, parts: &[Box<dyn Part>], part: &dyn Part, path: &str, list: &str) {
        let id = part.spec().id;
        part.owned_files(path, list, &mut |file, package| {
            let entry = Entry { path: file, size: 0, is_artifact: false };
            if self.packages.len() < FILES && parts.iter().any(|part| part.wants(&entry)) {
                self.packages.insert(file.to_owned(), (id, package.to_owned()));
            }
        });
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
