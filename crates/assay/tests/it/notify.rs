//! Notifications: what receivers get, how it is signed, that a storm is one message, and that nothing is missed or told
//! twice when receivers fail and servers are killed.

use crate::{
    actions::{becomes, save},
    support::{PATIENCE, options, publish, settled},
};
use anyhow::{Context, Result, bail};
use assay_testkit::{TestServer, make::wheel::Wheel, tool};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Takes what is posted; answers with `status`, first the ones of `first`.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
    first: Arc<Mutex<Vec<&'static str>>>,
    /// Between a request and its answer.
    thinks: Duration,
}

impl Receiver {
    pub async fn start(first: &[&'static str]) -> Result<Self> {
        Self::start_slow(first, Duration::ZERO).await
    }

    pub async fn start_slow(first: &[&'static str], thinks: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let first = first.iter().rev().copied().collect();
        let receiver = Self { url, got: Arc::default(), first: Arc::new(Mutex::new(first)), thinks };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.take(stream).await.ok() });
            }
        });
        Ok(receiver)
    }

    async fn take(&self, stream: TcpStream) -> Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut headers, mut line) = (BTreeMap::new(), String::new());
        stream.read_line(&mut line).await?;
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            if !line.ends_with('\n') {
                bail!("whoever asked was cut off");
            }
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        self.got.lock().expect("unpoisoned").push(Got { headers, body });
        tokio::time::sleep(self.thinks).await;
        let status = self.first.lock().expect("unpoisoned").pop().unwrap_or("200 OK");
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        stream.get_mut().write_all(answer.as_bytes()).await?;
        Ok(())
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().expect("unpoisoned").clone()
    }

    /// Bodies of what came, by id.
    pub fn by_id(&self) -> BTreeMap<String, Vec<Value>> {
        let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for body in self.got().iter().map(Got::json) {
            by_id.entry(body["id"].to_string()).or_default().push(body);
        }
        by_id
    }

    /// Waits until so many came.
    pub async fn wait(&self, server: &TestServer, n: usize) -> Result<Vec<Got>> {
        let start = Instant::now();
        loop {
            let got = self.got();
            if got.len() >= n {
                return Ok(got);
            }
            if start.elapsed() > PATIENCE {
                bail!("{} of {n} messages came\n{}", got.len(), server.log());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

pub async fn quick() -> Result<TestServer> {
    options().env("ASSAY_NOTIFICATIONS_QUIET", "1").env("ASSAY_NOTIFICATIONS_RETRY", "1").start().await
}

pub async fn channel(server: &TestServer, name: &str, kind: &str, settings: Value, secrets: Value) -> Result<()> {
    let draft = json!({"name": name, "kind": kind, "settings": settings, "secrets": secrets});
    server.http().post_json("/api/v1/channels", &draft).await?.expect_status(201)?;
    Ok(())
}

pub fn quarantine() -> Value {
    json!([{"kind": "set_state", "params": {"state": "quarantined"}}])
}

#[tokio::test]
async fn a_webhook_gets_one_signed_cloud_event_and_a_redelivery_is_the_same() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    let address = json!({"address": receiver.url});
    let refused = json!({"name": "hook", "kind": "webhook", "settings": address});
    let said = server.http().post_json("/api/v1/channels", &refused).await?.expect_status(400)?;
    assert!(said.text().contains("private network"), "{}", said.text());
    let settings = json!({"address": receiver.url, "allow_private": true});
    channel(&server, "hook", "webhook", settings, json!({"token": "s3cret"})).await?;
    publish(&server, &Wheel::new("thing", "1.0").build()?).await?;
    becomes(&server, "main/pypi/thing@1.0", "available").await?;
    server.http().get("/pypi/main/files/thing/thing-1.0-py3-none-any.whl").await?.expect_status(200)?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    save(&server, "gate", 10, "thing", quarantine()).await?;

    let got = receiver.wait(&server, 1).await?.remove(0);
    let event = got.json();
    assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("assay.decision.quarantined")));
    let package = &event["data"]["packages"][0];
    assert_eq!((&package["subject"], &package["to"]), (&json!("main/pypi/thing@1.0"), &json!("quarantined")));
    assert_eq!(package["name"], json!("main/thing 1.0"), "as people name it");
    assert_eq!(package["reasons"], json!(["gate says so"]));
    assert_eq!(event["data"]["affected"]["pulls"], 1, "{event:#}");
    assert_eq!(event["id"], json!(got.headers["x-assay-delivery"]));

    if let Some(python) = tool("python3") {
        let check = "import hashlib,hmac,sys\np=dict(x.split('=',1) for x in sys.argv[1].split(','))\nb=open(sys.argv[2],'rb').read()\n\
                     m=hmac.new(b's3cret',p['t'].encode()+b'.'+b,hashlib.sha256).hexdigest()\nsys.exit(0 if hmac.compare_digest(m,p['v1']) else 1)";
        let body = server.scratch().join("body");
        std::fs::write(&body, &got.body)?;
        let ran = std::process::Command::new(python)
            .args(["-c", check, &got.headers["x-assay-signature"]])
            .arg(&body)
            .status()?;
        assert!(ran.success(), "the signature is wrong: {got:?}");
    }

    let id = event["id"].as_str().context("an id")?;
    let ran = server.cli(["channel", "deliveries", "hook"])?.succeed().await?;
    assert!(ran.says(id) && ran.says("sent") && ran.says("200 ok"), "{ran}");
    server.cli(["channel", "redeliver", "hook", id])?.succeed().await?;
    let again = receiver.wait(&server, 2).await?.remove(1);
    assert_eq!(again.body, got.body, "the same words under the same id");
    let shown = server.http().get("/api/v1/channels").await?.expect_status(200)?.text();
    assert!(!shown.contains("s3cret"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_storm_of_one_cause_is_one_message() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    let settings = json!({"address": receiver.url, "allow_private": true, "body": "json"});
    channel(&server, "hook", "webhook", settings, json!({})).await?;
    for n in 0..30 {
        publish(&server, &Wheel::new("thing", &format!("1.{n}")).build()?).await?;
    }
    settled(&server).await?;
    save(&server, "gate", 10, "thing", quarantine()).await?;
    let message = receiver.wait(&server, 1).await?.remove(0).json();
    assert_eq!(message["counts"], json!({"decision.quarantined": 30}), "{message:#}");
    assert_eq!((message["packages"].as_array().map(Vec::len), &message["more_packages"]), (Some(20), &json!(10)));
    server.http().delete("/api/v1/policies/gate").await?.expect_status(204)?;
    let got = receiver.wait(&server, 2).await?;
    assert_eq!(got[1].json()["counts"], json!({"decision.released": 30}));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.got().len(), 2);
    Ok(())
}

#[tokio::test]
async fn nothing_is_missed_and_nothing_told_twice_over_failures_and_kills() -> Result<()> {
    let mut server = quick().await?;
    let receiver = Receiver::start(&["503 Service Unavailable", "500 Oops"]).await?;
    let settings = json!({"address": receiver.url, "allow_private": true, "each": true,
        "filter": {"events": ["package.published"]}});
    channel(&server, "hook", "webhook", settings, json!({})).await?;
    for n in 0..12 {
        publish(&server, &Wheel::new("thing", &format!("1.{n}")).build()?).await?;
        if n % 4 == 1 {
            server.kill()?;
            server.restart().await?;
        }
    }
    let start = Instant::now();
    let told = loop {
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        for got in receiver.got() {
            let event = got.json();
            told.insert(event["id"].to_string(), event["subject"].to_string());
        }
        let subjects: std::collections::BTreeSet<&String> = told.values().collect();
        if subjects.len() == 12 {
            break told;
        }
        if start.elapsed() > PATIENCE {
            bail!("{told:#?}\n{}", server.log());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(told.len(), 12, "one id per event: {told:#?}");
    Ok(())
}

#[tokio::test]
async fn a_policy_tells_its_channel_when_it_matches_and_when_it_no_longer_does() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    let settings = json!({"address": receiver.url, "allow_private": true, "filter": {"events": ["nothing.else"]}});
    channel(&server, "hook", "webhook", settings, json!({})).await?;
    publish(&server, &Wheel::new("thing", "1.0").build()?).await?;
    becomes(&server, "main/pypi/thing@1.0", "available").await?;
    let unknown = json!({"name": "x", "rego": "package assay\nmatch := true\n", "actions": [{"kind": "notify", "params": {"channel": "none"}}]});
    server.http().post_json("/api/v1/policies", &unknown).await?.expect_status(400)?;
    save(&server, "teller", 10, "thing", json!([{"kind": "webhook", "params": {"channel": "hook"}}])).await?;
    receiver.wait(&server, 1).await?;
    save(&server, "teller", 10, "thing", json!([{"kind": "webhook", "params": {"channel": "hook"}}])).await?;
    server.http().delete("/api/v1/channels/hook").await?.expect_status(409)?;
    server.http().delete("/api/v1/policies/teller").await?.expect_status(204)?;
    let got = receiver.wait(&server, 2).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(receiver.got().len(), 2, "an edit that changes nothing tells nothing: {got:?}");
    Ok(())
}

#[tokio::test]
async fn chats_and_mail_get_their_own_form() -> Result<()> {
    let (server, receiver) = (quick().await?, Receiver::start(&[]).await?);
    for kind in ["slack", "teams"] {
        channel(&server, kind, kind, json!({"address": receiver.url, "allow_private": true}), json!({})).await?;
        server.cli(["channel", "test", kind])?.succeed().await?;
        let shown = server.http().get(&format!("/api/v1/channels/{kind}")).await?.expect_status(200)?.text();
        assert!(!shown.contains("/hook"), "the address is a secret: {shown}");
    }
    let got = receiver.wait(&server, 2).await?;
    assert_eq!(got[0].json()["blocks"][0]["type"], "header");
    assert_eq!(got[1].json()["attachments"][0]["content"]["type"], "AdaptiveCard");

    let sink = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("smtp+plain://{}", sink.local_addr()?);
    let mail = tokio::spawn(async move { take_mail(sink).await });
    let settings =
        json!({"address": address, "allow_private": true, "from": "assay@example.org", "to": ["team@example.org"]});
    channel(&server, "mail", "email", settings, json!({})).await?;
    server.cli(["channel", "test", "mail"])?.succeed().await?;
    let mail = mail.await??;
    assert!(mail.contains("To: team@example.org") && mail.contains("A test of channel mail"), "{mail}");
    let fail = json!({"address": "http://127.0.0.1:1/", "allow_private": true});
    channel(&server, "dead", "webhook", fail, json!({})).await?;
    assert!(server.cli(["channel", "test", "dead"])?.fail().await?.says("failed: no answer"));
    Ok(())
}

/// A mail server that takes one mail.
async fn take_mail(sink: TcpListener) -> Result<String> {
    let (stream, _) = sink.accept().await?;
    let mut stream = BufReader::new(stream);
    let (mut mail, mut in_mail, mut line) = (String::new(), false, String::new());
    stream.get_mut().write_all(b"220 sink\r\n").await?;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(mail);
        }
        let answer: &[u8] = match line.trim_end() {
            "." if in_mail => {
                in_mail = false;
                b"250 taken\r\n"
            }
            text if in_mail => {
                mail.push_str(text);
                mail.push('\n');
                continue;
            }
            "DATA" => {
                in_mail = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.get_mut().write_all(answer).await?;
    }
}
