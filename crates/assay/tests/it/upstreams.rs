//! Upstreams as an administrator meets them: added, asked, changed, removed, found by themselves; and their secrets, which
//! go in and never come out.

use crate::support::{ASSAY, server, token};
use anyhow::Result;
use assay_testkit::{Run, TestServer, tool};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

const PASSWORD: &str = "correct-horse-battery";

/// A registry that greets who logs in; the requests that it saw.
async fn registry() -> Result<(String, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/simple", listener.local_addr()?);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).await.is_ok_and(|n| n > 0) {}
            let status =
                if request.to_lowercase().contains("authorization: basic ") { "200 OK" } else { "403 Forbidden" };
            kept.lock().unwrap().push(request);
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.get_mut().write_all(answer.as_bytes()).await;
        }
    });
    Ok((address, seen))
}

/// A command of ours with something on its standard input.
async fn with_input(server: &TestServer, input: &str, line: &str) -> Result<assay_testkit::Ran> {
    let script = format!("printf %s \"$INPUT\" | \"$ASSAY\" {line}");
    let run = Run::new("sh")?.args(["-c", &script]).env("INPUT", input).env("ASSAY", ASSAY);
    run.env("ASSAY_URL", server.url()).env("ASSAY_TOKEN", server.token()).succeed().await
}

const PATH: &str = "/api/v1/repositories/main/upstreams";

#[tokio::test]
async fn an_upstream_is_added_asked_changed_and_removed() -> Result<()> {
    let server = server().await?;
    let (address, seen) = registry().await?;
    let add = format!(
        "upstream add main corp --format pypi --address {address}/ --allow-private true --include 'acme-*' \
         --cooldown-days 3 --username ann --password-stdin"
    );
    with_input(&server, PASSWORD, &add).await?;
    server
        .cli(["upstream", "add", "main", "bare", "--format", "pypi", "--priority", "-1", "--allow-private", "true"])?
        .args(["--address", &address])
        .succeed()
        .await?;

    let listed = server.cli(["upstream", "list", "main"])?.succeed().await?;
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert!(lines[1].contains("bare") && lines[2].contains("corp"), "by priority: {listed}");
    assert!(listed.stdout.contains("HEALTH") && lines[2].contains("not asked yet"), "{listed}");
    assert!(lines[2].contains("only acme-*, 3 days old, may be private") && lines[2].contains(" yes "), "{listed}");

    let checked = server.cli(["upstream", "check", "main", "corp", "--json"])?.succeed().await?;
    let checked: Value = serde_json::from_str(&checked.stdout)?;
    assert_eq!((&checked["corp"]["ok"], &checked["corp"]["status"]), (&json!(true), &json!(200)), "{checked}");
    assert!(seen.lock().unwrap()[0].starts_with("GET /simple/ HTTP/1.1"));
    let checked = server.cli(["upstream", "check", "main"])?.fail().await?;
    assert!(checked.stdout.contains("it wants other credentials") && checked.stdout.contains("403"), "{checked}");

    server.cli(["upstream", "update", "main", "corp", "--mode", "cached-only", "--include", ""])?.succeed().await?;
    let shown = server.http().get(&format!("{PATH}/corp")).await?.expect_status(200)?.json()?;
    assert_eq!((&shown["settings"]["mode"], &shown["settings"]["include"]), (&json!("cached-only"), &json!([])));
    assert_eq!(
        (&shown["settings"]["cooldown_days"], &shown["has_secrets"]),
        (&json!(3), &json!(true)),
        "the rest stays"
    );

    let elsewhere =
        server.cli(["upstream", "update", "main", "corp", "--address", "https://thief.example/"])?.fail().await?;
    assert!(elsewhere.stderr.contains("another host"), "{elsewhere}");
    server
        .cli(["upstream", "update", "main", "corp", "--no-secrets", "--address", "https://registry.example/"])?
        .succeed()
        .await?;
    server.cli(["upstream", "remove", "main", "corp"])?.succeed().await?;
    server.http().get(&format!("{PATH}/corp")).await?.expect_status(404)?;
    let log = server.cli(["log", "--json"])?.succeed().await?;
    for kind in ["upstream.created", "upstream.updated", "upstream.deleted"] {
        assert!(log.stdout.contains(kind), "{kind}: {log}");
    }
    Ok(())
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() -> Result<()> {
    let mut server = server().await?;
    let settings = json!({"url": "https://registry.example/simple"});
    let secrets = json!({"username": "ann", "password": PASSWORD, "headers": {"X-Key": PASSWORD}});
    let draft = json!({"name": "corp", "format": "pypi", "settings": settings, "secrets": secrets});
    let made = server.http().post_json(PATH, &draft).await?.expect_status(201)?;
    assert!(made.json()?["has_secrets"] == json!(true) && !made.text().contains("correct"), "{}", made.text());
    for path in [PATH, &format!("{PATH}/corp"), "/api/v1/events?limit=1000"] {
        let said = server.http().get(path).await?.expect_status(200)?.text();
        assert!(said.contains("corp") && !said.contains("correct"), "{path}: {said}");
    }
    let key = fs::metadata(server.data().join("secret.key"))?;
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    server.stop().await?;
    assert_eq!(files_with(&server.data(), PASSWORD)?, Vec::<String>::new());
    assert!(!server.log().contains("correct"), "{}", server.log());
    server.restart().await?;
    assert_eq!(server.http().get(&format!("{PATH}/corp")).await?.json()?["has_secrets"], json!(true));
    Ok(())
}

/// Files below a folder that have these words in them.
fn files_with(folder: &Path, words: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_with(&path, words)?);
        } else if path.is_file() && fs::read(&path)?.windows(words.len()).any(|w| w == words.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}

#[tokio::test]
async fn what_cannot_be_an_upstream_is_refused_with_its_reason() -> Result<()> {
    let server = server().await?;
    let try_to = async |format: &str, name: &str, settings: Value| -> Result<(u16, String)> {
        let draft = json!({"name": name, "format": format, "settings": settings});
        let reply = server.http().post_json(PATH, &draft).await?;
        Ok((reply.status.as_u16(), reply.text()))
    };
    for (format, name, settings, says) in [
        ("pypi", "a", json!({"url": "http://10.1.2.3/"}), "private network"),
        ("pypi", "a", json!({"url": "http://0x7f.1/"}), "private network"),
        ("pypi", "a", json!({"url": "http://169.254.169.254/", "allow_private": true}), "metadata"),
        ("pypi", "a", json!({"url": "https://me:pw@x.example/"}), "apart"),
        ("pypi", "A/b", json!({"url": "https://x.example/"}), "cannot name an upstream"),
        ("nonsense", "a", json!({"url": "https://x.example/"}), "known are"),
        ("pypi", "a", json!({"url": "https://x.example/", "ca_certificates": "none"}), "PEM"),
        ("pypi", "a", json!({"url": "https://x.example/", "colour": 1}), "no setting `colour`"),
    ] {
        let (status, said) = try_to(format, name, settings).await?;
        assert!(status == 400 && said.contains(says), "{says}: {status} {said}");
    }
    assert_eq!(try_to("pypi", "a", json!({"url": "https://x.example/"})).await?.0, 201);
    assert_eq!(try_to("pypi", "a", json!({"url": "https://x.example/"})).await?.0, 409);

    let warden = server.http().with_token(Some(&token(&server, "admin", &["main"]).await?));
    let private = json!({"name": "b", "format": "pypi", "settings": {"url": "http://10.1.2.3", "allow_private": true}});
    let refused = warden.post_json(PATH, &private).await?.expect_status(403)?;
    assert!(refused.text().contains("allow_private"), "{}", refused.text());
    server.http().post_json(PATH, &private).await?.expect_status(201)?;
    let reader = server.http().with_token(Some(&token(&server, "read", &[]).await?));
    reader.get(PATH).await?.expect_status(403)?;
    Ok(())
}

#[tokio::test]
async fn what_the_clients_here_use_is_proposed_and_added() -> Result<()> {
    let server = server().await?;
    let detect = || -> Result<Run> {
        let run = server.cli(["upstream", "detect"])?.env("UV_DEFAULT_INDEX", "https://ann:pw@uv.example/simple/");
        Ok(run.env("PIP_INDEX_URL", "https://pip.example/simple").env("GOPROXY", "https://go.example/proxy,direct"))
    };
    let proposed = detect()?.args(["--json"]).succeed().await?;
    assert!(!proposed.output().contains("pw@"), "{proposed}");
    let proposed: Value = serde_json::from_str(&proposed.stdout)?;
    let has = |format: &str, url: &str| {
        let all = proposed["proposals"].as_array().unwrap();
        all.iter().any(|p| p["format"] == json!(format) && p["url"] == json!(url))
    };
    assert!(has("pypi", "https://uv.example/simple"), "{proposed}");
    if tool("pip").is_some() {
        assert!(has("pypi", "https://pip.example/simple"), "pip was asked: {proposed}");
    }
    if tool("go").is_some() {
        assert!(has("go", "https://go.example/proxy"), "go was asked: {proposed}");
    }
    let added = detect()?.args(["--add", "main", "--format", "pypi"]).succeed().await?;
    assert!(added.stderr.contains("pypi-uv.example"), "{added}");
    let again = detect()?.args(["--add", "main", "--format", "pypi"]).succeed().await?;
    assert!(again.stdout.starts_with("0 added") && again.stderr.contains("already"), "{again}");
    let shown = server.http().get(&format!("{PATH}/pypi-uv.example")).await?.expect_status(200)?.json()?;
    assert_eq!((&shown["settings"]["url"], &shown["has_secrets"]), (&json!("https://uv.example/simple"), &json!(true)));
    Ok(())
}

#[tokio::test]
async fn pip_tells_where_it_takes_from_when_nothing_is_configured() -> Result<()> {
    let Some(pip) = tool("pip") else { return Ok(()) };
    let server = server().await?;
    let help = Run::new(pip)?.args(["install", "--help"]).env("COLUMNS", "400").succeed().await?;
    let proposed = server.cli(["upstream", "detect", "--format", "pypi", "--json"])?.succeed().await?;
    let proposed: Value = serde_json::from_str(&proposed.stdout)?;
    let found = proposed["proposals"].as_array().unwrap();
    let by_pip = found.iter().find(|p| p["client"] == json!("pip")).and_then(|p| p["url"].as_str());
    assert!(by_pip.is_some_and(|url| help.stdout.contains(&format!("(default {url}"))), "{proposed}");
    Ok(())
}
