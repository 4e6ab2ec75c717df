//! What the server has acknowledged, written down at the moment of the acknowledgement, and compared afterwards.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, bail, ensure};
use assay_testkit::{Http, make::sha256};
use reqwest::Method;

/// Numbers that look random and can be had again.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.next();
        dice
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
    /// Bytes that do not compress.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// An upload in chunks: all that it is to become, and how much of it was acknowledged.
pub struct Begun {
    pub bytes: Vec<u8>,
    pub acknowledged: usize,
    /// The last request was the one that ends it, and its answer never came.
    pub ending: bool,
}

#[derive(Default)]
pub struct Ledger {
    /// Path to the digest of its bytes; those that are new since the last check apart.
    served: Mutex<BTreeMap<String, String>>,
    new: Mutex<BTreeMap<String, String>>,
    /// Blobs that belong to no image and may be collected in time.
    staged: Mutex<BTreeMap<String, String>>,
    /// What is written again and again: the digest acknowledged last, and the one that was sent after it.
    rewritten: Mutex<BTreeMap<String, (Option<String>, String)>>,
    refused: Mutex<Vec<String>>,
    pub uploads: Mutex<BTreeMap<String, Begun>>,
    pub leaked: AtomicBool,
    leaks: Mutex<Vec<String>>,
}

fn blob_path(location: &str, bytes: &[u8]) -> String {
    let name = location.split("/blobs/").next().unwrap_or_default();
    format!("{name}/blobs/sha256:{}", sha256(bytes))
}

impl Ledger {
    /// These bytes were acknowledged and have to be served.
    pub fn stored(&self, path: &str, bytes: &[u8]) {
        self.new.lock().unwrap().insert(path.to_owned(), sha256(bytes));
    }

    pub fn staged(&self, path: &str, bytes: &[u8]) {
        self.staged.lock().unwrap().insert(path.to_owned(), sha256(bytes));
    }

    /// These bytes are known to the server or soon will be, and must never be served.
    pub fn forbidden(&self, path: &str) {
        let mut refused = self.refused.lock().unwrap();
        if !refused.iter().any(|known| known == path) {
            refused.push(path.to_owned());
        }
    }

    pub fn all_forbidden(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }

    pub fn leaked(&self, what: String) {
        self.leaks.lock().unwrap().push(what);
        self.leaked.store(true, Ordering::SeqCst);
    }

    pub fn leak(&self) -> String {
        self.leaks.lock().unwrap().join(", ")
    }

    /// A path is about to get other bytes; gives what says that it did.
    pub fn rewriting(&self, path: &str, bytes: &[u8]) -> impl FnOnce(&Self) + use<> {
        let digest = sha256(bytes);
        let mut all = self.rewritten.lock().unwrap();
        all.entry(path.to_owned()).or_default().1.clone_from(&digest);
        let path = path.to_owned();
        move |ledger| {
            if let Some(entry) = ledger.rewritten.lock().unwrap().get_mut(&path) {
                entry.0 = Some(digest);
            }
        }
    }

    pub fn published(&self) -> usize {
        self.served.lock().unwrap().len()
    }

    pub fn summary(&self) -> String {
        format!(
            "{} files, {} staged blobs and {} refused files were acknowledged",
            self.published(),
            self.staged.lock().unwrap().len(),
            self.refused.lock().unwrap().len()
        )
    }

    /// What was acknowledged since the last check.
    pub async fn check_new(&self, http: &Http) -> Result<()> {
        let new = std::mem::take(&mut *self.new.lock().unwrap());
        same(http, &new).await?;
        self.served.lock().unwrap().extend(new);
        for path in self.all_forbidden() {
            let reply = http.get(&path).await?;
            let status = reply.status.as_u16();
            ensure!(matches!(status, 403 | 404), "{path}: {status} {}", reply.text());
        }
        let rewritten = self.rewritten.lock().unwrap().clone();
        for (path, (last, sent)) in rewritten {
            let reply = http.get(&path).await?;
            if reply.status == 404 && last.is_none() {
                continue;
            }
            let digest = sha256(&reply.expect_status(200).with_context(|| path.clone())?.body);
            ensure!(
                Some(&digest) == last.as_ref() || digest == sent,
                "{path} is neither what was acknowledged nor what followed"
            );
            self.rewritten.lock().unwrap().insert(path, (Some(digest.clone()), digest));
        }
        Ok(())
    }

    /// All that was ever acknowledged, blobs that nobody used included.
    pub async fn check_all(&self, http: &Http) -> Result<()> {
        let staged = self.staged.lock().unwrap().clone();
        same(http, &staged).await?;
        self.check_published(http).await
    }

    pub async fn check_published(&self, http: &Http) -> Result<()> {
        let served = self.served.lock().unwrap().clone();
        same(http, &served).await
    }

    /// Uploads that were cut off stand where they were acknowledged, or further, and go on from there.
    pub async fn complete_uploads(&self, http: &Http) -> Result<()> {
        let uploads = std::mem::take(&mut *self.uploads.lock().unwrap());
        for (location, begun) in uploads {
            let path = blob_path(&location, &begun.bytes);
            let status = http.get(&location).await?;
            if status.status == 404 && begun.ending {
                same(http, &BTreeMap::from([(path.clone(), sha256(&begun.bytes))])).await?;
                self.staged(&path, &begun.bytes);
                continue;
            }
            let status = status
                .expect_status(204)
                .with_context(|| format!("{location}, {} acknowledged", begun.acknowledged))?;
            let end: usize =
                status.header("range").and_then(|r| r.split_once('-')?.1.parse().ok()).context("no range")?;
            let have = if end == 0 { 0 } else { end + 1 };
            ensure!(
                have >= begun.acknowledged && have <= begun.bytes.len(),
                "{location} has {have} of {}",
                begun.acknowledged
            );
            let rest = begun.bytes.get(have..).unwrap_or_default().to_vec();
            let range = format!("{have}-{}", begun.bytes.len().max(1) - 1);
            if !rest.is_empty() {
                let request = http.request(Method::PATCH, &location).header("content-range", range).body(rest);
                http.send(request).await?.expect_status(202)?;
            }
            let digest = sha256(&begun.bytes);
            http.put(&format!("{location}?digest=sha256:{digest}"), Vec::new()).await?.expect_status(201)?;
            same(http, &BTreeMap::from([(path.clone(), digest)])).await?;
            self.staged(&path, &begun.bytes);
        }
        Ok(())
    }
}

async fn same(http: &Http, wanted: &BTreeMap<String, String>) -> Result<()> {
    for (path, digest) in wanted {
        let reply = http.get(path).await?.expect_status(200).with_context(|| format!("{path} was acknowledged"))?;
        if sha256(&reply.body) != *digest {
            bail!("{path} was acknowledged with other bytes");
        }
    }
    Ok(())
}
