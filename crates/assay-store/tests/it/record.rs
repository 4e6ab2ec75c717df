//! What decisions leave behind: the documents that they were functions of, and their log.

use crate::world::{World, at, conformance, publish};
use assay_model::{
    decision::{Basis, Decision, DecisionId, Outcome, Verdict},
    keeping::Discard,
    package::{PackageId, State},
    problem::Problem,
    repository::{RepositoryId, Settings},
    seam::meta::{DecisionFilter, PackedInput, Tx},
};

conformance!(
    inputs_are_kept_once_for_as_long_as_a_decision_refers_to_them,
    superseded_decisions_forget_their_inputs_and_the_current_one_does_not,
    what_is_gone_takes_its_inputs_with_it,
    the_log_is_read_page_by_page_along_every_index
);

pub fn input(digest: &str) -> PackedInput {
    PackedInput { digest: digest.into(), packing: 1, size: 7, bytes: digest.as_bytes().to_vec() }
}

fn said(policy: &str) -> Verdict {
    Verdict {
        policy: policy.into(),
        revision: 1,
        name: policy.into(),
        description: String::new(),
        outcome: Outcome::Match,
        reasons: vec!["because".into()],
        output: serde_json::Value::Null,
        waived_by: None,
    }
}

pub fn decision(id: &str, package: PackageId, seconds: i64, input: &str, said_by: &[&str]) -> Decision {
    Decision {
        id: DecisionId(id.into()),
        package,
        at: at(seconds),
        trigger: "published".into(),
        state: State::Available,
        tags_added: [].into(),
        tags_removed: [].into(),
        verdicts: said_by.iter().map(|p| said(p)).collect(),
        evaluated: 3,
        actions: vec![],
        vulnerabilities: vec![],
        notices: [].into(),
        awaited: [].into(),
        endings: [].into(),
        basis: Basis { input: input.into(), policies: vec![("p".into(), 1)], ..Basis::default() },
    }
}

fn decide(tx: &mut dyn Tx, decision: &Decision) -> Result<(), Problem> {
    tx.keep_input(&input(&decision.basis.input))?;
    tx.append_decision(decision)
}

async fn kept(world: &World, digests: &[&str]) -> Vec<String> {
    let asked: Vec<String> = digests.iter().map(|d| (*d).to_owned()).collect();
    let mut found: Vec<String> = world.read(move |tx| tx.inputs(&asked)).await.into_iter().map(|i| i.digest).collect();
    found.sort();
    found
}

async fn package(world: &World, name: &'static str) -> PackageId {
    let r = world.repository("main").await.id;
    world.write(move |tx| publish(tx, r, name, "1", name)).await
}

async fn inputs_are_kept_once_for_as_long_as_a_decision_refers_to_them(world: World) {
    let p = package(&world, "p").await;
    world
        .write(move |tx| {
            decide(tx, &decision("d1", p, 1, "a", &[]))?;
            decide(tx, &decision("d2", p, 2, "a", &[]))?;
            tx.append_decision(&decision("d3", p, 3, "never kept", &[]))
        })
        .await;
    let found = world.read(|tx| tx.inputs(&["a".into(), "never kept".into()])).await;
    assert_eq!(found, [input("a")]);
    let logged = world.read(|tx| tx.logged_decision(&DecisionId("d2".into()))).await.unwrap();
    assert_eq!((logged.kept, logged.superseded_at, logged.at.name.as_str()), (true, Some(at(3)), "p"));
    let last = world.read(|tx| tx.logged_decision(&DecisionId("d3".into()))).await.unwrap();
    assert_eq!((last.kept, last.superseded_at), (false, None));
    let then = world.read(move |tx| tx.decision_in_force(p, at(2))).await.unwrap();
    assert_eq!(then.id.0, "d2");
    assert!(world.read(move |tx| tx.decision_in_force(p, at(0))).await.is_none());
}

async fn superseded_decisions_forget_their_inputs_and_the_current_one_does_not(world: World) {
    let p = package(&world, "p").await;
    world
        .write(move |tx| {
            for (id, seconds, input) in [("d1", 1, "a"), ("d2", 2, "b"), ("d3", 3, "a"), ("d4", 4, "c")] {
                decide(tx, &decision(id, p, seconds, input, &[]))?;
            }
            Ok(())
        })
        .await;
    assert_eq!(world.write(|tx| tx.forget_inputs(at(2), 9)).await, 0, "d1 was superseded at 2, not before");
    assert_eq!(world.write(|tx| tx.forget_inputs(at(4), 9)).await, 2);
    assert_eq!(kept(&world, &["a", "b", "c"]).await, ["a", "c"], "d3 still refers to a");
    assert_eq!(world.write(|tx| tx.forget_inputs(at(99), 1)).await, 1);
    assert_eq!(world.write(|tx| tx.forget_inputs(at(99), 9)).await, 0);
    assert_eq!(kept(&world, &["a", "b", "c"]).await, ["c"], "that of the decision in force stays, however old");
}

async fn what_is_gone_takes_its_inputs_with_it(world: World) {
    let r = world.repository("main").await.id;
    let (p, q, shared) = world
        .write(move |tx| {
            let p = publish(tx, r, "p", "1", "x")?;
            let q = publish(tx, r, "q", "1", "y")?;
            let shared = publish(tx, r, "s", "1", "z")?;
            decide(tx, &decision("d1", p, 1, "a", &[]))?;
            decide(tx, &decision("d2", q, 1, "b", &[]))?;
            decide(tx, &decision("d3", shared, 1, "b", &[]))?;
            Ok((p, q, shared))
        })
        .await;
    world
        .write(move |tx| {
            tx.discard(p, &Discard { at: at(2), by: "ann".into(), cause: "deleted".into(), purge_at: at(9) })?;
            tx.delete_package(q)
        })
        .await;
    assert_eq!(kept(&world, &["a", "b"]).await, ["a", "b"], "what is in the trash can come back");
    world.write(move |tx| tx.purge(p)).await;
    assert_eq!(kept(&world, &["a", "b"]).await, ["b"]);
    world.write(move |tx| tx.delete_package(shared)).await;
    assert!(kept(&world, &["a", "b"]).await.is_empty());
    assert!(world.read(|tx| tx.decision(&DecisionId("d1".into()))).await.is_some(), "the decision stays");
}

async fn ids(world: &World, filter: DecisionFilter) -> String {
    let filter = DecisionFilter { limit: if filter.limit == 0 { 99 } else { filter.limit }, ..filter };
    let found = world.read(move |tx| tx.logged_decisions(&filter)).await;
    found.iter().map(|one| one.decision.id.0.as_str()).collect::<Vec<_>>().join(" ")
}

async fn the_log_is_read_page_by_page_along_every_index(world: World) {
    let main = world.repository("main").await.id;
    let (other, p, q) = world
        .write(move |tx| {
            let other = tx.create_repository("other", &Settings::default(), at(0))?.id;
            let p = publish(tx, main, "p", "1", "x")?;
            let q = publish(tx, other, "q", "1", "y")?;
            decide(tx, &decision("d1", p, 1, "a", &[]))?;
            decide(tx, &decision("d2", q, 2, "b", &["risky", "late"]))?;
            decide(tx, &decision("d3", p, 3, "c", &["risky"]))?;
            decide(tx, &decision("d4", q, 4, "d", &[]))?;
            decide(tx, &decision("d5", p, 5, "e", &["late"]))?;
            Ok((other, p, q))
        })
        .await;
    let all = DecisionFilter::default;
    let of = |places: &[RepositoryId]| Some(places.to_vec());
    let id = |text: &str| Some(DecisionId(text.into()));
    assert_eq!(ids(&world, all()).await, "d1 d2 d3 d4 d5");
    assert_eq!(ids(&world, DecisionFilter { newest_first: true, limit: 2, ..all() }).await, "d5 d4");
    let rest = DecisionFilter { newest_first: true, before: id("d4"), ..all() };
    assert_eq!(ids(&world, rest).await, "d3 d2 d1");
    assert_eq!(ids(&world, DecisionFilter { after: id("d2"), before: id("d5"), ..all() }).await, "d3 d4");
    assert_eq!(ids(&world, DecisionFilter { repositories: of(&[main]), ..all() }).await, "d1 d3 d5");
    let both = DecisionFilter { repositories: of(&[other, main]), newest_first: true, limit: 3, ..all() };
    assert_eq!(ids(&world, both).await, "d5 d4 d3");
    assert_eq!(ids(&world, DecisionFilter { repositories: of(&[]), ..all() }).await, "");
    assert_eq!(ids(&world, DecisionFilter { packages: Some(vec![q]), ..all() }).await, "d2 d4");
    assert_eq!(ids(&world, DecisionFilter { said: true, ..all() }).await, "d2 d3 d5");
    let risky = || DecisionFilter { said_by: Some("risky".into()), ..all() };
    assert_eq!(ids(&world, risky()).await, "d2 d3");
    assert_eq!(ids(&world, DecisionFilter { repositories: of(&[main]), ..risky() }).await, "d3");
    assert_eq!(ids(&world, DecisionFilter { packages: Some(vec![p]), newest_first: true, ..risky() }).await, "d3");
    let count = |filter: DecisionFilter| world.read(move |tx| tx.count_decisions(&filter));
    assert_eq!(count(all()).await, 5);
    assert_eq!(count(DecisionFilter { after: id("d1"), repositories: of(&[main]), ..all() }).await, 2);
    assert_eq!(count(DecisionFilter { packages: Some(vec![q]), ..all() }).await, 2);
}
