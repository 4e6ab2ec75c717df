//! The kinds of action, one folder each, and how people write them. An action changes a desired standing and can take
//! that change back; carrying a standing out is the engine's.

pub mod add_tags;
mod channel;
pub mod expire;
pub mod notify;
pub mod remove_tags;
pub mod require_approval;
pub mod set_state;
mod tags;
pub mod webhook;

use assay_model::{Problem, policy::PolicyAction, seam::action::Action};
use serde_json::{Value, json};

/// Every kind of action.
pub const ALL: &[&dyn Action] = &[
    &set_state::SetState,
    &add_tags::AddTags,
    &remove_tags::RemoveTags,
    &notify::NOTIFY,
    &webhook::WEBHOOK,
    &require_approval::RequireApproval,
    &expire::Expire,
];

/// The kind of that id or alias, in any case.
pub fn find(kind: &str) -> Option<&'static dyn Action> {
    ALL.iter().copied().find(|action| {
        let spec = action.spec();
        std::iter::once(&spec.id).chain(spec.aliases).any(|name| name.eq_ignore_ascii_case(kind))
    })
}

/// Checks an action and gives it with its kind's id instead of an alias.
///
/// # Errors
/// `Invalid` when there is no such kind or a parameter is wrong.
pub fn normalise(action: &PolicyAction) -> Result<PolicyAction, Problem> {
    let kind = find(&action.kind).ok_or_else(|| unknown(&action.kind))?;
    kind.check(&action.params)?;
    Ok(PolicyAction { kind: kind.spec().id.to_owned(), params: action.params.clone() })
}

/// An action as a person types it: `quarantine`, `set-state=hidden`, `add-tags=a,b`.
///
/// # Errors
/// `Invalid` when the word is not known or its value is wrong.
pub fn parse_shorthand(text: &str) -> Result<PolicyAction, Problem> {
    let text = text.trim();
    let (word, value) = match text.split_once('=') {
        Some((word, value)) => (format!("{}=", word.trim()), Some(value)),
        None => (text.to_owned(), None),
    };
    for action in ALL {
        let spec = action.spec();
        let Some((_, params)) = spec.shorthands.iter().find(|(known, _)| known.eq_ignore_ascii_case(&word)) else {
            continue;
        };
        let params =
            serde_json::from_str(params).map_err(|error| Problem::bug(format!("shorthand of {}: {error}", spec.id)))?;
        return normalise(&PolicyAction { kind: spec.id.to_owned(), params: fill(params, value) });
    }
    Err(unknown(text))
}

/// Puts what follows the `=` into the one parameter: as a list where the shorthand has a list.
fn fill(mut params: Value, value: Option<&str>) -> Value {
    let Some(value) = value else { return params };
    for slot in params.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        *slot = if slot.is_array() {
            value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| json!(part)).collect()
        } else {
            json!(value.trim())
        };
    }
    params
}

fn unknown(text: &str) -> Problem {
    let words: Vec<&str> = ALL.iter().flat_map(|action| action.spec().shorthands).map(|(word, _)| *word).collect();
    let shown: String = text.chars().take(60).collect();
    Problem::invalid("unknown-action", format!("`{shown}` is not an action; use one of {}", words.join(", ")))
}
