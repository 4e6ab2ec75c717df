//! A source of facts about the world: advisories, scores, catalogues. Fetching is apart from parsing, so that files work
//! offline; parsing is pure.

use super::{ReadSeek, Task};
use crate::{
    advisory::Advisory,
    health::{Popularity, Scorecard, Ssvc},
    problem::Problem,
    score::{Epss, Kev},
    vex::VexStatement,
};
use serde::{Deserialize, Serialize};

/// Things that a source is asked about one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsksAbout {
    /// Source repositories that stored packages name (`github.com/owner/name`).
    Repositories,
}

/// What varies by source.
#[derive(Debug)]
pub struct SourceSpec {
    /// Id (`[sources.<id>]` in the configuration, `advisory.source` in the store).
    pub id: &'static str,
    /// One line for help and documentation.
    pub summary: &'static str,
    /// Seconds between two fetches.
    pub cadence: u64,
    /// Licence of its data, for the notice that is shown with it.
    pub data_license: &'static str,
}

/// Where a fetch left off: opaque to all but the source (ETag, last modified id).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

/// What a fetch brought.
#[derive(Debug)]
pub enum Fetched {
    /// Nothing new since the cursor.
    Unchanged,
    /// Files to parse, and where to go on next time.
    Batch {
        /// Downloaded files with the name that [`Source::recognizes`] judges by.
        files: Vec<(String, std::path::PathBuf)>,
        /// Kept for next time.
        cursor: Cursor,
    },
}

/// An answer of the network.
#[derive(Debug)]
pub struct NetReply {
    /// 200, 304, or 401 with a `challenge`; every other status is an error.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// The body, spooled to a temporary file that the caller owns. Empty for 304 and 401.
    pub body: std::path::PathBuf,
    /// `WWW-Authenticate` of a 401, where the request said that it can deal with one.
    pub challenge: Option<String>,
}

/// A GET that needs more than an address.
#[derive(Clone, Copy, Debug)]
pub struct NetRequest<'a> {
    /// What to fetch.
    pub url: &'a str,
    /// Makes it conditional.
    pub etag: Option<&'a str>,
    /// Further headers, names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// Whether a 401 with a challenge is an answer rather than an error.
    pub challenged: bool,
}

/// The network, as sources see it: conditional GET into a file, with limits and retries.
pub trait Net: Send + Sync {
    /// Fetches `url`; `etag` makes it conditional.
    ///
    /// # Errors
    /// `Upstream` when the server cannot be reached or answers with an error.
    fn get<'a>(&'a self, url: &'a str, etag: Option<&'a str>) -> Task<'a, NetReply> {
        Box::pin(async move { self.request(NetRequest { url, etag, headers: &[], challenged: false }).await })
    }
    /// The same with headers.
    ///
    /// # Errors
    /// As [`Net::get`].
    fn request<'a>(&'a self, request: NetRequest<'a>) -> Task<'a, NetReply>;
}

/// What a complete file is complete about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent<'a> {
    /// All advisories of a source.
    Source(&'a str),
    /// The advisories of a source whose ids begin so.
    Ids {
        /// Which source.
        source: &'a str,
        /// What ids begin with.
        prefix: &'a str,
    },
    /// The advisories of a source that speak of packages of one ecosystem alone, and whose ids begin with one of
    /// these: several catalogues can share source and ecosystem.
    Ecosystem {
        /// Which source.
        source: &'a str,
        /// OSV ecosystem; without a release it stands for all of its releases.
        ecosystem: &'a str,
        /// What ids begin with.
        prefixes: &'a [String],
    },
    /// All EPSS scores.
    Epss,
    /// The KEV catalogue.
    Kev,
    /// The decision points of SSVC about CVEs whose ids begin so.
    Ssvc(&'a str),
    /// All scorecards.
    Scorecards,
    /// All popular packages of a package URL's type.
    Popularity(&'a str),
    /// All documents of VEX of a source.
    Vex(&'a str),
}

/// Receives what a parser reads, in order. An implementation may write in batches.
pub trait Intel {
    /// A whole advisory, new or a revision; `bytes` are its JSON as read.
    ///
    /// # Errors
    /// Only from the store.
    fn advisory(&mut self, source: &str, advisory: Advisory, bytes: &[u8]) -> Result<(), Problem>;
    /// An EPSS score.
    ///
    /// # Errors
    /// Only from the store.
    fn epss(&mut self, epss: Epss) -> Result<(), Problem>;
    /// A KEV entry. A KEV file is whole: entries it lacks are withdrawn at [`Intel::whole`].
    ///
    /// # Errors
    /// Only from the store.
    fn kev(&mut self, kev: Kev) -> Result<(), Problem>;
    /// CISA's decision points about a CVE.
    ///
    /// # Errors
    /// Only from the store.
    fn ssvc(&mut self, cve: &str, ssvc: Ssvc) -> Result<(), Problem>;
    /// A scorecard of a source repository; the newest day of a repository counts.
    ///
    /// # Errors
    /// Only from the store.
    fn scorecard(&mut self, card: Scorecard) -> Result<(), Problem>;
    /// A place in a catalogue of popular packages.
    ///
    /// # Errors
    /// Only from the store.
    fn popularity(&mut self, entry: Popularity) -> Result<(), Problem>;
    /// What a document of VEX says, by its place in the source. At [`Intel::whole`] those that were not read are gone.
    ///
    /// # Errors
    /// Only from the store.
    fn vex(&mut self, source: &str, name: &str, statements: Vec<VexStatement>, bytes: &[u8]) -> Result<(), Problem>;
    /// A record that could not be read: set aside with the reason, never fatal.
    ///
    /// # Errors
    /// Only from the store.
    fn bad(&mut self, source: &str, name: &str, reason: &str, bytes: &[u8]) -> Result<(), Problem>;
    /// Says that the file just read was a complete catalogue, so that what of its extent it lacks is gone. Of advisories
    /// only those that were read since the last call count as there.
    ///
    /// # Errors
    /// `Invalid` with code `feed-shrank` when so much is gone that the file must be taken for a damaged one; otherwise only
    /// from the store.
    fn whole(&mut self, extent: &Extent<'_>) -> Result<(), Problem>;
    /// Progress within the current file: records read, and how many there are where that is known.
    fn progress(&mut self, done: u64, total: Option<u64>);
}

/// One source.
pub trait Source: Send + Sync {
    /// What varies by source.
    fn spec(&self) -> &'static SourceSpec;
    /// Whether a file of this name, beginning with these bytes, is one of its own.
    fn recognizes(&self, name: &str, head: &[u8]) -> bool;
    /// Fetches what is new. `base` is the configured address.
    ///
    /// # Errors
    /// `Upstream`.
    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched>;
    /// As [`Source::fetch`], for sources that are asked about each thing by itself: `about` are the things that occur
    /// here ([`Source::asks_about`]). Sources of whole files pass over it.
    ///
    /// # Errors
    /// `Upstream`.
    fn fetch_about<'a>(
        &'a self,
        net: &'a dyn Net,
        base: &'a str,
        since: Option<&'a Cursor>,
        about: &'a [String],
    ) -> Task<'a, Fetched> {
        let _ = about;
        self.fetch(net, base, since)
    }
    /// What it has to be asked about one by one, if that is how it answers.
    fn asks_about(&self) -> Option<AsksAbout> {
        None
    }
    /// Reads a file. A bad record is set aside and counted; only a file that is not of this source at all is an error.
    ///
    /// # Errors
    /// `Invalid` for such a file; `TooLarge` past a limit.
    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem>;
}
