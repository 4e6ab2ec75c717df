//! Blobs and their uploads: in one request, in two, in chunks; mounted; resumed; cancelled.

use super::Call;
use crate::{
    kit::{answer, body},
    oci::{names, render},
};
use assay_model::{
    Digest, Kind, Problem,
    seam::{
        ByteStream,
        format::{Expect, Reply, Withdraw},
    },
};

fn unknown(digest: &Digest) -> Problem {
    Problem::new(Kind::NotFound, "blob-unknown", format!("there is no blob {digest} under this name"))
}

pub(super) async fn get(call: &Call<'_>, digest: &Digest) -> Result<Reply, Problem> {
    let seen = call.repo.blob(&call.name, digest).await?.ok_or_else(|| unknown(digest))?;
    let headers = vec![render::content_digest(digest)];
    Ok(match seen.file {
        Some(file) => Reply::File { file, headers },
        None => Reply::Staged { digest: seen.digest, headers },
    })
}

pub(super) async fn delete(call: &Call<'_>, digest: Digest) -> Result<Reply, Problem> {
    let seen = call.repo.blob(&call.name, &digest).await?.ok_or_else(|| unknown(&digest))?;
    if seen.file.is_some() {
        return Err(Problem::new(
            Kind::Unsupported,
            "unsupported",
            format!("the blob {digest} is part of an image; delete the image's manifest instead"),
        ));
    }
    let what = Withdraw::Blob { name: call.name.clone(), digest: seen.digest };
    if !call.repo.withdraw(what).await? {
        return Err(unknown(&digest));
    }
    Ok(answer::empty(202, Vec::new()))
}

/// Begins an upload, or does all of it: by mounting, or with the bytes in the same request.
pub(super) async fn start(call: &Call<'_>, body: ByteStream) -> Result<Reply, Problem> {
    if let Some(mount) = call.query.get("mount") {
        if let Some(reply) = try_mount(call, &names::digest(mount)?).await? {
            return Ok(reply);
        }
    } else if let Some(digest) = call.query.get("digest") {
        let digest = names::digest(digest)?;
        let expect = Expect { digest: Some(digest.clone()), size: length(call), ..Expect::default() };
        call.repo.stage(&call.name, body, expect).await?;
        return Ok(created(call, &digest));
    }
    let session = call.repo.open_session(&call.name).await?;
    Ok(progress(call, 202, &session, 0))
}

/// What cannot be mounted is pushed: the specification gives no error for it.
async fn try_mount(call: &Call<'_>, digest: &Digest) -> Result<Option<Reply>, Problem> {
    let mounted = match call.query.get("from").filter(|from| !from.is_empty()) {
        Some(from) => {
            let Some((repository, name)) = from.split_once('/') else { return Ok(None) };
            call.repo.mount(&call.name, repository, name, digest).await
        }
        None => call.repo.mount_found(&call.name, digest).await,
    };
    match mounted {
        Ok(Some(_)) => Ok(Some(created(call, digest))),
        Ok(None) => Ok(None),
        Err(problem) if matches!(problem.kind, Kind::NotFound | Kind::Invalid) => Ok(None),
        Err(problem) => Err(problem),
    }
}

pub(super) async fn status(call: &Call<'_>, session: &str) -> Result<Reply, Problem> {
    let length = call.repo.session(session).await.map_err(no_upload)?;
    Ok(progress(call, 204, session, length))
}

pub(super) async fn patch(call: &Call<'_>, session: &str, body: ByteStream) -> Result<Reply, Problem> {
    match append(call, session, body).await {
        Ok(length) => Ok(progress(call, 202, session, length)),
        Err(problem) => disordered(call, session, problem).await,
    }
}

pub(super) async fn finish(call: &Call<'_>, session: &str, body: ByteStream) -> Result<Reply, Problem> {
    let digest = call.query.get("digest").ok_or_else(|| {
        Problem::invalid("digest-invalid", "the upload is finished with ?digest=<algorithm>:<hex> of all its bytes")
    })?;
    let digest = names::digest(digest)?;
    if let Some(rest) = body::non_empty(body).await?
        && let Err(problem) = append(call, session, rest).await
    {
        return disordered(call, session, problem).await;
    }
    let expect = Expect { digest: Some(digest.clone()), ..Expect::default() };
    call.repo.close_session(session, Some(expect)).await.map_err(no_upload)?;
    Ok(created(call, &digest))
}

pub(super) async fn cancel(call: &Call<'_>, session: &str) -> Result<Reply, Problem> {
    call.repo.close_session(session, None).await.map_err(no_upload)?;
    Ok(answer::empty(204, Vec::new()))
}

async fn append(call: &Call<'_>, session: &str, body: ByteStream) -> Result<u64, Problem> {
    let at = match call.header("content-range") {
        Some(range) => Some(chunk_start(range, length(call))?),
        None => None,
    };
    call.repo.append(session, at, body).await.map_err(no_upload)
}

/// The first byte of a `Content-Range: <start>-<end>`, which has no unit in this protocol.
fn chunk_start(range: &str, length: Option<u64>) -> Result<u64, Problem> {
    let bare = range.trim().strip_prefix("bytes ").unwrap_or(range.trim());
    let bare = bare.split('/').next().unwrap_or_default();
    let bounds = bare.split_once('-').and_then(|(from, to)| Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?)));
    let wrong = |why: &str| {
        Problem::invalid("blob-upload-invalid", format!("the Content-Range `{}` {why}", names::shown(range)))
    };
    let (from, to) = bounds.ok_or_else(|| wrong("is not <first byte>-<last byte>"))?;
    let announced = to.checked_sub(from).and_then(|span| span.checked_add(1));
    match (announced, length) {
        (None, _) => Err(wrong("ends before it begins")),
        (Some(span), Some(length)) if span != length => Err(wrong(&format!("does not span the {length} bytes sent"))),
        _ => Ok(from),
    }
}

/// A chunk out of order is answered with where the upload stands, so that the client can go on from there.
async fn disordered(call: &Call<'_>, session: &str, problem: Problem) -> Result<Reply, Problem> {
    if problem.kind != Kind::Range {
        return Err(problem);
    }
    let length = call.repo.session(session).await.map_err(no_upload)?;
    let mut answer = render::problem(&problem);
    answer.headers.extend(place(call, session, length));
    Ok(Reply::Answer(answer))
}

fn length(call: &Call<'_>) -> Option<u64> {
    call.header("content-length").and_then(|length| length.parse().ok())
}

fn no_upload(problem: Problem) -> Problem {
    match problem.kind {
        Kind::NotFound => Problem::new(Kind::NotFound, "blob-upload-unknown", problem.message),
        _ => problem,
    }
}

fn created(call: &Call<'_>, digest: &Digest) -> Reply {
    let location = call.location(&format!("blobs/{digest}"));
    answer::empty(201, vec![("Location", location), render::content_digest(digest)])
}

fn progress(call: &Call<'_>, status: u16, session: &str, length: u64) -> Reply {
    answer::empty(status, place(call, session, length))
}

/// Where an upload is and how far it is. `0-0` is also said of an empty one: clients know no other way.
fn place(call: &Call<'_>, session: &str, length: u64) -> Vec<(&'static str, String)> {
    vec![
        ("Location", call.location(&format!("blobs/uploads/{session}"))),
        ("Range", format!("0-{}", length.saturating_sub(1))),
        ("Docker-Upload-UUID", session.to_owned()),
    ]
}
