//! The search: one pass over a stream for all keywords, and expressions only around those that were met.
//!
//! What is found does not depend on how the stream is cut: an expression is tried when everything that it may see has been
//! read, and it sees the same bytes around its keyword whatever the size of the pieces. A test holds the search to that.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};

use aho_corasick::automaton::StateID;
use assay_model::inventory::Secret;

use super::allow::{entropy, is_mixed, is_placeholder};
use super::redact::{CONTEXT, Found, redact};
use super::rule::{Keywords, MOST_AFTER, MOST_BEFORE, Place, Rule, SecretRules};

/// How much is read at a time.
const PIECE: usize = 128 << 10;
/// Where an unbounded secret goes on beyond what its rule may see, it is still blanked out, up to this.
const TAIL: usize = 4 << 10;
/// What has to be there after a keyword before its expression is tried.
const AHEAD: usize = MOST_AFTER + TAIL + CONTEXT;
/// What is kept before a keyword that was not tried yet.
const BEHIND: usize = MOST_BEFORE + CONTEXT + 80;
/// Findings in one file; a file with more is a list of them.
const FOUND: usize = 200;
/// Bytes of one file that are searched.
const FILE_BYTES: u64 = 256 << 20;
/// Shorter files hold no secret.
const LEAST: usize = 10;
/// By how much of its beginning a file is taken for text or not.
const HEAD: usize = 4096;

/// What came of one file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) secrets: Vec<Secret>,
    /// Why the file was not searched to its end.
    pub(crate) limit: Option<String>,
}

/// The text with every secret in it replaced by `*`.
pub(crate) fn blank(rules: &SecretRules, path: &str, text: &str) -> String {
    let mut search = Search::new(rules, path);
    search.buffer.extend_from_slice(text.as_bytes());
    search.advance(true);
    let mut bytes = text.as_bytes().to_vec();
    for (start, end) in search.spans {
        let index = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(text.len());
        bytes[index(start)..index(end)].fill(b'*');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Searches one file.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn search(rules: &SecretRules, path: &str, bytes: &mut dyn Read) -> io::Result<Outcome> {
    search_in_pieces(rules, path, bytes, PIECE)
}

pub(super) fn search_in_pieces(
    rules: &SecretRules,
    path: &str,
    bytes: &mut dyn Read,
    piece: usize,
) -> io::Result<Outcome> {
    let mut search = Search::new(rules, path);
    let compiled = path.ends_with(".pyc");
    let mut ended = false;
    let mut checked = false;
    while !ended && !search.is_done() {
        ended = search.fill(bytes, if checked { piece } else { piece.max(HEAD) }, compiled)?;
        if !checked {
            checked = true;
            if search.buffer.len() < LEAST || is_binary(&search.buffer) {
                return Ok(Outcome::default());
            }
        }
        search.advance(ended);
    }
    Ok(search.finish(path, ended))
}

fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let odd = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b | 0x08);
    head.contains(&0) || head.iter().filter(|byte| odd(byte)).count() * 10 > head.len()
}

/// A keyword that was met; places count from the beginning of the file.
struct Hit {
    end: u64,
    length: usize,
    rule: usize,
}

struct Search<'a> {
    rules: &'a SecretRules,
    keywords: &'a Keywords,
    /// Rules for some paths only that apply here.
    special: Vec<usize>,
    state: StateID,
    buffer: Vec<u8>,
    /// Place of the buffer's first byte.
    base: u64,
    /// Newlines before it.
    lines: u32,
    /// How much of the buffer the pass has seen.
    passed: usize,
    pending: VecDeque<Hit>,
    /// Where the last match of a rule ended.
    ends: HashMap<usize, u64>,
    found: Vec<Found>,
    spans: Vec<(u64, u64)>,
    /// Where to stop once there are too many.
    last: Option<u64>,
}

impl<'a> Search<'a> {
    fn new(rules: &'a SecretRules, path: &str) -> Self {
        let special = rules.of_path(path);
        let keywords = if special.is_empty() { &rules.common } else { &rules.every };
        Self {
            rules,
            keywords,
            special,
            state: keywords.start(),
            buffer: Vec::new(),
            base: 0,
            lines: 0,
            passed: 0,
            pending: VecDeque::new(),
            ends: HashMap::new(),
            found: Vec::new(),
            spans: Vec::new(),
            last: None,
        }
    }

    fn is_done(&self) -> bool {
        let reached = self.base + self.passed as u64;
        self.last.is_some_and(|last| reached > last + AHEAD as u64) || reached >= FILE_BYTES
    }

    /// Reads one more piece. True at the end of the file.
    fn fill(&mut self, bytes: &mut dyn Read, piece: usize, compiled: bool) -> io::Result<bool> {
        let before = self.buffer.len();
        let read = bytes.take(piece as u64).read_to_end(&mut self.buffer)?;
        if compiled && let Some(new) = self.buffer.get_mut(before..) {
            // Text lies between what is none; newlines keep it apart and in its place.
            new.iter_mut().filter(|byte| !(0x20..0x7f).contains(*byte)).for_each(|byte| *byte = b'\n');
        }
        Ok(read < piece)
    }

    fn advance(&mut self, ended: bool) {
        self.pass();
        let there = self.base + self.buffer.len() as u64;
        while let Some(hit) = self.pending.front() {
            if !ended && hit.end + AHEAD as u64 > there {
                break;
            }
            if let Some(hit) = self.pending.pop_front() {
                self.try_rule(&hit);
            }
        }
        let needed = self.pending.front().map_or(self.passed, |hit| self.index(hit.end));
        let drop = needed.saturating_sub(BEHIND);
        if drop > 0 {
            self.lines += newlines(&self.buffer[..drop]);
            self.buffer.drain(..drop);
            self.base += drop as u64;
            self.passed -= drop;
        }
    }

    fn pass(&mut self) {
        let Self { rules, keywords, special, buffer, base, passed, pending, .. } = self;
        let from = *passed;
        let mut hit = |end: usize, length: usize, owners: &[usize]| {
            let end = from + end;
            for &at in owners {
                let Some(rule) = rules.rules.get(at) else { continue };
                if rule.place == Place::AtKeyword && !begins_word(buffer, end - length) {
                    continue;
                }
                if rule.has_path() && !special.contains(&at) {
                    continue;
                }
                pending.push_back(Hit { end: *base + end as u64, length, rule: at });
            }
        };
        self.state = keywords.pass(self.state, &buffer[from..], &mut hit);
        self.passed = self.buffer.len();
    }

    /// A place in the file as a place in the buffer.
    fn index(&self, place: u64) -> usize {
        usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.buffer.len())
    }

    fn try_rule(&mut self, hit: &Hit) {
        let Some(rule) = self.rules.rules.get(hit.rule) else { return };
        let keyword = hit.end - hit.length as u64;
        let free_from = self.ends.get(&hit.rule).copied().unwrap_or(0);
        if keyword < free_from {
            return;
        }
        let end = self.index(hit.end + rule.after as u64);
        let mut from = match rule.place {
            Place::AtKeyword => self.index(keyword),
            Place::AfterKeyword => self.index(hit.end),
            Place::Around => self.index(keyword.saturating_sub(rule.before as u64).max(free_from)),
        };
        while let Some((whole, secret)) = self.find(rule, from, end) {
            if whole.0 >= self.index(hit.end) && rule.place == Place::Around {
                return;
            }
            let matched_end = whole.1.max(from + 1);
            self.ends.insert(hit.rule, self.base + matched_end as u64);
            if self.is_secret(rule, whole, secret) {
                self.keep(hit.rule, secret, end);
            }
            if rule.place != Place::Around || matched_end >= self.index(hit.end) {
                return;
            }
            from = matched_end;
        }
    }

    /// The first match from `from`, and the secret in it.
    fn find(&self, rule: &Rule, from: usize, end: usize) -> Option<((usize, usize), (usize, usize))> {
        // One byte before belongs to what is looked at: the beginning of a window is not the beginning of a file.
        let anchored = rule.place != Place::Around;
        let low = if anchored || self.base + from as u64 == 0 { from } else { from.saturating_sub(1) };
        let captures = rule.regex()?.captures_at(self.buffer.get(low..end)?, from - low)?;
        let whole = captures.get(0)?;
        let secret = captures.name("secret").unwrap_or(whole);
        Some(((low + whole.start(), low + whole.end()), (low + secret.start(), low + secret.end())))
    }

    fn is_secret(&self, rule: &Rule, whole: (usize, usize), secret: (usize, usize)) -> bool {
        let (Some(matched), Some(text)) = (self.buffer.get(whole.0..whole.1), self.buffer.get(secret.0..secret.1))
        else {
            return false;
        };
        if rule.whole && self.buffer.get(secret.1).is_some_and(u8::is_ascii_alphanumeric) {
            return false;
        }
        let careful = rule.entropy.is_some() || rule.yields;
        let doubtful = rule.mixed && !is_mixed(text) || careful && is_placeholder(text) || rule.allows(text);
        !text.is_empty()
            && !doubtful
            && self.rules.allow.believes(matched)
            && rule.entropy.is_none_or(|least| entropy(text) >= least)
    }

    fn keep(&mut self, rule: usize, (start, mut end): (usize, usize), window: usize) {
        if end == window {
            // Cut by the window: the rest of it must not show either.
            let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~%\\".contains(byte);
            let rest = self.buffer[end..].iter().take(TAIL).take_while(|byte| goes_on(byte)).count();
            end += rest;
        }
        let place = |index: usize| self.base + index as u64;
        self.spans.push((place(start), place(end)));
        if self.found.len() >= FOUND {
            return;
        }
        let (low, high) = (start.saturating_sub(CONTEXT), (end + CONTEXT).min(self.buffer.len()));
        let first_line = self.lines + newlines(&self.buffer[..start]) + 1;
        self.found.push(Found {
            rule,
            start: place(start),
            end: place(end),
            first_line,
            last_line: first_line + newlines(&self.buffer[start..end]),
            around: self.buffer[low..high].to_vec(),
            around_from: place(low),
        });
        if self.found.len() == FOUND {
            self.last = Some(place(high));
        }
    }

    fn finish(self, path: &str, ended: bool) -> Outcome {
        let limit = if self.last.is_some() {
            Some(format!("more than {FOUND} secrets: the rest of the file was not searched"))
        } else if !ended {
            Some(format!("only the first {} MiB were searched for secrets", FILE_BYTES >> 20))
        } else {
            None
        };
        Outcome { secrets: redact(&self.rules.rules, path, self.found, &self.spans), limit }
    }
}

/// Whether a word begins here. `\n` and its like, as source code writes them, end one.
fn begins_word(buffer: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|index| buffer.get(index)).copied();
    match before(1) {
        Some(byte) if byte.is_ascii_alphanumeric() => matches!(byte, b'n' | b'r' | b't') && before(2) == Some(b'\\'),
        _ => true,
    }
}

fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX)
}
