//! The form of `pnpm-lock.yaml`, versions 5 to 9. Does not live here: which entries are packages.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::yaml::or_default;

/// Names and what was chosen for them.
type Chosen<T> = BTreeMap<String, T>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct File {
    pub(super) lockfile_version: String,
    #[serde(flatten)]
    pub(super) root: Importer,
    #[serde(deserialize_with = "or_default")]
    pub(super) importers: BTreeMap<String, Importer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) packages: BTreeMap<String, Package>,
    /// Since version 9: the places where packages are installed, with what they found there.
    #[serde(deserialize_with = "or_default")]
    pub(super) snapshots: BTreeMap<String, Package>,
}

/// A project of the workspace.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Importer {
    #[serde(deserialize_with = "or_default")]
    pub(super) dependencies: Chosen<Wish>,
    #[serde(deserialize_with = "or_default")]
    pub(super) optional_dependencies: Chosen<Wish>,
    #[serde(deserialize_with = "or_default")]
    pub(super) dev_dependencies: Chosen<Wish>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Package {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) resolution: Resolution,
    #[serde(deserialize_with = "or_default")]
    pub(super) dependencies: Chosen<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) optional_dependencies: Chosen<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) dev: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resolution {
    pub(super) integrity: Option<String>,
}

/// What was chosen for a wish of the project: the bare text in version 5, beside the range since.
#[derive(Debug, Default)]
pub(super) struct Wish(pub(super) String);

impl<'de> Deserialize<'de> for Wish {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WishVisitor)
    }
}

struct WishVisitor;

impl<'de> Visitor<'de> for WishVisitor {
    type Value = Wish;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version, or an object with one")
    }

    fn visit_str<E>(self, text: &str) -> Result<Wish, E> {
        Ok(Wish(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Wish, E> {
        Ok(Wish(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Wish, E> {
        Ok(Wish(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Wish, E> {
        Ok(Wish(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Wish, E> {
        Ok(Wish::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wish, A::Error> {
        let mut wish = Wish::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => wish.0 = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(wish)
    }
}

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Up to version 5: `/name/1.0.0_peer@1.0.0`.
    Slash,
    /// From version 6: `/name@1.0.0(peer@1.0.0)`.
    SlashAt,
    /// From version 9: `name@1.0.0(peer@1.0.0)`.
    Bare,
}

impl Keys {
    /// None when the version of the file is not a number.
    pub(super) fn of(lockfile_version: &str) -> Option<Self> {
        let major: u32 = lockfile_version.trim().split('.').next()?.parse().ok()?;
        Some(match major {
            0..6 => Self::Slash,
            6..9 => Self::SlashAt,
            _ => Self::Bare,
        })
    }

    /// Name and version of a key, without its registry and peers; the version may be an address.
    pub(super) fn split(self, key: &str) -> Option<(&str, &str)> {
        let key = self.without_peers(if self == Self::Bare { key } else { key.split_once('/')?.1 });
        let separator = if self == Self::Slash { '/' } else { '@' };
        let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
        let at = scope + key.get(scope..)?.find(separator)?;
        Some((key.get(..at)?, key.get(at + 1..)?))
    }

    pub(super) fn without_peers(self, key: &str) -> &str {
        match self {
            // A name may have an underscore, and peers may have slashes: the version is what has a dot before its peers.
            Self::Slash => match key.match_indices('_').find(|(at, _)| is_version_end(key, *at)) {
                Some((at, _)) => key.get(..at).unwrap_or(key),
                None => key,
            },
            _ => key.split('(').next().unwrap_or(key),
        }
    }

    /// Keys that a package's dependency may mean.
    pub(super) fn candidates(self, name: &str, chosen: &str) -> [String; 2] {
        let own = match self {
            Self::Slash => format!("/{name}/{chosen}"),
            Self::SlashAt => format!("/{name}@{chosen}"),
            Self::Bare => format!("{name}@{chosen}"),
        };
        [own, chosen.to_owned()]
    }
}

/// Whether what stands before begins with a number, from the slash on.
fn is_version_end(key: &str, at: usize) -> bool {
    let before = key.get(..at).unwrap_or_default();
    before.rsplit('/').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn keys_of_all_versions() {
        for (keys, key, expected) in [
            (Keys::Slash, "/lodash/4.17.21", ("lodash", "4.17.21")),
            (Keys::Slash, "/@s/a_b/7.21.5_@babel+core@7.21.8", ("@s/a_b", "7.21.5")),
            (Keys::Slash, "registry.example/a_b/1.0.0_x@1.0.0+y@2.0.0", ("a_b", "1.0.0")),
            (Keys::SlashAt, "/@s/a@7.1.0(@s/peer@7.0.0)(b@1.0.0)", ("@s/a", "7.1.0")),
            (Keys::SlashAt, "registry.example/a@1.0.0", ("a", "1.0.0")),
            (Keys::Bare, "@s/a@1.0.0(b@2.0.0(c@1.0.0))", ("@s/a", "1.0.0")),
            (Keys::Bare, "a@https://host.example/x/tar.gz/01", ("a", "https://host.example/x/tar.gz/01")),
            (Keys::Bare, "a@file:pkg", ("a", "file:pkg")),
        ] {
            assert_eq!(keys.split(key), Some(expected), "{key}");
        }
        for key in ["", "@", "@s", "/", "a"] {
            assert_eq!(Keys::Bare.split(key), None, "{key}");
            assert_eq!(Keys::Slash.split(key), None, "{key}");
        }
        assert_eq!(Keys::of("5.4"), Some(Keys::Slash));
        assert_eq!(Keys::of("6.0"), Some(Keys::SlashAt));
        assert_eq!(Keys::of("9.0"), Some(Keys::Bare));
        assert_eq!(Keys::of("new"), None);
    }
}
