//! A generated catalogue: many packages with inventories, written into a data directory as a server leaves them after the
//! look inside, with the jobs that match and decide them. For measurements at a scale that uploads would take hours for.
//!
//! Names and versions are drawn as they occur: few components are in very many packages, most are in few, and every
//! seventh name is one that real advisories speak of (where the corpus is there).

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_model::{
    component::{Component, Occurrence},
    digest::Digest,
    event::NewEvent,
    inventory::{Inventory, StoredInventory},
    package::{Coordinates, NewFile, NewPackage, PackageId, Role},
    repository::RepositoryId,
    seam::{
        inspector::Inspector,
        meta::{MetaStore, Tx, write},
    },
    work::{Due, Lane, NewJob, Stage},
};
use assay_store::{StoreConfig, Stores};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Packages written in one transaction.
const BATCH: usize = 500;
/// Every so many of the packages with a target have bytes that can be pulled.
const PULLED: usize = 100;
/// How invented names begin.
const INVENTED: &str = "made-";
/// Components that only some packages have: name, the first of them and how many there are.
pub const TARGETS: [(&str, usize, usize); 3] =
    [("assay-bench-myriad", 0, 10_000), ("assay-bench-hundred", 10_000, 100), ("assay-bench-one", 10_100, 1)];

/// What to generate.
pub struct Plan {
    /// How many packages.
    pub packages: usize,
    /// Components of each, itself among them.
    pub components: usize,
    /// Where the corpus of real feeds is.
    pub corpus: std::path::PathBuf,
}

/// The path of a package in the generic format.
pub fn path(number: usize) -> String {
    format!("bench/{:03}/package-{number}.bin", number % 1000)
}

/// Whether its bytes can be pulled.
pub fn is_pulled(number: usize) -> bool {
    TARGETS.iter().any(|(_, first, count)| {
        (*first..first + count).contains(&number) && (number.is_multiple_of(PULLED) || number + 1 == first + count)
    })
}

fn bytes(number: usize) -> Vec<u8> {
    format!("package {number}\n").into_bytes()
}

/// What made the inventories: the scanner of a server with usual settings, so that it makes none of them again.
fn scanner() -> &'static str {
    static REVISION: LazyLock<String> =
        LazyLock::new(|| StandardInspector::new(Limits::default()).revision().to_owned());
    &REVISION
}

/// A stream of numbers that is the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
    /// Below `limit`, small numbers by far the most often.
    fn skewed(&mut self, limit: usize) -> usize {
        ((limit as f64 * self.unit().powi(3)) as usize).min(limit.saturating_sub(1))
    }
}

/// Writes the catalogue into the store of a data directory, or the database of `ASSAY_DATABASE_URL`, that a server has been
/// started on before.
///
/// # Errors
/// When the store cannot be opened or written.
pub async fn generate(directory: &Path, plan: &Plan, told: impl Fn(usize)) -> Result<()> {
    let mut config = StoreConfig::embedded(directory)?;
    if let Ok(database) = std::env::var("ASSAY_DATABASE_URL") {
        config.metadata = database;
    }
    let stores = assay_store::open(&config).await?;
    let main =
        write(stores.meta.as_ref(), |tx| tx.repository("main")).await?.context("there is no repository main")?.id;
    let pool = pool(plan)?;
    let mut dice = Dice(7);
    for first in (0..plan.packages).step_by(BATCH) {
        let numbers = first..(first + BATCH).min(plan.packages);
        for number in numbers.clone().filter(|number| is_pulled(*number)) {
            store_bytes(&stores, directory, number).await?;
        }
        let made: Vec<Made> = numbers.map(|number| Made::new(number, plan, &pool, &mut dice)).collect();
        let at = Timestamp::now();
        store(stores.meta.as_ref(), main, made, at).await?;
        told((first + BATCH).min(plan.packages));
    }
    Ok(())
}

async fn store_bytes(stores: &Stores, directory: &Path, number: usize) -> Result<()> {
    let spooled = directory.join("bench.tmp");
    std::fs::write(&spooled, bytes(number))?;
    stores.blobs.put(&Digest::of(&bytes(number)), &spooled).await?;
    let _ = std::fs::remove_file(&spooled);
    Ok(())
}

async fn store(meta: &dyn MetaStore, main: RepositoryId, made: Vec<Made>, at: Timestamp) -> Result<()> {
    write(meta, move |tx| {
        let mut jobs = Vec::new();
        for one in &made {
            let (package, new) = one.store(tx, main, at)?;
            let job = |stage, key| NewJob {
                lane: Lane::Backfill,
                stage,
                key,
                cause: "generated".into(),
                due: Due::at_once(at),
            };
            jobs.extend(new.iter().map(|component| job(Stage::Match, component.0)));
            jobs.push(job(Stage::Decide, package.0));
        }
        tx.enqueue(&jobs)
    })
    .await?;
    Ok(())
}

struct Made {
    number: usize,
    digest: Digest,
    size: u64,
    inventory: Inventory,
}

impl Made {
    fn new(number: usize, plan: &Plan, pool: &[Component], dice: &mut Dice) -> Self {
        let bytes = bytes(number);
        let targets = TARGETS.iter().filter(|(_, first, count)| (*first..first + count).contains(&number));
        let targets: Vec<Component> =
            targets.filter_map(|(name, ..)| Component::of_language("PyPI", name, "1.0.0").ok()).collect();
        // what an advisory is to refuse must not be refused before
        let fits = |at: usize| targets.is_empty() || pool.get(at).is_some_and(|c| c.name.starts_with(INVENTED));
        let mut inside: BTreeSet<usize> = BTreeSet::new();
        while inside.len() < plan.components.min(pool.len() / 2) {
            inside.extend(Some(dice.skewed(pool.len())).filter(|at| fits(*at)));
        }
        let found = inside.into_iter().filter_map(|at| pool.get(at)).cloned().chain(targets);
        let occurrence = |component| Occurrence {
            component,
            path: "site-packages".into(),
            analyzer: "wheel".into(),
            ..Occurrence::default()
        };
        Self {
            number,
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            inventory: Inventory {
                components: found.map(occurrence).collect(),
                files_seen: 40,
                ..Inventory::default()
            },
        }
    }

    /// Writes what publishing and the look inside leave behind.
    fn store(
        &self,
        tx: &mut dyn Tx,
        main: RepositoryId,
        at: Timestamp,
    ) -> Result<(PackageId, Vec<assay_model::component::ComponentId>), assay_model::Problem> {
        let (name, file) = (path(self.number), format!("package-{}.bin", self.number));
        tx.stage_blob(main, "generic", &name, &self.digest, self.size, at)?;
        let media_type = "application/octet-stream";
        let package = NewPackage {
            repository: main,
            at: Coordinates { format: "generic".into(), name: name.clone(), version: self.digest.to_string() },
            metadata: json!({ "filename": file, "media_type": media_type, "size": self.size }),
            uploader: "bench".into(),
            uploaded_at: at,
            published_at: None,
            origin: None,
        };
        let (id, _) = tx.put_package(&package)?;
        let file = NewFile {
            path: file,
            digest: self.digest.clone(),
            size: self.size,
            media_type: media_type.into(),
            role: Some(Role::File),
            hashes: std::collections::BTreeMap::new(),
            metadata: Value::Null,
        };
        tx.put_files(id, &[file], at)?;
        tx.unstage_blob(main, "generic", &name, &self.digest)?;
        let (digest, inventory) = (self.digest.clone(), self.inventory.clone());
        let (_, new) = tx.put_inventory(&StoredInventory {
            digest,
            role: Role::File,
            scanner: scanner().to_owned(),
            made_at: at,
            inventory,
        })?;
        let subject = format!("main/generic/{name}@{}", self.digest);
        let body = json!({ "files": 1 });
        tx.append_event(&NewEvent { at, kind: "package.published", actor: "bench".into(), subject, body })?;
        Ok((id, new))
    }
}

/// The components there are, those that most packages have first.
fn pool(plan: &Plan) -> Result<Vec<Component>> {
    let wanted = (plan.packages * 3 / 5).clamp(1000, 400_000);
    let mut known = Vec::new();
    for (folder, ecosystem) in
        [("PyPI", "PyPI"), ("npm", "npm"), ("crates-io", "crates.io"), ("Maven", "Maven"), ("Go", "Go")]
    {
        let zip = plan.corpus.join("feeds/osv").join(folder).join("all.zip");
        match std::fs::File::open(&zip) {
            Ok(file) => known.extend(advised(file)?.into_iter().map(|name| (ecosystem, name))),
            Err(_) => {
                eprintln!("SKIPPED: {} is not there: names of packages with advisories are invented", zip.display())
            }
        }
    }
    let mut dice = Dice(11);
    let mut pool = Vec::with_capacity(wanted);
    while pool.len() < wanted {
        let (ecosystem, name) = match dice.roll() % 7 {
            0 if !known.is_empty() => {
                let (ecosystem, name) = &known[dice.roll() as usize % known.len()];
                (*ecosystem, name.clone())
            }
            ecosystem => {
                let ecosystem = ["npm", "npm", "npm", "PyPI", "PyPI", "crates.io", "Go"][ecosystem as usize];
                (ecosystem, format!("{INVENTED}{}", dice.roll() % wanted as u64))
            }
        };
        let versions = 1 + dice.skewed(12);
        for _ in 0..versions {
            let version = format!("{}.{}.{}", dice.skewed(9), dice.skewed(30), dice.skewed(15));
            pool.extend(Component::of_language(ecosystem, &name, &version).ok());
        }
    }
    pool.truncate(wanted);
    Ok(pool)
}

/// Names that the advisories of an export speak of, in order, each once.
fn advised(file: std::fs::File) -> Result<Vec<String>> {
    let mut zip = zip::ZipArchive::new(file)?;
    let mut names = BTreeSet::new();
    for at in 0..zip.len() {
        let mut text = String::new();
        zip.by_index(at)?.read_to_string(&mut text)?;
        let record: Value = serde_json::from_str(&text)?;
        let affected = record["affected"].as_array().into_iter().flatten();
        names.extend(affected.filter_map(|one| one["package"]["name"].as_str()).map(str::to_owned));
    }
    Ok(names.into_iter().collect())
}
