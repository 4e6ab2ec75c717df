//! A remote registry made of documents in memory.

use assay_model::{
    Problem,
    seam::{
        Task,
        upstream::{Origin, RemoteDocument},
    },
};
use std::{collections::BTreeMap, sync::Mutex};

/// Documents by absolute address; everything else is not there.
pub(crate) struct FakeOrigin {
    base: String,
    documents: BTreeMap<String, RemoteDocument>,
    asked: Mutex<Vec<(String, String)>>,
    down: bool,
}

impl FakeOrigin {
    pub(crate) fn new(base: &str) -> Self {
        let (documents, asked) = (BTreeMap::new(), Mutex::default());
        Self { base: base.trim_end_matches('/').to_owned(), documents, asked, down: false }
    }
    /// One more document, by an address that may be relative to the base.
    pub(crate) fn with(mut self, address: &str, media_type: &str, body: impl AsRef<[u8]>) -> Self {
        let document = RemoteDocument {
            body: body.as_ref().to_vec().into(),
            media_type: media_type.to_owned(),
            headers: BTreeMap::new(),
        };
        self.documents.insert(self.absolute(address), document);
        self
    }
    /// With a header, for the document that was added last under this address.
    pub(crate) fn header(mut self, address: &str, name: &str, value: &str) -> Self {
        let address = self.absolute(address);
        let document = self.documents.get_mut(&address).unwrap();
        document.headers.insert(name.to_lowercase(), value.to_owned());
        self
    }
    /// A registry that answers nothing.
    pub(crate) fn down(mut self) -> Self {
        self.down = true;
        self
    }
    /// What was asked for: absolute addresses and `Accept`.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
    fn absolute(&self, address: &str) -> String {
        if address.contains("://") { address.to_owned() } else { format!("{}/{address}", self.base) }
    }
}

impl Origin for FakeOrigin {
    fn base(&self) -> &str {
        &self.base
    }
    fn document<'a>(&'a self, address: &'a str, accept: &'a str) -> Task<'a, Option<RemoteDocument>> {
        Box::pin(async move {
            let address = self.absolute(address);
            self.asked.lock().unwrap().push((address.clone(), accept.to_owned()));
            if self.down {
                return Err(Problem::new(assay_model::Kind::Upstream, "upstream-down", "the upstream does not answer"));
            }
            Ok(self.documents.get(&address).cloned())
        })
    }
}
