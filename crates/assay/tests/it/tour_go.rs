//! Go modules with `go` itself: zips published by curl, resolved, built, refused, hidden, and taken back.

mod front;

use crate::proxied::upstream;
use crate::support::{
    advisories, import, open_to_everyone, refuse_dangerous, server, settled, state, token, unwrapped,
};
use anyhow::{Context, Result};
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::{feeds, go_module::GoModule};
use assay_testkit::remote::{Answer, Remote};
use assay_testkit::tools::{find, tools_folder};
use assay_testkit::{Run, TestServer, tool};
use front::Front;
use serde_json::Value;
use std::path::PathBuf;

/// A folder with a module cache of its own, from which `go` asks this server.
pub(crate) struct Gopher {
    program: PathBuf,
    folder: tempfile::TempDir,
    proxy: String,
}

impl Gopher {
    pub(crate) fn new(proxy: String) -> Result<Option<Self>> {
        let Some(program) = tool("go") else { return Ok(None) };
        Ok(Some(Self { program, folder: tempfile::tempdir()?, proxy }))
    }

    /// `go` with these arguments, in the folder of the program that is being built.
    pub(crate) fn go(&self, arguments: &[&str]) -> Run {
        let home = self.folder.path();
        Run::in_home(&self.program, home)
            .args(arguments)
            .current_dir(home)
            .env("GOPROXY", &self.proxy)
            .env("GOPATH", home.join("path"))
            .env("GOMODCACHE", home.join("cache-of-modules"))
            .env("GOCACHE", tools_folder().join("go-build"))
            .env("GOENV", "off")
            .env("GOTELEMETRY", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOVCS", "*:off")
            .env("GOSUMDB", "off")
            .env("GOFLAGS", "-modcacherw")
            .env("CGO_ENABLED", "0")
    }

    /// A program that prints the versions of these packages.
    async fn program(&self, packages: &[&str]) -> Result<()> {
        let imports: String =
            packages.iter().enumerate().map(|(n, path)| format!("import p{n} \"{path}\"\n")).collect();
        let calls: String = (0..packages.len()).map(|n| format!("\tprintln(p{n}.Version())\n")).collect();
        let text = format!("package main\n\n{imports}\nfunc main() {{\n{calls}}}\n");
        std::fs::write(self.folder.path().join("main.go"), text)?;
        if !self.folder.path().join("go.mod").is_file() {
            self.go(&["mod", "init", "example.org/program"]).succeed().await?;
        }
        Ok(())
    }

    fn go_sum(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("go.sum"))?)
    }
}

/// A server whose repository everyone may read, as `go` sends no credentials over plain HTTP.
async fn open_server() -> Result<TestServer> {
    let server = server().await?;
    open_to_everyone(&server).await?;
    Ok(server)
}

fn proxy(server: &TestServer) -> String {
    format!("{}/go/main", server.url())
}

/// `curl -T`, as a release job would publish; the answer is what it prints.
async fn publish(server: &TestServer, module: &GoModule) -> Result<String> {
    let zip = server.scratch().join("module.zip");
    std::fs::write(&zip, module.zip()?)?;
    let Some(curl) = find("curl") else { anyhow::bail!("curl is not installed") };
    let credentials = format!("__token__:{}", server.token());
    let run = Run::new(curl)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials, "-T"]);
    let ran = run.arg(zip).arg(format!("{}/{}", proxy(server), module.address())).succeed().await?;
    Ok(ran.stdout)
}

#[tokio::test]
async fn a_published_module_is_resolved_built_and_run() -> Result<()> {
    let server = open_server().await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    let word = GoModule::new("example.org/Team/word", "v1.2.0");
    let lines = publish(&server, &word).await?;
    publish(&server, &GoModule::new("example.org/Team/word", "v1.10.0-rc.1")).await?;
    publish(&server, &GoModule::new("example.org/Team/word", "v1.1.0")).await?;
    publish(&server, &GoModule::new("example.org/Team/word/v2", "v2.0.1").requires("example.org/Team/word v1.2.0"))
        .await?;
    saw("go", "curl", Case::Push);

    gopher.program(&["example.org/Team/word", "example.org/Team/word/v2"]).await?;
    let ran = gopher.go(&["get", "example.org/Team/word/v2@latest"]).succeed().await?;
    assert!(ran.says("added example.org/Team/word/v2 v2.0.1"), "{ran}");
    gopher.go(&["mod", "tidy"]).succeed().await?;
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert_eq!(ran.stderr.trim(), "example.org/Team/word v1.2.0\nexample.org/Team/word/v2 v2.0.1", "{ran}");
    // What the upload answered is what go.sum has.
    let sums = gopher.go_sum()?;
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.lines().all(|line| sums.contains(line)), "{lines}\nis not in\n{sums}");
    saw("go", "go", Case::Pull);

    let ran = gopher.go(&["list", "-m", "-versions", "example.org/Team/word"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "example.org/Team/word v1.1.0 v1.2.0 v1.10.0-rc.1");
    saw("go", "go", Case::Search);
    let ran = gopher.go(&["list", "-m", "-json", "example.org/Team/word@v1.1.0"]).succeed().await?;
    let told: Value = serde_json::from_str(&ran.stdout)?;
    let time: jiff::Timestamp = told["Time"].as_str().context("no time")?.parse()?;
    assert!((0..300).contains(&jiff::Timestamp::now().duration_since(time).as_secs()), "{time}");
    Ok(())
}

#[tokio::test]
async fn pseudo_versions_and_old_modules_can_be_had_by_their_name() -> Result<()> {
    let server = open_server().await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    let pseudo = "v0.0.0-20260102030405-abcdefabcdef";
    publish(&server, &GoModule::new("example.org/untagged", pseudo)).await?;
    gopher.program(&["example.org/untagged"]).await?;
    let ran = gopher.go(&["get", "example.org/untagged"]).succeed().await?;
    assert!(ran.says(pseudo), "{ran}");
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert_eq!(ran.stderr.trim(), format!("example.org/untagged {pseudo}"));
    let ran = gopher.go(&["list", "-m", "-json", "example.org/untagged"]).succeed().await?;
    assert!(ran.says("2026-01-02T03:04:05Z"), "{ran}");
    let ran = gopher.go(&["list", "-m", "-versions", "example.org/untagged"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "example.org/untagged", "a list has no pseudo-versions");

    let old = assay_testkit::make::zip(&[(
        "example.org/old@v3.1.0+incompatible/old.go".to_owned(),
        b"package old\n\nfunc Version() string { return \"old\" }\n".to_vec(),
    )])?;
    let address = "/go/main/example.org/old/@v/v3.1.0+incompatible.zip";
    server.http().put(address, old).await?.expect_status(201)?;
    gopher.program(&["example.org/untagged", "example.org/old"]).await?;
    let ran = gopher.go(&["get", "example.org/old@v3.1.0+incompatible"]).succeed().await?;
    assert!(ran.says("added example.org/old v3.1.0+incompatible"), "{ran}");
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert!(ran.stderr.trim().ends_with("\nold"), "{ran}");
    Ok(())
}

/// Versions of `example.org/risk`, of which v1.9.0 is quarantined or hidden by a policy.
async fn risk(server: &TestServer, action: &str) -> Result<()> {
    for version in ["v1.0.0", "v1.5.0", "v1.9.0"] {
        publish(server, &GoModule::new("example.org/risk", version)).await?;
    }
    let mut record =
        feeds::osv_record("GO-2026-1", "Go", "example.org/risk", None, feeds::CRITICAL, "2026-01-01T00:00:00Z");
    record["aliases"] = serde_json::json!(["CVE-2026-20001"]);
    let events = serde_json::json!([{ "introduced": "1.9.0" }, { "fixed": "1.9.5" }]);
    record["affected"][0]["ranges"][0] = serde_json::json!({ "type": "SEMVER", "events": events });
    import(server, &[&advisories(server, "feed", &[record])?]).await?;
    if action == "quarantine" {
        refuse_dangerous(server).await?;
    } else {
        let file = server.scratch().join("hide.rego");
        std::fs::write(&file, crate::support::TOO_DANGEROUS)?;
        server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
        settled(server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_quarantined_version_is_avoided_and_when_pinned_refused_with_its_reason() -> Result<()> {
    let server = open_server().await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    risk(&server, "quarantine").await?;
    assert_eq!(state(&server, "main/go/example.org/risk@v1.9.0").await?, "quarantined");

    gopher.program(&["example.org/risk"]).await?;
    let ran = gopher.go(&["get", "example.org/risk@latest"]).succeed().await?;
    assert!(ran.says("added example.org/risk v1.5.0"), "{ran}");
    let ran = gopher.go(&["get", "example.org/risk@v1.9.0"]).fail().await?;
    let said = unwrapped(&ran);
    for part in ["403", "example.org/risk@v1.9.0 is quarantined by policy too-dangerous", "CVE-2026-20001", "v1.5.0"] {
        assert!(said.contains(part), "{part}: {ran}");
    }
    let ran = gopher.go(&["mod", "download", "-json", "example.org/risk@v1.9.0"]).fail().await?;
    let told: Value = serde_json::from_str(&ran.stdout)?;
    let error = told["Error"].as_str().unwrap_or_default();
    assert!(error.contains("is quarantined by policy too-dangerous") && error.contains("CVE-2026-20001"), "{ran}");
    saw("go", "go", Case::Quarantined);

    // A dependency still asks for the blocked version, and the program for the one that mends it.
    publish(&server, &GoModule::new("example.org/risk", "v1.9.5")).await?;
    publish(&server, &GoModule::new("example.org/user", "v1.0.0").requires("example.org/risk v1.9.0")).await?;
    gopher.program(&["example.org/risk", "example.org/user"]).await?;
    gopher.go(&["get", "example.org/user@v1.0.0", "example.org/risk@v1.9.5"]).succeed().await?;
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert!(ran.says("example.org/risk v1.9.5") && ran.says("example.org/user v1.0.0"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_hidden_version_is_not_there() -> Result<()> {
    let server = open_server().await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    risk(&server, "hide").await?;
    let ran = gopher.go(&["list", "-m", "-versions", "example.org/risk"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "example.org/risk v1.0.0 v1.5.0");
    let ran = gopher.go(&["mod", "download", "-json", "example.org/risk@v1.9.0"]).fail().await?;
    assert!(ran.says("404") && ran.says("there is no version v1.9.0"), "{ran}");
    for file in ["info", "mod", "zip"] {
        let address = format!("/go/main/example.org/risk/@v/v1.9.0.{file}");
        server.http().get(&address).await?.expect_status(404)?;
    }
    saw("go", "go", Case::Hidden);
    Ok(())
}

#[tokio::test]
async fn without_permission_go_says_so_and_with_netrc_it_goes_through() -> Result<()> {
    let server = server().await?;
    publish(&server, &GoModule::new("example.org/private", "v1.0.0")).await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    let ran = gopher.go(&["mod", "download", "-json", "example.org/private@v1.0.0"]).fail().await?;
    assert!(ran.says("401 Unauthorized") && ran.says("server response"), "{ran}");
    saw("go", "go", Case::NoPermission);

    // Credentials leave `go` over TLS only: from its netrc, or from the address.
    let Some(front) = Front::start(&server, &gopher).await? else { return Ok(()) };
    let secure = Gopher { proxy: format!("https://127.0.0.1:{}/go/main", front.port), ..gopher };
    let netrc = secure.folder.path().join(".netrc");
    let download = || {
        let run = secure.go(&["mod", "download", "-json", "example.org/private@v1.0.0"]);
        run.env("SSL_CERT_FILE", &front.certificate)
    };
    let ran = download().fail().await?;
    assert!(ran.says("401 Unauthorized"), "{ran}");
    let machine = format!("machine 127.0.0.1:{} login __token__ password", front.port);
    std::fs::write(&netrc, format!("{machine} wrong\n"))?;
    let ran = download().fail().await?;
    assert!(ran.says("401 Unauthorized") && ran.says("the token is wrong, revoked or expired"), "{ran}");
    let reader = token(&server, "read", &["main"]).await?;
    std::fs::write(&netrc, format!("{machine} {reader}\n"))?;
    let ran = download().succeed().await?;
    assert!(ran.says("private@v1.0.0.zip") || ran.says("v1.0.0.zip"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn a_version_is_published_once_by_those_who_may_and_can_be_taken_back() -> Result<()> {
    let server = open_server().await?;
    let module = GoModule::new("example.org/once", "v1.0.0");
    let address = format!("/go/main/{}", module.address());
    let reader = token(&server, "read", &["main"]).await?;
    server.http().with_token(None).put(&address, module.zip()?).await?.expect_status(401)?;
    server.http().with_token(Some(&reader)).put(&address, module.zip()?).await?.expect_status(403)?;
    server.http().put(&address, module.zip()?).await?.expect_status(201)?;
    server.http().put(&address, module.zip()?).await?.expect_status(200)?;
    let other = module.clone().file("more.go", "package once\n").zip()?;
    let refused = server.http().put(&address, other).await?.expect_status(409)?;
    assert!(refused.text().contains("example.org/once@v1.0.0 exists already"), "{}", refused.text());
    let broken = server.http().put("/go/main/example.org/once/@v/v1.0.1.zip", module.zip()?).await?;
    assert!(broken.expect_status(400)?.text().contains("outside of the folder"));

    let head = server.http().head(&address).await?.expect_status(200)?;
    assert_eq!(head.header("content-type"), Some("application/zip"));
    let etag = head.header("etag").context("no ETag")?.to_owned();
    server.http().get_with(&address, &[("if-none-match", &etag)]).await?.expect_status(304)?;
    let list = server.http().get("/go/main/example.org/once/@v/list").await?.expect_status(200)?;
    let etag = list.header("etag").context("no ETag")?.to_owned();
    let again = [("if-none-match", etag.as_str())];
    server.http().get_with("/go/main/example.org/once/@v/list", &again).await?.expect_status(304)?;

    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    let curl = tool("curl").context("no curl")?;
    let credentials = format!("__token__:{}", server.token());
    let run = Run::new(curl)?.args(["--silent", "--fail-with-body", "-u", &credentials, "-X", "DELETE"]);
    run.arg(format!("{}{address}", server.url())).succeed().await?;
    let ran = gopher.go(&["list", "-m", "-versions", "example.org/once"]).fail().await?;
    assert!(ran.says("there is no module example.org/once"), "{ran}");
    saw("go", "curl", Case::TakeBack);
    Ok(())
}

#[tokio::test]
async fn modules_of_an_upstream_are_had_decided_and_kept() -> Result<()> {
    let (far, server) = (server().await?, open_server().await?);
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    let pseudo = "v1.6.1-0.20260102030405-abcdefabcdef";
    for version in ["v1.0.0", "v1.5.0", pseudo] {
        publish(&far, &GoModule::new("example.org/Far/risk", version)).await?;
    }
    publish(&far, &GoModule::new("example.org/user", "v1.0.0").requires("example.org/Far/risk v1.0.0")).await?;
    let url = format!("http://{}/go/main", far.authority());
    let draft = serde_json::json!({
        "name": "far", "format": "go", "settings": { "url": url, "allow_private": true, "metadata_seconds": 0 },
        "secrets": { "username": "__token__", "password": far.token() },
    });
    server.http().post_json("/api/v1/repositories/main/upstreams", &draft).await?.expect_status(201)?;

    gopher.program(&["example.org/user", "example.org/Far/risk"]).await?;
    gopher.go(&["get", "example.org/user@latest", "example.org/Far/risk@v1.0.0"]).succeed().await?;
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert!(ran.says("example.org/user v1.0.0") && ran.says("example.org/Far/risk v1.0.0"), "{ran}");
    let ran = gopher.go(&["list", "-m", "-versions", "example.org/Far/risk"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "example.org/Far/risk v1.0.0 v1.5.0");
    let times = |server: &TestServer| {
        let http = server.http().clone();
        async move { http.get("/go/main/example.org/!far/risk/@v/v1.0.0.info").await?.expect_status(200)?.json() }
    };
    assert_eq!(times(&server).await?, times(&far).await?, "the time is that of the upstream");
    // What no list has can be asked for by its name.
    let ran = gopher.go(&["mod", "download", "-json", &format!("example.org/Far/risk@{pseudo}")]).succeed().await?;
    assert!(ran.says("2026-01-02T03:04:05Z") || ran.says(pseudo), "{ran}");
    saw("go", "go", Case::Proxied);

    // A version that an advisory is about is refused at its first pull; the list has no need of it any more.
    publish(&far, &GoModule::new("example.org/Far/risk", "v1.9.0")).await?;
    let mut record =
        feeds::osv_record("GO-2026-2", "Go", "example.org/Far/risk", None, feeds::CRITICAL, "2026-01-01T00:00:00Z");
    let events = serde_json::json!([{ "introduced": "1.9.0" }, { "fixed": "1.9.5" }]);
    record["affected"][0]["ranges"][0] = serde_json::json!({ "type": "SEMVER", "events": events });
    import(&server, &[&advisories(&server, "feed", &[record])?]).await?;
    refuse_dangerous(&server).await?;
    let ran = gopher.go(&["mod", "download", "-json", "example.org/Far/risk@v1.9.0"]).fail().await?;
    assert!(ran.says("is quarantined by policy too-dangerous") && ran.says("GO-2026-2"), "{ran}");
    gopher.go(&["mod", "download", "-json", "example.org/Far/risk@v1.5.0"]).succeed().await?;
    let ran = gopher.go(&["list", "-m", "example.org/Far/risk@latest"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "example.org/Far/risk v1.5.0");

    // What is here is had without the upstream, by who never asked before.
    drop(far);
    let other = Gopher::new(proxy(&server))?.context("go is there")?;
    other.go(&["mod", "download", "-json", "example.org/Far/risk@v1.0.0"]).succeed().await?;
    Ok(())
}

#[tokio::test]
async fn a_composed_repository_gives_what_its_members_have() -> Result<()> {
    let server = open_server().await?;
    let settings = serde_json::json!({ "anonymous_read": true, "members": ["main"], "push_to": "main" });
    let draft = serde_json::json!({ "name": "all" });
    server.http().post_json("/api/v1/repositories", &draft).await?.expect_status(201)?;
    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/all");
    server.http().send(change.json(&settings)).await?.expect_status(200)?;
    let module = GoModule::new("example.org/joint", "v1.0.0");
    server.http().put(&format!("/go/all/{}", module.address()), module.zip()?).await?.expect_status(201)?;
    let Some(gopher) = Gopher::new(format!("{}/go/all", server.url()))? else { return Ok(()) };
    gopher.program(&["example.org/joint"]).await?;
    gopher.go(&["get", "example.org/joint@latest"]).succeed().await?;
    let ran = gopher.go(&["run", "."]).succeed().await?;
    assert_eq!(ran.stderr.trim(), "example.org/joint v1.0.0");
    saw("go", "go", Case::Virtual);
    Ok(())
}

#[tokio::test]
async fn checksum_databases_are_passed_on_where_the_upstream_may() -> Result<()> {
    let server = open_server().await?;
    let remote = Remote::start().await?;
    let supported = "/go/main/sumdb/sum.example.org/supported";
    upstream(&server, "main", "far", "go", &remote.url(), serde_json::json!({})).await?;
    remote.gives("/sumdb/sum.example.org/supported", Answer::of(""));
    remote.gives("/sumdb/sum.example.org/tile/8/0/x001/234", Answer::of("tile"));
    remote.gives("/secret", Answer::of("secret"));
    let asked = server.http().get(supported).await?.expect_status(404)?;
    assert!(asked.text().contains("the checksum database `sum.example.org` is not passed on"), "{}", asked.text());

    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/main/upstreams/far");
    let settings = serde_json::json!({ "url": remote.url(), "allow_private": true, "relays": ["sum.example.org"] });
    server.http().send(change.json(&serde_json::json!({ "settings": settings }))).await?.expect_status(200)?;
    server.http().get(supported).await?.expect_status(200)?;
    let tile = server.http().get("/go/main/sumdb/sum.example.org/tile/8/0/x001/234").await?.expect_status(200)?;
    assert_eq!(tile.body, b"tile");
    for other in ["sum.example.org/latest", "other.example.org/supported", "sum.example.org/lookup/../../../secret"] {
        server.http().get(&format!("/go/main/sumdb/{other}")).await?.expect_status(404)?;
    }
    server.http().with_token(Some("wrong")).get(supported).await?.expect_status(401)?;
    Ok(())
}

#[tokio::test]
async fn a_public_module_comes_verified_by_the_public_checksum_database() -> Result<()> {
    let server = open_server().await?;
    let Some(gopher) = Gopher::new(proxy(&server))? else { return Ok(()) };
    // Those that this machine's `go` is set to use.
    let told = std::process::Command::new(&gopher.program).args(["env", "GOPROXY", "GOSUMDB"]).output()?.stdout;
    let told = String::from_utf8_lossy(&told).into_owned();
    let (proxies, database) = told.trim().split_once('\n').unwrap_or_default();
    let public = proxies.split([',', '|']).find(|word| word.starts_with("http")).unwrap_or_default().to_owned();
    let database = database.split_whitespace().next().unwrap_or_default().to_owned();
    let reachable = reqwest::get(format!("{public}/rsc.io/quote/@v/list")).await;
    if database.is_empty() || database == "off" || !reachable.is_ok_and(|reply| reply.status().is_success()) {
        assay_testkit::skipped("no public module proxy can be reached");
        return Ok(());
    }
    let more = serde_json::json!({ "relays": [database] });
    upstream(&server, "main", "public", "go", &public, more).await?;
    let download = ["mod", "download", "-json", "rsc.io/quote@v1.5.2"];
    let ran = gopher.go(&download).env("GOSUMDB", &database).succeed().await?;
    assert!(ran.says("h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="), "{ran}");
    let lookups = gopher.folder.path().join("cache-of-modules/cache/download/sumdb").join(&database).join("lookup");
    assert!(lookups.join("rsc.io/quote@v1.5.2").is_file(), "{ran}");
    let ran = gopher.go(&["list", "-m", "-json", "rsc.io/quote@v1.5.2"]).succeed().await?;
    assert!(ran.says("2018-02-14T15:44:20Z"), "{ran}");
    Ok(())
}
