//! What is in the files of a package beside components: `secrets` and `licenses`, and the licences that components declare.

use super::value::{list, object, text};
use assay_model::{
    component::Occurrence,
    facts::Facts,
    inventory::{LicenseFile, Secret},
    license::{Declared, choices, normalise},
};
use regorus::Value;
use std::{cell::RefCell, collections::HashMap};

/// Declarations as they are understood, each read once: an image has few licences and many components.
#[derive(Debug, Default)]
pub(super) struct Licenses(RefCell<HashMap<String, (Declared, Value)>>);

impl Licenses {
    fn read(&self, written: &str) -> (Declared, Value) {
        let mut known = self.0.borrow_mut();
        let understand = || {
            let read = normalise(written);
            let ways = ways(&read.expression);
            (read, ways)
        };
        known.entry(written.to_owned()).or_insert_with(understand).clone()
    }

    /// `components[].licenses`.
    pub(super) fn of(&self, found: &Occurrence) -> Value {
        list(found.licenses.iter().map(|written| {
            let (read, _) = self.read(written);
            object([
                ("declared", Value::from(written.as_str())),
                ("expression", Value::from(read.expression)),
                ("class", Value::from(read.class.as_str())),
            ])
        }))
    }

    /// `licenses`: what components declare, then what files contain.
    pub(super) fn all(&self, facts: &Facts) -> Value {
        let declared = facts.components.iter().flat_map(|found| {
            found.licenses.iter().map(move |written| {
                let (read, ways) = self.read(written);
                object([
                    ("choices", ways),
                    ("expression", Value::from(read.expression)),
                    ("class", Value::from(read.class.as_str())),
                    ("evidence", Value::from("declared")),
                    ("confidence", Value::from(100_u64)),
                    ("path", Value::from(found.path.as_str())),
                    ("layer", text(found.layer.as_deref())),
                    ("package_name", Value::from(found.component.name.as_str())),
                    ("purl", text(Some(&found.component.purl))),
                    ("is_subject", Value::from(found.is_subject)),
                ])
            })
        });
        list(declared.chain(facts.licenses.iter().map(file)))
    }
}

/// Ways to satisfy an expression.
fn ways(expression: &str) -> Value {
    let terms = |way: Vec<_>| list(way.iter().map(|licence| Value::from(ToString::to_string(licence))));
    list(choices(expression).into_iter().map(|way| object([("terms", terms(way))])))
}

fn file(found: &LicenseFile) -> Value {
    object([
        ("choices", ways(&found.expression)),
        ("expression", Value::from(found.expression.as_str())),
        ("class", Value::from(found.class.as_str())),
        ("evidence", Value::from(found.evidence.as_str())),
        ("confidence", Value::from(u64::from(found.confidence))),
        ("path", Value::from(found.path.as_str())),
        ("layer", text(found.layer.as_deref())),
        ("package_name", Value::Null),
        ("purl", Value::Null),
        ("is_subject", Value::from(false)),
    ])
}

/// `secrets`, redacted as they are everywhere.
pub(super) fn secrets(facts: &Facts) -> Value {
    list(facts.secrets.iter().map(secret))
}

fn secret(found: &Secret) -> Value {
    object([
        ("rule", Value::from(found.rule.as_str())),
        ("category", Value::from(found.category.as_str())),
        ("title", Value::from(found.title.as_str())),
        ("severity", Value::from(found.severity.as_str())),
        ("path", Value::from(found.path.as_str())),
        ("layer", text(found.layer.as_deref())),
        ("first_line", Value::from(u64::from(found.first_line))),
        ("last_line", Value::from(u64::from(found.last_line))),
        ("matched", Value::from(found.matched.as_str())),
    ])
}
