//! What an inspection looks for: whoever only wants lock files need not pay for the rest.

use assay_model::seam::analyzer::Reads;

use super::pattern::{Excluded, Pattern};

/// Which analyzers are asked, and what is looked for in the content of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The kinds of evidence that are read.
    pub reads: Vec<Reads>,
    /// Whether secrets are looked for.
    pub secrets: bool,
    /// Whether licence texts and headers are looked for.
    pub licenses: bool,
    /// What is not looked at; told as skipped with the reason `excluded`.
    pub excluded: Excluded,
    /// Files that an analyzer, named by its id, reads besides its own.
    pub also: Vec<(String, Pattern)>,
}

impl Default for Selection {
    /// Everything.
    fn default() -> Self {
        let reads = vec![Reads::Package, Reads::System, Reads::Installed, Reads::Project, Reads::Sbom];
        Self { reads, secrets: true, licenses: true, excluded: Excluded::default(), also: Vec::new() }
    }
}

impl Selection {
    /// Everything but these kinds of evidence.
    #[must_use]
    pub fn without(mut self, reads: &[Reads]) -> Self {
        self.reads.retain(|kept| !reads.contains(kept));
        self
    }
}
