//! Charts with Helm's command line: pushed as plug-ins and curl do, searched, pulled, rendered, verified, refused, hidden,
//! taken back; in a classic repository and as OCI artifacts.

use crate::support::{server, settled, state, token, unwrapped};
use anyhow::{Context, Result};
use assay_testkit::evidence::{Case, saw};
use assay_testkit::{Ran, Run, TestServer, tool};
use std::path::{Path, PathBuf};

/// Helm with configuration and caches of its own.
pub(crate) struct Sailor {
    helm: PathBuf,
    curl: PathBuf,
    folder: tempfile::TempDir,
}

impl Sailor {
    pub(crate) fn new() -> Result<Option<Self>> {
        let (Some(helm), Some(curl)) = (tool("helm"), tool("curl")) else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        for place in ["pulled", "again"] {
            std::fs::create_dir(folder.path().join(place))?;
        }
        Ok(Some(Self { helm, curl, folder }))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn helm(&self, arguments: &[&str]) -> Run {
        let home = self.folder.path();
        Run::in_home(&self.helm, home)
            .args(arguments)
            .current_dir(home)
            .env("HELM_CONFIG_HOME", home.join("helm-config"))
            .env("HELM_CACHE_HOME", home.join("helm-cache"))
            .env("HELM_DATA_HOME", home.join("helm-data"))
    }

    /// The sources of a chart with one template, packed by Helm; the answer is the name of its file.
    pub(crate) async fn package(&self, name: &str, version: &str, more: &[&str]) -> Result<String> {
        let folder = self.path("source").join(name);
        std::fs::create_dir_all(folder.join("templates"))?;
        let chart = format!(
            "apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: \"3.4\"\ndescription: A chart of {name}\n\
             keywords: [tiny]\nannotations:\n  example.org/licence: MIT\n"
        );
        std::fs::write(folder.join("Chart.yaml"), chart)?;
        std::fs::write(folder.join("values.yaml"), "greeting: hello\n")?;
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
                        said: {{ .Values.greeting }} from {{ .Chart.Version }}\n";
        std::fs::write(folder.join("templates/map.yaml"), template)?;
        let place = folder.to_str().context("no text")?.to_owned();
        self.helm(&["package", &place]).args(more).succeed().await?;
        Ok(format!("{name}-{version}.tgz"))
    }

    fn curl(&self, server: &TestServer, arguments: &[&str]) -> Result<Run> {
        let credentials = format!("__token__:{}", server.token());
        let run = Run::new(&self.curl)?.current_dir(self.folder.path());
        Ok(run.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials]).args(arguments))
    }

    /// What `helm cm-push` sends.
    async fn push(&self, server: &TestServer, file: &str) -> Result<()> {
        let ran = self.curl(server, &["-F", &format!("chart=@{file}"), &api(server, "")])?.succeed().await?;
        assert_eq!(ran.stdout.trim(), "{\"saved\":true}");
        Ok(())
    }

    async fn stocked(&self, server: &TestServer, charts: &[(&str, &str)]) -> Result<()> {
        for (name, version) in charts {
            let file = self.package(name, version, &[]).await?;
            self.push(server, &file).await?;
        }
        settled(server).await
    }

    /// `helm repo add` of the repository `main`.
    async fn add(&self, server: &TestServer, password: &str) -> Result<Ran> {
        let address = address(server);
        let add =
            ["repo", "add", "--force-update", "ours", &address, "--username", "__token__", "--password", password];
        self.helm(&add).run().await
    }
}

fn address(server: &TestServer) -> String {
    format!("{}/helm/main", server.url())
}

fn api(server: &TestServer, rest: &str) -> String {
    format!("{}/helm/main/api/charts{rest}", server.url())
}

/// A policy that matches one version of one chart.
async fn against(server: &TestServer, action: &str, name: &str, version: &str) -> Result<()> {
    let file = server.scratch().join("not-this-chart.rego");
    let text = format!(
        "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if count(reason) > 0\n\n\
         reason contains \"this chart opens a port to everyone\" if {{\n\tinput.v0[\"package\"].name == \"{name}\"\n\t\
         input.v0[\"package\"].version == \"{version}\"\n}}\n"
    );
    std::fs::write(&file, text)?;
    server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
    settled(server).await
}

#[tokio::test]
async fn charts_are_added_searched_pulled_and_rendered() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("web", "1.2.0"), ("web", "1.10.0"), ("web", "2.0.0-rc.1"), ("store", "0.3.0")]).await?;
    saw("helm", "curl", Case::Push);

    let ran = sailor.add(&server, server.token()).await?;
    assert!(ran.status.success() && ran.says("\"ours\" has been added"), "{ran}");
    sailor.helm(&["repo", "update"]).succeed().await?;
    let ran = sailor.helm(&["search", "repo", "ours/", "--versions"]).succeed().await?;
    let said = unwrapped(&ran);
    for line in ["ours/store 0.3.0 3.4 A chart of store", "ours/web 1.10.0 3.4 A chart of web", "ours/web 1.2.0 3.4"] {
        assert!(said.contains(line), "{line}: {ran}");
    }
    assert!(!said.contains("2.0.0-rc.1"), "pre-releases are shown to those who ask: {ran}");
    saw("helm", "helm", Case::Search);

    sailor.helm(&["pull", "ours/web", "--version", "^1.0.0", "--destination", "pulled"]).succeed().await?;
    let (had, sent) = (sailor.path("pulled").join("web-1.10.0.tgz"), sailor.path("web-1.10.0.tgz"));
    assert_eq!(std::fs::read(had)?, std::fs::read(sent)?);
    let ran = sailor.helm(&["template", "boat", "ours/web", "--set", "greeting=ahoy"]).succeed().await?;
    assert!(ran.says("said: ahoy from 1.10.0"), "{ran}");
    let install = ["install", "boat", "ours/web", "--version", "1.2.0", "--dry-run=client"];
    let ran = sailor.helm(&install).succeed().await?;
    assert!(ran.says("said: hello from 1.2.0"), "{ran}");
    let ran = sailor.helm(&["show", "chart", "ours/store"]).succeed().await?;
    assert!(ran.says("example.org/licence: MIT"), "{ran}");
    saw("helm", "helm", Case::Pull);
    Ok(())
}

#[tokio::test]
async fn a_chart_that_others_depend_on_is_found_for_them() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("base", "1.0.0"), ("base", "1.4.0")]).await?;
    sailor.add(&server, server.token()).await?;
    sailor.package("top", "1.0.0", &[]).await?;
    let chart = sailor.path("source/top/Chart.yaml");
    let more = "dependencies:\n- name: base\n  version: ~1.x\n  repository: \"@ours\"\n";
    std::fs::write(&chart, std::fs::read_to_string(&chart)? + more)?;
    let ran = sailor.helm(&["dependency", "update", "source/top"]).succeed().await?;
    assert!(sailor.path("source/top/charts/base-1.4.0.tgz").is_file(), "{ran}");
    Ok(())
}

#[tokio::test]
async fn signed_charts_are_verified_with_the_keys_of_their_user() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let Some(gpg) = tool("gpg") else { return Ok(()) };
    let server = server().await?;
    let keys = Keys::new(&gpg, sailor.folder.path()).await?;
    let signing = ["--sign", "--key", "tester@example.org", "--keyring", &keys.secret];
    let file = sailor.package("sealed", "1.0.0", &signing).await?;
    let (chart, prov) = (format!("chart=@{file}"), format!("prov=@{file}.prov"));
    sailor.curl(&server, &["-F", &chart, "-F", &prov, &api(&server, "")])?.succeed().await?;
    settled(&server).await?;

    sailor.add(&server, server.token()).await?;
    let pull = ["pull", "ours/sealed", "--verify", "--keyring", &keys.public, "--destination", "pulled"];
    let ran = sailor.helm(&pull).succeed().await?;
    assert!(ran.says("Signed by: tester <tester@example.org>") && ran.says("Chart Hash Verified"), "{ran}");
    let ran = sailor.helm(&["verify", "pulled/sealed-1.0.0.tgz", "--keyring", &keys.public]).succeed().await?;
    assert!(ran.says("Chart Hash Verified"), "{ran}");

    // A signature of other bytes is refused, and one that comes later is taken.
    let unsigned = sailor.package("sealed", "2.0.0", &[]).await?;
    sailor.push(&server, &unsigned).await?;
    let address = format!("{}/{unsigned}.prov", address(&server));
    let signature = format!("{file}.prov");
    let ran = sailor.curl(&server, &["-T", &signature, &address])?.fail().await?;
    assert!(ran.says("does not sign sealed-2.0.0.tgz"), "{ran}");
    sailor.package("sealed", "2.0.0", &signing).await?;
    let ran = sailor.curl(&server, &["--data-binary", &format!("@{unsigned}.prov"), &prov_api(&server)])?.run().await?;
    // Packing again gives other bytes unless it happened within a second.
    assert!(ran.says("saved") || ran.says("signs other bytes"), "{ran}");
    Ok(())
}

fn prov_api(server: &TestServer) -> String {
    format!("{}/helm/main/api/prov", server.url())
}

/// A key of a tester, as files that Helm reads.
struct Keys {
    gpg: PathBuf,
    home: PathBuf,
    secret: String,
    public: String,
}

impl Keys {
    async fn new(gpg: &Path, folder: &Path) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("k").tempdir_in("/tmp")?.keep();
        let text = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let (secret, public) = (text("secret.gpg"), text("public.gpg"));
        let keys = Self { gpg: gpg.to_path_buf(), home, secret, public };
        let make = ["--quick-gen-key", "tester <tester@example.org>", "rsa2048", "sign", "never"];
        keys.run(&make).await?;
        keys.run(&["--output", &keys.secret, "--export-secret-keys"]).await?;
        keys.run(&["--output", &keys.public, "--export"]).await?;
        Ok(keys)
    }
    async fn run(&self, arguments: &[&str]) -> Result<()> {
        let run = Run::in_home(&self.gpg, &self.home).env("GNUPGHOME", &self.home);
        run.args(["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]).args(arguments).succeed().await?;
        Ok(())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Its agent ends by itself when its folder is gone.
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

#[tokio::test]
async fn a_quarantined_version_is_passed_over_and_refused_with_its_reason() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("web", "1.0.0"), ("web", "1.5.0"), ("web", "2.0.0")]).await?;
    against(&server, "quarantine", "web", "2.0.0").await?;
    assert_eq!(state(&server, "main/helm/web@2.0.0").await?, "quarantined");

    sailor.add(&server, server.token()).await?;
    let ran = sailor.helm(&["pull", "ours/web", "--version", ">=1.0.0", "--destination", "pulled"]).succeed().await?;
    assert!(sailor.path("pulled/web-1.5.0.tgz").is_file(), "{ran}");
    sailor.helm(&["pull", "ours/web", "--version", "2.0.0"]).fail().await?;
    let direct = format!("{}/charts/web-2.0.0.tgz", address(&server));
    let pull = ["pull", &direct, "--username", "x", "--password", server.token()];
    let said = unwrapped(&sailor.helm(&pull).fail().await?);
    for part in ["403", "web 2.0.0 is quarantined by policy not-this-chart", "opens a port to everyone", "1.5.0"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    saw("helm", "helm", Case::Quarantined);
    let ran = sailor.curl(&server, &[&direct])?.fail().await?;
    assert!(ran.says("\"error\":\"web 2.0.0 is quarantined by policy not-this-chart"), "{ran}");
    saw("helm", "curl", Case::Quarantined);
    Ok(())
}

#[tokio::test]
async fn a_hidden_version_is_not_there() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("web", "1.0.0"), ("web", "2.0.0")]).await?;
    against(&server, "hide", "web", "2.0.0").await?;
    sailor.add(&server, server.token()).await?;
    let ran = sailor.helm(&["search", "repo", "ours/", "--versions"]).succeed().await?;
    assert!(ran.says("1.0.0") && !ran.says("2.0.0"), "{ran}");
    let direct = format!("{}/charts/web-2.0.0.tgz", address(&server));
    let pull = ["pull", &direct, "--username", "x", "--password", server.token()];
    let ran = sailor.helm(&pull).fail().await?;
    assert!(ran.says("404"), "{ran}");
    saw("helm", "helm", Case::Hidden);
    Ok(())
}

#[tokio::test]
async fn without_permission_helm_says_so() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("web", "1.0.0")]).await?;
    let ran = sailor.add(&server, "wrong").await?;
    assert!(!ran.status.success() && ran.says("401") && ran.says("the token is wrong, revoked or expired"), "{ran}");
    saw("helm", "helm", Case::NoPermission);

    let reader = token(&server, "read", &["main"]).await?;
    let ran = sailor.add(&server, &reader).await?;
    assert!(ran.status.success(), "{ran}");
    sailor.helm(&["pull", "ours/web"]).succeed().await?;
    let http = server.http().with_token(Some(&reader));
    let chart = std::fs::read(sailor.path("web-1.0.0.tgz"))?;
    let refused = http.post("/helm/main/api/charts", chart).await?.expect_status(403)?;
    assert!(refused.json()?["error"].as_str().unwrap_or_default().contains("lacks `write` on main"));
    http.delete("/helm/main/api/charts/web/1.0.0").await?.expect_status(403)?;
    server.http().with_token(None).get("/helm/main/index.yaml").await?.expect_status(401)?;
    Ok(())
}

#[tokio::test]
async fn the_api_takes_back_and_the_index_can_be_cached() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    sailor.stocked(&server, &[("web", "1.0.0"), ("web", "1.1.0"), ("store", "1.0.0")]).await?;
    let index = server.http().get("/helm/main/index.yaml").await?.expect_status(200)?;
    assert_eq!(index.header("content-type"), Some("application/yaml"));
    let etag = index.header("etag").context("no ETag")?.to_owned();
    let again = [("if-none-match", etag.as_str())];
    server.http().get_with("/helm/main/index.yaml", &again).await?.expect_status(304)?;

    let ran = sailor.curl(&server, &["-X", "DELETE", &api(&server, "/web/1.1.0")])?.succeed().await?;
    assert_eq!(ran.stdout.trim(), "{\"deleted\":true}");
    let changed = server.http().get_with("/helm/main/index.yaml", &again).await?.expect_status(200)?;
    assert!(!changed.text().contains("1.1.0"), "{}", changed.text());
    sailor.add(&server, server.token()).await?;
    let ran = sailor.helm(&["search", "repo", "ours/web", "--versions"]).succeed().await?;
    assert!(ran.says("1.0.0") && !ran.says("1.1.0"), "{ran}");
    saw("helm", "curl", Case::TakeBack);

    let file = format!("{}/web-1.0.0.tgz", address(&server));
    sailor.curl(&server, &["-T", "web-1.0.0.tgz", &file])?.succeed().await?;
    let ran = sailor.curl(&server, &["-T", "store-1.0.0.tgz", &file])?.fail().await?;
    assert!(ran.says("which is store-1.0.0.tgz"), "{ran}");
    server.http().head("/helm/main/api/charts/web/1.0.0").await?.expect_status(200)?;
    server.http().head("/helm/main/api/charts/web/1.1.0").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn charts_of_an_upstream_are_had_decided_and_kept() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let (far, server) = (server().await?, server().await?);
    sailor.stocked(&far, &[("web", "1.0.0"), ("web", "1.5.0"), ("web", "2.0.0"), ("store", "0.1.0")]).await?;
    against(&server, "quarantine", "web", "2.0.0").await?;
    let draft = serde_json::json!({
        "name": "far", "format": "helm", "settings": { "url": address(&far), "allow_private": true },
        "secrets": { "username": "__token__", "password": far.token() },
    });
    server.http().post_json("/api/v1/repositories/main/upstreams", &draft).await?.expect_status(201)?;

    sailor.add(&server, server.token()).await?;
    let ran = sailor.helm(&["search", "repo", "ours/", "--versions"]).succeed().await?;
    let said = unwrapped(&ran);
    assert!(said.contains("ours/store 0.1.0 3.4 A chart of store") && said.contains("ours/web 1.0.0 3.4"), "{ran}");
    sailor.helm(&["pull", "ours/web", "--version", "1.5.0", "--destination", "pulled"]).succeed().await?;
    let (had, sent) = (sailor.path("pulled/web-1.5.0.tgz"), sailor.path("web-1.5.0.tgz"));
    assert_eq!(std::fs::read(had)?, std::fs::read(sent)?);
    let one = |server: &TestServer| {
        let http = server.http().clone();
        async move { http.get("/helm/main/api/charts/web/1.5.0").await?.expect_status(200)?.json() }
    };
    assert_eq!(one(&server).await?, one(&far).await?, "fields, digest and time are those of the upstream");
    saw("helm", "helm", Case::Proxied);

    // The first pull of what policy forbids is refused, and the index does without it from then on.
    let said = unwrapped(&sailor.helm(&["pull", "ours/web", "--version", "2.0.0"]).fail().await?);
    assert!(said.contains("403") && said.contains("web 2.0.0 is quarantined by policy not-this-chart"), "{said}");
    sailor.helm(&["repo", "update"]).succeed().await?;
    let ran = sailor.helm(&["search", "repo", "ours/web", "--versions"]).succeed().await?;
    assert!(ran.says("1.5.0") && !ran.says("2.0.0"), "{ran}");

    drop(far);
    sailor.helm(&["pull", "ours/web", "--version", "1.5.0", "--destination", "again"]).succeed().await?;
    Ok(())
}

#[tokio::test]
async fn a_composed_repository_gives_what_its_members_have() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    server.http().post_json("/api/v1/repositories", &serde_json::json!({ "name": "all" })).await?.expect_status(201)?;
    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/all");
    let settings = serde_json::json!({ "members": ["main"], "push_to": "main" });
    server.http().send(change.json(&settings)).await?.expect_status(200)?;
    let file = sailor.package("web", "1.0.0", &[]).await?;
    let all = format!("{}/helm/all", server.url());
    sailor.curl(&server, &["-F", &format!("chart=@{file}"), &format!("{all}/api/charts")])?.succeed().await?;
    settled(&server).await?;
    let add = ["repo", "add", "ours", &all, "--username", "__token__", "--password", server.token()];
    sailor.helm(&add).succeed().await?;
    sailor.helm(&["pull", "ours/web", "--destination", "pulled"]).succeed().await?;
    assert!(sailor.path("pulled").join(&file).is_file());
    saw("helm", "helm", Case::Virtual);
    Ok(())
}

#[tokio::test]
async fn charts_are_also_kept_as_oci_artifacts() -> Result<()> {
    let Some(sailor) = Sailor::new()? else { return Ok(()) };
    let server = server().await?;
    let file = sailor.package("web", "1.0.0", &[]).await?;
    let login = ["registry", "login", "--plain-http", "-u", "__token__", "-p", server.token(), &server.authority()];
    sailor.helm(&login).succeed().await?;
    let place = format!("oci://{}/main/charts", server.authority());
    let ran = sailor.helm(&["push", "--plain-http", &file, &place]).succeed().await?;
    assert!(ran.says("Pushed:"), "{ran}");
    settled(&server).await?;
    let name = format!("{place}/web");
    let pull = ["pull", "--plain-http", &name, "--version", "1.0.0", "--destination", "pulled"];
    sailor.helm(&pull).succeed().await?;
    let (had, sent) = (sailor.path("pulled").join(&file), sailor.path(&file));
    assert_eq!(std::fs::read(had)?, std::fs::read(sent)?);
    // It is seen: as a package of the repository, under its name and tag.
    let listed = server.http().get("/api/v1/packages?format=oci").await?.expect_status(200)?;
    assert!(listed.text().contains("charts/web"), "{}", listed.text());
    let tags = server.http().get("/v2/main/charts/web/tags/list").await?.expect_status(200)?;
    assert_eq!(tags.json()?["tags"][0], "1.0.0");
    Ok(())
}
