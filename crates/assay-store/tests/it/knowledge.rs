//! Inventories, components, findings, advisories, severities, scores, feeds.

use crate::world::{World, at, component, conformance, digest, inventory, publish};
use assay_model::{
    Digest,
    advisory::Advisory,
    finding::{Finding, FindingSource, Severity, Status},
    package::Role,
    score::{Epss, Kev, StatedSeverity},
    seam::{
        matcher::StoredAdvisory,
        meta::{BadRecord, Change, FeedState, NewAdvisory, ScoreTable},
    },
};

conformance!(
    an_inventory_is_kept_and_replaced,
    layers_bring_no_components,
    owned_components_are_not_matched,
    components_are_shared_and_found_by_name,
    components_lead_to_packages,
    findings_are_replaced_only_when_they_differ,
    advisories_keep_their_revisions,
    a_withdrawn_advisory_leaves_the_alias_graph,
    advisories_that_are_not_osv_keep_both_forms,
    many_advisories_at_once,
    the_alias_graph_is_followed,
    scores_report_what_differs,
    kev_entries_are_retained,
    feeds_and_bad_records,
);

async fn an_inventory_is_kept_and_replaced(world: World) {
    let flask = component("PyPI", "flask", "1");
    let odd = component("PyPI", "nul\0name", "1");
    let first = inventory("w", Role::File, &[flask.clone(), odd, flask.clone()]);
    let put = first.clone();
    let (ids, new) = world.write(move |tx| tx.put_inventory(&put)).await;
    assert_eq!((ids.len(), new.len()), (2, 2));
    assert_eq!(world.read(|tx| tx.inventory(&digest("w"), Role::File)).await.unwrap(), first);
    assert!(world.read(|tx| tx.inventory(&digest("w"), Role::Image)).await.is_none());
    let second = inventory("w", Role::File, &[flask, component("PyPI", "jinja2", "2")]);
    let (ids, new) = world.write(move |tx| tx.put_inventory(&second)).await;
    assert_eq!((ids.len(), new.len()), (2, 1), "one was known");
    assert_eq!(world.read(|tx| tx.inventories_made()).await, 2);
    let names = world.read(move |tx| tx.components(&ids)).await;
    assert_eq!(names.iter().map(|c| c.component.name.as_str()).collect::<Vec<_>>(), ["flask", "jinja2"]);
    let mut moved = component("PyPI", "flask", "1");
    moved.match_version = "1.0".into();
    let (_, new) = world.write(move |tx| tx.put_inventory(&inventory("w", Role::File, &[moved.clone()]))).await;
    assert_eq!(new.len(), 1, "a component that compares differently is matched again");
}

async fn layers_bring_no_components(world: World) {
    let layer = inventory("layer", Role::Layer, &[component("Debian:12", "bash", "5")]);
    let (ids, new) = world.write(move |tx| tx.put_inventory(&layer)).await;
    assert!(ids.is_empty() && new.is_empty());
    assert_eq!(world.read(|tx| tx.inventories_made()).await, 1);
    assert!(world.read(|tx| tx.components_named(&[("Debian".into(), "bash".into())])).await.is_empty());
}

async fn owned_components_are_not_matched(world: World) {
    let mut found =
        inventory("i", Role::Image, &[component("Debian:12", "python3", "3"), component("PyPI", "six", "1")]);
    found.inventory.components[1].owned_by = Some("pkg:deb/debian/python3-six@1".into());
    let put = found.clone();
    let (ids, _) = world.write(move |tx| tx.put_inventory(&put)).await;
    let own = world.read(move |tx| tx.components(&ids)).await;
    assert_eq!(own.iter().map(|c| c.component.name.as_str()).collect::<Vec<_>>(), ["python3"]);
    let kept = world.read(|tx| tx.inventory(&digest("i"), Role::Image)).await.unwrap();
    assert_eq!(kept, found, "the inventory names it all the same");
}

async fn components_are_shared_and_found_by_name(world: World) {
    let all = [
        component("Debian:12", "openssl", "3"),
        component("Debian", "openssl", "2"),
        component("Debianish:1", "openssl", "1"),
        component("PyPI", "openssl", "4"),
    ];
    world.write(move |tx| tx.put_inventory(&inventory("i", Role::Image, &all))).await;
    let named = |ecosystem: &'static str| {
        let world = &world;
        async move {
            let keys = [(ecosystem.to_owned(), "openssl".to_owned()), (ecosystem.to_owned(), "nul\0".to_owned())];
            let found = world.read(move |tx| tx.components_named(&keys)).await;
            let mut versions: Vec<_> = found.into_iter().map(|c| c.component.version).collect();
            versions.sort();
            versions
        }
    };
    assert_eq!(named("Debian").await, ["2", "3"], "and every release, and nothing else");
    assert_eq!(named("Debian:12").await, ["3"]);
    assert_eq!(named("PyPI").await, ["4"]);
    assert!(named("Debian:11").await.is_empty());
}

async fn components_lead_to_packages(world: World) {
    let r = world.repository("main").await.id;
    let (a, b, gone) = world
        .write(move |tx| {
            Ok((publish(tx, r, "p", "1", "w")?, publish(tx, r, "q", "1", "w")?, publish(tx, r, "gone", "1", "w")?))
        })
        .await;
    let (ids, _) = world
        .write(move |tx| {
            tx.delete_package(gone)?;
            // the same bytes looked into as something else are another inventory
            tx.put_inventory(&inventory("w", Role::Image, &[component("PyPI", "other", "1")]))?;
            tx.put_inventory(&inventory("w", Role::File, &[component("PyPI", "flask", "1")]))
        })
        .await;
    let found = ids.clone();
    assert_eq!(world.read(move |tx| tx.packages_with(&found)).await, [a, b]);
    let of = world.read(move |tx| tx.components_of(&[b, a])).await;
    assert_eq!(of.keys().copied().collect::<Vec<_>>(), [a, b]);
    assert_eq!(of[&a].iter().map(|c| c.id).collect::<Vec<_>>(), ids);
    world.write(move |tx| tx.put_inventory(&inventory("w", Role::File, &[]))).await;
    assert!(world.read(move |tx| tx.packages_with(&ids)).await.is_empty(), "no longer in there");
}

fn finding(id: &str, aliases: &[&str]) -> Finding {
    Finding {
        id: id.into(),
        aliases: aliases.iter().map(|&a| a.to_owned()).collect(),
        sources: vec![FindingSource { advisory: id.into(), revision: "r".into() }],
        title: "t".into(),
        severity: Severity::High,
        cvss: [("NVD".to_owned(), assay_model::finding::Cvss { v3_score: Some(9.8), ..Default::default() })].into(),
        status: Status::Fixed,
        fixed_versions: vec!["2".into()],
        nearest_fixed: Some("2".into()),
        vulnerable_ranges: vec![">=0 <2".into()],
        published: None,
        ..Finding::default()
    }
}

async fn findings_are_replaced_only_when_they_differ(world: World) {
    let (ids, _) =
        world.write(|tx| tx.put_inventory(&inventory("w", Role::File, &[component("PyPI", "flask", "1")]))).await;
    let c = ids[0];
    let two = || [finding("CVE-2", &["GHSA-2"]), finding("CVE-1", &[])];
    assert!(world.write(move |tx| tx.set_findings(c, &two(), at(5))).await);
    assert!(!world.write(move |tx| tx.set_findings(c, &two(), at(5))).await, "the same again");
    let found = world.read(move |tx| tx.findings_of(&[c])).await;
    assert_eq!(found.iter().map(|f| &f.finding).collect::<Vec<_>>(), [&two()[1], &two()[0]], "by id");
    let by = |id: &'static str| world.read(move |tx| tx.components_with_ids(&[id.to_owned(), "none".to_owned()]));
    assert_eq!(by("GHSA-2").await, [c]);
    assert!(world.write(move |tx| tx.set_findings(c, &[finding("CVE-1", &[])], at(5))).await);
    assert!(by("GHSA-2").await.is_empty());
    assert_eq!(by("CVE-1").await, [c]);
    assert!(world.write(move |tx| tx.set_findings(c, &[], at(5))).await);
    assert!(!world.write(move |tx| tx.set_findings(c, &[], at(5))).await);
}

fn advisory(id: &str, modified: &str, aliases: &[&str], withdrawn: bool) -> NewAdvisory {
    let advisory = Advisory {
        id: id.into(),
        modified: modified.into(),
        aliases: aliases.iter().map(|&a| a.to_owned()).collect(),
        withdrawn: withdrawn.then(|| modified.to_owned()),
        rest: serde_json::from_value(serde_json::json!({"schema_version": "1.7.0"})).unwrap(),
        ..Advisory::default()
    };
    let bytes = serde_json::to_vec_pretty(&advisory).unwrap();
    let revision = Digest::of(&bytes).to_string();
    let stated = StatedSeverity { id: id.into(), advisory: id.into(), kind: "word".into(), vector: "HIGH".into() };
    NewAdvisory {
        stored: StoredAdvisory { advisory, source: "osv".into(), revision },
        bytes,
        keys: if withdrawn { vec![] } else { vec![("PyPI".into(), "flask".into())] },
        stated: if withdrawn { vec![] } else { vec![stated] },
    }
}

async fn advisories_keep_their_revisions(world: World) {
    let (one, two) = (advisory("A-1", "1", &["CVE-1"], false), advisory("A-1", "2", &["CVE-1"], false));
    let both = [one.clone(), advisory("A-2", "1", &[], false), one.clone(), two.clone()];
    let done = world.write(move |tx| tx.put_advisories(&both, at(1))).await;
    let changes: Vec<_> = done.iter().map(|(c, _)| *c).collect();
    assert_eq!(changes, [Change::New, Change::New, Change::Unchanged, Change::Changed], "also within one call");
    assert!(done[0].1.is_empty());
    assert_eq!(done[3].1, [("PyPI".to_owned(), "flask".to_owned())], "keys of the revision before");
    let (filed, by_id, revisions, counts) = world
        .read(|tx| {
            Ok((
                tx.advisories_filed(&[("PyPI".into(), "flask".into()), ("PyPI".into(), "none".into())])?,
                tx.advisories(&["A-1".into()])?,
                tx.advisory_revisions("osv", &["A-1".into(), "A-9".into()])?,
                tx.advisory_counts()?,
            ))
        })
        .await;
    assert_eq!(filed.iter().map(|a| a.advisory.id.as_str()).collect::<Vec<_>>(), ["A-1", "A-2"]);
    assert_eq!((&by_id[0].advisory, &by_id[0].revision), (&two.stored.advisory, &two.stored.revision));
    assert_eq!(revisions, [("A-1".to_owned(), two.stored.revision.clone())].into());
    assert_eq!(counts, [("osv".to_owned(), 2)].into());
    // back to the first text: a change like any other
    let done = world.write(move |tx| tx.put_advisories(std::slice::from_ref(&one), at(2))).await;
    assert_eq!(done[0].0, Change::Changed);
}

async fn a_withdrawn_advisory_leaves_the_alias_graph(world: World) {
    let known = || ["CVE-1".to_owned()];
    world.write(|tx| tx.put_advisories(&[advisory("A-1", "1", &["CVE-1"], false)], at(1))).await;
    let pair = ("A-1".to_owned(), "CVE-1".to_owned());
    assert_eq!(world.read(move |tx| tx.aliases_of(&known())).await, [pair]);
    let done = world.write(|tx| tx.put_advisories(&[advisory("A-1", "2", &["CVE-1"], true)], at(1))).await;
    assert_eq!(done, [(Change::Withdrawn, vec![("PyPI".to_owned(), "flask".to_owned())])]);
    let left = world
        .read(move |tx| {
            let filed = tx.advisories_filed(&[("PyPI".into(), "flask".into())])?;
            Ok((
                tx.aliases_of(&known())?,
                filed.len(),
                tx.stated_for(&["A-1".into()])?,
                tx.advisories(&["A-1".into()])?,
            ))
        })
        .await;
    assert!(left.0.is_empty() && left.1 == 0 && left.2.is_empty());
    assert!(left.3[0].advisory.withdrawn.is_some(), "still there to be read");
    let done = world.write(|tx| tx.put_advisories(&[advisory("A-1", "3", &["CVE-1"], false)], at(1))).await;
    assert_eq!(done, [(Change::Changed, vec![])]);
    let unseen = world.write(|tx| tx.put_advisories(&[advisory("A-7", "1", &[], true)], at(1))).await;
    assert_eq!(unseen[0].0, Change::New);
}

async fn advisories_that_are_not_osv_keep_both_forms(world: World) {
    let mut foreign = advisory("ALPINE-1", "1", &[], false);
    foreign.bytes = b"{\"pkg\": {\"name\": \"busybox\"}}".to_vec();
    let expected = foreign.stored.advisory.clone();
    world.write(move |tx| tx.put_advisories(std::slice::from_ref(&foreign), at(1))).await;
    assert_eq!(world.read(|tx| tx.advisories(&["ALPINE-1".into()])).await[0].advisory, expected);
}

async fn many_advisories_at_once(world: World) {
    let make = |modified: &str| -> Vec<NewAdvisory> {
        (0..3000).map(|i| advisory(&format!("A-{i}"), modified, &[&format!("CVE-{i}")], false)).collect()
    };
    let first = make("1");
    let done = world.write(move |tx| tx.put_advisories(&first, at(1))).await;
    assert!(done.iter().all(|(c, _)| *c == Change::New));
    let mut mixed = make("1");
    mixed[77] = advisory("A-77", "2", &["CVE-77"], false);
    let done = world.write(move |tx| tx.put_advisories(&mixed, at(2))).await;
    let changed: Vec<_> = done.iter().enumerate().filter(|(_, (c, _))| *c == Change::Changed).map(|(i, _)| i).collect();
    assert_eq!(changed, [77]);
    let filed = world.read(|tx| tx.advisories_filed(&[("PyPI".into(), "flask".into())])).await;
    assert_eq!(filed.len(), 3000);
    assert!(filed.is_sorted_by_key(|a| a.advisory.id.clone()));
}

async fn the_alias_graph_is_followed(world: World) {
    let mut distribution = advisory("DSA-1", "1", &[], false);
    distribution.stored.advisory.upstream = vec!["CVE-3".into()];
    let chain = vec![
        advisory("GHSA-1", "1", &["CVE-1"], false),
        advisory("PYSEC-1", "1", &["CVE-1", "CVE-3"], false),
        distribution,
        advisory("X-1", "1", &["X-2"], false),
    ];
    world.write(move |tx| tx.put_advisories(&chain, at(1))).await;
    let pairs = world.read(|tx| tx.aliases_of(&["GHSA-1".into()])).await;
    let shown: Vec<_> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
    assert_eq!(shown, ["DSA-1=CVE-3", "GHSA-1=CVE-1", "PYSEC-1=CVE-1", "PYSEC-1=CVE-3"]);
    assert!(world.read(|tx| tx.aliases_of(&[])).await.is_empty());
    let stated = world.read(|tx| tx.stated_for(&["X-1".into(), "GHSA-1".into(), "none".into()])).await;
    assert_eq!(stated.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["GHSA-1", "X-1"]);
}

async fn scores_report_what_differs(world: World) {
    let day = |date: &str, scores: &[(&str, f64)]| -> Vec<Epss> {
        let score = |(cve, score): &(&str, f64)| Epss {
            cve: (*cve).into(),
            score: *score,
            percentile: score / 2.0,
            date: date.into(),
        };
        scores.iter().map(score).collect()
    };
    let first = day("2026-01-01", &[("CVE-1", 0.1), ("CVE-2", 1.0)]);
    assert_eq!(world.write(move |tx| tx.put_epss(&first)).await, [Change::New, Change::New]);
    let second = day("2026-01-02", &[("CVE-1", 0.1), ("CVE-2", 0.123_456_789), ("CVE-3", 0.0), ("CVE-3", 0.0)]);
    let changes = world.write(move |tx| tx.put_epss(&second)).await;
    assert_eq!(changes, [Change::Unchanged, Change::Changed, Change::New, Change::Unchanged]);
    let scores = world.read(|tx| tx.scores(&["CVE-1".into(), "CVE-2".into(), "CVE-9".into()])).await;
    assert_eq!(scores.epss.len(), 2);
    assert_eq!((scores.epss["CVE-2"].score, scores.epss["CVE-2"].date.as_str()), (0.123_456_789, "2026-01-02"));
    let many: Vec<_> = (0..20_000).map(|i| format!("CVE-{i}")).collect();
    let today: Vec<Epss> = many.iter().flat_map(|cve| day("2026-01-03", &[(cve, 0.5)])).collect();
    let tomorrow = today.clone();
    world.write(move |tx| tx.put_epss(&today)).await;
    let changes = world.write(move |tx| tx.put_epss(&tomorrow)).await;
    assert!(changes.iter().all(|c| *c == Change::Unchanged));
}

async fn kev_entries_are_retained(world: World) {
    let entry = |cve: &str, ransomware: bool| Kev {
        cve: cve.into(),
        date_added: "2026-01-01".into(),
        due_date: "2026-02-01".into(),
        ransomware,
        name: "n".into(),
    };
    let first = [entry("CVE-1", false), entry("CVE-2", true)];
    assert_eq!(world.write(move |tx| tx.put_kev(&first, at(5))).await, [Change::New, Change::New]);
    let second = [entry("CVE-1", true), entry("CVE-2", true)];
    assert_eq!(world.write(move |tx| tx.put_kev(&second, at(6))).await, [Change::Changed, Change::Unchanged]);
    assert_eq!(world.read(|tx| tx.scored(ScoreTable::Kev, "", 10)).await, ["CVE-1", "CVE-2"]);
    assert_eq!(world.read(|tx| tx.scored(ScoreTable::Kev, "CVE-1", 10)).await, ["CVE-2"]);
    world.write(|tx| tx.remove_scores(ScoreTable::Kev, &["CVE-1".to_owned()], at(7))).await;
    let scores = world.read(|tx| tx.scores(&["CVE-1".into(), "CVE-2".into()])).await;
    assert_eq!(scores.kev.into_values().collect::<Vec<_>>(), [entry("CVE-2", true)]);
}

async fn feeds_and_bad_records(world: World) {
    let state = FeedState {
        feed: "osv/PyPI".into(),
        cursor: "c".into(),
        synced_at: Some(at(1)),
        error: Some("no route".into()),
        attempted_at: Some(at(2)),
        next_at: Some(at(3)),
        failures: 2,
        stale: true,
    };
    let kept = state.clone();
    world.write(move |tx| tx.put_feed_state(&kept)).await;
    assert_eq!(world.read(|tx| tx.feed_states()).await, std::slice::from_ref(&state));
    let healed = FeedState { error: None, ..state };
    let kept = healed.clone();
    world.write(move |tx| tx.put_feed_state(&kept)).await;
    assert_eq!(world.read(|tx| tx.feed_states()).await, [healed]);
    let bad = |name: &str, seconds| BadRecord {
        source: "osv".into(),
        name: name.into(),
        reason: "no id".into(),
        excerpt: "\0ü".repeat(50_000),
        at: at(seconds),
    };
    world.write(move |tx| tx.put_bad_records(&[bad("a", 1), bad("b", 2), bad("a", 3)])).await;
    let records = world.read(|tx| tx.bad_records(9)).await;
    assert_eq!(records.iter().map(|r| (r.name.as_str(), r.at)).collect::<Vec<_>>(), [("a", at(3)), ("b", at(2))]);
    assert!(records[0].excerpt.len() <= 64 * 1024);
    assert_eq!(world.read(|tx| tx.last_import()).await, 0);
    assert_eq!(world.write(|tx| Ok((tx.next_import()?, tx.next_import()?))).await, (1, 2));
    assert_eq!(world.read(|tx| tx.last_import()).await, 2);
}
