//! Storms and time, over a clock that the tests set: ten thousand packages that one advisory blocks are a handful of messages
//! to people, and a package that a policy lets expire goes at its time and is told. The engine runs in this process.

use anyhow::{Context, Result, bail};
use assay_engine::{ChannelDraft, Engine, PolicyDraft};
use assay_model::{
    Problem,
    access::Caller,
    clock::FixedClock,
    event::NewEvent,
    package::{Coordinates, NewPackage, PackageId, State},
    repository::{RepositoryId, Settings},
    seam::meta::{self, MetaStore},
};
use assay_store::StoreConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

use crate::in_process::{Receiver, engine};

const ME: Caller = Caller::System;
const STORM: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(180);

struct World {
    engine: Arc<Engine>,
    meta: Arc<dyn MetaStore>,
    clock: Arc<FixedClock>,
    told: Receiver,
    place: RepositoryId,
    _folder: TempDir,
}

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn put(tx: &mut dyn meta::Tx, place: RepositoryId, name: String) -> Result<PackageId, Problem> {
    let at = Coordinates { format: "generic".into(), name, version: "1.0".into() };
    let (uploader, uploaded_at) = ("ann".to_owned(), start());
    let new = NewPackage {
        repository: place,
        at,
        metadata: json!({}),
        uploader,
        uploaded_at,
        published_at: None,
        origin: None,
    };
    let (id, _) = tx.put_package(&new)?;
    tx.set_standing(id, State::Available, &BTreeSet::new(), None, None)?;
    Ok(id)
}

impl World {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (clock, told) = (Arc::new(FixedClock::new(start())), Receiver::default());
        let config = StoreConfig::embedded(folder.path())?;
        let (engine, meta) = engine(&config, folder.path(), clock.clone(), Arc::new(told.clone())).await?;
        let place =
            meta::write(&*meta, |tx| Ok(tx.create_repository("main", &Settings::default(), start())?.id)).await?;
        Ok(Self { engine, meta, clock, told, place, _folder: folder })
    }

    async fn channel(&self, name: &str, kind: &str, settings: Value) -> Result<()> {
        let draft: ChannelDraft = serde_json::from_value(json!({"name": name, "kind": kind, "settings": settings}))?;
        self.engine.add_channel(&ME, draft).await?;
        Ok(())
    }

    /// Lets the clock go on, a second at a time, until something is so.
    async fn until(&self, what: &str, is: impl Fn() -> bool) -> Result<()> {
        let (begun, mut now) = (Instant::now(), self.clock_now());
        while !is() {
            if begun.elapsed() > PATIENCE {
                bail!("not so: {what}");
            }
            now += SignedDuration::from_secs(1);
            self.clock.set(now);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn clock_now(&self) -> Timestamp {
        use assay_model::clock::Clock as _;
        self.clock.now()
    }
}

#[tokio::test]
async fn ten_thousand_packages_of_one_advisory_are_a_handful_of_messages() -> Result<()> {
    let world = World::new().await?;
    let mail = json!({"address": "smtps://mail.example", "from": "a@example.org", "to": ["b@example.org"]});
    let mut each = mail.clone();
    each["each"] = json!(true);
    let mut digest = mail.clone();
    digest["pace"] = json!("15m");
    for (name, settings) in [("mail", mail), ("each", each), ("digest", digest)] {
        world.channel(name, "email", settings).await?;
    }
    let place = world.place;
    let ids = meta::write(&*world.meta, move |tx| {
        (0..STORM).map(|n| put(tx, place, format!("p{n}"))).collect::<Result<Vec<_>, _>>()
    })
    .await?;
    let workers = world.engine.start_workers();
    for chunk in ids.chunks(1000) {
        let chunk = chunk.to_vec();
        meta::write(&*world.meta, move |tx| {
            for id in &chunk {
                let body = json!({"package": id, "severity": "CRITICAL", "from": "available", "to": "quarantined",
                    "trigger": "advisory GHSA-1 of osv", "policies": ["critical"], "reasons": ["CVE-2026-1"]});
                tx.append_event(&NewEvent {
                    at: start(),
                    kind: "decision.quarantined",
                    actor: "system".into(),
                    subject: format!("main/generic/p{}@1.0", id.0),
                    body,
                })?;
            }
            Ok(())
        })
        .await?;
    }
    let sum =
        |channel: &str| world.told.of(channel).iter().map(|one| one.counts.values().sum::<usize>()).sum::<usize>();
    world.until("all are told", || ["mail", "each", "digest"].into_iter().all(|name| sum(name) == STORM)).await?;
    drop(workers);
    for name in ["mail", "each", "digest"] {
        let all = world.told.of(name);
        assert!(all.len() <= 10, "{name}: {} messages", all.len());
        let ids: BTreeSet<&String> = all.iter().map(|one| &one.id).collect();
        assert_eq!(ids.len(), all.len(), "none goes twice");
        let first = all.first().context("a message")?;
        assert!(first.packages.len() <= 20 && first.more_packages > 100, "{name}: {}", first.title);
        assert_eq!(first.trigger, "advisory GHSA-1 of osv");
    }
    Ok(())
}

#[tokio::test]
async fn a_package_that_expires_goes_at_its_time_and_is_told() -> Result<()> {
    let world = World::new().await?;
    world.channel("hook", "webhook", json!({"address": "https://hooks.example/"})).await?;
    let place = world.place;
    let id = meta::write(&*world.meta, move |tx| put(tx, place, "thing".to_owned())).await?;
    let draft: PolicyDraft = serde_json::from_value(json!({
        "name": "old", "rego": "package assay\n\nmatch := true\n\nreason := [\"thirty days are enough\"]\n",
        "actions": [{"kind": "expire", "params": {"days": 30}}],
    }))?;
    world.engine.save_policy(&ME, draft).await?;
    let state = async |after: SignedDuration| -> Result<State> {
        world.clock.set(start() + after);
        world.engine.drain().await?;
        let found = meta::read(&*world.meta, move |tx| tx.packages(&[id])).await?;
        Ok(found.first().context("the package")?.state)
    };
    assert_eq!(state(SignedDuration::from_hours(1)).await?, State::Available);
    assert_eq!(state(SignedDuration::from_hours(24 * 30 - 1)).await?, State::Available, "not yet");
    assert_eq!(state(SignedDuration::from_hours(24 * 30)).await?, State::Hidden, "at its time");
    let workers = world.engine.start_workers();
    world.until("it is told", || !world.told.of("hook").is_empty()).await?;
    drop(workers);
    let message = world.told.of("hook").remove(0);
    assert_eq!(message.counts, BTreeMap::from([("decision.expired".to_owned(), 1)]), "{message:?}");
    let package = &message.packages[0];
    assert_eq!(
        (package.to.as_str(), package.reasons.as_slice()),
        ("hidden", &["thirty days are enough".to_owned()][..])
    );
    assert!(package.advice.contains("policy old"), "{}", package.advice);
    world.engine.remove_policy(&ME, "old").await?;
    assert_eq!(state(SignedDuration::from_hours(24 * 31)).await?, State::Available, "what it did is undone");
    Ok(())
}
