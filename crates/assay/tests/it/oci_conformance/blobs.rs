//! Blobs by every way in and out, under both algorithms.

use super::{ALGORITHMS, Place, bytes, digest};
use crate::support::server;
use anyhow::{Context, Result, ensure};
use assay_testkit::Reply;
use reqwest::Method;

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

fn location(reply: &Reply) -> Result<String> {
    Ok(reply.header("location").context("an answer says where to go on")?.to_owned())
}

/// Where an upload goes on, which may have a query already.
fn finishing(place: &str, digest: &str) -> String {
    format!("{place}{}digest={digest}", if place.contains('?') { '&' } else { '?' })
}

async fn begin(place: &Place<'_>) -> Result<String> {
    location(&place.send(Method::POST, &place.path("blobs/uploads/"), &[], b"").await?.expect_status(202)?)
}

async fn put(place: &Place<'_>, at: &str, digest: &str, body: &[u8]) -> Result<Reply> {
    place.send(Method::PUT, &finishing(at, digest), &[OCTETS], body).await
}

async fn post_only(place: &Place<'_>, digest: &str, body: &[u8]) -> Result<Reply> {
    place.send(Method::POST, &finishing(&place.path("blobs/uploads/"), digest), &[OCTETS], body).await
}

async fn post_and_put(place: &Place<'_>, digest: &str, body: &[u8]) -> Result<Reply> {
    let at = begin(place).await?;
    put(place, &at, digest, body).await
}

async fn streamed(place: &Place<'_>, digest: &str, body: &[u8]) -> Result<Reply> {
    let at = begin(place).await?;
    let at = location(&place.send(Method::PATCH, &at, &[OCTETS], body).await?.expect_status(202)?)?;
    put(place, &at, digest, b"").await
}

/// How chunks are sent.
#[derive(Clone, Copy)]
struct Chunks {
    count: usize,
    /// Whether the last one comes with the end of the upload.
    last_in_put: bool,
    /// Whether each is preceded by one that comes too early or too late.
    disordered: bool,
}

async fn chunk(place: &Place<'_>, at: &str, digest: Option<&str>, from: usize, body: &[u8]) -> Result<Reply> {
    let range = format!("{from}-{}", from + body.len() - 1);
    let headers = [OCTETS, ("content-range", range.as_str())];
    match digest {
        Some(digest) => place.send(Method::PUT, &finishing(at, digest), &headers, body).await,
        None => place.send(Method::PATCH, at, &headers, body).await,
    }
}

async fn chunked(place: &Place<'_>, digest: &str, body: &[u8], how: Chunks) -> Result<Reply> {
    let mut at = begin(place).await?;
    let size = body.len().div_ceil(how.count);
    let mut done = 0;
    while done < body.len() {
        let next = (done + size).min(body.len());
        if how.disordered {
            let wrong = if next < body.len() { next } else { 0 };
            let end = (wrong + size).min(body.len());
            let last = (how.last_in_put && end == body.len()).then_some(digest);
            let refused = chunk(place, &at, last, wrong, &body[wrong..end]).await?.expect_status(416)?;
            at = location(&refused)?;
            let stands = place.http.get(&at).await?.expect_status(204)?;
            let range = format!("0-{}", done.saturating_sub(1));
            ensure!(stands.header("range") == Some(range.as_str()), "{:?}", stands.headers);
            at = location(&stands)?;
        }
        let last = (how.last_in_put && next == body.len()).then_some(digest);
        let taken = chunk(place, &at, last, done, &body[done..next]).await?;
        if last.is_some() {
            return Ok(taken);
        }
        at = location(&taken.expect_status(202)?)?;
        done = next;
    }
    put(place, &at, digest, b"").await
}

/// The upload has succeeded; what it says is true, and the blob can be taken away again.
async fn holds(place: &Place<'_>, reply: Reply, digest: &str, body: &[u8]) -> Result<()> {
    let reply = reply.expect_status(201)?;
    ensure!(reply.header("docker-content-digest") == Some(digest), "{:?}", reply.headers);
    place.has(&location(&reply)?, digest, body, None).await?;
    let path = place.path(&format!("blobs/{digest}"));
    place.has(&path, digest, body, None).await?;
    place.delete(&path).await
}

const WHOLE: Chunks = Chunks { count: 1, last_in_put: false, disordered: false };

#[tokio::test]
async fn blobs_come_in_by_every_way_and_go() -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name: "main/blobs/one" };
    for algorithm in ALGORITHMS {
        let body = |word: &str, size: usize| bytes(&format!("{algorithm} {word}"), size);
        let own = |body: &[u8]| digest(algorithm, body);
        for known in [body("one", 512), Vec::new(), b"{}".to_vec()] {
            holds(&place, post_only(&place, &own(&known), &known).await?, &own(&known), &known).await?;
            holds(&place, post_and_put(&place, &own(&known), &known).await?, &own(&known), &known).await?;
            holds(&place, streamed(&place, &own(&known), &known).await?, &own(&known), &known).await?;
        }
        let single = body("single", 512);
        holds(&place, chunked(&place, &own(&single), &single, WHOLE).await?, &own(&single), &single).await?;
        for (last_in_put, disordered) in [(false, false), (true, false), (false, true), (true, true)] {
            let several = body(&format!("{last_in_put} {disordered}"), 3 * 1024 - 5);
            let how = Chunks { count: 3, last_in_put, disordered };
            let reply = chunked(&place, &own(&several), &several, how).await.with_context(|| algorithm.to_owned())?;
            holds(&place, reply, &own(&several), &several).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_digest_is_refused_by_every_way() -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name: "main/blobs/wrong" };
    for algorithm in ALGORITHMS {
        let announced = digest(algorithm, b"what was announced");
        let sent = bytes("what was sent", 3000);
        let last = Chunks { count: 3, last_in_put: true, disordered: false };
        for reply in [
            post_only(&place, &announced, &sent).await?,
            post_and_put(&place, &announced, &sent).await?,
            streamed(&place, &announced, &sent).await?,
            chunked(&place, &announced, &sent, WHOLE).await?,
            chunked(&place, &announced, &sent, last).await?,
        ] {
            assert_eq!(reply.expect_status(400)?.json()?["errors"][0]["code"], "DIGEST_INVALID");
        }
        place.http.get(&place.path(&format!("blobs/{announced}"))).await?.expect_status(404)?;
    }
    let at = begin(&place).await?;
    place.http.delete(&at).await?.expect_status(204)?;
    place.http.get(&at).await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn blobs_are_mounted_from_a_name_or_from_wherever_they_are() -> Result<()> {
    let server = server().await?;
    let (one, two) = ("main/blobs/here", "main/blobs/there");
    let (here, there) = (Place { http: server.http(), name: one }, Place { http: server.http(), name: two });
    for algorithm in ALGORITHMS {
        for from in [format!("&from={two}"), String::new()] {
            let body = bytes(&format!("{algorithm} {from}"), 512);
            let own = digest(algorithm, &body);
            let mount = here.path(&format!("blobs/uploads/?mount={own}{from}"));
            // Nobody has it: it is to be uploaded.
            let fallback = here.send(Method::POST, &mount, &[], b"").await?.expect_status(202)?;
            place_of_upload(&here, &fallback).await?;
            post_only(&there, &own, &body).await?.expect_status(201)?;
            let mounted = here.send(Method::POST, &mount, &[], b"").await?;
            holds(&here, mounted, &own, &body).await.with_context(|| format!("{algorithm} {from}"))?;
            there.has(&there.path(&format!("blobs/{own}")), &own, &body, None).await?;
        }
    }
    Ok(())
}

async fn place_of_upload(place: &Place<'_>, reply: &Reply) -> Result<()> {
    place.http.delete(&location(reply)?).await?.expect_status(204)?;
    Ok(())
}

#[tokio::test]
async fn parts_of_blobs_are_had() -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name: "main/blobs/parts" };
    for algorithm in ALGORITHMS {
        let body = bytes(algorithm, 2048);
        let own = digest(algorithm, &body);
        post_only(&place, &own, &body).await?.expect_status(201)?;
        let path = place.path(&format!("blobs/{own}"));
        for (asked, part, told) in [
            ("bytes=500-1499", &body[500..1500], "bytes 500-1499/2048"),
            ("bytes=500-", &body[500..], "bytes 500-2047/2048"),
            ("bytes=-500", &body[1548..], "bytes 1548-2047/2048"),
            ("bytes=2000-5000", &body[2000..], "bytes 2000-2047/2048"),
        ] {
            let got = place.http.get_with(&path, &[("range", asked)]).await?.expect_status(206)?;
            assert_eq!((got.header("content-range"), got.body.as_slice()), (Some(told), part), "{asked}");
        }
        for asked in ["bytes=500-0", "bytes=5000-10000"] {
            place.http.get_with(&path, &[("range", asked)]).await?.expect_status(416)?;
        }
    }
    Ok(())
}
