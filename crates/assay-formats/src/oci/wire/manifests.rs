//! Manifests and indexes: pushed, pulled, untagged, deleted.

use super::Call;
use crate::{
    kit::{answer, body},
    oci::{
        inspect::{self, Descriptor, Manifest},
        names::Pointer,
        render,
    },
};
use assay_model::{
    Digest, Kind, Problem,
    package::File,
    seam::{
        ByteStream,
        format::{Expect, Reply, Withdraw},
    },
    view::PackageView,
};

fn unknown(call: &Call<'_>, pointer: &Pointer) -> Problem {
    let (sign, pointer) = match pointer {
        Pointer::Tag(tag) => (':', tag.as_str()),
        Pointer::Digest(digest) => ('@', digest.as_str()),
    };
    Problem::new(
        Kind::NotFound,
        "manifest-unknown",
        format!("there is no manifest {}{sign}{pointer}", call.full_name()),
    )
}

/// The digest that a tag stands for.
fn tagged(view: &PackageView, tag: &str) -> Option<String> {
    view.references.iter().find(|reference| reference.name == tag).map(|reference| reference.version.clone())
}

/// The file that is the manifest of that version.
fn own_file(view: &PackageView, digest: &str) -> Option<File> {
    let version = view.versions.iter().find(|version| version.package.at.version == digest)?;
    version.files.iter().find(|file| file.path == digest && file.role.is_some()).cloned()
}

pub(super) async fn get(call: &Call<'_>, pointer: &Pointer) -> Result<Reply, Problem> {
    let digest = match pointer {
        Pointer::Digest(digest) => digest.to_string(),
        Pointer::Tag(tag) => {
            let view = call.repo.view(&call.name).await?;
            view.and_then(|view| tagged(&view, tag)).ok_or_else(|| unknown(call, pointer))?
        }
    };
    let file = match call.repo.file(&call.name, &digest).await? {
        Some(file) if file.role.is_some() => Some(file),
        // Config and layers are files as well, to be had as blobs; one may have the bytes of a manifest.
        Some(_) => call.repo.view(&call.name).await?.and_then(|view| own_file(&view, &digest)),
        None => None,
    };
    let file = file.ok_or_else(|| unknown(call, pointer))?;
    Ok(Reply::File { file: file.id, headers: vec![render::content_digest(&file.digest)] })
}

pub(super) async fn put(call: &Call<'_>, pointer: Pointer, body: ByteStream) -> Result<Reply, Problem> {
    let bytes = body::collect(body, inspect::MANIFEST, "the manifest").await?;
    let digest = Digest::of(&bytes);
    let tag = match pointer {
        Pointer::Tag(tag) => Some(tag),
        Pointer::Digest(wanted) if wanted == digest => None,
        Pointer::Digest(wanted) => {
            return Err(Problem::invalid(
                "digest-mismatch",
                format!("the manifest was announced as {wanted} and its bytes have {digest}"),
            ));
        }
    };
    let manifest = Manifest::parse(&bytes, call.header("content-type"))?;
    for part in manifest.parts() {
        require(call, part, manifest.children.iter().any(|child| child.digest == part.digest)).await?;
    }
    let mut headers =
        vec![("Location", call.location(&format!("manifests/{digest}"))), render::content_digest(&digest)];
    headers.extend(manifest.subject.as_ref().map(|subject| ("OCI-Subject", subject.digest.to_string())));
    let size = bytes.len() as u64;
    let expect = Expect { digest: Some(digest.clone()), size: Some(size), ..Expect::default() };
    call.repo.stage(&call.name, body::of(bytes), expect).await?;
    call.repo.publish(manifest.claim(&call.name, digest, size, tag)).await?;
    Ok(answer::empty(201, headers))
}

/// What a manifest refers to must be under the same name already, with the size that it says.
async fn require(call: &Call<'_>, part: &Descriptor, child: bool) -> Result<(), Problem> {
    let what = if child { "manifest" } else { "blob" };
    let Some(seen) = call.repo.blob(&call.name, &part.digest).await? else {
        return Err(Problem::invalid(
            "manifest-blob-unknown",
            format!("the manifest refers to the {what} {}, which was not pushed to {}", part.digest, call.full_name()),
        ));
    };
    if seen.size != part.size {
        return Err(Problem::invalid(
            "manifest-invalid",
            format!("the manifest says that {} has {} bytes; it has {}", part.digest, part.size, seen.size),
        ));
    }
    Ok(())
}

pub(super) async fn delete(call: &Call<'_>, pointer: Pointer) -> Result<Reply, Problem> {
    let name = call.name.clone();
    let gone = match &pointer {
        Pointer::Tag(tag) => call.repo.withdraw(Withdraw::Reference { name, reference: tag.clone() }).await?,
        Pointer::Digest(digest) => call.repo.withdraw(Withdraw::Version { name, version: digest.to_string() }).await?,
    };
    if !gone {
        return Err(unknown(call, &pointer));
    }
    Ok(answer::empty(202, Vec::new()))
}
