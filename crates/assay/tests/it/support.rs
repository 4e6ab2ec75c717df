//! Worlds to test in: a server that fetches nothing by itself, and waiting for what happens in the background.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use assay_testkit::make::{feeds, wheel::Built};
use assay_testkit::{Ran, Run, ServerOptions, TestServer, tool};
use serde_json::{Value, json};

/// The program under test.
pub const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// How long the work in the background may take, on a machine that also compiles.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How every server here is started: nothing is fetched unless a test asks.
pub fn options() -> ServerOptions {
    ServerOptions::new(ASSAY).env("ASSAY_SOURCES_SYNC", "off")
}

/// A server on an empty data directory.
pub async fn server() -> Result<TestServer> {
    options().start().await
}

/// The id of a package, once it is known under this name (`repository/format/name@version`).
pub async fn package_id(server: &TestServer, what: &str) -> Result<i64> {
    let reply = server.http().get(&format!("/api/v1/packages/find?what={what}")).await?.expect_status(200)?;
    match reply.json()?["id"].as_i64() {
        Some(id) => Ok(id),
        None => bail!("no id in {}", reply.text()),
    }
}

/// The detail of a package as the API shows it.
pub async fn package(server: &TestServer, what: &str) -> Result<Value> {
    let id = package_id(server, what).await?;
    server.http().get(&format!("/api/v1/packages/{id}")).await?.expect_status(200)?.json()
}

/// Waits until no job waits or runs.
pub async fn settled(server: &TestServer) -> Result<()> {
    let start = Instant::now();
    loop {
        let status = server.http().get("/api/v1/status").await?.expect_status(200)?.json()?;
        let busy = status["jobs"].as_object().into_iter().flatten().any(|(_, lane)| {
            lane["waiting"].as_u64().unwrap_or_default() + lane["running"].as_u64().unwrap_or_default() > 0
        });
        if !busy {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            bail!("the work does not end: {status}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes a token with a permission in some repositories, or in all if none is named; the answer is its secret.
pub async fn token(server: &TestServer, permission: &str, repositories: &[&str]) -> Result<String> {
    let draft = json!({ "name": format!("{permission}-only"), "permission": permission, "repositories": repositories });
    let made = server.http().post_json("/api/v1/tokens", &draft).await?.expect_status(201)?.json()?;
    Ok(made["secret"].as_str().unwrap_or_default().to_owned())
}

/// Switches anonymous reading of `main` on.
pub async fn open_to_everyone(server: &TestServer) -> Result<()> {
    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/main");
    server.http().send(change.json(&json!({ "anonymous_read": true }))).await?.expect_status(200)?;
    Ok(())
}

/// Publishes a distribution with one request.
pub async fn publish(server: &TestServer, built: &Built) -> Result<()> {
    assay_testkit::upload::pypi(server.http(), "main", built).await?.expect_status(200)?;
    Ok(())
}

/// `twine upload` with any user name and the token as password; `None` and a line that says so without twine.
pub fn twine(server: &TestServer, user: &str, password: &str, more: &[&str], files: &[&Path]) -> Result<Option<Run>> {
    let Some(twine) = tool("twine") else { return Ok(None) };
    let address = format!("{}/pypi/main/legacy/", server.url());
    let run = Run::new(twine)?.args(["upload", "--non-interactive", "--disable-progress-bar", "--repository-url"]);
    Ok(Some(run.arg(address).args(["-u", user, "-p", password]).args(more).args(files)))
}

/// The simple index with credentials in its address, as pip's and uv's users write it.
pub fn index_url(server: &TestServer) -> String {
    format!("{}/pypi/main/simple/", server.url_with_credentials("anyone"))
}

/// `pip install` into a folder, without any cache; `None` and a line that says so without pip.
pub fn pip(index: &str, folder: &Path, wanted: &[&str]) -> Result<Option<Run>> {
    let Some(pip) = tool("pip") else { return Ok(None) };
    let run = Run::new(pip)?.args(["install", "--no-cache-dir", "--no-compile", "--progress-bar", "off", "--target"]);
    Ok(Some(run.arg(folder).args(["--index-url", index]).args(wanted)))
}

/// `uv pip install` into a folder, without any cache; `None` and a line that says so without uv.
pub fn uv(index: &str, folder: &Path, wanted: &[&str]) -> Result<Option<Run>> {
    let (Some(uv), Some(python)) = (tool("uv"), tool("python3")) else { return Ok(None) };
    let run = Run::new(uv)?.args(["pip", "install", "--no-cache", "--no-progress", "--python"]).arg(python);
    Ok(Some(run.arg("--target").arg(folder).args(["--default-index", index]).args(wanted)))
}

/// Output as words with single spaces, because clients wrap their lines and draw boxes.
pub fn unwrapped(ran: &Ran) -> String {
    let plain = ran.output().replace(['│', '╭', '╮', '╰', '╯', '─'], " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes an OSV bulk archive of these records beside the server; the answer is its path.
pub fn advisories(server: &TestServer, name: &str, records: &[Value]) -> Result<PathBuf> {
    let path = server.scratch().join(format!("{name}.zip"));
    std::fs::write(&path, feeds::osv_zip(records)?)?;
    Ok(path)
}

/// `assay feeds import`, on the data directory of a running server.
pub async fn import(server: &TestServer, from: &[&Path]) -> Result<Ran> {
    let ran = server.cli(["feeds", "import"])?.args(from).succeed().await?;
    settled(server).await?;
    Ok(ran)
}

/// A record about `name` of the Python ecosystem with a CVE as its alias, whose versions `from` until `fixed` are
/// affected, scored 9.8.
pub fn python_advisory(id: &str, cve: &str, name: &str, from: &str, fixed: &str) -> Value {
    let modified = "2026-01-01T00:00:00Z";
    let mut record = feeds::osv_record(id, "PyPI", name, Some(fixed), feeds::CRITICAL, modified);
    record["aliases"] = json!([cve]);
    record["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": from }, { "fixed": fixed }]);
    record
}

/// A policy in our own words: whatever can be fixed and scores more than 6 is refused, with the worst named.
pub const TOO_DANGEROUS: &str = r#"package cloudsmith

import rego.v1

default match := false

limit := 6

match if count(reason) > 0

reason contains text if {
	some found in input.v0.security_scan.Vulnerabilities
	found.Status == "fixed"
	some vector in found.CVSS
	vector.V3Score > limit
	text := concat("", [found.VulnerabilityID, " is more dangerous than we allow"])
}
"#;

/// Adds the policy [`TOO_DANGEROUS`], to quarantine.
pub async fn refuse_dangerous(server: &TestServer) -> Result<Ran> {
    let file = server.scratch().join("too-dangerous.rego");
    std::fs::write(&file, TOO_DANGEROUS)?;
    let ran = server.cli(["policy", "add", "--action", "quarantine"])?.arg(file).succeed().await?;
    settled(server).await?;
    Ok(ran)
}

/// The state of a package, as the API says it.
pub async fn state(server: &TestServer, what: &str) -> Result<String> {
    Ok(package(server, what).await?["state"].as_str().unwrap_or_default().to_owned())
}

/// Adds a policy that does this with all that has a word in its name.
pub async fn refuse_named(server: &TestServer, action: &str, word: &str) -> Result<Ran> {
    let file = server.scratch().join(format!("not-{word}.rego"));
    let text = format!(
        "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\n\
         match if contains(input.v0[\"package\"].name, \"{word}\")\n"
    );
    std::fs::write(&file, text)?;
    let ran = server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
    settled(server).await?;
    Ok(ran)
}
