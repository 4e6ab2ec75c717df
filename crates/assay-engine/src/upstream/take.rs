//! What a client's request for a file of an upstream becomes: a number for a file that is on its way, or for the reason
//! why it is kept back. The way itself is `journey`.

use super::{
    Flight,
    cooldown::withheld,
    journey::{Candidate, Journey},
    listing::{Found, Offer},
    origin::EngineOrigin,
};
use crate::{Desk, shelf::Shelved};
use assay_model::{
    access::Caller,
    clock::is_ahead,
    digest::Digest,
    package::{FileId, State},
    problem::{Kind, Problem},
    refusal::Refusal,
    repository::RepositoryId,
    seam::{
        format::{Claim, SeenBlob},
        upstream::RemoteFile,
    },
    upstream::Mode,
    view::VersionView,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, atomic::Ordering};

/// How long it is remembered at most whether upstreams have what their index does not list, in seconds.
const REMEMBERED: i64 = 600;

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
        let files = vec![(path.to_owned(), candidates)];
        self.depart(name, path, None, files, local).await.map(Some)
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
        self.depart(name, path, offer.reference.clone(), files, local).await
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
        let found = self.engine.upstreams.found.get(&key);
        if let Some(found) = found.filter(|found| is_ahead(found.until, now, SignedDuration::from_secs(REMEMBERED))) {
            return Ok(found.offer.clone());
        }
        let mut offer = None;
        let mut seconds = REMEMBERED;
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
        local: &Shelved,
    ) -> Result<FileId, Problem> {
        let scope = self.scope(name);
        let mode = files.first().and_then(|(_, all)| all.first()).map_or(Mode::Hold, |first| mode_of(first, local));
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
        let journey = Journey {
            desk: self.as_system(),
            name: name.to_owned(),
            reference,
            requester: self.caller.name().to_owned(),
            files: mine,
        };
        tokio::spawn(Arc::new(journey).travel(scope));
        Ok(self.errand(Outcome::Flight(asked, mode)))
    }
}

/// How a file leaves before it is decided. Further files of a version that was decided before wait in open mode too: it
/// may have been refused.
fn mode_of(candidate: &Candidate, local: &Shelved) -> Mode {
    let version = &candidate.version.version;
    let decided = |here: &VersionView| here.package.at.version == *version && here.package.decision.is_some();
    match candidate.known.upstream.settings.mode {
        Mode::Open if local.view.versions.iter().any(decided) => Mode::Hold,
        mode => mode,
    }
}
