//! Requests that no client of good will sends: to the server as such, and to the API.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use assay_testkit::{Http, make::wheel::Wheel};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Standing, exact, peak, raw, status};
use crate::support::{options, package, publish, server, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_get_answers_of_the_4xx_kind() -> Result<()> {
    let mut server = server().await?;
    server.http().put("/generic/main/file.bin", vec![7; 100]).await?.expect_status(201)?;
    settled(&server).await?;
    let before = Standing::of(&server)?;
    let anonymous = server.http().with_token(None);
    for value in
        ["Basic", "Basic !!!", "Basic Og==", "Bearer", "Bearer ", "Bearer x", "Digest a=b", "Bearer a b c", "x", ""]
    {
        for path in ["/generic/main/file.bin", "/v2/", "/pypi/main/simple/", "/api/v1/packages"] {
            let reply = anonymous.get_with(path, &[("authorization", value)]).await?;
            ensure!(reply.status == 401, "`{value}` {path}: {} {}", reply.status, reply.text());
            ensure!(reply.header("www-authenticate").is_some(), "`{value}` {path}: no challenge");
        }
    }
    let basic = raw(
        &server,
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\r\nConnection: close\r\n\r\n",
        false,
    )
    .await?;
    ensure!(status(&basic) == 401, "{basic}");
    let huge =
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Huge: {}\r\nConnection: close\r\n\r\n", "x".repeat(1 << 20));
    let answer = raw(&server, huge.as_bytes(), false).await?;
    ensure!(answer.is_empty() || status(&answer) == 431, "{answer}");
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n", "X-Many: x\r\n".repeat(2000));
    let answer = raw(&server, many.as_bytes(), false).await?;
    ensure!(answer.is_empty() || status(&answer) == 431, "{answer}");
    for request in [
        "\r\n\r\n\r\n",
        "garbage\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}",
    ] {
        let answer = raw(&server, request.as_bytes(), true).await?;
        ensure!(answer.is_empty() || (400..500).contains(&status(&answer)), "{request:?}: {answer}");
    }
    for (method, path) in [
        (Method::PATCH, "/generic/main/file.bin"),
        (Method::TRACE, "/generic/main/file.bin"),
        (Method::OPTIONS, "/v2/main/x/manifests/v1"),
        (Method::DELETE, "/pypi/main/simple/"),
        (Method::PUT, "/api/v1/packages"),
        (Method::POST, "/healthz"),
        (Method::CONNECT, "/ui/"),
    ] {
        let reply = server.http().send(server.http().request(method.clone(), path)).await?;
        ensure!((400..500).contains(&reply.status.as_u16()), "{method} {path}: {}", reply.status);
    }
    for range in ["bytes=a-b", "lines=1-2", "bytes=--", "bytes=0-0,5-6", "bytes=99999999999999999999999-", "x"] {
        let reply = server.http().get_with("/generic/main/file.bin", &[("range", range)]).await?;
        ensure!(reply.status == 200 && reply.body.len() == 100, "{range}: {} {}", reply.status, reply.body.len());
    }
    for outside in ["bytes=100-", "bytes=5-3"] {
        let reply = server.http().get_with("/generic/main/file.bin", &[("range", outside)]).await?;
        ensure!(reply.status == 416 && reply.header("content-range") == Some("bytes */100"), "{:?}", reply.headers);
    }
    for target in [
        "/%",
        "/%zz",
        "/ui/%ff",
        "/api/v1/packages/%ff",
        "/v2/%",
        "/pypi/%2e%2e/simple/",
        "/generic/%00/x",
        "*",
        "/api/v1/packages?limit=%ff",
    ] {
        let (status, answer) = exact(&server, "GET", target, "").await?;
        ensure!((400..500).contains(&status), "{target}: {answer}");
    }
    before.unchanged(&mut server).await
}

/// Whoever is slow with the header of a request, or says nothing at all, is not waited for without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_dawdle_are_closed() -> Result<()> {
    let server = server().await?;
    let mut waiting = Vec::new();
    for first in ["", "G", "PRI * HT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let authority = server.authority();
        waiting.push(tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(authority).await?;
            stream.write_all(first.as_bytes()).await?;
            let start = Instant::now();
            let mut rest = Vec::new();
            let closed = tokio::time::timeout(Duration::from_secs(50), stream.read_to_end(&mut rest)).await;
            ensure!(closed.is_ok(), "after `{first}` the connection is still open");
            ensure!(start.elapsed() > Duration::from_secs(5), "after `{first}` the connection was closed at once");
            Ok(())
        }));
    }
    for one in waiting {
        one.await??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_says_what_does_not_fit() -> Result<()> {
    let mut server = server().await?;
    let before = Standing::of(&server)?;
    let http = server.http().clone();
    for (path, body, says) in [
        ("/api/v1/policies", "{", "does not fit"),
        ("/api/v1/policies", "[]", "does not fit"),
        ("/api/v1/policies", r#"{"name":7,"rego":"x"}"#, "does not fit"),
        ("/api/v1/policies", r#"{"rego":"package cloudsmith"}"#, "name"),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\nmatch if true","precendence":5}"#,
            "precendence",
        ),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\nmatch if true","precedence":70000}"#,
            "does not fit",
        ),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\nmatch if true","on_failure":"explode"}"#,
            "explode",
        ),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\nmatch if true","actions":[{"kind":"explode","params":{}}]}"#,
            "explode",
        ),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\nmatch if true","actions":[{"kind":"set_state","params":{"state":"lost"}}]}"#,
            "`state` must be",
        ),
        (
            "/api/v1/policies",
            r#"{"name":"x","rego":"package cloudsmith\n\nmatch if {\n  input.v0.package.name = = 1\n}\n"}"#,
            "line 4, column 27",
        ),
        ("/api/v1/policies", r#"{"name":"!!","rego":"package cloudsmith\nmatch if true"}"#, "name"),
        ("/api/v1/repositories", r#"{"name":"../x"}"#, "repository"),
        ("/api/v1/repositories", r#"{"name":"UPPER"}"#, "repository"),
        ("/api/v1/repositories", r#"{"name":"x","settings":{"hold_seconds":"soon"}}"#, "do not fit"),
        ("/api/v1/repositories", r#"{"name":"x","settings":{"anonymus_read":true}}"#, "anonymus_read"),
        ("/api/v1/tokens", r#"{"name":"x","permission":"root"}"#, "root"),
        ("/api/v1/tokens", r#"{"name":"","permission":"read"}"#, "name"),
        ("/api/v1/tokens", r#"{"name":"x","permission":"read","repositories":["nowhere"]}"#, "nowhere"),
        ("/api/v1/tokens", r#"{"name":"x","permission":"read","repository":["main"]}"#, "repository"),
    ] {
        let reply = http.send(http.request(Method::POST, path).body(body)).await?;
        let message = reply.json()?["error"]["message"].as_str().unwrap_or_default().to_owned();
        ensure!(reply.status == 400 && message.contains(says), "{path} {body}: {} {}", reply.status, reply.text());
    }
    for (method, path, wanted) in [
        (Method::GET, "/api/v1/packages?state=lost", 400),
        (Method::GET, "/api/v1/packages?limit=many", 400),
        (Method::GET, "/api/v1/packages?repository=nowhere", 404),
        (Method::GET, "/api/v1/packages/find", 400),
        (Method::GET, "/api/v1/packages/find?what=nothing", 404),
        (Method::GET, "/api/v1/packages/x", 400),
        (Method::GET, "/api/v1/packages/99999999999999999999", 400),
        (Method::GET, "/api/v1/packages/4711", 404),
        (Method::GET, "/api/v1/decisions/x", 404),
        (Method::GET, "/api/v1/events?after=x", 400),
        (Method::DELETE, "/api/v1/policies/nothing", 404),
        (Method::DELETE, "/api/v1/tokens/nothing", 404),
        (Method::PATCH, "/api/v1/repositories/nothing", 400),
    ] {
        let reply = http.send(http.request(method.clone(), path)).await?;
        ensure!(
            reply.status == wanted && reply.json()?["error"]["code"].is_string(),
            "{method} {path}: {} {}",
            reply.status,
            reply.text()
        );
    }
    let large = json!({"name": "x", "rego": "x".repeat(3 << 20)});
    // the server does not read on, so the client may see the end of the connection before the answer
    if let Ok(reply) = http.post_json("/api/v1/policies", &large).await {
        ensure!(reply.status == 413, "{} {}", reply.status, reply.text());
    }
    let http = Http::new(&server.url(), Some(server.token()))?;
    let policies = http.get("/api/v1/policies").await?.expect_status(200)?.json()?;
    ensure!(policies["policies"] == json!([]), "{policies}");
    before.unchanged(&mut server).await
}

/// Policies that want all memory: by many values, by long texts, by ranges. Each fails as it is set to, and the server keeps
/// its size.
#[tokio::test]
async fn a_policy_that_wants_all_memory_fails_and_the_server_keeps_its_size() -> Result<()> {
    // what is free again is given back and not kept for what comes next, so that what is seen is what was held
    let server = options().env("MIMALLOC_PURGE_DELAY", "0").start().await?;
    let hungry = [
        ("rows", "{[i, j] | some i in numbers.range(1, 20000); some j in numbers.range(1, 20000)}"),
        (
            "texts",
            "{sprintf(\"%d%s\", [i, long]) | some i in numbers.range(1, 100000)}\n\n\
                   long := concat(\"\", [\"xxxxxxxxxx\" | some _ in numbers.range(1, 100000)])",
        ),
        ("ranges", "[numbers.range(i, i + 900000) | some i in numbers.range(1, 10000)]"),
    ];
    publish(&server, &Wheel::new("held", "1.0").build()?).await?;
    settled(&server).await?;
    let before = peak(&server)?;
    for (meaning, state) in [("fail-open", "available"), ("fail-closed", "quarantined")] {
        for (name, rows) in hungry {
            let rego = format!("package cloudsmith\n\nmatch if count(rows) > 0\n\nrows := {rows}\n");
            let draft =
                json!({"name": format!("{name} {meaning}"), "rego": rego, "on_failure": meaning, "actions": []});
            server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
            settled(&server).await?;
            let detail = package(&server, "main/pypi/held@1.0").await?;
            ensure!(detail["state"] == state, "{name} {meaning}: {}", detail["state"]);
        }
    }
    let detail = package(&server, "main/pypi/held@1.0").await?;
    let verdicts = detail["decisions"][0]["verdicts"].as_array().cloned().unwrap_or_default();
    ensure!(verdicts.len() == 6, "{verdicts:?}");
    for outcome in verdicts.iter().map(|verdict| verdict["outcome"].to_string()) {
        // a slow machine ends some of them by their time
        let ended = outcome.contains("more memory than") || outcome.contains("took longer");
        ensure!(outcome.contains("failed") && ended, "{outcome}");
    }
    let grown = peak(&server)?.saturating_sub(before);
    // without a limit each of them wants many gigabytes
    ensure!(grown < 256, "the server grew by {grown} MiB");
    server.http().get("/readyz").await?.expect_status(200)?;
    Ok(())
}

/// A policy without end is stopped; what it should have judged is held, and it is said why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_never_ends_fails_closed() -> Result<()> {
    let server = server().await?;
    let rego = "package cloudsmith\nimport rego.v1\nmatch if {\n  some a in numbers.range(1, 30000)\n  some b in numbers.range(1, 30000)\n  a * b < 0\n}\n";
    let draft = json!({"name": "endless", "rego": rego, "actions": []});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    publish(&server, &Wheel::new("held", "1.0").build()?).await?;
    settled(&server).await?;
    let detail = package(&server, "main/pypi/held@1.0").await?;
    ensure!(detail["state"] == "quarantined", "{}", detail["state"]);
    let outcome = &detail["decisions"][0]["verdicts"][0]["outcome"];
    ensure!(outcome["kind"] == "failed", "{outcome}");
    let told = server.cli(["policy", "list"])?.succeed().await?;
    ensure!(told.says("fails on 1 package"), "{told}");
    let page = server.http().get("/ui/policies").await?.expect_status(200)?;
    ensure!(page.text().contains("fails on 1 package<"), "{}", page.text());
    let reply = server.http().get("/pypi/main/files/held/held-1.0-py3-none-any.whl").await?;
    ensure!(reply.status == 403 && reply.text().contains("endless"), "{} {}", reply.status, reply.text());
    let explained = server.cli(["explain", "main/pypi/held@1.0"])?.run().await?;
    ensure!(explained.says("endless") && explained.says("failed"), "{explained}");
    server.http().get("/readyz").await?.expect_status(200)?;
    Ok(())
}
