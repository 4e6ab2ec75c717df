//! The query language on both databases: every term, alone and combined.

use crate::world::{World, at, component, conformance, inventory, publish};
use assay_model::{
    component::ComponentId,
    finding::{Finding, FindingSource, Severity},
    package::{Role, State},
    query::Query,
    repository::RepositoryId,
    seam::meta::{PackageFilter, Tx},
};
use std::collections::BTreeSet;

conformance!(every_term_finds_what_it_says, queries_combine, what_is_odd_is_text);

fn finding(id: &str, severity: Severity) -> Finding {
    Finding {
        id: id.into(),
        sources: vec![FindingSource { advisory: id.into(), revision: "r".into() }],
        severity,
        ..Finding::default()
    }
}

/// `lodash` with a critical finding and an MIT licence, `Flask_app` quarantined and tagged, `plain` with nothing.
async fn filled(world: &World) -> RepositoryId {
    let r = world.repository("main").await.id;
    world
        .write(move |tx| {
            let lodash = publish(tx, r, "lodash", "4.17.4", "l")?;
            publish(tx, r, "plain", "1.0", "p")?;
            let flask = publish(tx, r, "Flask_app", "2.0", "f")?;
            let (ids, _) = tx.put_inventory(&inventory("l", Role::File, &[component("PyPI", "lodash", "4.17.4")]))?;
            tx.put_inventory(&inventory("f", Role::File, &[component("PyPI", "jinja2", "2.10")]))?;
            let id: ComponentId = ids[0];
            tx.set_findings(id, &[finding("CVE-2019-10744", Severity::Critical)], at(5))?;
            let tags: BTreeSet<String> = ["Reviewed".to_owned()].into();
            tx.set_standing(flask, State::Quarantined, &tags, None, None)?;
            tx.set_reference(r, "pypi", "lodash", "latest", lodash, at(5))?;
            Ok(())
        })
        .await;
    r
}

fn found(tx: &mut dyn Tx, text: &str) -> Vec<String> {
    let query = Query::parse(text, at(3600)).unwrap();
    let filter = PackageFilter { query, limit: 50, ..PackageFilter::default() };
    let mut names: Vec<String> = tx.list_packages(&filter).unwrap().into_iter().map(|p| p.at.name).collect();
    names.sort();
    names
}

async fn every_term_finds_what_it_says(world: World) {
    filled(&world).await;
    let all = ["Flask_app", "lodash", "plain"].as_slice();
    let cases: Vec<(&'static str, &[&str])> = vec![
        ("", all),
        ("LOD", &["lodash"]),
        ("^lod", &["lodash"]),
        ("ash$", &["lodash"]),
        ("*a_b*", &[]),
        ("flask_a", &["Flask_app"]),
        ("version:4.17.*", &["lodash"]),
        ("version:4.17", &[]),
        ("file:plain-1.0.whl", &["plain"]),
        ("format:pypi", all),
        ("format:npm", &[]),
        ("repository:main", all),
        ("repository:other", &[]),
        ("uploader:ann", all),
        ("origin:\"\"", all),
        ("tag:reviewed", &["Flask_app"]),
        ("tag:rev*", &["Flask_app"]),
        ("tag:latest", &["lodash"]),
        ("state:quarantined", &["Flask_app"]),
        ("component:jinja2", &["Flask_app"]),
        ("component:jin*", &["Flask_app"]),
        ("component:jinja2<2.11", &["Flask_app"]),
        ("component:jinja2<2.9", &[]),
        ("component:lodash>=4.17.4", &["lodash"]),
        ("license:mit", &["Flask_app", "lodash"]),
        ("license:GPL*", &[]),
        ("vulnerability:cve-2019-10744", &["lodash"]),
        ("severity:high", &["lodash"]),
        ("vulnerabilities:>0", &["lodash"]),
        ("vulnerabilities:0", &["Flask_app", "plain"]),
        ("size:<10", all),
        ("size:>1kB", &[]),
        ("uploaded:>2020-01-01", all),
        ("uploaded:<2020-01-01", &[]),
        ("checksum:50e721e49c013f00c62cf59f2163542a9d8df02464efeb615d31051b0fddc326", &[]),
    ];
    for (text, expected) in cases {
        let names = world.read(move |tx| Ok(found(tx, text))).await;
        assert_eq!(names, expected, "{text}");
    }
}

async fn queries_combine(world: World) {
    filled(&world).await;
    let cases: Vec<(&'static str, &[&str])> = vec![
        ("lodash OR plain", &["lodash", "plain"]),
        ("NOT lodash", &["Flask_app", "plain"]),
        ("license:mit NOT state:quarantined", &["lodash"]),
        ("(lodash OR flask) AND severity:low", &["lodash"]),
        ("~tag:reviewed ~lodash", &["plain"]),
    ];
    for (text, expected) in cases {
        let names = world.read(move |tx| Ok(found(tx, text))).await;
        assert_eq!(names, expected, "{text}");
    }
}

async fn what_is_odd_is_text(world: World) {
    filled(&world).await;
    for text in ["\"' OR 1=1 --\"", "name:\"%\"", "tag:\"\\\\\"", "checksum:\"%_\\\\\""] {
        let names = world.read(move |tx| Ok(found(tx, text))).await;
        assert!(names.is_empty(), "{text}: {names:?}");
    }
}
