//! The pages, as a browser shows them with and without JavaScript, and signing in by the form.

use crate::support::{
    advisories, import, open_to_everyone, package_id, publish, python_advisory, refuse_dangerous, server,
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
