//! Formats of libraries, whose advisories name the packages themselves.

use super::{Place, Trade, story};
use crate::support::{pip, uv};
use crate::{tour_cargo, tour_go::Gopher, tour_maven, tour_npm};
use anyhow::{Context, Result, ensure};
use assay_testkit::make::crates::publication;
use assay_testkit::make::{go_module::GoModule, gzip, tar, wheel::Wheel};
use assay_testkit::{Ran, Run, TestServer, tool, upload};
use base64::Engine as _;
use serde_json::json;
use std::path::Path;

struct Node(&'static tour_npm::Client);

impl Trade for Node {
    fn format(&self) -> &'static str {
        "npm"
    }
    fn client(&self) -> &'static str {
        self.0.name
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("npm", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/npm/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let about = json!({ "name": name, "version": version, "main": "index.js" }).to_string();
        let module = format!("module.exports = \"{version}\";\n");
        let files = [("package/package.json", about.as_bytes()), ("package/index.js", module.as_bytes())];
        put_node(to, name, version, &gzip(&tar(&files)?)?).await
    }
    fn shows_reasons(&self) -> bool {
        !["pnpm", "yarn1"].contains(&self.0.program)
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let bench = tour_npm::Bench::of(from.server, from.repository, from.token)?;
        let project = bench.project("user", &json!({ name: version }))?;
        let ran = bench.run(self.0, &project, self.0.install)?.context("it is there")?.run().await?;
        let brought = tour_npm::installed(&project, name);
        let expected = if ran.status.success() { format!("module.exports = \"{version}\";\n") } else { String::new() };
        assert_eq!(brought, expected, "{ran}");
        Ok(ran)
    }
}

/// Publishes an archive with the request that npm makes.
pub(super) async fn put_node(to: Place<'_>, name: &str, version: &str, archive: &[u8]) -> Result<()> {
    let (url, repository) = (to.server.url(), to.repository);
    let file = format!("{name}-{version}.tgz");
    let dist = json!({ "tarball": format!("{url}/npm/{repository}/{name}/-/{file}") });
    let about = json!({ "name": name, "version": version, "main": "index.js", "dist": dist });
    let data = base64::engine::general_purpose::STANDARD.encode(archive);
    let attached = json!({ "content_type": "application/octet-stream", "data": data, "length": archive.len() });
    let body = json!({
        "_id": name, "name": name, "dist-tags": { "latest": version }, "versions": { version: about },
        "_attachments": { file: attached },
    });
    let http = to.server.http().with_token(to.token);
    let request = http.request(reqwest::Method::PUT, &format!("/npm/{repository}/{name}"));
    let reply = http.send(request.json(&body)).await?;
    ensure!(reply.status.is_success(), "{}: {}", reply.status, reply.text());
    Ok(())
}

async fn node(client: &'static tour_npm::Client) -> Result<()> {
    if tool(client.program).is_none() {
        return Ok(());
    }
    story(&Node(client)).await
}

#[tokio::test]
async fn npm() -> Result<()> {
    node(&tour_npm::CLIENTS[0]).await
}

#[tokio::test]
async fn pnpm() -> Result<()> {
    node(&tour_npm::CLIENTS[1]).await
}

#[tokio::test]
async fn yarn_one() -> Result<()> {
    node(&tour_npm::CLIENTS[2]).await
}

#[tokio::test]
async fn yarn() -> Result<()> {
    node(&tour_npm::CLIENTS[3]).await
}

type Installer = fn(&str, &Path, &[&str]) -> Result<Option<Run>>;

struct Python(&'static str, Installer);

impl Trade for Python {
    fn format(&self) -> &'static str {
        "pypi"
    }
    fn client(&self) -> &'static str {
        self.0
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("PyPI", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/pypi/main/simple"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let http = to.server.http().with_token(to.token);
        upload::pypi(&http, to.repository, &Wheel::new(name, version).build()?).await?.expect_status(200)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let place = tempfile::tempdir()?;
        let (token, authority) = (from.token.unwrap_or_default(), from.server.authority());
        let index = format!("http://anyone:{token}@{authority}/pypi/{}/simple/", from.repository);
        let run = (self.1)(&index, place.path(), &[&format!("{name}=={version}")])?.context("it is there")?;
        let ran = run.run().await?;
        let brought = place.path().join(format!("{name}-{version}.dist-info/METADATA"));
        assert_eq!(brought.is_file(), ran.status.success(), "{ran}");
        Ok(ran)
    }
}

#[tokio::test]
async fn python() -> Result<()> {
    for (name, installer) in [("pip", pip as Installer), ("uv", uv as Installer)] {
        if tool(name).is_some() {
            story(&Python(name, installer)).await?;
        }
    }
    Ok(())
}

struct Cargo;

impl Trade for Cargo {
    fn format(&self) -> &'static str {
        "cargo"
    }
    fn client(&self) -> &'static str {
        "cargo"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("crates.io", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/cargo/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let http = to.server.http().with_token(to.token);
        let path = format!("/cargo/{}/api/v1/crates/new", to.repository);
        http.put(&path, publication(name, version)?).await?.expect_status(200)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let bench = tour_cargo::Bench::of(from.server, from.repository, from.token)?.context("it is there")?;
        let wants = format!("{name} = {{ version = \"={version}\", registry = \"assay\" }}");
        let program = bench.program("user", &wants, "1")?;
        let ran = bench.run(&program, &["fetch"]).run().await?;
        let metadata = bench.run(&program, &["metadata", "--format-version", "1", "--offline"]).run().await?;
        assert_eq!(metadata.status.success(), ran.status.success(), "what is fetched can be used: {ran}\n{metadata}");
        Ok(ran)
    }
}

#[tokio::test]
async fn cargo() -> Result<()> {
    if tool("cargo").is_none() {
        return Ok(());
    }
    story(&Cargo).await
}

struct Maven;

impl Trade for Maven {
    fn format(&self) -> &'static str {
        "maven"
    }
    fn client(&self) -> &'static str {
        "mvn"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("Maven", format!("org.example:{name}"))
    }
    fn address(&self) -> &'static str {
        "/maven/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let http = to.server.http().with_token(to.token);
        let stem = format!("/maven/{}/org/example/{name}/{version}/{name}-{version}", to.repository);
        http.put(&format!("{stem}.jar"), tour_maven::jar(&format!("{name} {version}"))?).await?.expect_status(201)?;
        http.put(&format!("{stem}.pom"), tour_maven::pom(name, version, "")).await?.expect_status(201)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let bench = tour_maven::Bench::of(from.server, from.repository, from.token)?.context("it is there")?;
        let ran = bench.get(&format!("org.example:{name}:{version}")).run().await?;
        let brought = bench.has(&format!("org/example/{name}/{version}/{name}-{version}.jar"));
        assert_eq!(brought, ran.status.success(), "{ran}");
        Ok(ran)
    }
}

#[tokio::test]
async fn maven() -> Result<()> {
    let nobody: TestServer = crate::support::server().await?;
    if tour_maven::Bench::new(&nobody, None)?.is_none() {
        return Ok(());
    }
    drop(nobody);
    story(&Maven).await
}

struct Go;

impl Trade for Go {
    fn format(&self) -> &'static str {
        "go"
    }
    fn client(&self) -> &'static str {
        "go"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("Go", format!("example.org/{name}"))
    }
    fn address(&self) -> &'static str {
        "/go/main"
    }
    fn logs_in(&self) -> bool {
        false
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let http = to.server.http().with_token(to.token);
        let module = GoModule::new(&format!("example.org/{name}"), &format!("v{version}"));
        http.put(&format!("/go/{}/{}", to.repository, module.address()), module.zip()?).await?.expect_status(201)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let proxy = format!("{}/go/{}", from.server.url(), from.repository);
        let gopher = Gopher::new(proxy)?.context("it is there")?;
        gopher.go(&["mod", "download", "-json", &format!("example.org/{name}@v{version}")]).run().await
    }
}

#[tokio::test]
async fn go() -> Result<()> {
    if tool("go").is_none() {
        return Ok(());
    }
    story(&Go).await
}
