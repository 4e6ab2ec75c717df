//! Small constructors of the evaluator's values, so that documents are built without passing through JSON text.

use jiff::Timestamp;
use regorus::{Value, value::Object};
use serde_json::Value as Json;

/// An object of the given fields.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<Object>().into_value()
}

/// The object with more fields; a field that exists is replaced. Anything but an object is returned as it is.
pub(super) fn extend<const N: usize>(value: &Value, fields: [(&str, Value); N]) -> Value {
    let Ok(object) = value.as_object() else { return value.clone() };
    let mut object = object.clone();
    for (key, value) in fields {
        object.insert(Value::from(key), value);
    }
    object.into_value()
}

/// An object of the fields that are not null: for documents in which absent and null differ.
pub(super) fn sparse<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields
        .into_iter()
        .filter(|(_, value)| *value != Value::Null)
        .map(|(key, value)| (Value::from(key), value))
        .collect::<Object>()
        .into_value()
}

/// An array.
pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::from(items.into_iter().collect::<Vec<_>>())
}

/// An array of strings.
pub(super) fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    list(items.into_iter().map(Value::from))
}

/// A string or null; empty is null.
pub(super) fn text(value: Option<&str>) -> Value {
    value.filter(|text| !text.is_empty()).map_or(Value::Null, Value::from)
}

/// A number or null.
pub(super) fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// RFC 3339 in UTC, or null.
pub(super) fn time(value: Option<Timestamp>) -> Value {
    value.map_or(Value::Null, |at| Value::from(at.to_string()))
}

/// The same value, from `serde_json`.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => from_number(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => list(items.iter().map(from_json)),
        Json::Object(fields) => fields
            .iter()
            .map(|(key, value)| (Value::from(key.as_str()), from_json(value)))
            .collect::<Object>()
            .into_value(),
    }
}

fn from_number(number: &serde_json::Number) -> Value {
    if let Some(whole) = number.as_i64() {
        Value::from(whole)
    } else if let Some(whole) = number.as_u64() {
        Value::from(whole)
    } else {
        self::number(number.as_f64())
    }
}
