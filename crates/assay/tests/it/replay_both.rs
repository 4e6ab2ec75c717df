//! Decisions come out again on either database, after a life of imports, waivers, VEX and edits of policies; what somebody
//! altered behind the server's back is an error.

use crate::{
    cluster::Services,
    support::{options, package, publish, python_advisory, settled},
};
use anyhow::{Context, Result};
use assay_testkit::{
    Run, ServerOptions, TestServer,
    make::{
        feeds::{epss_csv_gz, osv_zip},
        wheel::Wheel,
    },
    tool,
};
use serde_json::{Value, json};

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
        let all = services.variables();
        let server = all.iter().fold(options(), |o: ServerOptions, (name, value)| o.env(name, value)).start().await?;
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
