//! What is read, which lines it has, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Json, LineIndex, Lines, Value};
use proptest::prelude::*;

#[test]
fn values_know_their_lines() {
    let text = "\u{feff}{\n  \"a\": {\n    \"b\": [1,\n 2]\n  },\n  \"c\":\n  true, \"d\": null }\n";
    let json = Json::parse(text).unwrap();
    assert_eq!(json.lines, Lines { first: 1, last: 7 });
    assert_eq!(json.get("a").unwrap().lines, Lines { first: 2, last: 5 });
    assert_eq!(json.at(&["a", "b"]).unwrap().lines, Lines { first: 3, last: 4 });
    assert_eq!(json.at(&["a", "b"]).unwrap().items()[1].value, Value::Number("2"));
    assert_eq!(json.get("c").unwrap().lines, Lines { first: 7, last: 7 });
    assert!(json.is_true("c") && !json.is_true("d") && !json.is_true("e"));
}

#[test]
fn comments_and_trailing_commas() {
    let json = Json::parse("// one\n{ /* two\n */ \"a\": [1, 2,], \"b//\": \"/*\", }\n// end").unwrap();
    assert_eq!(json.get("a").unwrap().items().len(), 2);
    assert_eq!(json.get("a").unwrap().lines, Lines { first: 3, last: 3 });
    assert_eq!(json.text("b//"), Some("/*"));
}

#[test]
fn escapes_and_repeated_keys() {
    let json = Json::parse(r#"{"a": "x\n\"\u00e9\ud83d\ude00\ud800", "a\tb": 1, "a": "last"}"#).unwrap();
    assert_eq!(json.entries()[0].1.as_str(), Some("x\n\"é😀\u{fffd}"));
    assert_eq!(json.entries()[1].0, "a\tb");
    assert_eq!(json.text("a"), Some("last"));
}

#[test]
fn what_is_no_json_is_told_with_its_line() {
    for (text, line) in [
        ("", 1),
        ("{\n\"a\"", 2),
        ("[1\n2]", 2),
        ("{\"a\" 1}", 1),
        ("{} {}", 1),
        ("\n\n\"x", 3),
        ("[\"\\q\"]", 1),
        ("[nul]", 1),
        ("/* x", 1),
        ("{,}", 1),
    ] {
        let problem = Json::parse(text).unwrap_err();
        assert_eq!(problem.code, "corrupt", "{text}");
        assert!(problem.message.starts_with(&format!("line {line} ")), "{text}: {}", problem.message);
    }
    assert_eq!(Json::parse(&"[".repeat(1_000_000)).unwrap_err().code, "limit");
}

#[test]
fn lines_of_offsets() {
    let index = LineIndex::new("ab\nc\n\nd");
    let lines: Vec<u32> = (0..8).map(|at| index.line(at)).collect();
    assert_eq!(lines, [1, 1, 1, 2, 2, 3, 4, 4]);
    assert_eq!(index.lines(0..3), Lines { first: 1, last: 1 });
    assert_eq!(index.lines(3..6), Lines { first: 2, last: 3 });
    assert_eq!(index.lines(3..3), Lines { first: 2, last: 2 });
}

fn same(json: &Json<'_>, other: &serde_json::Value) -> bool {
    match &json.value {
        Value::Null => other.is_null(),
        Value::Bool(is) => other.as_bool() == Some(*is),
        Value::Number(number) => serde_json::from_str::<serde_json::Value>(number).ok().as_ref() == Some(other),
        Value::Text(text) => other.as_str() == Some(text),
        Value::List(items) => {
            let others = other.as_array().unwrap();
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| same(item, other))
        }
        Value::Object(entries) => {
            let others = other.as_object().unwrap();
            entries.iter().all(|(key, value)| others.get(&**key).is_some_and(|other| same(value, other)))
        }
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_others_write(value in any_json(), at in any::<prop::sample::Index>(), put in any::<char>()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let json = Json::parse(&text).unwrap();
            prop_assert!(same(&json, &value));
            prop_assert_eq!(json.lines.last as usize, text.lines().count());
            let mut damaged: Vec<char> = text.chars().collect();
            let index = at.index(damaged.len());
            damaged[index] = put;
            let _ = Json::parse(&damaged.iter().collect::<String>());
            let _ = Json::parse(&damaged[..index].iter().collect::<String>());
        }
    }
}
