//! What upstreams list of a name, and the view that is made of it together with what is stored here. The first upstream
//! that has a name gives all of it; a name that was published here is taken from none, unless the upstream may shadow it.

use super::{Known, cooldown::withheld, lock_of, origin::EngineOrigin};
use crate::{
    Desk, Engine,
    shelf::{Scope, Shelved},
};
use assay_model::{
    clock::is_ahead,
    digest::Digest,
    package::{Coordinates, Package, PackageId, Reference, State},
    problem::Problem,
    seam::upstream::{RemoteFile, RemoteIndex, RemoteVersion},
    view::{PackageView, VersionView},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Versions of one name that are listed at most; the newest published ones are kept.
const VERSIONS: usize = 20_000;
/// How long a listing is kept in memory at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// What a listed version costs in memory besides its texts, roughly.
const OVERHEAD: usize = 512;

/// One version that an upstream has.
pub(crate) struct Offer {
    pub(crate) known: Arc<Known>,
    pub(crate) version: RemoteVersion,
    /// The mutable name that it was found by.
    pub(crate) reference: Option<String>,
    /// Until when the cooldown keeps it back; the far future where its age is not known.
    pub(crate) withheld: Option<Timestamp>,
}

impl Offer {
    /// The same once more, for a change.
    pub(super) fn again(&self) -> Self {
        let (known, version, reference) = (self.known.clone(), self.version.clone(), self.reference.clone());
        Self { known, version, reference, withheld: self.withheld }
    }
}

/// What upstreams list of a name.
pub(crate) struct Listing {
    pub(crate) offers: BTreeMap<String, Arc<Offer>>,
    pub(crate) references: BTreeMap<String, String>,
    by_path: HashMap<String, String>,
    /// The upstreams that may be asked for what is not listed: that which has the name, or all where none lists any.
    pub(crate) answering: Vec<Arc<Known>>,
    /// What the index says, summed up.
    index: String,
    revision: String,
    until: Timestamp,
    pub(super) weight: u32,
}

/// Something that was found by asking for it.
pub(crate) struct Found {
    pub(crate) offer: Option<Arc<Offer>>,
    pub(crate) until: Timestamp,
}

/// All names that an upstream lists.
pub(crate) struct Names {
    names: Vec<String>,
    until: Timestamp,
}

/// A view of what is here and what upstreams list.
pub(crate) struct Merged {
    local: String,
    listed: String,
    view: Arc<PackageView>,
    pub(super) weight: u32,
}

impl Merged {
    pub(super) fn new(local: &str, listed: &str, view: Arc<PackageView>, weight: u32) -> Self {
        Self { local: local.to_owned(), listed: listed.to_owned(), view, weight }
    }
    pub(super) fn is(&self, local: &str, listed: &str) -> bool {
        self.local == local && self.listed == listed
    }
    pub(super) fn view(&self) -> Arc<PackageView> {
        self.view.clone()
    }
}

impl Listing {
    /// The version and file of a path.
    pub(crate) fn file(&self, path: &str) -> Option<(&Arc<Offer>, &RemoteFile)> {
        let offer = self.offers.get(self.by_path.get(path)?)?;
        Some((offer, offer.version.files.iter().find(|file| file.path == path)?))
    }

    /// Lets what is kept back now count in the revision.
    pub(super) fn seal(&mut self) {
        let held =
            self.offers.iter().filter(|(_, offer)| offer.withheld.is_some()).map(|(version, _)| version.as_str());
        let held: Vec<&str> = held.collect();
        self.revision = Digest::of(format!("{} {}", self.index, held.join(" ")).as_bytes()).hex().to_owned();
    }

    fn new(known: Option<Arc<Known>>, asked: Vec<Arc<Known>>, index: RemoteIndex, name: &str, now: Timestamp) -> Self {
        let seconds = |known: &Arc<Known>| i64::from(known.upstream.settings.metadata_seconds);
        let ttl = known.iter().chain(&asked).map(seconds).min().unwrap_or(60);
        let mut until = now + SignedDuration::from_secs(ttl);
        let summed_up = serde_json::to_vec(&index).map(|bytes| Digest::of(&bytes).hex().to_owned()).unwrap_or_default();
        let mut listing = Self {
            offers: BTreeMap::new(),
            references: index.references,
            by_path: HashMap::new(),
            answering: known.clone().map_or(asked, |known| vec![known]),
            revision: summed_up.clone(),
            index: summed_up,
            until,
            weight: 0,
        };
        let Some(known) = known else { return listing };
        let mut versions = index.versions;
        versions.sort_by_key(|version| std::cmp::Reverse(version.published_at));
        versions.truncate(VERSIONS);
        let mut weight = OVERHEAD;
        for version in versions {
            let withheld = withheld(&known, name, &version, now);
            until = withheld.map_or(until, |end| until.min(end));
            weight += OVERHEAD + version.metadata.to_string().len() * 3 + version.files.len() * OVERHEAD;
            for file in &version.files {
                listing.by_path.insert(file.path.clone(), version.version.clone());
            }
            let key = version.version.clone();
            listing.offers.insert(key, Arc::new(Offer { known: known.clone(), version, reference: None, withheld }));
        }
        listing.seal();
        listing.until = until;
        listing.weight = u32::try_from(weight).unwrap_or(u32::MAX);
        listing
    }
}

impl Desk {
    /// What upstreams list of a name; nothing where none is asked. Fails only when nothing is stored here and nothing
    /// could be learned.
    pub(crate) async fn listing(&self, name: &str, local: &Shelved) -> Result<Option<Arc<Listing>>, Problem> {
        let mut asked = self.upstreams_for(name).await?;
        if local.has_own() {
            asked.retain(|known| known.upstream.settings.shadow_local);
        }
        if asked.is_empty() {
            return Ok(None);
        }
        let scope = self.scope(name);
        let now = self.engine.now();
        let upstreams = &self.engine.upstreams;
        if let Some(listing) = upstreams.listings.get(&scope).filter(|listing| is_ahead(listing.until, now, LONGEST)) {
            return Ok(Some(listing));
        }
        let lock = lock_of(&upstreams.listing, scope.clone())?;
        let _one_asks = lock.lock().await;
        if let Some(listing) = upstreams.listings.get(&scope).filter(|listing| is_ahead(listing.until, now, LONGEST)) {
            return Ok(Some(listing));
        }
        match self.ask_listing(name, asked).await {
            Ok(listing) => {
                let listing = Arc::new(listing);
                upstreams.listings.insert(scope, listing.clone());
                Ok(Some(listing))
            }
            Err(problem) => match upstreams.listings.get(&scope) {
                Some(older) => Ok(Some(older)),
                None if !local.view.versions.is_empty() => {
                    tracing::warn!(%problem, name, "an upstream is not listed");
                    Ok(None)
                }
                None => Err(problem),
            },
        }
    }

    /// Asks in order. One that fails ends it: an answer of a later one could be another thing under the same name.
    async fn ask_listing(&self, name: &str, asked: Vec<Arc<Known>>) -> Result<Listing, Problem> {
        for known in &asked {
            let origin = EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            if let Some(index) = known.remote.index(&origin, name).await? {
                let mut listing = Listing::new(Some(known.clone()), asked.clone(), index, name, self.engine.now());
                self.let_fixes_through(name, &mut listing).await?;
                return Ok(listing);
            }
        }
        Ok(Listing::new(None, asked, RemoteIndex::default(), name, self.engine.now()))
    }

    /// The view of what is here and what upstreams list.
    pub(crate) fn merged(&self, scope: Scope, local: &Shelved, listing: &Listing) -> Arc<PackageView> {
        let merged = &self.engine.upstreams.merged;
        let (here, listed) = (&local.view.revision, &listing.revision);
        if let Some(kept) = merged.get(&scope).filter(|kept| kept.is(here, listed)) {
            return kept.view();
        }
        let view = Arc::new(merge(self, local, listing));
        let weight = local.weight.saturating_add(listing.weight);
        merged.insert(scope, Arc::new(Merged::new(here, listed, view.clone(), weight)));
        view
    }

    /// Mutable names that the first upstream which has the name lists. An upstream that fails hides nothing that is here.
    pub(crate) async fn tags_of_upstreams(&self, name: &str, local: &Shelved) -> Result<Vec<String>, Problem> {
        let Some(listing) = self.listing(name, local).await? else { return Ok(Vec::new()) };
        for known in &listing.answering {
            let origin = EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            match known.remote.tags(&origin, name).await {
                Ok(Some(tags)) => return Ok(tags),
                Ok(None) => {}
                Err(problem) if local.view.versions.is_empty() => return Err(problem),
                Err(problem) => {
                    tracing::warn!(%problem, name, "the tags of an upstream are not listed");
                    break;
                }
            }
        }
        Ok(Vec::new())
    }

    /// Names of this format that upstreams list whole.
    pub(crate) async fn remote_names(&self) -> Result<Arc<Names>, Problem> {
        let key = (self.repository.id, self.format.spec().id);
        let now = self.engine.now();
        if let Some(names) = self.engine.upstreams.names.get(&key).filter(|names| is_ahead(names.until, now, LONGEST)) {
            return Ok(names);
        }
        let all = self.engine.known_upstreams(self.repository.id).await?;
        let (mut names, mut until) = (Vec::new(), now + SignedDuration::from_secs(600));
        for known in all.iter().filter(|known| known.upstream.format == key.1 && known.asks()) {
            let origin = EngineOrigin { engine: self.engine.clone(), known: known.clone() };
            let ttl = i64::from(known.upstream.settings.metadata_seconds);
            match known.remote.names(&origin).await {
                Ok(listed) => {
                    let reserved = &self.repository.settings.reserved;
                    let taken = |name: &String| {
                        known.upstream.settings.takes(name)
                            && !reserved.iter().any(|pattern| assay_model::upstream::matches(pattern, name))
                    };
                    names.extend(listed.into_iter().flatten().filter(taken));
                    until = until.min(now + SignedDuration::from_secs(ttl));
                }
                Err(problem) => {
                    tracing::warn!(%problem, upstream = known.upstream.name, "an upstream is not listed");
                    until = until.min(now + SignedDuration::from_secs(ttl.min(30)));
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        let names = Arc::new(Names { names, until });
        self.engine.upstreams.names.insert(key, names.clone());
        Ok(names)
    }
}

impl Engine {
    /// Versions of a name that upstreams list and that are not kept back, as they were listed last.
    pub(crate) fn open_at_upstreams(&self, scope: &Scope) -> Vec<String> {
        let Some(listing) = self.upstreams.listings.get(scope) else { return Vec::new() };
        listing
            .offers
            .iter()
            .filter(|(_, offer)| offer.withheld.is_none())
            .map(|(version, _)| version.clone())
            .collect()
    }
}

impl Names {
    /// Adds to names of a page, which are in order, those of upstreams that belong there.
    pub(crate) fn join(&self, mut page: Vec<String>, after: Option<&str>, limit: usize) -> Vec<String> {
        let full = page.len() >= limit;
        let last = page.last().cloned().filter(|_| full);
        let from = after.map_or(0, |after| self.names.partition_point(|name| name.as_str() <= after));
        let beyond = |name: &&String| last.as_ref().is_none_or(|last| *name <= last);
        page.extend(self.names.iter().skip(from).take_while(beyond).take(limit).cloned());
        page.sort_unstable();
        page.dedup();
        page.truncate(limit);
        page
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

fn merge(desk: &Desk, local: &Shelved, listing: &Listing) -> PackageView {
    let here = &local.view;
    let mut versions: Vec<VersionView> = Vec::with_capacity(here.versions.len() + listing.offers.len());
    let mut seen: HashSet<&str> = local.hidden.iter().map(String::as_str).collect();
    for version in &here.versions {
        let mut version = version.clone();
        if let Some(offer) =
            listing.offers.get(&version.package.at.version).filter(|_| version.package.origin.is_some())
        {
            let missing = |file: &&RemoteFile| !version.files.iter().any(|stored| stored.path == file.path);
            version.remote = offer.version.files.iter().filter(missing).cloned().collect();
            refresh(&mut version.package.metadata, &offer.version.metadata);
        }
        versions.push(version);
    }
    seen.extend(here.versions.iter().map(|version| version.package.at.version.as_str()));
    for (name, offer) in &listing.offers {
        if offer.withheld.is_none() && !seen.contains(name.as_str()) {
            versions.push(VersionView {
                package: not_stored(desk, &here.name, offer),
                files: Vec::new(),
                remote: offer.version.files.clone(),
                blocked: None,
            });
        }
    }
    let shown: HashSet<&str> = versions.iter().map(|version| version.package.at.version.as_str()).collect();
    let mut references = here.references.clone();
    references.retain(|reference| !listing.references.contains_key(&reference.name));
    for (name, version) in listing.references.iter().filter(|(_, version)| shown.contains(version.as_str())) {
        let package = versions.iter().find(|known| known.package.at.version == *version);
        let package = package.map_or(PackageId(0), |known| known.package.id);
        let set_at = Timestamp::UNIX_EPOCH;
        references.push(Reference { name: name.clone(), package, version: version.clone(), set_at });
    }
    let revision = Digest::of(format!("{} {}", here.revision, listing.revision).as_bytes());
    let revision = revision.hex().chars().take(32).collect();
    PackageView { name: here.name.clone(), versions, references, revision }
}

/// What the upstream says now counts for what it can change: yanked, deprecated.
fn refresh(stored: &mut Value, told: &Value) {
    match (stored, told) {
        (Value::Object(stored), Value::Object(told)) => {
            stored.extend(told.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        (stored @ Value::Null, told) => *stored = told.clone(),
        _ => {}
    }
}

fn not_stored(desk: &Desk, name: &str, offer: &Offer) -> Package {
    let published = offer.version.published_at;
    Package {
        id: PackageId(0),
        repository: desk.repository.id,
        at: Coordinates {
            format: desk.format.spec().id.to_owned(),
            name: name.to_owned(),
            version: offer.version.version.clone(),
        },
        metadata: offer.version.metadata.clone(),
        state: State::Available,
        held: None,
        tags: Default::default(),
        decision: None,
        uploader: String::new(),
        uploaded_at: published.unwrap_or(Timestamp::UNIX_EPOCH),
        published_at: published,
        origin: Some(offer.known.upstream.name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_upstreams_are_put_in_their_places() {
        let listed = ["a", "c", "e", "g"].map(str::to_owned).to_vec();
        let names = Names { names: listed, until: Timestamp::MAX };
        let page =
            |own: &[&str], after, limit| names.join(own.iter().map(|name| (*name).to_owned()).collect(), after, limit);
        assert_eq!(page(&["b", "c", "z"], None, 10), ["a", "b", "c", "e", "g", "z"]);
        assert_eq!(page(&["b", "d"], None, 2), ["a", "b"], "the rest comes with the next page");
        assert_eq!(page(&["d"], Some("b"), 2), ["c", "d"]);
        assert_eq!(page(&[], Some("e"), 5), ["g"]);
    }

    #[test]
    fn what_an_upstream_takes_back_counts() {
        let mut stored = serde_json::json!({"summary": "x", "yanked": false});
        refresh(&mut stored, &serde_json::json!({"yanked": true}));
        assert_eq!(stored, serde_json::json!({"summary": "x", "yanked": true}));
    }
}
