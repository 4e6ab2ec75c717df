//! The ingest gate: the only way in for bytes. Spool → hash → blob → one transaction with package, files, event and work,
//! which is in [`crate::publication`]. A crash at any point leaves either nothing that a reader can see or everything.

use crate::{Desk, Engine, access::random_hex, leftovers::SPOOLED};
use assay_model::{
    access::Permission,
    digest::Digest,
    problem::{Kind, Problem},
    seam::{
        ByteStream, Task,
        format::{Claim, Expect, Intake, Receipt, Staged},
        meta::{self, Tx, Upload},
    },
};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::Digest as _;
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The hashes to compute beside SHA-256.
fn wanted(expect: &Expect) -> Vec<&str> {
    let announced = expect.digest.as_ref().map(Digest::algorithm).filter(|algorithm| *algorithm != "sha256");
    expect.also.iter().copied().chain(announced).collect()
}

/// Hashes that are computed while bytes pass.
pub(crate) struct Hashers {
    sha256: sha2::Sha256,
    sha512: Option<sha2::Sha512>,
    md5: Option<md5::Md5>,
    sha1: Option<sha1::Sha1>,
    blake2: Option<blake2::Blake2b256>,
    /// Bytes so far.
    pub(crate) size: u64,
}

impl Hashers {
    pub(crate) fn new(also: &[&str]) -> Self {
        Self {
            sha256: sha2::Sha256::new(),
            sha512: also.contains(&"sha512").then(sha2::Sha512::new),
            md5: also.contains(&"md5").then(md5::Md5::new),
            sha1: also.contains(&"sha1").then(sha1::Sha1::new),
            blake2: also.contains(&"blake2_256").then(blake2::Blake2b256::new),
            size: 0,
        }
    }
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        if let Some(h) = &mut self.sha512 {
            h.update(bytes);
        }
        if let Some(h) = &mut self.md5 {
            h.update(bytes);
        }
        if let Some(h) = &mut self.sha1 {
            h.update(bytes);
        }
        if let Some(h) = &mut self.blake2 {
            h.update(bytes);
        }
    }
    pub(crate) fn finish(self) -> Result<Staged, Problem> {
        let mut hashes = BTreeMap::new();
        if let Some(h) = self.sha512 {
            hashes.insert("sha512".to_owned(), hex::encode(h.finalize()));
        }
        if let Some(h) = self.md5 {
            hashes.insert("md5".to_owned(), hex::encode(h.finalize()));
        }
        if let Some(h) = self.sha1 {
            hashes.insert("sha1".to_owned(), hex::encode(h.finalize()));
        }
        if let Some(h) = self.blake2 {
            hashes.insert("blake2_256".to_owned(), hex::encode(h.finalize()));
        }
        Ok(Staged { digest: Digest::sha256(&hex::encode(self.sha256.finalize()))?, size: self.size, hashes })
    }
}

fn check(staged: &Staged, expect: &Expect) -> Result<(), Problem> {
    if let Some(size) = expect.size.filter(|s| *s != staged.size) {
        return Err(Problem::invalid(
            "size-mismatch",
            format!("{} bytes were announced and {} arrived", size, staged.size),
        ));
    }
    let Some(announced) = &expect.digest else { return Ok(()) };
    let found = match announced.algorithm() {
        "sha256" => staged.digest.clone(),
        other => format!("{other}:{}", staged.hashes.get(other).map(String::as_str).unwrap_or_default()).parse()?,
    };
    if *announced != found {
        return Err(Problem::invalid(
            "digest-mismatch",
            format!("the digest {announced} was announced and the bytes have {found}"),
        ));
    }
    Ok(())
}

pub(crate) fn disk(e: std::io::Error) -> Problem {
    Problem::internal("cannot write to the spool directory", e)
}

/// Bytes of a body that are collected before they are hashed and written, on a thread that may block.
const COLLECTED: usize = 256 << 10;

/// A body on its way to a file. Holds what has arrived and is not written, and no more: a client that is slow takes no
/// buffer that waits to be filled.
struct Spool {
    file: std::fs::File,
    hashers: Hashers,
    waiting: Vec<Bytes>,
    bytes: usize,
}

impl Spool {
    async fn take(mut self, chunk: Bytes) -> Result<Self, Problem> {
        self.bytes += chunk.len();
        self.waiting.push(chunk);
        if self.bytes < COLLECTED { Ok(self) } else { self.write().await }
    }

    async fn write(mut self) -> Result<Self, Problem> {
        if self.waiting.is_empty() {
            return Ok(self);
        }
        let written = tokio::task::spawn_blocking(move || {
            for chunk in self.waiting.drain(..) {
                self.hashers.update(&chunk);
                self.file.write_all(&chunk)?;
            }
            self.bytes = 0;
            Ok(self)
        });
        written.await.map_err(|e| Problem::internal("writing to the spool was cut off", e))?.map_err(disk)
    }
}

impl Engine {
    fn cap(&self, expect: &Expect) -> u64 {
        expect.at_most.unwrap_or(u64::MAX).min(self.parts.limits.file_bytes)
    }

    pub(crate) fn too_large(cap: u64) -> Problem {
        Problem::new(
            Kind::TooLarge,
            "too-large",
            format!("more than {cap} bytes; the limit for a file is `limits.file_bytes` in the configuration"),
        )
    }

    /// A new temporary file where bytes are spooled.
    pub(crate) fn spool_file(&self) -> Result<(std::fs::File, tempfile::TempPath), Problem> {
        let spooled = tempfile::Builder::new().prefix(SPOOLED).tempfile_in(&self.parts.spool).map_err(disk)?;
        Ok(spooled.into_parts())
    }

    /// Streams a body into a temporary file, hashing it.
    async fn spool(&self, mut body: ByteStream, expect: &Expect) -> Result<(tempfile::TempPath, Staged), Problem> {
        let cap = self.cap(expect);
        let (file, path) = self.spool_file()?;
        let mut spool = Spool { file, hashers: Hashers::new(&wanted(expect)), waiting: Vec::new(), bytes: 0 };
        let mut size = 0;
        while let Some(chunk) = body.next().await {
            let chunk: Bytes = chunk.map_err(|e| {
                Problem::invalid("incomplete-body", "the request body ended before all bytes had arrived").caused_by(e)
            })?;
            size += chunk.len() as u64;
            if size > cap {
                return Err(Self::too_large(cap));
            }
            spool = spool.take(chunk).await?;
        }
        let staged = spool.write().await?.hashers.finish()?;
        check(&staged, expect)?;
        Ok((path, staged))
    }

    /// Stores spooled bytes and stages them; `ends` is the session whose bytes they are.
    pub(crate) async fn keep(
        &self,
        desk: &Desk,
        name: &str,
        spooled: &Path,
        staged: &Staged,
        ends: Option<&str>,
    ) -> Result<(), Problem> {
        let (at, repository, format) = (self.now(), desk.repository.id, desk.format.spec().id);
        let (name, digest, size) = (name.to_owned(), staged.digest.clone(), staged.size);
        let ends = ends.map(str::to_owned);
        let stage = move |tx: &mut dyn Tx| {
            tx.stage_blob(repository, format, &name, &digest, size, at)?;
            ends.iter().try_for_each(|id| tx.close_upload(id).map(|_| ()))
        };
        self.arrive(&staged.digest, spooled, stage).await
    }

    /// What came in under a digest of another algorithm than the store's can be asked for by it.
    async fn note_announced(&self, expect: &Expect, staged: &Staged) -> Result<(), Problem> {
        let Some(alias) = expect.digest.clone().filter(|announced| announced.algorithm() != "sha256") else {
            return Ok(());
        };
        let digest = staged.digest.clone();
        meta::write(self.meta(), move |tx| tx.note_alias(&alias, &digest)).await
    }

    pub(crate) fn session_path(&self, id: &str) -> Result<PathBuf, Problem> {
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(no_session());
        }
        Ok(self.parts.spool.join("sessions").join(id))
    }

    /// Gives a session bytes of its own where a crash left them shared with a blob, which must never change.
    async fn own_bytes(&self, session: &Path) -> Result<(), Problem> {
        use std::os::unix::fs::MetadataExt as _;
        if tokio::fs::metadata(session).await.map_err(|_| no_session())?.nlink() > 1 {
            let spool = &self.parts.spool;
            let copy = tempfile::Builder::new().prefix(SPOOLED).tempfile_in(spool).map_err(disk)?.into_temp_path();
            tokio::fs::copy(session, &copy).await.map_err(disk)?;
            tokio::fs::rename(&copy, session).await.map_err(disk)?;
        }
        Ok(())
    }

    fn session_lock(&self, id: &str) -> Result<Arc<tokio::sync::Mutex<()>>, Problem> {
        let mut sessions = self.sessions.lock().map_err(|_| Problem::bug("the session table is poisoned"))?;
        sessions.retain(|_, lock| Arc::strong_count(lock) > 1);
        Ok(sessions.entry(id.to_owned()).or_default().clone())
    }
}

fn no_session() -> Problem {
    Problem::new(Kind::NotFound, "no-such-upload", "there is no such upload; it was finished, cancelled or expired")
}

impl Desk {
    async fn own_session(&self, id: &str) -> Result<Upload, Problem> {
        self.require(Permission::Write)?;
        self.engine.session_path(id)?;
        let wanted = id.to_owned();
        let upload = meta::read(self.engine.meta(), move |tx| tx.upload(&wanted)).await?.ok_or_else(no_session)?;
        if upload.repository != self.repository.id || upload.format != self.format.spec().id {
            return Err(no_session());
        }
        Ok(upload)
    }

    async fn session_length(&self, id: &str) -> Result<u64, Problem> {
        let path = self.engine.session_path(id)?;
        Ok(tokio::fs::metadata(path).await.map_err(|_| no_session())?.len())
    }

    /// Makes the bytes of a session a staged blob.
    async fn finish_session(&self, upload: &Upload, expect: &Expect) -> Result<Staged, Problem> {
        let path = self.engine.session_path(&upload.id)?;
        let mut file = tokio::fs::File::open(&path).await.map_err(|_| no_session())?;
        let mut hashers = Hashers::new(&wanted(expect));
        let mut buffer = vec![0_u8; 256 << 10];
        loop {
            let n = file.read(&mut buffer).await.map_err(disk)?;
            if n == 0 {
                break;
            }
            hashers.update(buffer.get(..n).unwrap_or_default());
        }
        let staged = hashers.finish()?;
        check(&staged, expect)?;
        // a second name for the bytes, so that a crash before the row is written leaves the session as it was
        let linked = self.engine.parts.spool.join(format!("{SPOOLED}{}", random_hex(8)?));
        let linked = match tokio::fs::hard_link(&path, &linked).await {
            Ok(()) => linked,
            Err(_) => path,
        };
        let linked = tempfile::TempPath::try_from_path(linked).map_err(disk)?;
        self.engine.keep(self, &upload.name, &linked, &staged, Some(&upload.id)).await?;
        self.engine.note_announced(expect, &staged).await?;
        Ok(staged)
    }
}

impl Intake for Desk {
    fn stage<'a>(&'a self, name: &'a str, body: ByteStream, expect: Expect) -> Task<'a, Staged> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.stage(name, body, expect).await;
            }
            self.require(Permission::Write)?;
            self.engine.room(&self.repository, expect.size.unwrap_or(0)).await?;
            let (spooled, staged) = self.engine.spool(body, &expect).await?;
            self.engine.keep(self, name, &spooled, &staged, None).await?;
            self.engine.note_announced(&expect, &staged).await?;
            Ok(staged)
        })
    }

    fn open_session<'a>(&'a self, name: &'a str) -> Task<'a, String> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.open_session(name).await;
            }
            self.require(Permission::Write)?;
            self.engine.room(&self.repository, 0).await?;
            let id = random_hex(16)?;
            tokio::fs::File::create_new(self.engine.session_path(&id)?).await.map_err(disk)?;
            let upload = Upload {
                id: id.clone(),
                repository: self.repository.id,
                format: self.format.spec().id.to_owned(),
                name: name.to_owned(),
                touched_at: self.engine.now(),
            };
            meta::write(self.engine.meta(), move |tx| tx.open_upload(&upload)).await?;
            Ok(id)
        })
    }

    fn append<'a>(&'a self, session: &'a str, at: Option<u64>, mut body: ByteStream) -> Task<'a, u64> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.append(session, at, body).await;
            }
            self.own_session(session).await?;
            let lock = self.engine.session_lock(session)?;
            let _one_writer = lock.lock().await;
            let mut length = self.session_length(session).await?;
            if at.is_some_and(|at| at != length) {
                return Err(Problem::new(
                    Kind::Range,
                    "out-of-order",
                    format!("the upload has {length} bytes; the next chunk must begin there"),
                ));
            }
            let path = self.engine.session_path(session)?;
            self.engine.own_bytes(&path).await?;
            let mut file = tokio::fs::OpenOptions::new().append(true).open(path).await.map_err(|_| no_session())?;
            let cap = self.engine.parts.limits.file_bytes;
            let mut broken = None;
            while let Some(chunk) = body.next().await {
                let chunk = match chunk {
                    Ok(chunk) => chunk,
                    Err(e) => {
                        broken = Some(e);
                        break;
                    }
                };
                length += chunk.len() as u64;
                if length > cap {
                    return Err(Engine::too_large(cap));
                }
                file.write_all(&chunk).await.map_err(disk)?;
            }
            file.flush().await.map_err(disk)?;
            file.sync_data().await.map_err(disk)?;
            let (id, now) = (session.to_owned(), self.engine.now());
            meta::write(self.engine.meta(), move |tx| tx.touch_upload(&id, now)).await?;
            match broken {
                Some(e) => {
                    Err(Problem::invalid("incomplete-body", format!("the chunk ended early; resume at byte {length}"))
                        .caused_by(e))
                }
                None => Ok(length),
            }
        })
    }

    fn session<'a>(&'a self, session: &'a str) -> Task<'a, u64> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.session(session).await;
            }
            self.own_session(session).await?;
            self.session_length(session).await
        })
    }

    fn close_session<'a>(&'a self, session: &'a str, keep: Option<Expect>) -> Task<'a, Option<Staged>> {
        Box::pin(async move {
            if let Some(target) = self.target()? {
                return target.close_session(session, keep).await;
            }
            let upload = self.own_session(session).await?;
            let lock = self.engine.session_lock(session)?;
            let _one_writer = lock.lock().await;
            let outcome = match &keep {
                Some(expect) => self.finish_session(&upload, expect).await.map(Some),
                None => Ok(None),
            };
            let id = upload.id.clone();
            meta::write(self.engine.meta(), move |tx| tx.close_upload(&id)).await?;
            let _ = tokio::fs::remove_file(self.engine.session_path(&upload.id)?).await;
            outcome
        })
    }

    fn publish<'a>(&'a self, claim: Claim) -> Task<'a, Receipt> {
        Box::pin(async move {
            match self.target()? {
                Some(target) => target.publish_from(claim, None).await,
                None => self.publish_from(claim, None).await,
            }
        })
    }
}
