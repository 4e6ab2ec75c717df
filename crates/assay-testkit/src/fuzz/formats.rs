//! Targets of `assay-formats`: whole requests, as text, to each format over a repository that keeps almost nothing.
//!
//! An input is `METHOD path?query`, header lines, an empty line, and the body. Every format gets every seed.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use assay_model::access::Caller;
use assay_model::package::{File, FileId, PackageId};
use assay_model::seam::format::{
    Document, Expect, Format, Intake, Known, Lobby, Receipt, Reply, Repo, Request, SeenBlob, Shelf, Staged, Withdraw,
};
use assay_model::seam::{ByteStream, ReadSeek, Task};
use assay_model::view::PackageView;
use assay_model::{Digest, Problem};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Target;
use crate::make::{oci, sdist, wheel::Wheel};
use crate::upload;

pub(super) fn targets() -> Vec<Target> {
    let target = |format: &'static dyn Format| {
        let name = format!("format-{}", format.spec().id);
        // Without a runtime there is nothing to fuzz on; the test of seeds would then fail.
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok();
        let seeds = if runtime.is_some() { seeds() } else { Vec::new() };
        Target::new(name, seeds, move |input| {
            if let (Some(runtime), Some(_)) = (&runtime, request(input)) {
                runtime.block_on(ask(format, input));
            }
        })
    };
    assay_formats::ALL.iter().map(|format| target(*format)).collect()
}

/// Sends the request to a repository and to no repository; whatever is refused can be worded.
async fn ask(format: &dyn Format, input: &[u8]) {
    let repo = Sieve::default();
    let answers = [
        match request(input) {
            Some(request) => format.handle(&repo, request).await,
            None => return,
        },
        match request(input) {
            Some(request) => format.lobby(&repo, request).await,
            None => return,
        },
    ];
    for answer in answers {
        match answer {
            Ok(Reply::Answer(answer)) => assert!((200..600).contains(&answer.status), "{}", answer.status),
            Ok(_) => {}
            Err(problem) => {
                let answer = format.problem(&problem);
                assert!((400..600).contains(&answer.status), "{problem} is worded as {}", answer.status);
            }
        }
    }
}

/// `None` for what HTTP itself would refuse.
fn request(input: &[u8]) -> Option<Request> {
    let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let body = Bytes::copy_from_slice(input.get(end + 2..).unwrap_or_default());
    let head = std::str::from_utf8(&input[..end]).ok()?;
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    // The edge hands over only what parsed as a request target.
    let target: http::Uri = format!("/{target}").parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?);
    }
    let pieces: Vec<_> = body.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Some(Request {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        path: target.path().get(1..)?.to_owned(),
        query: target.query().map(str::to_owned),
        headers,
        body: Box::pin(stream::iter(pieces)),
        base_url: "http://127.0.0.1:1".to_owned(),
    })
}

fn seeds() -> Vec<Vec<u8>> {
    let message = |head: &str, body: &[u8]| [head.as_bytes(), b"\n\n", body].concat();
    let form_type = format!("Content-Type: {}", upload::content_type());
    let mut seeds = vec![
        message("PUT bench/4k.bin\nContent-Type: text/plain", b"hello"),
        message("GET bench/4k.bin\nRange: bytes=0-3\nIf-None-Match: \"a\"", b""),
        message("GET simple/requests/\nAccept: application/vnd.pypi.simple.v1+json", b""),
        message("GET simple/", b""),
        message("GET library/alpine/tags/list?n=10&last=a", b""),
        message("POST alpine/blobs/uploads/?mount=sha256:00&from=b/c", b""),
        message("PATCH alpine/blobs/uploads/1\nContent-Range: 0-4", b"hello"),
        message(
            "PUT alpine/blobs/uploads/1?digest=sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            b"hello",
        ),
        message("DELETE alpine/manifests/3.10", b""),
        message("HEAD alpine/manifests/3.10\nAccept: application/vnd.oci.image.manifest.v1+json", b""),
    ];
    let wheel = Wheel::new("a", "1.0").requires("b>=1").build();
    for built in [wheel, sdist::sdist("a", "1.0", &[])].into_iter().flatten() {
        seeds.push(message(&format!("POST \n{form_type}"), &upload::form(&built)));
    }
    if let Ok(parts) = oci::Image::new().layer(&[("a", b"b")]).and_then(|image| image.parts()) {
        let head = format!("PUT alpine/manifests/3.10\nContent-Type: {}", parts.manifest.media_type);
        seeds.push(message(&head, &parts.manifest.bytes));
    }
    seeds
}

/// A repository that has every blob it is asked for, keeps what is staged for one request, and forgets packages.
#[derive(Default)]
struct Sieve {
    staged: Mutex<BTreeMap<Digest, Vec<u8>>>,
}

impl Sieve {
    async fn take(&self, mut body: ByteStream, expect: &Expect) -> Result<Staged, Problem> {
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| Problem::invalid("incomplete-body", error.to_string()))?);
        }
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        if expect.size.is_some_and(|wanted| wanted != size) || expect.at_most.is_some_and(|most| size > most) {
            return Err(Problem::invalid("size-mismatch", "another number of bytes arrived"));
        }
        // A wrong digest is let through: mutated bytes would otherwise never reach what reads them.
        let hashes = expect.also.iter().map(|name| ((*name).to_owned(), digest.hex().to_owned())).collect();
        self.staged.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), bytes);
        Ok(Staged { digest, size, hashes })
    }
}

impl Intake for Sieve {
    fn stage<'a>(&'a self, _: &'a str, body: ByteStream, expect: Expect) -> Task<'a, Staged> {
        Box::pin(async move { self.take(body, &expect).await })
    }

    fn open_session<'a>(&'a self, _: &'a str) -> Task<'a, String> {
        Box::pin(async { Ok("1".to_owned()) })
    }

    fn append<'a>(&'a self, _: &'a str, _: Option<u64>, body: ByteStream) -> Task<'a, u64> {
        Box::pin(async move { Ok(self.take(body, &Expect::default()).await?.size) })
    }

    fn session<'a>(&'a self, _: &'a str) -> Task<'a, u64> {
        Box::pin(async { Ok(5) })
    }

    fn close_session<'a>(&'a self, _: &'a str, keep: Option<Expect>) -> Task<'a, Option<Staged>> {
        Box::pin(async move {
            Ok(keep.and_then(|expect| expect.digest).map(|digest| Staged { digest, size: 5, hashes: BTreeMap::new() }))
        })
    }

    fn publish<'a>(&'a self, _: assay_model::seam::format::Claim) -> Task<'a, Receipt> {
        Box::pin(async { Ok(Receipt { package: PackageId(1), created: true }) })
    }
}

impl Shelf for Sieve {
    fn view<'a>(&'a self, _: &'a str) -> Task<'a, Option<Arc<PackageView>>> {
        Box::pin(async { Ok(None) })
    }

    fn names<'a>(&'a self, _: Option<&'a str>, _: usize) -> Task<'a, Vec<String>> {
        Box::pin(async { Ok(vec!["a".to_owned(), "b/c".to_owned()]) })
    }

    fn file<'a>(&'a self, _: &'a str, _: &'a str) -> Task<'a, Option<File>> {
        Box::pin(async { Ok(None) })
    }

    fn fetch<'a>(&'a self, _: &'a str, _: &'a str) -> Task<'a, Option<FileId>> {
        Box::pin(async { Ok(None) })
    }

    fn find<'a>(&'a self, _: &'a str, _: &'a str) -> Task<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    fn search<'a>(&'a self, _: &'a str, _: usize, _: usize) -> Task<'a, (Vec<String>, usize)> {
        Box::pin(async { Ok((vec!["a".to_owned()], 1)) })
    }

    fn blob<'a>(&'a self, _: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move { Ok(Some(SeenBlob { digest: digest.clone(), size: 5, file: None })) })
    }

    fn findings<'a>(&'a self, _: &'a [(String, String)]) -> Task<'a, Vec<Known>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn withdraw<'a>(&'a self, _: Withdraw) -> Task<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn mount<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        self.blob("", digest)
    }
}

impl Repo for Sieve {
    fn rendered(&self, view: &PackageView, _: &str, render: &(dyn Fn(&PackageView) -> Document + Sync)) -> Document {
        render(view)
    }

    fn repository(&self) -> &str {
        "main"
    }

    fn caller(&self) -> &Caller {
        &Caller::System
    }

    fn read<'a>(&'a self, staged: &'a Staged) -> Task<'a, Box<dyn ReadSeek>> {
        let kept = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = kept.get(&staged.digest).cloned().unwrap_or_else(|| b"{}".to_vec());
        Box::pin(async move { Ok(Box::new(Cursor::new(bytes)) as Box<dyn ReadSeek>) })
    }
}

impl Lobby for Sieve {
    fn enter(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn names<'a>(&'a self, _: Option<&'a str>, _: usize) -> Task<'a, Vec<String>> {
        Box::pin(async { Ok(vec!["main/a".to_owned()]) })
    }
}
