//! Secrets in what an image says of itself: environment, commands, labels, and the steps that made it.

use assay_model::inventory::{ImageFacts, Secret};
use serde_json::Value;

use super::{SecretRules, search};

/// The name under which they are told.
const PATH: &str = "config.json";
/// More than any real configuration has.
const TEXT: usize = 4 << 20;

/// Searches the configuration; lines are counted over its strings, one a line.
pub(crate) fn in_image(rules: &SecretRules, facts: &ImageFacts) -> Vec<Secret> {
    let mut text = String::new();
    for part in ["config", "container_config", "history", "author"] {
        collect(&facts.config[part], &mut text);
    }
    search(rules, PATH, &mut text.as_bytes()).map(|outcome| outcome.secrets).unwrap_or_default()
}

fn collect(value: &Value, text: &mut String) {
    match value {
        Value::String(one) if text.len() < TEXT => {
            text.push_str(one);
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text)),
        Value::Object(fields) => {
            for (key, field) in fields {
                if let Value::String(one) = field {
                    // A label is a name with a value; rules look for both.
                    collect(&Value::String(format!("{key}={one}")), text);
                } else {
                    collect(field, text);
                }
            }
        }
        _ => {}
    }
}
