//! What this crate's tests share: the corpus of real feeds, a store in memory, and a network of files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_model::advisory::Advisory;
use assay_model::component::Component;
use assay_model::health::{Popularity, Scorecard, Ssvc};
use assay_model::problem::{Kind, Problem};
use assay_model::score::{Epss, Kev};
use assay_model::seam::Task;
use assay_model::seam::source::{Extent, Intel, Net, NetReply, NetRequest};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Mutex;

/// A folder of the corpus, or a loud note that the test is skipped.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("ASSAY_CORPUS").map_or(default, PathBuf::from).join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is missing; set ASSAY_CORPUS", path.display());
    None
}

/// Keeps what a parser read.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) advisories: Vec<(Advisory, Vec<u8>)>,
    pub(crate) epss: Vec<Epss>,
    pub(crate) kev: Vec<Kev>,
    /// Name and reason.
    pub(crate) bad: Vec<(String, String)>,
    pub(crate) bad_bytes: Vec<Vec<u8>>,
    pub(crate) whole: Vec<String>,
    pub(crate) ssvc: Vec<(String, Ssvc)>,
    pub(crate) cards: Vec<Scorecard>,
    pub(crate) popular: Vec<Popularity>,
    /// Place and statements.
    pub(crate) vex: Vec<(String, Vec<assay_model::vex::VexStatement>)>,
    pub(crate) progress: (u64, Option<u64>),
}

impl Intel for Kept {
    fn advisory(&mut self, _source: &str, advisory: Advisory, bytes: &[u8]) -> Result<(), Problem> {
        self.advisories.push((advisory, bytes.to_vec()));
        Ok(())
    }
    fn epss(&mut self, epss: Epss) -> Result<(), Problem> {
        self.epss.push(epss);
        Ok(())
    }
    fn kev(&mut self, kev: Kev) -> Result<(), Problem> {
        self.kev.push(kev);
        Ok(())
    }
    fn vex(
        &mut self,
        _source: &str,
        name: &str,
        statements: Vec<assay_model::vex::VexStatement>,
        _bytes: &[u8],
    ) -> Result<(), Problem> {
        self.vex.push((name.to_owned(), statements));
        Ok(())
    }
    fn bad(&mut self, _source: &str, name: &str, reason: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.bad.push((name.to_owned(), reason.to_owned()));
        self.bad_bytes.push(bytes.to_vec());
        Ok(())
    }
    fn ssvc(&mut self, cve: &str, ssvc: Ssvc) -> Result<(), Problem> {
        self.ssvc.push((cve.to_owned(), ssvc));
        Ok(())
    }
    fn scorecard(&mut self, card: Scorecard) -> Result<(), Problem> {
        self.cards.push(card);
        Ok(())
    }
    fn popularity(&mut self, entry: Popularity) -> Result<(), Problem> {
        self.popular.push(entry);
        Ok(())
    }
    fn whole(&mut self, extent: &Extent<'_>) -> Result<(), Problem> {
        self.whole.push(match extent {
            Extent::Source(source) => (*source).to_owned(),
            Extent::Ids { prefix, .. } => (*prefix).to_owned(),
            Extent::Ecosystem { ecosystem, prefixes, .. } => format!("{ecosystem} {}", prefixes.join(" ")),
            Extent::Epss => "epss".to_owned(),
            Extent::Kev => "kev".to_owned(),
            Extent::Ssvc(prefix) => format!("ssvc {prefix}"),
            Extent::Scorecards => "scorecards".to_owned(),
            Extent::Vex(source) => (*source).to_owned(),
            Extent::Popularity(kind) => format!("popularity {kind}"),
        });
        Ok(())
    }
    fn progress(&mut self, done: u64, total: Option<u64>) {
        self.progress = (done, total);
    }
}

/// What a source reads from these bytes.
pub(crate) fn parse(source: &dyn assay_model::seam::source::Source, name: &str, bytes: &[u8]) -> Result<Kept, Problem> {
    let mut kept = Kept::default();
    source.parse(name, &mut Cursor::new(bytes), &mut kept).map(|()| kept)
}

/// A zip with these entries.
pub(crate) fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same bytes compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A component as an analyzer would write it.
pub(crate) fn component(ecosystem: &str, name: &str, version: &str) -> Component {
    Component {
        purl: format!("pkg:x/{name}@{version}"),
        purl_type: "x".into(),
        namespace: String::new(),
        name: name.into(),
        version: version.into(),
        ecosystem: ecosystem.into(),
        match_name: name.into(),
        match_version: version.into(),
    }
}

/// Answers from memory; every body gets an entity tag made of its length.
pub(crate) struct Shelf {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) asked: Mutex<Vec<String>>,
    /// What requests without the token `secret` are answered.
    pub(crate) challenge: Option<String>,
    folder: tempfile::TempDir,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self { files: BTreeMap::new(), asked: Mutex::default(), challenge: None, folder: tempfile::tempdir().unwrap() }
    }
    pub(crate) fn put(&mut self, address: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(address.to_owned(), bytes.into());
    }
    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
    /// Spooled bodies that are still there.
    pub(crate) fn spooled(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

impl Net for Shelf {
    fn request<'a>(&'a self, request: NetRequest<'a>) -> Task<'a, NetReply> {
        Box::pin(async move {
            let (url, etag) = (request.url, request.etag);
            let mut asked = self.asked.lock().unwrap();
            asked.push(url.to_owned());
            let known =
                request.headers.iter().any(|(name, value)| *name == "authorization" && *value == "Bearer secret");
            if let Some(challenge) = self.challenge.clone().filter(|_| request.challenged && !known) {
                return Ok(NetReply { status: 401, etag: None, body: PathBuf::new(), challenge: Some(challenge) });
            }
            let bytes = self.files.get(url).ok_or_else(|| Problem::new(Kind::Upstream, "upstream", "404"))?;
            let tag = assay_model::Digest::of(bytes).to_string();
            if etag == Some(tag.as_str()) {
                return Ok(NetReply { status: 304, etag: Some(tag), body: PathBuf::new(), challenge: None });
            }
            let body = self.folder.path().join(format!("{}-{}", std::process::id(), uniq()));
            std::fs::write(&body, bytes).unwrap();
            Ok(NetReply { status: 200, etag: Some(tag), body, challenge: None })
        })
    }
}

fn uniq() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
