//! The table as a page for people: `docs/policy-input.md`.

use super::{Field, REVISION, Shape, v0, v1};

/// The page, Markdown.
pub fn page() -> String {
    let mut out = format!(
        "# What policies read\n\n\
         Every field of the input document, version {REVISION}. This page is made from the table of fields in\n\
         `crates/assay-policy/src/input/schema`; a test says how to make it again. The same as JSON Schema: \
         `assay policy schema v1`,\n`GET /api/v1/policies/schema/v1`. What the fields are for is in [policies.md](policies.md).\n\n\
         A field of type `T?` can be null; *optional* ones can be absent. `[]` stands for each element of an array, `<name>`\n\
         for any key. Times are RFC 3339 in UTC. *None here* marks what belongs to the shape and Assay never fills.\n"
    );
    out.push_str("\n## `input.v0`\n");
    sections(&mut out, v0::FIELDS);
    out.push_str("\n## `input.v1`\n\nEverything in `input.v0`, and:\n");
    sections(&mut out, v1::FIELDS);
    out
}

fn sections(out: &mut String, fields: &[Field]) {
    out.push_str("\n| field | type | |\n|---|---|---|\n");
    for field in fields {
        row(out, field.name, field);
    }
    for field in fields {
        let mut rows = String::new();
        below(&mut rows, field.name, field.shape);
        if !rows.is_empty() {
            out.push_str(&format!("\n### `{}`\n\n| field | type | |\n|---|---|---|\n{rows}", field.name));
        }
    }
}

fn row(out: &mut String, path: &str, field: &Field) {
    let null = if field.null { "?" } else { "" };
    let mut notes = field.about.to_owned();
    if let Shape::Word(words) = field.shape {
        let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
        if words.iter().any(|word| !field.about.contains(word)) {
            notes.push_str(&format!(": `{}`", words.join("`, `")));
        }
    }
    if !field.always {
        notes.push_str(". *Optional*");
    }
    if field.empty {
        notes.push_str(". *None here*");
    }
    out.push_str(&format!("| `{path}` | {}{null} | {notes} |\n", name(field.shape)));
}

fn below(out: &mut String, path: &str, shape: Shape) {
    match shape {
        Shape::Object(fields) => each(out, path, fields),
        Shape::Keyed(fields, item, key) => {
            each(out, path, fields);
            let path = format!("{path}.<{key}>");
            if let Shape::Object(_) = item {
                below(out, &path, *item);
            }
        }
        Shape::List(item) => below(out, &format!("{path}[]"), *item),
        _ => {}
    }
}

fn each(out: &mut String, path: &str, fields: &[Field]) {
    for field in fields {
        let path = format!("{path}.{}", field.name);
        row(out, &path, field);
        below(out, &path, field.shape);
    }
}

fn name(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::Word(_) => "string".into(),
        Shape::Time => "time".into(),
        Shape::Whole => "integer".into(),
        Shape::Number => "number".into(),
        Shape::Flag => "boolean".into(),
        Shape::Free => "any".into(),
        Shape::Object(_) => "object".into(),
        Shape::Keyed(_, item, _) => format!("object of {}", plural(*item)),
        Shape::List(item) => format!("array of {}", plural(*item)),
    }
}

fn plural(shape: Shape) -> String {
    match shape {
        Shape::Free => "any".into(),
        other => format!("{}s", name(other)),
    }
}
