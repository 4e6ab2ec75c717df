//! Who is trusted to sign, evidence that comes before and after what it is about, and for whom packages were taken.

use crate::world::{World, at, conformance, new_package};
use assay_model::{
    package::PackageId,
    seam::meta::NewEvidence,
    trust::{Evidence, TrustKind, TrustScope, Trusted},
};
use std::collections::{BTreeMap, BTreeSet};

conformance!(
    the_trusted_are_kept_by_name,
    evidence_is_found_by_what_it_is_about,
    evidence_about_a_whole_extends_to_its_parts,
    evidence_in_the_same_place_takes_the_others_place,
    the_walk_meets_all_evidence,
    what_a_package_holds_is_found_by_it_and_of_what_is_about_one_the_first,
    a_requester_is_kept_with_its_package,
);

pub fn about(version: &str, place: Option<&str>, word: &str) -> NewEvidence {
    let evidence =
        Evidence { kind: "signature".into(), form: "cosign".into(), path: word.into(), ..Evidence::default() };
    NewEvidence { about: version.into(), place: place.map(str::to_owned), evidence }
}

fn trusted(name: &str, pem: &str) -> Trusted {
    Trusted {
        name: name.into(),
        kind: TrustKind::Key,
        pem: pem.into(),
        identities: Vec::new(),
        issuers: Vec::new(),
        logged: false,
        scope: TrustScope { repositories: vec!["prod-*".into()], ..TrustScope::default() },
        fingerprint: "f".into(),
        algorithm: "ed25519".into(),
        added_by: "me".into(),
        added_at: at(1),
    }
}

async fn the_trusted_are_kept_by_name(world: World) {
    for one in [trusted("b", "x"), trusted("a", "y"), trusted("b", "z")] {
        world.write(move |tx| tx.put_trusted(&one)).await;
    }
    assert_eq!(world.read(|tx| tx.trusted()).await, [trusted("a", "y"), trusted("b", "z")]);
    assert!(world.write(|tx| tx.remove_trusted("a")).await);
    assert!(!world.write(|tx| tx.remove_trusted("a")).await, "it is gone");
    assert_eq!(world.read(|tx| tx.trusted()).await, [trusted("b", "z")]);
}

/// A package of the name `app`, or another name in another repository.
async fn package(world: &World, repository: &'static str, name: &'static str, version: &'static str) -> PackageId {
    let known = world.read(move |tx| tx.repository(repository)).await;
    let repository = match known {
        Some(known) => known.id,
        None => world.repository(repository).await.id,
    };
    world.write(move |tx| tx.put_package(&new_package(repository, name, version))).await.0
}

async fn set(world: &World, holder: PackageId, evidence: Vec<NewEvidence>) -> BTreeSet<PackageId> {
    world.write(move |tx| tx.set_evidence(holder, &evidence)).await
}

async fn paths(world: &World, packages: &[PackageId]) -> BTreeMap<PackageId, Vec<String>> {
    let packages = packages.to_vec();
    let found = world.read(move |tx| tx.evidence_about(&packages, 9)).await;
    found.into_iter().map(|(id, all)| (id, all.into_iter().map(|one| one.path).collect())).collect()
}

async fn evidence_is_found_by_what_it_is_about(world: World) {
    let holder = package(&world, "main", "app", "s1").await;
    assert!(set(&world, holder, vec![about("1", None, "x")]).await.is_empty(), "what it is about is not here yet");
    let image = package(&world, "main", "app", "1").await;
    let other = package(&world, "main", "other", "1").await;
    let elsewhere = package(&world, "dev", "app", "1").await;
    assert_eq!(
        paths(&world, &[image, other, elsewhere, holder]).await,
        BTreeMap::from([(image, vec!["x".to_owned()])])
    );
    assert!(set(&world, holder, vec![about("1", None, "x")]).await.is_empty(), "the same again");
    assert_eq!(set(&world, holder, vec![about("1", None, "y")]).await, BTreeSet::from([image]));
    assert_eq!(set(&world, holder, Vec::new()).await, BTreeSet::from([image]));
    assert!(paths(&world, &[image]).await.is_empty());
    assert!(set(&world, holder, Vec::new()).await.is_empty());
}

async fn parts(world: &World, whole: PackageId, of: &[&str]) -> BTreeSet<PackageId> {
    let of: Vec<String> = of.iter().map(|&part| part.to_owned()).collect();
    world.write(move |tx| tx.set_parts(whole, &of)).await
}

async fn evidence_about_a_whole_extends_to_its_parts(world: World) {
    let index = package(&world, "main", "app", "index").await;
    let (one, two) = (package(&world, "main", "app", "one").await, package(&world, "main", "app", "two").await);
    let holder = package(&world, "main", "app", "s").await;
    assert!(parts(&world, index, &["one", "absent"]).await.is_empty(), "nobody speaks of it yet");
    assert_eq!(set(&world, holder, vec![about("index", None, "x")]).await, BTreeSet::from([index, one]));
    assert_eq!(paths(&world, &[index, one, two]).await.into_keys().collect::<Vec<_>>(), [index, one]);
    assert_eq!(parts(&world, index, &["one", "two"]).await, BTreeSet::from([two]), "only what changed");
    assert!(parts(&world, index, &["two", "one"]).await.is_empty(), "the same");
    assert_eq!(parts(&world, index, &[]).await, BTreeSet::from([one, two]));
    assert_eq!(paths(&world, &[index, one, two]).await.into_keys().collect::<Vec<_>>(), [index]);
}

async fn evidence_in_the_same_place_takes_the_others_place(world: World) {
    let image = package(&world, "main", "app", "1").await;
    let (first, second) = (package(&world, "main", "app", "s1").await, package(&world, "main", "app", "s2").await);
    let third = package(&world, "main", "app", "s3").await;
    set(&world, first, vec![about("1", Some("tag"), "a")]).await;
    set(&world, third, vec![about("1", Some("other"), "c")]).await;
    let both = vec![about("1", Some("tag"), "a"), about("1", Some("tag"), "b")];
    assert_eq!(set(&world, second, both).await, BTreeSet::from([image]));
    assert_eq!(paths(&world, &[image]).await[&image], ["c", "a", "b"]);
    let held = world.read(move |tx| tx.evidence_held(&[first])).await;
    assert_eq!(held[&first].len(), 1, "it is evidence still, about nothing");
    assert!(set(&world, first, Vec::new()).await.is_empty(), "and its end touches nobody");
}

async fn the_walk_meets_all_evidence(world: World) {
    let (one, two) = (package(&world, "main", "app", "1").await, package(&world, "dev", "tool", "2").await);
    set(&world, one, vec![about("1", None, "a"), about("absent", None, "b")]).await;
    set(&world, two, vec![about("2", None, "c")]).await;
    let mut met = Vec::new();
    let mut after = 0;
    loop {
        let page = world.read(move |tx| tx.walk_evidence(after, 2)).await;
        let Some(last) = page.last() else { break };
        after = last.id;
        met.extend(page);
    }
    let seen: Vec<_> = met.iter().map(|k| (k.packages.as_slice(), k.repository.as_str(), k.name.as_str())).collect();
    assert_eq!(seen, [(&[one][..], "main", "app"), (&[][..], "main", "app"), (&[two][..], "dev", "tool")]);
}

async fn what_a_package_holds_is_found_by_it_and_of_what_is_about_one_the_first(world: World) {
    let (one, two) = (package(&world, "main", "app", "1").await, package(&world, "main", "app", "2").await);
    set(&world, two, vec![about("1", None, "a"), about("absent", None, "b"), about("1", None, "c")]).await;
    set(&world, one, vec![about("1", None, "d")]).await;
    let words = |found: BTreeMap<PackageId, Vec<Evidence>>| -> Vec<(PackageId, Vec<String>)> {
        found.into_iter().map(|(id, all)| (id, all.into_iter().map(|one| one.path).collect())).collect()
    };
    let held = world.read(move |tx| tx.evidence_held(&[one, two])).await;
    let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    assert_eq!(words(held), [(one, list(&["d"])), (two, list(&["a", "b", "c"]))]);
    let first = world.read(move |tx| tx.evidence_about(&[one, two], 2)).await;
    assert_eq!(words(first), [(one, list(&["a", "c"]))], "in the order in which they came");
}

async fn a_requester_is_kept_with_its_package(world: World) {
    let (one, two) = (package(&world, "main", "app", "1").await, package(&world, "main", "app", "2").await);
    for who in ["ann", "ben"] {
        world.write(move |tx| tx.note_requester(one, who)).await;
    }
    assert_eq!(world.read(move |tx| tx.requesters(&[one, two])).await, BTreeMap::from([(one, "ben".to_owned())]));
}
