//! Waivers, who used them, and VEX.

use crate::world::{World, at, conformance, new_package};
use assay_model::{
    decision::DecisionId,
    package::PackageId,
    seam::meta::{Change, UseFilter, VexFilter},
    vex::{NewVex, VexOrigin, VexProduct, VexStatement, VexStatus},
    waiver::{Waiver, WaiverScope, WaiverStatus, WaiverUse},
};
use std::collections::BTreeSet;

conformance!(
    a_waiver_is_kept_under_an_id_of_its_own,
    uses_are_told_by_waiver_and_by_package,
    verdicts_stand_until_the_next_decision,
    a_document_is_revised_in_place,
    statements_are_found_by_any_id,
    a_removed_document_says_nothing,
);

fn waiver(status: WaiverStatus, end: i64) -> Waiver {
    Waiver {
        scope: WaiverScope { vulnerabilities: BTreeSet::from(["CVE-1".to_owned()]), ..WaiverScope::default() },
        reason: "because".into(),
        author: "me".into(),
        status,
        created_at: at(1),
        expires_at: at(end),
        changed_at: at(1),
        ..Waiver::default()
    }
}

async fn a_waiver_is_kept_under_an_id_of_its_own(world: World) {
    let first = world.write(|tx| tx.add_waiver(&waiver(WaiverStatus::Active, 100))).await;
    let second = world.write(|tx| tx.add_waiver(&waiver(WaiverStatus::Requested, 100))).await;
    assert_ne!(first.id, second.id);
    let (one, two) = (first.id.clone(), second.id.clone());
    assert_eq!(world.read(move |tx| tx.waiver(&one)).await.as_ref(), Some(&first));
    assert_eq!(world.read(|tx| tx.waivers_in_force(at(99))).await, std::slice::from_ref(&first));
    assert!(world.read(|tx| tx.waivers_in_force(at(100))).await.is_empty(), "at its end it is over");
    let revoked = Waiver { status: WaiverStatus::Revoked, ..first.clone() };
    let put = revoked.clone();
    assert!(world.write(move |tx| tx.put_waiver(&put)).await);
    assert_eq!(world.read(|tx| tx.waivers(Some(WaiverStatus::Revoked))).await, std::slice::from_ref(&revoked));
    assert_eq!(world.read(|tx| tx.waivers(None)).await, [second, revoked]);
    assert_eq!(world.read(move |tx| tx.waiver(&two)).await.map(|one| one.status), Some(WaiverStatus::Requested));
    assert!(world.read(|tx| tx.waiver(&assay_model::waiver::WaiverId("nonsense".into()))).await.is_none());
}

async fn packages(world: &World) -> Vec<PackageId> {
    let repository = world.repository("main").await.id;
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        ids.push(world.write(move |tx| tx.put_package(&new_package(repository, name, "1"))).await.0);
    }
    ids
}

async fn uses_are_told_by_waiver_and_by_package(world: World) {
    let ids = packages(&world).await;
    let first = world.write(|tx| tx.add_waiver(&waiver(WaiverStatus::Active, 100))).await.id;
    let second = world.write(|tx| tx.add_waiver(&waiver(WaiverStatus::Active, 100))).await.id;
    let used = |waiver: &assay_model::waiver::WaiverId, package: PackageId, when: i64| WaiverUse {
        waiver: waiver.clone(),
        package,
        decision: DecisionId(format!("d{when}")),
        at: at(when),
    };
    let uses = vec![used(&first, ids[0], 5), used(&first, ids[1], 6), used(&second, ids[0], 7)];
    for _ in 0..2 {
        let uses = uses.clone();
        world.write(move |tx| tx.note_waiver_uses(&uses)).await;
    }
    let of = |waiver, package| UseFilter { waiver, package, limit: 10 };
    let by_waiver = of(Some(first.clone()), None);
    assert_eq!(world.read(move |tx| tx.waiver_uses(&by_waiver)).await, [uses[1].clone(), uses[0].clone()]);
    let by_package = of(None, Some(ids[0]));
    assert_eq!(world.read(move |tx| tx.waiver_uses(&by_package)).await, [uses[2].clone(), uses[0].clone()]);
    let newest = UseFilter { limit: 1, ..UseFilter::default() };
    assert_eq!(world.read(move |tx| tx.waiver_uses(&newest)).await, [uses[2].clone()]);
}

async fn verdicts_stand_until_the_next_decision(world: World) {
    let ids = packages(&world).await;
    let (a, b) = (ids[0], ids[1]);
    world.write(move |tx| tx.note_verdicts(a, &[("max-cvss", true), ("licences", false)])).await;
    world.write(move |tx| tx.note_verdicts(b, &[("max-cvss", true)])).await;
    assert_eq!(world.read(|tx| tx.packages_judged_by("max-cvss")).await, [a, b]);
    assert_eq!(world.read(|tx| tx.failing_policies()).await, [("max-cvss".to_owned(), 2)].into());
    world.write(move |tx| tx.note_verdicts(a, &[("licences", true)])).await;
    assert_eq!(world.read(|tx| tx.packages_judged_by("max-cvss")).await, [b]);
    assert_eq!(world.read(|tx| tx.packages_judged_by("licences")).await, [a]);
    world.write(move |tx| tx.delete_package(a)).await;
    assert!(world.read(|tx| tx.packages_judged_by("licences")).await.is_empty());
    assert_eq!(world.read(|tx| tx.failing_policies()).await, [("max-cvss".to_owned(), 1)].into());
}

fn says(ids: &[&str], status: VexStatus) -> VexStatement {
    VexStatement {
        vulnerability: ids.iter().map(|id| (*id).to_owned()).collect(),
        products: vec![VexProduct { purls: vec!["pkg:npm/a".into()], ..VexProduct::default() }],
        status,
        justification: None,
        statement: None,
        at: None,
        author: "us".into(),
        document: "d".into(),
    }
}

fn document(name: &str, digest: &str, statements: Vec<VexStatement>) -> NewVex {
    NewVex {
        name: name.into(),
        origin: VexOrigin::Uploaded("me".into()),
        digest: digest.into(),
        package: None,
        statements,
        at: at(5),
    }
}

fn ids(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn a_document_is_revised_in_place(world: World) {
    let first = document("d", "1", vec![says(&["CVE-1", "GHSA-1"], VexStatus::NotAffected)]);
    let put = world.write(move |tx| tx.put_vex(&first)).await;
    assert_eq!((put.change, put.vulnerabilities), (Change::New, ids(&["CVE-1", "GHSA-1"])));
    let same = document("d", "1", vec![says(&["CVE-9"], VexStatus::Fixed)]);
    let again = world.write(move |tx| tx.put_vex(&same)).await;
    assert_eq!((again.id, again.change, again.vulnerabilities.len()), (put.id, Change::Unchanged, 0));
    let next = document("d", "2", vec![says(&["CVE-2"], VexStatus::Affected)]);
    let revised = world.write(move |tx| tx.put_vex(&next)).await;
    assert_eq!((revised.id, revised.change), (put.id, Change::Changed));
    assert_eq!(revised.vulnerabilities, ids(&["CVE-1", "CVE-2", "GHSA-1"]), "what it says, and what it said");
    assert!(world.read(|tx| tx.statements_about(&["CVE-1".into()])).await.is_empty());
    let id = put.id;
    let (kept, statements) = world.read(move |tx| tx.vex_document(id)).await.unwrap();
    assert_eq!((kept.digest.as_str(), kept.statements, kept.author.as_str()), ("2", 1, "us"));
    assert_eq!(statements, [says(&["CVE-2"], VexStatus::Affected)]);
    let other = NewVex { origin: VexOrigin::Feed("hub".into()), ..document("d", "2", Vec::new()) };
    assert_ne!(world.write(move |tx| tx.put_vex(&other)).await.id, id, "another origin, another document");
}

async fn statements_are_found_by_any_id(world: World) {
    let one = says(&["CVE-1", "GHSA-1"], VexStatus::NotAffected);
    let two = says(&["CVE-2"], VexStatus::Fixed);
    let both = document("d", "1", vec![one.clone(), two.clone()]);
    let id = world.write(move |tx| tx.put_vex(&both)).await.id;
    let about = |texts: &[&str]| {
        let ids: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        world.read(move |tx| tx.statements_about(&ids))
    };
    let me = VexOrigin::Uploaded("me".into());
    assert_eq!(about(&["GHSA-1", "CVE-1", "CVE-1"]).await, [(me.clone(), one)]);
    assert_eq!(about(&["CVE-2"]).await, [(me, two)]);
    assert!(about(&["CVE-3"]).await.is_empty() && about(&[]).await.is_empty());
    assert_eq!(world.read(move |tx| tx.vulnerabilities_in(&[id])).await, ids(&["CVE-1", "CVE-2", "GHSA-1"]));
    let filter = VexFilter { vulnerability: Some("CVE-2".into()), limit: 10, ..VexFilter::default() };
    assert_eq!(world.read(move |tx| tx.vex_documents(&filter)).await.len(), 1);
    let filter = VexFilter { origin: Some("feed".into()), limit: 10, ..VexFilter::default() };
    assert!(world.read(move |tx| tx.vex_documents(&filter)).await.is_empty());
}

async fn a_removed_document_says_nothing(world: World) {
    let of = packages(&world).await[0];
    let attached = NewVex {
        origin: VexOrigin::Attached("main".into()),
        package: Some(of),
        ..document("d", "1", vec![says(&["CVE-1"], VexStatus::Fixed)])
    };
    let id = world.write(move |tx| tx.put_vex(&attached)).await.id;
    let filter = VexFilter { package: Some(of), limit: 10, ..VexFilter::default() };
    assert_eq!(world.read(move |tx| tx.vex_documents(&filter)).await[0].id, id);
    assert_eq!(world.write(move |tx| tx.remove_vex(id)).await, Some(ids(&["CVE-1"])));
    assert_eq!(world.write(move |tx| tx.remove_vex(id)).await, None);
    assert!(world.read(|tx| tx.statements_about(&["CVE-1".into()])).await.is_empty());
}
