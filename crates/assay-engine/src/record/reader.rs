//! Reads one page of the log: which decisions, which of their entries, and where the next page begins.

use super::log::{Entries, Entry, EntryFilter, entry};
use crate::Engine;
use assay_model::{
    decision::DecisionId,
    event::{Event, Seq},
    package::PackageId,
    policy::Policy,
    problem::Problem,
    repository::{Repository, RepositoryId},
    seam::meta::{DecisionFilter, EventFilter, Logged, Tx},
};
use std::collections::BTreeMap;

/// Decisions that one page looks at, at most: a filter that fits nothing ends too, and says where to go on.
const EXAMINED: usize = 5_000;
/// Decisions that are read at once.
const CHUNK: usize = 200;
/// Events that one look for news reads.
const NEWS: usize = 500;
/// Most entries of a page.
const MAX_PAGE: usize = 1_000;

/// Policies at revisions, each read once.
#[derive(Default)]
pub(super) struct Policies(BTreeMap<(String, u32), Option<Policy>>);

impl Policies {
    pub(super) fn get(&mut self, tx: &mut dyn Tx, slug: &str, revision: u32) -> Result<Option<Policy>, Problem> {
        let key = (slug.to_owned(), revision);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let found = tx.policy_revision(slug, revision)?;
        self.0.insert(key, found.clone());
        Ok(found)
    }
}

/// Reads one page.
pub(super) struct Reader<'a> {
    engine: &'a Engine,
    filter: &'a EntryFilter,
    places: &'a [Repository],
    names: BTreeMap<RepositoryId, String>,
    everywhere: bool,
    formats: Vec<&'static str>,
    page_size: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(engine: &'a Engine, filter: &'a EntryFilter, places: &'a [Repository], everywhere: bool) -> Self {
        let asked = |name: &&str| filter.formats.iter().any(|f| f.eq_ignore_ascii_case(name));
        let formats = engine.formats().iter().map(|f| f.spec());
        let formats = formats.filter(|spec| asked(&spec.id) || asked(&spec.policy_name)).map(|spec| spec.id);
        Self {
            engine,
            filter,
            places,
            names: places.iter().map(|place| (place.id, place.name.clone())).collect(),
            everywhere,
            formats: formats.collect(),
            page_size: filter.page_size.clamp(1, MAX_PAGE),
        }
    }

    pub(super) fn page(&self, tx: &mut dyn Tx) -> Result<Entries, Problem> {
        let (mut page, mut policies) = (Entries::default(), Policies::default());
        let Some(mut asked) = self.decisions(tx)? else { return Ok(page) };
        let start = self.cursor()?;
        if let Some((decision, _)) = &start {
            // its other entries may be left
            let beyond = DecisionId(if self.filter.newest_first { format!("{decision}~") } else { before(decision) });
            let edge = if self.filter.newest_first { &mut asked.before } else { &mut asked.after };
            *edge = Some(match edge.take() {
                Some(edge) if self.filter.newest_first => edge.min(beyond),
                Some(edge) => edge.max(beyond),
                None => beyond,
            });
        }
        let mut examined = 0;
        loop {
            let found = tx.logged_decisions(&asked)?;
            let ended = found.len() < asked.limit;
            for logged in found {
                examined += 1;
                let id = logged.decision.id.clone();
                for place in self.order(logged.decision.basis.policies.len()) {
                    if start.as_ref().is_some_and(|(d, p)| *d == id.0 && !self.is_after(place, *p)) {
                        continue;
                    }
                    let Some(entry) = self.entry(tx, &logged, place, &mut policies)? else { continue };
                    page.entries.push(entry);
                    if page.entries.len() >= self.page_size {
                        page.next = Some(format!("{id}-{place:03}"));
                        page.reached = page.next.clone();
                        return Ok(page);
                    }
                }
                if self.filter.newest_first { asked.before = Some(id) } else { asked.after = Some(id) }
            }
            let end = if self.filter.newest_first { 0 } else { 999 };
            let edge = if self.filter.newest_first { &asked.before } else { &asked.after };
            let edge = edge.as_ref().filter(|_| examined > 0).map(|id| format!("{id}-{end:03}"));
            page.reached = edge.or_else(|| self.filter.cursor.clone());
            if ended {
                return Ok(page);
            }
            if examined >= EXAMINED {
                page.next = page.reached.clone();
                return Ok(page);
            }
        }
    }

    /// Entries of decisions that events after `after` tell of, and the last of these events; at most [`NEWS`] of them, and
    /// no more decisions than fill a page.
    pub(super) fn news(&self, tx: &mut dyn Tx, after: Seq) -> Result<(Entries, bool), Problem> {
        let events = tx.events(&EventFilter { after, limit: NEWS, ..EventFilter::default() })?;
        let (mut page, mut policies) = (Entries::default(), Policies::default());
        page.seen = Some(events.last().map_or(after, |event| event.seq));
        for event in &events {
            let Some(id) = told_of(event) else { continue };
            let Some(logged) = tx.logged_decision(&id)?.filter(|logged| self.is_asked_for(logged)) else { continue };
            for place in 0..logged.decision.basis.policies.len() {
                page.entries.extend(self.entry(tx, &logged, place, &mut policies)?);
            }
            // A decision is told as a whole.
            if page.entries.len() >= self.page_size {
                page.seen = Some(event.seq);
                return Ok((page, true));
            }
        }
        Ok((page, events.len() == NEWS))
    }

    /// What [`Reader::decisions`] leaves to the store.
    fn is_asked_for(&self, logged: &Logged) -> bool {
        let (filter, at) = (self.filter, logged.decision.at);
        (self.everywhere || self.names.contains_key(&logged.repository))
            && filter.package.is_none_or(|package| package == logged.decision.package)
            && filter.package_name.as_ref().is_none_or(|name| *name == logged.at.name)
            && filter.created_after.is_none_or(|after| at >= after)
            && filter.created_before.is_none_or(|before| at < before)
            && (filter.formats.is_empty() || !self.formats.is_empty())
    }

    fn order(&self, n: usize) -> Vec<usize> {
        if self.filter.newest_first { (0..n).rev().collect() } else { (0..n).collect() }
    }

    fn is_after(&self, place: usize, cursor: usize) -> bool {
        if self.filter.newest_first { place < cursor } else { place > cursor }
    }

    /// Decision and place of the last entry of the page before.
    fn cursor(&self) -> Result<Option<(String, usize)>, Problem> {
        let Some(text) = &self.filter.cursor else { return Ok(None) };
        let wrong = || Problem::invalid("bad-cursor", "`page` must be the `next` of a page before");
        let (decision, place) = text.split_once('-').ok_or_else(wrong)?;
        let is_id = !decision.is_empty() && decision.bytes().all(|b| b.is_ascii_alphanumeric());
        let place = place.parse().ok().filter(|_| is_id).ok_or_else(wrong)?;
        Ok(Some((decision.to_owned(), place)))
    }

    /// Which decisions to read; nothing where none can fit.
    fn decisions(&self, tx: &mut dyn Tx) -> Result<Option<DecisionFilter>, Problem> {
        let filter = self.filter;
        if !filter.formats.is_empty() && self.formats.is_empty() {
            return Ok(None);
        }
        let packages = match (&filter.package, &filter.package_name) {
            (Some(id), _) => Some(vec![*id]),
            (None, Some(name)) => Some(self.named(tx, name)?),
            (None, None) => None,
        };
        let mut asked = DecisionFilter {
            repositories: (!self.everywhere).then(|| self.places.iter().map(|place| place.id).collect()),
            said: filter.matched == Some(true),
            said_by: filter.policy.clone().filter(|_| filter.matched == Some(true)),
            packages,
            after: filter.created_after.map(DecisionId::first_at),
            before: filter.created_before.map(DecisionId::first_at),
            newest_first: filter.newest_first,
            limit: CHUNK,
        };
        if let Some(id) = &filter.correlation_id {
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Ok(None);
            }
            asked.after = asked.after.max(Some(DecisionId(before(id))));
            let beyond = DecisionId(format!("{id}~"));
            asked.before = Some(asked.before.map_or(beyond.clone(), |edge| edge.min(beyond)));
        }
        Ok(Some(asked))
    }

    fn named(&self, tx: &mut dyn Tx, name: &str) -> Result<Vec<PackageId>, Problem> {
        let all: Vec<&str> = self.engine.formats().iter().map(|f| f.spec().id).collect();
        let formats = if self.formats.is_empty() { &all } else { &self.formats };
        let mut ids = Vec::new();
        for place in self.places {
            for format in formats {
                ids.extend(tx.packages_named(place.id, format, name, None)?.into_iter().map(|p| p.id));
            }
        }
        Ok(ids)
    }

    fn entry(
        &self,
        tx: &mut dyn Tx,
        logged: &Logged,
        place: usize,
        policies: &mut Policies,
    ) -> Result<Option<Entry>, Problem> {
        let (filter, decision) = (self.filter, &logged.decision);
        let Some((slug, revision)) = decision.basis.policies.get(place) else { return Ok(None) };
        let fits = filter.policy.as_ref().is_none_or(|policy| policy == slug)
            && (self.formats.is_empty() || self.formats.contains(&logged.at.format.as_str()))
            && filter.state.is_none_or(|state| state == decision.state)
            && filter.trigger.as_ref().is_none_or(|part| decision.trigger.contains(part.as_str()))
            && filter.correlation_id.as_ref().is_none_or(|id| *id == decision.id.0);
        if !fits {
            return Ok(None);
        }
        let policy = policies.get(tx, slug, *revision)?;
        let entry = entry(logged, place, policy.as_ref(), &self.names, self.engine);
        Ok(entry.filter(|one| filter.matched.is_none_or(|matched| matched == one.matched)))
    }
}

/// The decision that an event tells of as new; one that only confirms what was decided before tells of none.
fn told_of(event: &Event) -> Option<DecisionId> {
    event.kind.strip_prefix("decision.")?;
    let id = event.body.get("decision")?.as_str()?;
    id.starts_with(&DecisionId::first_at(event.at).0).then(|| DecisionId(id.to_owned()))
}

/// Below an id and above all that differ from it in more than the last character, which is a hash's.
fn before(id: &str) -> String {
    let mut chars = id.chars();
    chars.next_back();
    chars.as_str().to_owned()
}
