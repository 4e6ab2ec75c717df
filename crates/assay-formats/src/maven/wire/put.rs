//! What clients deploy: files, checksums to compare, and metadata, which is made here.

use super::super::{
    inspect,
    names::{Algorithm, Build, FileAt},
    render,
};
use crate::kit::{answer, archive, body, xml};
use assay_model::{
    Kind, Problem,
    seam::{
        ByteStream,
        format::{Claim, Expect, Reply, Repo, Request, Staged},
    },
};
use jiff::{SignedDuration, Timestamp};

/// Largest checksum file, in bytes.
const CHECKSUM: usize = 4096;

/// How long after its last file a build that the server began still takes files sent as `-SNAPSHOT`.
const JOIN: SignedDuration = SignedDuration::from_mins(15);

pub(super) async fn file(repo: &dyn Repo, at: FileAt, request: Request) -> Result<Reply, Problem> {
    if request.headers.contains_key("content-range") {
        return Err(Problem::new(Kind::Unsupported, "partial-put", "a file is sent whole; leave out Content-Range"));
    }
    let length = request.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let expect = Expect {
        size: length.and_then(|length| length.parse().ok()),
        also: vec!["md5", "sha1", "sha512"],
        ..Expect::default()
    };
    let name = at.of.name();
    let staged = repo.stage(&name, request.body, expect).await?;
    let at = if at.is_any_build() { of_own_build(repo, &at, &staged).await? } else { at };
    if let Some(stored) = repo.file(&name, &at.path()).await? {
        return already(&at, stored.digest == staged.digest);
    }
    let mut bytes = repo.read(&staged).await?;
    let (read, size) = (at.clone(), staged.size);
    let learned = archive::apart("reading the file", move || inspect::learn(&read, size, bytes.as_mut())).await?;
    let claim = Claim {
        name,
        version: at.version.clone(),
        metadata: learned.package,
        files: vec![at.new_file(staged, learned.file)],
        references: Vec::new(),
        published_at: None,
        replaces_others: false,
        replaces_files: false,
    };
    let stored = repo.publish(claim).await;
    stored.map_err(|problem| if problem.code == "file-exists" { exists(&at) } else { problem })?;
    Ok(Reply::Answer(answer::text(201, "stored\n")))
}

/// The same bytes again are fine, others are not.
fn already(at: &FileAt, same: bool) -> Result<Reply, Problem> {
    if same { Ok(Reply::Answer(answer::text(200, "stored already\n"))) } else { Err(exists(at)) }
}

fn exists(at: &FileAt) -> Problem {
    let file = at.file();
    Problem::new(
        Kind::Conflict,
        "file-exists",
        format!("{file} exists already with other content and never changes; deploy a new version or delete this one"),
    )
}

/// The build to which a file sent as `-SNAPSHOT` belongs: the newest that has none of its kind yet, else the next.
async fn of_own_build(repo: &dyn Repo, at: &FileAt, staged: &Staged) -> Result<FileAt, Problem> {
    let view = repo.view(&at.of.name()).await?;
    let now = Timestamp::now();
    let builds = view.as_deref().map(|view| render::builds(view, &at.folder)).unwrap_or_default();
    if let Some((build, version)) = builds.first() {
        let this = at.of_build(&build.version());
        let last = version.files.iter().map(|file| file.uploaded_at).max();
        let fits = match version.files.iter().find(|file| file.path == this.path()) {
            Some(same) => same.digest == staged.digest,
            None => last.is_some_and(|last| now.duration_since(last) < JOIN),
        };
        if fits {
            return Ok(this);
        }
    }
    let number = builds.first().map_or(0, |(build, _)| build.number).saturating_add(1);
    let build = Build::new(&at.folder, now.strftime("%Y%m%d.%H%M%S").to_string(), number);
    Ok(at.of_build(&build.version()))
}

/// Compares a checksum with the file that came before it.
pub(super) async fn checksum(
    repo: &dyn Repo,
    at: &FileAt,
    algorithm: Algorithm,
    body: ByteStream,
) -> Result<Reply, Problem> {
    let name = at.of.name();
    let text = read(repo, body, CHECKSUM).await?;
    let sent = inspect::checksum(&text, algorithm.hex_length())?;
    let at = super::resolve(repo, at).await?;
    let stored = repo.file(&name, &at.path()).await?;
    let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no {} here; send it first", at.file())))?;
    match render::stored_hash(&stored, algorithm) {
        Some(have) if have != sent => Err(Problem::invalid(
            "digest-mismatch",
            format!(
                "the {} of {} is {have} here and {sent} was sent; delete the version and deploy it again",
                algorithm.name(),
                at.file()
            ),
        )),
        _ => Ok(Reply::Answer(answer::text(201, "compared\n"))),
    }
}

/// Takes metadata, and checksums of it, without keeping them: what is served is made of what is stored.
pub(super) async fn metadata(
    repo: &dyn Repo,
    algorithm: Option<Algorithm>,
    body: ByteStream,
) -> Result<Reply, Problem> {
    match algorithm {
        Some(algorithm) => {
            inspect::checksum(&read(repo, body, CHECKSUM).await?, algorithm.hex_length())?;
        }
        None => {
            let text = read(repo, body, xml::DOCUMENT).await?;
            if xml::parse(&text)?.root_element().tag_name().name() != "metadata" {
                return Err(Problem::invalid("bad-xml", "the document's root is no <metadata>"));
            }
        }
    }
    Ok(Reply::Answer(answer::text(201, "read; metadata is made of what is stored\n")))
}

/// A small body, from a caller who may write.
async fn read(repo: &dyn Repo, body: ByteStream, limit: usize) -> Result<String, Problem> {
    // Nothing is stored of it, so nothing else asks for the permission: uploads answer those who lack it before they say
    // that there is no such upload.
    match repo.session("none").await {
        Err(problem) if problem.kind != Kind::NotFound => return Err(problem),
        _ => {}
    }
    let bytes = body::collect(body, limit, "the document").await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::invalid("bad-text", "the document is not UTF-8"))
}

/// A file that has no place in the layout.
pub(super) fn misplaced(folder: &[String]) -> Problem {
    let path: String = super::shown(folder).chars().take(200).collect();
    Problem::invalid(
        "bad-path",
        format!(
            "`{path}` is no path of the layout; a file is GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.EXT or \
             ARTIFACT-VERSION-CLASSIFIER.EXT, and a group's dots are slashes"
        ),
    )
}
