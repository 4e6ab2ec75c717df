//! Scorecards, popular packages, source repositories of packages, decision points, and advisories to come.

use crate::world::{World, at, conformance, publish};
use assay_model::{
    health::{Popularity, Scorecard, Ssvc},
    package::PackageId,
    repository::Settings,
    seam::meta::{Change, ScoreTable},
};
use std::collections::BTreeMap;

conformance!(
    the_newest_scorecard_counts,
    catalogues_write_what_differs,
    packages_are_found_by_what_they_are_made_from,
    decision_points_join_the_scores,
    what_is_to_come_is_found_when_it_is_due,
);

fn card(repository: &str, score: f64, date: &str) -> Scorecard {
    let checks = BTreeMap::from([("Code-Review".to_owned(), score)]);
    Scorecard { repository: repository.into(), score, checks, date: date.into() }
}

async fn the_newest_scorecard_counts(world: World) {
    let put = |cards: Vec<Scorecard>| {
        let world = &world;
        async move { world.write(move |tx| tx.put_scorecards(&cards)).await }
    };
    assert_eq!(put(vec![card("g/a", 5.0, "2026-01-02"), card("g/b", 1.0, "2026-01-02")]).await, [Change::New; 2]);
    assert_eq!(put(vec![card("g/a", 6.0, "2026-01-01")]).await, [Change::Unchanged], "an older one");
    assert_eq!(put(vec![card("g/a", 5.0, "2026-01-09")]).await, [Change::Unchanged], "another day alone");
    assert_eq!(put(vec![card("g/a", 7.5, "2026-01-10")]).await, [Change::Changed]);
    let found = world.read(|tx| tx.scorecards(&["g/a".into(), "g/none".into()])).await;
    assert_eq!(found.into_values().collect::<Vec<_>>(), [card("g/a", 7.5, "2026-01-10")]);
    assert_eq!(world.read(|tx| tx.scorecards_after("g/a", 10)).await, [card("g/b", 1.0, "2026-01-02")]);
}

async fn catalogues_write_what_differs(world: World) {
    let one = |kind: &str, name: &str, rank: u32, downloads: Option<u64>| Popularity {
        purl_type: kind.into(),
        name: name.into(),
        rank,
        downloads,
    };
    let first = [one("pypi", "a", 1, Some(9)), one("npm", "a", 1, None), one("pypi", "b", 2, Some(0))];
    assert_eq!(world.write(move |tx| tx.put_popularity(&first)).await, [Change::New; 3]);
    let second = [one("pypi", "a", 1, Some(9)), one("npm", "a", 2, None)];
    assert_eq!(world.write(move |tx| tx.put_popularity(&second)).await, [Change::Unchanged, Change::Changed]);
    world.write(|tx| tx.remove_popularity("pypi", &["a".to_owned()])).await;
    assert_eq!(world.read(|tx| tx.popularity("pypi")).await, [one("pypi", "b", 2, Some(0))]);
    assert_eq!(world.read(|tx| tx.popularity("npm")).await, [one("npm", "a", 2, None)]);
}

async fn packages_are_found_by_what_they_are_made_from(world: World) {
    let (one, two) = world
        .write(|tx| {
            let id = tx.create_repository("r", &Settings::default(), at(0))?.id;
            Ok((publish(tx, id, "one", "1", "a")?, publish(tx, id, "two", "1", "b")?))
        })
        .await;
    let set = |package: PackageId, source: Option<&'static str>| {
        let world = &world;
        async move { world.write(move |tx| tx.set_package_source(package, source)).await }
    };
    set(one, Some("g/a")).await;
    set(two, Some("g/a")).await;
    set(two, Some("g/b")).await;
    assert_eq!(world.read(|tx| tx.packages_from(&["g/a".into()])).await, [one]);
    assert_eq!(world.read(|tx| tx.source_repositories("", 9)).await, ["g/a", "g/b"]);
    assert_eq!(world.read(|tx| tx.source_repositories("g/a", 9)).await, ["g/b"]);
    set(one, None).await;
    let sources = world.read(move |tx| tx.package_sources(&[one, two])).await;
    assert_eq!(sources, BTreeMap::from([(two, "g/b".to_owned())]));
    let format = world.read(move |tx| Ok(tx.packages(&[one])?.pop().map(|p| p.at.format).unwrap_or_default())).await;
    let of = format.clone();
    assert_eq!(world.read(move |tx| tx.names_of_format(&of, "", 9)).await, ["one", "two"]);
    let of = format.clone();
    assert_eq!(world.read(move |tx| tx.packages_called(&of, &["two".into()])).await, [two]);
    world.write(move |tx| tx.delete_package(two)).await;
    assert!(world.read(|tx| tx.packages_from(&["g/b".into()])).await.is_empty());
    assert_eq!(world.read(move |tx| tx.names_of_format(&format, "", 9)).await, ["one"]);
}

async fn decision_points_join_the_scores(world: World) {
    let said = |exploitation: &str, at: &str| Ssvc {
        exploitation: exploitation.into(),
        automatable: "yes".into(),
        technical_impact: "total".into(),
        at: at.into(),
    };
    let put = |said: Ssvc| {
        let world = &world;
        async move { world.write(move |tx| tx.put_ssvc(&[("CVE-1".into(), said.clone())])).await }
    };
    assert_eq!(put(said("poc", "a")).await, [Change::New]);
    assert_eq!(put(said("poc", "b")).await, [Change::Unchanged], "another time alone");
    assert_eq!(put(said("active", "c")).await, [Change::Changed]);
    let scores = world.read(|tx| tx.scores(&["CVE-1".into()])).await;
    assert_eq!(scores.ssvc.get("CVE-1"), Some(&said("active", "c")));
    assert_eq!(world.read(|tx| tx.source_counts()).await, BTreeMap::from([("ssvc".to_owned(), 1)]));
    world.write(|tx| tx.remove_scores(ScoreTable::Ssvc, &["CVE-1".into()], at(9))).await;
    assert!(world.read(|tx| tx.scored(ScoreTable::Ssvc, "", 9)).await.is_empty());
}

async fn what_is_to_come_is_found_when_it_is_due(world: World) {
    let put = |due: Vec<(&'static str, Option<i64>)>| {
        let due: Vec<_> = due.into_iter().map(|(id, due)| ("eol".to_owned(), id.to_owned(), due.map(at))).collect();
        let world = &world;
        async move { world.write(move |tx| tx.put_advisories_due(&due)).await }
    };
    put(vec![("a", Some(20)), ("b", Some(10)), ("c", None)]).await;
    assert_eq!(world.read(|tx| tx.next_advisory_due()).await, Some(at(10)));
    assert_eq!(world.read(|tx| tx.advisories_due(at(10), 9)).await, [("eol".to_owned(), "b".to_owned())]);
    put(vec![("b", None), ("a", Some(30))]).await;
    assert_eq!(world.read(|tx| tx.next_advisory_due()).await, Some(at(30)));
    put(vec![("a", None)]).await;
    assert_eq!(world.read(|tx| tx.next_advisory_due()).await, None);
}
