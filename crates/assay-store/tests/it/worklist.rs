//! The worklist: absorbing, leases, attempts, dead letters, and claims that never double.

use crate::world::{World, at, conformance};
use assay_model::{
    seam::meta,
    work::{Due, Job, Lane, NewJob, Stage},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

conformance!(
    a_waiting_job_absorbs_another,
    the_cause_goes_with_the_earlier_time,
    what_was_attended_to_counts_once,
    a_job_written_while_one_runs_is_not_lost,
    a_lease_that_runs_out_is_taken_again,
    a_lease_is_renewed_by_its_holder_only,
    failures_are_tried_again_or_given_up,
    a_failed_job_and_a_new_one_become_one,
    jobs_are_due_in_order,
    a_clock_that_is_set_back_delays_nothing,
    a_lease_of_a_clock_that_was_set_back_has_run_out,
    concurrent_claims_never_double,
);

fn job(stage: Stage, key: i64, due: i64) -> NewJob {
    NewJob { lane: Lane::Scan, stage, key, cause: "published".into(), due: Due::appointed(at(due)) }
}

/// Leases what is due, and checks that what says so cheaply agrees.
async fn claim(world: &World, now: i64, until: i64) -> Vec<Job> {
    let due = world.read(move |tx| tx.has_due(Lane::Scan, at(now))).await;
    let claimed = claim_all(world, now, until).await;
    assert!(due || claimed.is_empty(), "{claimed:?}");
    claimed
}

async fn claim_all(world: &World, now: i64, until: i64) -> Vec<Job> {
    world.write(move |tx| tx.claim(Lane::Scan, "w", at(now), at(until), 10)).await
}

async fn counts(world: &World) -> (i64, i64, i64) {
    let counts = world.read(|tx| tx.job_counts(at(1_000_000_000))).await[&Lane::Scan];
    (counts.waiting, counts.running, counts.dead)
}

async fn a_waiting_job_absorbs_another(world: World) {
    world
        .write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 50), job(Stage::Decide, 1, 60), job(Stage::Match, 1, 50)]))
        .await;
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 10), job(Stage::Decide, 1, 90)])).await;
    assert_eq!(counts(&world).await, (2, 0, 0));
    assert!(!world.read(|tx| tx.has_due(Lane::Scan, at(9))).await);
    assert!(!world.read(|tx| tx.has_due(Lane::Change, at(99))).await);
    let due = claim(&world, 10, 99).await;
    assert_eq!(due.iter().map(|j| (j.stage, j.key)).collect::<Vec<_>>(), [(Stage::Decide, 1)], "the earlier time wins");
    assert_eq!(due[0].attempts, 1);
    let urgent = NewJob { lane: Lane::Interactive, ..job(Stage::Match, 1, 0) };
    world.write(move |tx| tx.enqueue(std::slice::from_ref(&urgent))).await;
    let taken = world.write(|tx| tx.claim(Lane::Interactive, "w", at(0), at(9), 9)).await;
    assert_eq!(taken.len(), 1, "somebody waits for it now");
}

/// What is looked at again by the clock in an hour, and changes now, changes because of that.
async fn the_cause_goes_with_the_earlier_time(world: World) {
    let because = |cause: &str, key, due| NewJob { cause: cause.into(), ..job(Stage::Decide, key, due) };
    world.write(move |tx| tx.enqueue(&[because("the clock", 1, 60), because("the clock", 2, 5)])).await;
    world.write(move |tx| tx.enqueue(&[because("a score", 1, 9), because("a score", 2, 9)])).await;
    world.write(move |tx| tx.enqueue(&[because("later", 3, 9), because("sooner", 3, 8)])).await;
    let causes: Vec<(i64, String)> = claim(&world, 10, 99).await.into_iter().map(|job| (job.key, job.cause)).collect();
    let cause = |key: i64| causes.iter().find(|one| one.0 == key).map(|one| one.1.as_str());
    assert_eq!((cause(1), cause(2), cause(3)), (Some("a score"), Some("the clock"), Some("sooner")));
}

async fn what_was_attended_to_counts_once(world: World) {
    world.write(|tx| tx.note_attended(Stage::Decide, &[1, 2, 3, 2], at(10))).await;
    world.write(|tx| tx.note_attended(Stage::Decide, &[3, 4], at(20))).await;
    world.write(|tx| tx.note_attended(Stage::Match, &[1], at(20))).await;
    let since = async |stage, moment| world.read(move |tx| tx.attended_since(stage, at(moment))).await;
    assert_eq!((since(Stage::Decide, 10).await, since(Stage::Decide, 11).await), (4, 2));
    assert_eq!((since(Stage::Decide, 21).await, since(Stage::Match, 0).await), (0, 1));
    world.write(|tx| tx.forget_attended(at(20))).await;
    assert_eq!((since(Stage::Decide, 0).await, since(Stage::Match, 0).await), (2, 1));
}

async fn a_job_written_while_one_runs_is_not_lost(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0)])).await;
    let first = claim(&world, 0, 50).await.remove(0);
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0)])).await;
    assert_eq!(counts(&world).await, (1, 1, 0));
    assert!(claim(&world, 1, 50).await.is_empty(), "not while the same key is worked on");
    let id = first.id;
    world.write(move |tx| tx.finish(&[id])).await;
    let second = claim(&world, 2, 50).await.remove(0);
    assert_ne!(second.id, first.id);
}

async fn a_lease_that_runs_out_is_taken_again(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0)])).await;
    let slow = claim(&world, 0, 10).await.remove(0);
    assert!(claim(&world, 9, 20).await.is_empty(), "leased");
    // written while the first one runs: two rows of one key, both due once the lease ran out
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0)])).await;
    let again = claim(&world, 10, 20).await;
    assert_eq!(again.len(), 1, "they are one job");
    assert_eq!(again[0].attempts, 2);
    assert!(again[0].error.is_some());
    world.write(move |tx| tx.finish(&[slow.id])).await;
    assert_eq!(counts(&world).await, (0, 1, 0), "the slow worker cannot finish what another one does");
    world.write(move |tx| tx.fail(slow.id, "late", None)).await;
    assert_eq!(counts(&world).await, (0, 1, 0));
    let id = again[0].id;
    world.write(move |tx| tx.finish(&[id])).await;
    assert_eq!(counts(&world).await, (0, 0, 0));
}

async fn a_lease_is_renewed_by_its_holder_only(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0), job(Stage::Decide, 2, 0)])).await;
    for owner in ["slow", "lost"] {
        world.write(move |tx| tx.claim(Lane::Scan, owner, at(0), at(10), 1)).await;
    }
    assert!(world.write(|tx| tx.claim(Lane::Scan, "slow", at(10), at(30), 0)).await.is_empty(), "none is leased anew");
    let taken = claim(&world, 20, 40).await;
    assert_eq!(taken.iter().map(|j| j.key).collect::<Vec<_>>(), [2], "the other holder was not heard of");
    world.write(|tx| tx.claim(Lane::Scan, "slow", at(20), at(25), 0)).await;
    assert!(claim(&world, 29, 40).await.is_empty(), "a lease is never shortened");
    assert_eq!(claim(&world, 30, 50).await.len(), 1);
}

async fn failures_are_tried_again_or_given_up(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Analyze, 5, 0)])).await;
    let id = claim(&world, 0, 10).await[0].id;
    world.write(move |tx| tx.fail(id, "bro\0ken", Some(Due::after(at(0), SignedDuration::from_secs(30))))).await;
    assert!(claim(&world, 29, 60).await.is_empty(), "not yet");
    let again = claim(&world, 30, 60).await.remove(0);
    assert_eq!((again.attempts, again.error.as_deref()), (2, Some("bro\u{fffd}ken")));
    world.write(move |tx| tx.fail(again.id, "for good", None)).await;
    assert_eq!(counts(&world).await, (0, 0, 1));
    assert!(claim(&world, 999, 1999).await.is_empty());
    let dead = world.read(|tx| tx.dead_jobs(false, at(31))).await;
    assert_eq!((dead[0].key, dead[0].error.as_deref(), dead[0].attempts), (5, Some("for good"), 2));
    assert_eq!(world.write(|tx| tx.dead_jobs(true, at(31))).await.len(), 1);
    let revived = claim(&world, 31, 60).await.remove(0);
    assert_eq!(revived.attempts, 1, "counted anew");
    assert!(world.read(|tx| tx.dead_jobs(false, at(31))).await.is_empty());
}

async fn a_failed_job_and_a_new_one_become_one(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0)])).await;
    let id = claim(&world, 0, 10).await[0].id;
    world
        .write(move |tx| {
            tx.enqueue(&[job(Stage::Decide, 1, 3)])?;
            tx.fail(id, "broken", Some(Due::after(at(0), SignedDuration::from_secs(100))))
        })
        .await;
    assert_eq!(counts(&world).await, (1, 0, 0));
    let again = claim(&world, 3, 10).await.remove(0);
    assert_eq!(again.attempts, 2, "what was tried counts");
}

fn after(from: i64, wait: i64) -> Due {
    Due::after(at(from), SignedDuration::from_secs(wait))
}

async fn a_clock_that_is_set_back_delays_nothing(world: World) {
    let due = |key: i64, due: Due| NewJob { due, ..job(Stage::Decide, key, 0) };
    world.write(move |tx| tx.enqueue(&[due(1, Due::at_once(at(0)))])).await;
    let first = claim(&world, 0, 30).await[0].id;
    world
        .write(move |tx| {
            tx.fail(first, "broken", Some(after(5_000, 200)))?;
            let appointed = due(4, Due::appointed(at(6_000)));
            tx.enqueue(&[due(2, Due::at_once(at(5_000))), due(3, after(5_000, 5)), appointed])
        })
        .await;
    let waiting = world.read(|tx| tx.job_counts(at(10))).await[&Lane::Scan];
    assert_eq!((waiting.waiting, waiting.later), (3, 1), "an appointment is one");
    // what was asked for by a clock that is right has its turn as well
    world.write(move |tx| tx.enqueue(&[due(5, Due::at_once(at(9)))])).await;
    let claimed = claim(&world, 10, 40).await;
    assert_eq!(claimed.iter().map(|j| j.key).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3, 5]));
    assert!(claim(&world, 11, 41).await.is_empty());
    assert_eq!(claim(&world, 6_000, 6_030).await.last().map(|j| j.key), Some(4));
    // an appointment that becomes urgent is no appointment any more
    world.write(move |tx| tx.enqueue(&[due(7, Due::appointed(at(9_000)))])).await;
    world.write(move |tx| tx.enqueue(&[due(7, Due::at_once(at(8_000)))])).await;
    assert!(claim(&world, 6_001, 6_031).await.iter().any(|j| j.key == 7));
}

async fn a_lease_of_a_clock_that_was_set_back_has_run_out(world: World) {
    world.write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 0), job(Stage::Decide, 2, 0)])).await;
    for owner in ["held", "lost"] {
        world.write(move |tx| tx.claim(Lane::Scan, owner, at(5_000), at(5_030), 1)).await;
    }
    assert!(claim(&world, 4_950, 4_980).await.is_empty(), "clocks of nodes may be a little apart");
    world.write(|tx| tx.claim(Lane::Scan, "held", at(10), at(40), 0)).await;
    let taken = claim(&world, 10, 40).await;
    assert_eq!(taken.iter().map(|j| j.key).collect::<Vec<_>>(), [2], "who is there renewed, who is not has lost it");
    assert!(claim(&world, 39, 69).await.is_empty());
    assert_eq!(claim(&world, 40, 70).await.len(), 2, "renewed for as long as a lease lasts");
    // a server that is alone takes back everything, whatever the clock said
    world.write(|tx| tx.claim(Lane::Scan, "me", Timestamp::MAX, at(0), 0)).await;
    assert_eq!(claim(&world, 1, 31).await.len(), 2);
    let leased = world.write(|tx| tx.take_lease("feed", "a", at(5_000), at(5_060))).await;
    let early = world.write(|tx| tx.take_lease("feed", "b", at(4_950), at(5_010))).await;
    let later = world.write(|tx| tx.take_lease("feed", "b", at(10), at(70))).await;
    assert_eq!((leased, early, later), (true, false, true));
}

async fn jobs_are_due_in_order(world: World) {
    world
        .write(|tx| tx.enqueue(&[job(Stage::Decide, 1, 30), job(Stage::Decide, 2, 10), job(Stage::Decide, 3, 20)]))
        .await;
    let two = world.write(|tx| tx.claim(Lane::Scan, "w", at(99), at(100), 2)).await;
    assert_eq!(two.iter().map(|j| j.key).collect::<Vec<_>>(), [2, 3]);
    assert!(world.write(|tx| tx.claim(Lane::Backfill, "w", at(99), at(100), 2)).await.is_empty(), "lanes are apart");
}

async fn concurrent_claims_never_double(world: World) {
    const JOBS: usize = 200;
    world.write(|tx| tx.enqueue(&(0..200).map(|key| job(Stage::Decide, key, 0)).collect::<Vec<_>>())).await;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let mut workers = Vec::new();
    for worker in 0..4 {
        let store = if worker % 2 == 0 { world.meta.clone() } else { world.again().await };
        let taken = taken.clone();
        workers.push(tokio::spawn(async move {
            loop {
                let claim =
                    meta::write(&*store, move |tx| tx.claim(Lane::Scan, &format!("w{worker}"), at(0), at(1000), 3));
                let jobs = claim.await.unwrap();
                if jobs.is_empty() {
                    break;
                }
                let ids: Vec<_> = jobs.iter().map(|j| j.id).collect();
                taken.lock().unwrap().extend(jobs.iter().map(|j| j.key));
                meta::write(&*store, move |tx| tx.finish(&ids)).await.unwrap();
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(taken.len(), JOBS);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), JOBS);
    assert_eq!(counts(&world).await, (0, 0, 0));
}
