//! The way of files from an upstream through the ingest gate: fetched once however many ask, compared with what the upstream
//! announced and with what it gave first, read as an upload is, published with their origin.

use super::{
    Flight, Known, Stage,
    flight::Lost,
    lock_of,
    origin::{absolute, failure},
};
use crate::{Desk, Engine, collect, intake::Hashers, shelf::Scope};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    problem::{Kind, Problem},
    seam::{
        format::{Claim, Staged},
        meta,
        upstream::{Answered, Remote, RemoteFile, RemoteVersion},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::io::AsyncWriteExt;

/// Files of one version that are fetched at the same time.
const AT_ONCE: usize = 4;
/// Seconds for which a node is believed to be fetching, and how often the others look.
const LEASE: i64 = 60;
const LOOK: Duration = Duration::from_millis(100);
/// How often a transfer that broke off is begun again.
const AGAIN: usize = 2;

/// Where a file can be had.
pub(super) struct Candidate {
    pub(super) known: Arc<Known>,
    pub(super) version: RemoteVersion,
    pub(super) file: RemoteFile,
}

/// One journey: the files that are published together.
pub(super) struct Journey {
    pub(super) desk: Desk,
    pub(super) name: String,
    pub(super) reference: Option<String>,
    /// Who asked for it first.
    pub(super) requester: String,
    /// Each with the places where it can be had, in the order in which they are asked.
    pub(super) files: Vec<(Arc<Flight>, Vec<Candidate>)>,
}

impl Journey {
    pub(super) async fn travel(self: Arc<Self>, scope: Scope) {
        let outcome = tokio::select! {
            outcome = self.clone().go() => outcome,
            Err(problem) = self.keep_turn() => Err(problem),
        };
        self.end_turn().await;
        if let Err(problem) = &outcome {
            let cause = std::error::Error::source(problem).map(ToString::to_string);
            tracing::warn!(%problem, cause, name = self.name, "a file of an upstream was not taken");
        }
        for (flight, _) in &self.files {
            if !flight.is_over() {
                let lost = outcome.as_ref().err().map_or_else(
                    || Lost::because(&Problem::bug("a file was fetched and not published")),
                    Lost::because,
                );
                flight.reached(Stage::Lost(lost));
            }
        }
        if let Ok(mut running) = self.desk.engine.upstreams.running.lock() {
            running.retain(|(of, _), flight| *of != scope || !flight.is_over());
        }
    }

    async fn go(self: Arc<Self>) -> Result<(), Problem> {
        let key = (self.desk.repository.id.0, self.name.clone(), "journey".to_owned());
        let lock = lock_of(&self.desk.engine.upstreams.asking, key)?;
        if !self.my_turn().await? {
            return Ok(());
        }
        let legs = stream::iter(0..self.files.len()).map(|leg| {
            let journey = self.clone();
            async move { journey.fetch(leg).await }
        });
        let fetched: Vec<Option<(usize, usize, Staged)>> = legs.buffered(AT_ONCE).try_collect().await?;
        let at = |(leg, place, staged): (usize, usize, Staged)| Some((self.files.get(leg)?.1.get(place)?, staged));
        let arrived: Vec<(&Candidate, Staged)> = fetched.into_iter().flatten().filter_map(at).collect();
        // files of one version are published one after the other: each claim carries the version's metadata
        let _one_publishes = lock.lock().await;
        let Some((first, _)) = arrived.first() else { return Ok(()) };
        let files: Vec<(&RemoteFile, Staged)> = arrived.iter().map(|(c, staged)| (&c.file, staged.clone())).collect();
        let mut claim = first.version.claim(&self.name, &files);
        claim.references = self.reference.iter().cloned().collect();
        self.inspect(&mut claim, &arrived).await?;
        let (version, paths) = (claim.version.clone(), claim.files.iter().map(|f| f.path.clone()).collect::<Vec<_>>());
        self.desk.publish_for(claim, &first.known.upstream.name, &self.requester).await?;
        self.land(&version, &paths).await
    }

    /// What other nodes leave to this one while its lease lasts.
    fn lease(&self) -> Option<String> {
        let (_, candidates) = self.files.first()?;
        let first = candidates.first().filter(|_| self.desk.engine.parts.meta.shared())?;
        let what = if first.version.whole { &first.version.version } else { &first.file.path };
        let (repository, format) = (self.desk.repository.id.0, self.desk.format.spec().id);
        Some(format!("fetch {repository}/{format}/{}/{what}", self.name))
    }

    async fn hold(&self, key: &str) -> Result<bool, Problem> {
        let engine = &self.desk.engine;
        let (owner, wanted, now) = (engine.owner.clone(), key.to_owned(), engine.now());
        let until = now + SignedDuration::from_secs(LEASE);
        meta::write(engine.meta(), move |tx| tx.take_lease(&wanted, &owner, now, until)).await
    }

    /// Waits until no other node fetches the same; says whether it is still to be done.
    async fn my_turn(&self) -> Result<bool, Problem> {
        let Some(key) = self.lease() else { return Ok(true) };
        while !self.hold(&key).await? {
            tokio::time::sleep(LOOK).await;
        }
        let version = self.files.first().and_then(|(_, all)| all.first()).map(|first| first.version.version.clone());
        self.land(&version.unwrap_or_default(), &self.paths()).await?;
        Ok(!self.files.iter().all(|(flight, _)| flight.is_over()))
    }

    /// Prolongs the lease for as long as the journey takes.
    async fn keep_turn(&self) -> Result<(), Problem> {
        let Some(key) = self.lease() else { return std::future::pending().await };
        loop {
            tokio::time::sleep(Duration::from_secs(LEASE.unsigned_abs() / 3)).await;
            self.hold(&key).await?;
        }
    }

    async fn end_turn(&self) {
        let (Some(key), owner) = (self.lease(), self.desk.engine.owner.clone()) else { return };
        if let Err(problem) = meta::write(self.desk.engine.meta(), move |tx| tx.end_lease(&key, &owner)).await {
            tracing::warn!(%problem, "a lease runs out by itself");
        }
    }

    fn paths(&self) -> Vec<String> {
        self.files.iter().filter_map(|(_, candidates)| Some(candidates.first()?.file.path.clone())).collect()
    }

    async fn inspect(&self, claim: &mut Claim, arrived: &[(&Candidate, Staged)]) -> Result<(), Problem> {
        for (candidate, staged) in arrived {
            let engine = &self.desk.engine;
            *claim =
                engine.read_fetched(candidate.known.remote, claim.clone(), &candidate.file, &staged.digest).await?;
        }
        Ok(())
    }

    /// Tells those who wait under which numbers the files are to be had.
    async fn land(&self, version: &str, paths: &[String]) -> Result<(), Problem> {
        let (repository, format) = (self.desk.repository.id, self.desk.format.spec().id);
        let (name, version) = (self.name.clone(), version.to_owned());
        let stored = meta::read(self.desk.engine.meta(), move |tx| {
            let packages = tx.packages_named(repository, format, &name, Some(&version))?;
            tx.files_of(&packages.iter().map(|package| package.id).collect::<Vec<_>>())
        })
        .await?;
        for (flight, candidates) in &self.files {
            let Some(path) = candidates.first().map(|c| &c.file.path).filter(|path| paths.contains(path)) else {
                continue;
            };
            if let Some(file) = stored.iter().find(|file| file.path == *path) {
                flight.reached(Stage::Landed(file.id));
            }
        }
        Ok(())
    }

    /// Fetches one file from the first place that has it: gives which file, which place, and its bytes.
    async fn fetch(&self, leg: usize) -> Result<Option<(usize, usize, Staged)>, Problem> {
        let Some((flight, candidates)) = self.files.get(leg) else { return Ok(None) };
        let mut missing = None;
        for (place, candidate) in candidates.iter().enumerate() {
            if let Some(staged) = self.known_already(candidate).await? {
                flight.reached(Stage::Verified { digest: staged.digest.clone(), size: staged.size });
                return Ok(Some((leg, place, staged)));
            }
            for attempt in 0..=AGAIN {
                match self.transfer(flight, candidate).await {
                    Ok(staged) => return Ok(Some((leg, place, staged))),
                    Err(problem) if problem.kind == Kind::NotFound => {
                        missing = Some(problem);
                        break;
                    }
                    Err(problem) if problem.code == "upstream-broke-off" && attempt < AGAIN => {
                        tracing::debug!(%problem, "a transfer is begun again");
                    }
                    Err(problem) => return Err(problem),
                }
            }
        }
        Err(missing.unwrap_or_else(|| Problem::not_found("no upstream has it")))
    }

    /// Bytes whose SHA-256 the upstream announces and that are stored already are not fetched again.
    async fn known_already(&self, candidate: &Candidate) -> Result<Option<Staged>, Problem> {
        let file = &candidate.file;
        let Some(digest) = file.digest.clone().filter(|digest| digest.algorithm() == "sha256") else { return Ok(None) };
        let Some(size) = self.desk.stage_known(&self.name, &digest).await? else { return Ok(None) };
        self.pin(candidate, &digest).await?;
        Ok(Some(Staged { digest, size, hashes: file.hashes.clone() }))
    }

    async fn transfer(&self, flight: &Arc<Flight>, candidate: &Candidate) -> Result<Staged, Problem> {
        let (engine, known) = (&self.desk.engine, &candidate.known);
        let _one_of_some = engine.upstreams.transfers.acquire().await;
        let url = absolute(&known.upstream.settings.url, &candidate.file.address);
        let answered = engine.ask_upstream(known, &url, &acceptable(&candidate.file.media_type), None).await?;
        let (id, now) = (known.upstream.id, engine.now());
        match answered.status {
            200 => engine.upstreams.health.answered(id, now),
            404 | 410 => {
                engine.upstreams.health.answered(id, now);
                let path = &candidate.file.path;
                return Err(Problem::not_found(format!("upstream {} has no `{path}`", known.upstream.name)));
            }
            _ => {
                let (problem, wait) = failure(known, &url, &answered);
                engine.upstreams.health.failed(id, now, &problem, wait);
                return Err(problem);
            }
        }
        let (spooled, staged) = self.spool(flight, candidate, answered).await?;
        check(&known.upstream.name, &candidate.file, &staged)?;
        self.pin(candidate, &staged.digest).await?;
        engine.keep(&self.desk, &self.name, &spooled, &staged, None).await?;
        flight.reached(Stage::Verified { digest: staged.digest.clone(), size: staged.size });
        Ok(staged)
    }

    async fn spool(
        &self,
        flight: &Arc<Flight>,
        candidate: &Candidate,
        answered: Answered,
    ) -> Result<(tempfile::TempPath, Staged), Problem> {
        let engine = &self.desk.engine;
        let size = answered.headers.get("content-length").and_then(|text| text.parse().ok());
        let also: Vec<&'static str> = vec!["md5", "sha1", "sha512"];
        let mut hashers = Hashers::new(&also);
        let (file, path) = engine.spool_file()?;
        flight.lies_at(path.to_path_buf());
        let mut out = tokio::fs::File::from_std(file);
        let cap = engine.parts.limits.file_bytes;
        let mut body = answered.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.broke_off(candidate, error))?;
            hashers.update(&chunk);
            if hashers.size > cap {
                return Err(Engine::too_large(cap));
            }
            out.write_all(&chunk).await.map_err(crate::intake::disk)?;
            out.flush().await.map_err(crate::intake::disk)?;
            flight.reached(Stage::Arriving { written: hashers.size, size });
        }
        if size.is_some_and(|size| size != hashers.size) {
            return Err(self.broke_off(candidate, std::io::ErrorKind::UnexpectedEof.into()));
        }
        Ok((path, hashers.finish()?))
    }

    fn broke_off(&self, candidate: &Candidate, error: std::io::Error) -> Problem {
        let (engine, upstream) = (&self.desk.engine, &candidate.known.upstream);
        let message = format!("upstream {} broke off while it sent `{}`", upstream.name, candidate.file.path);
        let problem = Problem::new(Kind::Upstream, "upstream-broke-off", message);
        engine.upstreams.health.failed(upstream.id, engine.now(), &problem, None);
        problem.caused_by(error)
    }

    /// What came first under a name stays: other bytes later are refused and reported.
    async fn pin(&self, candidate: &Candidate, digest: &Digest) -> Result<(), Problem> {
        let engine = &self.desk.engine;
        let (upstream, at) = (candidate.known.upstream.clone(), engine.now());
        let (name, path) = (self.name.clone(), format!("{}/{}", candidate.version.version, candidate.file.path));
        let subject = self.desk.scope(&self.name).subject(&candidate.version.version);
        let seen = digest.clone();
        let first = meta::write(engine.meta(), move |tx| {
            let first = tx.pin(upstream.id, &name, &path, &seen, at)?;
            if first != seen {
                let body = json!({"upstream": upstream.name, "path": path, "first": first, "now": seen});
                let actor = format!("upstream {}", upstream.name);
                tx.append_event(&NewEvent {
                    at,
                    kind: "upstream.changed-bytes",
                    actor,
                    subject: subject.clone(),
                    body,
                })?;
            }
            Ok(first)
        })
        .await?;
        if first == *digest {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Upstream,
            "upstream-changed-bytes",
            format!(
                "upstream {} now gives other bytes for `{}` than it gave first ({first}, now {digest}); they are refused",
                candidate.known.upstream.name, candidate.file.path
            ),
        ))
    }
}

impl Desk {
    /// Stages bytes under a name that are stored already, and gives their size.
    pub(crate) async fn stage_known(&self, name: &str, digest: &Digest) -> Result<Option<u64>, Problem> {
        let engine = &self.engine;
        let (repository, format, at) = (self.repository.id, self.format.spec().id, engine.now());
        let (name, wanted) = (name.to_owned(), digest.clone());
        let size = meta::write(engine.meta(), move |tx| {
            let Some(size) = tx.blob_size(&wanted)? else { return Ok(None) };
            let kept = collect::if_kept(tx, &wanted, |tx| tx.stage_blob(repository, format, &name, &wanted, size, at))?;
            Ok(kept.then_some(size))
        })
        .await?;
        let there = match size {
            Some(_) => engine.parts.blobs.stat(digest).await?,
            None => None,
        };
        Ok(size.filter(|_| there == size))
    }
}

impl Engine {
    /// The claim with what a fetched file says of itself.
    pub(crate) async fn read_fetched(
        &self,
        remote: &'static dyn Remote,
        mut claim: Claim,
        file: &RemoteFile,
        digest: &Digest,
    ) -> Result<Claim, Problem> {
        let mut bytes = self.parts.blobs.local(digest).await?;
        let file = file.clone();
        tokio::task::spawn_blocking(move || {
            remote.inspect(&mut claim, &file, bytes.as_mut())?;
            Ok(claim)
        })
        .await
        .map_err(|error| Problem::internal("reading a fetched file failed", error))?
    }
}

/// A remote registry may have one address for several kinds of documents; plain bytes need no such word.
pub(crate) fn acceptable(media_type: &str) -> String {
    match media_type {
        "" | "application/octet-stream" => String::new(),
        told => format!("{told}, */*;q=0.1"),
    }
}

/// Compares with what the upstream's index announced.
pub(crate) fn check(upstream: &str, file: &RemoteFile, staged: &Staged) -> Result<(), Problem> {
    let differs = |what: &str, told: &str, has: &str| {
        Err(Problem::new(
            Kind::Upstream,
            "upstream-digest-mismatch",
            format!(
                "upstream {upstream} announces `{}` with {what} {told}, and the bytes that it sent have {has}; they are refused",
                file.path
            ),
        ))
    };
    if let Some(size) = file.size.filter(|size| *size != staged.size) {
        return differs("size", &size.to_string(), &staged.size.to_string());
    }
    if let Some(digest) = &file.digest {
        let same = match digest.algorithm() {
            "sha256" => *digest == staged.digest,
            other => staged.hashes.get(other).is_some_and(|hex| hex == digest.hex()),
        };
        if !same {
            return differs("digest", digest.as_str(), staged.digest.as_str());
        }
    }
    for (algorithm, told) in &file.hashes {
        if let Some(has) = staged.hashes.get(algorithm).filter(|has| !has.eq_ignore_ascii_case(told)) {
            return differs(algorithm, told, has);
        }
    }
    Ok(())
}
