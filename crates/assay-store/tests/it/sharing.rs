//! Transactions: all or nothing, snapshots, several handles on the same data, opening at once.

use crate::world::{World, at, conformance, event, publish};
use assay_model::{
    Problem,
    problem::Kind,
    repository::Settings,
    seam::meta::{self, PackageFilter},
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

conformance!(
    a_failed_transaction_leaves_nothing,
    a_panic_leaves_nothing_and_breaks_nothing,
    a_reader_keeps_its_snapshot,
    readers_cannot_write,
    two_handles_share_the_data,
    writers_of_two_handles_queue_up,
    writes_from_blocking_threads,
    many_open_at_once,
    a_newer_schema_is_refused,
);

async fn a_failed_transaction_leaves_nothing(world: World) {
    let r = world.repository("main").await.id;
    let problem = world
        .fails(move |tx| {
            publish(tx, r, "p", "1", "x")?;
            tx.append_event(&event("p", serde_json::json!({})))?;
            tx.put_setting("k", "v")?;
            Err::<(), _>(Problem::invalid("no", "no"))
        })
        .await;
    assert_eq!(problem.kind, Kind::Invalid);
    let left = world
        .read(|tx| {
            let packages = tx.list_packages(&PackageFilter { limit: 9, ..PackageFilter::default() })?;
            Ok((packages.len(), tx.last_event()?, tx.setting("k")?, tx.blob_size(&crate::world::digest("x"))?))
        })
        .await;
    assert_eq!(left, (0, 0, None, None));
}

async fn a_panic_leaves_nothing_and_breaks_nothing(world: World) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let cut_off = meta::write(&*world.meta, |tx| {
        tx.put_setting("k", "v")?;
        if tx.setting("k")?.is_some() {
            panic!("on purpose");
        }
        Ok(())
    });
    assert!(cut_off.await.is_err());
    std::panic::set_hook(hook);
    assert_eq!(world.read(|tx| tx.setting("k")).await, None);
    world.write(|tx| tx.put_setting("k", "w")).await;
    assert_eq!(world.read(|tx| tx.setting("k")).await.as_deref(), Some("w"));
}

async fn a_reader_keeps_its_snapshot(world: World) {
    world.write(|tx| tx.put_setting("k", "before")).await;
    let (started, start) = std::sync::mpsc::channel();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let store = world.meta.clone();
    let reader = tokio::spawn(async move {
        let seen = meta::read(&*store, move |tx| {
            let first = tx.setting("k")?;
            let _ = started.send(());
            let _ = wait.recv();
            Ok((first, tx.setting("k")?))
        });
        seen.await.unwrap()
    });
    tokio::task::spawn_blocking(move || start.recv().unwrap()).await.unwrap();
    world.write(|tx| tx.put_setting("k", "after")).await;
    go_on.send(()).unwrap();
    let seen = reader.await.unwrap();
    assert_eq!(seen, (Some("before".to_owned()), Some("before".to_owned())));
    assert_eq!(world.read(|tx| tx.setting("k")).await.as_deref(), Some("after"));
}

async fn readers_cannot_write(world: World) {
    let refused = meta::read(&*world.meta, |tx| tx.put_setting("k", "v")).await;
    assert!(refused.is_err());
    assert_eq!(world.read(|tx| tx.setting("k")).await, None);
}

async fn two_handles_share_the_data(world: World) {
    let other = world.again().await;
    let made = meta::write(&*other, |tx| tx.create_repository("main", &Settings::default(), at(0))).await.unwrap();
    assert_eq!(world.read(|tx| tx.repository("main")).await.unwrap(), made);
    let r = made.id;
    world.write(move |tx| publish(tx, r, "p", "1", "x")).await;
    let seen = meta::read(&*other, move |tx| tx.packages_named(r, "pypi", "p", None)).await.unwrap();
    assert_eq!(seen.len(), 1);
}

async fn writers_of_two_handles_queue_up(world: World) {
    let other = world.again().await;
    let r = world.repository("main").await.id;
    let tries = Arc::new(AtomicU32::new(0));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let store = if writer % 2 == 0 { world.meta.clone() } else { other.clone() };
        let tries = tries.clone();
        writers.push(tokio::spawn(async move {
            for i in 0..20 {
                let tries = tries.clone();
                // everyone wants the same packages, in rising and in falling order
                meta::write(&*store, move |tx| {
                    tries.fetch_add(1, Ordering::Relaxed);
                    for j in 0..5 {
                        let j = if writer < 2 { j } else { 4 - j };
                        publish(tx, r, &format!("p{j}"), &i.to_string(), &format!("{i}/{j}"))?;
                    }
                    Ok(())
                })
                .await
                .unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(tries.load(Ordering::Relaxed) >= 80);
    let all = world.read(|tx| tx.package_ids(None, 1000)).await;
    assert_eq!(all.len(), 100);
    let files = world.read(move |tx| tx.files_of(&all)).await;
    assert_eq!(files.len(), 100);
}

async fn writes_from_blocking_threads(world: World) {
    let store = world.meta.clone();
    let count = tokio::task::spawn_blocking(move || {
        let mut done = 0;
        for i in 0..3 {
            store
                .write_now(Box::new(|tx| {
                    tx.put_setting(&format!("k{i}"), "v")?;
                    done += 1;
                    Ok(())
                }))
                .unwrap();
        }
        done
    });
    assert_eq!(count.await.unwrap(), 3);
    assert!(world.read(|tx| tx.setting("k2")).await.is_some());
}

async fn many_open_at_once(world: World) {
    // as several processes do: some of them find the data while another one still makes it
    let fresh = match world.address.strip_suffix("assay.db") {
        Some(directory) => format!("{directory}fresh.db"),
        None => {
            let address = world.address.clone();
            tokio::task::spawn_blocking(move || empty_schema(&address)).await.unwrap();
            world.address.clone()
        }
    };
    let opened: Vec<_> = (0..6)
        .map(|_| {
            let address = fresh.clone();
            tokio::spawn(async move { assay_store::open_meta(&address).await.map(|_| ()) })
        })
        .collect();
    for handle in opened {
        handle.await.unwrap().unwrap();
    }
}

fn empty_schema(address: &str) {
    let mut client = ::postgres::Client::connect(address, ::postgres::NoTls).unwrap();
    let name: String = client.query_one("SELECT current_schema()::text", &[]).unwrap().get(0);
    client.batch_execute(&format!("DROP SCHEMA {name} CASCADE; CREATE SCHEMA {name}")).unwrap();
}

async fn a_newer_schema_is_refused(world: World) {
    let future = "INSERT INTO migration (number, name, applied_at) VALUES (9999, 'future', 0)";
    let address = world.address.clone();
    tokio::task::spawn_blocking(move || match address.strip_prefix("sqlite:") {
        Some(path) => rusqlite::Connection::open(path).unwrap().execute_batch(future).unwrap(),
        None => ::postgres::Client::connect(&address, ::postgres::NoTls).unwrap().batch_execute(future).unwrap(),
    })
    .await
    .unwrap();
    let problem = assay_store::open_meta(&world.address).await.err().unwrap();
    assert_eq!(problem.code, "newer-schema");
}

/// A server that was started anew has closed all connections; the next transaction makes new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_connections_are_replaced() {
    let Some(world) = crate::world::postgres().await else { return };
    world.write(|tx| tx.put_setting("k", "v")).await;
    let address = world.address.clone();
    let closed = tokio::task::spawn_blocking(move || {
        let mut client = ::postgres::Client::connect(&address, ::postgres::NoTls).unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
        client.query(others, &[]).unwrap().len()
    });
    assert!(closed.await.unwrap() > 0, "there was one to close");
    world.write(|tx| tx.put_setting("k", "w")).await;
    assert_eq!(world.read(|tx| tx.setting("k")).await.as_deref(), Some("w"));
    assert_eq!(world.meta.head().await.unwrap(), 0);
}
