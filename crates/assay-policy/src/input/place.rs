//! Where a package lives: `repository` and `workspace`.

use super::value::{list, object, text, time};
use assay_model::repository::Repository;
use jiff::Timestamp;
use regorus::{Value, value::Object};

/// `repository`.
pub(super) fn repository(repository: &Repository) -> Value {
    let kind = if repository.settings.anonymous_read { "PUBLIC" } else { "PRIVATE" };
    object([
        ("name", Value::from(repository.name.as_str())),
        ("slug", Value::from(repository.name.as_str())),
        ("slug_perm", Value::from(repository.id.0.to_string())),
        ("description", Value::from(repository.settings.description.as_str())),
        ("created_at", time(Some(repository.created_at))),
        ("repository_type", Value::from(kind)),
        ("open_source_license", Value::Null),
        ("storage_region", Value::from("")),
        ("ecdsa_keys", list([])),
        ("gpg_keys", list([])),
    ])
}

/// `labels`.
pub(super) fn labels(repository: &Repository) -> Value {
    let pairs = repository.settings.labels.iter();
    pairs
        .map(|(name, value)| (Value::from(name.as_str()), Value::from(value.as_str())))
        .collect::<Object>()
        .into_value()
}

/// `workspace`. The installation has a name, an age, and nothing else of what the shape allows.
pub(super) fn workspace(name: &str, since: Option<Timestamp>) -> Value {
    object([
        ("name", text(Some(name))),
        ("slug", text(Some(name))),
        ("slug_perm", text(Some(name))),
        ("created_at", time(since)),
        ("country", Value::Null),
        ("location", Value::Null),
        ("tagline", Value::Null),
    ])
}
