//! What an inspection looks for: whoever only wants lock files need not pay for the rest.

use assay_model::seam::analyzer::Reads;

/// Which analyzers are asked, and what is looked for in the content of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The kinds of evidence that are read.
    pub reads: Vec<Reads>,
    /// Whether secrets are looked for.
    pub secrets: bool,
    /// Whether licence texts and headers are looked for.
    pub licenses: bool,
}

impl Default for Selection {
    /// Everything.
    fn default() -> Self {
        let reads = vec![Reads::Package, Reads::System, Reads::Installed, Reads::Project, Reads::Sbom];
        Self { reads, secrets: true, licenses: true }
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
