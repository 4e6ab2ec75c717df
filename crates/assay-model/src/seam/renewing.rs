//! Port of renewal: which scanner stored inventories hold as of, and which are to be made again. Part of the metadata
//! store like the ports in [`super::meta`].

use crate::{
    inventory::StoredInventory,
    problem::Problem,
    renewal::{Look, Mark, Outline, Which},
};

type R<T> = Result<T, Problem>;

/// Which scanner inventories hold as of.
pub trait Renewals {
    /// The number of a scanner, by its revision; a new one gets the next.
    fn scanner_number(&mut self, revision: &str) -> R<i64>;
    /// Other scanners that inventories hold as of which nobody marked yet, with their revisions; 0 stands for all from
    /// before scanners had numbers. The cost does not grow with the number of inventories.
    fn stale_scanners(&mut self, current: i64) -> R<Vec<(i64, String)>>;
    /// Stored inventories.
    fn looks(&mut self, which: &Which) -> R<Vec<Look>>;
    /// What one consists of, as far as that was kept; and the same inventory as stored.
    fn outlined(&mut self, number: i64) -> R<Option<(StoredInventory, Option<Outline>)>>;
    /// Marks some.
    fn mark_looks(&mut self, numbers: &[i64], mark: Mark) -> R<()>;
    /// How many nobody looked at yet of those that hold as of these scanners, and how many are to be made again; counts.
    fn count_looks(&mut self, stale: &[i64]) -> R<(i64, i64)>;
}
