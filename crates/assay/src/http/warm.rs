//! What a pull costs once everything it needs is in memory: no transaction at all. Counted below the engine, at the seam
//! of the metadata store.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::{App, routes};
use crate::{
    config::{Config, Flags},
    wiring,
};
use assay_engine::PolicyDraft;
use assay_model::{
    access::{Caller, Permission},
    event::Seq,
    problem::Problem,
    repository::Settings,
    seam::{
        Task,
        meta::{MetaStore, Work},
    },
};
use assay_testkit::make::wheel::Wheel;
use axum::body::{Body, Bytes};
use http::{Method, Request};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts transactions.
struct Counting {
    inner: Arc<dyn MetaStore>,
    seen: Arc<AtomicUsize>,
}

impl MetaStore for Counting {
    fn read(&self, work: Work<'static>) -> Task<'_, ()> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.inner.read(work)
    }
    fn write(&self, work: Work<'static>) -> Task<'_, ()> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.inner.write(work)
    }
    fn write_now(&self, work: Work<'_>) -> Result<(), Problem> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.inner.write_now(work)
    }
    fn head(&self) -> Task<'_, Seq> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.inner.head()
    }
    fn moved_since(&self, seen: Seq) -> bool {
        self.inner.moved_since(seen)
    }
}

struct World {
    app: Arc<App>,
    token: String,
    seen: Arc<AtomicUsize>,
}

impl World {
    async fn new(data: &std::path::Path) -> Self {
        let config = Config::load(&Flags { data: Some(data.to_owned()), ..Flags::default() }).unwrap();
        let seen = Arc::new(AtomicUsize::new(0));
        let embedded = assay_store::StoreConfig::embedded(data).unwrap();
        let mut stores = assay_store::open(&embedded).await.unwrap();
        stores.meta = Arc::new(Counting { inner: stores.meta, seen: seen.clone() });
        let engine = wiring::over(&config, stores).unwrap();
        let system = Caller::System;
        engine.create_repository(&system, "main", Settings::default()).await.unwrap();
        let issued = engine.issue_token(&system, "ci", Permission::Write, vec![], None).await.unwrap();
        let draft = serde_json::json!({
            "name": "critical",
            "rego": "package assay\n\nimport rego.v1\n\ndefault match := false\n\nmatch if {\n\tsome v in input.v0.vulnerabilities\n\tv.severity == \"CRITICAL\"\n}\n",
        });
        let draft: PolicyDraft = serde_json::from_value(draft).unwrap();
        engine.save_policy(&system, draft).await.unwrap();
        Self { app: App::new(engine, &config).await.unwrap(), token: issued.secret, seen }
    }

    /// Status, body, and how many transactions it took.
    async fn ask(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> (u16, Bytes, usize) {
        let before = self.seen.load(Ordering::SeqCst);
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let request = request.header("authorization", format!("Bearer {}", self.token)).header("accept", kind);
        let reply = routes::dispatch(self.app.clone(), request.body(Body::from(body)).unwrap()).await;
        let status = reply.status().as_u16();
        let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
        (status, body, self.seen.load(Ordering::SeqCst) - before)
    }
}

fn form(wheel: &assay_testkit::make::wheel::Built) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in [(":action", "file_upload"), ("name", &wheel.name), ("version", &wheel.version)] {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let file = &wheel.file_name;
    body.extend(
        format!("--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\r\n").bytes(),
    );
    body.extend(&wheel.bytes);
    body.extend(b"\r\n--b--\r\n");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_pull_takes_no_transaction() {
    let data = tempfile::tempdir().unwrap();
    let world = World::new(data.path()).await;
    let wheel = Wheel::new("warm", "1.0").build().unwrap();
    let (status, said, cost) =
        world.ask(Method::POST, "/pypi/main/legacy/", "multipart/form-data; boundary=b", form(&wheel)).await;
    assert_eq!(status, 200, "{said:?}");
    assert!(cost > 0, "the count works");
    let stored = world.ask(Method::PUT, "/generic/main/a/4k.bin", "application/octet-stream", vec![7; 4096]).await;
    assert_eq!(stored.0, 201);
    world.app.engine.drain().await.unwrap();
    let file = format!("/pypi/main/files/warm/{}", wheel.file_name);
    let pulls = [
        ("/pypi/main/simple/warm/", "text/html"),
        ("/pypi/main/simple/warm/", "application/vnd.pypi.simple.v1+json"),
        (file.as_str(), "*/*"),
        ("/generic/main/a/4k.bin", "*/*"),
    ];
    for (path, kind) in pulls {
        let (status, cold, _) = world.ask(Method::GET, path, kind, vec![]).await;
        assert_eq!(status, 200, "{path}");
        let (status, warm, cost) = world.ask(Method::GET, path, kind, vec![]).await;
        assert_eq!((status, cost), (200, 0), "{path} as {kind}");
        assert_eq!(cold, warm, "{path}");
    }
}
