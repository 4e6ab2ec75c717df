//! The parameter that the tag actions share: `{"tags": ["..."]}`.

use assay_model::Problem;
use serde_json::Value;

/// Longest tag, characters.
const MAX_TAG: usize = 100;
/// Most tags of one action.
const MAX_TAGS: usize = 100;

/// Checks the parameter.
pub(super) fn check(params: &Value) -> Result<(), Problem> {
    let wrong = |message: String| Err(Problem::invalid("bad-action", message));
    let Some(tags) = params.get("tags").and_then(Value::as_array) else {
        return wrong("`tags` is missing; write {\"tags\": [\"reviewed\"]}".into());
    };
    if tags.is_empty() || tags.len() > MAX_TAGS {
        return wrong(format!("`tags` has {} entries; 1 to {MAX_TAGS} are allowed", tags.len()));
    }
    for tag in tags {
        let Some(tag) = tag.as_str() else { return wrong(format!("`tags` holds {tag}, which is not a text")) };
        let length = tag.chars().count();
        if tag.trim().is_empty() || length > MAX_TAG {
            return wrong(format!("a tag in `tags` has {length} characters; 1 to {MAX_TAG} are allowed"));
        }
        if tag.chars().any(char::is_control) || tag.trim() != tag {
            return wrong("a tag in `tags` has control characters or begins or ends with a space".into());
        }
    }
    Ok(())
}

/// The tags of parameters that were checked.
pub(super) fn of(params: &Value) -> impl Iterator<Item = &str> {
    params.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
