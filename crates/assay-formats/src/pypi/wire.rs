//! Requests: the index, files, and the upload form.

use super::{
    SPEC,
    inspect::{self, Distribution, Form},
    names::{self, FileName},
    render,
};
use crate::kit::{
    accept, answer, body, multipart,
    path::{Query, decode, encode_segment},
};
use assay_model::{
    Digest, Kind, Problem,
    seam::format::{Answer, Expect, Reply, Repo, Request, Staged},
};
use bytes::Bytes;
use http::{HeaderMap, Method};

/// Names asked for at once while the list of projects is rendered.
const PAGE: usize = 1000;

/// Bytes of one field of the upload form; the description is read over, it comes from the metadata.
const FIELD: usize = 64 << 10;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let path = decode(&request.path)?.into_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let reading = matches!(request.method, Method::GET | Method::HEAD);
    match (segments.as_slice(), &request.method) {
        ([""] | ["legacy"] | ["legacy", ""], &Method::POST) => upload(repo, request.headers, request.body).await,
        ([""] | ["simple"], _) if reading => Ok(moved(repo, "simple/", request.query.as_deref())),
        (["simple", ""], _) if reading => projects(repo, &request.headers, request.query.as_deref()).await,
        (["simple", name] | ["simple", name, ""], _) if reading => {
            let normal = names::normalise(name).map_err(|_| no_project(repo, name))?;
            if segments.len() == 2 || normal != *name {
                return Ok(moved(repo, &format!("simple/{normal}/"), request.query.as_deref()));
            }
            project(repo, name, &request.headers, request.query.as_deref()).await
        }
        (["files", name, file], _) if reading => download(repo, name, file).await,
        (["legacy"] | ["legacy", ""], _) => Ok(not_allowed("POST", "this address takes uploads")),
        (["simple", ..], _) if !reading => Ok(not_allowed("GET, HEAD", "the index is read-only; upload to legacy/")),
        _ => Err(Problem::not_found(format!(
            "there is nothing here; the index is at /{prefix}/{repository}/simple/, uploads go to \
             /{prefix}/{repository}/legacy/",
            prefix = SPEC.prefix,
            repository = repo.repository()
        ))),
    }
}

fn moved(repo: &dyn Repo, to: &str, query: Option<&str>) -> Reply {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    answer::moved(format!("/{}/{}/{to}{query}", SPEC.prefix, encode_segment(repo.repository())))
}

fn not_allowed(allow: &str, hint: &str) -> Reply {
    let headers = vec![("Allow", allow.to_owned())];
    Reply::Answer(Answer { headers, ..answer::text(405, format!("method not allowed: {hint}\n")) })
}

fn no_project(repo: &dyn Repo, name: &str) -> Problem {
    Problem::not_found(format!("there is no project `{}` in repository {}", names::shown(name), repo.repository()))
}

/// Which of the index's forms the client wants; none when it accepts no form that there is.
fn negotiate(headers: &HeaderMap, query: Option<&str>) -> Option<render::Shape> {
    let chosen = match Query::parse(query).get("format") {
        Some(wanted) => render::OFFERS.iter().position(|(offer, _)| *offer == wanted),
        None => accept::choose(headers, &render::OFFERS.map(|(offer, _)| offer)),
    };
    chosen.and_then(|index| render::OFFERS.get(index)).map(|(_, shape)| *shape)
}

fn not_acceptable() -> Reply {
    let offers = render::OFFERS.map(|(offer, _)| offer).join(", ");
    let headers = vec![("Vary", "Accept".to_owned())];
    Reply::Answer(Answer { headers, ..answer::text(406, format!("the index is served as {offers}\n")) })
}

async fn projects(repo: &dyn Repo, headers: &HeaderMap, query: Option<&str>) -> Result<Reply, Problem> {
    let Some(shape) = negotiate(headers, query) else { return Ok(not_acceptable()) };
    let mut names: Vec<String> = Vec::new();
    loop {
        let more = repo.names(names.last().map(String::as_str), PAGE).await?;
        let full = more.len() == PAGE;
        names.extend(more);
        if !full {
            return Ok(Reply::Document(render::projects(shape, &names)));
        }
    }
}

async fn project(repo: &dyn Repo, name: &str, headers: &HeaderMap, query: Option<&str>) -> Result<Reply, Problem> {
    let Some(shape) = negotiate(headers, query) else { return Ok(not_acceptable()) };
    let view = repo.view(name).await?.ok_or_else(|| no_project(repo, name))?;
    Ok(Reply::Document(repo.rendered(&view, shape.media_type(), &|view| render::project(shape, view))))
}

async fn download(repo: &dyn Repo, name: &str, file: &str) -> Result<Reply, Problem> {
    let missing =
        || Problem::not_found(format!("there is no file `{}` of `{}` here", names::shown(file), names::shown(name)));
    let name = names::normalise(name).map_err(|_| missing())?;
    let found = repo.file(&name, file).await?.ok_or_else(missing)?;
    Ok(Reply::File { file: found.id, headers: Vec::new() })
}

async fn upload(repo: &dyn Repo, headers: HeaderMap, body: assay_model::seam::ByteStream) -> Result<Reply, Problem> {
    let (form, file, staged) = read_form(repo, multipart::Form::new(&headers, body)?).await?;
    check_hashes(&form, &staged)?;
    if let Some(stored) = repo.file(&names::normalise(&form.name)?, &file.text).await? {
        return already(&file, stored.digest == staged.digest);
    }
    let mut bytes = repo.read(&staged).await?;
    let named = file.clone();
    let metadata = tokio::task::spawn_blocking(move || inspect::read(&named, bytes.as_mut()))
        .await
        .map_err(|error| Problem::internal("reading the distribution's metadata failed", error))??;
    let distribution = Distribution::agree(&form, file, metadata)?;
    let view = repo.view(&distribution.name).await?;
    let distribution = distribution.spelled_as(view.as_deref());
    let document = match distribution.document() {
        Some(document) => {
            let bytes = Bytes::copy_from_slice(document);
            Some(repo.stage(&distribution.name, body::of(bytes), Expect::default()).await?)
        }
        None => None,
    };
    repo.publish(distribution.claim(staged, document)).await?;
    Ok(Reply::Answer(answer::text(200, "stored\n")))
}

/// A file name is used once: the same bytes again are fine, others are not, in words that publishers recognise.
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
            _ => {
                part.skip().await?;
                continue;
            }
        };
        *place = part.text(FIELD).await?.trim().to_owned();
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
    let expect = Expect { digest, also: vec!["md5"], ..Expect::default() };
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
    let md5 = staged.hashes.get("md5");
    match (form.md5.as_deref(), md5) {
        (Some(said), Some(have)) if !said.eq_ignore_ascii_case(have) => Err(differ("MD5")),
        _ => Ok(()),
    }
}
