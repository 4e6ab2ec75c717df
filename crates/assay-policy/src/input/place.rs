//! Where a package lives: `repository` and `workspace`.

use super::value::{list, object, text, time};
use assay_model::repository::Repository;
use regorus::Value;

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

/// `workspace`. The installation has a name and nothing else of what the shape allows.
pub(super) fn workspace(name: &str) -> Value {
    object([
        ("name", text(Some(name))),
        ("slug", text(Some(name))),
        ("slug_perm", text(Some(name))),
        ("created_at", Value::Null),
        ("country", Value::Null),
        ("location", Value::Null),
        ("tagline", Value::Null),
    ])
}
