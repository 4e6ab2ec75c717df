//! Bundles over HTTP: one is made and sent, or sent and taken in; and whose are taken in.

use super::{Answer, App, Call, ok};
use crate::bundle::{key, read, write};
use assay_model::problem::{Kind, Problem};
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use std::{path::Path, sync::Arc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes of a bundle that is sent here.
const MAX_BUNDLE: u64 = 16 << 30;
/// Bytes that are sent at once.
const PIECE: usize = 256 << 10;

#[derive(Deserialize)]
struct Wanted {
    /// Number, or digest of the manifest.
    since: Option<String>,
}

/// Makes a bundle, whole or as a delta, and sends it.
pub(crate) async fn export(app: Arc<App>, call: Call) -> Answer {
    let wanted: Wanted = call.query()?;
    let base = match wanted.since.filter(|since| !since.is_empty()) {
        Some(since) => Some(write::base(&app.engine, &since).await.map_err(wrong)?),
        None => None,
    };
    let place = tempfile::NamedTempFile::new_in(&app.spool)
        .map_err(|e| Problem::internal("cannot make a temporary file", e))?
        .into_temp_path();
    let manifest = write::write(&app.engine, &app.vault, &place, base).await.map_err(wrong)?;
    let unreadable = |e| Problem::internal("cannot read the bundle", e);
    let file = tokio::fs::File::open(&place).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    // the file is gone once it is closed
    drop(place);
    let pieces = futures_util::stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(Bytes::from(piece)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut reply = http::Response::new(Body::from_stream(pieces));
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let name = format!("attachment; filename=\"assay-facts-{}.tar.gz\"", manifest.number);
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(reply)
}

#[derive(Deserialize)]
struct How {
    #[serde(default)]
    force: bool,
}

/// Takes in the bundle that is the body.
pub(crate) async fn import(app: Arc<App>, mut call: Call) -> Answer {
    let how: How = call.query()?;
    let place = tempfile::NamedTempFile::new_in(&app.spool)
        .map_err(|e| Problem::internal("cannot make a temporary file", e))?
        .into_temp_path();
    receive(&mut call, &place).await?;
    let actor = call.caller.name().to_owned();
    let report = read::import(&app.engine, &app.vault, &place, how.force, &actor).await.map_err(wrong)?;
    ok(&json!({"report": report}))
}

async fn receive(call: &mut Call, place: &Path) -> Result<(), Problem> {
    let unwritable = |e| Problem::internal("cannot write a temporary file", e);
    let mut file = tokio::fs::File::create(place).await.map_err(unwritable)?;
    let (mut body, mut received) = (call.stream()?, 0);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Problem::invalid("cut-off", "the bundle was cut off; send it again"))?;
        received += piece.len() as u64;
        if received > MAX_BUNDLE {
            return Err(Problem::new(Kind::TooLarge, "too-large", "a bundle has at most 16 GiB"));
        }
        file.write_all(&piece).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)
}

/// The own public key, and those that are trusted.
pub(crate) async fn keys(app: Arc<App>, _: Call) -> Answer {
    let own = key::public(&key::own(&app.engine, &app.vault).await.map_err(wrong)?);
    ok(&json!({"own": own, "trusted": key::trusted(&app.engine).await.map_err(wrong)?}))
}

#[derive(Deserialize)]
struct Trust {
    key: String,
    trusted: bool,
}

/// Trusts a key, or no longer.
pub(crate) async fn trust(app: Arc<App>, mut call: Call) -> Answer {
    let Trust { key, trusted } = call.json().await?;
    key::trust(&app.engine, &key, trusted, call.caller.name()).await.map_err(wrong)?;
    keys(app, call).await
}

/// What is wrong with a bundle is the sender's to mend; what is wrong with the store is not.
fn wrong(error: anyhow::Error) -> Problem {
    match error.downcast::<Problem>() {
        Ok(problem) => problem,
        Err(error) => Problem::invalid("bad-bundle", format!("{error:#}")),
    }
}
