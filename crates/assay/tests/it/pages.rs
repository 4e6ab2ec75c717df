//! The pages, as a browser shows them with and without JavaScript, and signing in by the form.

use crate::support::{
    advisories, import, open_to_everyone, package, package_id, publish, python_advisory, refuse_dangerous, server,
    settled,
};
use anyhow::{Context, Result};
use assay_testkit::make::wheel::Wheel;
use assay_testkit::{Http, Reply, Run, TestServer, tool};
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const CVE: &str = "CVE-2026-30003";

/// Whether the browser runs scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripts {
    On,
    Off,
}

/// A server with a refused package that everyone may read about; the answer names the package's page.
async fn world() -> Result<(TestServer, String)> {
    let server = server().await?;
    for version in ["1.0", "1.1"] {
        publish(&server, &Wheel::new("tiny-shown", version).build()?).await?;
    }
    let record = python_advisory("PYSEC-2026-7", CVE, "tiny-shown", "0", "1.1");
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    open_to_everyone(&server).await?;
    let page = format!("/ui/packages/{}", package_id(&server, "main/pypi/tiny-shown@1.0").await?);
    Ok((server, page))
}

/// Headless Chromium with a new profile in `folder` that asks nothing of any other host.
fn browser(program: &Path, folder: &Path, scripts: Scripts, more: &[&str], address: &str) -> Result<Run> {
    let quiet = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,1600",
    ];
    if scripts == Scripts::Off {
        // What the browser's own settings page writes when its user forbids scripts.
        let settings = json!({ "profile": { "default_content_setting_values": { "javascript": 2 } } });
        std::fs::create_dir_all(folder.join("profile/Default"))?;
        std::fs::write(folder.join("profile/Default/Preferences"), settings.to_string())?;
    }
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    Ok(Run::new(program)?.args(quiet).arg(profile).args(more).arg(address).limit(Duration::from_secs(120)))
}

/// The document after the browser has loaded it.
async fn shown(program: &Path, address: &str, scripts: Scripts) -> Result<String> {
    let folder = tempfile::tempdir()?;
    Ok(browser(program, folder.path(), scripts, &["--dump-dom"], address)?.succeed().await?.stdout)
}

/// A picture of the page.
async fn picture(program: &Path, address: &str, scripts: Scripts, more: &[&str]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("page.png");
    let argument = format!("--screenshot={}", file.display());
    let arguments: Vec<&str> = [argument.as_str()].into_iter().chain(more.iter().copied()).collect();
    browser(program, folder.path(), scripts, &arguments, address)?.succeed().await?;
    Ok(std::fs::read(file)?)
}

fn assert_shows(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "`{part}` is not in: {page}");
    }
}

#[tokio::test]
async fn the_package_page_says_all_that_led_to_its_state() -> Result<()> {
    let (server, page) = world().await?;
    let reason = format!("{CVE} is more dangerous than we allow");
    let parts = [
        "tiny-shown 1.0",
        "state-quarantined",
        "Refused: quarantined by too-dangerous",
        &reason,
        CVE,
        "9.8",
        "Nearest allowed version",
        "pkg:pypi/tiny-shown@1.0",
        "tiny_shown-1.0-py3-none-any.whl",
        "decision.quarantined",
        "package.published",
    ];
    let Some(chromium) = tool("chromium") else { return Ok(()) };
    let address = format!("{}{page}", server.url());
    assert_shows(&shown(&chromium, &address, Scripts::Off).await?, &parts);
    assert_shows(&shown(&chromium, &address, Scripts::On).await?, &parts);
    Ok(())
}

#[tokio::test]
async fn lists_work_without_scripts_and_filter_with_them() -> Result<()> {
    let Some(chromium) = tool("chromium") else { return Ok(()) };
    let (server, page) = world().await?;
    let plain = |path: &str| {
        let (chromium, address) = (chromium.clone(), format!("{}{path}", server.url()));
        async move { shown(&chromium, &address, Scripts::Off).await }
    };
    let parts = ["tiny-shown 1.0", "tiny-shown 1.1", "quarantined", "available", "<form"];
    assert_shows(&plain("/ui/packages").await?, &parts);
    let asked = plain("/ui/packages?state=quarantined").await?;
    assert!(asked.contains("tiny-shown 1.0") && !asked.contains("tiny-shown 1.1"), "{asked}");

    let searched = plain("/ui/packages?q=vulnerability%3ACVE-2026-30003+NOT+version%3A1.1").await?;
    assert!(searched.contains("tiny-shown 1.0") && !searched.contains("tiny-shown 1.1"), "{searched}");
    let unread = plain("/ui/packages?q=severity%3Adreadful").await?;
    assert_shows(&unread, &["`dreadful` is no severity", "value=\"severity:dreadful\"", "license:GPL*"]);

    let findings = format!("{page}/findings");
    let without = plain(&findings).await?;
    let with = shown(&chromium, &format!("{}{findings}", server.url()), Scripts::On).await?;
    assert_shows(&without, &[CVE, "critical"]);
    assert_shows(&with, &[CVE, "critical"]);
    assert!(!without.contains("live-filter") && with.contains("live-filter"), "scripts add a filter");
    Ok(())
}

#[tokio::test]
async fn pages_can_be_looked_at() -> Result<()> {
    let Some(chromium) = tool("chromium") else { return Ok(()) };
    let (server, page) = world().await?;
    let address = |path: &str| format!("{}{path}", server.url());
    for path in ["/ui/", "/ui/packages", &page, "/ui/login"] {
        assert_drawn(&picture(&chromium, &address(path), Scripts::On, &[]).await?);
    }
    let light = picture(&chromium, &address(&page), Scripts::Off, &[]).await?;
    assert_drawn(&light);
    let night = ["--blink-settings=preferredColorScheme=0"];
    let dark = picture(&chromium, &address(&page), Scripts::Off, &night).await?;
    assert_drawn(&dark);
    assert_ne!(light, dark, "there is a dark dress");
    Ok(())
}

/// The page, once it says something: downloads are written every few seconds.
async fn once_it_says(server: &TestServer, path: &str, part: &str) -> Result<String> {
    for _ in 0..100 {
        let page = server.http().get(path).await?.expect_status(200)?.text();
        if page.contains(part) {
            return Ok(page);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("{path} does not come to say `{part}`")
}

#[tokio::test]
async fn the_pages_follow_a_package_from_its_download_to_the_trash() -> Result<()> {
    let server = server().await?;
    for version in ["1.0", "1.1"] {
        publish(&server, &Wheel::new("tiny-kept", version).build()?).await?;
    }
    settled(&server).await?;
    open_to_everyone(&server).await?;
    let [old, new] = ["1.0", "1.1"].map(|version| format!("main/pypi/tiny-kept@{version}"));
    let (old, number) = (package_id(&server, &old).await?.to_string(), package_id(&server, &new).await?);
    let locations = package(&server, &new).await?["locations"].clone();
    let file = locations.as_object().and_then(|all| all.values().next()?.as_str()).context("a file")?.to_owned();
    for _ in 0..3 {
        server.http().get(&file).await?.expect_status(200)?;
    }
    server.cli(["repositories", "create", "release"])?.succeed().await?;
    server.cli(["promote", &number.to_string(), "release"])?.succeed().await?;
    server.cli(["delete", &old])?.succeed().await?;
    let quota = json!({ "quota_packages": 1, "retention": [{ "name": "few", "max_age_days": 3650 }] });
    let change = server.http().request(Method::PATCH, "/api/v1/repositories/main");
    server.http().send(change.json(&quota)).await?.expect_status(200)?;

    let (page, repository) = (format!("/ui/packages/{number}"), "/ui/repositories/main");
    let written = once_it_says(&server, &page, "class=\"chart-bar\"").await?;
    let back = format!("assay trash restore {old}");
    assert_shows(&written, &["published here", "copied to", "release", &format!("assay delete {number}")]);
    let seen = server.http().get(repository).await?.expect_status(200)?.text();
    assert_shows(&seen, &[&back, "tiny-kept 1.0", "Full:", "1 of 1 packages, 100 %", "deleted after 3650 days"]);
    let preview = server.http().get(&format!("{repository}/retention")).await?.expect_status(200)?.text();
    assert_shows(&preview, &["no package has passed a limit", "assay retention run main"]);
    assert_shows(&server.http().get("/ui/").await?.text(), &["To look at", "is full", "100 % of the quota"]);
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_fails_is_told_on_the_pages_and_the_command_line() -> Result<()> {
    let server = server().await?;
    // nobody listens where a listener was a moment ago
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let address = format!("http://{gone}/simple");
    let add = ["upstream", "add", "main", "gone", "--format", "pypi", "--allow-private", "true", "--address", &address];
    server.cli(add)?.succeed().await?;
    let list = || async { server.cli(["upstream", "list", "main"])?.succeed().await };
    assert!(list().await?.stdout.contains("not asked yet"));
    assert_shows(&server.http().get("/ui/repositories/main").await?.text(), &[&address, "not asked yet"]);
    assert!(!server.http().get("/ui/").await?.text().contains("To look at"));

    for name in ["one", "two", "three", "four"] {
        server.http().get(&format!("/pypi/main/simple/{name}/")).await?;
    }
    let listed = list().await?.stdout;
    assert!(listed.contains("paused until") || listed.contains("failing"), "{listed}");
    let rows = server.http().get("/api/v1/repositories/main/upstreams").await?.expect_status(200)?.json()?;
    let health = &rows["upstreams"][0]["health"];
    assert!(health["failures_in_a_row"].as_u64() >= Some(3) && health["error"].is_string(), "{rows}");
    assert_shows(&server.http().get("/ui/").await?.text(), &["To look at", "/ui/repositories/main#upstreams", "gone"]);
    assert_shows(&server.http().get("/ui/repositories/main").await?.text(), &["0 answered", "last failure"]);
    Ok(())
}

/// A PNG of the window's size that is more than one colour (those compress to a few kilobytes).
fn assert_drawn(picture: &[u8]) {
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n") && picture.len() > 12_000, "{} bytes", picture.len());
    let number = |at: usize| picture.get(at..at + 4).map(|four| four.iter().fold(0, |n, b| n * 256 + u32::from(*b)));
    assert_eq!(number(16), Some(1280));
    assert!(number(20).is_some_and(|high| high >= 1000));
}

async fn sign_in(http: &Http, token: &str, headers: &[(&str, &str)]) -> Result<Reply> {
    let request = http.request(Method::POST, "/ui/login");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    http.send(request.body(format!("username=token&token={token}&next=%2Fui%2Fpolicies"))).await
}

#[tokio::test]
async fn signing_in_by_the_form_gives_a_cookie_that_opens_the_pages() -> Result<()> {
    let server = server().await?;
    let stranger = server.http().with_token(None);
    let sent_away = stranger.get("/ui/policies").await?.expect_status(303)?;
    assert_eq!(sent_away.header("location"), Some("/ui/login?next=%2Fui%2Fpolicies"));
    let form = stranger.get("/ui/login?next=%2Fui%2Fpolicies").await?.expect_status(200)?.text();
    assert_shows(&form, &["method=\"post\"", "type=\"password\"", "value=\"/ui/policies\""]);

    let refused = sign_in(&stranger, "wrong", &[]).await?.expect_status(401)?;
    assert!(refused.header("set-cookie").is_none());
    assert_shows(&refused.text(), &["Not signed in"]);
    sign_in(&stranger, server.token(), &[("sec-fetch-site", "cross-site")]).await?.expect_status(403)?;

    let entered = sign_in(&stranger, server.token(), &[("sec-fetch-site", "same-origin")]).await?.expect_status(303)?;
    assert_eq!(entered.header("location"), Some("/ui/policies"));
    let cookie = entered.header("set-cookie").context("a session")?;
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap_or_default();
    stranger.get_with("/ui/policies", &[("cookie", cookie)]).await?.expect_status(200)?;
    // The cookie reads and never changes anything: no other site can make a browser do so.
    stranger.get_with("/api/v1/status", &[("cookie", cookie)]).await?.expect_status(200)?;
    let change = stranger.request(Method::POST, "/api/v1/repositories").header("cookie", cookie);
    stranger.send(change.json(&json!({ "name": "forged" }))).await?.expect_status(401)?;
    Ok(())
}
