//! Upstreams as a repository's users meet them: first pulls, caches, and remote registries that are slow, down, changed or
//! lying. A generic repository shows what is the same for all formats; the clients of each are in their own files.

use std::time::{Duration, Instant};

use anyhow::Result;
use assay_testkit::make::sha256;
use assay_testkit::make::wheel::{Built, Wheel};
use assay_testkit::remote::{Answer, Remote};
use assay_testkit::{Reply, TestServer};
use serde_json::{Value, json};

use crate::support::{
    advisories, import, index_url, options, pip, publish, python_advisory, refuse_dangerous, server, settled, unwrapped,
};

/// Adds an upstream on this machine to a repository.
pub async fn upstream(
    server: &TestServer,
    repository: &str,
    name: &str,
    format: &str,
    url: &str,
    more: Value,
) -> Result<()> {
    let mut settings = json!({ "url": url, "allow_private": true });
    if let (Some(settings), Some(more)) = (settings.as_object_mut(), more.as_object()) {
        settings.extend(more.clone());
    }
    let draft = json!({ "name": name, "format": format, "settings": settings });
    let path = format!("/api/v1/repositories/{repository}/upstreams");
    server.http().post_json(&path, &draft).await?.expect_status(201)?;
    Ok(())
}

/// A server whose `main` takes files from a scripted remote.
async fn behind(more: Value) -> Result<(TestServer, Remote)> {
    let (server, remote) = (server().await?, Remote::start().await?);
    upstream(&server, "main", "far", "generic", &remote.url(), more).await?;
    Ok((server, remote))
}

async fn get(server: &TestServer, path: &str) -> Result<Reply> {
    server.http().get(&format!("/generic/main/{path}")).await
}

#[tokio::test]
async fn a_first_pull_is_fetched_decided_and_kept() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/tools/a.bin", Answer::of("hello"));
    assert_eq!(get(&server, "tools/a.bin").await?.expect_status(200)?.body, b"hello"[..]);
    let package = server.http().get("/api/v1/packages?format=generic").await?.expect_status(200)?.json()?;
    assert_eq!(package["packages"][0]["origin"], "far", "{package}");
    assert_eq!(package["packages"][0]["state"], "available", "{package}");
    drop(remote);
    assert_eq!(get(&server, "tools/a.bin").await?.expect_status(200)?.body, b"hello"[..], "without the upstream");
    Ok(())
}

#[tokio::test]
async fn what_the_upstream_does_not_have_is_not_found() -> Result<()> {
    let (server, _remote) = behind(json!({})).await?;
    get(&server, "no/such.bin").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn simultaneous_requests_make_one() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    let slow = Answer { delay: Duration::from_millis(300), ..Answer::of(vec![7; 200_000]) };
    remote.gives("/big.bin", slow);
    let all = (0..30).map(|_| get(&server, "big.bin"));
    for reply in futures_util::future::join_all(all).await {
        assert_eq!(reply?.expect_status(200)?.body.len(), 200_000);
    }
    assert_eq!(remote.times("/big.bin"), 1, "{:?}", remote.asked());
    Ok(())
}

#[tokio::test]
async fn other_bytes_under_a_known_name_are_refused_and_reported() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/a.bin", Answer::of("first"));
    get(&server, "a.bin").await?.expect_status(200)?;
    server.http().delete("/generic/main/a.bin").await?.expect_status(204)?;
    remote.gives("/a.bin", Answer::of("other"));
    let refused = get(&server, "a.bin").await?.expect_status(502)?;
    assert!(refused.text().contains("other bytes"), "{}", refused.text());
    let events = server.http().get("/api/v1/events?newest_first=true").await?.expect_status(200)?.text();
    assert!(events.contains("upstream.changed-bytes"), "{events}");
    Ok(())
}

#[tokio::test]
async fn an_open_upstream_streams_while_it_is_inspected() -> Result<()> {
    let (server, remote) = behind(json!({ "mode": "open" })).await?;
    let mut body = vec![1_u8; 400_000];
    body.extend(vec![2_u8; 400_000]);
    let answer = Answer { stall: Some((400_000, Duration::from_secs(2))), ..Answer::of(body.clone()) };
    remote.gives("/stream.bin", answer);
    let start = Instant::now();
    let url = format!("{}/generic/main/stream.bin", server.url());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut reply = client.get(url).bearer_auth(server.token()).send().await?;
    assert_eq!(reply.status(), 200);
    let mut got = reply.chunk().await?.unwrap_or_default().to_vec();
    assert!(
        start.elapsed() < Duration::from_millis(1900),
        "the first bytes came before the last: {:?}",
        start.elapsed()
    );
    while let Some(chunk) = reply.chunk().await? {
        got.extend(chunk);
    }
    assert_eq!(got, body);
    settled(&server).await?;
    assert_eq!(get(&server, "stream.bin").await?.expect_status(200)?.body, body);
    Ok(())
}

#[tokio::test]
async fn an_open_upstream_gives_no_further_file_of_a_refused_version() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let (one, other) = (Wheel::new("tiny", "1.0").build()?, Wheel::new("tiny", "1.0").tag("py2.py3-none-any").build()?);
    simple_index(&remote, &[(&one, jiff::Timestamp::UNIX_EPOCH), (&other, jiff::Timestamp::UNIX_EPOCH)]);
    upstream(&server, "main", "far", "pypi", &format!("{}/simple", remote.url()), json!({ "mode": "open" })).await?;
    let record = python_advisory("PYSEC-2026-1", "CVE-2026-1", "tiny", "0", "1.1");
    import(&server, &[&advisories(&server, "python", &[record])?]).await?;
    refuse_dangerous(&server).await?;

    let first = format!("/pypi/main/files/tiny/{}", one.file_name);
    server.http().get(&first).await?.expect_status(200)?;
    let begun = Instant::now();
    while server.http().get(&first).await?.status != 403 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is refused once it was looked into");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let further = server.http().get(&format!("/pypi/main/files/tiny/{}", other.file_name)).await?;
    assert_eq!(further.status, 403, "{}", further.text());
    settled(&server).await?;
    server.http().get(&first).await?.expect_status(403)?;
    Ok(())
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_begun_again_and_never_taken_for_complete() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/cut.bin", Answer { cut: Some(10), ..Answer::of(vec![3; 50_000]) });
    get(&server, "cut.bin").await?.expect_status(502)?;
    assert_eq!(remote.times("/cut.bin"), 3);
    let listed = server.http().get("/api/v1/packages").await?.expect_status(200)?.json()?;
    assert_eq!(listed["packages"].as_array().map(Vec::len), Some(0), "nothing is left behind: {listed}");
    Ok(())
}

#[tokio::test]
async fn a_failing_upstream_is_left_alone_and_breaks_nothing_that_is_here() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/here.bin", Answer::of("here"));
    get(&server, "here.bin").await?.expect_status(200)?;
    for n in 0..6 {
        remote.gives(&format!("/new{n}.bin"), Answer::status(500));
        get(&server, &format!("new{n}.bin")).await?.expect_status(502)?;
    }
    assert!(remote.asked().len() < 6, "it is left alone after some failures: {:?}", remote.asked());
    assert_eq!(get(&server, "here.bin").await?.expect_status(200)?.body, b"here"[..]);
    Ok(())
}

#[tokio::test]
async fn a_limit_on_requests_is_obeyed() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/a.bin", Answer::status(429).header("Retry-After", "30"));
    get(&server, "a.bin").await?.expect_status(502)?;
    let told = get(&server, "a.bin").await?.expect_status(502)?;
    assert_eq!(remote.times("/a.bin"), 1);
    assert!(told.header("retry-after").is_some(), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_private_address_is_refused_unless_it_is_allowed() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let draft = json!({ "name": "inside", "format": "generic", "settings": { "url": remote.url() } });
    let refused = server.http().post_json("/api/v1/repositories/main/upstreams", &draft).await?.expect_status(400)?;
    assert!(refused.text().contains("is in a private network"), "{}", refused.text());
    assert!(remote.asked().is_empty(), "{:?}", remote.asked());
    Ok(())
}

#[tokio::test]
async fn what_is_reserved_or_excluded_is_never_asked_for() -> Result<()> {
    let (server, remote) = behind(json!({ "exclude": ["private/*"] })).await?;
    remote.gives("/private/a.bin", Answer::of("theirs"));
    remote.gives("/acme/a.bin", Answer::of("theirs"));
    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/main");
    server.http().send(change.json(&json!({ "reserved": ["acme/*"] }))).await?.expect_status(200)?;
    get(&server, "private/a.bin").await?.expect_status(404)?;
    get(&server, "acme/a.bin").await?.expect_status(404)?;
    assert!(remote.asked().is_empty(), "{:?}", remote.asked());
    Ok(())
}

#[tokio::test]
async fn only_what_is_here_is_served_when_the_upstream_is_never_asked() -> Result<()> {
    let (server, remote) = behind(json!({})).await?;
    remote.gives("/a.bin", Answer::of("a"));
    remote.gives("/b.bin", Answer::of("b"));
    get(&server, "a.bin").await?.expect_status(200)?;
    let change = server.http().request(reqwest::Method::PATCH, "/api/v1/repositories/main/upstreams/far");
    server.http().send(change.json(&json!({ "settings": { "mode": "cached-only" } }))).await?.expect_status(200)?;
    get(&server, "a.bin").await?.expect_status(200)?;
    get(&server, "b.bin").await?.expect_status(404)?;
    assert_eq!(remote.times("/b.bin"), 0);
    Ok(())
}

#[tokio::test]
async fn a_composed_repository_serves_its_members_by_their_own_rules() -> Result<()> {
    let server = options().start().await?;
    let remote = Remote::start().await?;
    remote.gives("/far.bin", Answer::of("far"));
    remote.gives("/own.bin", Answer::of("theirs"));
    for (name, settings) in [("cache", json!({})), ("own", json!({})), ("secret", json!({}))] {
        let draft = json!({ "name": name, "settings": settings });
        server.http().post_json("/api/v1/repositories", &draft).await?.expect_status(201)?;
    }
    let all = json!({ "name": "all", "settings": { "members": ["own", "secret", "cache"], "push_to": "own" } });
    server.http().post_json("/api/v1/repositories", &all).await?.expect_status(201)?;
    upstream(&server, "cache", "far", "generic", &remote.url(), json!({})).await?;
    server.http().put("/generic/all/own.bin", b"ours".to_vec()).await?.expect_status(201)?;
    server.http().put("/generic/secret/hidden.bin", b"hush".to_vec()).await?.expect_status(201)?;
    remote.gives("/hidden.bin", Answer::of("theirs"));

    assert_eq!(server.http().get("/generic/all/own.bin").await?.expect_status(200)?.body, b"ours"[..]);
    assert_eq!(server.http().get("/generic/own/own.bin").await?.expect_status(200)?.body, b"ours"[..]);
    assert_eq!(server.http().get("/generic/all/far.bin").await?.expect_status(200)?.body, b"far"[..]);

    let reader = crate::support::token(&server, "read", &["own", "cache"]).await?;
    let reader = server.http().with_token(Some(&reader));
    assert_eq!(reader.get("/generic/all/own.bin").await?.expect_status(200)?.body, b"ours"[..]);
    let closed = reader.get("/generic/all/hidden.bin").await?.expect_status(404)?;
    assert!(!closed.text().contains("theirs"), "a name that a private member published is taken from no upstream");
    let stranger = crate::support::token(&server, "read", &["main"]).await?;
    server.http().with_token(Some(&stranger)).get("/generic/all/own.bin").await?.expect_status(403)?;
    reader.put("/generic/all/x.bin", b"x".to_vec()).await?.expect_status(403)?;
    Ok(())
}

/// A simple index (PEP 691) with these wheels and the times of their upload.
fn simple_index(remote: &Remote, wheels: &[(&Built, jiff::Timestamp)]) {
    let file = |(wheel, at): &(&Built, jiff::Timestamp)| {
        json!({ "filename": wheel.file_name, "url": format!("{}/files/{}", remote.url(), wheel.file_name),
            "hashes": { "sha256": sha256(&wheel.bytes) }, "upload-time": at.to_string(), "size": wheel.bytes.len() })
    };
    let files: Vec<Value> = wheels.iter().map(file).collect();
    let name = &wheels[0].0.name;
    let page = json!({ "meta": { "api-version": "1.1" }, "name": name, "files": files });
    let answer = Answer::of(page.to_string()).header("Content-Type", "application/vnd.pypi.simple.v1+json");
    remote.gives(&format!("/simple/{name}/"), answer);
    for (wheel, _) in wheels {
        remote.gives(&format!("/files/{}", wheel.file_name), Answer::of(wheel.bytes.clone()));
    }
}

#[tokio::test]
async fn fresh_versions_are_kept_back_unless_they_mend_something() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let (old, fresh) = (Wheel::new("tiny", "1.0").build()?, Wheel::new("tiny", "1.1").build()?);
    let now = jiff::Timestamp::now();
    simple_index(&remote, &[(&old, now - jiff::SignedDuration::from_hours(24 * 90)), (&fresh, now)]);
    let simple = format!("{}/simple", remote.url());
    upstream(&server, "main", "far", "pypi", &simple, json!({ "cooldown_days": 7 })).await?;

    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny"])? else { return Ok(()) };
    assert!(run.succeed().await?.says("Successfully installed tiny-1.0"));
    let pinned = server.http().get(&format!("/pypi/main/files/tiny/{}", fresh.file_name)).await?;
    assert!(pinned.text().contains("cooldown") && pinned.text().contains("after 7 days"), "{}", pinned.text());
    assert_eq!(remote.times(&format!("/files/{}", fresh.file_name)), 0, "it is not even fetched");

    let record = python_advisory("PYSEC-2026-1", "CVE-2026-1", "tiny", "0", "1.1");
    import(&server, &[&advisories(&server, "python", &[record])?]).await?;
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny"])? else { return Ok(()) };
    assert!(run.succeed().await?.says("Successfully installed tiny-1.1"), "it mends a vulnerability");
    Ok(())
}

#[tokio::test]
async fn a_first_pull_of_a_vulnerable_version_is_refused_and_a_clean_one_passes() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let (bad, good) = (Wheel::new("tiny", "1.0").build()?, Wheel::new("tiny", "1.1").build()?);
    let long_ago = jiff::Timestamp::UNIX_EPOCH;
    simple_index(&remote, &[(&bad, long_ago), (&good, long_ago)]);
    upstream(&server, "main", "far", "pypi", &format!("{}/simple", remote.url()), json!({})).await?;
    let record = python_advisory("PYSEC-2026-1", "CVE-2026-1", "tiny", "0", "1.1");
    import(&server, &[&advisories(&server, "python", &[record])?]).await?;
    refuse_dangerous(&server).await?;

    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny==1.0"])? else { return Ok(()) };
    let ran = run.fail().await?;
    assert!(unwrapped(&ran).contains("PYSEC-2026-1"), "{ran}");
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny"])? else { return Ok(()) };
    assert!(run.succeed().await?.says("Successfully installed tiny-1.1"));
    drop(remote);
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["tiny"])? else { return Ok(()) };
    assert!(run.succeed().await?.says("Successfully installed tiny-1.1"), "without the upstream");
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_published_here_is_never_taken_from_elsewhere() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let (ours, theirs) = (Wheel::new("acme-tool", "1.0").build()?, Wheel::new("acme-tool", "99.0").build()?);
    simple_index(&remote, &[(&theirs, jiff::Timestamp::UNIX_EPOCH)]);
    upstream(&server, "main", "far", "pypi", &format!("{}/simple", remote.url()), json!({})).await?;
    publish(&server, &ours).await?;
    let place = tempfile::tempdir()?;
    let Some(run) = pip(&index_url(&server), place.path(), &["acme-tool"])? else { return Ok(()) };
    assert!(run.succeed().await?.says("Successfully installed acme-tool-1.0"));
    let theirs = server.http().get(&format!("/pypi/main/files/acme-tool/{}", theirs.file_name)).await?;
    theirs.expect_status(404)?;
    assert!(remote.asked().iter().all(|asked| !asked.contains("/files/")), "{:?}", remote.asked());
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_not_what_the_index_announces_are_refused() -> Result<()> {
    let (server, remote) = (server().await?, Remote::start().await?);
    let (told, sent) = (Wheel::new("tiny", "1.0").build()?, Wheel::new("tiny", "1.0").requires("evil").build()?);
    simple_index(&remote, &[(&told, jiff::Timestamp::UNIX_EPOCH)]);
    remote.gives(&format!("/files/{}", told.file_name), Answer::of(sent.bytes.clone()));
    upstream(&server, "main", "far", "pypi", &format!("{}/simple", remote.url()), json!({ "mode": "open" })).await?;
    let file = format!("{}/pypi/main/files/tiny/{}", server.url(), told.file_name);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let whole = async { client.get(file).bearer_auth(server.token()).send().await?.error_for_status()?.bytes().await };
    assert!(whole.await.is_err(), "never whole, also while it streams");
    Ok(())
}
