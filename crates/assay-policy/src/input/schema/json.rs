//! The table as JSON Schema (2020-12).

use super::{Field, REVISION, Shape, fields};
use serde_json::{Map, Value, json};

/// The JSON Schema of a version of the document, `v0` or `v1`.
pub fn schema(version: &str) -> Option<Value> {
    if !matches!(version, "v0" | "v1") {
        return None;
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:assay:policy-input:{version}:{REVISION}"),
        "title": format!("input.{version}"),
        "description": format!("What a policy reads as input.{version} of one package"),
        "version": REVISION,
    });
    if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), object(&fields(version))) {
        schema.extend(more);
    }
    Some(schema)
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.always).map(|field| field.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn property(field: &Field) -> Value {
    let mut value = shape(field.shape);
    if let Some(map) = value.as_object_mut() {
        if field.null {
            if let Some(kind) = map.remove("type") {
                map.insert("type".into(), json!([kind, "null"]));
            }
            if let Some(Value::Array(words)) = map.get_mut("enum") {
                words.push(Value::Null);
            }
        }
        let about = if field.empty { format!("{}. Assay has none", field.about) } else { field.about.to_owned() };
        map.insert("description".into(), about.into());
    }
    value
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Time => json!({"type": "string", "format": "date-time"}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Whole => json!({"type": "integer"}),
        Shape::Number => json!({"type": "number"}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Free => json!({}),
        Shape::Object(fields) => object(fields),
        Shape::Keyed(fields, item, _) => {
            let mut value = object(fields);
            if let Some(map) = value.as_object_mut() {
                map.insert("additionalProperties".into(), self::shape(*item));
            }
            value
        }
        Shape::List(item) => json!({"type": "array", "items": self::shape(*item)}),
    }
}
