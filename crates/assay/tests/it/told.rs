//! Channels over time: digests at a pace, receivers that ask for patience or keep failing, filters, other addresses, and
//! what programs and people read in what they get.

use crate::{
    actions::{becomes, save},
    notify::{Receiver, channel, quarantine, quick},
    support::{PATIENCE, advisories, import, options, publish, python_advisory, refuse_dangerous, settled},
};
use anyhow::{Context, Result, bail};
use assay_testkit::{Run, TestServer, make::wheel::Wheel, skip::skipped, tools};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Longer than anything gathers in these tests.
const QUIET: Duration = Duration::from_secs(4);

fn hook(receiver: &Receiver, more: &Value) -> Value {
    let mut settings = json!({"address": receiver.url, "allow_private": true, "body": "json"});
    if let (Some(settings), Some(more)) = (settings.as_object_mut(), more.as_object()) {
        settings.extend(more.clone());
    }
    settings
}

async fn wheels(server: &TestServer, names: &[&str]) -> Result<()> {
    for name in names {
        publish(server, &Wheel::new(name, "1.0").build()?).await?;
    }
    Ok(())
}

/// Events that were told, over all messages.
fn told(receiver: &Receiver, kind: &str) -> u64 {
    receiver.got().iter().filter_map(|got| got.json()["counts"][kind].as_u64()).sum()
}

async fn until(server: &TestServer, what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is().await? {
        if start.elapsed() > PATIENCE {
            bail!("not so: {what}\n{}", server.log());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn shown(server: &TestServer, name: &str) -> Result<Value> {
    server.http().get(&format!("/api/v1/channels/{name}")).await?.expect_status(200)?.json()
}

#[tokio::test]
async fn a_digest_gathers_and_goes_once_at_its_pace() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    let published = json!({"pace": "20s", "filter": {"events": ["package.published"]}});
    channel(&server, "news", "webhook", hook(&receiver, &published), json!({})).await?;
    let page = server.http().get("/ui/channels/news").await?.expect_status(200)?.text();
    assert!(page.contains("every 20s"), "{page}");
    wheels(&server, &["a", "b", "c", "d"]).await?;
    until(&server, "four are told", async || Ok(told(&receiver, "package.published") == 4)).await?;
    let first = receiver.got().len();
    assert!(first <= 2, "they went as one message, or as two over a border: {:?}", receiver.got());
    wheels(&server, &["e"]).await?;
    until(&server, "five are told", async || Ok(told(&receiver, "package.published") == 5)).await?;
    assert_eq!(receiver.got().len(), first + 1, "what is over is not told again");
    let answer = server.http().get("/api/v1/channels/news/deliveries").await?.json()?;
    let deliveries = answer["deliveries"].as_array().context("deliveries")?;
    for one in deliveries {
        let due: jiff::Timestamp = one["due"].as_str().context("due")?.parse()?;
        assert_eq!((&one["topic"], due.as_second() % 20), (&json!("digest"), 0), "{one}");
    }
    let wrong = server.cli(["channel", "edit", "news", "--pace", "weekly"])?.fail().await?;
    assert!(wrong.says("15m"), "{wrong}");
    Ok(())
}

#[tokio::test]
async fn a_channel_that_keeps_failing_is_paused_and_goes_on_with_what_it_missed() -> Result<()> {
    let server = options()
        .env("ASSAY_NOTIFICATIONS_QUIET", "1")
        .env("ASSAY_NOTIFICATIONS_RETRY", "1")
        .env("ASSAY_NOTIFICATIONS_ATTEMPTS", "2")
        .env("ASSAY_NOTIFICATIONS_PAUSE_AFTER_HOURS", "0")
        .start()
        .await?;
    let (failing, other) =
        (Receiver::start(&["503 Service Unavailable", "500 Oops"]).await?, Receiver::start(&[]).await?);
    let published = json!({"filter": {"events": ["package.published"]}});
    channel(&server, "hook", "webhook", hook(&failing, &published), json!({})).await?;
    let paused = json!({"filter": {"events": ["channel.*"]}});
    channel(&server, "watch", "webhook", hook(&other, &paused), json!({})).await?;
    wheels(&server, &["first"]).await?;
    until(&server, "it is paused", async || Ok(shown(&server, "hook").await?["paused"]["by"] == "system")).await?;
    let listed = server.cli(["channel", "deliveries", "hook", "--status", "failed"])?.succeed().await?;
    assert!(listed.says("500") && listed.says("failed"), "{listed}");
    until(&server, "the other channel is told", async || Ok(told(&other, "channel.paused") == 1)).await?;
    let words = other.got().iter().map(|got| got.json()["news"].to_string()).collect::<String>();
    assert!(words.contains("assay channel resume hook"), "{words}");

    wheels(&server, &["second"]).await?;
    tokio::time::sleep(QUIET).await;
    assert_eq!(failing.got().len(), 2, "it is left alone");
    server.cli(["channel", "resume", "hook"])?.succeed().await?;
    let got = failing.wait(&server, 4).await?;
    let ids: Vec<&String> = got.iter().map(|one| &one.headers["x-assay-delivery"]).collect();
    assert!(ids[0] == ids[1] && ids[2..].contains(&ids[0]), "what was given up goes again under its id: {ids:?}");
    assert!(ids[2..].iter().any(|id| *id != ids[0]), "what happened meanwhile is told: {ids:?}");
    until(&server, "it is well", async || {
        let row = shown(&server, "hook").await?;
        Ok(row["paused"].is_null() && row["failing_since"].is_null())
    })
    .await?;
    tokio::time::sleep(QUIET).await;
    assert_eq!(failing.got().len(), 4);
    let none = server.cli(["channel", "redeliver", "hook", "--failed"])?.succeed().await?;
    assert!(none.says("0 go again"), "{none}");
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it() -> Result<()> {
    let server = quick().await?;
    let receiver = Receiver::start(&["429 Too Many Requests\r\nRetry-After: 7"]).await?;
    let published = json!({"filter": {"events": ["package.published"]}});
    channel(&server, "hook", "webhook", hook(&receiver, &published), json!({})).await?;
    wheels(&server, &["thing"]).await?;
    receiver.wait(&server, 1).await?;
    let waiting = || async {
        let path = "/api/v1/channels/hook/deliveries?status=waiting";
        Ok::<Value, anyhow::Error>(server.http().get(path).await?.json()?["deliveries"][0].clone())
    };
    until(&server, "it waits", async || Ok(!waiting().await?.is_null())).await?;
    let waits = waiting().await?;
    let at = |value: &Value| value.as_str().context("a time").and_then(|text| Ok(text.parse::<jiff::Timestamp>()?));
    let pause = at(&waits["due"])?.duration_since(at(&waits["tries"][0]["at"])?);
    assert!((7..60).contains(&pause.as_secs()), "{waits}");
    assert_eq!(waits["tries"][0]["code"], 429);
    receiver.wait(&server, 2).await?;
    Ok(())
}

#[tokio::test]
async fn filters_let_through_what_they_say() -> Result<()> {
    let server = quick().await?;
    server.http().post_json("/api/v1/repositories", &json!({"name": "prod"})).await?.expect_status(201)?;
    let [place, format, query, severe, all] = [
        Receiver::start(&[]).await?,
        Receiver::start(&[]).await?,
        Receiver::start(&[]).await?,
        Receiver::start(&[]).await?,
        Receiver::start(&[]).await?,
    ];
    let published = |more: Value| {
        let mut filter = json!({"events": ["package.published"]});
        filter.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"each": true, "filter": filter})
    };
    let filters = [
        ("place", &place, published(json!({"repositories": ["pro*"]}))),
        ("format", &format, published(json!({"formats": ["generic"]}))),
        ("query", &query, published(json!({"query": "name:tiny-danger"}))),
        ("severe", &severe, json!({"each": true, "filter": {"severity": "HIGH"}})),
        ("all", &all, json!({"each": true})),
    ];
    for (name, receiver, settings) in filters {
        channel(&server, name, "webhook", hook(receiver, &settings), json!({})).await?;
    }
    wheels(&server, &["tiny-danger", "small-danger"]).await?;
    let file = Wheel::new("tool", "1.0").build()?;
    assay_testkit::upload::pypi(server.http(), "prod", &file).await?.expect_status(200)?;
    server.http().put("/generic/main/tool/2.0/tool.bin", "tool").await?.expect_status(201)?;
    settled(&server).await?;
    let mut minor = python_advisory("PYSEC-2026-8", "CVE-2026-8", "small-danger", "0", "1.1");
    minor["severity"][0]["score"] = json!("CVSS:3.1/AV:N/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:N");
    let major = python_advisory("PYSEC-2026-9", "CVE-2026-9", "tiny-danger", "0", "1.1");
    let feed = advisories(&server, "feed", &[minor, major])?;
    import(&server, &[&feed]).await?;
    for name in ["tiny-danger", "small-danger"] {
        let rego = format!(
            "package assay\nimport rego.v1\ndefault match := false\nmatch if {{\n\tinput.v0.package.name == \"{name}\"\n\t\
             count(input.v0.security_scan.Vulnerabilities) > 0\n}}\n"
        );
        let draft = json!({"name": format!("no-{name}"), "rego": rego, "actions": quarantine()});
        server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
        becomes(&server, &format!("main/pypi/{name}@1.0"), "quarantined").await?;
        server.http().delete(&format!("/api/v1/policies/no-{name}")).await?.expect_status(204)?;
        becomes(&server, &format!("main/pypi/{name}@1.0"), "available").await?;
    }
    all.wait(&server, 4).await?;
    tokio::time::sleep(QUIET).await;
    let subjects = |receiver: &Receiver| {
        let mut all: Vec<String> = receiver
            .got()
            .iter()
            .filter_map(|got| {
                let one = got.json()["packages"][0].clone();
                Some(format!("{} {}", got.json()["kind"].as_str()?, one["subject"].as_str()?))
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(subjects(&place), ["package.published prod/pypi/tool@1.0"]);
    let generic = subjects(&format);
    assert!(generic.len() == 1 && generic[0].starts_with("package.published main/generic/tool"), "{generic:?}");
    assert_eq!(subjects(&query), ["package.published main/pypi/tiny-danger@1.0"]);
    let danger = "main/pypi/tiny-danger@1.0";
    assert_eq!(subjects(&severe), [format!("decision.quarantined {danger}"), format!("decision.released {danger}")]);
    assert_eq!(subjects(&all).len(), 4);
    Ok(())
}

#[tokio::test]
async fn addresses_and_secrets_change_without_a_channel_made_anew() -> Result<()> {
    let (server, before, after) = (quick().await?, Receiver::start(&[]).await?, Receiver::start(&[]).await?);
    for kind in ["slack", "teams"] {
        channel(&server, kind, kind, json!({"address": before.url, "allow_private": true}), json!({})).await?;
        server.cli(["channel", "edit", kind, "--pace", "15m"])?.succeed().await?;
        server.cli(["channel", "test", kind])?.succeed().await?;
        let address = after.url.replace("/hook", "/other/way");
        server.cli(["channel", "edit", kind, "--address", &address])?.succeed().await?;
        server.cli(["channel", "test", kind])?.succeed().await?;
        let row = shown(&server, kind).await?;
        assert_eq!(row["settings"]["pace"], "15m");
        assert!(!row.to_string().contains("/other/way"), "the address is a secret: {row}");
        let log = server.http().get("/api/v1/events?limit=100&order=newest").await?.text();
        assert!(!log.contains("/other/way"), "{log}");
    }
    assert_eq!((before.got().len(), after.got().len()), (2, 2));
    let wrong = server.cli(["channel", "edit", "slack", "--address", "ftp://example.org/"])?.fail().await?;
    assert!(wrong.says("https://host/path"), "{wrong}");
    channel(&server, "hook", "webhook", hook(&after, &json!({})), json!({"token": "old"})).await?;
    let body = json!({"secrets": {"token": "new"}, "filter": {"severity": "HIGH"}});
    let request = server.http().request(reqwest::Method::PATCH, "/api/v1/channels/hook").json(&body);
    server.http().send(request).await?.expect_status(200)?;
    server.cli(["channel", "edit", "hook", "--event", "decision.*"])?.succeed().await?;
    let filter = shown(&server, "hook").await?["settings"]["filter"].clone();
    assert_eq!((&filter["severity"], &filter["events"]), (&json!("HIGH"), &json!(["decision.*"])), "{filter}");
    server.cli(["channel", "test", "hook"])?.succeed().await?;
    let got = after.got().pop().context("the test")?;
    assert!(verified(&server, "new", &got.headers["x-assay-signature"], &got.body)?);
    assert!(!verified(&server, "old", &got.headers["x-assay-signature"], &got.body)?);
    Ok(())
}

/// What the documentation gives receivers, run by another program.
fn verified(server: &TestServer, secret: &str, header: &str, body: &[u8]) -> Result<bool> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/notifications.md"))?;
    let script = text.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).context("the example")?;
    let Some(python) = assay_testkit::tool("python3") else { return Ok(secret == "new") };
    let file = server.scratch().join("signed");
    std::fs::write(&file, body)?;
    let script = format!(
        "{script}\nimport sys\nsys.exit(0 if genuine(sys.argv[1].encode(), sys.argv[2], open(sys.argv[3], 'rb').read()) else 1)\n"
    );
    let mut run = std::process::Command::new(python);
    Ok(run.args(["-c", &script, secret, header]).arg(&file).status()?.success())
}

/// A Python with the package that reads CloudEvents.
async fn reader(server: &TestServer) -> Result<Option<PathBuf>> {
    let Some(python) = tools::python_environment(&server.scratch().join("events")).await? else { return Ok(None) };
    let mut run = std::process::Command::new(&python);
    let run = run.args(["-m", "pip", "install", "--quiet", "cloudevents==1.12.0"]).output()?;
    if run.status.success() {
        return Ok(Some(python));
    }
    skipped("the package `cloudevents` cannot be installed here");
    Ok(None)
}

#[tokio::test]
async fn a_program_reads_what_it_gets_as_cloud_events() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    let settings = json!({"address": receiver.url, "allow_private": true, "each": true,
        "filter": {"events": ["package.published", "waiver.*", "policy.*"]}});
    channel(&server, "hook", "webhook", settings, json!({})).await?;
    wheels(&server, &["thing"]).await?;
    save(&server, "gate", 10, "thing", quarantine()).await?;
    let waive = ["waiver", "add", "--policy", "gate", "--reason", "it is fine", "--expires", "2d"];
    server.cli(waive)?.succeed().await?;
    let got = receiver.wait(&server, 3).await?;
    let Some(python) = reader(&server).await? else { return Ok(()) };
    let script = "import sys, json\nfrom cloudevents.http import from_http\n\
                  for name in sys.argv[1:]:\n    got = json.load(open(name))\n    \
                  event = from_http(got['headers'], got['body'].encode())\n    \
                  assert event['specversion'] == '1.0' and event['id'] and event['source'].startswith('urn:assay:')\n    \
                  print(event['type'], event.get('subject'), event.data['id'] == event['id'])\n";
    let mut files = Vec::new();
    for (n, one) in got.iter().enumerate() {
        let file = server.scratch().join(format!("event-{n}"));
        let kept = json!({"headers": one.headers, "body": String::from_utf8(one.body.clone())?});
        std::fs::write(&file, kept.to_string())?;
        files.push(file);
    }
    let ran = Run::new(&python)?.args(["-c", script]).args(&files).succeed().await?;
    assert!(ran.says("assay.package.published main/pypi/thing@1.0 True"), "{ran}");
    assert!(ran.says("assay.waiver.added waiver/W1 True") && !ran.says("False"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn people_read_what_changed_for_whom_and_what_to_do() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    channel(&server, "hook", "webhook", hook(&receiver, &json!({})), json!({})).await?;
    wheels(&server, &["tiny-danger"]).await?;
    settled(&server).await?;
    let file = "/pypi/main/files/tiny-danger/tiny_danger-1.0-py3-none-any.whl";
    server.http().get(file).await?.expect_status(200)?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let feed =
        advisories(&server, "feed", &[python_advisory("PYSEC-2026-2", "CVE-2026-2", "tiny-danger", "0", "1.1")])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    let blocked = receiver.wait(&server, 1).await?.remove(0).json();
    let package = &blocked["packages"][0];
    assert_eq!(package["vulnerabilities"][0]["fixed"], "1.1", "{package}");
    assert_eq!(package["advice"], "move pkg:pypi/tiny-danger@1.0 to 1.1");
    assert_eq!(blocked["affected"]["pulls"], 1);
    let waive = ["waiver", "add", "--vulnerability", "CVE-2026-2", "--reason", "never called", "--expires", "8s"];
    server.cli(waive)?.succeed().await?;
    until(&server, "the end is told", async || Ok(told(&receiver, "waiver.expired") == 1)).await?;
    let ended = receiver.got().into_iter().find(|got| got.json()["counts"]["waiver.expired"] == 1);
    let ended = ended.context("the end")?.json();
    let news = &ended["news"][0];
    let text = news["text"].as_str().context("text")?;
    assert!(text.contains("The waiver of CVE-2026-2 has ended: never called"), "{text}");
    assert!(text.contains("Rested on it: main/pypi/tiny-danger@1.0."), "for whom: {text}");
    assert!(news["link"].as_str().is_some_and(|link| link.ends_with("/ui/waivers/W1")), "{news}");
    assert_eq!(ended["affected"]["pulls"], 1, "who pulled what it covered: {ended}");
    Ok(())
}
