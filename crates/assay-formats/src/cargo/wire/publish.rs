//! Publications: two documents in one body, each after its length (32 bits, little endian): what the crate says of
//! itself as JSON, then the `.crate`, which goes straight to the stage.

use crate::{
    cargo::{
        inspect::{self, metadata::Metadata},
        line, names, render,
    },
    kit::archive,
};
use assay_model::{
    Kind, Problem,
    seam::{
        ByteStream,
        format::{Expect, Reply, Repo, Staged},
    },
    view::PackageView,
};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{StreamExt, stream};

/// Largest metadata of a publication; it repeats the readme.
const METADATA: usize = 8 << 20;

/// Spellings of one name that are looked for.
const SPELLINGS: usize = 64;

pub(super) async fn publish(repo: &dyn Repo, body: ByteStream) -> Result<Reply, Problem> {
    let mut body = Framed { body, held: BytesMut::new() };
    let size = body.length("metadata").await?;
    if size > METADATA {
        let message = format!("the metadata of a publication has at most {METADATA} bytes, this has {size}");
        return Err(Problem::new(Kind::TooLarge, "body-too-large", message));
    }
    let metadata = Metadata::parse(&body.take(size, "metadata").await?)?;
    let size = body.length("crate").await? as u64;
    let name = names::normalise(&metadata.name)?;
    let staged = repo.stage(&name, body.rest(), Expect { size: Some(size), ..Expect::default() }).await?;
    let view = repo.view(&name).await?;
    if let Some(view) = &view
        && is_there(view, &metadata, &staged)?
    {
        return Ok(Reply::Answer(render::published()));
    }
    if let Some(other) = other_spelling(repo, &name).await? {
        return Err(taken(&metadata.name, &other));
    }
    let mut bytes = repo.read(&staged).await?;
    let checked = metadata.clone();
    archive::apart("reading the crate's manifest", move || inspect::check(&checked, bytes.as_mut())).await?;
    repo.publish(inspect::claim(name, &metadata, staged)).await?;
    Ok(Reply::Answer(render::published()))
}

/// Whether this very publication was made before. What an upstream has is no publication here.
///
/// # Errors
/// `Conflict` when name or version are taken by something else.
fn is_there(view: &PackageView, metadata: &Metadata, staged: &Staged) -> Result<bool, Problem> {
    let wanted = names::version(&metadata.vers)?;
    for version in view.versions.iter().filter(|version| !version.files.is_empty()) {
        if let Some(other) = line::written_name(version).filter(|other| *other != metadata.name) {
            return Err(taken(&metadata.name, other));
        }
        if !names::version(&version.package.at.version).is_ok_and(|there| names::same_version(&there, &wanted)) {
            continue;
        }
        let same = version.package.at.version == metadata.vers
            && version.files.iter().any(|file| file.digest == staged.digest);
        if same {
            return Ok(true);
        }
        return Err(Problem::conflict(format!(
            "crate version `{}` of `{}` is already uploaded; give the release a new version",
            version.package.at.version, metadata.name
        )));
    }
    Ok(false)
}

fn taken(name: &str, other: &str) -> Problem {
    Problem::conflict(format!(
        "the name `{name}` is too close to the crate `{other}` that is here already: names that differ only in case, `-` \
         or `_` are one"
    ))
}

/// Another name of this repository that differs only in `-` and `_`. Only beginnings that names really have are
/// followed, so the work does not grow with the number of spellings that there could be.
async fn other_spelling(repo: &dyn Repo, name: &str) -> Result<Option<String>, Problem> {
    let mut parts = name.split(['-', '_']);
    let mut starts = vec![parts.next().unwrap_or_default().to_owned()];
    for part in parts {
        let mut longer = Vec::new();
        for start in &starts {
            for separator in ['-', '_'] {
                let candidate = format!("{start}{separator}{part}");
                if first_from(repo, &candidate).await?.is_some_and(|found| found.starts_with(&candidate)) {
                    longer.push(candidate);
                }
            }
        }
        longer.truncate(SPELLINGS);
        starts = longer;
    }
    for candidate in starts.into_iter().filter(|candidate| candidate != name) {
        if first_from(repo, &candidate).await?.as_ref() == Some(&candidate) {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// The first name that is `from` or comes after it.
async fn first_from(repo: &dyn Repo, from: &str) -> Result<Option<String>, Problem> {
    // `~` comes after everything that a name is written with: nothing lies between this text and `from`.
    let (rest, last) = from.split_at(from.len().saturating_sub(1));
    let before = last.bytes().next().map_or(0, |byte| byte.saturating_sub(1));
    let after = format!("{rest}{}~", char::from(before));
    Ok(repo.names(Some(&after), 1).await?.into_iter().next())
}

/// A body that is cut into its documents.
struct Framed {
    body: ByteStream,
    held: BytesMut,
}

impl Framed {
    async fn take(&mut self, count: usize, what: &str) -> Result<Bytes, Problem> {
        while self.held.len() < count {
            let Some(piece) = self.body.next().await else {
                return Err(Problem::invalid(
                    "broken-body",
                    format!("the publication ends within its {what}; it is a length and JSON, a length and a .crate"),
                ));
            };
            let piece = piece.map_err(|error| {
                Problem::invalid("broken-body", format!("the publication could not be read to its end: {error}"))
                    .caused_by(error)
            })?;
            self.held.extend_from_slice(&piece);
        }
        Ok(self.held.split_to(count).freeze())
    }

    async fn length(&mut self, what: &str) -> Result<usize, Problem> {
        Ok(self.take(4, what).await?.get_u32_le() as usize)
    }

    fn rest(self) -> ByteStream {
        let held = self.held.freeze();
        Box::pin(stream::once(async { Ok(held) }).chain(self.body))
    }
}
