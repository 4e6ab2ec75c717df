//! Clocks that jump: forward, what has an end ends at once and once; backward, nothing waits for the old hour, and nothing is
//! lost, undone or told twice. And moments in which a commit is done and nobody knows yet. The engine runs in this process,
//! over a clock that the tests set.

use anyhow::{Context, Result, bail};
use assay_engine::{ChannelDraft, Denied, Engine, OverrideDraft, PolicyDraft, ReplayScope, WaiverDraft, WaiverFilter};
use assay_model::{
    Digest,
    access::Caller,
    channel::ChannelKind,
    clock::FixedClock,
    event::NewEvent,
    package::{Coordinates, FileId, NewFile, NewPackage, PackageId, Role, State},
    repository::Settings,
    seam::meta::{self, EventFilter, MetaStore},
    upstream::Secrets,
    waiver::WaiverStatus,
};
use assay_store::StoreConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

use crate::in_process::{Receiver, engine};
use crate::support::PATIENCE;

pub const ME: Caller = Caller::System;

pub struct World {
    pub engine: Arc<Engine>,
    pub meta: Arc<dyn MetaStore>,
    clock: Arc<FixedClock>,
    receiver: Receiver,
    package: PackageId,
    file: FileId,
    _folder: TempDir,
}

/// Days and hours after a fixed moment.
pub fn at(days: i64, hours: i64) -> Timestamp {
    "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days + hours)
}

impl World {
    /// One package that is available.
    async fn new() -> Result<Self> {
        Self::over(None).await
    }

    /// The same, over a database of its own.
    pub async fn over(database: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = StoreConfig::embedded(folder.path())?;
        if let Some(database) = database {
            config.metadata = database.to_owned();
        }
        let (clock, receiver) = (Arc::new(FixedClock::new(at(0, 0))), Receiver::default());
        let (engine, meta) = engine(&config, folder.path(), clock.clone(), Arc::new(receiver.clone())).await?;
        let (package, file) = meta::write(&*meta, |tx| {
            let repository = tx.create_repository("main", &Settings::default(), at(0, 0))?.id;
            let place = Coordinates { format: "generic".into(), name: "thing".into(), version: "1.0".into() };
            let (id, _) = tx.put_package(&NewPackage {
                repository,
                at: place,
                metadata: json!({}),
                uploader: "ann".into(),
                uploaded_at: at(0, 0),
                published_at: None,
                origin: None,
            })?;
            let digest = Digest::of(b"bytes");
            let (size, media_type, hashes) = (5, "text/plain".to_owned(), BTreeMap::new());
            let path = "thing.txt".to_owned();
            let role = Some(Role::File);
            let file = NewFile { path, digest, size, media_type, role, hashes, metadata: json!({}) };
            tx.stage_blob(repository, "generic", "thing", &file.digest, file.size, at(0, 0))?;
            tx.put_files(id, std::slice::from_ref(&file), at(0, 0))?;
            tx.unstage_blob(repository, "generic", "thing", &file.digest)?;
            tx.set_standing(id, State::Available, &BTreeSet::new(), None, None)?;
            let files = tx.files_of(&[id])?;
            Ok((id, files.first().map_or(FileId(0), |file| file.id)))
        })
        .await?;
        Ok(Self { engine, meta, clock, receiver, package, file, _folder: folder })
    }

    /// A policy that quarantines all.
    async fn gate(&self) -> Result<()> {
        let draft: PolicyDraft = serde_json::from_value(json!({
            "name": "gate", "rego": "package assay\n\nmatch := true\n\nreason := [\"not yet\"]\n",
            "actions": [{"kind": "set_state", "params": {"state": "quarantined"}}],
        }))?;
        self.engine.save_policy(&ME, draft).await?;
        Ok(())
    }

    /// Sets the clock and does what is due.
    async fn jump(&self, to: Timestamp) -> Result<State> {
        self.clock.set(to);
        self.engine.drain_all().await?;
        self.state().await
    }

    async fn state(&self) -> Result<State> {
        let id = self.package;
        let found = meta::read(&*self.meta, move |tx| tx.packages(&[id])).await?;
        Ok(found.first().context("the package")?.state)
    }

    /// How often each kind of event happened.
    async fn events(&self) -> Result<BTreeMap<String, usize>> {
        let filter = EventFilter { limit: 10_000, ..EventFilter::default() };
        let mut counts = BTreeMap::new();
        for event in self.engine.events(&ME, filter).await? {
            *counts.entry(event.kind).or_default() += 1;
        }
        Ok(counts)
    }

    /// The log is whole and every decision comes out again.
    async fn holds(&self) -> Result<()> {
        assert_eq!(self.engine.verify_log(&ME).await?.broken, None);
        let replayed = self.engine.replay(&ME, ReplayScope::default()).await?;
        assert!(replayed.examined > 0 && replayed.same == replayed.examined, "{replayed:?}");
        Ok(())
    }

    async fn waiver_status(&self) -> Result<WaiverStatus> {
        let all = self.engine.waivers(&ME, WaiverFilter::default()).await?;
        Ok(all.first().context("the waiver")?.status)
    }
}

#[tokio::test]
async fn a_jump_forward_ends_a_waiver_at_once_and_a_jump_back_does_not_revive_it() -> Result<()> {
    let world = World::new().await?;
    world.gate().await?;
    assert_eq!(world.jump(at(0, 0)).await?, State::Quarantined);
    let draft: WaiverDraft = serde_json::from_value(json!({
        "scope": {"policies": ["gate"]}, "reason": "for a week", "expires_at": at(7, 0),
    }))?;
    world.engine.add_waiver(&ME, draft).await?;
    assert_eq!(world.jump(at(0, 1)).await?, State::Available);
    // over both notices and the end
    assert_eq!(world.jump(at(60, 0)).await?, State::Quarantined);
    assert_eq!(world.waiver_status().await?, WaiverStatus::Expired);
    for back in [at(1, 0), at(-30, 0)] {
        assert_eq!(world.jump(back).await?, State::Quarantined, "what ended has ended");
        assert_eq!(world.waiver_status().await?, WaiverStatus::Expired);
    }
    assert_eq!(world.jump(at(61, 0)).await?, State::Quarantined);
    let events = world.events().await?;
    let count = |kind: &str| events.get(kind).copied().unwrap_or_default();
    assert_eq!((count("waiver.added"), count("waiver.expired")), (1, 1), "{events:?}");
    assert_eq!((count("decision.quarantined"), count("decision.released")), (2, 1), "{events:?}");
    world.holds().await
}

#[tokio::test]
async fn a_word_set_by_hand_ends_once_over_jumps() -> Result<()> {
    let world = World::new().await?;
    world.gate().await?;
    assert_eq!(world.jump(at(0, 0)).await?, State::Quarantined);
    let release = |end: Timestamp| OverrideDraft {
        state: State::Available,
        reason: "needed tonight".into(),
        expires_at: Some(end),
    };
    world.engine.override_package(&ME, world.package, release(at(2, 0))).await?;
    assert_eq!(world.jump(at(0, 1)).await?, State::Available);
    assert_eq!(world.jump(at(-5, 0)).await?, State::Available, "it has not ended");
    assert_eq!(world.jump(at(30, 0)).await?, State::Quarantined);
    assert_eq!(world.jump(at(1, 0)).await?, State::Quarantined, "what ended has ended");
    // decisions made at an earlier hour than those before them
    world.engine.remove_policy(&ME, "gate").await?;
    assert_eq!(world.jump(at(1, 1)).await?, State::Available);
    world.gate().await?;
    // asked for at a later hour than it is now
    assert_eq!(world.jump(at(0, 12)).await?, State::Quarantined, "it does not wait for that hour");
    assert_eq!(world.jump(at(1, 2)).await?, State::Quarantined);
    world.engine.override_package(&ME, world.package, release(at(3, 0))).await?;
    assert_eq!(world.jump(at(1, 3)).await?, State::Available, "a new word holds");
    assert_eq!(world.jump(at(40, 0)).await?, State::Quarantined);
    let events = world.events().await?;
    assert_eq!((events["package.overridden"], events["package.override_ended"]), (2, 2), "{events:?}");
    world.holds().await
}

#[tokio::test]
async fn messages_are_sent_once_over_jumps() -> Result<()> {
    let world = World::new().await?;
    let draft = ChannelDraft {
        name: "hook".into(),
        kind: ChannelKind::Webhook,
        settings: serde_json::from_value(json!({"address": "https://hooks.example/a",
            "filter": {"events": ["decision.*"]}}))?,
        secrets: Secrets::default(),
    };
    world.engine.add_channel(&ME, draft).await?;
    let _workers = world.engine.start_workers();
    world.gate().await?;
    until(&world, |w| Box::pin(async move { Ok(w.engine.deliveries(&ME, "hook", None, 9).await?.len() == 1) })).await?;
    // it was to go three seconds after a moment that is ahead again
    world.clock.set(at(-1, 0));
    until(&world, |w| Box::pin(async move { Ok(w.receiver.all().len() == 1) })).await?;
    world.engine.remove_policy(&ME, "gate").await?;
    // the clock stands still until it is noted, and has gone on when it goes
    until(&world, |w| Box::pin(async move { Ok(w.engine.deliveries(&ME, "hook", None, 9).await?.len() == 2) })).await?;
    world.clock.set(at(0, 1));
    let told = |w: &World| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (kind, n) in w.receiver.all().iter().flat_map(|m| m.counts.clone()) {
            *counts.entry(kind).or_default() += n;
        }
        counts
    };
    let all = BTreeMap::from([("decision.quarantined".to_owned(), 1), ("decision.released".to_owned(), 1)]);
    until(&world, |w| Box::pin(async move { Ok(told(w).len() == 2) })).await?;
    for jump in [at(90, 0), at(-90, 0), at(1, 0)] {
        world.clock.set(jump);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(told(&world), all);
    world.holds().await
}

/// Appends events of one kind.
async fn storm(world: &World, n: usize) -> Result<()> {
    meta::write(&*world.meta, move |tx| {
        let rose = |n: usize| NewEvent {
            at: at(0, 0),
            kind: "water.rose",
            actor: "the river".into(),
            subject: format!("gauge/{n}"),
            body: json!({}),
        };
        (0..n).try_for_each(|n| tx.append_event(&rose(n)).map(drop))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_storm_of_messages_leaves_also_where_more_wait_for_later() -> Result<()> {
    const MANY: usize = 1_200;
    let world = World::new().await?;
    let channel = |name: &str, settings: serde_json::Value| -> Result<ChannelDraft> {
        let (name, kind, secrets) = (name.to_owned(), ChannelKind::Webhook, Secrets::default());
        Ok(ChannelDraft { name, kind, settings: serde_json::from_value(settings)?, secrets })
    };
    let all = json!({"address": "https://hooks.example/a", "each": true, "filter": {"events": ["water.*"]}});
    world.engine.add_channel(&ME, channel("one", all.clone())?).await?;
    world.engine.add_channel(&ME, channel("other", all)?).await?;
    // newer than all that is due, and not due
    world.clock.set(at(2, 0));
    storm(&world, 1).await?;
    let id = world.engine.channel(&ME, "other").await?.channel.id;
    meta::write(&*world.meta, move |tx| {
        let event = tx.last_event()?;
        (0..MANY).try_for_each(|n| {
            let (topic, seqs) = (format!("later {n}"), vec![event + 1_000_000 + i64::try_from(n).unwrap_or(0)]);
            tx.gather(
                id,
                &meta::Gathered { topic, seqs, due: at(9, 0), longest: Some(i64::MAX / 2_000_000), at: at(2, 0) },
            )
        })
    })
    .await?;
    storm(&world, MANY).await?;
    let _workers = world.engine.start_workers();
    until(&world, |w| Box::pin(async move { Ok(w.receiver.all().len() >= 2 * (MANY + 1)) })).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let sent = world.receiver.all();
    let ids: BTreeSet<&str> = sent.iter().map(|message| message.id.as_str()).collect();
    assert_eq!((sent.len(), ids.len()), (2 * (MANY + 1), 2 * (MANY + 1)), "each once, and nothing that is for later");
    Ok(())
}

/// Commits another state behind the back of whoever would take notice of it.
async fn commit(world: &World, state: State) -> Result<()> {
    let id = world.package;
    meta::write(&*world.meta, move |tx| {
        tx.set_standing(id, state, &BTreeSet::new(), None, None)?;
        let (actor, subject) = ("somebody".to_owned(), "main/generic/thing@1.0".to_owned());
        let kind = "decision.made";
        tx.append_event(&NewEvent { at: at(0, 0), kind, actor, subject, body: json!({"package": id}) }).map(drop)
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn nobody_is_served_between_a_commit_and_its_notice() -> Result<()> {
    let world = World::new().await?;
    let generic = *assay_formats::ALL.iter().find(|format| format.spec().id == "generic").context("a format")?;
    for round in 0..20 {
        let desk = world.engine.desk("main", generic, ME).await?;
        let cleared = desk.clear(world.file).await;
        assert!(cleared.is_ok(), "{round}: {:?}", cleared.err());
        let desk = world.engine.desk("main", generic, ME).await?;
        assert!(desk.clear(world.file).await.is_ok(), "from memory");
        commit(&world, State::Quarantined).await?;
        let desk = world.engine.desk("main", generic, ME).await?;
        let refused = desk.clear(world.file).await;
        assert!(matches!(refused, Err(Denied::Refused(_))), "{round}: it is quarantined");
        commit(&world, State::Available).await?;
    }
    Ok(())
}

type Asked<'a> = std::pin::Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>>;

/// Waits until this holds.
async fn until(world: &World, holds: impl for<'a> Fn(&'a World) -> Asked<'a>) -> Result<()> {
    let start = Instant::now();
    while !holds(world).await? {
        if start.elapsed() > PATIENCE {
            bail!("{:?}: {:?}", world.state().await?, world.events().await?);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}
