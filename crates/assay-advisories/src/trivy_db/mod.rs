//! The vulnerability database of Trivy: a bbolt file, the archive it comes in, and the OCI artifact it is published as.
//!
//! `bolt` reads the file, `bucket` says what its buckets are about, `value` what their values look like, `translate` makes
//! advisories of them, `redhat` knows which releases Red Hat's product numbers stand for, `fetch` speaks to a registry.
//! What the database got wrong or left out when it was built is not made good here; other sources are for that.

mod bolt;
mod bucket;
mod fetch;
mod redhat;
mod translate;
mod value;

use self::bolt::{Bolt, BoltError, Bucket, Cursor as Walk, Item, Value};
use self::bucket::Kind;
use self::redhat::Products;
use self::translate::Place;
use crate::input;
use assay_archive::{ArchiveError, Flow, Kind as Packing, Names, Tolerance, Walker};
use assay_model::advisory::Advisory;
use assay_model::finding::Origin;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use assay_model::{Problem, problem};
use std::collections::BTreeMap;
use std::io;

pub(crate) static SPEC: SourceSpec = SourceSpec {
    id: "trivy-db",
    summary: "Trivy's vulnerability database: trivy.db (bbolt), db.tar.gz, or pulled from a registry",
    cadence: 6 * 3600,
    data_license: "per database: CC-BY-4.0, CC0-1.0, MIT and others, see each record's origin",
};

/// The file inside the archive.
const FILE: &str = "trivy.db";
/// Largest database, in bytes; the largest known had 1.2 GB.
const MAX_BYTES: u64 = 32 << 30;
/// Largest value, in bytes.
const MAX_VALUE: usize = 4 << 20;
/// Records between two reports of progress.
const REPORT_EVERY: u64 = 1000;

/// The source.
#[derive(Debug)]
pub struct TrivyDb;

impl Source for TrivyDb {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        bolt::is_bolt(head) || begins_archive(&input::peek(head))
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(fetch::fetch(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut head = [0; 512];
        file.rewind().map_err(input::failed)?;
        let read = read_up_to(file, &mut head).map_err(input::failed)?;
        if bolt::is_bolt(&head[..read]) {
            return database(name, file, out);
        }
        let mut unpacked = unpack(name, file)?;
        database(name, &mut unpacked, out)
    }
}

/// Whether a tar that begins so holds the database, first or after a small file.
fn begins_archive(head: &[u8]) -> bool {
    head.chunks(512).any(|block| {
        let name = block.split(|byte| *byte == 0).next().unwrap_or_default();
        name.strip_prefix(b"./").unwrap_or(name) == FILE.as_bytes()
            && block.get(257..262).is_some_and(|m| m == b"ustar")
    })
}

fn read_up_to(file: &mut dyn ReadSeek, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// The database out of its archive, in a temporary file that goes away with its handle.
fn unpack(name: &str, file: &mut dyn ReadSeek) -> Result<std::fs::File, Problem> {
    let mut spool = tempfile::tempfile().map_err(|e| Problem::internal("cannot write a temporary file", e))?;
    let mut found = false;
    file.rewind().map_err(input::failed)?;
    let limits = input::limits(MAX_BYTES).with_entry_bytes(MAX_BYTES);
    let walker = Walker::new(limits).names(Names::Package).tolerance(Tolerance::SkipAndReport);
    let walked: Result<_, ArchiveError> = walker.stream(&mut *file, Packing::Gzip, |head, body| {
        if !head.is_file() || head.file_name() != FILE {
            return Ok(Flow::Continue);
        }
        found = true;
        io::copy(body, &mut spool)?;
        Ok(Flow::Continue)
    });
    walked.map_err(input::refused)?;
    if found { Ok(spool) } else { Err(Problem::invalid("bad-feed", format!("{name} holds no {FILE}"))) }
}

/// What can end the reading of a bucket.
enum Stop {
    Bolt(BoltError),
    Store(Problem),
}

impl From<BoltError> for Stop {
    fn from(error: BoltError) -> Self {
        Self::Bolt(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Store(problem)
    }
}

fn damaged(name: &str, error: &BoltError) -> Problem {
    match error {
        BoltError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Problem::new(problem::Kind::Internal, "internal", format!("{name} cannot be read: {error}"))
        }
        _ => Problem::invalid("bad-feed", format!("{name}: {error}")),
    }
}

fn database(name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
    let mut reading = Reading { out, read: 0, bad: 0, origins: BTreeMap::new(), products: Products::default() };
    match Bolt::open(file).map_err(Stop::from).and_then(|mut bolt| reading.whole(&mut bolt)) {
        Ok(()) => Ok(()),
        Err(Stop::Bolt(error)) => Err(damaged(name, &error)),
        Err(Stop::Store(problem)) => Err(problem),
    }
}

struct Reading<'a> {
    out: &'a mut dyn Intel,
    read: u64,
    /// Entries that could not be read, and buckets that could not be read to their end: with any of them, what is missing
    /// may only be lost.
    bad: u64,
    origins: BTreeMap<String, Origin>,
    products: Products,
}

impl Reading<'_> {
    fn whole(&mut self, bolt: &mut Bolt<'_>) -> Result<(), Stop> {
        self.data_sources(bolt)?;
        self.products(bolt)?;
        let mut walk = Walk::new(bolt.root());
        while let Some(Item { key, value }) = walk.next(bolt)? {
            let name = String::from_utf8_lossy(&key).into_owned();
            let Value::Bucket(bucket) = value else { continue };
            match self.bucket(bolt, &name, bucket) {
                Ok(()) => {}
                Err(Stop::Bolt(error)) if !matches!(error, BoltError::Io(_)) => {
                    self.bad += 1;
                    self.out.bad(SPEC.id, &format!("bucket {name}"), &error.to_string(), &[])?;
                }
                Err(stop) => return Err(stop),
            }
        }
        self.out.progress(self.read, Some(self.read));
        if self.bad == 0 && self.read > 0 {
            self.out.whole(&Extent::Source(SPEC.id))?;
        }
        Ok(())
    }

    fn data_sources(&mut self, bolt: &mut Bolt<'_>) -> Result<(), Stop> {
        let Some(bucket) = bolt.bucket(bolt.root(), bucket::DATA_SOURCE)? else { return Ok(()) };
        let mut walk = Walk::new(bucket);
        while let Some(Item { key, value }) = walk.next(bolt)? {
            let Value::Bytes(bytes) = value else { continue };
            let name = String::from_utf8_lossy(&key).into_owned();
            match value::read::<value::DataSource>(&bytes) {
                Ok(value::DataSource { id, name: title, url, base }) => {
                    let base = (!base.is_empty()).then_some(base);
                    self.origins.insert(name, Origin { id, name: title, url, base });
                }
                Err(reason) => self.set_aside(&format!("data-source {name}"), &reason, &bytes)?,
            }
        }
        Ok(())
    }

    fn products(&mut self, bolt: &mut Bolt<'_>) -> Result<(), Stop> {
        let Some(parent) = bolt.bucket(bolt.root(), bucket::RED_HAT_CPE)? else { return Ok(()) };
        if let Some(bucket) = bolt.bucket(parent.clone(), "repository")? {
            let mut walk = Walk::new(bucket);
            while let Some(Item { key, value }) = walk.next(bolt)? {
                let Value::Bytes(bytes) = value else { continue };
                let numbers: Vec<u64> = value::read(&bytes).unwrap_or_default();
                self.products.content_set(&String::from_utf8_lossy(&key), &numbers);
            }
        }
        if let Some(bucket) = bolt.bucket(parent, "cpe")? {
            let mut walk = Walk::new(bucket);
            while let Some(Item { key, value }) = walk.next(bolt)? {
                let Value::Bytes(bytes) = value else { continue };
                let number = String::from_utf8_lossy(&key).parse();
                if let (Ok(number), Ok(cpe)) = (number, value::read::<String>(&bytes)) {
                    self.products.cpe(number, &cpe);
                }
            }
        }
        Ok(())
    }

    fn bucket(&mut self, bolt: &mut Bolt<'_>, name: &str, bucket: Bucket) -> Result<(), Stop> {
        let kind = bucket::kind(name);
        match kind {
            Kind::Other => return Ok(()),
            Kind::Unknown => {
                self.out.bad(SPEC.id, &format!("bucket {name}"), "it is about nothing that is known", &[])?;
                return Ok(());
            }
            _ => {}
        }
        let mut walk = Walk::new(bucket);
        while let Some(Item { key, value }) = walk.next(bolt)? {
            let package = String::from_utf8_lossy(&key).into_owned();
            match value {
                Value::Bucket(inner) => self.package(bolt, name, &kind, &package, inner)?,
                Value::Bytes(bytes) if kind == Kind::Vulnerability => {
                    let read = translate::vulnerability(&package, &bytes);
                    self.give(name, &package, read, &bytes)?;
                }
                Value::Bytes(_) => {}
            }
        }
        Ok(())
    }

    fn package(
        &mut self,
        bolt: &mut Bolt<'_>,
        bucket: &str,
        kind: &Kind,
        package: &str,
        entries: Bucket,
    ) -> Result<(), Stop> {
        let origin = self.origins.get(bucket).cloned();
        let place = Place { bucket, package, origin: origin.as_ref() };
        let mut walk = Walk::new(entries);
        while let Some(Item { key, value }) = walk.next(bolt)? {
            let Value::Bytes(bytes) = value else { continue };
            let key = String::from_utf8_lossy(&key);
            let key = key.trim();
            let read = match kind {
                _ if bytes.len() > MAX_VALUE => Err("the entry is too large".to_owned()),
                Kind::Language { ecosystem } => place.language(ecosystem, key, &bytes),
                Kind::Distribution(family) => place.distribution(family, key, &bytes),
                Kind::RedHat => place.red_hat(&self.products, key, &bytes),
                Kind::Vulnerability | Kind::Other | Kind::Unknown => Ok(Vec::new()),
            };
            self.give(&format!("{bucket}/{package}"), key, read, &bytes)?;
        }
        Ok(())
    }

    fn give(
        &mut self,
        place: &str,
        key: &str,
        read: Result<Vec<Advisory>, String>,
        bytes: &[u8],
    ) -> Result<(), Problem> {
        self.read += 1;
        if self.read.is_multiple_of(REPORT_EVERY) {
            self.out.progress(self.read, None);
        }
        let records = match read {
            Ok(records) => records,
            Err(reason) => return self.set_aside(&format!("{place}/{key}"), &reason, bytes),
        };
        for record in records {
            let json = serde_json::to_vec(&record).map_err(|e| Problem::internal("cannot write JSON", e))?;
            self.out.advisory(SPEC.id, record, &json)?;
        }
        Ok(())
    }

    fn set_aside(&mut self, name: &str, reason: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.bad += 1;
        self.out.bad(SPEC.id, name, reason, &bytes[..bytes.len().min(input::KEPT_BYTES)])
    }
}

#[cfg(test)]
mod tests;
