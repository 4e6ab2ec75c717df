//! The document that is sent to a package's address: with an archive it publishes, without it edits.

use super::{
    super::{
        document::{Next, Reader},
        inspect::{Document, Packed},
        names::{self, Name},
        provenance::{self, Bundle},
        render,
    },
    edit,
};
use crate::kit::{archive, body};
use assay_archive::Tolerance;
use assay_model::{
    Kind, Problem,
    access::Caller,
    seam::{
        ByteStream,
        format::{Expect, Reply, Repo, Staged},
    },
};
use bytes::Bytes;
use serde_json::json;

/// What came with a document.
#[derive(Default)]
struct Attached {
    archive: Option<(String, Staged)>,
    bundle: Option<(String, String)>,
}

/// `revision` is given where a client edits what it has read before.
pub(super) async fn document(
    repo: &dyn Repo,
    name: &Name,
    revision: Option<&str>,
    body: ByteStream,
) -> Result<Reply, Problem> {
    if matches!(repo.caller(), Caller::Anonymous) {
        return Err(Problem::new(
            Kind::Unauthenticated,
            "unauthenticated",
            "authentication required: publishing needs a token",
        ));
    }
    let (bytes, attached) = read(repo, name, body).await?;
    let document = Document::parse(&bytes)?;
    drop(bytes);
    match (attached, revision) {
        (Attached { archive: Some((file, staged)), bundle }, None) => {
            publish(repo, name, document, &file, staged, bundle).await
        }
        (Attached { archive: Some(_), .. }, Some(_)) => Err(Problem::invalid(
            "bad-document",
            "an archive is published at the package's own address, without a revision",
        )),
        (_, revision) => edit::edit(repo, name, revision, &document).await,
    }
}

/// Reads the document; the archive goes to the stage while it arrives.
async fn read(repo: &dyn Repo, name: &Name, body: ByteStream) -> Result<(Vec<u8>, Attached), Problem> {
    let (mut reader, mut attached) = (Reader::new(body), Attached::default());
    loop {
        let (file, at) = match reader.next().await? {
            Next::End(rest) => return Ok((rest, attached)),
            Next::Attachment(file, at) => (file, at),
        };
        if file.ends_with(".tgz") {
            if attached.archive.is_some() {
                return Err(Problem::invalid(
                    "bad-document",
                    "the document has two archives; publish one version at a time",
                ));
            }
            let (stream, back) = at.bytes();
            let expect = Expect { also: vec!["sha1", "sha512"], ..Expect::default() };
            let staged = repo.stage(name.as_str(), stream, expect).await;
            // Of two reasons, the reader's says what was wrong with the document.
            reader = match back.await {
                Ok(Err(problem)) => return Err(problem),
                Ok(Ok(reader)) => reader,
                Err(_) => {
                    staged?;
                    return Err(Problem::bug("an archive was staged before its end"));
                }
            };
            attached.archive = Some((file, staged?));
        } else if file.ends_with(".sigstore") && attached.bundle.is_none() {
            let (text, behind) = at.text(provenance::BUNDLE).await?;
            reader = behind;
            attached.bundle = Some((file, text));
        } else {
            let message =
                format!("`{}` is attached and is neither an archive (.tgz) nor provenance", names::shown(&file));
            return Err(Problem::invalid("bad-document", message));
        }
    }
}

async fn publish(
    repo: &dyn Repo,
    name: &Name,
    document: Document,
    file: &str,
    staged: Staged,
    bundle: Option<(String, String)>,
) -> Result<Reply, Problem> {
    name.publishable()?;
    let untyped =
        bundle.as_ref().is_some_and(|(file, _)| !document.media_type(file).starts_with("application/vnd.dev.sigstore"));
    if untyped {
        return Err(Problem::invalid("bad-provenance", "the provenance is not declared as a Sigstore bundle"));
    }
    let release = document.release(name, file, &staged)?;
    check_new(repo, name, &release.version).await?;
    let mut bytes = repo.read(&staged).await?;
    let reading = move || Packed::read(bytes.as_mut(), Tolerance::Reject);
    let packed = archive::apart("reading the archive", reading).await?;
    let proof = match bundle {
        Some((_, text)) => {
            let bundle = Bundle::parse(&text, name, &release.version, &staged)?;
            let document = Bytes::from(bundle.document());
            let staged = repo.stage(name.as_str(), body::of(document), Expect::default()).await?;
            Some((bundle, staged))
        }
        None => None,
    };
    let by = repo.caller().name().to_owned();
    repo.publish(release.claim(name, staged, &packed, &by, proof)?).await?;
    Ok(Reply::Answer(render::say(201, &json!({ "ok": true, "id": name.as_str(), "success": true }))))
}

/// A version is published once.
async fn check_new(repo: &dyn Repo, name: &Name, version: &str) -> Result<(), Problem> {
    let Some(view) = repo.view(name.as_str()).await? else { return Ok(()) };
    let here = view.versions.iter().filter(|known| known.package.id.0 != 0);
    let mut known = here.map(|known| known.package.at.version.as_str());
    match known.find(|known| names::same_precedence(known, version)) {
        None => Ok(()),
        Some(known) => Err(Problem::new(
            Kind::Conflict,
            "version-exists",
            format!(
                "You cannot publish over the previously published versions: {known}. Give the package a new version"
            ),
        )),
    }
}
