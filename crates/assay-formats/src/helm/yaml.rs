//! YAML: read within bounds, and written so that every reader of YAML understands the same.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

/// What a document may cost.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Nodes.
    pub(super) nodes: usize,
    /// Bytes of all scalars.
    pub(super) bytes: usize,
}

/// What aliases may repeat, all together.
const REPEATED: usize = 20_000;

/// # Errors
/// The first line of what is wrong.
pub(super) fn read<T: DeserializeOwned>(text: &str, bounds: Bounds) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: bounds.nodes,
            max_events: bounds.nodes.saturating_mul(2),
            max_total_scalar_bytes: bounds.bytes,
            max_recorded_anchor_events: REPEATED,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPEATED,
        },
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Appends `value` in block style at `depth` (two spaces each); the cursor stands after `key:` or `-`.
pub(super) fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Object(fields) if fields.is_empty() => out.push_str(" {}"),
        Value::Array(items) if items.is_empty() => out.push_str(" []"),
        Value::Object(fields) => {
            for (key, value) in fields {
                indent(out, depth);
                write_key(out, key);
                write(out, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(out, depth);
                out.push('-');
                write_item(out, item, depth + 1);
            }
        }
        scalar => {
            out.push(' ');
            write_scalar(out, scalar);
        }
    }
}

/// An item after its dash: the first field of a mapping stands on the same line.
fn write_item(out: &mut String, item: &Value, depth: usize) {
    match item {
        Value::Object(fields) if !fields.is_empty() => {
            for (n, (key, value)) in fields.iter().enumerate() {
                if n == 0 {
                    out.push(' ');
                } else {
                    out.push('\n');
                    out.extend(std::iter::repeat_n("  ", depth));
                }
                write_key(out, key);
                write(out, value, depth + 1);
            }
        }
        other => write(out, other, depth),
    }
}

/// A key and its colon; plain where no reader takes it for anything but a text.
pub(super) fn write_key(out: &mut String, key: &str) {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let other = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let letter = key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if letter && key.bytes().all(word) && !other.contains(&key.to_ascii_lowercase().as_str()) {
        out.push_str(key);
    } else {
        write_text(out, key);
    }
    out.push(':');
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        other => out.push_str(&other.to_string()),
    }
}

/// A text in double quotes, whose escapes are those of JSON; what YAML does not print is escaped too.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printed(c) => out.push(c),
            c if u32::from(c) <= 0xFFFF => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

fn is_printed(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
        || (c > '\u{ffff}' && u32::from(c) & 0xFFFE != 0xFFFE)
}
