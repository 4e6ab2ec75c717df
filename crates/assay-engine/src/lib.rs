//! The two flows of Assay. Bytes: intake → inventory → match → decide → act → gate. Change: a fact changed → which
//! packages does it touch → decide again.
//!
//! Stages take only an id and look at current facts; the worklist says that something is to be looked at, never why.
//! Nothing here knows a protocol, SQL, Rego or HTTP.

mod access;
mod analyze;
mod assessed;
mod catalogue;
mod collect;
mod composed;
mod decide;
mod desk;
mod downloads;
mod fold;
mod gate;
pub mod ignore;
mod image;
mod import;
mod intake;
mod leftovers;
mod lobby;
mod log;
mod matching;
mod memo;
mod notice;
mod notify;
mod overrides;
mod policies;
mod popularity;
mod promote;
mod publication;
mod quota;
mod record;
mod refusal;
mod rendered;
mod renew;
mod replay;
pub mod report;
mod retention;
mod scan;
mod shelf;
mod simulate;
mod sources;
mod sweep;
mod trash;
mod trust;
mod upstream;
mod upstreams;
mod vex;
mod waivers;
mod workers;

pub use access::IssuedToken;
pub use catalogue::{PackageDetail, PackageRow, ScoredFinding};
pub use collect::{CollectOptions, Collected, CollectionTotals};
pub use desk::Desk;
pub use downloads::Pulls;
pub use fold::{Folded, fold};
pub use gate::{Cleared, Denied, Opened};
pub use import::{ImportDraft, ImportRow, NameFailures};
pub use lobby::EngineLobby;
pub use log::LogCheck;
pub use notify::{ADDRESS as CHANNEL_ADDRESS, ChannelDraft, ChannelEdit, ChannelRow, DeliveryRow, NoticeRules};
pub use overrides::{Answer, ApprovalRow, LicenseDraft, OverrideDraft, TagEdit};
pub use policies::{PolicyDraft, SavedPolicy, SourceFinding, Validation};
pub use promote::{PromoteOptions, Promoted};
pub use quota::Holding;
pub use record::{
    changes::Changes,
    explain::{Explanation, PolicyStory, Step},
    log::{Entries, Entry, EntryFilter, FullEntry},
};
pub use replay::{Difference, Differing, ReplayScope, Replayed};
pub use retention::Doomed;
pub use scan::ScanResult;
pub use simulate::{
    BacktestReport, Crossing, Day, Edit, KEPT_HOURS, SetLine, Simulation,
    draft::{BacktestTrial, Knowledge, PolicyTrial, Trial},
    report::{Changed, PolicyTally, ReasonLine, SimulationReport, SimulationStep, Tally},
};
pub use sources::{ImportReport, Rhythm, SourceCounts, SourceHealth, Watched};
pub use trash::TrashRow;
pub use trust::{TrustChange, TrustDraft};
pub use upstream::{Condition, UpstreamHealth};
pub use upstreams::{UpstreamChange, UpstreamCheck, UpstreamDraft, UpstreamRow};
pub use vex::{AppliedRow, VexAdded, VexApplied, VexDetail, VexExport};
pub use waivers::{UseRow, WaiverChange, WaiverDraft, WaiverEdit, WaiverFilter, WaiverUses};
pub use workers::Drained;

use assay_model::{
    clock::Clock,
    digest::Digest,
    problem::Problem,
    seam::{
        action::Action,
        blob::BlobStore,
        format::Format,
        inspector::Inspector,
        judge::Judge,
        matcher::Matcher,
        meta::MetaStore,
        notices::Messenger,
        source::Source,
        trust::Verifier,
        upstream::{Transport, Vault},
        vex::VexReader,
    },
};
use memo::Memo;
use moka::sync::Cache;
use notice::Notices;
use std::{path::PathBuf, sync::Arc};

/// Bytes of views kept in memory, roughly.
const SHELVES: u64 = 48 << 20;
/// The most that one view counts for: a name with very many versions is kept as well.
const LARGEST_SHELF: u32 = 12 << 20;

/// Limits on what one upload may bring.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Seconds a stage or a resumable upload may stay unused before it is collected.
    pub stage_seconds: i64,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self { file_bytes: 20 << 30, stage_seconds: 24 * 3600 }
    }
}

/// Everything the engine is wired from.
pub struct Parts {
    /// Metadata.
    pub meta: Arc<dyn MetaStore>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Package formats.
    pub formats: &'static [&'static dyn Format],
    /// Takes artifacts apart.
    pub inspector: Arc<dyn Inspector>,
    /// Joins components and advisories.
    pub matcher: Arc<dyn Matcher>,
    /// Evaluates policies.
    pub judge: Arc<dyn Judge>,
    /// Reads documents of VEX.
    pub vex: Arc<dyn VexReader>,
    /// Reads and checks signatures.
    pub verifier: Arc<dyn Verifier>,
    /// What policies can do.
    pub actions: &'static [&'static dyn Action],
    /// Sources of advisories and scores.
    pub sources: &'static [&'static dyn Source],
    /// The network towards upstreams.
    pub transport: Arc<dyn Transport>,
    /// Seals and opens their secrets.
    pub vault: Arc<dyn Vault>,
    /// Sends messages.
    pub messenger: Arc<dyn Messenger>,
    /// How messages are gathered and tried again.
    pub notices: NoticeRules,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Directory for uploads in progress, on the file system of the blobs where these are files.
    pub spool: PathBuf,
    /// Name of the installation, as policies see it.
    pub workspace: String,
    /// Address under which people reach the web page, for links in refusals.
    pub public_url: String,
    /// Limits.
    pub limits: IntakeLimits,
    /// For how many days after it was superseded a decision keeps what it was a function of.
    pub decision_input_days: u32,
}

/// The engine: cheap to share, one per process.
pub struct Engine {
    parts: Parts,
    notices: Notices,
    shelves: Cache<shelf::Scope, Arc<shelf::Shelved>>,
    homes: Cache<assay_model::package::FileId, Arc<shelf::Scope>>,
    rendered: rendered::Rendered,
    small_blobs: Cache<Digest, bytes::Bytes>,
    secrets: Memo<access::SecretHash, Arc<assay_model::access::Token>>,
    tokens: Memo<String, Arc<assay_model::access::Token>>,
    repositories: Memo<String, Arc<assay_model::repository::Repository>>,
    upstreams: upstream::Upstreams,
    imports: import::Imports,
    collection: collect::Collection,
    downloads: downloads::Counter,
    sessions: std::sync::Mutex<std::collections::HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    rules: std::sync::Mutex<Option<decide::CompiledRules>>,
    simulating: Arc<tokio::sync::Semaphore>,
    catalogues: popularity::Catalogues,
    rhythm: std::sync::OnceLock<Rhythm>,
    owner: String,
}

impl Engine {
    /// Wires an engine. Workers run only after [`Engine::start_workers`].
    ///
    /// # Errors
    /// When the spool directory cannot be made.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Problem> {
        std::fs::create_dir_all(parts.spool.join("sessions"))
            .map_err(|e| Problem::internal(format!("cannot make the spool directory {}", parts.spool.display()), e))?;
        Ok(Arc::new(Self {
            parts,
            notices: Notices::default(),
            shelves: Cache::builder()
                .max_capacity(SHELVES)
                .weigher(|_, shelved: &Arc<shelf::Shelved>| shelved.weight.min(LARGEST_SHELF))
                .build(),
            homes: Cache::new(100_000),
            rendered: rendered::Rendered::default(),
            small_blobs: Cache::builder()
                .max_capacity(32 << 20)
                .weigher(|_, b: &bytes::Bytes| u32::try_from(b.len()).unwrap_or(u32::MAX))
                .build(),
            secrets: Memo::default(),
            tokens: Memo::default(),
            repositories: Memo::default(),
            upstreams: upstream::Upstreams::default(),
            imports: import::Imports::default(),
            collection: collect::Collection::default(),
            downloads: downloads::Counter::default(),
            sessions: std::sync::Mutex::default(),
            rules: std::sync::Mutex::new(None),
            simulating: Arc::new(tokio::sync::Semaphore::new(1)),
            catalogues: popularity::Catalogues::default(),
            rhythm: std::sync::OnceLock::new(),
            owner: access::random_hex(8)?,
        }))
    }

    /// The metadata store, for tests and tools that look behind the curtain.
    pub fn meta(&self) -> &dyn MetaStore {
        self.parts.meta.as_ref()
    }

    /// The registered formats.
    pub fn formats(&self) -> &'static [&'static dyn Format] {
        self.parts.formats
    }

    /// The registered sources.
    pub fn sources(&self) -> &'static [&'static dyn Source] {
        self.parts.sources
    }

    /// The registered actions.
    pub fn actions(&self) -> &'static [&'static dyn Action] {
        self.parts.actions
    }

    fn format(&self, id: &str) -> Option<&'static dyn Format> {
        self.parts.formats.iter().copied().find(|f| f.spec().id == id)
    }

    /// When sources are fetched and stale: what was set first, else the default.
    pub fn rhythm(&self) -> Rhythm {
        self.rhythm.get().copied().unwrap_or_default()
    }

    /// Sets [`Engine::rhythm`], once.
    pub fn set_rhythm(&self, rhythm: Rhythm) {
        let _ = self.rhythm.set(rhythm);
    }

    /// The time that everything here goes by.
    pub fn now(&self) -> jiff::Timestamp {
        self.parts.clock.now()
    }
}
