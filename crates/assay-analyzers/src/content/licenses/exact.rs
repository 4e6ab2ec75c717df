//! Texts of licences that match the SPDX list's templates word by word.
//!
//! Each template is a row of segments that have to follow one another; between them, where the template says so, other words
//! may stand (names of holders, optional sentences). `texts.txt` holds a hash of each segment, not its words. Case,
//! punctuation, numbers and the breaking of lines do not matter (SPDX 2.3, annex B).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// One licence a line: identifier, and of each segment `gap before:words:hash of them`.
const TEXTS: &str = include_str!("texts.txt");
/// Words that a segment is recognised by at first.
pub(super) const ANCHOR: usize = 5;
/// Arithmetic of hashes is modulo the Mersenne prime 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x0af7_3c51_96e2_b8d5;

/// A text as words, with hashes of all its beginnings.
pub(super) struct Words<'a> {
    words: Vec<&'a str>,
    /// Hash of the first `n` words.
    sums: Vec<u64>,
    powers: Vec<u64>,
}

/// A licence whose whole text stands in these words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) id: &'static str,
    pub(super) place: Range<usize>,
    /// How many of them are the licence's own.
    pub(super) words: usize,
}

struct Text {
    id: &'static str,
    segments: Vec<Segment>,
    words: usize,
}

struct Segment {
    gap: usize,
    words: usize,
    hash: u64,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| counts(word)).collect();
        let (mut sums, mut powers) = (Vec::with_capacity(words.len() + 1), Vec::with_capacity(words.len() + 1));
        let (mut sum, mut power) = (0, 1);
        sums.push(sum);
        powers.push(power);
        for word in &words {
            sum = add(times(sum, BASE), hash(word));
            power = times(power, BASE);
            sums.push(sum);
            powers.push(power);
        }
        Self { words, sums, powers }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The hash of `count` words from `at`.
    pub(super) fn hash(&self, at: usize, count: usize) -> Option<u64> {
        let (end, begin) = (self.sums.get(at.checked_add(count)?)?, self.sums.get(at)?);
        Some(add(*end, PRIME - times(*begin, *self.powers.get(count)?)))
    }

    /// The text without what was recognised.
    pub(super) fn without(&self, found: &[Exact]) -> String {
        let outside = |at: &usize| !found.iter().any(|one| one.place.contains(at));
        let kept: Vec<&str> =
            (0..self.words.len()).filter(outside).filter_map(|at| self.words.get(at).copied()).collect();
        kept.chunks(12).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
    }
}

/// Numbers and single letters number paragraphs, and are left out.
fn counts(word: &str) -> bool {
    word.len() > 1 && !word.bytes().all(|byte| byte.is_ascii_digit())
}

fn hash(word: &str) -> u64 {
    if word.eq_ignore_ascii_case("https") {
        return hash("http");
    }
    let british = word.eq_ignore_ascii_case("licence") || word.eq_ignore_ascii_case("licences");
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for (at, byte) in word.bytes().enumerate() {
        let byte = if british && at == 5 { b's' } else { byte.to_ascii_lowercase() };
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (state ^ (state >> 32)) % PRIME
}

fn add(a: u64, b: u64) -> u64 {
    (a + b) % PRIME
}

fn times(a: u64, b: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) % u128::from(PRIME)).unwrap_or_default()
}

struct Texts {
    texts: Vec<Text>,
    /// Hash of the first words to the texts that begin so; by how many words that are.
    anchors: [HashMap<u64, Vec<usize>>; ANCHOR + 1],
}

fn texts() -> &'static Texts {
    static ALL: OnceLock<Texts> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Texts { texts: Vec::new(), anchors: Default::default() };
        for line in TEXTS.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split(' ');
            let (Some(id), Some(anchor)) = (fields.next(), fields.next()) else { continue };
            let segments: Vec<Segment> = fields.filter_map(segment).collect();
            let Some(first) = segments.first() else { continue };
            let length = first.words.min(ANCHOR);
            let Ok(anchor) = u64::from_str_radix(anchor, 16) else { continue };
            if let Some(anchors) = all.anchors.get_mut(length) {
                anchors.entry(anchor).or_default().push(all.texts.len());
            }
            all.texts.push(Text { id, words: segments.iter().map(|segment| segment.words).sum(), segments });
        }
        all
    })
}

fn segment(field: &str) -> Option<Segment> {
    let mut numbers = field.split(':');
    let gap = numbers.next()?.parse().ok()?;
    let words = numbers.next()?.parse().ok()?;
    Some(Segment { gap, words, hash: u64::from_str_radix(numbers.next()?, 16).ok()? })
}

/// Every licence whose text is there, the longest where several overlap, in the order of place.
pub(super) fn find(words: &Words<'_>) -> Vec<Exact> {
    let all = texts();
    let mut found = Vec::new();
    for at in 0..words.len() {
        for length in 1..=ANCHOR {
            let Some(hash) = words.hash(at, length) else { break };
            let begun = all.anchors.get(length).and_then(|anchors| anchors.get(&hash));
            for text in begun.into_iter().flatten().filter_map(|index| all.texts.get(*index)) {
                found.extend(whole(text, words, at).map(|end| Exact {
                    id: text.id,
                    place: at..end,
                    words: text.words,
                }));
            }
        }
    }
    // The list has the same text under several identifiers; the first of them stands for all.
    found.sort_by(|a, b| b.words.cmp(&a.words).then(a.place.start.cmp(&b.place.start)).then(a.id.cmp(b.id)));
    let mut kept: Vec<Exact> = Vec::new();
    for one in found {
        if !kept.iter().any(|other| other.place.start < one.place.end && one.place.start < other.place.end) {
            kept.push(one);
        }
    }
    kept.sort_by_key(|one| one.place.start);
    kept
}

/// Where the text ends that begins at `at`, if all of it is there.
fn whole(text: &Text, words: &Words<'_>, at: usize) -> Option<usize> {
    let mut end = at;
    for segment in &text.segments {
        let begin = (end..=end + segment.gap).find(|begin| words.hash(*begin, segment.words) == Some(segment.hash))?;
        end = begin + segment.words;
    }
    Some(end)
}
