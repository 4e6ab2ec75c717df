//! JSON that is read for the few fields that matter: whatever else stands there, and whatever has another type than it
//! should, is passed over without being kept. Lists are bounded.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use std::fmt;
use std::marker::PhantomData;

/// The longest text that is kept.
const TEXT: usize = 64 << 10;

/// A text; numbers and truth values are texts too, anything else is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A text of any length, for what is encoded in it.
#[derive(Debug, Default)]
pub(super) struct Payload(pub(super) String);

macro_rules! scalars {
    ($from:expr) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("anything")
        }
        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok($from(&value.to_string()))
        }
        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok($from(&value.to_string()))
        }
        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok($from(&value.to_string()))
        }
        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok($from(&value.to_string()))
        }
        fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
            Ok($from(value))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}
pub(super) use scalars;

/// Passes over a list.
pub(super) fn pass_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn pass_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

macro_rules! textual {
    ($name:ident, $limit:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Any;
                impl<'de> Visitor<'de> for Any {
                    type Value = $name;
                    scalars!(|text: &str| if text.len() <= $limit { $name(text.to_owned()) } else { $name::default() });
                    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<$name, A::Error> {
                        pass_list(list).map(|()| $name::default())
                    }
                    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<$name, A::Error> {
                        pass_object(object).map(|()| $name::default())
                    }
                }
                deserializer.deserialize_any(Any)
            }
        }
    };
}
textual!(Text, TEXT);
textual!(Payload, usize::MAX);

/// A list of at most `MAX`; a single thing is a list of one.
#[derive(Clone, Debug)]
pub(super) struct List<T, const MAX: usize = 10_000> {
    pub(super) all: Vec<T>,
    /// How many more there were.
    pub(super) more: usize,
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self { all: Vec::new(), more: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Any<T, MAX> {
            type Value = List<T, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let one = T::deserialize(serde::de::value::StrDeserializer::<E>::new(text))?;
                Ok(List { all: vec![one], more: 0 })
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut out = List { all: Vec::new(), more: 0 };
                while out.all.len() < MAX {
                    match list.next_element()? {
                        Some(one) => out.all.push(one),
                        None => return Ok(out),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    out.more += 1;
                }
                Ok(out)
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                Ok(List { all: vec![T::deserialize(MapAccessDeserializer::new(object))?], more: 0 })
            }
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// A record with some of the fields that an object may have; what is no object is an empty record.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty = $key:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub(super) struct $name { $(pub(super) $field: $kind),* }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Any;
                impl<'de> serde::de::Visitor<'de> for Any {
                    type Value = $name;
                    $crate::sbom::lenient::scalars!(|_: &str| $name::default());
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<$name, A::Error> {
                        $crate::sbom::lenient::pass_list(list).map(|()| $name::default())
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<$name, A::Error> {
                        let mut out = $name::default();
                        while let Some(key) = object.next_key::<String>()? {
                            match key.as_str() {
                                $($key => out.$field = object.next_value()?,)*
                                _ => {
                                    object.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(out)
                    }
                }
                deserializer.deserialize_any(Any)
            }
        }
    };
}
pub(super) use record;
