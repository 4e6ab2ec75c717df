//! The table of fields: what the input document holds, field by field. The JSON Schema, the page `docs/policy-input.md` and
//! the check of a policy's paths are made from it, and a test holds the documents against it.

mod json;
mod page;
mod suggest;
mod v0;
mod v0_findings;
mod v1;
mod walk;

pub use json::schema;
pub use page::page;
pub(crate) use suggest::{distance, instead, written};
pub(crate) use walk::{At, Miss, Path, empty, values, walk};

/// Version of the schema within `v0` and `v1`: fields are added, none is taken away or changes its type.
pub const REVISION: &str = "1.1.0";

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A string.
    Text,
    /// A string: RFC 3339, UTC.
    Time,
    /// A string, one of these.
    Word(&'static [&'static str]),
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Any JSON.
    Free,
    /// An object of these fields and no others.
    Object(&'static [Field]),
    /// An object of these fields, each of whose other keys has this value.
    Keyed(&'static [Field], &'static Shape, &'static str),
    /// An array.
    List(&'static Shape),
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) shape: Shape,
    /// Whether it can be null.
    pub(crate) null: bool,
    /// Whether it is always there.
    pub(crate) always: bool,
    /// Whether Assay never has anything to put there.
    pub(crate) empty: bool,
    /// What it says, for people.
    pub(crate) about: &'static str,
}

const fn field(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, null: false, always: true, empty: false, about }
}

const fn text(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::Text, about)
}

const fn time(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::Time, about)
}

const fn flag(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::Flag, about)
}

const fn whole(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::Whole, about)
}

const fn number(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::Number, about)
}

const fn object(name: &'static str, fields: &'static [Field], about: &'static str) -> Field {
    field(name, Shape::Object(fields), about)
}

const fn texts(name: &'static str, about: &'static str) -> Field {
    field(name, Shape::List(&Shape::Text), about)
}

const fn list(name: &'static str, item: &'static Shape, about: &'static str) -> Field {
    field(name, Shape::List(item), about)
}

impl Field {
    const fn at(&self) -> At {
        At { shape: self.shape, null: self.null }
    }
    /// It can be null.
    const fn or_null(self) -> Self {
        Self { null: true, ..self }
    }
    /// It can be absent.
    const fn maybe(self) -> Self {
        Self { always: false, ..self }
    }
    /// It is part of the shape, and Assay has nothing for it.
    const fn never(self) -> Self {
        Self { empty: true, ..self }
    }
}

/// The fields of a version of the document.
pub(crate) fn fields(version: &str) -> Vec<Field> {
    if version != "v1" {
        return v0::FIELDS.to_vec();
    }
    let replaced = |field: &&Field| !v1::FIELDS.iter().any(|own| own.name == field.name);
    v0::FIELDS.iter().filter(replaced).chain(v1::FIELDS).copied().collect()
}

/// A field of a version of the document.
pub(crate) fn top(version: &str, name: &str) -> Option<&'static Field> {
    let own = if version == "v1" { v1::FIELDS.iter().find(|field| field.name == name) } else { None };
    own.or_else(|| v0::FIELDS.iter().find(|field| field.name == name))
}
