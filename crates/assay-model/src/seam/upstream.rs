//! How a format asks a remote registry: which documents there are and what they say. The engine fetches, caches with
//! validation, coalesces, pins digests, waits and decides; a format only knows addresses and shapes.

use super::{
    ByteStream, ReadSeek, Task,
    machine::{Detected, Machine},
};
use crate::{
    digest::Digest,
    package::Role,
    problem::{Kind, Problem},
    seam::format::{Claim, Staged},
    upstream::{Secrets, UpstreamSettings},
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a remote registry says of one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteIndex {
    /// Versions, in any order.
    pub versions: Vec<RemoteVersion>,
    /// Mutable names and the version that each stands for.
    pub references: BTreeMap<String, String>,
}

/// One version as the remote registry tells of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteVersion {
    /// Version, written as the format writes versions in claims.
    pub version: String,
    /// The same that a claim of this version keeps for the format.
    pub metadata: Value,
    /// When its author published it.
    pub published_at: Option<Timestamp>,
    /// Its files, as far as they are known.
    pub files: Vec<RemoteFile>,
    /// Whether it makes sense only with all of its files, which are then taken together before it exists here.
    pub whole: bool,
}

/// One file that can be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// Path that a claim gives the file; unique in its version.
    pub path: String,
    /// Absolute address, or one relative to the upstream's.
    pub address: String,
    /// Bytes, where known.
    pub size: Option<u64>,
    /// SHA-256, where known: other bytes are refused.
    pub digest: Option<Digest>,
    /// Other checksums by algorithm (`sha512`, `sha1`, `md5`), lower-case hex: other bytes are refused.
    pub hashes: BTreeMap<String, String>,
    /// Sent as `Content-Type`.
    pub media_type: String,
    /// How it is looked into.
    pub role: Option<Role>,
    /// Kept for the format.
    pub metadata: Value,
}

/// All that a registry has of a name, for imports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Everything {
    /// What is listed.
    pub index: RemoteIndex,
    /// Mutable names whose versions are known only when asked for by [`Remote::find`].
    pub asks: Vec<String>,
}

/// A version with all that belongs to it and no index lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete {
    /// The version with all files that it must have.
    pub version: RemoteVersion,
    /// Files that it may have; those that are not there are left out.
    pub optional: Vec<RemoteFile>,
    /// Versions without which it is of no use, to be asked for by [`Remote::find`].
    pub before: Vec<String>,
    /// Versions that speak of it.
    pub after: Vec<String>,
}

impl From<RemoteVersion> for Complete {
    fn from(version: RemoteVersion) -> Self {
        Self { version, optional: Vec::new(), before: Vec::new(), after: Vec::new() }
    }
}

/// A small document of a remote registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteDocument {
    /// Bytes.
    pub body: Bytes,
    /// `Content-Type`, empty where the remote says none.
    pub media_type: String,
    /// Headers that formats read: `Docker-Content-Digest`, `Link`, `Last-Modified`; names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// One upstream as a format asks it.
pub trait Origin: Send + Sync {
    /// Address of the registry, without a trailing slash.
    fn base(&self) -> &str;
    /// A document, from the cache where it is fresh; nothing where the remote says 404 or 410. `address` is absolute, or
    /// relative to [`Origin::base`]. Where the remote fails, what was cached last is given.
    ///
    /// At most [`DOCUMENT_BYTES`].
    fn document<'a>(&'a self, address: &'a str, accept: &'a str) -> Task<'a, Option<RemoteDocument>>;
}

/// Largest document that is read as an index.
pub const DOCUMENT_BYTES: u64 = 128 << 20;

/// What a format knows of remote registries that speak it.
pub trait Remote: Send + Sync {
    /// What the registry says of a name; nothing where it has no such name. Formats whose versions cannot be listed give
    /// what can be known cheaply.
    fn index<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<RemoteIndex>>;

    /// A version or mutable name that the index need not list: an OCI tag or digest, a Go pseudo-version, the version
    /// that a Maven path names. Asked only after the index did not have it.
    fn find<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, what: &'a str) -> Task<'a, Option<RemoteVersion>> {
        let _ = (origin, name, what);
        Box::pin(async { Ok(None) })
    }

    /// A file that neither index nor `find` listed, by the path that a claim would give it: what the registry will be
    /// asked for. It may turn out not to exist.
    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        let _ = (origin, name, path);
        Box::pin(async { Ok(None) })
    }

    /// Mutable names whose versions are known only when asked for by [`Remote::find`] (OCI tags), in order; nothing where
    /// the registry has no such name.
    fn tags<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<Vec<String>>> {
        let _ = (origin, name);
        Box::pin(async { Ok(None) })
    }

    /// All names, for formats whose one index lists them (Helm); nothing where that is not so.
    fn names<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        let _ = origin;
        Box::pin(async { Ok(None) })
    }

    /// Registries that the clients of this format take from on this machine, the most important first.
    fn detect(&self, machine: &dyn Machine) -> Vec<Detected> {
        let _ = machine;
        Vec::new()
    }

    /// Address at which a registry of this kind shows that it is one; `base` has no slash at its end.
    fn greeting(&self, base: &str) -> String {
        format!("{base}/")
    }

    /// All names that the registry lists in whatever way it has, for imports: this may take many requests. Nothing where
    /// it has none.
    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        self.names(origin)
    }

    /// A name as claims write it.
    ///
    /// # Errors
    /// `Invalid` when it can be none.
    fn spelled(&self, name: &str) -> Result<String, Problem> {
        match name.is_empty() || name.len() > 1024 || name.chars().any(char::is_control) {
            true => Err(Problem::invalid("bad-name", "a name has 1 to 1024 bytes and no control characters")),
            false => Ok(name.to_owned()),
        }
    }

    /// All that the registry has of a name, for imports; nothing where it has no such name.
    fn everything<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<Everything>> {
        Box::pin(async move {
            let index = self.index(origin, name).await?;
            Ok(index.map(|index| Everything { index, asks: Vec::new() }))
        })
    }

    /// Adds to a version what belongs to it and no index lists, for imports.
    fn complete<'a>(&'a self, origin: &'a dyn Origin, name: &'a str, version: RemoteVersion) -> Task<'a, Complete> {
        let _ = (origin, name);
        Box::pin(async move { Ok(version.into()) })
    }

    /// Reads what a fetched file says of itself and completes or refuses the claim made from the index: the same checks
    /// as for an upload.
    ///
    /// # Errors
    /// `Invalid` when the file is not what its name says; it is then not kept.
    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, bytes: &mut dyn ReadSeek) -> Result<(), Problem> {
        let _ = (claim, file, bytes);
        Ok(())
    }
}

impl RemoteVersion {
    /// The claim of this version with one of its files.
    pub fn claim(&self, name: &str, fetched: &[(&RemoteFile, Staged)]) -> Claim {
        let file = |(file, staged): &(&RemoteFile, Staged)| crate::package::NewFile {
            path: file.path.clone(),
            digest: staged.digest.clone(),
            size: staged.size,
            media_type: file.media_type.clone(),
            role: file.role,
            hashes: staged.hashes.clone(),
            metadata: file.metadata.clone(),
        };
        Claim {
            name: name.to_owned(),
            version: self.version.clone(),
            metadata: self.metadata.clone(),
            files: fetched.iter().map(file).collect(),
            references: Vec::new(),
            published_at: self.published_at,
            replaces_others: false,
            replaces_files: false,
        }
    }
}

/// A request to a remote registry.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Absolute address.
    pub url: &'a str,
    /// `Accept`; empty for none.
    pub accept: &'a str,
    /// Whether it may travel compressed; it is unpacked on arrival. For documents: the bytes of an artifact must arrive as
    /// they are.
    pub compressed: bool,
    /// `If-None-Match`.
    pub etag: Option<&'a str>,
    /// `If-Modified-Since`, as the remote wrote it.
    pub modified: Option<&'a str>,
    /// Whose rules hold: time-outs, certificates, private networks.
    pub settings: &'a UpstreamSettings,
    /// Sent only to the upstream's own scheme, host and port.
    pub secrets: &'a Secrets,
}

/// What it answered. Every status is an answer; no answer at all is a `Problem` of kind `Upstream`.
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Bytes as they come; ends with an error where the connection breaks.
    pub body: ByteStream,
}

/// The network towards upstreams: redirects (each checked anew), token flows (a 401 with a Bearer challenge is answered
/// with a token of the realm that it names), TLS, time-outs, and the refusal of private addresses, which is checked on
/// what the name resolves to. No retries.
pub trait Transport: Send + Sync {
    /// Asks once.
    ///
    /// # Errors
    /// `Upstream`, with code `refused-address` where the address is private and may not be asked, and `no-answer` where
    /// nobody answers.
    fn ask<'a>(&'a self, ask: Ask<'a>) -> Task<'a, Answered>;

    /// Checks what can be checked of settings without asking: certificates, an address that is private for sure.
    ///
    /// # Errors
    /// `Invalid`, naming the setting.
    fn check(&self, settings: &UpstreamSettings) -> Result<(), Problem> {
        let _ = settings;
        Ok(())
    }
}

/// Keeps secrets at rest: what is stored is sealed, and can be opened only with the installation's key.
pub trait Vault: Send + Sync {
    /// Seals; the same secrets give other bytes each time. None at all give empty bytes.
    ///
    /// # Errors
    /// When the key cannot be had, or the system gives no random bytes.
    fn seal(&self, secrets: &Secrets) -> Result<Vec<u8>, Problem>;
    /// Opens what [`Vault::seal`] made.
    ///
    /// # Errors
    /// When it was sealed with another key, or was changed since.
    fn open(&self, sealed: &[u8]) -> Result<Secrets, Problem>;
}

/// No network and no secrets: for programs that ask no upstream.
#[derive(Clone, Copy, Debug)]
pub struct Offline;

impl Transport for Offline {
    fn ask<'a>(&'a self, _: Ask<'a>) -> Task<'a, Answered> {
        Box::pin(async { Err(offline()) })
    }
}

impl Vault for Offline {
    fn seal(&self, _: &Secrets) -> Result<Vec<u8>, Problem> {
        Err(offline())
    }
    fn open(&self, _: &[u8]) -> Result<Secrets, Problem> {
        Err(offline())
    }
}

fn offline() -> Problem {
    Problem::new(Kind::Upstream, "no-answer", "this program asks no upstream")
}
