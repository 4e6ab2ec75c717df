//! Policies, decisions, single values.

use crate::world::{World, at, conformance, publish};
use assay_model::{
    decision::{Basis, Decision, DecisionId},
    package::{PackageId, State},
    policy::{FactKind, OnFailure, Policy, PolicyAction},
    problem::Kind,
};

conformance!(policies_count_their_revisions, decisions_are_appended, settings_are_written_once_or_over);

fn policy(slug: &str, precedence: u16) -> Policy {
    Policy {
        slug: slug.into(),
        name: slug.into(),
        description: "upgrade".into(),
        rego: "package x\n\nmatch := true\n".into(),
        precedence,
        terminal: false,
        enabled: true,
        on_failure: OnFailure::FailClosed,
        actions: vec![PolicyAction { kind: "set-state".into(), params: serde_json::json!({"state": "quarantined"}) }],
        reads: [FactKind::Findings].into(),
        revision: 0,
        created_at: at(1),
        updated_at: at(1),
    }
}

async fn policies_count_their_revisions(world: World) {
    let first = world.write(|tx| Ok((tx.put_policy(&policy("b", 1))?, tx.put_policy(&policy("a", 1))?))).await;
    assert_eq!(first, (1, 1));
    let edited = Policy { rego: "package y".into(), created_at: at(9), updated_at: at(9), ..policy("b", 0) };
    assert_eq!(world.write(move |tx| tx.put_policy(&edited)).await, 2);
    let all = world.read(|tx| tx.policies()).await;
    assert_eq!(all.iter().map(|p| (p.slug.as_str(), p.revision)).collect::<Vec<_>>(), [("b", 2), ("a", 1)]);
    assert_eq!((all[0].created_at, all[0].updated_at), (at(1), at(9)), "first saved stays");
    assert!(world.write(|tx| tx.delete_policy("b")).await);
    assert!(!world.write(|tx| tx.delete_policy("b")).await);
    assert_eq!(world.read(|tx| tx.policies()).await.len(), 1);
    let old = world.read(|tx| tx.policy_revision("b", 1)).await.unwrap();
    assert_eq!(old, Policy { revision: 1, ..policy("b", 1) });
    assert!(world.read(|tx| tx.policy_revision("b", 3)).await.is_none());
    assert_eq!(world.write(|tx| tx.put_policy(&policy("b", 5))).await, 3, "a number never means two texts");
}

pub fn decision(id: &str, package: PackageId, seconds: i64) -> Decision {
    Decision {
        id: DecisionId(id.into()),
        package,
        at: at(seconds),
        trigger: "published".into(),
        state: State::Quarantined,
        tags_added: ["risky".to_owned()].into(),
        tags_removed: [].into(),
        verdicts: vec![],
        evaluated: 3,
        actions: vec![("p".into(), PolicyAction { kind: "add-tags".into(), params: serde_json::Value::Null })],
        vulnerabilities: vec![],
        notices: [].into(),
        awaited: [].into(),
        endings: [].into(),
        basis: Basis {
            input: "sha256:00".into(),
            policies: vec![("p".into(), 1)],
            advisories: 7,
            scanner: "1".into(),
            ..Basis::default()
        },
    }
}

async fn decisions_are_appended(world: World) {
    let r = world.repository("main").await.id;
    let p = world.write(move |tx| publish(tx, r, "p", "1", "x")).await;
    world
        .write(move |tx| {
            for (id, seconds) in [("d1", 1), ("d3", 3), ("d2", 3)] {
                tx.append_decision(&decision(id, p, seconds))?;
            }
            Ok(())
        })
        .await;
    let id = DecisionId("d1".into());
    assert_eq!(world.read(move |tx| tx.decision(&id)).await.unwrap(), decision("d1", p, 1));
    let newest = world.read(move |tx| tx.decisions_of(p, 2)).await;
    assert_eq!(newest.iter().map(|d| d.id.0.as_str()).collect::<Vec<_>>(), ["d3", "d2"]);
    let twice = world.fails(move |tx| tx.append_decision(&decision("d1", p, 9))).await;
    assert_eq!(twice.kind, Kind::Conflict, "never replaced");
}

async fn settings_are_written_once_or_over(world: World) {
    assert_eq!(world.read(|tx| tx.setting("id")).await, None);
    assert_eq!(world.write(|tx| tx.setting_or("id", "one")).await, "one");
    assert_eq!(world.write(|tx| tx.setting_or("id", "two")).await, "one");
    world.write(|tx| tx.put_setting("id", "three")).await;
    assert_eq!(world.read(|tx| tx.setting("id")).await.as_deref(), Some("three"));
}
