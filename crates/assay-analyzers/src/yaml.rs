//! YAML of lock files and manifests, within bounds that suit the largest of them.

use assay_model::problem::Problem;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_saphyr::DuplicateKeyPolicy;

use crate::part::{LIMIT, corrupt};

/// Nodes of one file. The lock files of the largest known projects have half a million.
const NODES: usize = 1_000_000;
const EVENTS: usize = 2 * NODES;
const SCALAR_BYTES: usize = 64 << 20;
/// Keys of packages with many peers are longer than YAML's own bound of 1024.
const KEY_CHARS: usize = 64 << 10;
/// What aliases may repeat, all together. Package managers write none; people save a few lines with them.
const REPEATED: usize = 50_000;

/// All documents of a file.
///
/// # Errors
/// `corrupt` when it is no such YAML, `limit` when it is larger than believed.
pub(crate) fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Problem> {
    serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| told(&error))
}

/// The one document of a file.
///
/// # Errors
/// As [`documents`].
pub(crate) fn document<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| told(&error))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: NODES,
            max_events: EVENTS,
            max_total_scalar_bytes: SCALAR_BYTES,
            simple_key_max_lookahead: KEY_CHARS,
            max_recorded_anchor_events: REPEATED,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPEATED,
        },
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    }
}

fn told(error: &serde_saphyr::Error) -> Problem {
    let message = format!("it is not such YAML: {}", error.to_string().lines().next().unwrap_or_default());
    match is_limit(error) {
        true => Problem::invalid(LIMIT, message),
        false => corrupt(message),
    }
}

fn is_limit(error: &serde_saphyr::Error) -> bool {
    matches!(error.without_snippet(), serde_saphyr::Error::Budget { .. })
}

/// Reads what may be there without a value.
///
/// # Errors
/// When there is a value of another kind.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
