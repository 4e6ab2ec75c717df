//! Uploads: charts and their signatures, as raw bodies, forms, or files at their own address.

use super::{
    inspect::{self, Chart},
    names::{PROVENANCE, file_name, shown},
    provenance, render, wire,
};
use crate::kit::{archive, body, multipart};
use assay_model::{
    Kind, Problem,
    package::NewFile,
    seam::{
        ByteStream,
        format::{Expect, Reply, Repo, Request, Staged, Withdraw},
    },
};
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use std::io;

/// Where the bytes of a chart wait until its name is known. No chart has this name.
const WAITING: &str = "/waiting";

/// Bytes of a chart that are handed on at once.
const PIECE: usize = 256 << 10;

/// What one request brought.
#[derive(Default)]
pub(super) struct Push {
    pub(super) chart: Option<Staged>,
    pub(super) signature: Option<Bytes>,
}

/// Takes a chart in whose name is not known yet.
pub(super) async fn stage(repo: &dyn Repo, body: ByteStream) -> Result<Staged, Problem> {
    let expect = Expect { at_most: Some(inspect::CHART), ..Expect::default() };
    repo.stage(WAITING, body, expect).await
}

/// `POST /api/charts`, a raw body or a form.
pub(super) async fn chart(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let media_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let push = if media_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        wire::form(repo, multipart::Form::new(&request.headers, request.body)?).await?
    } else {
        Push { chart: Some(stage(repo, request.body).await?), signature: None }
    };
    match push {
        Push { chart: Some(staged), signature } => publish(repo, staged, signature, None).await,
        Push { chart: None, signature: Some(signature) } => sign(repo, &signature, None).await,
        Push { .. } => Err(Problem::invalid(
            "bad-form",
            "the form has neither a chart nor a signature: name its fields chart and prov",
        )),
    }
}

/// `POST /api/prov`.
pub(super) async fn signature(repo: &dyn Repo, body: ByteStream) -> Result<Reply, Problem> {
    let bytes = body::collect(body, provenance::LARGEST, "a provenance file").await?;
    sign(repo, &bytes, None).await
}

/// `PUT` of a chart or signature under its file name.
pub(super) async fn file(repo: &dyn Repo, name: &str, body: ByteStream) -> Result<Reply, Problem> {
    match name.strip_suffix(PROVENANCE) {
        Some(chart) => {
            let bytes = body::collect(body, provenance::LARGEST, "a provenance file").await?;
            sign(repo, &bytes, Some(chart)).await
        }
        None => {
            let staged = stage(repo, body).await?;
            publish(repo, staged, None, Some(name)).await
        }
    }
}

async fn publish(
    repo: &dyn Repo,
    staged: Staged,
    signature: Option<Bytes>,
    named: Option<&str>,
) -> Result<Reply, Problem> {
    let chart = read(repo, &staged).await?;
    let path = file_name(&chart.name, &chart.version);
    if let Some(named) = named
        && named != path
    {
        return Err(Problem::invalid(
            "bad-file-name",
            format!("the file name `{}` is not that of the chart in it, which is {path}", shown(named)),
        ));
    }
    if let Some(stored) = repo.file(&chart.name, &path).await?
        && stored.digest != staged.digest
    {
        return Err(Problem::new(
            Kind::Conflict,
            "file-exists",
            format!("{path} already exists with other content; give the chart a new version"),
        ));
    }
    let mut files = Vec::new();
    if let Some(bytes) = signature {
        let files_signed = provenance::parse(&bytes)?;
        if files_signed.get(&path).map(String::as_str) != Some(staged.digest.hex()) {
            return Err(mismatch(&path));
        }
        files.push(signature_file(repo, &chart, bytes).await?);
    }
    let staged = stage_as(repo, &chart.name, staged).await?;
    let digest = staged.digest.clone();
    files.insert(0, inspect::new_file(&chart, staged, false));
    repo.publish(inspect::claim(&chart, files)).await?;
    // It waits for nothing any more; what stays is collected like every upload that was not finished.
    repo.withdraw(Withdraw::Blob { name: WAITING.to_owned(), digest }).await?;
    Ok(Reply::Answer(render::done(201, "saved")))
}

/// The same bytes under the name that they turned out to have.
async fn stage_as(repo: &dyn Repo, name: &str, waiting: Staged) -> Result<Staged, Problem> {
    let bytes = repo.read(&waiting).await?;
    let pieces = stream::unfold(Some(bytes), |left| async move {
        let mut bytes = left?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = bytes.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, io::Error>((bytes, piece))
        });
        match read.await.map_err(io::Error::other).and_then(|read| read) {
            Ok((_, piece)) if piece.is_empty() => None,
            Ok((bytes, piece)) => Some((Ok(Bytes::from(piece)), Some(bytes))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let expect = Expect { digest: Some(waiting.digest), size: Some(waiting.size), ..Expect::default() };
    repo.stage(name, Box::pin(pieces), expect).await
}

async fn read(repo: &dyn Repo, staged: &Staged) -> Result<Chart, Problem> {
    let mut bytes = repo.read(staged).await?;
    archive::apart("reading the chart", move || inspect::read(bytes.as_mut())).await
}

fn mismatch(path: &str) -> Problem {
    Problem::invalid("digest-mismatch", format!("the provenance file does not sign these bytes of {path}"))
}

async fn sign(repo: &dyn Repo, bytes: &Bytes, named: Option<&str>) -> Result<Reply, Problem> {
    let files = provenance::parse(bytes)?;
    if let Some(named) = named.filter(|named| !files.contains_key(*named)) {
        return Err(Problem::invalid("bad-provenance", format!("the provenance file does not sign {}", shown(named))));
    }
    let chart = wire::signed(repo, &files).await?;
    let path = format!("{}{PROVENANCE}", file_name(&chart.name, &chart.version));
    let file = signature_file(repo, &chart, bytes.clone()).await?;
    if let Some(stored) = repo.file(&chart.name, &path).await?
        && stored.digest != file.digest
    {
        return Err(Problem::new(Kind::Conflict, "file-exists", format!("{path} already exists with other content")));
    }
    repo.publish(inspect::claim(&chart, vec![file])).await?;
    Ok(Reply::Answer(render::done(201, "saved")))
}

async fn signature_file(repo: &dyn Repo, chart: &Chart, bytes: Bytes) -> Result<NewFile, Problem> {
    let staged = repo.stage(&chart.name, body::of(bytes), Expect::default()).await?;
    Ok(inspect::new_file(chart, staged, true))
}
