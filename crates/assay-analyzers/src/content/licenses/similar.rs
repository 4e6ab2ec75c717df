//! Texts of licences that differ from the list's in a few words. Slower and larger in memory than `exact`: the texts are
//! loaded when they are first needed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use assay_model::license::listed;
use spdx::detection::{Store, TextData};

/// How similar a text has to be.
const LEAST: f32 = 0.9;
/// A text that is worse than this as a whole is not searched for parts either.
const HOPEFUL: f32 = 0.2;
/// Longer texts cost more than they tell.
const BYTES: usize = 160 << 10;
/// Shorter texts are no licences.
const SHORTEST: usize = 120;
/// How many licences are looked for in one text.
const PASSES: usize = 4;

/// In the order of identifiers, so that of two equally similar ones always the same is told.
struct Texts(BTreeMap<String, Vec<TextData>>);

fn texts() -> &'static Texts {
    static ALL: OnceLock<Texts> = OnceLock::new();
    ALL.get_or_init(|| {
        let Ok(store) = Store::load_inline() else { return Texts(BTreeMap::new()) };
        let current = |id: &str| listed(id).is_some_and(|one| !one.deprecated);
        let texts = store.iter().filter(|(id, _)| current(id)).map(|(id, entry)| {
            let texts = std::iter::once(&entry.original).chain(&entry.alternates).cloned().collect();
            (id.clone(), texts)
        });
        Texts(texts.collect())
    })
}

/// Identifiers with how similar the text is, in percent.
pub(super) fn find(text: &str) -> Vec<(String, u8)> {
    if text.len() < SHORTEST || text.len() > BYTES {
        return Vec::new();
    }
    let mut rest = TextData::new(text);
    let mut found = Vec::new();
    for _ in 0..PASSES {
        let Some((id, data, score)) = best(&rest) else { break };
        if score >= LEAST {
            found.push((id.to_owned(), percent(score)));
            break;
        }
        if score < HOPEFUL {
            break;
        }
        let (part, score) = rest.optimize_bounds(data);
        if score < LEAST {
            break;
        }
        found.push((id.to_owned(), percent(score)));
        rest = part.white_out();
    }
    found
}

fn best(text: &TextData) -> Option<(&'static str, &'static TextData, f32)> {
    let mut best: Option<(&'static str, &'static TextData, f32)> = None;
    for (id, data) in texts().0.iter().flat_map(|(id, all)| all.iter().map(move |data| (id, data))) {
        let score = data.match_score(text);
        if best.is_none_or(|(_, _, least)| score > least) {
            best = Some((id, data, score));
        }
    }
    best
}

/// Never 100: that is for texts that match word by word.
fn percent(score: f32) -> u8 {
    // Between 0 and 99, so nothing is lost.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    let percent = (score * 100.0).clamp(0.0, 99.0) as u8;
    percent
}
