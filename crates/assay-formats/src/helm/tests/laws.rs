//! What holds for all names, versions and documents.

use super::super::{names, provenance, yaml};
use proptest::prelude::*;
use serde_json::{Value, json};

fn value() -> impl Strategy<Value = Value> {
    let text =
        prop_oneof!["\\PC{0,12}", "[ -~]{0,12}", any::<String>(), Just("yes".to_owned()), Just("1.0".to_owned())];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[ -~]{1,10}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in value()) {
        let mut text = String::from("top:");
        yaml::write(&mut text, &value, 1);
        text.push('\n');
        let read: Value = yaml::read(&text, yaml::Bounds { nodes: 10_000, bytes: 1 << 20 }).unwrap();
        prop_assert_eq!(&read["top"], &value, "{}", text);
    }
    #[test]
    fn a_file_name_reads_as_its_chart(
        name in "[a-z][a-z0-9-]{0,10}[a-z]",
        version in "(v)?[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}(-[a-z]{1,3}(\\.[0-9])?)?(\\+[a-z0-9]{1,3})?",
    ) {
        prop_assert!(names::check_version(&version).is_ok());
        let file = names::file_name(&name, &version);
        prop_assert!(names::readings(&file).contains(&(name.as_str(), version.as_str())));
        let signature = format!("{file}.prov");
        prop_assert!(names::readings(&signature).contains(&(name.as_str(), version.as_str())));
    }
    #[test]
    fn nothing_panics(text in "\\PC{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (names::check_name(&text).is_ok(), names::check_version(&text).is_ok(), names::readings(&text).len());
        let _ = provenance::parse(&bytes);
        let _ = super::super::inspect::parse(&text);
    }
}
