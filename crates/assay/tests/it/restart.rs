//! Stopping and starting again: nothing is lost, and nothing is said twice.

use crate::support::{
    ASSAY, advisories, import, package, publish, python_advisory, refuse_dangerous, server, settled, state, token,
};
use anyhow::{Context, Result};
use assay_testkit::Http;
use assay_testkit::make::wheel::Wheel;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_stopped() -> Result<()> {
    let mut server = server().await?;
    publish(&server, &Wheel::new("tiny-kept", "1.0").build()?).await?;
    let record = python_advisory("PYSEC-2026-6", "CVE-2026-60006", "tiny-kept", "0", "2.0");
    let feed = advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    server.http().put("/generic/main/kept.txt", "kept").await?.expect_status(201)?;
    settled(&server).await?;
    let reader = token(&server, "read", &["main"]).await?;
    let (before, head) = (package(&server, "main/pypi/tiny-kept@1.0").await?, head(server.http()).await?);

    assert!(server.stop().await?.success(), "it ends well when asked to");
    server.restart().await?;
    settled(&server).await?;
    assert_eq!(head, self::head(server.http()).await?, "a start by itself changes nothing");
    let after = package(&server, "main/pypi/tiny-kept@1.0").await?;
    assert_eq!((&before["decision"], &before["findings"]), (&after["decision"], &after["findings"]));
    assert_eq!(state(&server, "main/pypi/tiny-kept@1.0").await?, "quarantined");
    let reader = server.http().with_token(Some(&reader));
    assert_eq!(reader.get("/generic/main/kept.txt").await?.expect_status(200)?.text(), "kept");
    reader.get("/pypi/main/files/tiny-kept/tiny_kept-1.0-py3-none-any.whl").await?.expect_status(403)?;
    server.cli(["log", "verify"])?.succeed().await?;
    Ok(())
}

async fn head(http: &Http) -> Result<String> {
    let check = http.get("/api/v1/events/verify").await?.expect_status(200)?.json()?;
    Ok(check["head"].as_str().context("a log has a head")?.to_owned())
}

/// A server without a token of the operator's choice; it ends when this goes away.
struct Fresh(Child);

impl Drop for Fresh {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it and gives what it printed once it is ready.
async fn started(data: &Path, log: &Path) -> Result<(Fresh, String)> {
    let mut command = Command::new(ASSAY);
    command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).env("ASSAY_SOURCES_SYNC", "off");
    command.env_remove("ASSAY_ADMIN_TOKEN").stdin(Stdio::null()).stdout(File::create(log)?).stderr(Stdio::null());
    let child = Fresh(command.spawn()?);
    let begun = Instant::now();
    loop {
        let printed = std::fs::read_to_string(log)?;
        let told_all = printed.contains("curl -u") || printed.contains("the one you kept");
        if told_all || begun.elapsed() > Duration::from_secs(60) {
            return Ok((child, printed));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark)?.1.split_whitespace().next()
}

#[tokio::test]
async fn the_first_start_shows_a_token_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, log) = (folder.path().join("data"), folder.path().join("printed"));
    let (first, printed) = started(&data, &log).await?;
    let secret = after(&printed, "\n  token ").context("a token is shown")?.to_owned();
    let address = after(&printed, "listening on ").context("the address is shown")?.to_owned();
    assert!(printed.contains(&format!("{address}/ui/")) && printed.contains("repository  main"), "{printed}");
    assert!(printed.contains("twine upload --repository-url") && printed.contains("shown once"), "{printed}");
    Http::new(&address, Some(&secret))?.get("/api/v1/status").await?.expect_status(200)?;
    assert_eq!(std::fs::read_to_string(data.join("listen"))?, format!("{}\n", address.trim_start_matches("http://")));
    drop(first);

    let (_second, printed) = started(&data, &log).await?;
    assert!(!printed.contains("shown once") && !printed.contains(&secret), "{printed}");
    let address = after(&printed, "listening on ").context("the address is shown")?;
    let http = Http::new(address, Some(&secret))?;
    let tokens = http.get("/api/v1/tokens").await?.expect_status(200)?.json()?;
    assert_eq!(tokens["tokens"].as_array().map(Vec::len), Some(1), "{tokens}");
    Ok(())
}
