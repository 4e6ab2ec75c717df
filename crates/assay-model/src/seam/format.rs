//! A format: one package protocol. It turns requests into typed operations and views into documents; it never touches
//! storage, policy or permissions, and it cannot serve artifact bytes: a [`Reply`] names a file and the gate streams it.

use super::{
    ByteStream, ReadSeek, Task,
    upstream::{Remote, RemoteDocument},
};
use crate::{
    access::Caller,
    digest::Digest,
    finding::{Detail, Finding},
    package::{File, FileId, NewFile, Package, PackageId},
    problem::Problem,
    refusal::Refusal,
    trust::Brought,
    view::PackageView,
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// What varies by format.
#[derive(Debug)]
pub struct FormatSpec {
    /// Id, stored with every package.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// First path segment: requests are `/<prefix>/<repository>/<rest>`.
    pub prefix: &'static str,
    /// The `format` that published policies expect where it differs from `id` (Cloudsmith says `python`, `docker`, `raw`).
    pub policy_name: &'static str,
    /// Ecosystem whose version order its versions follow, if any (purl type).
    pub ecosystem: Option<&'static str>,
    /// How a caller without credentials is challenged.
    pub challenge: Challenge,
    /// How clients are pointed here: client and text with `{url}` (scheme and authority), `{host}`, `{repository}`.
    pub clients: &'static [(&'static str, &'static str)],
}

/// HTTP authentication challenge that the format's clients understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// RFC 7617.
    Basic,
    /// The token flow of the distribution specification.
    Bearer,
    /// A scheme of the format's own whose `login_url` names the page where tokens are made.
    LoginUrl {
        /// As it stands in the header.
        scheme: &'static str,
    },
}

/// A client's request, addressed to one repository.
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path after the repository, still percent-encoded, without a leading slash.
    pub path: String,
    /// Raw query string.
    pub query: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; streams.
    pub body: ByteStream,
    /// Scheme and authority under which the client reached us, without a trailing slash.
    pub base_url: String,
}

/// What a format answers. There is no variant that carries artifact bytes.
#[derive(Debug)]
pub enum Reply {
    /// The gate checks the package's standing and streams the file: ranges, validators and HEAD are its work.
    File {
        /// Which.
        file: FileId,
        /// More headers (`Docker-Content-Digest`).
        headers: Vec<(&'static str, String)>,
    },
    /// Bytes that were staged and belong to no package yet; the gate serves them to those who may write.
    Staged {
        /// Which.
        digest: Digest,
        /// More headers.
        headers: Vec<(&'static str, String)>,
    },
    /// A rendered document: an index, a listing, metadata.
    Document(Document),
    /// The outcome of an operation: status, headers, a short body.
    Answer(Answer),
}

/// A rendered document. The edge adds conditional requests, HEAD, and an `ETag` where the headers have none.
#[derive(Clone, Debug)]
pub struct Document {
    /// `Content-Type`.
    pub media_type: String,
    /// Bytes.
    pub body: Bytes,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
}

/// A short answer in the client's dialect.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// HTTP/1.1 reason phrase, where the client prints it.
    pub reason: Option<String>,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// `Content-Type`, when there is a body.
    pub media_type: &'static str,
    /// Body.
    pub body: Bytes,
}

/// Bytes that are stored and belong to nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// `md5`, `sha1`, `sha512`, `blake2_256`: those asked for in [`Expect::also`], lower-case hex.
    pub hashes: BTreeMap<String, String>,
}

/// What the client says of the bytes it sends. A mismatch is `Invalid` with code `digest-mismatch` or `size-mismatch`,
/// and leaves nothing behind.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// SHA-256, or SHA-512: then the bytes can be asked for by it as well ([`Shelf::blob`]).
    pub digest: Option<Digest>,
    /// Bytes.
    pub size: Option<u64>,
    /// Refuse more than this many bytes (`TooLarge`), below the configured limit.
    pub at_most: Option<u64>,
    /// Further hashes to compute: `md5`, `sha1`, `sha512`, `blake2_256`.
    pub also: Vec<&'static str>,
}

/// What an upload claims to be.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Name, normalised.
    pub name: String,
    /// Version.
    pub version: String,
    /// Kept for the format; replaces what was kept. Null with files that say nothing of their package: what is kept of
    /// it stays.
    pub metadata: Value,
    /// Files; their bytes are staged or belong to packages of the same repository and name.
    pub files: Vec<NewFile>,
    /// Mutable names to point here, in the same transaction.
    pub references: Vec<String>,
    /// The author's publish time.
    pub published_at: Option<Timestamp>,
    /// Removes every other version of the name in the same transaction (formats whose paths can be overwritten).
    pub replaces_others: bool,
    /// Takes the place of the files that the same version has: those that the claim does not bring are gone for good, in
    /// the same transaction (formats of which a version is one document that may be sent again).
    pub replaces_files: bool,
}

/// The outcome of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The package.
    pub package: PackageId,
    /// Whether anything was stored that was not there before.
    pub created: bool,
}

/// A blob as seen from one name of one repository.
#[derive(Clone, Debug)]
pub struct SeenBlob {
    /// Digest.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// The file to serve it as; none while it is only staged.
    pub file: Option<FileId>,
}

/// What the stored advisories say of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Name, as it was asked for.
    pub name: String,
    /// Version, as it was asked for.
    pub version: String,
    /// A vulnerability, all sources merged.
    pub finding: Finding,
    /// What there is to read about it.
    pub detail: Detail,
}

/// Reads the secret in the body of a login request; nothing where there is none.
pub type LoginBody = fn(&[u8]) -> Option<String>;

/// What to withdraw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdraw {
    /// A version with all its files and references.
    Version {
        /// Name.
        name: String,
        /// Version.
        version: String,
    },
    /// Only a mutable name.
    Reference {
        /// Name.
        name: String,
        /// The mutable name.
        reference: String,
    },
    /// A blob that belongs to no package.
    Blob {
        /// Name.
        name: String,
        /// Digest.
        digest: Digest,
    },
}

/// How bytes come in. Scoped to one repository, one format and one caller; every method checks `write` first.
pub trait Intake: Send + Sync {
    /// Spools, hashes and stores a whole body under `name`. Nothing becomes visible to readers.
    fn stage<'a>(&'a self, name: &'a str, body: ByteStream, expect: Expect) -> Task<'a, Staged>;
    /// Opens a resumable upload under `name` and gives its id.
    fn open_session<'a>(&'a self, name: &'a str) -> Task<'a, String>;
    /// Appends to an upload; `at` must equal what is there already (`Range` otherwise). Gives the new length.
    fn append<'a>(&'a self, session: &'a str, at: Option<u64>, body: ByteStream) -> Task<'a, u64>;
    /// The length of an upload so far; `NotFound` when there is none.
    fn session<'a>(&'a self, session: &'a str) -> Task<'a, u64>;
    /// Ends an upload: with `Some` its bytes become staged, with `None` it is cancelled.
    fn close_session<'a>(&'a self, session: &'a str, keep: Option<Expect>) -> Task<'a, Option<Staged>>;
    /// Makes blob references, package, event and work in one transaction. A claim without new files amends a package
    /// that is there: its metadata is replaced, its references are set.
    fn publish<'a>(&'a self, claim: Claim) -> Task<'a, Receipt>;
}

/// What is there. Scoped like [`Intake`]; every method checks `read` first, `withdraw` checks `write`.
pub trait Shelf: Send + Sync {
    /// All versions of a name that this caller may see; nothing when there is no such name. Shared, because it can be
    /// large and is asked for often.
    fn view<'a>(&'a self, name: &'a str) -> Task<'a, Option<Arc<PackageView>>>;
    /// Names in order, after `after`.
    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>>;
    /// The file at `path` of any version of `name`, blocked or not: the gate refuses with the reason. Hidden versions
    /// are absent.
    fn file<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<File>>;
    /// The file to serve for `path` of any version of `name`: one that is here, or one that an upstream has, which is
    /// then fetched. Downloads ask for this; what is about to be published is compared with [`Shelf::file`].
    fn fetch<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<FileId>>;
    /// The version that a mutable name or a version stands for, here or at an upstream. Needed where an index does not
    /// list everything that can be asked for (OCI tags, Go pseudo-versions).
    fn find<'a>(&'a self, name: &'a str, what: &'a str) -> Task<'a, Option<String>>;
    /// A small document of an upstream that is no package's, passed on as it is (what a checksum database says): from the
    /// first upstream that may relay `what` and has it under `address`, which is relative to its own.
    fn relay<'a>(&'a self, what: &'a str, address: &'a str) -> Task<'a, Option<RemoteDocument>> {
        let _ = (what, address);
        Box::pin(async { Ok(None) })
    }
    /// Names that contain `text` in any case, in order, `limit` of them after the first `skip`, and how many there are.
    fn search<'a>(&'a self, text: &'a str, skip: usize, limit: usize) -> Task<'a, (Vec<String>, usize)>;
    /// Mutable names of `name` that upstreams have, whose versions are known only when asked for by [`Shelf::find`], in
    /// order. Views list only what is here.
    fn remote_tags<'a>(&'a self, name: &'a str) -> Task<'a, Vec<String>> {
        let _ = name;
        Box::pin(async { Ok(Vec::new()) })
    }
    /// A blob by digest, as a part of any package of `name` (the best standing wins), or staged under it. A SHA-512 is
    /// known of bytes that came in under it; the answer has the digest that they are stored by.
    fn blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>>;
    /// What the stored advisories say of these names and versions of the format's ecosystem, whether they are stored
    /// here or not; worst first. Those that can be no package of it have none.
    fn findings<'a>(&'a self, versions: &'a [(String, String)]) -> Task<'a, Vec<Known>>;
    /// Removes; says whether there was anything.
    fn withdraw<'a>(&'a self, what: Withdraw) -> Task<'a, bool>;
    /// Makes a blob of another repository's name available to an upload under `name`, if the caller may read it there.
    /// Needs `write` here.
    fn mount<'a>(
        &'a self,
        name: &'a str,
        from_repository: &'a str,
        from_name: &'a str,
        digest: &'a Digest,
    ) -> Task<'a, Option<SeenBlob>>;
    /// As [`Shelf::mount`], from whichever name of this format has it and the caller may read.
    fn mount_found<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        let _ = (name, digest);
        Box::pin(async { Ok(None) })
    }
}

/// What the engine offers a format.
pub trait Repo: Intake + Shelf {
    /// Name of the repository that is served.
    fn repository(&self) -> &str;
    /// Who asks.
    fn caller(&self) -> &Caller;
    /// What `render` makes of a view, kept for as long as the view does not change. `form` tells apart all that is made
    /// of one view in one format, and `render` depends on nothing else.
    fn rendered(&self, view: &PackageView, form: &str, render: &(dyn Fn(&PackageView) -> Document + Sync)) -> Document;
    /// The bytes of an upload in progress, for reading its metadata. Only what this caller may write.
    fn read<'a>(&'a self, staged: &'a Staged) -> Task<'a, Box<dyn ReadSeek>>;
}

/// What the engine offers to requests that name no repository.
pub trait Lobby: Send + Sync {
    /// Whether the caller gave valid credentials, or some repository lets anonymous callers read.
    ///
    /// # Errors
    /// `Unauthenticated`.
    fn enter(&self) -> Result<(), Problem>;
    /// `repository/name` of this format in all repositories that the caller may read, in order.
    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>>;
}

/// One package protocol.
pub trait Format: Send + Sync {
    /// What varies by format.
    fn spec(&self) -> &'static FormatSpec;
    /// Answers a request to one repository.
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply>;
    /// Answers a request that names no repository (`/v2/`).
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, request: Request) -> Task<'a, Reply>;
    /// Whether this is the request of a client's own login command, which carries its secret in the body. The edge reads
    /// the body and checks the secret before the format sees the request; headers then prove nothing. All other requests
    /// are proved by their headers alone.
    fn login(&self, method: &Method, path: &str) -> Option<LoginBody> {
        let _ = (method, path);
        None
    }
    /// Words a problem so that this client shows it.
    fn problem(&self, problem: &Problem) -> Answer;
    /// Words a refusal so that this client shows it.
    fn refuse(&self, refusal: &Refusal) -> Answer;
    /// What the format knows of remote registries; nothing where it cannot be proxied.
    fn remote(&self) -> Option<&'static dyn Remote> {
        None
    }
    /// Path under which people can download a file in a browser, if there is one.
    fn location(&self, repository: &str, name: &str, file: &File) -> Option<String> {
        let _ = (repository, name, file);
        None
    }
    /// Versions of the same name that go where this one goes, and are of no use without it: what it lists, what speaks of
    /// it.
    fn companions(&self, view: &PackageView, version: &str) -> Vec<String> {
        let _ = (view, version);
        Vec::new()
    }
    /// Signatures and statements that a package holds, and what evidence about it extends to. `references` are mutable names
    /// that point to it.
    fn evidence(&self, package: &Package, files: &[File], references: &[String]) -> Brought {
        let _ = (package, files, references);
        Brought::default()
    }
    /// Addresses in a package's own metadata under which its source code may be found, the most explicit first.
    /// `configuration` is that of an image.
    fn source_links(&self, name: &str, metadata: &Value, configuration: Option<&Value>) -> Vec<String> {
        let _ = (name, metadata, configuration);
        Vec::new()
    }
    /// How a version is shown to people and in refusals (`requests 2.6.0`, `alpine@sha256:…`).
    fn display(&self, name: &str, version: &str) -> String {
        format!("{name} {version}")
    }
}
