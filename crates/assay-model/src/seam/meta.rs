//! The metadata store: ports per noun, used together in one transaction. Closures run on a blocking thread, so that a
//! transaction is plain code. Writes may run a closure again after a serialisation conflict: closures must be repeatable.

use super::Task;
pub use super::attending::Attendance;
pub use super::bundle::{BundleRecord, Bundles, CarriedAdvisory};
pub use super::health::{ComingAdvisories, PackageSources, PopularityTable, ScorecardTable};
pub use super::history::{DatedFinding, FactHistory, KeptReport, KeptReports, PastKev, PastScores};
pub use super::importing::{ImportNames, Imports};
pub use super::keeping::{
    CALLERS, DownloadCounts, Graves, Ground, Holdings, OTHERS, Pulled, PullsOfDay, Trash, TrashFilter, Walked,
};
pub use super::known::{
    Advisories, BadRecord, Change, FeedState, Feeds, Filed, NewAdvisory, ScoreTable, ScoreTables, Severities,
    SourceCounting,
};
pub use super::notices::{Channels, Deliveries, DeliveryFilter, Gathered, NewChannel};
pub use super::overrides::{Approvals, Overrides, PersonalFilter};
pub use super::record::{DecisionFilter, DecisionInputs, DecisionLog, Logged, PackedInput};
pub use super::remote::{DocumentKey, KeptDocument, Pins, RemoteDocuments, UpstreamSecrets, Upstreams};
pub use super::renewing::Renewals;
pub use super::trust::{EvidenceTable, KeptEvidence, NewEvidence, Requesters, TrustTable};
pub use super::vex::{Vex, VexFilter, VexPut};
pub use super::waivers::{UseFilter, WaiverUses, Waivers};
pub use super::working::{Backlog, JobCounts, Leases, Worklist};
use crate::{
    access::Token,
    component::{ComponentId, StoredComponent},
    decision::{Decision, DecisionId},
    digest::Digest,
    event::{Event, NewEvent, Seq},
    finding::{ComponentFinding, Finding},
    inventory::StoredInventory,
    package::{File, NewFile, NewPackage, Override, Package, PackageId, Reference, Role, State},
    policy::Policy,
    problem::Problem,
    query::Query,
    repository::{Repository, RepositoryId, Settings},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

type R<T> = Result<T, Problem>;

/// A unit of work on a transaction.
pub type Work<'a> = Box<dyn FnMut(&mut dyn Tx) -> R<()> + Send + 'a>;

/// Opens transactions.
pub trait MetaStore: Send + Sync {
    /// Runs `work` in a read-only snapshot.
    fn read(&self, work: Work<'static>) -> Task<'_, ()>;
    /// Runs `work` in a transaction and commits it durably; rolls back when it fails.
    fn write(&self, work: Work<'static>) -> Task<'_, ()>;
    /// The same as [`MetaStore::write`] for callers that are on a blocking thread already (imports).
    fn write_now(&self, work: Work<'_>) -> R<()>;
    /// Whether other processes serve from the same store.
    fn shared(&self) -> bool {
        false
    }
    /// Number of the last event, seen cheaply: other processes' commits show in it.
    fn head(&self) -> Task<'_, Seq>;
    /// Whether this process has committed events after `seen`, or is about to. Costs next to nothing; true until it is
    /// known that a commit under way failed.
    fn moved_since(&self, seen: Seq) -> bool;
}

macro_rules! ports {
    ($($port:ident)+) => {
        /// Everything a transaction can do.
        pub trait Tx: $($port +)+ {}
        impl<T: $($port +)+> Tx for T {}
    };
}

ports! {
    Repositories Tokens Blobs Whereabouts Uploads Packages Files References Inventories Components Findings
    Advisories Severities ScoreTables Feeds Policies Decisions DecisionInputs DecisionLog Worklist Backlog
    EventLog SettingsTable Upstreams UpstreamSecrets RemoteDocuments Pins Leases Imports ImportNames Trash
    Holdings DownloadCounts Graves FactHistory KeptReports Waivers WaiverUses Vex Renewals SourceCounting
    Bundles PopularityTable ScorecardTable ComingAdvisories PackageSources Overrides Approvals Channels
    Deliveries TrustTable EvidenceTable Requesters Attendance
}

/// Runs `work` in a read-only snapshot and gives its result.
///
/// # Errors
/// Those of `work` and of the store.
pub async fn read<T: Send + 'static>(
    store: &dyn MetaStore,
    mut work: impl FnMut(&mut dyn Tx) -> R<T> + Send + 'static,
) -> R<T> {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    store
        .read(Box::new(move |tx| {
            let value = work(tx)?;
            let _ = send.try_send(value);
            Ok(())
        }))
        .await?;
    receive.try_recv().map_err(|_| Problem::bug("a read transaction gave no result"))
}

/// Runs `work` in a transaction and gives its result once it is durable.
///
/// # Errors
/// Those of `work` and of the store.
pub async fn write<T: Send + 'static>(
    store: &dyn MetaStore,
    mut work: impl FnMut(&mut dyn Tx) -> R<T> + Send + 'static,
) -> R<T> {
    let slot = std::sync::Arc::new(std::sync::Mutex::new(None));
    let filled = slot.clone();
    store
        .write(Box::new(move |tx| {
            let value = work(tx)?;
            *filled.lock().map_err(|_| Problem::bug("poisoned"))? = Some(value);
            Ok(())
        }))
        .await?;
    slot.lock()
        .map_err(|_| Problem::bug("poisoned"))?
        .take()
        .ok_or_else(|| Problem::bug("a write transaction gave no result"))
}

/// Repositories.
pub trait Repositories {
    /// Makes one; `Conflict` when the name is taken.
    fn create_repository(&mut self, name: &str, settings: &Settings, at: Timestamp) -> R<Repository>;
    /// By name.
    fn repository(&mut self, name: &str) -> R<Option<Repository>>;
    /// By id.
    fn repository_by_id(&mut self, id: RepositoryId) -> R<Option<Repository>>;
    /// All, by name.
    fn repositories(&mut self) -> R<Vec<Repository>>;
    /// Changes settings.
    fn update_repository(&mut self, id: RepositoryId, settings: &Settings) -> R<()>;
}

/// API tokens.
pub trait Tokens {
    /// Keeps a token (its `hash`, never the secret). `Conflict` when the id exists.
    fn add_token(&mut self, token: &Token) -> R<()>;
    /// By id, with its hash.
    fn token(&mut self, id: &str) -> R<Option<Token>>;
    /// All, by time.
    fn tokens(&mut self) -> R<Vec<Token>>;
    /// Ends one; says whether it existed.
    fn revoke_token(&mut self, id: &str) -> R<bool>;
}

/// Blobs that are stored, and those that are staged under a name and belong to no package yet.
pub trait Blobs {
    /// Notes that the bytes are stored durably and stages them under `name`. Repeating renews the stage. `Busy` with code
    /// `blob-buried` while someone deletes these bytes (see [`Graves`]).
    fn stage_blob(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> R<()>;
    /// Size of a blob staged under that name.
    fn staged_blob(&mut self, repository: RepositoryId, format: &str, name: &str, digest: &Digest) -> R<Option<u64>>;
    /// Ends a stage; says whether it existed.
    fn unstage_blob(&mut self, repository: RepositoryId, format: &str, name: &str, digest: &Digest) -> R<bool>;
    /// Size of a stored blob, whatever it belongs to.
    fn blob_size(&mut self, digest: &Digest) -> R<Option<u64>>;
}

/// Blobs by other digests than the one they are stored by, and where they are.
pub trait Whereabouts {
    /// Notes that a stored blob has this digest as well. It is forgotten with the blob.
    fn note_alias(&mut self, alias: &Digest, digest: &Digest) -> R<()>;
    /// The digest under which the blob is stored that has this one as well.
    fn alias(&mut self, alias: &Digest) -> R<Option<Digest>>;
    /// Names of a format that have the blob, in a package that is neither deleted nor hidden, or staged: at most `limit`.
    fn holders(&mut self, format: &str, digest: &Digest, limit: usize) -> R<Vec<(RepositoryId, String)>>;
}

/// A resumable upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Unguessable id.
    pub id: String,
    /// Where.
    pub repository: RepositoryId,
    /// Format.
    pub format: String,
    /// Under which name.
    pub name: String,
    /// Last append.
    pub touched_at: Timestamp,
}

/// Resumable uploads. Their bytes are in spool files.
pub trait Uploads {
    /// Notes a new one.
    fn open_upload(&mut self, upload: &Upload) -> R<()>;
    /// By id.
    fn upload(&mut self, id: &str) -> R<Option<Upload>>;
    /// Renews it.
    fn touch_upload(&mut self, id: &str, at: Timestamp) -> R<()>;
    /// Forgets it; says whether it existed.
    fn close_upload(&mut self, id: &str) -> R<bool>;
    /// Those not touched since `before`.
    fn stale_uploads(&mut self, before: Timestamp) -> R<Vec<String>>;
}

/// Which packages to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default)]
pub struct PackageFilter {
    /// In these repositories; `None` means all.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Of this format.
    pub format: Option<String>,
    /// Whose name contains this, ignoring case.
    pub text: Option<String>,
    /// Which fit this.
    pub query: Option<Query>,
    /// Among these.
    pub ids: Option<Vec<PackageId>>,
    /// In this state.
    pub state: Option<State>,
    /// After this package (ids descend).
    pub before: Option<PackageId>,
    /// At most this many.
    pub limit: usize,
}

/// One format in one repository.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// Where.
    pub repository: RepositoryId,
    /// Id of the format.
    pub format: &'a str,
}

/// Packages.
pub trait Packages {
    /// Stores a package as pending, or replaces the metadata of the one that is there; says whether it is new. A deleted
    /// one comes back as new.
    fn put_package(&mut self, package: &NewPackage) -> R<(PackageId, bool)>;
    /// By id, in the order asked for; missing ones are left out.
    fn packages(&mut self, ids: &[PackageId]) -> R<Vec<Package>>;
    /// All versions of a name that are not deleted, by id. With `version`, only that one.
    fn packages_named(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        version: Option<&str>,
    ) -> R<Vec<Package>>;
    /// Whether a version of the name was ever published here, rather than taken from an upstream; deleted ones count.
    fn is_own_name(&mut self, within: &Within<'_>, name: &str) -> R<bool>;
    /// Distinct names with a version that is neither deleted nor hidden nor quarantined, in order, after `after`.
    fn package_names(
        &mut self,
        repository: RepositoryId,
        format: &str,
        after: Option<&str>,
        limit: usize,
    ) -> R<Vec<String>>;
    /// Names that contain `text` in any case, listed as by [`Packages::package_names`], in order: `limit` of them after
    /// the first `skip`, and how many there are.
    fn search_names(&mut self, within: &Within<'_>, text: &str, skip: usize, limit: usize) -> R<(Vec<String>, usize)>;
    /// Packages that are not deleted, newest first.
    fn list_packages(&mut self, filter: &PackageFilter) -> R<Vec<Package>>;
    /// Sets what the gate reads. `None` keeps the decision or override as it is.
    fn set_standing(
        &mut self,
        id: PackageId,
        state: State,
        tags: &BTreeSet<String>,
        decision: Option<&DecisionId>,
        held: Option<Option<&Override>>,
    ) -> R<()>;
}

/// Files of packages.
pub trait Files {
    /// Adds files; one with the same path and digest is kept, one with the same path and another digest is `Conflict`
    /// with code `file-exists`, or `file-in-trash` where it is the trash that has it. Says how many are new.
    fn put_files(&mut self, package: PackageId, files: &[NewFile], at: Timestamp) -> R<usize>;
    /// Files of these packages, by package and path.
    fn files_of(&mut self, packages: &[PackageId]) -> R<Vec<File>>;
    /// The file at `path` of any version of the name that is not deleted or hidden, with its package.
    fn file_at(&mut self, repository: RepositoryId, format: &str, name: &str, path: &str)
    -> R<Option<(File, Package)>>;
    /// By id, with its package.
    fn file(&mut self, id: crate::package::FileId) -> R<Option<(File, Package)>>;
    /// Files with this digest in packages of the name that are not deleted, with their packages.
    fn files_with_digest(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        digest: &Digest,
    ) -> R<Vec<(File, Package)>>;
    /// Removes a package's files and references for good and marks it deleted. [`Trash::discard`] can be taken back.
    fn delete_package(&mut self, package: PackageId) -> R<()>;
}

/// Mutable names.
pub trait References {
    /// Points `reference` to a package; gives the package it pointed to before.
    fn set_reference(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        reference: &str,
        package: PackageId,
        at: Timestamp,
    ) -> R<Option<PackageId>>;
    /// All of a name, in order, deleted packages left out.
    fn references(&mut self, repository: RepositoryId, format: &str, name: &str) -> R<Vec<Reference>>;
    /// Of these packages, each with its package.
    fn references_to(&mut self, packages: &[PackageId]) -> R<Vec<Reference>>;
    /// Removes one; says whether it existed.
    fn delete_reference(&mut self, repository: RepositoryId, format: &str, name: &str, reference: &str) -> R<bool>;
}

/// Inventories, one per digest and role.
pub trait Inventories {
    /// Keeps an inventory, replaces an older one. For roles other than layer it also upserts components and occurrences
    /// and gives the ids of its components; ids of those that are new to the workspace are the second list.
    fn put_inventory(&mut self, inventory: &StoredInventory) -> R<(Vec<ComponentId>, Vec<ComponentId>)>;
    /// By digest and role.
    fn inventory(&mut self, digest: &Digest, role: Role) -> R<Option<StoredInventory>>;
    /// Files components and licences of a stored inventory anew, as [`Inventories::put_inventory`] does, and leaves the
    /// inventory as it is.
    fn refile_inventory(&mut self, inventory: &StoredInventory) -> R<(Vec<ComponentId>, Vec<ComponentId>)>;
    /// How many inventories were ever made: rises by one with every `put_inventory`. Tests count with it.
    fn inventories_made(&mut self) -> R<i64>;
}

/// Components and where they occur.
pub trait Components {
    /// By id, in order of id.
    fn components(&mut self, ids: &[ComponentId]) -> R<Vec<StoredComponent>>;
    /// Those filed under these (ecosystem, match name) pairs. An ecosystem without release also finds those with one.
    fn components_named(&mut self, keys: &[(String, String)]) -> R<Vec<StoredComponent>>;
    /// Components in the inventories of these packages' files, by package.
    fn components_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<StoredComponent>>>;
    /// Packages with a file whose inventory has any of these components; what was deleted has none, except by a policy.
    fn packages_with(&mut self, components: &[ComponentId]) -> R<Vec<PackageId>>;
    /// Packages with a file of this digest; what was deleted has none, except by a policy.
    fn packages_with_digest(&mut self, digest: &Digest) -> R<Vec<PackageId>>;
    /// Packages after `after`, in order of id, apart from those that people deleted: for policy changes.
    fn package_ids(&mut self, after: Option<PackageId>, limit: usize) -> R<Vec<PackageId>>;
}

/// Findings, kept per component.
pub trait Findings {
    /// Replaces the findings of a component; says whether anything changed. What changed or went away is remembered as
    /// having stood until `at`.
    fn set_findings(&mut self, component: ComponentId, findings: &[Finding], at: Timestamp) -> R<bool>;
    /// Findings of these components, by component and id.
    fn findings_of(&mut self, components: &[ComponentId]) -> R<Vec<ComponentFinding>>;
    /// Of each package the components that have findings.
    fn components_found(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<StoredComponent>>>;
    /// Components with a finding that has any of these ids or aliases.
    fn components_with_ids(&mut self, ids: &[String]) -> R<Vec<ComponentId>>;
}

/// Policies, every revision kept.
pub trait Policies {
    /// Saves a policy under its slug as a new revision; gives the revision.
    fn put_policy(&mut self, policy: &Policy) -> R<u32>;
    /// All, by precedence, then slug.
    fn policies(&mut self) -> R<Vec<Policy>>;
    /// One revision of one, also after deletion.
    fn policy_revision(&mut self, slug: &str, revision: u32) -> R<Option<Policy>>;
    /// Removes it from the set; its revisions stay. Says whether it existed.
    fn delete_policy(&mut self, slug: &str) -> R<bool>;
}

/// Decisions, append-only.
pub trait Decisions {
    /// Keeps one.
    fn append_decision(&mut self, decision: &Decision) -> R<()>;
    /// By id.
    fn decision(&mut self, id: &DecisionId) -> R<Option<Decision>>;
    /// The decision in force of each of these packages that has one.
    fn decisions_in_force(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Decision>>;
    /// Of a package, newest first.
    fn decisions_of(&mut self, package: PackageId, limit: usize) -> R<Vec<Decision>>;
    /// When decisions about these packages were made and the states they gave; by package and time.
    fn decided_states(&mut self, packages: &[PackageId]) -> R<Vec<(PackageId, Timestamp, State)>>;
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// After this one.
    pub after: Seq,
    /// At most this many.
    pub limit: usize,
    /// Only about this subject.
    pub subject: Option<String>,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
}

/// The log.
pub trait EventLog {
    /// Appends, chained to the last; in the same transaction as what it reports.
    fn append_event(&mut self, event: &NewEvent) -> R<Seq>;
    /// Reads.
    fn events(&mut self, filter: &EventFilter) -> R<Vec<Event>>;
    /// Number of the last one, 0 when there is none.
    fn last_event(&mut self) -> R<Seq>;
}

/// Single values: the instance's id, signing keys.
pub trait SettingsTable {
    /// Reads.
    fn setting(&mut self, key: &str) -> R<Option<String>>;
    /// Writes unless there is one; gives the value that is there afterwards.
    fn setting_or(&mut self, key: &str, value: &str) -> R<String>;
    /// Writes.
    fn put_setting(&mut self, key: &str, value: &str) -> R<()>;
}
