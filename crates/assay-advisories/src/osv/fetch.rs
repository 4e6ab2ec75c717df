//! Fetching from a bulk export: `<base>/ecosystems.txt`, and for each ecosystem `all.zip`, `modified_id.csv` (newest
//! first, `timestamp,id`) and `<id>.json`.
//!
//! `base` may end in a fragment that names the ecosystems: `https://example.org/export#PyPI,npm`. Without one all
//! ecosystems of the export are fetched; those with a release in the name are left out when the list also has them
//! without, since that zip holds all releases.

use super::cursor::{self, Place, Places};
use crate::download::{NOT_MODIFIED, discard};
use crate::input::{self, Line};
use assay_model::Problem;
use assay_model::problem::Kind;
use assay_model::seam::source::{Cursor, Fetched, Net};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// From how many changed records on the whole zip is fetched instead.
const SINGLE_RECORDS: usize = 200;
/// Bytes of one line of a list.
const MAX_LINE: usize = 4096;
/// Lines of `ecosystems.txt` that are believed.
const MAX_ECOSYSTEMS: usize = 1000;
/// Letters that stay as they are in a path segment.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'+');

type Files = Vec<(String, PathBuf)>;

/// What is new since `since`.
///
/// # Errors
/// `Upstream` when nothing at all could be fetched. Where some ecosystems could, the others keep their place and are
/// tried again next time.
pub(super) async fn fetch(net: &dyn Net, base: &str, since: Option<&Cursor>) -> Result<Fetched, Problem> {
    let (base, wanted) = base.split_once('#').unwrap_or((base, ""));
    let export = Export { net, base: base.trim_end_matches('/') };
    let mut places = cursor::read(since);
    let mut files = Files::new();
    let (mut failure, mut well) = (None, false);
    for ecosystem in export.ecosystems(wanted).await? {
        let before = files.len();
        match export.ecosystem(&ecosystem, places.get(&ecosystem), &mut files).await {
            Ok(place) => {
                well = true;
                places.insert(ecosystem, place);
            }
            Err(problem) => {
                tracing::warn!(%ecosystem, %problem, "advisories of this ecosystem could not be fetched");
                files.drain(before..).for_each(|(_, body)| discard(&body));
                failure = Some(problem);
            }
        }
    }
    outcome(files, &places, failure.filter(|_| !well))
}

fn outcome(files: Files, places: &Places, failure: Option<Problem>) -> Result<Fetched, Problem> {
    match failure {
        Some(problem) => Err(problem),
        None if files.is_empty() => Ok(Fetched::Unchanged),
        None => Ok(Fetched::Batch { files, cursor: cursor::write(places) }),
    }
}

/// The changes that a list names.
#[derive(Default)]
struct Changes {
    /// Newest instant of the list, as written, and the ids that have it.
    newest: String,
    at: BTreeSet<String>,
    /// Ids that are newer than the place, newest first; no more than are fetched singly, and one.
    ids: Vec<String>,
}

struct Export<'a> {
    net: &'a dyn Net,
    base: &'a str,
}

impl Export<'_> {
    async fn ecosystems(&self, wanted: &str) -> Result<Vec<String>, Problem> {
        let named: BTreeSet<String> =
            wanted.split(',').map(str::trim).filter(|e| is_segment(e)).map(str::to_owned).collect();
        if !named.is_empty() {
            return Ok(named.into_iter().collect());
        }
        let reply = self.net.get(&format!("{}/ecosystems.txt", self.base), None).await?;
        let read = read_lines(&reply.body, |line, all: &mut BTreeSet<String>| {
            let line = line.trim();
            if is_segment(line) && !line.starts_with('[') {
                all.insert(line.to_owned());
            }
            all.len() < MAX_ECOSYSTEMS
        });
        discard(&reply.body);
        let all = read?;
        let without = |name: &str| name.split_once(':').is_some_and(|(base, _)| all.contains(base));
        Ok(all.iter().filter(|name| !without(name)).cloned().collect())
    }

    /// Adds the files of one ecosystem and returns its new place.
    async fn ecosystem(&self, ecosystem: &str, place: Option<&Place>, files: &mut Files) -> Result<Place, Problem> {
        let known = place.cloned().unwrap_or_default();
        let list = self.changes(ecosystem, &known).await;
        let Ok(list) = list else {
            // A mirror may have the zips only; then their entity tags are all there is to go by.
            return self.whole(ecosystem, known, files).await;
        };
        let Some((changes, list_etag)) = list else { return Ok(known) };
        let mut next = Place { list_etag, ..known.clone() };
        if !changes.newest.is_empty() {
            (next.modified, next.at) = (changes.newest, changes.at);
        }
        let follows = known.instant().is_some();
        if follows && changes.ids.len() <= SINGLE_RECORDS && self.singly(ecosystem, &changes.ids, files).await.is_ok() {
            return Ok(next);
        }
        self.whole(ecosystem, next, files).await
    }

    /// The list of changes with its entity tag; `None` when it is what it was.
    async fn changes(&self, ecosystem: &str, known: &Place) -> Result<Option<(Changes, Option<String>)>, Problem> {
        let address = self.address(ecosystem, "modified_id.csv");
        let etag = known.list_etag.as_deref().filter(|_| known.instant().is_some());
        let reply = self.net.get(&address, etag).await?;
        if reply.status == NOT_MODIFIED {
            discard(&reply.body);
            return Ok(None);
        }
        let since = known.instant();
        let read = read_lines(&reply.body, |line, changes: &mut Changes| changes.line(line, since, &known.at));
        discard(&reply.body);
        Ok(Some((read?, reply.etag)))
    }

    async fn singly(&self, ecosystem: &str, ids: &[String], files: &mut Files) -> Result<(), Problem> {
        let before = files.len();
        for id in ids {
            match self.net.get(&self.address(ecosystem, &format!("{id}.json")), None).await {
                Ok(reply) => files.push((format!("{ecosystem}/{id}.json"), reply.body)),
                Err(problem) => {
                    files.drain(before..).for_each(|(_, body)| discard(&body));
                    return Err(problem);
                }
            }
        }
        Ok(())
    }

    async fn whole(&self, ecosystem: &str, place: Place, files: &mut Files) -> Result<Place, Problem> {
        let reply = self.net.get(&self.address(ecosystem, "all.zip"), place.etag.as_deref()).await?;
        if reply.status == NOT_MODIFIED {
            discard(&reply.body);
            return Ok(place);
        }
        files.push((format!("{ecosystem}/all.zip"), reply.body));
        Ok(Place { etag: reply.etag, ..place })
    }

    fn address(&self, ecosystem: &str, file: &str) -> String {
        format!("{}/{}/{}", self.base, utf8_percent_encode(ecosystem, SEGMENT), utf8_percent_encode(file, SEGMENT))
    }
}

impl Changes {
    /// Takes one line; false when the rest is older.
    fn line(&mut self, line: &str, since: Option<Timestamp>, seen: &BTreeSet<String>) -> bool {
        let Some((time, id)) = line.trim().split_once(',') else { return true };
        // The export's root has `ecosystem/id`; only the last part is the id.
        let id = id.rsplit('/').next().unwrap_or(id).trim();
        let Ok(instant) = time.trim().parse::<Timestamp>() else { return true };
        if !is_segment(id) {
            return true;
        }
        if self.newest.is_empty() {
            time.trim().clone_into(&mut self.newest);
        }
        if self.newest.parse::<Timestamp>().ok() == Some(instant) {
            self.at.insert(id.to_owned());
        }
        match since {
            None => self.at.contains(id),
            Some(since) if instant < since => false,
            Some(since) if instant == since && seen.contains(id) => true,
            Some(_) => {
                self.ids.push(id.to_owned());
                self.ids.len() <= SINGLE_RECORDS
            }
        }
    }
}

/// Whether the text can be one segment of a path.
fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && !text.contains(['/', '\\'])
        && !text.starts_with('.')
        && !text.chars().any(char::is_control)
}

fn read_lines<T: Default>(body: &std::path::Path, mut take: impl FnMut(&str, &mut T) -> bool) -> Result<T, Problem> {
    let unreadable = |error| Problem::internal("a downloaded list cannot be read", error);
    let mut from = BufReader::new(File::open(body).map_err(unreadable)?);
    let mut all = T::default();
    while let Some(line) = input::line(&mut from, MAX_LINE).map_err(unreadable)? {
        let Line::Whole(bytes) = line else { continue };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::new(Kind::Upstream, "bad-list", "a downloaded list is not UTF-8"))?;
        if !take(text, &mut all) {
            break;
        }
    }
    Ok(all)
}
