//! Ports of imports from other registries and of the names in them. Part of the metadata store like the ports in
//! [`super::meta`].

use crate::{
    import::{Import, ImportCounts, ImportId, NameOutcome, NewImport, Progress},
    problem::Problem,
    repository::RepositoryId,
};
use jiff::Timestamp;

type R<T> = Result<T, Problem>;

/// Imports.
pub trait Imports {
    /// Adds one; it begins by listing.
    fn add_import(&mut self, new: &NewImport) -> R<Import>;
    /// By number.
    fn import(&mut self, id: ImportId) -> R<Option<Import>>;
    /// Those of a repository, the newest first.
    fn imports(&mut self, repository: RepositoryId, limit: usize) -> R<Vec<Import>>;
    /// Those that a server works on or should, the oldest first.
    fn active_imports(&mut self) -> R<Vec<Import>>;
    /// Notes how far it is, and why it does not go on; says whether it was at one of `from`.
    fn move_import(&mut self, id: ImportId, from: &[Progress], to: Progress, reason: &str, at: Timestamp) -> R<bool>;
    /// Its sealed credentials; `Some` puts others in their place first.
    fn import_secrets(&mut self, id: ImportId, sealed: Option<&[u8]>) -> R<Vec<u8>>;
}

/// The names of imports: where an import goes on after it was interrupted.
pub trait ImportNames {
    /// Adds names that are not known yet.
    fn add_import_names(&mut self, id: ImportId, names: &[String]) -> R<()>;
    /// Names that were not looked at yet, in order, after `after`.
    fn waiting_import_names(&mut self, id: ImportId, after: Option<&str>, limit: usize) -> R<Vec<String>>;
    /// Notes what came of a name: it was looked at.
    fn note_import_name(&mut self, id: ImportId, name: &str, outcome: &NameOutcome) -> R<()>;
    /// Lets names with failures wait again; says how many.
    fn retry_import_names(&mut self, id: ImportId) -> R<usize>;
    /// How far it is, in numbers.
    fn import_counts(&mut self, id: ImportId) -> R<ImportCounts>;
    /// Names with failures, in order, after `after`.
    fn import_failures(&mut self, id: ImportId, after: Option<&str>, limit: usize) -> R<Vec<(String, NameOutcome)>>;
}
