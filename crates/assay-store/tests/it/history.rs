//! What facts were before they changed: written only when something changes, and never for what nothing stored has.

use crate::world::{World, at, component, conformance, inventory};
use assay_model::{
    component::ComponentId,
    finding::{Finding, Severity},
    package::Role,
    score::{Epss, Kev},
    seam::meta::{KeptReport, ScoreTable},
};

conformance! {
    findings_that_change_or_go_are_remembered,
    scores_are_remembered_only_of_what_is_found,
    reports_are_kept_for_a_while,
}

fn finding(id: &str, title: &str) -> Finding {
    Finding { id: id.into(), title: title.into(), severity: Severity::High, ..Finding::default() }
}

async fn stored(world: &World) -> ComponentId {
    let (ids, _) =
        world.write(|tx| tx.put_inventory(&inventory("w", Role::File, &[component("PyPI", "flask", "1")]))).await;
    ids[0]
}

async fn findings_that_change_or_go_are_remembered(world: World) {
    let c = stored(&world).await;
    let both = || [finding("CVE-1", "a"), finding("CVE-2", "a")];
    world.write(move |tx| tx.set_findings(c, &both(), at(10))).await;
    world.write(move |tx| tx.set_findings(c, &both(), at(20))).await;
    world.write(move |tx| tx.set_findings(c, &[finding("CVE-1", "a"), finding("CVE-2", "b")], at(30))).await;
    world.write(move |tx| tx.set_findings(c, &[finding("CVE-2", "b")], at(40))).await;
    let dated = world.read(move |tx| tx.dated_findings(&[c], at(0))).await;
    let told: Vec<_> =
        dated.iter().map(|d| (d.finding.id.as_str(), d.finding.title.as_str(), d.since, d.until)).collect();
    assert_eq!(
        told,
        [
            ("CVE-2", "b", Some(at(30)), None),
            ("CVE-1", "a", Some(at(10)), Some(at(40))),
            ("CVE-2", "a", Some(at(10)), Some(at(30))),
        ],
        "the second time nothing changed"
    );
    assert_eq!(world.read(move |tx| tx.dated_findings(&[c], at(35))).await.len(), 2, "what ended before is left out");
    assert_eq!(world.write(|tx| tx.forget_past(at(35))).await, 1);
    assert_eq!(world.read(move |tx| tx.dated_findings(&[c], at(0))).await.len(), 2);
    assert!(world.read(|tx| tx.remembers_since()).await.is_some());
}

async fn scores_are_remembered_only_of_what_is_found(world: World) {
    let c = stored(&world).await;
    world.write(move |tx| tx.set_findings(c, &[finding("CVE-1", "a")], at(10))).await;
    let day = |date: &str, score: f64| -> Vec<Epss> {
        let of = |cve: &str| Epss { cve: cve.into(), score, percentile: score, date: date.into() };
        vec![of("CVE-1"), of("CVE-9")]
    };
    for (date, score) in [("2026-01-01", 0.1), ("2026-01-02", 0.1), ("2026-01-03", 0.5), ("2026-01-04", 0.7)] {
        let scores = day(date, score);
        world.write(move |tx| tx.put_epss(&scores)).await;
    }
    let kev = |cve: &str, ransomware| Kev {
        cve: cve.into(),
        date_added: "2026-01-02".into(),
        due_date: "2026-02-02".into(),
        ransomware,
        name: "n".into(),
    };
    let first = [kev("CVE-1", false), kev("CVE-9", false)];
    world.write(move |tx| tx.put_kev(&first, at(1))).await;
    let second = [kev("CVE-1", true), kev("CVE-9", true)];
    world.write(move |tx| tx.put_kev(&second, at(2))).await;
    world.write(move |tx| tx.remove_scores(ScoreTable::Kev, &["CVE-1".to_owned(), "CVE-9".to_owned()], at(3))).await;
    let past = world.read(|tx| tx.past_scores(&["CVE-1".into(), "CVE-9".into()])).await;
    let epss: Vec<_> = past.epss.iter().map(|e| (e.cve.as_str(), e.date.as_str(), e.score)).collect();
    assert_eq!(epss, [("CVE-1", "2026-01-01", 0.1), ("CVE-1", "2026-01-03", 0.5)]);
    let kev: Vec<_> = past.kev.iter().map(|k| (k.entry.cve.as_str(), k.entry.ransomware, k.until)).collect();
    assert_eq!(kev, [("CVE-1", false, at(2)), ("CVE-1", true, at(3))]);
}

async fn reports_are_kept_for_a_while(world: World) {
    let report = |n: i64| KeptReport {
        id: format!("r{n}"),
        kind: "simulation".into(),
        at: at(n),
        author: "ann".into(),
        title: "t".into(),
        document: serde_json::json!({"n": n}),
    };
    for n in 1..=5 {
        let one = report(n);
        world.write(move |tx| tx.keep_report(&one)).await;
    }
    assert_eq!(world.write(|tx| tx.forget_reports(at(2), 3)).await, 2);
    let left: Vec<String> = world.read(|tx| tx.kept_reports(9)).await.into_iter().map(|r| r.id).collect();
    assert_eq!(left, ["r5", "r4", "r3"]);
    assert_eq!(world.read(|tx| tx.kept_report("r4")).await, Some(report(4)));
    assert_eq!(world.read(|tx| tx.kept_report("r1")).await, None);
}
