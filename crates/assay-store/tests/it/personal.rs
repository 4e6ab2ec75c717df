//! What people say of single packages: states set by hand, own tags, corrected licences, approvals.

use crate::{
    judgements::decision,
    world::{World, at, conformance, new_package, publish},
};
use assay_model::{
    overrides::{Approval, ApprovalStatus, LicenseCorrection},
    package::{Override, PackageId, State},
    repository::RepositoryId,
    seam::meta::PersonalFilter,
};
use std::collections::{BTreeMap, BTreeSet};

conformance!(
    states_set_by_hand_are_listed_until_they_are_taken_back,
    own_tags_and_licences_are_kept_by_package,
    there_is_one_request_per_package_and_policy,
    what_was_said_of_a_deleted_package_does_not_bind_the_next,
    what_policies_deleted_is_found_when_it_is_old,
);

async fn packages(world: &World) -> (Vec<RepositoryId>, Vec<PackageId>) {
    let places = vec![world.repository("main").await.id, world.repository("other").await.id];
    let mut ids = Vec::new();
    for (place, name) in [(places[0], "a"), (places[0], "b"), (places[1], "c")] {
        ids.push(world.write(move |tx| publish(tx, place, name, "1", name)).await);
    }
    (places, ids)
}

fn tags(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|t| (*t).to_owned()).collect()
}

fn within(repositories: Option<Vec<RepositoryId>>, before: Option<PackageId>, limit: usize) -> PersonalFilter {
    PersonalFilter { repositories, before, limit }
}

async fn states_set_by_hand_are_listed_until_they_are_taken_back(world: World) {
    let (places, ids) = packages(&world).await;
    let (a, b, c) = (ids[0], ids[1], ids[2]);
    let word = Override {
        state: State::Quarantined,
        reason: "review \u{1f980}".into(),
        author: "ann".into(),
        expires_at: Some(at(50)),
    };
    let put = word.clone();
    world
        .write(move |tx| {
            [a, b, c]
                .iter()
                .try_for_each(|id| tx.set_standing(*id, State::Quarantined, &tags(&[]), None, Some(Some(&put))))
        })
        .await;
    let list = |filter: PersonalFilter| world.read(move |tx| tx.overridden(&filter));
    assert_eq!(list(within(None, None, 10)).await, [c, b, a]);
    assert_eq!(list(within(None, None, 1)).await, [c]);
    assert_eq!(list(within(None, Some(c), 10)).await, [b, a]);
    assert_eq!(list(within(Some(vec![places[0]]), None, 10)).await, [b, a]);
    assert!(list(within(Some(Vec::new()), None, 10)).await.is_empty(), "nobody may see any");
    let kept = world.read(move |tx| tx.packages(&[a])).await;
    assert_eq!(kept[0].held, Some(word));
    world.write(move |tx| tx.set_standing(a, State::Available, &tags(&[]), None, None)).await;
    assert_eq!(list(within(None, None, 10)).await, [c, b, a], "a decision leaves it as it is");
    world.write(move |tx| tx.set_standing(a, State::Available, &tags(&[]), None, Some(None))).await;
    world.write(move |tx| tx.delete_package(b)).await;
    assert_eq!(list(within(None, None, 10)).await, [c]);
}

async fn own_tags_and_licences_are_kept_by_package(world: World) {
    let (_, ids) = packages(&world).await;
    let (a, b) = (ids[0], ids[1]);
    world
        .write(move |tx| {
            tx.put_own_tags(a, &tags(&["x"]))?;
            tx.put_own_tags(a, &tags(&["y", "z"]))?;
            tx.put_own_tags(b, &tags(&[]))
        })
        .await;
    let all = ids.clone();
    let kept = world.read(move |tx| tx.own_tags(&all)).await;
    assert_eq!(kept, BTreeMap::from([(a, tags(&["y", "z"])), (b, tags(&[]))]));
    let said = |expression: &str| LicenseCorrection {
        expression: expression.into(),
        reason: "its file says so".into(),
        author: "ann".into(),
        at: at(5),
    };
    let (first, second) = (said("MIT"), said("Apache-2.0"));
    assert!(!world.write(move |tx| tx.correct_license(a, Some(&first))).await);
    assert!(world.write(move |tx| tx.correct_license(a, Some(&second))).await);
    let all = ids.clone();
    let kept = world.read(move |tx| tx.corrected_licenses(&all)).await;
    assert_eq!(kept, BTreeMap::from([(a, said("Apache-2.0"))]));
    assert!(world.write(move |tx| tx.correct_license(a, None)).await);
    assert!(!world.write(move |tx| tx.correct_license(a, None)).await);
    assert!(world.read(move |tx| tx.corrected_licenses(&ids)).await.is_empty());
}

fn request(package: PackageId, policy: &str) -> Approval {
    Approval {
        package,
        policy: policy.into(),
        status: ApprovalStatus::Requested,
        reason: String::new(),
        author: String::new(),
        expires_at: None,
        requested_at: at(1),
        changed_at: at(1),
    }
}

async fn there_is_one_request_per_package_and_policy(world: World) {
    let (places, ids) = packages(&world).await;
    let (a, c) = (ids[0], ids[2]);
    let approved = Approval {
        status: ApprovalStatus::Approved,
        reason: "looked at".into(),
        author: "ann".into(),
        expires_at: Some(at(90)),
        changed_at: at(9),
        ..request(a, "p")
    };
    let put = approved.clone();
    world
        .write(move |tx| {
            for one in [request(a, "p"), request(a, "q"), request(c, "p")] {
                tx.put_approval(&one)?;
            }
            tx.put_approval(&put)
        })
        .await;
    let of = world.read(move |tx| tx.approvals_of(&[a])).await;
    assert_eq!(of, BTreeMap::from([(a, vec![approved.clone(), request(a, "q")])]));
    assert!(approved.holds(at(89)) && !approved.holds(at(90)), "at its end it is over");
    let list =
        |status: Option<ApprovalStatus>, filter: PersonalFilter| world.read(move |tx| tx.approvals(status, &filter));
    assert_eq!(list(None, within(None, None, 9)).await, [request(c, "p"), approved.clone(), request(a, "q")]);
    let open = Some(ApprovalStatus::Requested);
    assert_eq!(list(open, within(None, None, 9)).await, [request(c, "p"), request(a, "q")]);
    assert_eq!(list(open, within(Some(vec![places[0]]), None, 9)).await, [request(a, "q")]);
    assert_eq!(list(Some(ApprovalStatus::Approved), within(None, Some(c), 1)).await, [approved]);
    assert!(list(Some(ApprovalStatus::Refused), within(None, None, 9)).await.is_empty());
}

async fn what_was_said_of_a_deleted_package_does_not_bind_the_next(world: World) {
    let (places, ids) = packages(&world).await;
    let (place, a) = (places[0], ids[0]);
    world
        .write(move |tx| {
            tx.put_own_tags(a, &tags(&["x"]))?;
            let said =
                LicenseCorrection { expression: "MIT".into(), reason: "r".into(), author: "ann".into(), at: at(5) };
            tx.correct_license(a, Some(&said))?;
            tx.put_approval(&Approval { status: ApprovalStatus::Approved, ..request(a, "p") })?;
            tx.delete_package(a)
        })
        .await;
    assert!(world.read(|tx| tx.approvals(None, &within(None, None, 9))).await.is_empty());
    let (next, new) = world.write(move |tx| tx.put_package(&new_package(place, "a", "1"))).await;
    assert!(new);
    let left = world
        .read(move |tx| {
            Ok((tx.own_tags(&[next])?.len(), tx.corrected_licenses(&[next])?.len(), tx.approvals_of(&[next])?.len()))
        })
        .await;
    assert_eq!(left, (0, 0, 0));
}

async fn what_policies_deleted_is_found_when_it_is_old(world: World) {
    let (_, ids) = packages(&world).await;
    let (a, b) = (ids[0], ids[1]);
    world
        .write(move |tx| {
            for (name, id, seconds) in [("d1", a, 10), ("d2", b, 20)] {
                let made = decision(name, id, seconds);
                tx.append_decision(&made)?;
                tx.set_standing(id, State::Deleted, &tags(&[]), Some(&made.id), None)?;
            }
            Ok(())
        })
        .await;
    assert!(world.read(|tx| tx.deleted_by_policies(at(10), 9)).await.is_empty());
    assert_eq!(world.read(|tx| tx.deleted_by_policies(at(11), 9)).await, [a]);
    assert_eq!(world.read(|tx| tx.deleted_by_policies(at(99), 9)).await, [a, b]);
    assert_eq!(world.read(|tx| tx.deleted_by_policies(at(99), 1)).await, [a]);
    world.write(move |tx| tx.delete_package(a)).await;
    assert_eq!(world.read(|tx| tx.deleted_by_policies(at(99), 9)).await, [b], "its files are gone");
}
