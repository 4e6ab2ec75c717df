//! The upload form that publishers share: read as it streams, compared with its file, published at once.

use super::manage;
use crate::kit::{answer, archive, body, multipart};
use crate::pypi::{
    inspect::{self, Beside, Distribution, Form},
    kept,
    names::{self, FileName},
};
use assay_model::{
    Digest, Kind, Problem,
    seam::{
        ByteStream,
        format::{Expect, Reply, Repo, Staged},
    },
};
use bytes::Bytes;
use http::HeaderMap;

/// Bytes of one field of the upload form; the description is read over, it comes from the metadata.
const FIELD: usize = 64 << 10;

pub(super) async fn upload(repo: &dyn Repo, headers: HeaderMap, body: ByteStream) -> Result<Reply, Problem> {
    let (form, file, staged) = read_form(repo, multipart::Form::new(&headers, body)?).await?;
    check_hashes(&form, &staged)?;
    let mut beside = Beside::of_form(&form, &file, &staged.digest)?;
    let view = repo.view(&names::normalise(&form.name)?).await?;
    if let Some(stored) = repo.file(&names::normalise(&form.name)?, &file.text).await? {
        let answer = already(&file, stored.digest == staged.digest)?;
        let gone = view.iter().flat_map(|view| &view.versions).find(|v| kept::is_removed(v, &file.text));
        if let Some(version) = gone {
            manage::bring_back(repo, version, &file.text).await?;
        }
        if beside.is_empty() {
            return Ok(answer);
        }
    }
    let mut bytes = repo.read(&staged).await?;
    let named = file.clone();
    let reading = move || inspect::read(&named, bytes.as_mut());
    let metadata = archive::apart("reading the distribution's metadata", reading).await?;
    let mut distribution = Distribution::agree(&form, file.clone(), metadata)?;
    let version = distribution.spelled_as(view.as_deref());
    let carried = view.as_deref().map(|view| kept::carried(view, version, &file.text)).unwrap_or_default();
    beside.extend(distribution.document());
    let mut files = Vec::with_capacity(beside.len());
    for part in beside {
        let bytes = body::of(Bytes::copy_from_slice(&part.bytes));
        let staged = repo.stage(&distribution.name, bytes, Expect::default()).await?;
        files.push(part.file(&file.text, staged));
    }
    repo.publish(distribution.claim(staged, files, carried)).await?;
    Ok(Reply::Answer(answer::text(200, "stored\n")))
}

/// A file name is used once: the same bytes again are fine, and bring with them what they came without before; others
/// are not, in words that publishers recognise.
fn already(file: &FileName, same: bool) -> Result<Reply, Problem> {
    if same {
        return Ok(Reply::Answer(answer::text(200, "stored already\n")));
    }
    Err(Problem::new(
        Kind::Conflict,
        "file-exists",
        format!("File already exists ({}) with other content; give the release a new version", file.text),
    ))
}

/// Reads the form in whatever order its fields come; the file goes straight to the stage.
async fn read_form(repo: &dyn Repo, mut parts: multipart::Form) -> Result<(Form, FileName, Staged), Problem> {
    let mut form = Form::default();
    let mut content = None;
    while let Some(part) = parts.next().await? {
        let field = part.name().to_owned();
        let place = match field.as_str() {
            "content" if content.is_some() => {
                return Err(Problem::invalid("bad-form", "the form has two files; send one per request"));
            }
            "content" => {
                content = Some(stage(repo, &form, part).await?);
                continue;
            }
            ":action" => &mut form.action,
            "name" => &mut form.name,
            "version" => &mut form.version,
            "filetype" => &mut form.file_type,
            "pyversion" => &mut form.python,
            "md5_digest" => form.md5.get_or_insert_default(),
            "sha256_digest" => form.sha256.get_or_insert_default(),
            "blake2_256_digest" => form.blake2.get_or_insert_default(),
            "attestations" => form.attestations.get_or_insert_default(),
            "gpg_signature" => form.signature.get_or_insert_default(),
            _ => {
                part.skip().await?;
                continue;
            }
        };
        let limit = match field.as_str() {
            "attestations" => inspect::ATTESTATIONS,
            "gpg_signature" => inspect::SIGNATURE,
            _ => FIELD,
        };
        *place = part.text(limit).await?.trim().to_owned();
    }
    if form.action != "file_upload" {
        let action = names::shown(&form.action);
        return Err(Problem::invalid("bad-action", format!("`:action` is `{action}`; only file_upload is taken")));
    }
    let (file, name, staged) =
        content.ok_or_else(|| Problem::invalid("bad-form", "the form has no file in its field `content`"))?;
    if names::normalise(&form.name)? != name {
        return Err(Problem::invalid(
            "metadata-mismatch",
            format!("the file name `{}` is not one of {}", file.text, names::shown(&form.name)),
        ));
    }
    Ok((form, file, staged))
}

/// Stages under the form's name, or under the one in the file's name where the form comes after its file.
async fn stage(repo: &dyn Repo, form: &Form, part: multipart::Part) -> Result<(FileName, String, Staged), Problem> {
    let file = FileName::parse(part.file_name().unwrap_or_default())?;
    let stem = file.stem();
    let guess = match file.kind {
        names::Kind::Wheel => stem.split('-').next(),
        _ => stem.rsplit_once('-').map(|(name, _)| name),
    };
    let name = if form.name.is_empty() { guess.unwrap_or(stem) } else { &form.name };
    let name = names::normalise(name)?;
    let digest = form.sha256.as_deref().map(sha256).transpose()?;
    // Of a form that comes after its file it is not known yet what it announces.
    let blake2 = form.blake2.is_some() || form.name.is_empty();
    let also = if blake2 { vec!["md5", "blake2_256"] } else { vec!["md5"] };
    let expect = Expect { digest, also, ..Expect::default() };
    let staged = repo.stage(&name, part.stream(), expect).await?;
    Ok((file, name, staged))
}

fn sha256(hex: &str) -> Result<Digest, Problem> {
    Digest::sha256(&hex.to_ascii_lowercase())
        .map_err(|_| Problem::invalid("bad-form", "`sha256_digest` is not the hex of a SHA-256"))
}

/// What came after the file, or is no SHA-256.
fn check_hashes(form: &Form, staged: &Staged) -> Result<(), Problem> {
    let differ = |what: &str| {
        Problem::invalid("digest-mismatch", format!("the file's {what} is not the one that the form announces"))
    };
    if let Some(hex) = form.sha256.as_deref()
        && sha256(hex)? != staged.digest
    {
        return Err(differ("SHA-256"));
    }
    for (said, algorithm, shown) in [(&form.md5, "md5", "MD5"), (&form.blake2, "blake2_256", "BLAKE2b-256")] {
        if let (Some(said), Some(have)) = (said.as_deref(), staged.hashes.get(algorithm))
            && !said.eq_ignore_ascii_case(have)
        {
            return Err(differ(shown));
        }
    }
    Ok(())
}
