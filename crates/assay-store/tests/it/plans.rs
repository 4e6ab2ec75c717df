//! Query plans: the statements of the pull path and of the change flow never walk through a whole table.

use crate::upstreams::{document, new_upstream};
use crate::world::{at, component, digest, event, inventory, new_file, publish};
use assay_model::{
    Problem,
    channel::{ChannelKind, ChannelSettings},
    component::ComponentId,
    decision::DecisionId,
    keeping::Discard,
    package::{FileId, PackageId, Role, State},
    renewal::{Mark, Which},
    repository::{RepositoryId, Settings},
    seam::meta::{
        DecisionFilter, DeliveryFilter, DocumentKey, EventFilter, Gathered, NewChannel, PackageFilter, Pulled,
        TrashFilter, Tx,
    },
    work::{Due, Lane, NewJob, Stage},
};
use assay_store::{
    meta::Session,
    sql::{Dialect, Row, Sql, Value, sqlite::SqliteSql},
};
use rusqlite::Connection;

/// Passes statements on, and looks at their plans first.
struct Watching<'a> {
    connection: &'a Connection,
    seen: usize,
    walks: Vec<String>,
}

impl Watching<'_> {
    fn look(&mut self, sql: &str) {
        self.seen += 1;
        let explain = format!("EXPLAIN QUERY PLAN {}", Dialect::Sqlite.translate(sql));
        let mut statement = self.connection.prepare(&explain).unwrap();
        let unbound = rusqlite::params_from_iter((0..statement.parameter_count()).map(|_| rusqlite::types::Null));
        let steps = statement.query_map(unbound, |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            // a list parameter, the picked jobs, a multi-row VALUES, and the last entry of an index are not tables; of scanners
            // there is one for each version that ever ran; there are few channels, few deliveries that one look picks, and
            // few jobs that were given up
            let tables = ["event", "scanner", "channel", "gathering", "waiting", "sending"];
            let small =
                step.strip_prefix("SCAN ").is_some_and(|of| tables.contains(&of.split(' ').next().unwrap_or(of)));
            let fine =
                small || ["VIRTUAL TABLE", "picked", "CONSTANT ROW", "INDEX job_dead"].iter().any(|f| step.contains(f));
            if step.starts_with("SCAN") && !fine {
                self.walks.push(format!("{step}: {sql}"));
            }
        }
    }
}

impl Sql for Watching<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, Problem> {
        self.look(sql);
        SqliteSql(self.connection).execute(sql, params)
    }
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Problem> {
        self.look(sql);
        SqliteSql(self.connection).query(sql, params)
    }
}

fn publish_and_pull(tx: &mut dyn Tx) -> Result<(), Problem> {
    let r = tx.create_repository("main", &Settings::default(), at(0))?.id;
    tx.repository("main")?;
    let p = publish(tx, r, "p", "1", "x")?;
    tx.put_files(p, &[new_file("p-1.whl", "x")], at(1))?;
    tx.set_reference(r, "pypi", "p", "latest", p, at(1))?;
    tx.packages(&[p])?;
    tx.packages_named(r, "pypi", "p", None)?;
    tx.packages_named(r, "pypi", "p", Some("1"))?;
    tx.package_names(r, "pypi", None, 10)?;
    tx.file_at(r, "pypi", "p", "p-1.whl")?;
    tx.file(FileId(1))?;
    tx.files_of(&[p])?;
    tx.files_with_digest(r, "pypi", "p", &digest("x"))?;
    tx.references(r, "pypi", "p")?;
    tx.references_to(&[p])?;
    tx.staged_blob(r, "pypi", "p", &digest("x"))?;
    tx.blob_size(&digest("x"))?;
    tx.note_alias(&digest("y"), &digest("x"))?;
    tx.alias(&digest("y"))?;
    tx.holders("pypi", &digest("x"), 9)?;
    tx.set_standing(p, State::Available, &Default::default(), Some(&DecisionId("d".into())), Some(None))?;
    tx.list_packages(&PackageFilter { repositories: Some(vec![r]), limit: 9, ..PackageFilter::default() })?;
    tx.list_packages(&PackageFilter { state: Some(State::Quarantined), limit: 9, ..PackageFilter::default() })?;
    tx.job_counts(at(0))?;
    tx.end_stages(at(0), 9)?;
    tx.walk_blobs(None, at(0), 9)?;
    tx.bury(&[digest("x")], at(0), "w", at(9))?;
    tx.bury_unnamed(&[(digest("y"), 1)], "w", at(9))?;
    tx.take_graves("v", Some(at(0)), at(9), 9)?;
    tx.close_graves(&[digest("y")], "w")?;
    tx.ground(&digest("x"))?;
    tx.usage(r)?;
    tx.downloads_of(&[p])?;
    tx.downloads_by_file(p)?;
    tx.download_days(p, 0)?;
    tx.download_days_of(&[p], 0)?;
    let pulled = Pulled { package: p, file: FileId(1), day: 1, who: "ci".into(), count: 1, last: at(0) };
    tx.add_downloads(&[pulled])?;
    tx.forget_download_days(0, 9)?;
    tx.set_evidence(p, &[crate::trust::about("1", None, "a")])?;
    tx.set_parts(p, &["2".into()])?;
    tx.evidence_about(&[p], 9)?;
    tx.evidence_held(&[p])?;
    tx.walk_evidence(0, 9)?;
    tx.note_requester(p, "ci")?;
    tx.requesters(&[p])?;
    tx.set_evidence(p, &[])?;
    tx.set_parts(p, &[])?;
    let how = Discard { at: at(2), by: "ann".into(), cause: "deleted".into(), purge_at: at(9) };
    tx.discard(p, &how)?;
    tx.trashed(p)?;
    tx.trash(&TrashFilter { repositories: Some(vec![r]), limit: 9, ..TrashFilter::default() })?;
    tx.trash(&TrashFilter { due: Some(at(0)), limit: 9, ..TrashFilter::default() })?;
    tx.restore(p, at(3))?;
    tx.discard(p, &how)?;
    tx.purge(p)?;
    tx.delete_package(p)
}

fn change(tx: &mut dyn Tx) -> Result<(), Problem> {
    let (p, c) = (PackageId(1), ComponentId(1));
    tx.put_inventory(&inventory("x", Role::File, &[component("PyPI", "flask", "1")]))?;
    tx.inventory(&digest("x"), Role::File)?;
    tx.refile_inventory(&inventory("x", Role::File, &[component("PyPI", "flask", "1")]))?;
    tx.stale_scanners(1)?;
    tx.looks(&Which::AsOf(1, 9))?;
    tx.looks(&Which::Of(digest("x"), Role::File))?;
    tx.outlined(1)?;
    tx.mark_looks(&[1], Mark::Renew(1))?;
    tx.mark_looks(&[1], Mark::Holds(1))?;
    tx.count_looks(&[0, 1])?;
    tx.components(&[c])?;
    tx.components_named(&[("PyPI".into(), "flask".into())])?;
    tx.components_of(&[p])?;
    tx.packages_with(&[c])?;
    tx.packages_with_digest(&digest("x"))?;
    tx.package_ids(None, 9)?;
    tx.set_findings(c, &[], at(5))?;
    tx.findings_of(&[c])?;
    tx.components_with_ids(&["CVE-1".into()])?;
    tx.advisory_revisions("osv", &["A".into()])?;
    tx.advisories_filed(&[("PyPI".into(), "flask".into())])?;
    tx.advisories(&["A".into()])?;
    tx.aliases_of(&["CVE-1".into()])?;
    tx.stated_for(&["CVE-1".into()])?;
    tx.scores(&["CVE-1".into()])?;
    tx.dated_findings(&[c], at(0))?;
    tx.past_scores(&["CVE-1".into()])?;
    tx.remembers_since()?;
    tx.forget_past(at(0))?;
    tx.kept_report("x")?;
    tx.decisions_of(p, 9)?;
    tx.decided_states(&[p])?;
    tx.decision(&DecisionId("d".into()))?;
    let d = crate::record::decision("d", p, 1, "i", &["policy"]);
    tx.keep_input(&crate::record::input("i"))?;
    tx.append_decision(&d)?;
    tx.inputs(&["i".into()])?;
    tx.forget_inputs(at(9), 9)?;
    tx.logged_decision(&d.id)?;
    tx.decision_in_force(p, at(9))?;
    let page = || DecisionFilter { before: Some(d.id.clone()), newest_first: true, limit: 9, ..Default::default() };
    tx.logged_decisions(&page())?;
    tx.logged_decisions(&DecisionFilter { said: true, ..page() })?;
    tx.logged_decisions(&DecisionFilter { said_by: Some("policy".into()), ..page() })?;
    tx.logged_decisions(&DecisionFilter { packages: Some(vec![p]), ..page() })?;
    tx.logged_decisions(&DecisionFilter { repositories: Some(vec![RepositoryId(1)]), ..page() })?;
    let job =
        NewJob { lane: Lane::Change, stage: Stage::Decide, key: 1, cause: String::new(), due: Due::at_once(at(0)) };
    tx.enqueue(&[job])?;
    tx.has_due(Lane::Change, at(0))?;
    let id = tx.claim(Lane::Change, "w", at(0), at(9), 9)?[0].id;
    tx.fail(id, "no", Some(Due::appointed(at(1))))?;
    tx.finish(&[id])?;
    tx.append_event(&event("p", serde_json::json!({})))?;
    tx.last_event()?;
    tx.events(&EventFilter { after: 3, limit: 9, subject: Some("p".into()), newest_first: true })?;
    Ok(())
}

fn tell(tx: &mut dyn Tx) -> Result<(), Problem> {
    let settings = ChannelSettings::default();
    let (name, kind, by) = ("c".to_owned(), ChannelKind::Webhook, "ann".to_owned());
    let channel = tx.add_channel(&NewChannel { name, kind, settings, cursor: 0, by, at: at(0) })?.id;
    let gathered = Gathered { topic: "t".into(), seqs: vec![1], due: at(0), longest: Some(60), at: at(0) };
    tx.gather(channel, &gathered)?;
    tx.gather(channel, &gathered)?;
    tx.deliveries(&DeliveryFilter { due: Some(at(9)), limit: 1, ..DeliveryFilter::default() })?;
    let claimed = tx.claim_deliveries("w", at(9), at(39), 4)?;
    tx.put_delivery(&claimed[0])?;
    tx.delivery_events(&claimed[0].id, 9)?;
    tx.deliveries(&DeliveryFilter { channel: Some(channel), limit: 9, ..DeliveryFilter::default() })?;
    tx.forget_deliveries(at(9), 9).map(drop)
}

fn take_from_upstreams(tx: &mut dyn Tx) -> Result<(), Problem> {
    let r = tx.create_repository("taking", &Settings::default(), at(0))?.id;
    let id = tx.add_upstream(&new_upstream(r, "one", 1))?.id;
    let key = DocumentKey { upstream: id, address: "simple/x/", accept: "" };
    tx.upstreams(r)?;
    tx.upstream(r, "one")?;
    tx.upstream_by_id(id)?;
    tx.update_upstream(id, 2, &Default::default())?;
    tx.put_upstream_secrets(id, b"x")?;
    tx.upstream_secrets(id)?;
    tx.put_remote_document(&key, &document("x", 1))?;
    tx.remote_document(&key)?;
    tx.touch_remote_document(&key, at(2))?;
    tx.forget_remote_documents(id)?;
    tx.pin(id, "x", "x-1.whl", &digest("x"), at(1))?;
    tx.pinned(id, "x", "x-1.whl")?;
    tx.unpin(id, "x", "x-1.whl")?;
    tx.delete_upstream(id)?;
    Ok(())
}

#[tokio::test]
async fn no_statement_walks_through_a_table() {
    let world = crate::world::sqlite().await;
    let connection = Connection::open(world.address.strip_prefix("sqlite:").unwrap()).unwrap();
    let mut watching = Watching { connection: &connection, seen: 0, walks: Vec::new() };
    let mut session = Session::new(&mut watching);
    publish_and_pull(&mut session).unwrap();
    change(&mut session).unwrap();
    take_from_upstreams(&mut session).unwrap();
    tell(&mut session).unwrap();
    session.finish().unwrap();
    assert!(watching.seen > 50);
    assert!(watching.walks.is_empty(), "{:#?}", watching.walks);
    // the watch itself works
    watching.look("SELECT id FROM package WHERE uploader = 'ann'");
    assert_eq!(watching.walks.len(), 1);
}
