//! Bytes of upstreams, brought in through the ingest gate: fetched once however many ask, compared with what the upstream
//! announced and with what it gave first, read as an upload is, published with their origin.

use super::{
    Flight, Known, Stage,
    cooldown::withheld,
    flight::Lost,
    listing::{Found, Offer},
    lock_of,
    origin::{EngineOrigin, absolute, failure},
};
use crate::{
    Desk, Engine, collect,
    intake::Hashers,
    shelf::{Scope, Shelved},
};
use assay_model::{
    access::Caller,
    digest::Digest,
    event::NewEvent,
    package::{FileId, State},
    problem::{Kind, Problem},
    refusal::Refusal,
    repository::RepositoryId,
    seam::{
        format::{Claim, SeenBlob, Staged},
        meta,
        upstream::{Answered, Remote, RemoteFile, RemoteVersion},
    },
    upstream::Mode,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::io::AsyncWriteExt;

/// Files of one version that are fetched at the same time.
const AT_ONCE: usize = 4;
/// Seconds for which a node is believed to be fetching, and how often the others look.
const LEASE: i64 = 60;
const LOOK: Duration = Duration::from_millis(100);
/// How often a transfer that broke off is begun again.
const AGAIN: usize = 2;

/// What somebody who asked for a file is waiting for.
pub(crate) struct Errand {
    pub(crate) repository: RepositoryId,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    /// The file is on its way.
    Flight(Arc<Flight>, Mode),
    /// It is kept back.
    Withheld(Box<Refusal>),
}

/// Where a file can be had.
struct Candidate {
    known: Arc<Known>,
    version: RemoteVersion,
    file: RemoteFile,
}

/// One journey: the files that are published together.
struct Journey {
    desk: Desk,
    name: String,
    reference: Option<String>,
    /// Each with the places where it can be had, in the order in which they are asked.
    files: Vec<(Arc<Flight>, Vec<Candidate>)>,
}

impl Desk {
    /// The file of a path: one that an upstream has, on its way from now on.
    pub(crate) async fn take(&self, name: &str, path: &str, local: &Shelved) -> Result<Option<FileId>, Problem> {
        let Some(listing) = self.listing(name, local).await? else { return Ok(None) };
        if let Some((offer, file)) = listing.file(path) {
            return self.take_offer(name, path, offer, file.clone(), local).await.map(Some);
        }
        let key = (self.scope(name), format!("file {path}"));
        if let Some(found) = self.engine.upstreams.found.get(&key)
            && let Some(offer) = &found.offer
            && let Some(file) = offer.version.files.iter().find(|file| file.path == path)
        {
            return self.take_offer(name, path, offer, file.clone(), local).await.map(Some);
        }
        let mut candidates = Vec::new();
        for known in &listing.answering {
            let origin = EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            if let Some((version, file)) = known.remote.locate(&origin, name, path).await? {
                if local.hidden.contains(&version.version) {
                    return Ok(None);
                }
                candidates.push(Candidate { known: known.clone(), version, file });
            }
        }
        let Some(first) = candidates.first() else { return Ok(None) };
        if let Some(offer) = listing.offers.get(&first.version.version)
            && let Some(until) = offer.withheld
        {
            return Ok(Some(self.keep_back(name, offer, until)));
        }
        self.depart(name, path, None, vec![(path.to_owned(), candidates)]).await.map(Some)
    }

    async fn take_offer(
        &self,
        name: &str,
        path: &str,
        offer: &Offer,
        file: RemoteFile,
        local: &Shelved,
    ) -> Result<FileId, Problem> {
        if local.hidden.contains(&offer.version.version) {
            return Err(Problem::not_found(format!("there is no file `{path}` of `{name}` here")));
        }
        if let Some(until) = offer.withheld {
            return Ok(self.keep_back(name, offer, until));
        }
        let candidate = |file: RemoteFile| {
            let (known, version) = (offer.known.clone(), offer.version.clone());
            (file.path.clone(), vec![Candidate { known, version, file }])
        };
        let files = match offer.version.whole {
            true => offer.version.files.iter().cloned().map(candidate).collect(),
            false => vec![candidate(file)],
        };
        self.depart(name, path, offer.reference.clone(), files).await
    }

    /// The version that upstreams give for what their index need not list.
    pub(crate) async fn find_remote(
        &self,
        name: &str,
        what: &str,
        local: &Shelved,
    ) -> Result<Option<Arc<Offer>>, Problem> {
        let Some(listing) = self.listing(name, local).await? else { return Ok(None) };
        let listed = listing.offers.get(what).or_else(|| listing.offers.get(listing.references.get(what)?));
        if let Some(offer) = listed {
            return Ok(Some(offer.clone()));
        }
        let (key, now) = ((self.scope(name), what.to_owned()), self.engine.now());
        if let Some(found) = self.engine.upstreams.found.get(&key).filter(|found| found.until > now) {
            return Ok(found.offer.clone());
        }
        let mut offer = None;
        let mut seconds = 600;
        for known in &listing.answering {
            seconds = i64::from(known.upstream.settings.metadata_seconds).min(seconds);
            let origin = EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            if let Some(version) = known.remote.find(&origin, name, what).await? {
                let withheld = withheld(known, name, &version, now);
                let reference = (version.version != what).then(|| what.to_owned());
                offer = Some(Arc::new(Offer { known: known.clone(), version, reference, withheld }));
                break;
            }
        }
        if offer.is_none() {
            seconds = seconds.min(30);
        }
        let until = now + SignedDuration::from_secs(seconds);
        self.remember(name, what, &offer, until);
        Ok(offer)
    }

    /// Also under the version and the paths of its files, which clients ask for next.
    fn remember(&self, name: &str, what: &str, offer: &Option<Arc<Offer>>, until: Timestamp) {
        let found = Arc::new(Found { offer: offer.clone(), until });
        let kept = &self.engine.upstreams.found;
        let scope = self.scope(name);
        kept.insert((scope.clone(), what.to_owned()), found.clone());
        let Some(offer) = offer else { return };
        kept.insert((scope.clone(), offer.version.version.clone()), found.clone());
        for file in &offer.version.files {
            kept.insert((scope.clone(), format!("file {}", file.path)), found.clone());
            if let Some(digest) = file.digest.as_ref().filter(|digest| digest.as_str() != file.path) {
                kept.insert((scope.clone(), format!("file {digest}")), found.clone());
            }
        }
    }

    /// A blob by digest, on its way from an upstream that gave a version with it.
    pub(crate) async fn take_blob(
        &self,
        name: &str,
        digest: &Digest,
        local: &Shelved,
    ) -> Result<Option<SeenBlob>, Problem> {
        if self.upstreams_for(name).await?.is_empty() {
            return Ok(None);
        }
        let key = (self.scope(name), format!("file {digest}"));
        let Some(found) = self.engine.upstreams.found.get(&key) else { return Ok(None) };
        let Some(offer) = &found.offer else { return Ok(None) };
        let same = |file: &&RemoteFile| file.digest.as_ref() == Some(digest);
        let Some(file) = offer.version.files.iter().find(same) else { return Ok(None) };
        let size = file.size.unwrap_or_default();
        let id = self.take_offer(name, &file.path, offer, file.clone(), local).await?;
        Ok(Some(SeenBlob { digest: digest.clone(), size, file: Some(id) }))
    }

    /// Points a mutable name, as an upstream resolved it, to its version where that is here already.
    pub(crate) async fn note_reference(&self, name: &str, offer: &Offer, local: &Shelved) -> Result<(), Problem> {
        let Some(what) = &offer.reference else { return Ok(()) };
        let known = local.view.references.iter().find(|reference| reference.name == *what);
        let version = &offer.version.version;
        let here = local.view.versions.iter().find(|here| here.package.at.version == *version);
        match here {
            Some(here) if known.is_none_or(|known| known.version != *version) => {
                let (what, metadata) = (what.clone(), here.package.metadata.clone());
                self.point(name, Claim { references: vec![what], metadata, ..offer.version.claim(name, &[]) }).await
            }
            _ => Ok(()),
        }
    }

    async fn point(&self, name: &str, claim: Claim) -> Result<(), Problem> {
        match self.as_system().publish_from(claim, None).await {
            Err(problem) if problem.kind != Kind::NotFound => {
                tracing::warn!(%problem, name, "a mutable name was not set");
                Err(problem)
            }
            _ => Ok(()),
        }
    }

    fn as_system(&self) -> Desk {
        Desk::new(self.engine.clone(), self.repository.clone(), self.format, Caller::System)
    }

    /// A number under which the gate will say why the version is kept back.
    fn keep_back(&self, name: &str, offer: &Offer, until: Timestamp) -> FileId {
        let settings = &offer.known.upstream.settings;
        let days = settings.cooldown_days;
        let upstream = &offer.known.upstream.name;
        let reason = match offer.version.published_at {
            Some(at) => format!(
                "published on {}, and versions from upstream {upstream} are taken after {days} days, on {}",
                at.strftime("%Y-%m-%d"),
                until.strftime("%Y-%m-%d"),
            ),
            None => format!("upstream {upstream} does not say when it was published, and {days} days must have passed"),
        };
        let version = &offer.version.version;
        let refusal = Refusal {
            decision: None,
            package: self.format.display(name, version),
            state: State::Quarantined,
            policies: vec!["cooldown".to_owned()],
            reasons: vec![reason],
            vulnerabilities: Vec::new(),
            nearest_allowed: self.nearest_listed(name, version),
            link: format!("{}/ui/repositories/{}", self.engine.parts.public_url, self.repository.name),
        };
        self.errand(Outcome::Withheld(Box::new(refusal)))
    }

    /// The greatest version below `version` that is not kept back, of those listed.
    fn nearest_listed(&self, name: &str, version: &str) -> Option<String> {
        let law = assay_model::ecosystem::of_purl_type(self.format.spec().ecosystem?)?;
        let listing = self.engine.upstreams.listings.get(&self.scope(name))?;
        let below = |other: &&String| law.scheme.compare(other, version).is_ok_and(std::cmp::Ordering::is_lt);
        let open = listing.offers.iter().filter(|(_, offer)| offer.withheld.is_none()).map(|(version, _)| version);
        open.filter(below).max_by(|a, b| law.scheme.compare(a, b).unwrap_or(std::cmp::Ordering::Equal)).cloned()
    }

    fn errand(&self, outcome: Outcome) -> FileId {
        let id = FileId(self.engine.upstreams.next.fetch_sub(1, Ordering::Relaxed));
        let errand = Errand { repository: self.repository.id, outcome };
        self.engine.upstreams.errands.insert(id, Arc::new(errand));
        id
    }

    /// Begins a journey, or joins the one that is under way, and gives the number of the file that is asked for.
    async fn depart(
        &self,
        name: &str,
        wanted: &str,
        reference: Option<String>,
        files: Vec<(String, Vec<Candidate>)>,
    ) -> Result<FileId, Problem> {
        let scope = self.scope(name);
        let mode =
            files.first().and_then(|(_, all)| all.first()).map_or(Mode::Hold, |c| c.known.upstream.settings.mode);
        let mut mine = Vec::new();
        let mut asked = None;
        {
            let mut running = self.engine.upstreams.running.lock().map_err(|_| Problem::bug("flights are poisoned"))?;
            if let Some(flight) = running.get(&(scope.clone(), wanted.to_owned())).filter(|flight| !flight.is_over()) {
                return Ok(self.errand(Outcome::Flight(flight.clone(), mode)));
            }
            for (path, candidates) in files {
                let media_type = candidates.first().map(|c| c.file.media_type.clone()).unwrap_or_default();
                let flight = Arc::new(Flight::new(&media_type));
                if path == wanted {
                    asked = Some(flight.clone());
                }
                running.insert((scope.clone(), path), flight.clone());
                mine.push((flight, candidates));
            }
        }
        let asked = asked.ok_or_else(|| Problem::bug("the file asked for is not among those fetched"))?;
        let journey = Journey { desk: self.as_system(), name: name.to_owned(), reference, files: mine };
        tokio::spawn(Arc::new(journey).travel(scope));
        Ok(self.errand(Outcome::Flight(asked, mode)))
    }
}

impl Journey {
    async fn travel(self: Arc<Self>, scope: Scope) {
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
        self.desk.publish_from(claim, Some(&first.known.upstream.name)).await?;
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
        let (mutable, seen) = (candidate.file.metadata.get("mutable").is_some_and(|m| m == true), digest.clone());
        if mutable {
            return Ok(());
        }
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
