//! Manifests and indexes: pushed, pulled, untagged, deleted.

use super::Call;
use crate::{
    kit::{answer, body},
    oci::{
        inspect::{self, Descriptor, Manifest, Parts, Pushed},
        names::{self, Pointer},
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

/// Tags that one push may set.
const TAGS: usize = 32;

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

/// The version that a pointer stands for; the digests of manifests that were pushed by another algorithm are looked up.
async fn version_of(call: &Call<'_>, pointer: &Pointer) -> Result<Option<String>, Problem> {
    Ok(match pointer {
        Pointer::Tag(tag) => call.repo.find(&call.name, tag).await?,
        Pointer::Digest(digest) if names::is_own(digest) => Some(digest.to_string()),
        Pointer::Digest(digest) => call.repo.blob(&call.name, digest).await?.map(|seen| seen.digest.to_string()),
    })
}

pub(super) async fn get(call: &Call<'_>, pointer: &Pointer) -> Result<Reply, Problem> {
    let version = version_of(call, pointer).await?.ok_or_else(|| unknown(call, pointer))?;
    let here = match call.repo.file(&call.name, &version).await? {
        Some(file) if file.role.is_some() => Some(file),
        // Config and layers are files as well, to be had as blobs; one may have the bytes of a manifest.
        Some(_) => {
            let view = call.repo.view(&call.name).await?;
            Some(view.and_then(|view| own_file(&view, &version)).ok_or_else(|| unknown(call, pointer))?)
        }
        None => None,
    };
    let (file, known_as) = match here {
        Some(file) => (file.id, inspect::known_as(&file)),
        None => {
            // An image comes from an upstream with all its parts, once it is known what those are.
            if matches!(pointer, Pointer::Digest(_)) {
                call.repo.find(&call.name, &version).await?;
            }
            let fetched = call.repo.fetch(&call.name, &version).await?.ok_or_else(|| unknown(call, pointer))?;
            (fetched, version)
        }
    };
    let shown = match pointer {
        Pointer::Digest(asked) => asked.to_string(),
        Pointer::Tag(_) => known_as,
    };
    Ok(Reply::File { file, headers: vec![("Docker-Content-Digest", shown)] })
}

/// The file that is the manifest of that version.
fn own_file(view: &PackageView, version: &str) -> Option<File> {
    let found = view.versions.iter().find(|candidate| candidate.package.at.version == version)?;
    found.files.iter().find(|file| file.path == version && file.role.is_some()).cloned()
}

pub(super) async fn put(call: &Call<'_>, pointer: Pointer, body: ByteStream) -> Result<Reply, Problem> {
    let bytes = body::collect(body, inspect::MANIFEST, "the manifest").await?;
    let digest = Digest::of(&bytes);
    let (announced, tags) = match pointer {
        Pointer::Tag(tag) => (digest.clone(), vec![tag]),
        Pointer::Digest(wanted) if names::is_own(&wanted) && wanted != digest => {
            return Err(Problem::invalid(
                "digest-mismatch",
                format!("the manifest was announced as {wanted} and its bytes have {digest}"),
            ));
        }
        Pointer::Digest(wanted) => (wanted, tags_asked_for(call)?),
    };
    let manifest = Manifest::parse(&bytes, call.header("content-type"))?;
    let parts = parts(call, &manifest).await?;
    let expect = Expect { digest: Some(announced.clone()), size: Some(bytes.len() as u64), ..Expect::default() };
    let staged = call.repo.stage(&call.name, body::of(bytes), expect).await?;
    let mut headers =
        vec![("Location", call.location(&format!("manifests/{announced}"))), render::content_digest(&announced)];
    headers.extend(manifest.subject.as_ref().map(|subject| ("OCI-Subject", subject.digest.to_string())));
    if !tags.is_empty() {
        headers.push(("OCI-Tag", tags.join(", ")));
    }
    let pushed = Pushed { digest: staged.digest, size: staged.size, hashes: staged.hashes, tags };
    call.repo.publish(manifest.claim(&call.name, pushed, &parts)).await?;
    Ok(answer::empty(201, headers))
}

/// `?tag=` of a push by digest, which may be there several times.
fn tags_asked_for(call: &Call<'_>) -> Result<Vec<String>, Problem> {
    let mut tags: Vec<String> = Vec::new();
    for tag in call.query.all("tag") {
        names::check_tag(tag)?;
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > TAGS {
        return Err(Problem::invalid("tag-invalid", format!("at most {TAGS} tags are set by one push")));
    }
    Ok(tags)
}

/// What a manifest refers to and is here, with the size that it says. The configuration must be; layers and the
/// manifests of an index need not, and cannot be pulled until they come and the manifest is pushed again.
async fn parts(call: &Call<'_>, manifest: &Manifest) -> Result<Parts, Problem> {
    let mut found = Parts::default();
    for part in manifest.parts() {
        let Some(seen) = call.repo.blob(&call.name, &part.digest).await? else {
            if manifest.is_config(part) {
                return Err(missing(call, part));
            }
            continue;
        };
        if seen.size != part.size {
            return Err(Problem::invalid(
                "manifest-invalid",
                format!("the manifest says that {} has {} bytes; it has {}", part.digest, part.size, seen.size),
            ));
        }
        found.insert(part.digest.clone(), seen.digest);
    }
    Ok(found)
}

fn missing(call: &Call<'_>, part: &Descriptor) -> Problem {
    Problem::invalid(
        "manifest-blob-unknown",
        format!("the manifest refers to the blob {}, which was not pushed to {}", part.digest, call.full_name()),
    )
}

pub(super) async fn delete(call: &Call<'_>, pointer: Pointer) -> Result<Reply, Problem> {
    let name = call.name.clone();
    let what = match &pointer {
        Pointer::Tag(tag) => Some(Withdraw::Reference { name, reference: tag.clone() }),
        Pointer::Digest(_) => version_of(call, &pointer).await?.map(|version| Withdraw::Version { name, version }),
    };
    let gone = match what {
        Some(what) => call.repo.withdraw(what).await?,
        None => false,
    };
    if !gone {
        return Err(unknown(call, &pointer));
    }
    Ok(answer::empty(202, Vec::new()))
}
