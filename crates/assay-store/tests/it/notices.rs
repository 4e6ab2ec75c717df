//! Channels and deliveries: every event is told a channel once, also where nodes look, claim and fail at the same time.

use crate::world::{World, at, conformance, event};
use assay_model::{
    Problem,
    channel::{Channel, ChannelId, ChannelKind, ChannelSettings, Pause},
    event::Seq,
    notification::{Affected, Attempt, Delivery, DeliveryStatus, Message},
    problem::Kind,
    seam::meta::{self, DeliveryFilter, EventFilter, Gathered, MetaStore, NewChannel, Tx},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

conformance!(
    a_channel_is_kept_with_its_secrets_apart,
    an_event_is_told_a_channel_once,
    notes_and_the_cursor_are_kept_together_or_not_at_all,
    a_delivery_is_leased_when_it_is_due,
    a_clock_that_is_set_back_delays_no_delivery,
    every_channel_has_its_turn_and_nothing_hides_what_is_due,
    a_delivery_comes_back_as_it_was_and_is_forgotten_in_time,
    nodes_that_look_at_once_note_every_event_once,
    concurrent_claims_never_double,
    an_event_that_joins_while_its_message_is_claimed_is_told,
);

fn new_channel(name: &str) -> NewChannel {
    let settings = ChannelSettings { address: "https://hooks.example/a".into(), ..ChannelSettings::default() };
    NewChannel { name: name.into(), kind: ChannelKind::Webhook, settings, cursor: 0, by: "ann".into(), at: at(0) }
}

async fn channel(world: &World, name: &'static str) -> ChannelId {
    world.write(move |tx| tx.add_channel(&new_channel(name))).await.id
}

fn gathered(topic: &str, seqs: &[Seq], due: i64) -> Gathered {
    Gathered { topic: topic.into(), seqs: seqs.to_vec(), due: at(due), longest: Some(60), at: at(0) }
}

async fn gather(world: &World, to: ChannelId, topic: &'static str, seqs: &'static [Seq], due: i64) {
    world.write(move |tx| tx.gather(to, &gathered(topic, seqs, due))).await;
}

async fn log(world: &World, n: usize) {
    world.write(move |tx| (0..n).try_for_each(|i| tx.append_event(&event(&format!("p{i}"), json!(i))).map(drop))).await;
}

async fn listed(world: &World, to: ChannelId) -> Vec<Delivery> {
    world
        .read(move |tx| {
            tx.deliveries(&DeliveryFilter { channel: Some(to), limit: 10_000, ..DeliveryFilter::default() })
        })
        .await
}

async fn claim(world: &World, now: i64, until: i64) -> Vec<Delivery> {
    world.write(move |tx| tx.claim_deliveries("w", at(now), at(until), 100)).await
}

fn seqs_of(tx: &mut dyn Tx, id: &str) -> Result<Vec<Seq>, Problem> {
    Ok(tx.delivery_events(id, 10_000)?.into_iter().map(|e| e.seq).collect())
}

async fn a_channel_is_kept_with_its_secrets_apart(world: World) {
    let made = world.write(|tx| tx.add_channel(&new_channel("security"))).await;
    let taken = world.fails(|tx| tx.add_channel(&new_channel("security"))).await;
    assert_eq!(taken.kind, Kind::Conflict);
    let id = made.id;
    assert!(world.read(move |tx| tx.channel_secrets(id, None)).await.is_empty());
    assert_eq!(world.write(move |tx| tx.channel_secrets(id, Some(b"\0sealed\xff"))).await, b"\0sealed\xff");
    assert_eq!(world.read(move |tx| tx.channel_secrets(id, None)).await, b"\0sealed\xff");
    let pause = Pause { at: at(5), by: "ann".into(), reason: "holidays".into() };
    let changed = Channel { paused: Some(pause), cursor: 7, failing_since: Some(at(4)), ..made };
    let put = changed.clone();
    world.write(move |tx| tx.update_channel(&put)).await;
    assert_eq!(world.read(|tx| tx.channels()).await, std::slice::from_ref(&changed));
    assert_eq!(world.write(move |tx| tx.lock_channel(id)).await, Some(changed.clone()));
    gather(&world, id, "t", &[1, 2], 10).await;
    assert!(world.write(move |tx| tx.delete_channel(id)).await);
    assert!(!world.write(move |tx| tx.delete_channel(id)).await);
    assert_eq!(world.fails(move |tx| tx.update_channel(&changed)).await.kind, Kind::NotFound);
    assert!(listed(&world, id).await.is_empty() && claim(&world, 99, 199).await.is_empty(), "nothing of it is sent");
}

async fn an_event_is_told_a_channel_once(world: World) {
    log(&world, 6).await;
    let (one, other) = (channel(&world, "one").await, channel(&world, "other").await);
    gather(&world, one, "t", &[1, 2], 10).await;
    gather(&world, one, "t", &[2, 3], 20).await;
    gather(&world, other, "t", &[1], 10).await;
    let told = listed(&world, one).await;
    let [first] = told.as_slice() else { panic!("one message: {told:?}") };
    assert_eq!((first.events, first.due, first.status), (3, at(20), DeliveryStatus::Gathering));
    assert_eq!(listed(&world, other).await[0].events, 1, "channels are apart");
    gather(&world, one, "t", &[4], 500).await;
    assert_eq!(listed(&world, one).await[0].due, at(60), "more may join for so long, no longer");
    let digest = Gathered { longest: None, ..gathered("t", &[4], 500) };
    world.write(move |tx| tx.gather(one, &digest)).await;
    assert_eq!(listed(&world, one).await[0].due, at(60), "what goes at its time is not put off by what joins");
    let id = first.id.clone();
    assert_eq!(world.read(move |tx| seqs_of(tx, &id)).await, [1, 2, 3, 4]);
    assert_eq!(claim(&world, 60, 90).await.len(), 2);
    gather(&world, one, "t", &[5], 90).await;
    gather(&world, one, "u", &[6], 90).await;
    let told = listed(&world, one).await;
    assert_eq!(told.len(), 3, "what is on its way takes no more: {told:?}");
    assert_eq!(told.iter().map(|d| &d.id).collect::<BTreeSet<_>>().len(), 3);
}

async fn notes_and_the_cursor_are_kept_together_or_not_at_all(world: World) {
    log(&world, 3).await;
    let id = channel(&world, "c").await;
    let step = move |tx: &mut dyn Tx| {
        let mut kept = tx.lock_channel(id)?.ok_or_else(|| Problem::not_found("gone"))?;
        tx.gather(id, &gathered("t", &[1, 2, 3], 0))?;
        kept.cursor = 3;
        tx.update_channel(&kept)
    };
    let crashed = world
        .fails(move |tx| {
            step(tx)?;
            Err::<(), _>(Problem::conflict("it crashed here"))
        })
        .await;
    assert_eq!(crashed.message, "it crashed here");
    assert!(listed(&world, id).await.is_empty());
    assert_eq!(world.read(|tx| tx.channels()).await[0].cursor, 0);
    world.write(step).await;
    assert_eq!((listed(&world, id).await[0].events, world.read(|tx| tx.channels()).await[0].cursor), (3, 3));
}

async fn a_delivery_is_leased_when_it_is_due(world: World) {
    log(&world, 2).await;
    let id = channel(&world, "c").await;
    gather(&world, id, "a", &[1], 10).await;
    gather(&world, id, "b", &[2], 20).await;
    assert!(claim(&world, 9, 39).await.is_empty(), "not yet");
    let first = claim(&world, 10, 40).await;
    assert_eq!(first.iter().map(|d| d.topic.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(claim(&world, 39, 69).await.iter().map(|d| d.topic.as_str()).collect::<Vec<_>>(), ["b"], "leased");
    let again = claim(&world, 40, 70).await;
    assert_eq!(again.iter().map(|d| &d.id).collect::<Vec<_>>(), [&first[0].id], "its holder is gone: the same id");
    let sent = Delivery { status: DeliveryStatus::Sent, sent_at: Some(at(41)), ..again[0].clone() };
    world.write(move |tx| tx.put_delivery(&sent)).await;
    let pause = |paused: Option<Pause>| {
        world.write(move |tx| {
            let kept = tx.lock_channel(id)?.ok_or_else(|| Problem::not_found("gone"))?;
            tx.update_channel(&Channel { paused: paused.clone(), ..kept })
        })
    };
    pause(Some(Pause { at: at(50), by: "ann".into(), reason: "quiet".into() })).await;
    assert!(claim(&world, 999, 1029).await.is_empty(), "paused, and one is sent");
    pause(None).await;
    assert_eq!(claim(&world, 999, 1029).await.len(), 1, "nothing of the pause is lost");
}

async fn a_clock_that_is_set_back_delays_no_delivery(world: World) {
    log(&world, 3).await;
    let id = channel(&world, "c").await;
    let ahead = |topic: &str, seq: Seq| Gathered { at: at(5_000), ..gathered(topic, &[seq], 5_003) };
    world.write(move |tx| tx.gather(id, &ahead("gathering", 1))).await;
    world.write(move |tx| tx.gather(id, &ahead("sending", 2))).await;
    world.write(move |tx| tx.gather(id, &ahead("waiting", 3))).await;
    assert!(claim(&world, 4_960, 4_990).await.is_empty(), "clocks of nodes may be a little apart");
    let sending = claim(&world, 5_010, 5_040).await;
    let again = |topic: &str, status: DeliveryStatus, due: i64| {
        let one = sending.iter().find(|d| d.topic == topic).unwrap();
        Delivery { status, due: at(due), ..one.clone() }
    };
    let gathering = again("gathering", DeliveryStatus::Gathering, 5_003);
    let waiting = again("waiting", DeliveryStatus::Waiting, 5_800);
    world
        .write(move |tx| {
            tx.put_delivery(&gathering)?;
            tx.put_delivery(&waiting)
        })
        .await;
    assert!(claim(&world, 4_960, 4_990).await.is_empty());
    let due = |now: i64| {
        let filter = DeliveryFilter { due: Some(at(now)), limit: 9, ..DeliveryFilter::default() };
        world.read(move |tx| tx.deliveries(&filter))
    };
    assert_eq!((due(4_960).await.len(), due(10).await.len()), (0, 3));
    assert_eq!(claim(&world, 10, 40).await.len(), 3, "none waits for the old hour");
    assert!(due(39).await.is_empty() && claim(&world, 39, 69).await.is_empty(), "leased");
    assert_eq!((due(40).await.len(), claim(&world, 40, 70).await.len()), (3, 3));
}

async fn every_channel_has_its_turn_and_nothing_hides_what_is_due(world: World) {
    const MANY: i64 = 700;
    log(&world, 3).await;
    let (stuck, quick, paused) = (channel(&world, "a").await, channel(&world, "b").await, channel(&world, "c").await);
    let many = |to: ChannelId, due: i64| {
        world.write(move |tx| {
            (0..MANY).try_for_each(|n| {
                tx.gather(
                    to,
                    &Gathered { longest: Some(10_000), ..gathered(&format!("{due}/{n}"), &[due * MANY + n], due) },
                )
            })
        })
    };
    many(stuck, 10).await;
    many(paused, 5).await;
    // newer than what is due, and not due
    many(quick, 5_000).await;
    gather(&world, quick, "due", &[1, 2], 20).await;
    let pause = Pause { at: at(5), by: "ann".into(), reason: "holidays".into() };
    world
        .write(move |tx| {
            let kept = tx.lock_channel(paused)?.ok_or_else(|| Problem::not_found("gone"))?;
            tx.update_channel(&Channel { paused: Some(pause.clone()), ..kept })
        })
        .await;
    let claimed = world.write(|tx| tx.claim_deliveries("w", at(30), at(60), 4)).await;
    assert_eq!(claimed.len(), 4);
    assert_eq!(claimed.iter().filter(|d| d.channel == quick).map(|d| &d.topic[..]).collect::<Vec<_>>(), ["due"]);
    let mut left = usize::try_from(MANY).unwrap() - 3;
    while left > 0 {
        let due = DeliveryFilter { due: Some(at(30)), limit: 1, ..DeliveryFilter::default() };
        assert_eq!(world.read(move |tx| tx.deliveries(&due)).await.len(), 1, "{left} are left");
        let claimed = world.write(|tx| tx.claim_deliveries("w", at(30), at(60), 100)).await;
        assert!(!claimed.is_empty() && claimed.iter().all(|d| d.channel == stuck));
        left -= claimed.len();
    }
    let due = DeliveryFilter { due: Some(at(30)), limit: 9, ..DeliveryFilter::default() };
    assert!(world.read(move |tx| tx.deliveries(&due)).await.is_empty());
}

fn message(id: &str) -> Message {
    Message {
        id: id.into(),
        channel: "c".into(),
        workspace: "w".into(),
        at: at(30),
        kind: "decision.quarantined".into(),
        trigger: "CVE-1".into(),
        title: "p0 \u{1f980} quarantined".into(),
        counts: BTreeMap::from([("decision.quarantined".to_owned(), 1)]),
        packages: Vec::new(),
        more_packages: 0,
        news: Vec::new(),
        affected: Affected::default(),
        link: "https://assay.example/ui/log".into(),
    }
}

async fn a_delivery_comes_back_as_it_was_and_is_forgotten_in_time(world: World) {
    log(&world, 2).await;
    let id = channel(&world, "c").await;
    gather(&world, id, "a", &[1], 10).await;
    gather(&world, id, "b", &[2], 10).await;
    let mut one = claim(&world, 10, 40).await.remove(0);
    one.tries.push(Attempt { at: at(11), code: Some(503), milliseconds: 4, note: "bu\u{fffd}sy".into() });
    (one.status, one.due, one.attempts, one.message) = (DeliveryStatus::Waiting, at(50), 1, Some(message(&one.id)));
    let put = one.clone();
    world.write(move |tx| tx.put_delivery(&put)).await;
    let name = one.id.clone();
    let of = DeliveryFilter { id: Some(name), limit: 1, ..DeliveryFilter::default() };
    assert_eq!(world.read(move |tx| tx.deliveries(&of)).await, [one.clone()]);
    let waiting = DeliveryFilter { status: Some(DeliveryStatus::Waiting), limit: 9, ..DeliveryFilter::default() };
    assert_eq!(world.read(move |tx| tx.deliveries(&waiting)).await.len(), 1);
    assert_eq!(world.write(|tx| tx.forget_deliveries(at(999), 10)).await, 0, "neither has ended");
    one.status = DeliveryStatus::Failed;
    world.write(move |tx| tx.put_delivery(&one)).await;
    assert_eq!(world.write(|tx| tx.forget_deliveries(at(0), 10)).await, 0, "not old enough");
    assert_eq!(world.write(|tx| tx.forget_deliveries(at(1), 10)).await, 1);
    assert_eq!(listed(&world, id).await.len(), 1, "the other is still to be sent");
}

/// One look of a node: events after the cursor, noted each for itself; false where nothing is left or another was faster.
fn look(tx: &mut dyn Tx, id: ChannelId, expected: Seq) -> Result<bool, Problem> {
    let events = tx.events(&EventFilter { after: expected, limit: 5, ..EventFilter::default() })?;
    let Some(mut kept) = tx.lock_channel(id)?.filter(|c| c.cursor == expected) else { return Ok(false) };
    for event in &events {
        tx.gather(id, &gathered(&format!("event/{}", event.seq), &[event.seq], 0))?;
    }
    kept.cursor = events.last().map_or(expected, |e| e.seq);
    tx.update_channel(&kept)?;
    Ok(true)
}

async fn handles(world: &World, n: usize) -> Vec<Arc<dyn MetaStore>> {
    let mut all = Vec::new();
    for i in 0..n {
        all.push(if i % 2 == 0 { world.meta.clone() } else { world.again().await });
    }
    all
}

async fn nodes_that_look_at_once_note_every_event_once(world: World) {
    const EVENTS: i64 = 60;
    let id = channel(&world, "c").await;
    let mut nodes = Vec::new();
    for store in handles(&world, 4).await {
        nodes.push(tokio::spawn(async move {
            loop {
                let cursor = meta::read(&*store, |tx| tx.channels()).await.unwrap()[0].cursor;
                if cursor == EVENTS {
                    break;
                }
                meta::write(&*store, move |tx| look(tx, id, cursor)).await.unwrap();
            }
        }));
    }
    for _ in 0..EVENTS {
        log(&world, 1).await;
    }
    for node in nodes {
        node.await.unwrap();
    }
    let all = listed(&world, id).await;
    assert_eq!(all.iter().map(|d| d.topic.clone()).collect::<BTreeSet<_>>().len(), 60);
    assert!(all.len() == 60 && all.iter().all(|d| d.events == 1), "{all:?}");
}

async fn concurrent_claims_never_double(world: World) {
    log(&world, 80).await;
    let id = channel(&world, "c").await;
    world
        .write(move |tx| (1..=80).try_for_each(|seq| tx.gather(id, &gathered(&format!("event/{seq}"), &[seq], 0))))
        .await;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let mut nodes = Vec::new();
    for (node, store) in handles(&world, 4).await.into_iter().enumerate() {
        let taken = taken.clone();
        nodes.push(tokio::spawn(async move {
            loop {
                let claim =
                    meta::write(&*store, move |tx| tx.claim_deliveries(&format!("n{node}"), at(1), at(1000), 3));
                let claimed = claim.await.unwrap();
                if claimed.is_empty() {
                    break;
                }
                taken.lock().unwrap().extend(claimed.iter().map(|d| d.id.clone()));
                meta::write(&*store, move |tx| {
                    claimed.iter().try_for_each(|d| {
                        tx.put_delivery(&Delivery { status: DeliveryStatus::Sent, sent_at: Some(at(2)), ..d.clone() })
                    })
                })
                .await
                .unwrap();
            }
        }));
    }
    for node in nodes {
        node.await.unwrap();
    }
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (80, 80));
}

/// One node notes events under one topic, another claims what is due and makes the message, as the engine does both.
async fn an_event_that_joins_while_its_message_is_claimed_is_told(world: World) {
    const EVENTS: i64 = 120;
    log(&world, 120).await;
    let id = channel(&world, "c").await;
    let (noting, sending) = (world.meta.clone(), world.again().await);
    let notes = tokio::spawn(async move {
        for seq in 1..=EVENTS {
            let note = move |tx: &mut dyn Tx| {
                tx.lock_channel(id)?;
                tx.gather(id, &gathered("t", &[seq], 0))
            };
            meta::write(&*noting, note).await.unwrap();
        }
    });
    let mut told = Vec::new();
    loop {
        let ended = notes.is_finished();
        let claimed = meta::write(&*sending, |tx| tx.claim_deliveries("n", at(1), at(1000), 9)).await.unwrap();
        if claimed.is_empty() && ended {
            break;
        }
        for delivery in claimed {
            let seqs = meta::write(&*sending, move |tx| {
                tx.lock_channel(id)?;
                let seqs = seqs_of(tx, &delivery.id)?;
                tx.put_delivery(&Delivery { status: DeliveryStatus::Sent, ..delivery.clone() })?;
                Ok(seqs)
            });
            told.extend(seqs.await.unwrap());
        }
    }
    notes.await.unwrap();
    told.sort_unstable();
    assert_eq!(told, (1..=EVENTS).collect::<Vec<_>>(), "each event in one message");
}
