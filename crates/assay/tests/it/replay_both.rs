//! Decisions come out again on either database, after a life of imports, waivers, VEX and edits of policies; what somebody
//! altered behind the server's back is an error.

use crate::{
    clock::{ME, World},
    cluster::Services,
    support::{options, package, publish, python_advisory, settled},
};
use anyhow::{Context, Result};
use assay_engine::{PolicyDraft, ReplayScope};
use assay_model::{
    Problem,
    package::{Coordinates, NewPackage},
    seam::meta,
    work::{Due, Lane, NewJob, Stage},
};
use assay_testkit::{
    Run, TestServer,
    make::{
        feeds::{epss_csv_gz, osv_zip},
        wheel::Wheel,
    },
    tool,
};
use serde_json::{Value, json};
use std::time::Instant;

/// What is likelier than so to be exploited is refused.
const LIKELY: &str = "package assay\n\nmatch if count(reason) > 0\n\nreason contains found.identifier if {\n\tsome found in \
                      input.v1.vulnerabilities\n\tfound.epss.score > LIMIT\n}\n";
const NAMES: [&str; 4] = ["aa", "bb", "cc", "dd"];

/// A server, over PostgreSQL where there are services.
struct Place {
    server: TestServer,
    services: Option<Services>,
}

impl Place {
    async fn embedded() -> Result<Self> {
        Ok(Self { server: options().start().await?, services: None })
    }

    async fn shared() -> Result<Option<Self>> {
        let Some(services) = Services::new() else { return Ok(None) };
        let server = services.under(options()).start().await?;
        Ok(Some(Self { server, services: Some(services) }))
    }

    /// The command line on the data, or as a client.
    fn cli(&self, arguments: &[&str]) -> Result<Run> {
        match &self.services {
            Some(services) => services.cli(&self.server, arguments),
            None => self.server.cli(arguments),
        }
    }

    async fn does(&self, arguments: &[&str]) -> Result<String> {
        let ran = self.cli(arguments)?.succeed().await?;
        settled(&self.server).await?;
        Ok(ran.stdout)
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<String> {
        let path = self.server.scratch().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path.to_string_lossy().into_owned())
    }

    async fn epss(&self, day: u32, scores: [f64; 4]) -> Result<()> {
        let cves: Vec<String> = (0..NAMES.len()).map(|n| format!("CVE-2026-100{n}")).collect();
        let rows: Vec<(&str, f64, f64)> = cves.iter().zip(scores).map(|(cve, score)| (&cve[..], score, 0.5)).collect();
        let date = format!("2026-03-0{day}");
        let file = self.file(&format!("epss_scores-{date}.csv.gz"), epss_csv_gz(&date, &rows)?)?;
        self.does(&["feeds", "import", &file]).await.map(drop)
    }

    async fn policy(&self, limit: &str, action: &str) -> Result<()> {
        let file = self.file("likely.rego", LIKELY.replace("LIMIT", limit))?;
        self.does(&["policy", "add", "--action", action, &file]).await.map(drop)
    }

    /// Imports, waivers, VEX, edits.
    async fn life(&self) -> Result<()> {
        for name in NAMES {
            publish(&self.server, &Wheel::new(name, "1.0").build()?).await?;
        }
        settled(&self.server).await?;
        self.policy("0.5", "quarantine").await?;
        let records: Vec<Value> = (0..NAMES.len())
            .map(|n| python_advisory(&format!("PYSEC-2026-{n}"), &format!("CVE-2026-100{n}"), NAMES[n], "0", "9.0"))
            .collect();
        let feed = self.file("all.zip", osv_zip(&records)?)?;
        self.does(&["feeds", "import", &feed]).await?;
        self.epss(1, [0.9, 0.8, 0.7, 0.1]).await?;
        let reason = ["--reason", "we never call it", "--expires", "1d"];
        let waived = self
            .does(&[&["waiver", "add", "--json", "--vulnerability", "CVE-2026-1000"], &reason[..]].concat())
            .await?;
        self.does(&[&["waiver", "add", "--policy", "likely", "--package", "pkg:pypi/bb"], &reason[..]].concat())
            .await?;
        let statement = json!({"vulnerability": {"name": "CVE-2026-1002"}, "products": [{"@id": "pkg:pypi/cc"}],
            "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
            "impact_statement": "nothing calls it"});
        let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "d", "author": "Example Security",
            "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [statement]});
        let vex = self.file("document.json", vex.to_string())?;
        self.does(&["vex", "add", &vex]).await?;
        self.policy("0.05", "add-tags=likely").await?;
        self.epss(2, [0.9, 0.8, 0.7, 0.04]).await?;
        let waived: Value = serde_json::from_str(&waived)?;
        self.does(&["waiver", "revoke", waived["id"].as_str().context("no waiver")?, "--reason", "we do call it"])
            .await?;
        self.policy("0.5", "quarantine").await
    }

    async fn replay(&self, what: &[&str]) -> Result<(bool, Value)> {
        let ran = self.cli(&["decisions", "replay", "--json"])?.args(what).run().await?;
        Ok((ran.status.success(), serde_json::from_str(&ran.stdout).with_context(|| ran.to_string())?))
    }

    /// Alters the database behind the server's back; false, where nothing can.
    async fn tamper(&self, statement: &str) -> Result<bool> {
        if let Some(services) = &self.services {
            services.ask(statement)?;
            return Ok(true);
        }
        let Some(python) = tool("python3") else { return Ok(false) };
        let edit = "import sqlite3, sys\nbase = sqlite3.connect(sys.argv[1], timeout=30)\n\
                    assert base.execute(sys.argv[2]).rowcount > 0\nbase.commit()\n";
        Run::new(python)?.args(["-c", edit]).arg(self.server.data().join("assay.db")).arg(statement).succeed().await?;
        Ok(true)
    }

    async fn holds(&self) -> Result<()> {
        self.life().await?;
        let (fine, all) = self.replay(&["--all"]).await?;
        assert!(fine && all["different"] == 0 && all["skipped"] == json!({}), "{all}");
        assert_eq!((&all["same"], &all["total"]), (&all["examined"], &all["examined"]), "{all}");
        assert!(all["same"].as_u64() >= Some(18), "a life has decisions: {all}");

        let state = package(&self.server, "main/pypi/bb@1.0").await?;
        let newest = state["decisions"][0]["id"].as_str().context("no decision")?.to_owned();
        let altered = format!(
            "UPDATE decision SET document = replace(document, '\"waived_by\":', '\"said_by\":') WHERE id = '{newest}'"
        );
        if !self.tamper(&altered).await? {
            return Ok(());
        }
        let (fine, one) = self.replay(&[&newest]).await?;
        assert!(!fine && one["different"] == 1, "{one}");
        assert_eq!(one["differing"][0]["differences"][0]["what"], "policy likely", "{one}");
        let words = self.cli(&["decisions", "replay", "--all"])?.fail().await?;
        assert!(words.says(&newest) && words.says("1 different"), "{words}");

        // another text that says the same
        let comment = "UPDATE policy_revision SET document = replace(document, 'some found in', 'some  found in')";
        self.tamper(comment).await?;
        let (fine, all) = self.replay(&["--all"]).await?;
        let what = all["differing"][1]["differences"][0]["what"].clone();
        assert!(!fine && all["different"].as_u64() > Some(10) && what == "text of the policies", "{all}");
        Ok(())
    }
}

#[tokio::test]
async fn a_life_comes_out_again_from_sqlite() -> Result<()> {
    Place::embedded().await?.holds().await
}

#[tokio::test]
async fn a_life_comes_out_again_from_postgres() -> Result<()> {
    match Place::shared().await? {
        Some(place) => place.holds().await,
        None => Ok(()),
    }
}

/// Has a policy that differs from the ones before.
fn policy(edit: usize) -> Result<PolicyDraft> {
    let rego = format!(
        "package assay\n\nmatch if endswith(input.v0.package.version, \"{edit}\")\n\nreason := [sprintf(\"%s {edit}\", \
         [input.v0.package.version])]\n"
    );
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    Ok(serde_json::from_value(json!({"name": "edited", "rego": rego, "actions": actions}))?)
}

/// Decides many packages under one revision of a policy after the other and recomputes every decision. How many:
/// `ASSAY_REPLAY_DECISIONS`.
async fn many(database: Option<&str>) -> Result<()> {
    const EDITS: usize = 4;
    let wanted = std::env::var("ASSAY_REPLAY_DECISIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let packages = wanted / EDITS;
    let world = World::over(database).await?;
    world.engine.save_policy(&ME, policy(0)?).await?;
    for first in (0..packages).step_by(500) {
        meta::write(&*world.meta, move |tx| {
            let at = "2026-03-01T12:00:00Z".parse().map_err(|_| Problem::bug("no moment"))?;
            let repository = tx.repository("main")?.ok_or_else(|| Problem::bug("no repository"))?.id;
            let mut jobs = Vec::new();
            for n in first..(first + 500).min(packages) {
                let place =
                    Coordinates { format: "generic".into(), name: format!("thing-{n}"), version: format!("1.{n}") };
                let (metadata, uploader) = (json!({"n": n}), "ann".to_owned());
                let (published_at, origin) = (None, None);
                let new =
                    NewPackage { repository, at: place, metadata, uploader, uploaded_at: at, published_at, origin };
                let (key, lane, stage) = (tx.put_package(&new)?.0.0, Lane::Change, Stage::Decide);
                jobs.push(NewJob { lane, stage, key, cause: "made".into(), due: Due::at_once(at) });
            }
            tx.enqueue(&jobs)
        })
        .await?;
    }
    let began = Instant::now();
    world.engine.drain().await?;
    for edit in 1..EDITS {
        world.engine.save_policy(&ME, policy(edit)?).await?;
        world.engine.drain().await?;
    }
    let (decided, began) = (began.elapsed(), Instant::now());
    let (mut examined, mut same, mut after) = (0, 0, None);
    loop {
        let part = world.engine.replay(&ME, ReplayScope { after, ..ReplayScope::default() }).await?;
        assert!(part.differing.is_empty() && part.skipped.is_empty(), "{part:?}");
        (examined, same) = (examined + part.examined, same + part.same);
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert!(examined == same && examined >= u64::try_from(packages * EDITS)?, "{same} of {examined}");
    eprintln!("{examined} decisions made in {decided:.1?} and recomputed in {:.1?}", began.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_decisions_come_out_again_from_sqlite() -> Result<()> {
    many(None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_decisions_come_out_again_from_postgres() -> Result<()> {
    match Services::new() {
        Some(services) => many(Some(services.database())).await,
        None => Ok(()),
    }
}
