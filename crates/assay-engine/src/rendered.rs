//! Documents as they were rendered last. An index is rendered once per change of its name, not once per request; what is
//! kept is told apart by the view's revision, so nothing has to be forgotten when a name changes.

use crate::shelf::Scope;
use assay_model::{digest::Digest, seam::format::Document};
use moka::sync::Cache;
use std::sync::Arc;

/// Bytes of documents kept in memory.
const KEPT: u64 = 32 << 20;
/// What an entry costs besides its document: keys, headers, book-keeping.
const OVERHEAD: usize = 512;

type Key = (Scope, String);

/// The cache.
pub(crate) struct Rendered(Cache<Key, Arc<(String, Document)>>);

impl Default for Rendered {
    fn default() -> Self {
        let weight = |key: &Key, kept: &Arc<(String, Document)>| {
            u32::try_from(kept.1.body.len() + key.1.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT).weigher(weight).build())
    }
}

impl Rendered {
    /// The document of that form for that revision of a name, with its `ETag`.
    pub(crate) fn get(&self, scope: &Scope, revision: &str, form: &str, render: impl FnOnce() -> Document) -> Document {
        let key = (scope.clone(), form.to_owned());
        if let Some(kept) = self.0.get(&key).filter(|kept| kept.0 == revision) {
            return kept.1.clone();
        }
        let mut document = render();
        let validator = Digest::of(&document.body).hex().chars().take(32).collect::<String>();
        document.headers.push(("ETag", format!("\"{validator}\"")));
        self.0.insert(key, Arc::new((revision.to_owned(), document.clone())));
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_rendered_once_per_revision_and_form() {
        let rendered = Rendered::default();
        let scope = Scope { repository: "main".into(), format: "pypi".into(), name: "a".into() };
        let mut renders = 0;
        let mut get = |revision: &str, form: &'static str| {
            let document = rendered.get(&scope, revision, form, || {
                renders += 1;
                let body = format!("{revision} as {form}").into();
                Document { media_type: form.to_owned(), body, headers: vec![] }
            });
            (document, renders)
        };
        let (first, _) = get("1", "html");
        let (again, so_far) = get("1", "html");
        assert_eq!((&first.body, &first.headers, so_far), (&again.body, &again.headers, 1));
        assert!(first.headers.iter().any(|(name, value)| *name == "ETag" && value.len() == 34));
        assert_eq!(get("1", "json").0.body, "1 as json");
        let (changed, so_far) = get("2", "html");
        assert_eq!((&changed.body[..], so_far), (&b"2 as html"[..], 3));
        assert_ne!(first.headers, changed.headers);
    }
}
