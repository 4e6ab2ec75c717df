//! Fetching a source that is one file, or a few: conditional by their entity tags, which are the whole cursor.

use assay_model::Problem;
use assay_model::seam::source::{Cursor, Fetched, Net};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Status of an unchanged resource.
pub(crate) const NOT_MODIFIED: u16 = 304;

/// Fetches `base` unless it is what it was at `since`. The file goes by the last part of its address.
///
/// # Errors
/// `Upstream`.
pub(crate) async fn one_file(net: &dyn Net, base: &str, since: Option<&Cursor>) -> Result<Fetched, Problem> {
    let etag = since.map(|cursor| cursor.0.as_str()).filter(|etag| !etag.is_empty());
    let reply = net.get(base, etag).await?;
    if reply.status == NOT_MODIFIED {
        discard(&reply.body);
        return Ok(Fetched::Unchanged);
    }
    let name = base.split(['?', '#']).next().unwrap_or(base).rsplit('/').next().unwrap_or(base);
    Ok(Fetched::Batch { files: vec![(name.to_owned(), reply.body)], cursor: Cursor(reply.etag.unwrap_or_default()) })
}

/// Most files of an address.
const MAX_FILES: usize = 200;

/// Fetches the files that the fragment of `base` lists, relative to what is before it (`https://feeds.example#a.json,b.json`);
/// without a fragment, the one file. Those that are what they were at `since` are left out.
///
/// # Errors
/// `Upstream` when one cannot be had.
pub(crate) async fn several_files(net: &dyn Net, base: &str, since: Option<&Cursor>) -> Result<Fetched, Problem> {
    let Some((root, list)) = base.split_once('#') else { return one_file(net, base, since).await };
    let known: BTreeMap<String, String> =
        since.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default();
    let (mut tags, mut files) = (BTreeMap::new(), Vec::new());
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()).take(MAX_FILES) {
        let url = format!("{}/{name}", root.trim_end_matches('/'));
        let reply = net.get(&url, known.get(name).map(String::as_str)).await;
        let reply = reply.inspect_err(|_| files.iter().for_each(|(_, body): &(String, PathBuf)| discard(body)))?;
        if reply.status == NOT_MODIFIED {
            discard(&reply.body);
            tags.extend(known.get(name).map(|tag| (name.to_owned(), tag.clone())));
            continue;
        }
        tags.extend(reply.etag.map(|tag| (name.to_owned(), tag)));
        files.push((name.to_owned(), reply.body));
    }
    if files.is_empty() {
        return Ok(Fetched::Unchanged);
    }
    let cursor = Cursor(serde_json::to_string(&tags).unwrap_or_default());
    Ok(Fetched::Batch { files, cursor })
}

/// Removes a spooled body that nobody will parse.
pub(crate) fn discard(body: &std::path::Path) {
    if body.as_os_str().is_empty() {
        return;
    }
    if let Err(error) = std::fs::remove_file(body)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(path = %body.display(), %error, "a spooled download stays behind");
    }
}
