//! What is wrapped around bills of materials to be signed: DSSE envelopes, in-toto statements, Sigstore bundles.
//! Signatures are not checked here: whoever relies on them checks the file.

use assay_model::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::bom::Bom;
use super::json::{Document, understand};
use super::lenient::{pass_list, scalars};
use super::spdx_tag_value;
use crate::part::{UNSUPPORTED, corrupt};

/// What cosign puts around a predicate: the document, or a text that holds it.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) document: Option<Box<Document>>,
    pub(super) text: String,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Data;
            scalars!(|text: &str| Data { text: text.to_owned(), document: None });
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Data, A::Error> {
                pass_list(list).map(|()| Data::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Data, A::Error> {
                let document = Document::deserialize(MapAccessDeserializer::new(object))?;
                Ok(Data { document: Some(Box::new(document)), text: String::new() })
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The payload of a DSSE envelope: base64 in either alphabet.
pub(super) fn open(payload: &str, depth: usize) -> Result<Bom, Problem> {
    let payload = payload.trim();
    let decoded = [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD].iter().find_map(|a| a.decode(payload).ok());
    let bytes = decoded.ok_or_else(|| corrupt("the payload of the envelope is no base64"))?;
    if spdx_tag_value::is_one(&bytes) {
        return spdx_tag_value::read(bytes.as_slice());
    }
    let inner: Document = serde_json::from_slice(&bytes)
        .map_err(|error| corrupt(format!("the payload of the envelope is no JSON: {error}")))?;
    understand(inner, depth)
}

/// The predicate of an in-toto statement: the document itself, or what cosign puts around it.
pub(super) fn statement(kind: &str, predicate: Document, depth: usize) -> Result<Bom, Problem> {
    understand(predicate, depth).map_err(|problem| match problem.code == UNSUPPORTED && !kind.is_empty() {
        true => Problem::invalid(UNSUPPORTED, format!("the statement is no bill of materials but of type {kind}")),
        false => problem,
    })
}
