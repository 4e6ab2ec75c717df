//! Ports of waivers: the waivers themselves, who used them, and which packages a policy's verdict stands against. Part of
//! the metadata store like the ports in [`super::meta`].

use crate::{
    package::PackageId,
    problem::Problem,
    waiver::{Waiver, WaiverId, WaiverStatus, WaiverUse},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

type R<T> = Result<T, Problem>;

/// Waivers.
pub trait Waivers {
    /// Keeps a new one under an id that it gives it.
    fn add_waiver(&mut self, waiver: &Waiver) -> R<Waiver>;
    /// By id.
    fn waiver(&mut self, id: &WaiverId) -> R<Option<Waiver>>;
    /// Replaces what is kept under its id; says whether there was something.
    fn put_waiver(&mut self, waiver: &Waiver) -> R<bool>;
    /// All of a status (or of any), the newest first.
    fn waivers(&mut self, status: Option<WaiverStatus>) -> R<Vec<Waiver>>;
    /// Those that are in force at that moment, by id.
    fn waivers_in_force(&mut self, now: Timestamp) -> R<Vec<Waiver>>;
}

/// Which uses to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct UseFilter {
    /// Of this waiver.
    pub waiver: Option<WaiverId>,
    /// By this package.
    pub package: Option<PackageId>,
    /// At most this many.
    pub limit: usize,
}

/// Who used which waiver when, and whom verdicts stand against.
pub trait WaiverUses {
    /// Notes that decisions rested on waivers.
    fn note_waiver_uses(&mut self, uses: &[WaiverUse]) -> R<()>;
    /// The newest first.
    fn waiver_uses(&mut self, filter: &UseFilter) -> R<Vec<WaiverUse>>;
    /// Notes which policies matched or failed in the last decision about a package, waived or not; true with those that
    /// failed.
    fn note_verdicts(&mut self, package: PackageId, policies: &[(&str, bool)]) -> R<()>;
    /// Policies that failed in the last decision about packages, not deleted, with how many these are.
    fn failing_policies(&mut self) -> R<BTreeMap<String, u64>>;
    /// Packages, not deleted, whose last decision has a match or a failure of that policy, by id.
    fn packages_judged_by(&mut self, policy: &str) -> R<Vec<PackageId>>;
}
