//! What several formats need and no single one owns: answers, paths and queries, content negotiation, bounded bodies,
//! multipart forms, archives, escaping. Nothing here knows a protocol.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod archive;
pub(crate) mod body;
pub(crate) mod evidence;
pub(crate) mod html;
pub(crate) mod listing;
pub(crate) mod multipart;
pub(crate) mod path;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub(crate) mod upstream;
pub(crate) mod xml;
