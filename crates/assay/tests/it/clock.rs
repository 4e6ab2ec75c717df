//! Clocks that jump: forward, what has an end ends at once and once; backward, nothing is lost, undone or told twice. The
//! engine runs in this process, over a clock that the tests set.

use anyhow::{Context, Result};
use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_engine::{
    Engine, IntakeLimits, NoticeRules, OverrideDraft, Parts, PolicyDraft, ReplayScope, WaiverDraft, WaiverFilter,
};
use assay_model::{
    Problem,
    access::Caller,
    clock::FixedClock,
    notification::Message,
    package::{Coordinates, NewPackage, PackageId, State},
    repository::Settings,
    seam::{
        Task,
        meta::{self, EventFilter, MetaStore},
        notices::{Messenger, Receipt, Target},
        upstream::{Offline, Vault},
    },
    upstream::Secrets,
    waiver::WaiverStatus,
};
use assay_store::StoreConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

const ME: Caller = Caller::System;

/// Keeps what it is given, and takes it.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Message>>>);

impl Messenger for Receiver {
    fn send<'a>(&'a self, _: Target<'a>, message: &'a Message) -> Task<'a, Receipt> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Receipt { taken: true, ..Receipt::default() }) })
    }
    fn check(&self, _: Target<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

/// There are no secrets here.
struct Empty;

impl Vault for Empty {
    fn seal(&self, _: &Secrets) -> Result<Vec<u8>, Problem> {
        Ok(Vec::new())
    }
    fn open(&self, _: &[u8]) -> Result<Secrets, Problem> {
        Ok(Secrets::default())
    }
}

struct World {
    engine: Arc<Engine>,
    meta: Arc<dyn MetaStore>,
    clock: Arc<FixedClock>,
    package: PackageId,
    _folder: TempDir,
}

/// Days and hours after a fixed moment.
fn at(days: i64, hours: i64) -> Timestamp {
    "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days + hours)
}

impl World {
    /// One package that is available.
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let stores = assay_store::open(&StoreConfig::embedded(folder.path())?).await?;
        let names: Vec<(&str, &str)> = assay_formats::ALL.iter().map(|f| (f.spec().id, f.spec().policy_name)).collect();
        let (clock, meta) = (Arc::new(FixedClock::new(at(0, 0))), stores.meta.clone());
        let engine = Engine::new(Parts {
            meta: stores.meta,
            blobs: stores.blobs,
            formats: assay_formats::ALL,
            inspector: Arc::new(StandardInspector::new(Limits::default())),
            matcher: Arc::new(assay_advisories::OsvMatcher),
            judge: Arc::new(assay_policy::RegoJudge::new(&names)),
            vex: Arc::new(assay_advisories::vex::Documents),
            actions: assay_policy::ALL,
            sources: assay_advisories::ALL,
            transport: Arc::new(Offline),
            vault: Arc::new(Empty),
            messenger: Arc::new(Receiver::default()),
            notices: NoticeRules::default(),
            clock: clock.clone(),
            spool: folder.path().join("spool"),
            workspace: "test".to_owned(),
            public_url: String::new(),
            limits: IntakeLimits::default(),
            decision_input_days: 400,
        })?;
        let package = meta::write(&*meta, |tx| {
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
            tx.set_standing(id, State::Available, &BTreeSet::new(), None, None)?;
            Ok(id)
        })
        .await?;
        Ok(Self { engine, meta, clock, package, _folder: folder })
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
        self.engine.drain().await?;
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
    world.jump(at(0, 12)).await?;
    assert_eq!(world.jump(at(1, 2)).await?, State::Quarantined, "it is not lost");
    world.engine.override_package(&ME, world.package, release(at(3, 0))).await?;
    assert_eq!(world.jump(at(1, 3)).await?, State::Available, "a new word holds");
    assert_eq!(world.jump(at(40, 0)).await?, State::Quarantined);
    let events = world.events().await?;
    assert_eq!((events["package.overridden"], events["package.override_ended"]), (2, 2), "{events:?}");
    world.holds().await
}
