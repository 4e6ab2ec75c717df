//! What is there, in the repository in memory.

use super::FakeRepo;
use assay_model::{
    Digest,
    package::{File, FileId},
    seam::{
        Task,
        format::{Known, SeenBlob, Shelf, Withdraw},
    },
    view::PackageView,
};
use std::{collections::BTreeSet, sync::Arc};

impl Shelf for FakeRepo {
    fn view<'a>(&'a self, name: &'a str) -> Task<'a, Option<Arc<PackageView>>> {
        Box::pin(async move { Ok(self.view_now(name).map(Arc::new)) })
    }
    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>> {
        Box::pin(async move {
            let stored = self.world.0.lock().unwrap();
            let here = stored.packages.iter().filter(|(place, _, _, _)| *place == self.name);
            let names: BTreeSet<String> = here.map(|(_, package, _, _)| package.at.name.clone()).collect();
            Ok(names.into_iter().filter(|name| after.is_none_or(|after| name.as_str() > after)).take(limit).collect())
        })
    }
    fn file<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<File>> {
        Box::pin(async move {
            Ok(self.versions(name).into_iter().flat_map(|version| version.files).find(|file| file.path == path))
        })
    }
    fn fetch<'a>(&'a self, name: &'a str, path: &'a str) -> Task<'a, Option<FileId>> {
        Box::pin(async move { Ok(self.file(name, path).await?.map(|file| file.id)) })
    }
    fn find<'a>(&'a self, name: &'a str, what: &'a str) -> Task<'a, Option<String>> {
        Box::pin(async move {
            let Some(view) = self.view_now(name) else { return Ok(None) };
            let reference = view.references.into_iter().find(|reference| reference.name == what);
            let version = view.versions.into_iter().find(|version| version.package.at.version == what);
            Ok(reference.map(|reference| reference.version).or(version.map(|version| version.package.at.version)))
        })
    }
    fn search<'a>(&'a self, text: &'a str, skip: usize, limit: usize) -> Task<'a, (Vec<String>, usize)> {
        Box::pin(async move {
            let mut names = Shelf::names(self, None, usize::MAX).await?;
            names.retain(|name| name.to_lowercase().contains(&text.to_lowercase()));
            let count = names.len();
            Ok((names.into_iter().skip(skip).take(limit).collect(), count))
        })
    }
    fn blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move { Ok(self.seen(name, digest)) })
    }
    fn findings<'a>(&'a self, versions: &'a [(String, String)]) -> Task<'a, Vec<Known>> {
        Box::pin(async move {
            let stored = self.world.0.lock().unwrap();
            let asked = |known: &&Known| versions.iter().any(|(n, v)| *n == known.name && *v == known.version);
            Ok(stored.known.iter().filter(asked).cloned().collect())
        })
    }
    fn withdraw<'a>(&'a self, what: Withdraw) -> Task<'a, bool> {
        Box::pin(async move {
            self.write()?;
            let mut stored = self.world.0.lock().unwrap();
            Ok(match what {
                Withdraw::Version { name, version } => {
                    let before = stored.packages.len();
                    stored
                        .packages
                        .retain(|(r, p, _, _)| !(*r == self.name && p.at.name == name && p.at.version == version));
                    stored.references.retain(|(r, of, x)| !(*r == self.name && *of == name && x.version == version));
                    stored.packages.len() < before
                }
                Withdraw::Reference { name, reference } => {
                    let before = stored.references.len();
                    stored.references.retain(|(r, of, x)| !(*r == self.name && *of == name && x.name == reference));
                    stored.references.len() < before
                }
                Withdraw::Blob { name, digest } => stored.staged.remove(&(self.name.clone(), name, digest)),
            })
        })
    }
    fn mount<'a>(
        &'a self,
        name: &'a str,
        from_repository: &'a str,
        from_name: &'a str,
        digest: &'a Digest,
    ) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move {
            self.write()?;
            let from = FakeRepo { world: self.world.clone(), name: from_repository.to_owned(), ..*self };
            let Some(seen) = from.seen(from_name, digest) else { return Ok(None) };
            let staged = (self.name.clone(), name.to_owned(), seen.digest.clone());
            self.world.0.lock().unwrap().staged.insert(staged);
            Ok(Some(SeenBlob { file: None, ..seen }))
        })
    }
    fn mount_found<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Task<'a, Option<SeenBlob>> {
        Box::pin(async move {
            let places: BTreeSet<(String, String)> = {
                let stored = self.world.0.lock().unwrap();
                let packages =
                    stored.packages.iter().map(|(place, package, _, _)| (place.clone(), package.at.name.clone()));
                packages.chain(stored.staged.iter().map(|(place, name, _)| (place.clone(), name.clone()))).collect()
            };
            for (place, from) in places {
                if let Some(seen) = self.mount(name, &place, &from, digest).await? {
                    return Ok(Some(seen));
                }
            }
            Ok(None)
        })
    }
}
