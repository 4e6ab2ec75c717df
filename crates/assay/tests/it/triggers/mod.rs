//! Everything that can change about the world, each as a story of its own: a policy reads the fact, clients of packages
//! are served and refused as it changes, only the packages that it touches are decided, and their decisions name it.
//!
//! The data is real (`ASSAY_CORPUS`); where a story has invented data instead, or a second time, the last column says where.
//!
//! | trigger | here | with invented data |
//! |---|---|---|
//! | advisory new | [`advisories::advisory_new`] | `changes::advisories::only_what_a_new_advisory_touches_is_decided_and_pip_is_refused` |
//! | advisory changed | [`advisories::advisory_changed`] | `changes::advisories::what_is_withdrawn_or_no_longer_applies_is_released` |
//! | advisory withdrawn | [`advisories::advisory_withdrawn`] | the same |
//! | EPSS moved | [`scores::epss_moved`] | `changes::scores::a_day_of_epss_decides_what_has_a_score_that_moved` |
//! | KEV added | [`scores::kev_added`] | `changes::scores::an_entry_of_the_catalogue_quarantines_and_its_removal_releases` |
//! | malware listed | [`advisories::malware_listed`] | `policy::a_malicious_package_is_refused_as_such` |
//! | VEX arrived, revoked | [`answers::vex_arrived_and_revoked`] | `vex::an_uploaded_document_releases_and_its_removal_blocks_again` |
//! | waiver added, revoked | [`answers::waiver_added_and_revoked`] | `waivers::a_scope_holds_what_it_says_and_no_more` |
//! | waiver expired | [`answers::waiver_expired`] | `waivers::a_waiver_ends_while_the_server_is_down`, `clock` |
//! | policy added, edited, disabled, removed | [`policies::policy_added_edited_disabled_removed`] | `actions::what_a_policy_did_goes_when_it_is_edited_disabled_or_removed` |
//! | tag edited | [`people::tag_edited`] | `overrides::own_tags_outlive_policies_and_decide_only_where_they_are_read` |
//! | label edited | [`people::label_edited`] | `policy_check::a_label_of_the_repository_decides_at_once` |
//! | licence corrected | [`people::licence_corrected`] | `overrides::a_corrected_licence_counts_in_policies_and_searches_until_it_is_taken_back` |
//! | scanner improved | [`content::scanner_improved`] | `renew` |
//! | cooldown reached | [`clock::cooldown_reached`] | needs no data |
//! | package promoted | [`people::package_promoted`] | `keep_promote` |
//! | Scorecard changed | [`content::scorecard_changed`] | `health::a_scorecard_that_changes_decides_the_packages_of_its_repository` |
//! | end of life reached | [`clock::end_of_life_reached`] | `health::a_release_that_is_no_longer_maintained_is_found_when_its_end_has_come` |

mod advisories;
mod answers;
mod clock;
mod content;
mod people;
mod policies;
mod scores;

use crate::support::{PATIENCE, index_url, package, pip, server, settled};
use anyhow::{Context, Result, bail, ensure};
use assay_testkit::{Run, TestServer, corpus, make::wheel::Wheel, tool, upload};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A package as people ask for it.
#[derive(Clone, Debug)]
struct Subject {
    /// `repository/format/name@version`.
    what: String,
    /// The path of its file.
    file: String,
    /// What pip is asked for, where it is pip.
    pip: Option<String>,
}

impl Subject {
    /// A wheel of `main`, installed by pip.
    fn wheel(name: &str, version: &str) -> Self {
        Self {
            what: format!("main/pypi/{name}@{version}"),
            file: format!("/pypi/main/files/{name}/{}-{version}-py3-none-any.whl", name.replace('-', "_")),
            pip: Some(format!("{name}=={version}")),
        }
    }
    /// Something else, fetched by curl.
    fn file(what: &str, file: &str) -> Self {
        Self { what: what.into(), file: file.into(), pip: None }
    }
    fn krate(name: &str, version: &str) -> Self {
        Self::file(
            &format!("main/cargo/{name}@{version}"),
            &format!("/cargo/main/api/v1/crates/{name}/{version}/download"),
        )
    }
}

/// How a package is decided, as seen at one moment.
type Seen = BTreeMap<String, String>;

/// A server with packages, and what is known of their decisions.
struct Story {
    server: TestServer,
    all: Vec<Subject>,
}

impl Story {
    async fn begin() -> Result<Self> {
        Ok(Self { server: server().await?, all: Vec::new() })
    }

    /// Publishes a small wheel.
    async fn wheel(&mut self, name: &str, version: &str) -> Result<Subject> {
        self.made(name, version, Wheel::new(name, version)).await
    }

    async fn made(&mut self, name: &str, version: &str, wheel: Wheel) -> Result<Subject> {
        upload::pypi(self.server.http(), "main", &wheel.build()?).await?.expect_status(200)?;
        self.take(Subject::wheel(name, version))
    }

    /// Publishes a small crate.
    async fn krate(&mut self, name: &str, version: &str) -> Result<Subject> {
        crate::tour_cargo::put(&self.server, name, version).await?;
        self.take(Subject::krate(name, version))
    }

    fn take(&mut self, subject: Subject) -> Result<Subject> {
        self.all.push(subject.clone());
        Ok(subject)
    }

    /// Saves a policy that quarantines what this says.
    async fn policy(&self, name: &str, rules: &str) -> Result<()> {
        crate::changes::quarantine(&self.server, name, &format!("package assay\n\ndefault match := false\n\n{rules}\n"))
            .await
    }

    async fn decided(&self) -> Result<u64> {
        let status = self.server.http().get("/api/v1/status").await?.expect_status(200)?.json()?;
        status["decided"].as_u64().context("a count of decisions")
    }

    async fn seen(&self) -> Result<Seen> {
        let mut seen = Seen::new();
        for one in &self.all {
            seen.insert(one.what.clone(), package(&self.server, &one.what).await?["decisions"].to_string());
        }
        Ok(seen)
    }

    /// Lets something happen: these packages alone are decided because of it, and their decisions say so.
    async fn changes<F: Future<Output = Result<()>>>(
        &self,
        touched: &[&Subject],
        cause: &str,
        happens: F,
    ) -> Result<()> {
        settled(&self.server).await?;
        let (before, decided) = (self.seen().await?, self.decided().await?);
        happens.await?;
        settled(&self.server).await?;
        let made = self.decided().await? - decided;
        let after = self.seen().await?;
        ensure!(made == touched.len() as u64, "{made} packages were decided, not {}: {after:#?}", touched.len());
        for one in &self.all {
            let told = (&before[&one.what], &after[&one.what]);
            if !touched.iter().any(|subject| subject.what == one.what) {
                ensure!(told.0 == told.1, "{} was decided: {}", one.what, told.1);
                continue;
            }
            let decisions: Value = serde_json::from_str(told.1)?;
            let trigger = decisions[0]["trigger"].as_str().unwrap_or_default();
            ensure!(told.0 != told.1 && trigger.contains(cause), "{} is decided by `{trigger}`", one.what);
        }
        Ok(())
    }

    /// A client gets it, as soon as that is so.
    async fn served(&self, subject: &Subject) -> Result<()> {
        self.answered(subject, 200).await?;
        let ran = match self.client(subject)? {
            Some(run) => run.run().await?,
            None => return Ok(()),
        };
        ensure!(ran.status.success(), "{} is not served: {ran}", subject.what);
        Ok(())
    }

    /// A client is refused it, and told by which policy.
    async fn refused(&self, subject: &Subject, policy: &str) -> Result<()> {
        self.answered(subject, 403).await?;
        let Some(run) = self.client(subject)? else { return Ok(()) };
        let ran = run.run().await?;
        ensure!(!ran.status.success() && ran.says(policy), "{} is not refused by {policy}: {ran}", subject.what);
        Ok(())
    }

    async fn answered(&self, subject: &Subject, status: u16) -> Result<()> {
        let begun = Instant::now();
        loop {
            let reply = self.server.http().get(&subject.file).await?;
            if reply.status.as_u16() == status {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} is answered {}, not {status}: {}", subject.what, reply.status, reply.text());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn client(&self, subject: &Subject) -> Result<Option<Run>> {
        let folder = self.server.scratch().join("got");
        if let Some(wanted) = &subject.pip {
            return pip(&index_url(&self.server), &folder, &["--no-deps", "--upgrade", wanted]);
        }
        let Some(program) = tool("curl") else { return Ok(None) };
        let credentials = format!("anyone:{}", self.server.token());
        let run = Run::new(program)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials]);
        Ok(Some(run.arg(format!("{}{}", self.server.url(), subject.file)).args(["--output", "-"])))
    }

    /// Imports a feed in a process of its own.
    async fn import(&self, path: &Path) -> Result<()> {
        self.server.cli(["feeds", "import"])?.arg(path).limit(Duration::from_secs(900)).succeed().await?;
        Ok(())
    }

    /// Writes a file of a feed beside the server.
    fn feed(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        crate::changes::feed(&self.server, name, bytes)
    }

    /// Some records as an OSV file.
    fn records(&self, name: &str, records: &[Value]) -> Result<PathBuf> {
        self.feed(&format!("{name}.json"), json!(records).to_string())
    }
}

/// One record of a real archive of advisories; a line that says so where there is none.
fn record(archive: &str, id: &str) -> Result<Option<Value>> {
    let Some(path) = corpus(archive) else { return Ok(None) };
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path)?)?;
    let wanted = format!("{id}.json");
    let at = (0..zip.len())
        .find(|at| zip.by_index(*at).is_ok_and(|file| file.name().is_ok_and(|name| name.ends_with(&wanted))));
    let mut text = String::new();
    zip.by_index(at.with_context(|| format!("{archive} has no {id}"))?)?.read_to_string(&mut text)?;
    Ok(Some(serde_json::from_str(&text)?))
}

/// A real file, unpacked and read as JSON; a line that says so where there is none.
fn unpacked(path: &str) -> Result<Option<Value>> {
    let Some(path) = corpus(path) else { return Ok(None) };
    let file = std::fs::File::open(&path)?;
    Ok(Some(match path.extension().is_some_and(|end| end == "gz") {
        true => serde_json::from_reader(flate2::read::GzDecoder::new(file))?,
        false => serde_json::from_reader(file)?,
    }))
}

/// The same record as it was, or will be: changed at another time.
fn revised(record: &Value, modified: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut record = record.clone();
    record["modified"] = json!(modified);
    change(&mut record);
    record
}
