//! No way around a gate: for a quarantined and a hidden package of every format, every address that its indexes give and
//! that somebody might think of. Requests are written to the connection as they are, since clients tidy up addresses.

mod paths;
mod subjects;
mod wire;

use crate::proxied::upstream;
use crate::support::{open_to_everyone, refuse_named, server, settled, state};
use anyhow::{Context, Result, ensure};
use assay_testkit::TestServer;
use paths::{linked, mutated};
use serde_json::json;
use std::collections::{BTreeSet, HashSet};
use subjects::{Subject, payload};
use wire::{Got, Wire};

/// Bytes in a row that give an artifact away.
const WINDOW: usize = 16;

/// Documents that are followed from the first ones.
const CRAWLED: usize = 60;

struct Walk {
    server: TestServer,
    wire: Wire,
    secret: HashSet<Vec<u8>>,
}

impl Walk {
    async fn begin() -> Result<Self> {
        let server = server().await?;
        let others = [
            json!({ "name": "other" }),
            json!({ "name": "all", "settings": { "members": ["other", "main"], "push_to": "other" } }),
        ];
        for draft in others {
            server.http().post_json("/api/v1/repositories", &draft).await?.expect_status(201)?;
        }
        let wire = Wire::new(&server.authority(), server.token());
        let secret = payload().windows(WINDOW).map(<[u8]>::to_vec).collect();
        Ok(Self { server, wire, secret })
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Got> {
        self.wire.ask(method, path, headers).await.with_context(|| format!("{method} {path} {headers:?}"))
    }

    fn gives_away(&self, body: &[u8]) -> bool {
        body.windows(WINDOW).any(|window| self.secret.contains(window))
    }

    /// All addresses that documents lead to.
    async fn known(&mut self, subject: &Subject) -> Result<BTreeSet<String>> {
        let mut found: BTreeSet<String> = subject.files.iter().chain(&subject.documents).cloned().collect();
        let mut left: Vec<String> = subject.documents.clone();
        let mut read = 0;
        while let Some(path) = left.pop() {
            read += 1;
            if read > CRAWLED {
                break;
            }
            for accept in ["*/*", "text/html", "application/json"] {
                let got = self.ask("GET", &path, &[("accept", accept)]).await?;
                if got.status != 200 || self.gives_away(&got.body) {
                    continue;
                }
                let text = String::from_utf8_lossy(&got.body).into_owned();
                for link in linked(&text, &path, &self.server.authority()) {
                    // Other packages have walks of their own.
                    if link.contains(&subject.name) && found.insert(link.clone()) {
                        left.push(link);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Those of these addresses that give the artifact.
    async fn open(&mut self, known: &BTreeSet<String>) -> Result<Vec<(String, Got)>> {
        let mut open = Vec::new();
        for path in known {
            let got = self.ask("GET", path, &[]).await?;
            if got.status == 200 && self.gives_away(&got.body) {
                open.push((path.clone(), got));
            }
        }
        Ok(open)
    }

    /// How many other spellings give the artifact, too.
    async fn aliases(&mut self, files: &[String]) -> Result<usize> {
        let mut count = 0;
        for path in files {
            for spelling in mutated(path, subjects::PREFIXES) {
                let got = self.ask("GET", &spelling, &[]).await?;
                count += usize::from(got.status == 200 && self.gives_away(&got.body));
            }
        }
        Ok(count)
    }

    async fn closed(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<u16> {
        let got = self.ask(method, path, headers).await?;
        ensure!(!self.gives_away(&got.body), "{method} {path} {headers:?} gives the artifact: {}", got.status);
        Ok(got.status)
    }

    /// An address that gave the artifact, in every way of asking.
    async fn closed_for_good(&mut self, path: &str, before: &Got, hidden: bool) -> Result<()> {
        let etag = before.header("etag").unwrap_or("*").to_owned();
        let date = before.header("last-modified").unwrap_or("Thu, 01 Jan 2026 00:00:00 GMT").to_owned();
        let ways: &[&[(&str, &str)]] = &[
            &[],
            &[("range", "bytes=0-0")],
            &[("range", "bytes=0-")],
            &[("range", "bytes=-5")],
            &[("range", "bytes=3-40,50-90")],
            &[("range", "bytes=0-20"), ("if-range", &etag)],
            &[("if-none-match", &etag)],
            &[("if-none-match", "*")],
            &[("if-match", &etag)],
            &[("if-modified-since", &date)],
            &[("if-none-match", "\"other\"")],
            &[("accept", "application/octet-stream")],
            &[("accept-encoding", "gzip, br, zstd")],
            &[("x-http-method-override", "GET"), ("x-original-url", path), ("x-rewrite-url", path)],
            &[("x-forwarded-host", "elsewhere.example"), ("x-forwarded-prefix", "/x")],
        ];
        for headers in ways {
            for method in ["GET", "HEAD", "POST", "OPTIONS"] {
                let status = self.closed(method, path, headers).await?;
                // An empty answer, a part of one, and the word that a copy is still good are answers.
                let refused = if hidden && method == "GET" { status == 404 } else { (400..500).contains(&status) };
                ensure!(refused, "{method} {path} {headers:?} is answered with {status}");
            }
        }
        Ok(())
    }

    async fn closed_in_every_spelling(&mut self, path: &str) -> Result<()> {
        for spelling in mutated(path, subjects::PREFIXES) {
            for headers in [&[][..], &[("range", "bytes=0-30")]] {
                let status = self.closed("GET", &spelling, headers).await?;
                ensure!(status != 206, "GET {spelling} gives a part");
            }
        }
        Ok(())
    }
}

/// Publishes a package that policy will refuse and one that it will hide, walks before and after.
async fn walk(format: &str) -> Result<()> {
    let mut walk = Walk::begin().await?;
    let mut subjects = Vec::new();
    for name in ["risky", "secret"] {
        subjects.push(subjects::publish(&walk.server, format, name).await?);
    }
    settled(&walk.server).await?;
    let mut before = Vec::new();
    for subject in &subjects {
        let known = walk.known(subject).await?;
        let open = walk.open(&known).await?;
        for file in &subject.files {
            ensure!(open.iter().any(|(path, _)| path == file), "{file} is had while nothing is against it: {known:?}");
        }
        let aliases = walk.aliases(&subject.files).await?;
        ensure!(aliases >= 5, "the walk finds few of the spellings that are understood: {aliases}");
        before.push((known, open));
    }
    refuse_named(&walk.server, "quarantine", "risky").await?;
    refuse_named(&walk.server, "hide", "secret").await?;
    for (subject, expected) in subjects.iter().zip(["quarantined", "hidden"]) {
        assert_eq!(state(&walk.server, &subject.package).await?, expected, "{}", subject.package);
    }
    for (subject, (known, open)) in subjects.iter().zip(&before) {
        let hidden = subject.name == "secret";
        for (path, got) in open {
            walk.closed_for_good(path, got, hidden).await?;
            walk.closed_in_every_spelling(path).await?;
        }
        // What is new since, too.
        let known: BTreeSet<String> = known.union(&walk.known(subject).await?).cloned().collect();
        for path in &known {
            for headers in [&[][..], &[("range", "bytes=0-")]] {
                walk.closed("GET", path, headers).await?;
            }
            walk.closed_in_every_spelling(path).await?;
        }
        for path in subjects::around(&walk.server, subject).await? {
            walk.closed("GET", &path, &[]).await?;
            walk.closed("HEAD", &path, &[("range", "bytes=0-")]).await?;
        }
    }
    Ok(())
}

/// The same for packages of an upstream, of which nothing is here when the first way is tried.
async fn walk_before_the_first_pull(format: &str) -> Result<()> {
    let (far, mut walk) = (server().await?, Walk::begin().await?);
    let mut there = Wire::new(&far.authority(), far.token());
    let mut subjects = Vec::new();
    for name in ["risky", "secret"] {
        subjects.push(subjects::publish(&far, format, name).await?);
    }
    settled(&far).await?;
    open_to_everyone(&far).await?;
    let url = format!("{}{}", far.url(), subjects::address(format));
    upstream(&walk.server, "main", "far", format, &url, json!({ "mode": "hold" })).await?;
    refuse_named(&walk.server, "quarantine", "risky").await?;
    refuse_named(&walk.server, "hide", "secret").await?;
    for subject in &subjects {
        for path in &subject.files {
            let before = there.ask("GET", path, &[]).await?;
            ensure!(before.status == 200 && walk.gives_away(&before.body), "{path} is had there");
            for spelling in mutated(path, subjects::PREFIXES) {
                walk.closed("GET", &spelling, &[]).await?;
            }
            walk.closed_for_good(path, &before, subject.name == "secret").await?;
            walk.closed_in_every_spelling(path).await?;
        }
        for path in walk.known(subject).await? {
            for headers in [&[][..], &[("range", "bytes=0-")]] {
                walk.closed("GET", &path, headers).await?;
            }
        }
    }
    for (subject, expected) in subjects.iter().zip(["quarantined", "hidden"]) {
        assert_eq!(state(&walk.server, &subject.package).await?, expected, "{}", subject.package);
    }
    Ok(())
}

#[tokio::test]
async fn npm_has_no_way_around() -> Result<()> {
    walk("npm").await?;
    walk_before_the_first_pull("npm").await
}

#[tokio::test]
async fn pypi_has_no_way_around() -> Result<()> {
    walk("pypi").await?;
    walk_before_the_first_pull("pypi").await
}

#[tokio::test]
async fn cargo_has_no_way_around() -> Result<()> {
    walk("cargo").await?;
    walk_before_the_first_pull("cargo").await
}

#[tokio::test]
async fn maven_has_no_way_around() -> Result<()> {
    walk("maven").await?;
    walk_before_the_first_pull("maven").await
}

#[tokio::test]
async fn go_has_no_way_around() -> Result<()> {
    walk("go").await?;
    walk_before_the_first_pull("go").await
}

#[tokio::test]
async fn helm_has_no_way_around() -> Result<()> {
    walk("helm").await?;
    walk_before_the_first_pull("helm").await
}

#[tokio::test]
async fn oci_has_no_way_around() -> Result<()> {
    walk("oci").await?;
    walk_before_the_first_pull("oci").await
}

#[tokio::test]
async fn generic_has_no_way_around() -> Result<()> {
    walk("generic").await?;
    walk_before_the_first_pull("generic").await
}
