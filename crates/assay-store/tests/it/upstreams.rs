//! Upstreams, what they said, and the digests that were seen first.

use crate::world::{World, at, conformance, digest};
use assay_model::{
    Kind,
    repository::RepositoryId,
    seam::meta::{DocumentKey, KeptDocument, Tx},
    upstream::{Mode, NewUpstream, UpstreamId, UpstreamSettings},
};

conformance!(
    upstreams_come_in_their_order,
    settings_change_and_secrets_are_apart,
    documents_are_kept_by_address_and_what_is_accepted,
    what_was_checked_longest_ago_goes_first,
    the_first_digest_stays,
    of_several_at_once_one_digest_is_pinned,
    a_removed_upstream_leaves_nothing,
);

pub fn new_upstream(repository: RepositoryId, name: &str, priority: i32) -> NewUpstream {
    let url = "https://registry.example/simple".to_owned();
    let settings = UpstreamSettings { url, ..UpstreamSettings::default() };
    NewUpstream { repository, format: "pypi".into(), name: name.into(), priority, settings }
}

pub fn document(body: &str, seconds: i64) -> KeptDocument {
    KeptDocument {
        status: 200,
        etag: Some("W/\"1\"".into()),
        last_modified: Some("Tue, 15 Nov 1994 12:45:26 GMT".into()),
        media_type: "text/html; charset=utf-8".into(),
        headers: [("link".to_owned(), "<x>; rel=\"next\"".to_owned())].into(),
        body: body.as_bytes().to_vec().into(),
        fetched_at: at(seconds),
        checked_at: at(seconds),
    }
}

/// A document kept under an address.
async fn keep(world: &World, upstream: UpstreamId, address: &'static str, body: String, seconds: i64) {
    let key = DocumentKey { upstream, address, accept: "" };
    world.write(move |tx| tx.put_remote_document(&key, &document(&body, seconds))).await;
}

async fn is_kept(world: &World, upstream: UpstreamId, address: &'static str) -> bool {
    let key = DocumentKey { upstream, address, accept: "" };
    world.read(move |tx| tx.remote_document(&key)).await.is_some()
}

async fn upstreams_come_in_their_order(world: World) {
    let r = world.repository("main").await.id;
    let elsewhere = world.repository("elsewhere").await.id;
    for (name, priority) in [("b", 5), ("late", 9), ("a", 5), ("first", -3)] {
        world.write(move |tx| tx.add_upstream(&new_upstream(r, name, priority))).await;
    }
    world.write(move |tx| tx.add_upstream(&new_upstream(elsewhere, "a", 1))).await;
    let names: Vec<String> =
        world.read(move |tx| tx.upstreams(r)).await.into_iter().map(|upstream| upstream.name).collect();
    assert_eq!(names, ["first", "a", "b", "late"], "by priority, equal ones by name");
    assert_eq!(world.fails(move |tx| tx.add_upstream(&new_upstream(r, "a", 1))).await.kind, Kind::Conflict);
    assert_eq!(world.fails(move |tx| tx.add_upstream(&new_upstream(r, "../a", 1))).await.kind, Kind::Invalid);
    assert!(world.read(move |tx| tx.upstream(r, "none")).await.is_none());
    let found = world.read(move |tx| tx.upstream(r, "late")).await.unwrap();
    assert_eq!((found.repository, found.format.as_str(), found.priority), (r, "pypi", 9));
    assert_eq!(world.read(move |tx| tx.upstream_by_id(found.id)).await.unwrap().name, "late");
}

async fn settings_change_and_secrets_are_apart(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| tx.add_upstream(&new_upstream(r, "one", 1))).await.id;
    assert!(world.read(move |tx| tx.upstream_secrets(id)).await.is_empty());
    world.write(move |tx| tx.put_upstream_secrets(id, &[0, 159, 146, 150])).await;
    let settings = UpstreamSettings {
        mode: Mode::CachedOnly,
        include: vec!["acme-*".into()],
        cooldown_days: 7,
        ..new_upstream(r, "one", 1).settings
    };
    let wanted = settings.clone();
    world.write(move |tx| tx.update_upstream(id, -2, &settings)).await;
    let found = world.read(move |tx| tx.upstream(r, "one")).await.unwrap();
    assert_eq!((found.priority, found.settings), (-2, wanted));
    assert_eq!(world.read(move |tx| tx.upstream_secrets(id)).await, [0, 159, 146, 150], "settings keep the secrets");
    world.write(move |tx| tx.put_upstream_secrets(id, &[])).await;
    assert!(world.read(move |tx| tx.upstream_secrets(id)).await.is_empty());
    let nobody = UpstreamId(999);
    let update = world.fails(move |tx| tx.update_upstream(nobody, 1, &UpstreamSettings::default())).await;
    let secrets = world.fails(move |tx| tx.put_upstream_secrets(nobody, b"x")).await;
    assert_eq!((update.kind, secrets.kind), (Kind::NotFound, Kind::NotFound));
}

async fn documents_are_kept_by_address_and_what_is_accepted(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| tx.add_upstream(&new_upstream(r, "one", 1))).await.id;
    // longer than a database can index
    let address: &'static str = Box::leak(format!("simple/{}/", "n".repeat(9_000)).into_boxed_str());
    let html = DocumentKey { upstream: id, address, accept: "text/html" };
    let json = DocumentKey { upstream: id, address, accept: "application/json" };
    world.write(move |tx| tx.put_remote_document(&html, &document("<a>", 5))).await;
    assert!(world.read(move |tx| tx.remote_document(&json)).await.is_none());
    let missing = KeptDocument { status: 404, etag: None, last_modified: None, body: "".into(), ..document("", 6) };
    let kept = missing.clone();
    world.write(move |tx| tx.put_remote_document(&json, &missing)).await;
    assert_eq!(world.read(move |tx| tx.remote_document(&json)).await.unwrap(), kept);
    assert_eq!(world.read(move |tx| tx.remote_document(&html)).await.unwrap(), document("<a>", 5));
    assert!(world.write(move |tx| tx.touch_remote_document(&html, at(60))).await);
    let touched = world.read(move |tx| tx.remote_document(&html)).await.unwrap();
    assert_eq!((touched.fetched_at, touched.checked_at), (at(5), at(60)));
    let large = "0123456789".repeat(300_000);
    world.write(move |tx| tx.put_remote_document(&html, &document(&large, 70))).await;
    let replaced = world.read(move |tx| tx.remote_document(&html)).await.unwrap();
    assert_eq!((replaced.body.len(), replaced.fetched_at), (3_000_000, at(70)));
    let nothing = DocumentKey { upstream: id, address: "other", accept: "" };
    assert!(!world.write(move |tx| tx.touch_remote_document(&nothing, at(1))).await);
    assert_eq!(world.write(move |tx| tx.forget_remote_documents(id)).await, 2);
}

async fn what_was_checked_longest_ago_goes_first(world: World) {
    let r = world.repository("main").await.id;
    let a = world.write(move |tx| tx.add_upstream(&new_upstream(r, "a", 1))).await.id;
    let b = world.write(move |tx| tx.add_upstream(&new_upstream(r, "b", 1))).await.id;
    for (upstream, address, seconds) in [(a, "1", 1), (b, "2", 2), (a, "3", 3), (b, "4", 4)] {
        keep(&world, upstream, address, address.to_owned(), seconds).await;
    }
    assert_eq!(world.write(|tx| tx.evict_remote_documents(4, 1 << 20)).await, 0);
    let key = DocumentKey { upstream: a, address: "1", accept: "" };
    world.write(move |tx| tx.touch_remote_document(&key, at(9))).await;
    assert_eq!(world.write(|tx| tx.evict_remote_documents(2, 1 << 20)).await, 2);
    assert!(is_kept(&world, a, "1").await && is_kept(&world, b, "4").await, "the ones that were current last");
    // what does not compress
    let noise: String = (0..2_000).map(|i| digest(&i.to_string()).hex().to_owned()).collect();
    keep(&world, a, "large", noise, 10).await;
    assert_eq!(world.write(|tx| tx.evict_remote_documents(9, 100_000)).await, 0);
    assert_eq!(world.write(|tx| tx.evict_remote_documents(9, 30_000)).await, 3, "the large one, and what is older");
}

async fn the_first_digest_stays(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| tx.add_upstream(&new_upstream(r, "one", 1))).await.id;
    assert!(world.read(move |tx| tx.pinned(id, "flask", "flask-1.whl")).await.is_none());
    let pin = move |of, path, seconds| move |tx: &mut dyn Tx| tx.pin(id, "flask", path, &digest(of), at(seconds));
    assert_eq!(world.write(pin("first", "flask-1.whl", 1)).await, digest("first"));
    assert_eq!(world.write(pin("second", "flask-1.whl", 2)).await, digest("first"), "the one in force");
    assert_eq!(world.write(pin("second", "flask-2.whl", 2)).await, digest("second"), "another path");
    let seen = world.read(move |tx| tx.pinned(id, "flask", "flask-1.whl")).await.unwrap();
    assert_eq!(seen, (digest("first"), at(1)));
    assert!(world.write(move |tx| tx.unpin(id, "flask", "flask-1.whl")).await);
    assert!(!world.write(move |tx| tx.unpin(id, "flask", "flask-1.whl")).await);
    assert_eq!(world.write(pin("second", "flask-1.whl", 3)).await, digest("second"));
}

async fn of_several_at_once_one_digest_is_pinned(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| tx.add_upstream(&new_upstream(r, "one", 1))).await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..8 {
        let meta = world.meta.clone();
        tasks.spawn(async move {
            assay_model::seam::meta::write(&*meta, move |tx| {
                tx.pin(id, "flask", "flask-1.whl", &digest(&i.to_string()), at(1))
            })
            .await
            .unwrap()
        });
    }
    let mut pinned = tasks.join_all().await;
    pinned.dedup();
    assert_eq!(pinned.len(), 1, "all are told the same");
}

async fn a_removed_upstream_leaves_nothing(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| tx.add_upstream(&new_upstream(r, "one", 1))).await.id;
    let other = world.write(move |tx| tx.add_upstream(&new_upstream(r, "two", 1))).await.id;
    for upstream in [id, other] {
        keep(&world, upstream, "1", "x".into(), 1).await;
        world.write(move |tx| tx.pin(upstream, "x", "x", &digest("x"), at(1))).await;
    }
    assert!(world.write(move |tx| tx.delete_upstream(id)).await);
    assert!(!world.write(move |tx| tx.delete_upstream(id)).await);
    assert!(world.read(move |tx| tx.upstream_by_id(id)).await.is_none());
    assert!(!is_kept(&world, id, "1").await && is_kept(&world, other, "1").await);
    assert!(world.read(move |tx| tx.pinned(id, "x", "x")).await.is_none());
    assert!(world.read(move |tx| tx.pinned(other, "x", "x")).await.is_some());
    let key = DocumentKey { upstream: id, address: "late", accept: "" };
    let late = world.fails(move |tx| tx.put_remote_document(&key, &document("x", 1))).await;
    let pin = world.fails(move |tx| tx.pin(id, "x", "x", &digest("x"), at(1))).await;
    assert_eq!((late.kind, pin.kind), (Kind::NotFound, Kind::NotFound), "a fetch that ends after the removal");
}
