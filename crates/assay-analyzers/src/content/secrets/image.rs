//! Secrets in what an image says of itself: environment, commands, labels, and the steps that made it.

use assay_model::inventory::{ImageFacts, Secret};
use serde_json::Value;

use super::SecretRules;
use super::scan::{blank, search};

/// The name under which they are told.
const PATH: &str = "config.json";
/// More than any real configuration has.
const TEXT: usize = 4 << 20;
/// The parts of a configuration in which people write.
const PARTS: [&str; 5] = ["config", "container_config", "history", "author", "comment"];

/// Takes the secrets out of the facts, and tells them; lines are counted over the strings of the configuration, one a line.
pub(crate) fn in_image(rules: &SecretRules, facts: &mut ImageFacts) -> Vec<Secret> {
    let mut text = String::new();
    for part in PARTS {
        if let Some(part) = facts.config.get_mut(part) {
            each(part, &mut |name, one| collect(name, one, &mut text));
        }
    }
    let found = search(rules, PATH, &mut text.as_bytes()).map(|outcome| outcome.secrets).unwrap_or_default();
    for part in PARTS.iter().filter(|_| !found.is_empty()) {
        if let Some(part) = facts.config.get_mut(*part) {
            each(part, &mut |name, one| *one = without(rules, name, one));
        }
    }
    for layer in &mut facts.layers {
        layer.created_by = without(rules, "", &layer.created_by);
    }
    found
}

fn collect(name: &str, one: &str, text: &mut String) {
    if text.len() + one.len() <= TEXT {
        // A label is a name with a value; rules look for both.
        let between = if name.is_empty() { "" } else { "=" };
        text.extend([name, between, one, "\n"]);
    }
}

fn without(rules: &SecretRules, name: &str, one: &str) -> String {
    let mut line = String::new();
    collect(name, one, &mut line);
    let blanked = blank(rules, PATH, line.trim_end_matches('\n'));
    // What is taken out leaves its length.
    blanked.get(line.len() - 1 - one.len()..).unwrap_or_default().to_owned()
}

/// Calls `with` for each string, with the name of its field.
fn each(value: &mut Value, with: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(one) => with("", one),
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, with)),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                match field {
                    Value::String(one) => with(key, one),
                    other => each(other, with),
                }
            }
        }
        _ => {}
    }
}
