//! Installers of Python packages beside each other: each takes the newest allowed version, prints why a quarantined one is
//! refused, does not see a hidden one, and gets nothing without permission. Publishers beside each other likewise.

use crate::proxied::upstream;
use crate::support::{open_to_everyone, pip, publish, server, settled, state, token, twine, unwrapped, uv};
use anyhow::{Context, Result};
use assay_testkit::{
    Ran, Run, TestServer,
    evidence::{Case, saw},
    make::wheel::Wheel,
    tool,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A client that installs `wanted` into a folder with a token; `None` and a line that says so where it is missing.
type Install = fn(&TestServer, &str, &Path, &str) -> Result<Option<Run>>;

const INSTALLERS: [(&str, Install); 4] = [("pip", by_pip), ("uv", by_uv), ("poetry", by_poetry), ("pdm", by_pdm)];

fn index(server: &TestServer, token: &str) -> String {
    format!("http://anyone:{token}@{}/pypi/main/simple/", server.authority())
}

fn by_pip(server: &TestServer, token: &str, folder: &Path, wanted: &str) -> Result<Option<Run>> {
    pip(&index(server, token), folder, &[wanted])
}

fn by_uv(server: &TestServer, token: &str, folder: &Path, wanted: &str) -> Result<Option<Run>> {
    uv(&index(server, token), folder, &[wanted])
}

/// The project that Poetry and PDM work in.
fn project(folder: &Path, more: &str) -> Result<()> {
    let text = "[project]\nname = \"app\"\nversion = \"0.1.0\"\nrequires-python = \">=3.9\"\ndependencies = []\n";
    Ok(std::fs::write(folder.join("pyproject.toml"), format!("{text}\n{more}"))?)
}

fn by_poetry(server: &TestServer, token: &str, folder: &Path, wanted: &str) -> Result<Option<Run>> {
    let Some(program) = tool("poetry") else { return Ok(None) };
    let source = format!("{}/pypi/main/simple/", server.url());
    let more =
        "[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = \"assay\"\npriority = \"primary\"\n";
    project(folder, &format!("{more}url = \"{source}\"\n"))?;
    let run = Run::new(program)?.args(["add", "--no-interaction", wanted]).current_dir(folder);
    let run = run.env("POETRY_HTTP_BASIC_ASSAY_USERNAME", "anyone").env("POETRY_HTTP_BASIC_ASSAY_PASSWORD", token);
    Ok(Some(run.env("POETRY_VIRTUALENVS_IN_PROJECT", "true")))
}

fn by_pdm(server: &TestServer, token: &str, folder: &Path, wanted: &str) -> Result<Option<Run>> {
    let Some(program) = tool("pdm") else { return Ok(None) };
    let index = index(server, token);
    project(
        folder,
        &format!("[tool.pdm]\ndistribution = false\n\n[[tool.pdm.source]]\nname = \"pypi\"\nurl = \"{index}\"\n"),
    )?;
    Ok(Some(Run::new(program)?.args(["add", wanted]).current_dir(folder).env("PDM_CHECK_UPDATE", "0")))
}

/// Whether a distribution is installed below the folder, as `name-version.dist-info`.
fn installed(folder: &Path, info: &str) -> bool {
    let environments = std::fs::read_dir(folder.join(".venv/lib")).into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = environments.map(|entry| entry.path().join("site-packages")).collect();
    places.push(folder.to_path_buf());
    places.iter().any(|place| place.join(format!("{info}.dist-info")).is_dir())
}

/// A policy that matches one version, to quarantine or hide it.
async fn forbid(server: &TestServer, action: &str, version: &str) -> Result<()> {
    let text = format!(
        "package cloudsmith\n\nimport rego.v1\n\ndefault match := false\n\nmatch if count(reason) > 0\n\n\
         reason contains \"{version} is not allowed, see CVE-2026-10001\" if {{\n\
         \tinput.v0.package.version == \"{version}\"\n}}\n"
    );
    let file = server.scratch().join(format!("{action}-it.rego"));
    std::fs::write(&file, text)?;
    server.cli(["policy", "add", "--action", action])?.arg(file).succeed().await?;
    settled(server).await
}

/// 1.0 may be had, 1.1 is quarantined, 1.2 is hidden.
async fn guarded() -> Result<TestServer> {
    let server = server().await?;
    for version in ["1.0", "1.1", "1.2"] {
        publish(&server, &Wheel::new("tiny-guard", version).build()?).await?;
    }
    settled(&server).await?;
    forbid(&server, "quarantine", "1.1").await?;
    forbid(&server, "hide", "1.2").await?;
    assert_eq!(state(&server, "main/pypi/tiny-guard@1.1").await?, "quarantined");
    assert_eq!(state(&server, "main/pypi/tiny-guard@1.2").await?, "hidden");
    Ok(server)
}

async fn install(server: &TestServer, client: Install, token: &str, wanted: &str) -> Result<Option<(Ran, bool)>> {
    let folder = tempfile::tempdir()?;
    let Some(run) = client(server, token, folder.path(), wanted)? else { return Ok(None) };
    let ran = run.run().await?;
    let has = ["1.0", "1.1", "1.2"].iter().any(|v| installed(folder.path(), &format!("tiny_guard-{v}")));
    let newest = installed(folder.path(), "tiny_guard-1.0");
    assert!(!has || newest, "only 1.0 may be installed: {ran}");
    Ok(Some((ran, newest)))
}

#[tokio::test]
async fn every_installer_takes_what_is_allowed_and_says_why_not() -> Result<()> {
    let server = guarded().await?;
    for (name, client) in INSTALLERS {
        let Some((ran, has)) = install(&server, client, server.token(), "tiny-guard>=1").await? else { continue };
        assert!(ran.status.success() && has, "{name} takes 1.0: {ran}");
        saw("pypi", name, Case::Pull);

        let pinned = install(&server, client, server.token(), "tiny-guard==1.1").await?;
        let (ran, has) = pinned.context("the client is there")?;
        let said = unwrapped(&ran);
        assert!(!ran.status.success() && !has, "{name}: {ran}");
        if name == "pdm" {
            // Its cache of answers drops the reason phrase, and it prints nothing else of them.
            assert!(said.contains("403 Forbidden"), "{name}: {said}");
        } else {
            for part in ["tiny-guard 1.1 is quarantined by policy", "CVE-2026-10001", "Nearest allowed version: 1.0"] {
                assert!(said.contains(part), "{name}: {part}: {said}");
            }
            saw("pypi", name, Case::Quarantined);
        }

        let hidden = install(&server, client, server.token(), "tiny-guard==1.2").await?;
        let (ran, has) = hidden.context("the client is there")?;
        assert!(!ran.status.success() && !has && !unwrapped(&ran).contains("CVE-2026-10001"), "{name}: {ran}");
        saw("pypi", name, Case::Hidden);
    }
    Ok(())
}

#[tokio::test]
async fn no_installer_gets_anything_without_permission() -> Result<()> {
    let server = guarded().await?;
    server.http().post_json("/api/v1/repositories", &json!({ "name": "other" })).await?.expect_status(201)?;
    let elsewhere = token(&server, "read", &["other"]).await?;
    for (name, client) in INSTALLERS {
        let Some((ran, has)) = install(&server, client, &elsewhere, "tiny-guard").await? else { continue };
        assert!(!ran.status.success() && !has, "{name}: {ran}");
        let said = unwrapped(&ran);
        let told = match name {
            "uv" => said.contains("403 Forbidden"),
            "poetry" => said.contains("Authorization error"),
            _ => said.contains("tiny-guard"),
        };
        assert!(told, "{name}: {said}");
        saw("pypi", name, Case::NoPermission);
    }
    Ok(())
}

/// A client that publishes the files of `dist` in a folder.
fn publisher(name: &str, server: &TestServer, token: &str, folder: &Path) -> Result<Option<Run>> {
    let address = format!("{}/pypi/main/legacy/", server.url());
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("dist"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    if name == "twine" {
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        return twine(server, "__token__", token, &[], &files);
    }
    let Some(program) = tool(name) else { return Ok(None) };
    let run = Run::new(program)?.arg("publish").current_dir(folder);
    Ok(Some(match name {
        "uv" => run.args(["--publish-url", &address, "--token", token]).args(files),
        "poetry" => run
            .args(["--no-interaction", "--repository", "assay", "--username", "__token__", "--password", token])
            .env("POETRY_REPOSITORIES_ASSAY_URL", address),
        _ => run
            .args(["--no-build", "--repository", &address, "--username", "__token__", "--password", token])
            .env("PDM_CHECK_UPDATE", "0"),
    }))
}

#[tokio::test]
async fn every_publisher_publishes_and_is_refused_without_permission() -> Result<()> {
    let server = server().await?;
    let reader = token(&server, "read", &["main"]).await?;
    for name in ["twine", "uv", "poetry", "pdm"] {
        let folder = tempfile::tempdir()?;
        project(folder.path(), "")?;
        std::fs::create_dir(folder.path().join("dist"))?;
        // Poetry publishes only what is of its project.
        Wheel::new("app", "0.1.0")
            .file(&format!("{name}.py"), "")
            .tag(&format!("py3-none-{name}_1"))
            .build()?
            .write_to(&folder.path().join("dist"))?;
        let Some(run) = publisher(name, &server, &reader, folder.path())? else { continue };
        let refused = run.fail().await?;
        assert!(unwrapped(&refused).contains("403"), "{name}: {refused}");
        if name != "pdm" {
            assert!(unwrapped(&refused).contains("lacks `write` on main"), "{name}: {refused}");
        }
        saw("pypi", name, Case::NoPermission);

        publisher(name, &server, server.token(), folder.path())?.context("it is there")?.succeed().await?;
        let path = format!("/pypi/main/files/app/app-0.1.0-py3-none-{name}_1.whl");
        server.http().head(&path).await?.expect_status(200)?;
        saw("pypi", name, Case::Push);
    }
    Ok(())
}

#[tokio::test]
async fn pip_lists_downloads_and_is_told_how_to_search() -> Result<()> {
    let server = guarded().await?;
    let Some(program) = tool("pip") else { return Ok(()) };
    let index = index(&server, server.token());
    let run = Run::new(&program)?.args(["index", "versions", "--index-url", &index, "tiny-guard"]);
    let ran = run.succeed().await?;
    assert!(ran.says("Available versions: 1.0\n"), "{ran}");
    saw("pypi", "pip", Case::Search);

    let folder = tempfile::tempdir()?;
    let run = Run::new(&program)?.args(["download", "--no-cache-dir", "--index-url", &index, "tiny-guard", "--dest"]);
    run.arg(folder.path()).succeed().await?;
    assert!(folder.path().join("tiny_guard-1.0-py3-none-any.whl").is_file());

    let searched = format!("http://anyone:{}@{}/pypi/main/", server.token(), server.authority());
    let ran = Run::new(&program)?.args(["search", "--index", &searched, "tiny"]).fail().await?;
    let said = unwrapped(&ran);
    assert!(said.contains("XMLRPC request failed") && said.contains("no search by XML-RPC"), "{said}");
    assert!(!said.contains("Traceback"), "{said}");
    Ok(())
}

#[tokio::test]
async fn every_installer_installs_through_an_upstream() -> Result<()> {
    let (far, near) = (server().await?, server().await?);
    for version in ["1.0", "1.1"] {
        publish(&far, &Wheel::new("tiny-guard", version).build()?).await?;
    }
    settled(&far).await?;
    open_to_everyone(&far).await?;
    let address = format!("{}/pypi/main/simple", far.url());
    upstream(&near, "main", "far", "pypi", &address, json!({})).await?;
    forbid(&near, "quarantine", "1.1").await?;
    for (name, client) in INSTALLERS {
        // The first of them makes the server fetch and decide; the others meet what was decided.
        let Some((ran, has)) = install(&near, client, near.token(), "tiny-guard==1.1").await? else { continue };
        assert!(!ran.status.success() && !has, "{name}: {ran}");
        if name != "pdm" {
            assert!(unwrapped(&ran).contains("1.1 is not allowed, see CVE-2026-10001"), "{name}: {ran}");
        }
        let (ran, has) = install(&near, client, near.token(), "tiny-guard").await?.context("the client is there")?;
        assert!(ran.status.success() && has, "{name}: {ran}");
        saw("pypi", name, Case::Proxied);
    }
    let listed = near.http().get_with("/pypi/main/simple/tiny-guard/", &[("accept", "application/json")]).await?;
    let listed = listed.expect_status(200)?.json()?;
    assert_eq!(listed["meta"]["tracks"], json!([format!("{address}/tiny-guard/")]), "{listed}");
    assert_eq!(listed["versions"], json!(["1.0", "1.1"]), "{listed}");
    Ok(())
}
