//! A remote web server: a file lies under the upstream's address at the path that it has here. Nothing lists what there
//! is; a file exists when the server has it. Its listings and checksum files are files like others.

use super::inspect;
use crate::kit::{listing, path::encode_path};
use assay_model::{
    Digest, Problem,
    package::Role,
    seam::{
        ReadSeek, Task,
        format::Claim,
        upstream::{Everything, Origin, Remote, RemoteFile, RemoteIndex, RemoteVersion},
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands for the version until the bytes are here: it is their digest.
const UNSEEN: &str = "unseen";

pub(super) static REMOTE: Web = Web;

/// Any server of files.
#[derive(Debug)]
pub(super) struct Web;

impl Remote for Web {
    fn index<'a>(&'a self, _: &'a dyn Origin, _: &'a str) -> Task<'a, Option<RemoteIndex>> {
        Box::pin(async { Ok(None) })
    }

    fn locate<'a>(
        &'a self,
        origin: &'a dyn Origin,
        name: &'a str,
        path: &'a str,
    ) -> Task<'a, Option<(RemoteVersion, RemoteFile)>> {
        Box::pin(async move {
            // A name is a path that was checked when it was asked for; what an upstream is asked for is checked anyway.
            let sound = inspect::path(&encode_path(name)).is_ok_and(|same| same == name && !same.ends_with('/'));
            if !sound || name.is_empty() || inspect::last(name) != path {
                return Ok(None);
            }
            let file = RemoteFile {
                path: path.to_owned(),
                address: format!("{}/{}", origin.base().trim_end_matches('/'), encode_path(name)),
                size: None,
                digest: None,
                hashes: BTreeMap::new(),
                media_type: inspect::OCTETS.to_owned(),
                role: Some(Role::File),
                metadata: Value::Null,
            };
            let version = RemoteVersion {
                version: UNSEEN.to_owned(),
                metadata: Value::Null,
                published_at: None,
                files: vec![file.clone()],
                whole: false,
            };
            Ok(Some((version, file)))
        })
    }

    fn spelled(&self, name: &str) -> Result<String, Problem> {
        match inspect::path(&encode_path(name))? {
            path if path.is_empty() || path.ends_with('/') => {
                Err(Problem::invalid("bad-path", format!("`{name}` names no file")))
            }
            path => Ok(path),
        }
    }

    fn catalogue<'a>(&'a self, origin: &'a dyn Origin) -> Task<'a, Option<Vec<String>>> {
        Box::pin(async move { listing::files(origin, &|_| true).await })
    }

    fn everything<'a>(&'a self, origin: &'a dyn Origin, name: &'a str) -> Task<'a, Option<Everything>> {
        Box::pin(async move {
            let Some((mut version, mut file)) = self.locate(origin, name, inspect::last(name)).await? else {
                return Ok(None);
            };
            let sum = origin.document(&format!("{}.sha256", file.address), "").await.ok().flatten();
            let hex = sum.as_ref().and_then(|sum| str::from_utf8(&sum.body).ok()?.split_whitespace().next());
            file.digest = hex.and_then(|hex| Digest::sha256(&hex.to_ascii_lowercase()).ok());
            version.files = vec![file];
            let index = RemoteIndex { versions: vec![version], references: BTreeMap::new() };
            Ok(Some(Everything { index, asks: Vec::new() }))
        })
    }

    fn inspect(&self, claim: &mut Claim, file: &RemoteFile, _: &mut dyn ReadSeek) -> Result<(), Problem> {
        let fetched = claim.files.iter().find(|new| new.path == file.path);
        let fetched = fetched.ok_or_else(|| Problem::bug("a claim of a fetched file has that file"))?;
        claim.version = fetched.digest.to_string();
        claim.metadata = json!({ "filename": fetched.path, "media_type": fetched.media_type, "size": fetched.size });
        Ok(())
    }
}
