//! A repository in memory for the tests of formats: it keeps bytes, versions, uploads, references and standings by the
//! rules of the seam, so that a format is tested by what can be had back, never by which calls it made.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod archives;
mod ask;
mod machine;
mod origin;
mod shelf;

pub(crate) use archives::{tgz, zip};
pub(crate) use ask::{Ask, Response};
pub(crate) use machine::FakeMachine;
pub(crate) use origin::FakeOrigin;

use assay_model::{
    Digest, Kind, Problem,
    access::Caller,
    package::{Coordinates, File, FileId, Package, PackageId, Reference, State},
    problem::Result,
    refusal::Refusal,
    repository::RepositoryId,
    seam::{
        ByteStream, ReadSeek, Task,
        format::{Claim, Document, Expect, Format, Intake, Known, Lobby, Receipt, Reply, Repo, SeenBlob, Staged},
    },
    view::{PackageView, VersionView},
};
use bytes::Bytes;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use sha2::Digest as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
    sync::{Arc, Mutex},
};

#[derive(Default)]
struct Stored {
    blobs: BTreeMap<Digest, Bytes>,
    staged: BTreeSet<(String, String, Digest)>,
    /// SHA-512 digests that bytes came in under.
    aliases: BTreeMap<Digest, Digest>,
    sessions: BTreeMap<String, (String, Vec<u8>)>,
    /// With the repository and why it is blocked, if it is.
    packages: Vec<(String, Package, Vec<File>, Option<String>)>,
    references: Vec<(String, String, Reference)>,
    next: i64,
    /// What advisories say.
    known: Vec<Known>,
}

/// All repositories; clones share them.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Stored>>);

/// One repository as one caller sees it.
pub(crate) struct FakeRepo {
    world: World,
    name: String,
    format: &'static str,
    pub(crate) may_write: bool,
}

impl World {
    pub(crate) fn repository(&self, name: &str, format: &dyn Format) -> FakeRepo {
        FakeRepo { world: self.clone(), name: name.to_owned(), format: format.spec().id, may_write: true }
    }
}

impl FakeRepo {
    /// Quarantines a version.
    pub(crate) fn block(&self, name: &str, version: &str, why: &str) {
        let mut stored = self.world.0.lock().unwrap();
        for (_, package, _, blocked) in &mut stored.packages {
            if package.at.name == name && package.at.version == version {
                package.state = State::Quarantined;
                *blocked = Some(why.to_owned());
            }
        }
    }
    /// Files an advisory.
    pub(crate) fn advise(&self, known: Known) {
        self.world.0.lock().unwrap().known.push(known);
    }
    pub(crate) fn versions(&self, name: &str) -> Vec<VersionView> {
        self.view_now(name).map(|view| view.versions).unwrap_or_default()
    }
    /// Names of staged bytes and open uploads: what an aborted publication leaves behind.
    pub(crate) fn sessions(&self) -> usize {
        self.world.0.lock().unwrap().sessions.len()
    }

    fn view_now(&self, name: &str) -> Option<PackageView> {
        let stored = self.world.0.lock().unwrap();
        let versions: Vec<VersionView> = stored
            .packages
            .iter()
            .filter(|(place, package, _, _)| *place == self.name && package.at.name == name)
            .filter(|(_, package, _, _)| package.at.format == self.format && package.state != State::Hidden)
            .map(|(_, package, files, blocked)| VersionView {
                package: package.clone(),
                files: files.clone(),
                remote: Vec::new(),
                blocked: blocked.clone(),
            })
            .collect();
        let references = stored
            .references
            .iter()
            .filter(|(place, of, _)| *place == self.name && of == name)
            .map(|(_, _, reference)| reference.clone())
            .collect();
        (!versions.is_empty()).then(|| PackageView {
            name: name.to_owned(),
            versions,
            references,
            revision: stored.next.to_string(),
        })
    }

    /// What the gate and the edge do with a reply.
    pub(super) fn deliver(&self, format: &dyn Format, reply: Reply) -> Response {
        let stored = self.world.0.lock().unwrap();
        let owned =
            |headers: Vec<(&'static str, String)>| headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        match reply {
            Reply::Answer(answer) => Response::of(answer),
            Reply::Document(document) => {
                let mut headers: Vec<(String, String)> = owned(document.headers);
                headers.insert(0, ("Content-Type".to_owned(), document.media_type));
                Response { status: 200, reason: None, headers, body: document.body }
            }
            Reply::Staged { digest, headers } => {
                assert!(self.may_write, "staged bytes are for those who may write");
                let body = stored.blobs.get(&digest).unwrap().clone();
                Response { status: 200, reason: None, headers: owned(headers), body }
            }
            Reply::File { file, headers } => {
                let (_, package, file, blocked) = stored
                    .packages
                    .iter()
                    .flat_map(|(r, p, files, b)| files.iter().map(move |f| (r, p, f, b)))
                    .find(|(_, _, f, _)| f.id == file)
                    .unwrap();
                if let Some(why) = blocked {
                    let shown = format.display(&package.at.name, &package.at.version);
                    return Response::of(format.refuse(&Refusal { reasons: vec![why.clone()], ..refusal(&shown) }));
                }
                let mut headers: Vec<(String, String)> = owned(headers);
                headers.insert(0, ("Content-Type".to_owned(), file.media_type.clone()));
                let body = stored.blobs.get(&file.digest).unwrap().clone();
                Response { status: 200, reason: None, headers, body }
            }
        }
    }

    fn write(&self) -> Result<()> {
        if self.may_write {
            return Ok(());
        }
        Err(Problem::new(Kind::Forbidden, "forbidden", "you may read this repository and not write to it"))
    }

    async fn drain(mut body: ByteStream) -> Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await {
            whole.extend_from_slice(&piece.map_err(|e| Problem::invalid("incomplete-body", e.to_string()))?);
        }
        Ok(whole)
    }

    fn keep(&self, name: &str, bytes: Vec<u8>, expect: &Expect) -> Result<Staged> {
        let digest = Digest::of(&bytes);
        let sha512: Digest = format!("sha512:{}", hex::encode(sha2::Sha512::digest(&bytes))).parse().unwrap();
        if expect.digest.as_ref().is_some_and(|wanted| *wanted != digest && *wanted != sha512) {
            return Err(Problem::invalid("digest-mismatch", "the bytes have another digest"));
        }
        if expect.size.is_some_and(|wanted| wanted != bytes.len() as u64) {
            return Err(Problem::invalid("size-mismatch", "another number of bytes arrived"));
        }
        if expect.at_most.is_some_and(|most| most < bytes.len() as u64) {
            return Err(Problem::new(Kind::TooLarge, "too-large", "too many bytes"));
        }
        let mut hashes = BTreeMap::new();
        if expect.digest.as_ref() == Some(&sha512) {
            hashes.insert("sha512".to_owned(), sha512.hex().to_owned());
            self.world.0.lock().unwrap().aliases.insert(sha512, digest.clone());
        }
        for algorithm in &expect.also {
            let hex = match *algorithm {
                "sha512" => hex::encode(sha2::Sha512::digest(&bytes)),
                // The fake has no such hash; a made-up one of the right length is different for different bytes.
                "md5" => digest.hex()[..32].to_owned(),
                "sha1" => hex::encode(sha1::Sha1::digest(&bytes)),
                "blake2_256" => digest.hex().chars().rev().collect(),
                other => panic!("{other} cannot be asked for"),
            };
            hashes.insert((*algorithm).to_owned(), hex);
        }
        let size = bytes.len() as u64;
        let mut stored = self.world.0.lock().unwrap();
        stored.blobs.insert(digest.clone(), bytes.into());
        stored.staged.insert((self.name.clone(), name.to_owned(), digest.clone()));
        Ok(Staged { digest, size, hashes })
    }

    fn store(&self, claim: Claim) -> Result<Receipt> {
        for file in &claim.files {
            if self.seen(&claim.name, &file.digest).is_none() {
                return Err(Problem::invalid(
                    "blob-unknown",
                    format!("the bytes of `{}` were not uploaded", file.path),
                ));
            }
        }
        let mut stored = self.world.0.lock().unwrap();
        let found = stored
            .packages
            .iter()
            .position(|(r, p, _, _)| *r == self.name && p.at.name == claim.name && p.at.version == claim.version);
        stored.next += 1;
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_700_000_000 + 60 * stored.next);
        let index = match found {
            Some(index) => index,
            None => {
                let package = package_of(self.format, &claim, PackageId(stored.next), now);
                stored.packages.push((self.name.clone(), package, Vec::new(), None));
                stored.packages.len() - 1
            }
        };
        let mut added = 0;
        let id = stored.packages[index].1.id;
        for new in &claim.files {
            if let Some(old) = stored.packages[index].2.iter().find(|file| file.path == new.path) {
                if old.digest != new.digest {
                    return Err(Problem::conflict(format!("`{}` exists already with other bytes", new.path)));
                }
                continue;
            }
            added += 1;
            stored.next += 1;
            let file = File {
                id: FileId(stored.next),
                package: id,
                path: new.path.clone(),
                digest: new.digest.clone(),
                size: new.size,
                media_type: new.media_type.clone(),
                role: new.role,
                hashes: new.hashes.clone(),
                metadata: new.metadata.clone(),
                uploaded_at: now,
            };
            stored.packages[index].2.push(file);
            stored.staged.remove(&(self.name.clone(), claim.name.clone(), new.digest.clone()));
        }
        if !claim.metadata.is_null() || claim.files.is_empty() {
            stored.packages[index].1.metadata = claim.metadata;
        }
        for name in claim.references {
            stored.references.retain(|(r, of, old)| !(*r == self.name && *of == claim.name && old.name == name));
            let reference = Reference { name, package: id, version: claim.version.clone(), set_at: now };
            stored.references.push((self.name.clone(), claim.name.clone(), reference));
        }
        if claim.replaces_others {
            stored.packages.retain(|(r, p, _, _)| !(*r == self.name && p.at.name == claim.name && p.id != id));
        }
        Ok(Receipt { package: id, created: found.is_none() || added > 0 })
    }

    fn seen(&self, name: &str, digest: &Digest) -> Option<SeenBlob> {
        let digest = &self.world.0.lock().unwrap().aliases.get(digest).unwrap_or(digest).clone();
        let versions = self.versions(name);
        let mut files: Vec<_> =
            versions.iter().flat_map(|v| v.files.iter().map(move |f| (v.blocked.is_some(), f))).collect();
        files.sort_by_key(|(blocked, _)| *blocked);
        if let Some((_, file)) = files.into_iter().find(|(_, file)| file.digest == *digest) {
            return Some(SeenBlob { digest: digest.clone(), size: file.size, file: Some(file.id) });
        }
        let stored = self.world.0.lock().unwrap();
        let staged = stored.staged.contains(&(self.name.clone(), name.to_owned(), digest.clone()));
        (staged && self.may_write).then(|| SeenBlob {
            digest: digest.clone(),
            size: stored.blobs.get(digest).unwrap().len() as u64,
            file: None,
        })
    }
}

fn package_of(format: &str, claim: &Claim, id: PackageId, now: Timestamp) -> Package {
    Package {
        id,
        repository: RepositoryId(1),
        at: Coordinates { format: format.to_owned(), name: claim.name.clone(), version: claim.version.clone() },
        metadata: serde_json::Value::Null,
        state: State::Available,
        held: None,
        tags: BTreeSet::new(),
        decision: None,
        uploader: "tester".to_owned(),
        uploaded_at: now,
        published_at: claim.published_at,
        origin: None,
    }
}

/// A refusal with everything in it.
pub(crate) fn refusal(package: &str) -> Refusal {
    Refusal {
        decision: Some(assay_model::decision::DecisionId("01JD0000000000000000000000".to_owned())),
        package: package.to_owned(),
        state: State::Quarantined,
        policies: vec!["Max CVSS".to_owned()],
        reasons: vec!["CVSS 9.8 is above 7.0".to_owned()],
        vulnerabilities: vec![
            cited("CVE-2018-18074", 9.8, Some("2.20.0"), "credentials sent to another host\nafter a redirect"),
            cited("CVE-2023-32681", 6.1, None, "proxy credentials \"leak\""),
        ],
        nearest_allowed: Some("2.32.0".to_owned()),
        link: "http://assay.test:8080/ui/packages/7".to_owned(),
    }
}

fn cited(id: &str, score: f64, fixed: Option<&str>, title: &str) -> assay_model::decision::Cited {
    assay_model::decision::Cited {
        id: id.to_owned(),
        component: "pkg:pypi/requests@2.6.0".to_owned(),
        score: Some(score),
        severity: assay_model::finding::Severity::High,
        fixed: fixed.map(str::to_owned),
        title: title.to_owned(),
    }
}

fn no_session() -> Problem {
    Problem::new(Kind::NotFound, "no-such-upload", "there is no such upload")
}

impl Intake for FakeRepo {
    fn stage<'a>(&'a self, name: &'a str, body: ByteStream, expect: Expect) -> Task<'a, Staged> {
        Box::pin(async move {
            self.write()?;
            let bytes = Self::drain(body).await?;
            self.keep(name, bytes, &expect)
        })
    }
    fn open_session<'a>(&'a self, name: &'a str) -> Task<'a, String> {
        Box::pin(async move {
            self.write()?;
            let mut stored = self.world.0.lock().unwrap();
            stored.next += 1;
            let id = format!("session{}", stored.next);
            stored.sessions.insert(id.clone(), (name.to_owned(), Vec::new()));
            Ok(id)
        })
    }
    fn append<'a>(&'a self, session: &'a str, at: Option<u64>, body: ByteStream) -> Task<'a, u64> {
        Box::pin(async move {
            self.write()?;
            let bytes = Self::drain(body).await?;
            let mut stored = self.world.0.lock().unwrap();
            let (_, sofar) = stored.sessions.get_mut(session).ok_or_else(no_session)?;
            if at.is_some_and(|at| at != sofar.len() as u64) {
                return Err(Problem::new(Kind::Range, "out-of-order", "the next chunk begins elsewhere"));
            }
            sofar.extend_from_slice(&bytes);
            Ok(sofar.len() as u64)
        })
    }
    fn session<'a>(&'a self, session: &'a str) -> Task<'a, u64> {
        Box::pin(async move {
            self.write()?;
            let stored = self.world.0.lock().unwrap();
            stored.sessions.get(session).map(|(_, bytes)| bytes.len() as u64).ok_or_else(no_session)
        })
    }
    fn close_session<'a>(&'a self, session: &'a str, keep: Option<Expect>) -> Task<'a, Option<Staged>> {
        Box::pin(async move {
            self.write()?;
            let (name, bytes) = self.world.0.lock().unwrap().sessions.remove(session).ok_or_else(no_session)?;
            keep.map(|expect| self.keep(&name, bytes, &expect)).transpose()
        })
    }
    fn publish<'a>(&'a self, claim: Claim) -> Task<'a, Receipt> {
        Box::pin(async move {
            self.write()?;
            self.store(claim)
        })
    }
}

impl Repo for FakeRepo {
    fn rendered(
        &self,
        view: &PackageView,
        _form: &str,
        render: &(dyn Fn(&PackageView) -> Document + Sync),
    ) -> Document {
        render(view)
    }
    fn repository(&self) -> &str {
        &self.name
    }
    fn caller(&self) -> &Caller {
        &Caller::System
    }
    fn read<'a>(&'a self, staged: &'a Staged) -> Task<'a, Box<dyn ReadSeek>> {
        Box::pin(async move {
            let bytes = self.world.0.lock().unwrap().blobs.get(&staged.digest).unwrap().clone();
            Ok(Box::new(Cursor::new(bytes)) as Box<dyn ReadSeek>)
        })
    }
}

impl Lobby for FakeRepo {
    fn enter(&self) -> Result<()> {
        Ok(())
    }
    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>> {
        Box::pin(async move {
            let stored = self.world.0.lock().unwrap();
            let names: BTreeSet<String> =
                stored.packages.iter().map(|(place, package, _, _)| format!("{place}/{}", package.at.name)).collect();
            Ok(names.into_iter().filter(|name| after.is_none_or(|after| name.as_str() > after)).take(limit).collect())
        })
    }
}
