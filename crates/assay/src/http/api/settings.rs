//! Settings of which some are named in a request: the others stay.

use assay_model::problem::Problem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// These settings with others in place of those that are named.
///
/// # Errors
/// `Invalid`, saying which settings there are where an unknown one is named.
pub(super) fn changed<S: Serialize + DeserializeOwned>(
    settings: &S,
    changes: Map<String, Value>,
) -> Result<S, Problem> {
    let wrong = |e: serde_json::Error| Problem::invalid("bad-settings", format!("the settings do not fit: {e}"));
    let mut settings = serde_json::to_value(settings).map_err(wrong)?;
    if let Some(map) = settings.as_object_mut() {
        for (name, value) in changes {
            if !map.contains_key(&name) {
                return Err(Problem::invalid(
                    "bad-settings",
                    format!(
                        "there is no setting `{name}`; known are {}",
                        map.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                ));
            }
            map.insert(name, value);
        }
    }
    serde_json::from_value(settings).map_err(wrong)
}
