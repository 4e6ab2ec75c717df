//! The registry beside the two that people know: Debian's docker-registry, which does the same work and asks nobody, and
//! nginx, which sends files. Everything of ours is authorised and under an enabled policy.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::load::{self, Effort, Target};
use super::nginx::Nginx;
use super::peers::DockerRegistry;
use super::server::Server;
use super::table::{Row, median};
use super::{Options, Programs, items};
use crate::command::quiet;
use crate::http;

/// The same name at all: the first part is our repository.
const IMAGE: &str = "main/bench/image";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SMALL: usize = 4 << 10;
const LARGE: usize = 100 << 20;
const VERSIONS: usize = 1000;

/// Runs `assay-fill`, and reads what it says.
fn fill(programs: &Programs, port: u16, token: Option<&str>, words: &[&str]) -> Result<Value> {
    let mut command = Command::new(&programs.fill);
    command.args(words).args(["--url", &format!("http://127.0.0.1:{port}")]).env_remove("ASSAY_TOKEN");
    if let Some(token) = token {
        command.env("ASSAY_TOKEN", token);
    }
    let said = quiet(&mut command)?.stdout;
    if said.trim_ascii().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&said)?) }
}

/// Pulls of an image's parts.
pub fn pulls(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs, Some(0))?;
    items::add_policy(&server)?;
    let (peer, nginx) = (DockerRegistry::start()?, Nginx::start()?);
    let (small, large) = (SMALL.to_string(), LARGE.to_string());
    let words = ["image", "--name", IMAGE, "--tag", "1", "--layers", &format!("{small},{large}")];
    let pushed = fill(programs, server.port, Some(server.token()), &words)?;
    fill(programs, peer.port, None, &words)?;
    server.idle()?;
    let digest = |at: usize| {
        let digest = pushed.pointer(&format!("/layers/{at}")).and_then(Value::as_str);
        digest.map(str::to_owned).context("assay-fill names no layer")
    };
    let rows = [
        ("manifest by tag".to_owned(), format!("/v2/{IMAGE}/manifests/1"), 32),
        ("4 KiB blob".to_owned(), format!("/v2/{IMAGE}/blobs/{}", digest(0)?), 32),
        ("100 MiB blob".to_owned(), format!("/v2/{IMAGE}/blobs/{}", digest(1)?), 4),
    ];
    let headers = vec![server.authorization(), format!("Accept: {MANIFEST}")];
    let mut measured = Vec::new();
    for (what, path, connections) in rows {
        let answer = http::request(server.port, "GET", &path, &headers, b"")?;
        if answer.status != 200 {
            bail!("{path} gives {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        nginx.put(&path, &answer.body)?;
        let target = |port: u16| Target { port, path: path.clone(), headers: headers.clone() };
        let peers = [("nginx", target(nginx.port)), ("docker-registry", target(peer.port))];
        let effort = Effort { rounds: options.rounds(), seconds: options.seconds(), connections };
        measured.extend(load::beside(&format!("registry: GET {what}"), &target(server.port), &peers, effort)?);
    }
    let held = server.resident()? as f64 / f64::from(1 << 20);
    measured.push(Row::value("registry: resident memory after these pulls", "MiB", held));
    Ok(measured)
}

/// Pulls of indexes with many versions.
pub fn indexes(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs, Some(0))?;
    items::add_policy(&server)?;
    let nginx = Nginx::start()?;
    items::fill(programs, &server, "index", 1, VERSIONS)?;
    let count = VERSIONS.to_string();
    let words = ["npm", "--repository", "main", "--name", "index", "--versions", &count];
    fill(programs, server.port, Some(server.token()), &words)?;
    server.idle()?;
    let rows = [
        ("PyPI, JSON", "/pypi/main/simple/index-0/", "application/vnd.pypi.simple.v1+json"),
        ("npm, packument", "/npm/main/index", "application/json"),
        ("npm, abbreviated", "/npm/main/index", "application/vnd.npm.install-v1+json"),
    ];
    let mut measured = Vec::new();
    for (what, path, accept) in rows {
        let headers = vec![server.authorization(), format!("Accept: {accept}")];
        let answer = http::request(server.port, "GET", path, &headers, b"")?;
        if answer.status != 200 {
            bail!("{path} gives {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        nginx.put(path, &answer.body)?;
        let target = |port: u16| Target { port, path: path.to_owned(), headers: headers.clone() };
        let effort = Effort { rounds: options.rounds(), seconds: options.seconds(), connections: 16 };
        let name = format!("registry: GET index of {VERSIONS} versions ({what}, {} B)", answer.body.len());
        measured.extend(load::beside(&name, &target(server.port), &[("nginx", target(nginx.port))], effort)?);
    }
    Ok(measured)
}

/// Pushes: a large blob, and many small packages.
pub fn pushes(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs, Some(0))?;
    items::add_policy(&server)?;
    let (peer, nginx) = (DockerRegistry::start()?, Nginx::start()?);
    let (large, token) = (LARGE.to_string(), Some(server.token()));
    let (mut ours, mut theirs, mut files) = (Vec::new(), Vec::new(), Vec::new());
    let megabytes = (LARGE >> 20) as f64;
    let rate = |port: u16, token: Option<&str>, words: &[&str]| -> Result<f64> {
        let seconds = fill(programs, port, token, words)?.get("seconds").and_then(Value::as_f64);
        seconds.context("assay-fill names no time")
    };
    for round in 0..options.rounds() {
        let seed = round.to_string();
        let blob = ["blob", "--name", IMAGE, "--size", &large, "--seed", &seed];
        ours.push(megabytes / rate(server.port, token, &blob)?);
        theirs.push(megabytes / rate(peer.port, None, &blob)?);
        let path = format!("/put/{round}.bin");
        files.push(megabytes / rate(nginx.port, None, &["put", "--path", &path, "--size", &large, "--seed", &seed])?);
    }
    let mut rows = vec![
        load::row("registry: PUT 100 MiB blob", "MiB/s", &ours, "docker-registry", &theirs),
        load::row("registry: PUT 100 MiB blob", "MiB/s", &ours, "nginx (no hash, no fsync)", &files),
    ];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        let (name, seed) = (format!("main/small-{round}"), format!("{}", round * 1000));
        let words = ["images", "--name", &name, "--count", "100", "--connections", "8", "--seed", &seed];
        ours.push(100.0 / rate(server.port, token, &words)?);
        theirs.push(100.0 / rate(peer.port, None, &words)?);
    }
    rows.push(load::row("registry: push of 100 small images, 8 at once", "1/s", &ours, "docker-registry", &theirs));
    Ok(rows)
}

/// First pulls through an upstream, against asking the upstream itself.
pub fn proxy(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    const FILES: usize = 50;
    let server = Server::start(programs, Some(0))?;
    items::add_policy(&server)?;
    let nginx = Nginx::start()?;
    let mut rows = Vec::new();
    for mode in ["hold", "open"] {
        let made = server.request("POST", "/api/v1/repositories", json!({ "name": mode }).to_string().as_bytes())?;
        let url = format!("http://127.0.0.1:{}", nginx.port);
        let settings = json!({ "url": url, "allow_private": true, "mode": mode });
        let draft = json!({ "name": "far", "format": "generic", "settings": settings }).to_string();
        let added = server.request("POST", &format!("/api/v1/repositories/{mode}/upstreams"), draft.as_bytes())?;
        for answer in [made, added] {
            if !(200..300).contains(&answer.status) {
                bail!("set-up gave {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
        }
        for (size, shown) in [(SMALL, "4 KiB"), (4 << 20, "4 MiB")] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for round in 0..options.rounds() {
                for at in 0..FILES.min(if size > SMALL { 10 } else { FILES }) {
                    let path = format!("/{mode}/{size}/{round}-{at}.bin");
                    let bytes: Vec<u8> =
                        (0..size).map(|n| (((n ^ (at + round * FILES)) * 2_654_435_761) >> 16) as u8).collect();
                    nginx.put(&path, &bytes)?;
                    let timed = |port: u16, path: &str| -> Result<f64> {
                        let start = Instant::now();
                        let answer = http::request(port, "GET", path, &[server.authorization()], b"")?;
                        let took = start.elapsed().as_secs_f64() * 1000.0;
                        if answer.body != bytes {
                            bail!("{path} gives {}, {} bytes", answer.status, answer.body.len());
                        }
                        Ok(took)
                    };
                    theirs.push(timed(nginx.port, &path)?);
                    ours.push(timed(server.port, &format!("/generic/{mode}{path}"))?);
                }
            }
            let name = format!("registry: first pull through an upstream, {mode}, {shown}");
            rows.push(Row {
                value: median(ours.clone()),
                peer: median(theirs.clone()),
                peer_name: Some("nginx directly"),
                ..Row::value(&name, "ms", 0.0)
            });
        }
    }
    Ok(rows)
}
