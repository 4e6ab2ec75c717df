//! How far the fetch has come: a JSON object with one member per ecosystem.

use assay_model::seam::source::Cursor;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One ecosystem's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    /// Newest change that was fetched; empty where the export has no list of changes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) modified: String,
    /// The records that were changed at that very instant, as another may still join them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) at: BTreeSet<String>,
    /// Entity tag of the zip when it was last fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// Entity tag of the list of changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) list_etag: Option<String>,
}

impl Place {
    pub(super) fn instant(&self) -> Option<Timestamp> {
        self.modified.parse().ok()
    }
}

/// All places by ecosystem.
pub(super) type Places = BTreeMap<String, Place>;

/// The places of a cursor; none when it cannot be read, so that a fetch begins anew rather than never again.
pub(super) fn read(cursor: Option<&Cursor>) -> Places {
    cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
}

/// The cursor of these places.
pub(super) fn write(places: &Places) -> Cursor {
    Cursor(serde_json::to_string(places).unwrap_or_default())
}
