//! Stores to test with, and samples to fill them.

use assay_model::{
    Digest, Problem,
    component::{Component, Occurrence},
    event::NewEvent,
    inventory::{Inventory, StoredInventory},
    package::{Coordinates, NewFile, NewPackage, PackageId, Role},
    repository::{Repository, RepositoryId, Settings},
    seam::meta::{self, MetaStore, Tx},
};
use jiff::Timestamp;
use std::{
    io::Write as _,
    sync::{
        Arc, Once,
        atomic::{AtomicU32, Ordering},
    },
};

/// A metadata store of its own for one test.
pub struct World {
    pub meta: Arc<dyn MetaStore>,
    pub address: String,
    _home: Home,
}

#[allow(dead_code, reason = "kept until the test ends")]
enum Home {
    Directory(tempfile::TempDir),
    Schema(Schema),
}

/// Dropped with the test.
struct Schema {
    server: String,
    name: String,
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, drop_it) = (self.server.clone(), format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name));
        let done = std::thread::spawn(move || {
            postgres::Client::connect(&server, postgres::NoTls).and_then(|mut c| c.batch_execute(&drop_it))
        });
        if let Ok(Err(error)) = done.join() {
            eprintln!("cannot drop a test's schema: {error}");
        }
    }
}

pub async fn sqlite() -> World {
    let home = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}/nested/assay.db", home.path().display());
    World { meta: assay_store::open_meta(&address).await.unwrap(), address, _home: Home::Directory(home) }
}

pub async fn postgres() -> Option<World> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("ASSAY_TEST_POSTGRES") else {
        static ONCE: Once = Once::new();
        skipped(&ONCE, "ASSAY_TEST_POSTGRES is not set, so nothing is known about PostgreSQL");
        return None;
    };
    let name = format!("assay_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let schema = Schema { server: server.clone(), name: name.clone() };
    let (of_server, create) = (server.clone(), format!("CREATE SCHEMA {name}"));
    tokio::task::spawn_blocking(move || {
        postgres::Client::connect(&of_server, postgres::NoTls).unwrap().batch_execute(&create).unwrap();
    })
    .await
    .unwrap();
    let mark = if server.contains('?') { '&' } else { '?' };
    let address = format!("{server}{mark}application_name={name}&options=-csearch_path%3D{name}");
    Some(World { meta: assay_store::open_meta(&address).await.unwrap(), address, _home: Home::Schema(schema) })
}

/// Says so once, past the test harness, which shows the output of failed tests only.
pub fn skipped(once: &Once, why: &str) {
    once.call_once(|| {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    });
}

/// Each function as a test over every database.
macro_rules! conformance {
    ($(#[$mark:meta])* $($name:ident),* $(,)?) => { $crate::world::conformance!(@ [$(#[$mark])*] $($name)*); };
    (@ $marks:tt $($name:ident)*) => {
        mod sqlite {
            $($crate::world::conformance!(# $marks sqlite $name);)*
        }
        mod postgres {
            $($crate::world::conformance!(# $marks postgres $name);)*
        }
    };
    (# [$(#[$mark:meta])*] sqlite $name:ident) => {
        $(#[$mark])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            super::$name($crate::world::sqlite().await).await;
        }
    };
    (# [$(#[$mark:meta])*] postgres $name:ident) => {
        $(#[$mark])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if let Some(world) = $crate::world::postgres().await {
                super::$name(world).await;
            }
        }
    };
}
pub(crate) use conformance;

impl World {
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Tx) -> Result<T, Problem> + Send + 'static,
    ) -> T {
        meta::write(&*self.meta, work).await.unwrap()
    }
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Tx) -> Result<T, Problem> + Send + 'static,
    ) -> T {
        meta::read(&*self.meta, work).await.unwrap()
    }
    pub async fn fails<T: Send + 'static + std::fmt::Debug>(
        &self,
        work: impl FnMut(&mut dyn Tx) -> Result<T, Problem> + Send + 'static,
    ) -> Problem {
        meta::write(&*self.meta, work).await.unwrap_err()
    }
    /// A second handle on the same data, as another process has it.
    pub async fn again(&self) -> Arc<dyn MetaStore> {
        assay_store::open_meta(&self.address).await.unwrap()
    }
    pub async fn repository(&self, name: &'static str) -> Repository {
        self.write(move |tx| tx.create_repository(name, &Settings::default(), at(0))).await
    }
}

/// Seconds after a fixed moment.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + seconds).unwrap()
}

pub fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

pub fn new_package(repository: RepositoryId, name: &str, version: &str) -> NewPackage {
    NewPackage {
        repository,
        at: Coordinates { format: "pypi".into(), name: name.into(), version: version.into() },
        metadata: serde_json::json!({"summary": "a \u{1f980} package"}),
        uploader: "ann".into(),
        uploaded_at: at(1),
        published_at: None,
        origin: None,
    }
}

pub fn new_file(path: &str, content: &str) -> NewFile {
    NewFile {
        path: path.into(),
        digest: digest(content),
        size: content.len() as u64,
        media_type: "application/zip".into(),
        role: Some(Role::File),
        hashes: [("md5".to_owned(), "00".to_owned())].into(),
        metadata: serde_json::json!({"requires_python": ">=3"}),
    }
}

/// A package with one file, whose blob is staged first.
pub fn publish(
    tx: &mut dyn Tx,
    repository: RepositoryId,
    name: &str,
    version: &str,
    content: &str,
) -> Result<PackageId, Problem> {
    let (id, _) = tx.put_package(&new_package(repository, name, version))?;
    let file = new_file(&format!("{name}-{version}.whl"), content);
    tx.stage_blob(repository, "pypi", name, &file.digest, file.size, at(1))?;
    tx.put_files(id, std::slice::from_ref(&file), at(1))?;
    tx.unstage_blob(repository, "pypi", name, &file.digest)?;
    Ok(id)
}

pub fn component(ecosystem: &str, name: &str, version: &str) -> Component {
    Component {
        purl: format!("pkg:pypi/{name}@{version}"),
        purl_type: "pypi".into(),
        namespace: String::new(),
        name: name.into(),
        version: version.into(),
        ecosystem: ecosystem.into(),
        match_name: name.into(),
        match_version: version.into(),
    }
}

pub fn inventory(content: &str, role: Role, components: &[Component]) -> StoredInventory {
    let occurrence = |component: &Component| Occurrence {
        component: component.clone(),
        path: "METADATA".into(),
        analyzer: "wheel".into(),
        is_subject: false,
        licenses: vec!["MIT".into()],
        requires: vec!["urllib3<1.22".into()],
        properties: [("wheel.tag".to_owned(), "py3-none-any".to_owned())].into(),
        ..Occurrence::default()
    };
    let found = Inventory { components: components.iter().map(occurrence).collect(), ..Inventory::default() };
    StoredInventory { digest: digest(content), role, scanner: "1".into(), made_at: at(2), inventory: found }
}

pub fn event(subject: &str, body: serde_json::Value) -> NewEvent {
    NewEvent { at: at(3), kind: "package.published", actor: "ann".into(), subject: subject.into(), body }
}
