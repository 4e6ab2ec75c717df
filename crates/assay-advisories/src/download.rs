//! Fetching a source that is one file: conditional by its entity tag, which is the whole cursor.

use assay_model::Problem;
use assay_model::seam::source::{Cursor, Fetched, Net};

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
