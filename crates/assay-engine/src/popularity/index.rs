//! A catalogue made ready for comparison. A name is compared with those of about its length whose letters are about the
//! same, by a mask of letters: of some ten thousand names a few dozen are left to count edits for.

use super::distance::{fold, within};
use assay_model::health::{Popularity, Similar, Standing};
use std::collections::{BTreeMap, HashMap};

/// Edits up to which a name can be confused with another.
const EDITS: usize = 2;
/// Similar names that are told.
const TOLD: usize = 10;

struct Entry {
    folded: Vec<u8>,
    letters: u64,
    popular: Popularity,
}

/// A catalogue of popular names.
#[derive(Default)]
pub(crate) struct Index {
    by_name: HashMap<String, usize>,
    entries: Vec<Entry>,
    by_length: BTreeMap<usize, Vec<usize>>,
}

/// One bit for each letter that occurs.
fn letters(folded: &[u8]) -> u64 {
    folded.iter().fold(0, |mask, byte| mask | 1_u64 << (byte & 63))
}

/// Edits that confuse names of this length: of a short one, few leave anything of it.
fn most(length: usize) -> usize {
    EDITS.min(length.saturating_sub(1) / 2)
}

impl Index {
    pub(crate) fn new(popular: impl Iterator<Item = Popularity>) -> Self {
        let mut index = Self::default();
        for popular in popular {
            let folded = fold(&popular.name);
            let place = index.entries.len();
            index.by_name.insert(popular.name.clone(), place);
            index.by_length.entry(folded.len()).or_default().push(place);
            index.entries.push(Entry { letters: letters(&folded), folded, popular });
        }
        index
    }

    /// Popular packages that the name can be confused with, nearest first, then by rank; not itself.
    pub(crate) fn near(&self, name: &str) -> Vec<Similar> {
        let folded = fold(name);
        let (mask, most) = (letters(&folded), most(folded.len()));
        let mut found = Vec::new();
        let lengths = folded.len().saturating_sub(most)..=folded.len() + most;
        for place in self.by_length.range(lengths).flat_map(|(_, places)| places) {
            let Some(entry) = self.entries.get(*place) else { continue };
            // an edit takes at most one letter away and brings at most one
            if (entry.letters ^ mask).count_ones() as usize > 2 * most || entry.popular.name == name {
                continue;
            }
            if let Some(distance) = within(&folded, &entry.folded, most) {
                found.push((distance, entry));
            }
        }
        found.sort_by_key(|(distance, entry)| (*distance, entry.popular.rank, &entry.popular.name));
        let told = found.into_iter().take(TOLD);
        told.map(|(distance, entry)| Similar {
            popular: entry.popular.clone(),
            distance: u32::try_from(distance).unwrap_or(u32::MAX),
        })
        .collect()
    }

    pub(crate) fn standing(&self, name: &str) -> Standing {
        let own = self.by_name.get(name).and_then(|place| self.entries.get(*place)).map(|e| e.popular.clone());
        let similar = if own.is_some() { Vec::new() } else { self.near(name) };
        Standing { own, similar, known: !self.entries.is_empty() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn index(names: &[&str]) -> Index {
        let popular = names.iter().zip(1..).map(|(name, rank)| Popularity {
            purl_type: "pypi".into(),
            name: (*name).into(),
            rank,
            downloads: None,
        });
        Index::new(popular)
    }

    #[test]
    fn a_popular_name_is_like_no_other() {
        let standing = index(&["requests", "request"]).standing("requests");
        assert_eq!(standing.own.map(|own| own.rank), Some(1));
        assert!(standing.similar.is_empty() && standing.known);
    }

    #[test]
    fn a_look_alike_is_near() {
        let index = index(&["requests", "numpy", "colorama", "six", "pandas"]);
        let near = |name: &str| {
            let all = index.near(name).into_iter();
            all.map(|similar| (similar.popular.name, similar.distance)).collect::<Vec<_>>()
        };
        assert_eq!(near("reqeusts"), [("requests".to_owned(), 1)]);
        assert_eq!(near("c0l0rama"), [("colorama".to_owned(), 0)], "zeros look like the letter");
        assert_eq!(near("colourama"), [("colorama".to_owned(), 1)]);
        assert_eq!(near("sax"), [("six".to_owned(), 1)]);
        assert_eq!(near("abc"), [], "two edits of three letters are another word");
        assert_eq!(near("flask"), []);
        assert!(!Index::default().standing("x").known);
    }

    #[test]
    fn the_mask_loses_none() {
        let names: Vec<String> =
            (0..400_u32).map(|n| format!("pkg-{:x}-{}", n.wrapping_mul(2_654_435_761), n % 7)).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let index = index(&all);
        for name in &names {
            let mut typed = name.clone();
            typed.replace_range(5..6, "z");
            let by_hand = names.iter().filter(|other| {
                **other != typed && within(&fold(&typed), &fold(other), most(fold(&typed).len())).is_some()
            });
            assert_eq!(index.near(&typed).len(), by_hand.count().min(TOLD), "{typed}");
        }
    }
}
