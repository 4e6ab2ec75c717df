//! One name of an import: its versions, each with all its files, compared with what the source announces, read as an
//! upload is, and published in one transaction. A version of which a file fails is not published.

use super::{Live, source::Source};
use crate::{
    Desk, Engine,
    intake::{Hashers, disk},
    upstream::{absolute, acceptable, check},
};
use assay_model::{
    import::{ImportTally, NameOutcome},
    package::{File, Package},
    problem::{Kind, Problem},
    seam::{
        Task,
        format::{Claim, Staged},
        meta,
        upstream::{Remote, RemoteFile, RemoteVersion},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::io::AsyncWriteExt;

/// Versions of one name that are brought at the same time, and files of one version.
const VERSIONS: usize = 2;
const FILES: usize = 3;
/// How often a transfer that breaks off is begun again.
const AGAIN: usize = 2;
/// How far versions that belong to each other are followed, and how many of one name.
const DEPTH: usize = 8;
const MOST: usize = 100_000;

pub(super) struct Carrier {
    pub(super) desk: Desk,
    pub(super) remote: &'static dyn Remote,
    pub(super) source: Source,
    pub(super) actor: String,
    pub(super) as_cache: Option<String>,
    pub(super) dry_run: bool,
    pub(super) live: Arc<Live>,
}

/// What is here of a version.
struct Here {
    package: Package,
    files: Vec<File>,
}

impl Here {
    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether a file that is here is the one that the source announces; nothing where it announces too little.
fn is_same(here: &File, told: &RemoteFile) -> Option<bool> {
    if let Some(digest) = told.digest.as_ref().filter(|digest| digest.algorithm() == "sha256") {
        return Some(*digest == here.digest);
    }
    let both = told.hashes.iter().filter_map(|(algorithm, hex)| Some((here.hashes.get(algorithm)?, hex)));
    both.map(|(here, told)| here.eq_ignore_ascii_case(told)).reduce(|all, one| all && one)
}

fn differs(path: &str) -> Problem {
    Problem::conflict(format!(
        "`{path}` is here already with other bytes; delete it first if those of the source are wanted"
    ))
}

impl Carrier {
    /// Brings a name. Versions that fail are noted; only what keeps all of it away is an error.
    pub(super) async fn name(&self, name: &str) -> Result<(), Problem> {
        if !self.source.settings.takes(name) {
            return Ok(());
        }
        let Some(all) = self.remote.everything(&self.source, name).await? else {
            return Err(Problem::not_found("the source has no such name"));
        };
        let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (reference, version) in &all.index.references {
            wanted.entry(version).or_default().push(reference.clone());
        }
        let mut versions = all.index.versions;
        versions.sort_by_key(|version| version.published_at);
        let mut each = Vec::new();
        for version in versions {
            let references = wanted.get(version.version.as_str()).cloned().unwrap_or_default();
            each.push(self.listed(name, version, references));
        }
        stream::iter(each).buffered(VERSIONS).try_for_each(|()| std::future::ready(Ok(()))).await?;
        let mut seen = BTreeSet::new();
        for what in all.asks {
            let outcome = self.asked(name, &what, true, &mut seen, DEPTH).await;
            self.note(name, &what, outcome)?;
        }
        Ok(())
    }

    /// Notes a failure of a part, unless nothing can go on.
    fn note(&self, name: &str, what: &str, outcome: Result<(), Problem>) -> Result<(), Problem> {
        match outcome {
            Err(problem) if problem.kind == Kind::Internal => Err(problem),
            Err(problem) => {
                let mut failed = NameOutcome::default();
                failed.fail(what, problem.to_string());
                self.live.add(name, failed);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn listed(&self, name: &str, version: RemoteVersion, references: Vec<String>) -> Result<(), Problem> {
        let what = version.version.clone();
        let outcome = async {
            let complete = self.remote.complete(&self.source, name, version).await?;
            self.bring(name, complete.version, complete.optional, references).await
        };
        self.note(name, &what, outcome.await)
    }

    /// Brings what a mutable name or a digest stands for, with what belongs to it.
    fn asked<'a>(
        &'a self,
        name: &'a str,
        what: &'a str,
        mutable: bool,
        seen: &'a mut BTreeSet<String>,
        depth: usize,
    ) -> Task<'a, ()> {
        Box::pin(async move {
            if depth == 0 || seen.len() >= MOST {
                return Err(Problem::invalid("too-deep", "too many versions belong to each other"));
            }
            let found = self.remote.find(&self.source, name, what).await?;
            let found = found.ok_or_else(|| Problem::not_found(format!("the source lists `{what}` and has none")))?;
            let references = if mutable { vec![what.to_owned()] } else { Vec::new() };
            if !seen.insert(found.version.clone()) {
                return self.refer(name, &found.version, references).await;
            }
            let complete = self.remote.complete(&self.source, name, found).await?;
            for part in &complete.before {
                if !seen.contains(part) {
                    self.asked(name, part, false, seen, depth - 1).await?;
                }
            }
            self.bring(name, complete.version, complete.optional, references).await?;
            for part in &complete.after {
                if !seen.contains(part) {
                    let outcome = self.asked(name, part, false, seen, depth - 1).await;
                    self.note(name, part, outcome)?;
                }
            }
            Ok(())
        })
    }

    async fn here(&self, name: &str, version: &str) -> Result<Option<Here>, Problem> {
        let (repository, format) = (self.desk.repository.id, self.desk.format.spec().id);
        let (name, version) = (name.to_owned(), version.to_owned());
        meta::read(self.desk.engine.meta(), move |tx| {
            let Some(package) = tx.packages_named(repository, format, &name, Some(&version))?.pop() else {
                return Ok(None);
            };
            let files = tx.files_of(&[package.id])?;
            Ok(Some(Here { package, files }))
        })
        .await
    }

    async fn file_here(&self, name: &str, path: &str) -> Result<Option<File>, Problem> {
        let (repository, format) = (self.desk.repository.id, self.desk.format.spec().id);
        let (name, path) = (name.to_owned(), path.to_owned());
        let found = meta::read(self.desk.engine.meta(), move |tx| tx.file_at(repository, format, &name, &path));
        Ok(found.await?.map(|(file, _)| file))
    }

    /// Points mutable names to a version that is here.
    async fn refer(&self, name: &str, version: &str, references: Vec<String>) -> Result<(), Problem> {
        let (repository, format) = (self.desk.repository.id, self.desk.format.spec().id);
        let of = name.to_owned();
        let set = meta::read(self.desk.engine.meta(), move |tx| tx.references(repository, format, &of)).await?;
        let is_set = |reference: &String| set.iter().any(|one| one.name == *reference && one.version == version);
        let references: Vec<String> = references.into_iter().filter(|reference| !is_set(reference)).collect();
        if references.is_empty() {
            return Ok(());
        }
        let count = references.len() as u64;
        if !self.dry_run {
            let here = self.here(name, version).await?;
            let here = here.ok_or_else(|| Problem::not_found(format!("{version} is not here")))?;
            let claim = Claim {
                name: name.to_owned(),
                version: version.to_owned(),
                metadata: here.package.metadata,
                files: Vec::new(),
                references,
                published_at: None,
                replaces_others: false,
                replaces_files: false,
            };
            self.desk.publish_as(claim, self.as_cache.as_deref(), &self.actor).await?;
        }
        let tally = ImportTally { references: count, ..ImportTally::default() };
        self.live.add(name, NameOutcome { tally, ..NameOutcome::default() });
        Ok(())
    }

    /// Brings a version with its files, if it is not here.
    async fn bring(
        &self,
        name: &str,
        version: RemoteVersion,
        optional: Vec<RemoteFile>,
        references: Vec<String>,
    ) -> Result<(), Problem> {
        let here = self.here(name, &version.version).await?;
        let mut missing = Vec::new();
        let mut tally = ImportTally::default();
        let all = version.files.iter().map(|file| (file, true)).chain(optional.iter().map(|file| (file, false)));
        for (file, must) in all {
            let stored = here.as_ref().and_then(|here| here.file(&file.path));
            match stored.map(|stored| is_same(stored, file)) {
                Some(Some(false)) => return Err(differs(&file.path)),
                Some(Some(true)) => tally.files_here += 1,
                Some(None) | None => missing.push((file, must)),
            }
        }
        if self.dry_run {
            return self.foresee(name, &version, missing, here.is_some(), tally).await;
        }
        let of = &version.version;
        let legs: Vec<_> = missing.into_iter().map(|(file, must)| self.fetch(name, of, file, must)).collect();
        let fetched: Vec<Option<(&RemoteFile, Staged)>> = stream::iter(legs).buffered(FILES).try_collect().await?;
        let fetched: Vec<(&RemoteFile, Staged)> = fetched.into_iter().flatten().collect();
        let mut news = Vec::new();
        for (file, staged) in fetched {
            match self.file_here(name, &file.path).await? {
                Some(there) if there.digest != staged.digest => return Err(differs(&file.path)),
                Some(_) if here.as_ref().is_some_and(|here| here.file(&file.path).is_some()) => tally.files_here += 1,
                _ => news.push((file, staged)),
            }
        }
        if news.is_empty() && here.is_some() {
            tally.versions_here = 1;
            self.live.add(name, NameOutcome { tally, ..NameOutcome::default() });
            return self.refer(name, &version.version, references).await;
        }
        self.publish(name, &version, news, references, tally).await
    }

    async fn publish(
        &self,
        name: &str,
        version: &RemoteVersion,
        news: Vec<(&RemoteFile, Staged)>,
        references: Vec<String>,
        mut tally: ImportTally,
    ) -> Result<(), Problem> {
        if news.is_empty() {
            return Err(Problem::not_found("the source lists no file of it"));
        }
        let mut claim = version.claim(name, &news);
        tally.references = references.len() as u64;
        claim.references = references;
        let engine = &self.desk.engine;
        for (file, staged) in &news {
            claim = engine.read_fetched(self.remote, claim, file, &staged.digest).await?;
        }
        let receipt = self.desk.publish_as(claim, self.as_cache.as_deref(), &self.actor).await?;
        let (files, bytes) = (news.len() as u64, news.iter().map(|(_, staged)| staged.size).sum::<u64>());
        match receipt.created {
            true => {
                tally.versions = 1;
                tally.files += files;
                tally.bytes += bytes;
            }
            false => {
                tally.versions_here = 1;
                tally.files_here += files;
            }
        }
        self.live.add(name, NameOutcome { tally, ..NameOutcome::default() });
        Ok(())
    }

    /// What bringing it would do.
    async fn foresee(
        &self,
        name: &str,
        version: &RemoteVersion,
        missing: Vec<(&RemoteFile, bool)>,
        here: bool,
        mut tally: ImportTally,
    ) -> Result<(), Problem> {
        let mut wanted = 0;
        for (file, must) in missing {
            match self.file_here(name, &file.path).await?.map(|there| is_same(&there, file)) {
                Some(Some(false)) => return Err(differs(&file.path)),
                Some(Some(true)) if !version.whole => tally.files_here += 1,
                _ if must => {
                    wanted += 1;
                    tally.bytes += file.size.unwrap_or_default();
                }
                _ => {}
            }
        }
        tally.files = wanted;
        let is_here = wanted == 0 && (here || tally.files_here > 0);
        *(if is_here { &mut tally.versions_here } else { &mut tally.versions }) = 1;
        self.live.add(name, NameOutcome { tally, ..NameOutcome::default() });
        Ok(())
    }

    /// The bytes of a file, staged: those that are stored already, or the source's. Nothing where a file need not exist
    /// and does not.
    async fn fetch<'a>(
        &self,
        name: &str,
        version: &str,
        file: &'a RemoteFile,
        must: bool,
    ) -> Result<Option<(&'a RemoteFile, Staged)>, Problem> {
        if let Some(digest) = file.digest.as_ref().filter(|digest| digest.algorithm() == "sha256")
            && let Some(size) = self.desk.stage_known(name, digest).await?
        {
            return Ok(Some((file, Staged { digest: digest.clone(), size, hashes: file.hashes.clone() })));
        }
        let mut attempt = 0;
        loop {
            match self.transfer(name, file).await {
                Ok(Some(staged)) => return Ok(Some((file, staged))),
                Ok(None) if must => {
                    return Err(Problem::not_found(format!("the source lists `{}` and does not have it", file.path)));
                }
                Ok(None) => return Ok(None),
                Err(problem) if problem.code == "upstream-broke-off" && attempt < AGAIN => {
                    tracing::debug!(%problem, name, version, "a transfer is begun again");
                    attempt += 1;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    async fn transfer(&self, name: &str, file: &RemoteFile) -> Result<Option<Staged>, Problem> {
        let (engine, source) = (&self.desk.engine, &self.source);
        let url = absolute(&source.settings.url, &file.address);
        let answered = source.ask(&url, &acceptable(&file.media_type), false).await?;
        match answered.status {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(source.failure(&url, status)),
        }
        let size: Option<u64> = answered.headers.get("content-length").and_then(|text| text.parse().ok());
        engine.room(&self.desk.repository, size.unwrap_or_default()).await?;
        let broke_off = |error: std::io::Error| {
            let message = format!("{} broke off while it sent `{}`", source.name(), file.path);
            Problem::new(Kind::Upstream, "upstream-broke-off", message).caused_by(error)
        };
        let (spooled, path) = engine.spool_file()?;
        let mut out = tokio::io::BufWriter::with_capacity(256 << 10, tokio::fs::File::from_std(spooled));
        let mut hashers = Hashers::new(&["md5", "sha1", "sha512"]);
        let (cap, mut body) = (engine.parts.limits.file_bytes, answered.body);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(broke_off)?;
            hashers.update(&chunk);
            if hashers.size > cap {
                return Err(Engine::too_large(cap));
            }
            out.write_all(&chunk).await.map_err(disk)?;
        }
        out.flush().await.map_err(disk)?;
        if size.is_some_and(|size| size != hashers.size) {
            return Err(broke_off(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let staged = hashers.finish()?;
        check(source.name(), file, &staged)?;
        engine.keep(&self.desk, name, &path, &staged, None).await?;
        Ok(Some(staged))
    }
}
