//! The event log: numbers without gaps, a chain that holds, also under many appenders.

use crate::world::{World, at, conformance, event};
use assay_model::{
    Problem,
    event::{Event, GENESIS, chain_hash},
    seam::meta::{self, EventFilter},
};
use serde_json::json;

conformance!(
    events_are_chained,
    a_rolled_back_event_leaves_no_gap,
    events_are_filtered,
    appenders_take_turns,
    the_head_is_seen,
);

/// What `assay log verify` does.
fn verify(events: &[Event]) {
    let mut previous = GENESIS.to_owned();
    for (i, e) in events.iter().enumerate() {
        assert_eq!(e.seq, i as i64 + 1);
        assert_eq!(e.previous, previous);
        let hash = chain_hash(&e.previous, e.seq, e.at, &e.kind, &e.actor, &e.subject, &e.body.to_string());
        assert_eq!(e.hash, hash, "entry {}", e.seq);
        previous = hash;
    }
}

async fn all(world: &World) -> Vec<Event> {
    world.read(|tx| tx.events(&EventFilter { limit: 100_000, ..EventFilter::default() })).await
}

async fn events_are_chained(world: World) {
    assert_eq!(world.read(|tx| tx.last_event()).await, 0);
    let (last, inside) = world
        .write(|tx| {
            for i in 0..700 {
                let body =
                    json!({"i": i, "z": {"b": 1, "a": [0.1, 1e300, 5e-324, 0.3]}, "text": "\u{0}\u{1f980}\n\"" });
                assert_eq!(tx.append_event(&event(&format!("p{i}\0"), body))?, i + 1);
            }
            let inside = tx.events(&EventFilter { after: 690, limit: 99, ..EventFilter::default() })?;
            Ok((tx.last_event()?, inside.len()))
        })
        .await;
    assert_eq!((last, inside), (700, 10), "a transaction sees its own events");
    world.write(|tx| tx.append_event(&event("next", json!(null)))).await;
    let events = all(&world).await;
    assert_eq!(events.len(), 701);
    verify(&events);
    assert_eq!((events[0].at, events[0].subject.as_str()), (at(3), "p0\u{fffd}"));
}

async fn a_rolled_back_event_leaves_no_gap(world: World) {
    world.write(|tx| tx.append_event(&event("a", json!({})))).await;
    let failed = world
        .fails(|tx| {
            tx.append_event(&event("b", json!({})))?;
            Err::<(), _>(Problem::conflict("no"))
        })
        .await;
    assert_eq!(failed.message, "no");
    world.write(|tx| tx.append_event(&event("c", json!({})))).await;
    let events = all(&world).await;
    assert_eq!(events.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    verify(&events);
}

async fn events_are_filtered(world: World) {
    world
        .write(|tx| {
            for i in 0..10 {
                tx.append_event(&event(if i % 2 == 0 { "even" } else { "odd" }, json!(i)))?;
            }
            Ok(())
        })
        .await;
    let get = |filter: EventFilter| {
        let world = &world;
        async move {
            let events = world.read(move |tx| tx.events(&filter)).await;
            events.into_iter().map(|e| e.seq).collect::<Vec<_>>()
        }
    };
    let page = |after, limit| EventFilter { after, limit, ..EventFilter::default() };
    assert_eq!(get(page(3, 2)).await, [4, 5]);
    assert_eq!(get(EventFilter { newest_first: true, ..page(0, 2) }).await, [10, 9]);
    assert_eq!(get(EventFilter { subject: Some("odd".into()), ..page(4, 9) }).await, [6, 8, 10]);
}

async fn appenders_take_turns(world: World) {
    let other = world.again().await;
    let mut writers = Vec::new();
    for writer in 0..4 {
        let store = if writer % 2 == 0 { world.meta.clone() } else { other.clone() };
        writers.push(tokio::spawn(async move {
            for i in 0..25 {
                meta::write(&*store, move |tx| {
                    tx.append_event(&event(&format!("{writer}/{i}"), json!({"i": i})))?;
                    tx.append_event(&event(&format!("{writer}/{i}"), json!({"again": i})))
                })
                .await
                .unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let events = all(&world).await;
    assert_eq!(events.len(), 200);
    verify(&events);
    assert!(events.chunks(2).all(|pair| pair[0].subject == pair[1].subject), "transactions do not mix");
}

async fn the_head_is_seen(world: World) {
    assert_eq!(world.meta.head().await.unwrap(), 0);
    world.write(|tx| tx.append_event(&event("a", json!({})))).await;
    assert_eq!(world.meta.head().await.unwrap(), 1, "one's own commits at once");
    let other = world.again().await;
    meta::write(&*other, |tx| tx.append_event(&event("b", json!({})))).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(1), async {
        while world.meta.head().await.unwrap() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("another process's commits show within a second");
}
