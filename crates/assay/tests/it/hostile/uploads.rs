//! Distributions and plain files that lie, burst or break off.

use anyhow::{Context, Result, ensure};
use assay_testkit::{
    Http, TestServer,
    make::{gzip, sha256, tar, wheel::Wheel, zip},
};

use super::{Standing, exact, raw, status};
use crate::support::{options, publish, settled};

const BOUNDARY: &str = "a-boundary-of-this-test";

/// One form, as it is sent.
struct Form {
    fields: Vec<(String, String)>,
    file: Option<(String, Vec<u8>)>,
}

impl Form {
    fn of(file: &str, bytes: Vec<u8>) -> Self {
        let sdist = !file.ends_with(".whl");
        let fields = [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("filetype", if sdist { "sdist" } else { "bdist_wheel" }),
            ("pyversion", if sdist { "source" } else { "py3" }),
            ("name", "evil"),
            ("version", "1.0"),
            ("sha256_digest", &sha256(&bytes)),
        ];
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { fields, file: Some((file.to_owned(), bytes)) }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        if name == "content" {
            self.file = None;
        }
        self
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .into_bytes(),
            );
        }
        if let Some((name, bytes)) = &self.file {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        body
    }
}

async fn send(server: &TestServer, content_type: &str, body: Vec<u8>) -> Result<(u16, String)> {
    // a connection on which too much was sent is ended, and must not be met again
    let http = Http::new(&server.url(), Some(server.token()))?;
    let request = http.request(reqwest::Method::POST, "/pypi/main/legacy/");
    let reply = http.send(request.header("content-type", content_type).body(body)).await?;
    ensure!(reply.header("content-type") == Some("application/problem+json"), "{:?}: {}", reply.headers, reply.text());
    ensure!(reply.json()?["detail"].as_str().is_some_and(|text| !text.is_empty()), "{}", reply.text());
    Ok((reply.status.as_u16(), reply.text()))
}

const WHEEL: &str = "evil-1.0-py3-none-any.whl";

/// A wheel of `evil` 1.0 with these files besides.
fn wheel(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let wheel = files.iter().fold(Wheel::new("evil", "1.0"), |wheel, (path, bytes)| wheel.file(path, *bytes));
    Ok(wheel.build()?.bytes)
}

/// Makes the entry of that name a symbolic link, in the directory of a zip archive.
fn make_link(mut archive: Vec<u8>, name: &str) -> Result<Vec<u8>> {
    let at = (0..archive.len()).find(|&at| {
        archive[at..].starts_with(b"PK\x01\x02")
            && archive.get(at + 46..).is_some_and(|rest| rest.starts_with(name.as_bytes()))
    });
    let at = at.context("no such entry")?;
    archive[at + 5] = 3;
    archive[at + 38..at + 42].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    Ok(archive)
}

fn bad_archives() -> Result<Vec<(&'static str, Form, u16, &'static str)>> {
    let good = wheel(&[])?;
    let half = good[..good.len() / 2].to_vec();
    let other = Wheel::new("other", "1.0").build()?.bytes;
    let newer = Wheel::new("evil", "2.0").build()?.bytes;
    let bomb = wheel(&[("zeros", &vec![0; 2_000_000])])?;
    let many: Vec<(String, Vec<u8>)> = (0..1500).map(|n| (format!("f{n}"), Vec::new())).collect();
    let sdist = |path: &str, bytes: &[u8]| -> Result<Vec<u8>> {
        gzip(&tar(&[("evil-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"), (path, bytes)])?)
    };
    let tar_bomb = sdist("evil-1.0/zeros", &vec![0; 2_000_000])?;
    let cut_tar = sdist("evil-1.0/x", &[7; 1000])?;
    let cut_tar = cut_tar[..cut_tar.len() - 20].to_vec();
    Ok(vec![
        ("truncated", Form::of(WHEEL, half), 400, "cannot be read"),
        ("empty", Form::of(WHEEL, Vec::new()), 400, "cannot be read"),
        ("text", Form::of(WHEEL, b"not a wheel at all".to_vec()), 400, "cannot be read"),
        ("another name inside", Form::of(WHEEL, other), 400, "the name in the metadata"),
        ("another version inside", Form::of(WHEEL, newer), 400, "the version in the metadata"),
        ("entry too large", Form::of(WHEEL, bomb), 413, "limits.archive.entry_bytes"),
        ("too many entries", Form::of(WHEEL, zip(&many)?), 413, "limits.archive.entries"),
        ("parent folder", Form::of(WHEEL, wheel(&[("../evil.py", b"x")])?), 400, "unsafe path"),
        ("absolute path", Form::of(WHEEL, wheel(&[("/etc/passwd", b"x")])?), 400, "unsafe path"),
        ("link outside", Form::of(WHEEL, make_link(wheel(&[("link", b"/etc/passwd")])?, "link")?), 400, "unsafe path"),
        ("tar bomb", Form::of("evil-1.0.tar.gz", tar_bomb), 413, "limits.archive.entry_bytes"),
        ("cut tar", Form::of("evil-1.0.tar.gz", cut_tar), 400, "cannot be read"),
        ("no metadata", Form::of(WHEEL, zip(&[("evil.py".into(), b"x".to_vec())])?), 400, "METADATA"),
        ("no distribution", Form::of("evil-1.0.exe", good.clone()), 400, "evil-1.0.exe"),
        ("a path as file name", Form::of("../../evil-1.0-py3-none-any.whl", good), 400, ""),
    ])
}

fn bad_forms() -> Result<Vec<(&'static str, Form, u16, &'static str)>> {
    let good = wheel(&[])?;
    let form = || Form::of(WHEEL, good.clone());
    Ok(vec![
        ("wrong SHA-256", form().set("sha256_digest", &"0".repeat(64)), 400, "digest"),
        ("no SHA-256", form().set("sha256_digest", "zz"), 400, "sha256_digest"),
        ("wrong MD5", form().set("md5_digest", &"0".repeat(32)), 400, "MD5"),
        ("no action", form().without(":action"), 400, ":action"),
        ("another action", form().set(":action", "doc_upload"), 400, "doc_upload"),
        ("no name", form().without("name"), 400, "name"),
        ("no version", form().without("version"), 400, "version"),
        ("no file", form().without("content"), 400, "content"),
        ("impossible name", form().set("name", "../../etc"), 400, ""),
        ("another name", form().set("name", "other"), 400, "other"),
        ("another version", form().set("version", "9.9"), 400, "version"),
        ("giant field", form().set("name", &"n".repeat(200_000)), 413, "`name`"),
        ("giant form", form().set("description", &"d".repeat(9 << 20)), 413, "form"),
        ("another kind", form().set("filetype", "sdist"), 400, "filetype"),
        ("file too large", Form::of(WHEEL, vec![7; 300_000]), 413, "limits.file_bytes"),
    ])
}

fn limited() -> assay_testkit::ServerOptions {
    options()
        .env("ASSAY_LIMITS_FILE_BYTES", "250000")
        .env("ASSAY_LIMITS_ARCHIVE_ENTRY_BYTES", "1000000")
        .env("ASSAY_LIMITS_ARCHIVE_ENTRIES", "1000")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributions_that_lie_or_burst_are_told_so_and_leave_nothing() -> Result<()> {
    let mut server = limited().start().await?;
    publish(&server, &Wheel::new("good", "1.0").build()?).await?;
    settled(&server).await?;
    let before = Standing::of(&server)?;
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    for (label, form, wanted, says) in bad_archives()?.into_iter().chain(bad_forms()?) {
        let (status, text) = match send(&server, &content_type, form.body()).await {
            // the server does not read on, so the client may see the end of the connection before the answer
            Err(_) if label == "giant form" => continue,
            answer => answer.context(label)?,
        };
        ensure!(status == wanted && text.contains(says), "{label}: {status} {text}");
    }
    let whole = Form::of(WHEEL, wheel(&[])?).body();
    for (label, content_type, body) in [
        ("no boundary", "multipart/form-data", whole.clone()),
        ("no form", "application/json", b"{}".to_vec()),
        ("another boundary", "multipart/form-data; boundary=other", whole.clone()),
        ("garbage", content_type.as_str(), (0..5000_u32).map(|n| (n * 7 % 251) as u8).collect()),
        ("cut", content_type.as_str(), whole[..whole.len() - 60].to_vec()),
        ("nothing", content_type.as_str(), Vec::new()),
    ] {
        let (status, text) = send(&server, content_type, body).await.context(label)?;
        ensure!(status == 400, "{label}: {status} {text}");
    }
    ensure!(server.http().get("/pypi/main/simple/evil/").await?.status == 404);
    before.unchanged(&mut server).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_break_off_leave_nothing() -> Result<()> {
    let mut server = limited().start().await?;
    let before = Standing::of(&server)?;
    let form = Form::of(WHEEL, wheel(&[("filler", &vec![7; 90_000])])?).body();
    let token = server.token().to_owned();
    let (host, cut) = (server.authority(), form.len() - 300);
    let multipart = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n");
    for (label, target, more, body) in [
        ("form", "POST /pypi/main/legacy/", multipart.as_str(), &form[..cut]),
        ("file", "PUT /generic/main/cut.bin", "", &[7; 50_000][..]),
        (
            "blob",
            "POST /v2/main/cut/blobs/uploads/?digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "",
            &[7; 50_000][..],
        ),
        ("manifest", "PUT /v2/main/cut/manifests/latest", "", b"{\"schemaVersion\":2,"),
    ] {
        let head = format!(
            "{target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}Content-Length: {}\r\n\r\n",
            200_000
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        let answer = raw(&server, &request, true).await.context(label)?;
        ensure!(answer.is_empty() || (400..500).contains(&status(&answer)), "{label}: {answer}");
    }
    ensure!(server.http().get("/generic/main/cut.bin").await?.status == 404);
    before.unchanged(&mut server).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_stay_below_their_repository() -> Result<()> {
    let mut server = limited().start().await?;
    let before = Standing::of(&server)?;
    let long = format!("/generic/main/{}", "a".repeat(1100));
    let deep = format!("/generic/main/{}", "a/".repeat(80) + "b");
    for target in [
        "/generic/main/../../etc/passwd",
        "/generic/main/a/../../b",
        "/generic/main/%2e%2e/%2e%2e/x",
        "/generic/main/a/%2E%2e/b",
        "/generic/main/a/..%2fb",
        "/generic/main/a/.%2e/b",
        "/generic/main/./a",
        "/generic/main/a//b",
        "/generic/main//etc/passwd",
        "/generic/main/http://elsewhere/x",
        "/generic/main/a%00b",
        "/generic/main/a%0d%0aSet-Cookie:%20x",
        "/generic/main/a%5c..%5cb",
        "/generic/main/a%ffb",
        &long,
        &deep,
    ] {
        let (status, answer) = exact(&server, "PUT", target, "bytes").await?;
        ensure!(matches!(status, 400 | 404 | 405), "PUT {target}: {answer}");
        let (status, answer) = exact(&server, "GET", target, "").await?;
        ensure!(matches!(status, 400 | 404), "GET {target}: {answer}");
    }
    let reply = server.http().put("/generic/main/large.bin", vec![7; 250_001]).await?;
    ensure!(reply.status == 413 && reply.text().contains("limits.file_bytes"), "{}", reply.text());
    for (name, value) in [
        ("x-checksum-sha256", "00"),
        ("x-checksum-sha256", &*"0".repeat(64)),
        ("x-checksum-md5", &*"0".repeat(32)),
        ("content-md5", "!!"),
        ("content-range", "bytes 0-3/9"),
    ] {
        let request = server.http().request(reqwest::Method::PUT, "/generic/main/x.bin").header(name, value);
        let reply = server.http().send(request.body("bytes")).await?;
        ensure!(matches!(reply.status.as_u16(), 400 | 405), "{name}: {value}: {} {}", reply.status, reply.text());
    }
    let outside = server.data().parent().context("no parent")?.join("etc");
    ensure!(!outside.exists());
    before.unchanged(&mut server).await
}
