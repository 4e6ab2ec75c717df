//! PEP 440 (PyPI): epochs, pre-, post- and dev-releases, local versions, any spelling the PEP allows.
//!
//! Fallback: text that is no PEP 440 version is a *legacy* version. Legacy versions sort below every
//! PEP 440 version and among themselves by the old setuptools rule, as `packaging` did until 21.3.

use super::text::{cmp_digits, cmp_padded, is_digits, is_zero, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    match (Version::parse(&a), Version::parse(&b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => legacy(&a).cmp(&legacy(&b)),
    }
}

/// True when the text is a PEP 440 version, so that no fallback order applies.
pub(super) fn is_canonical_scheme(text: &str) -> bool {
    Version::parse(&text.to_ascii_lowercase()).is_some()
}

#[derive(Debug, Default)]
struct Version<'a> {
    epoch: &'a str,
    release: Vec<&'a str>,
    pre: Option<(Phase, &'a str)>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Vec<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Alpha,
    Beta,
    Candidate,
}

const PRE_WORDS: [(&str, Phase); 8] = [
    ("alpha", Phase::Alpha),
    ("beta", Phase::Beta),
    ("preview", Phase::Candidate),
    ("pre", Phase::Candidate),
    ("rc", Phase::Candidate),
    ("a", Phase::Alpha),
    ("b", Phase::Beta),
    ("c", Phase::Candidate),
];

impl<'a> Version<'a> {
    /// Parses lower-cased text by the grammar of PEP 440, appendix B.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, Some(local)),
            None => (text, None),
        };
        let mut version = Self::default();
        let rest = version.read_release(public)?;
        let rest = version.read_pre(rest);
        let rest = version.read_post(rest);
        let rest = version.read_dev(rest);
        if !rest.is_empty() {
            return None;
        }
        if let Some(local) = local {
            version.local = local.split(['.', '-', '_']).collect();
            let sound = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
            if !version.local.iter().all(sound) {
                return None;
            }
        }
        Some(version)
    }

    fn read_release(&mut self, text: &'a str) -> Option<&'a str> {
        let (digits, mut rest) = take_digits(text);
        let (mut first, mut epoch) = (digits, "");
        if let Some(after) = rest.strip_prefix('!') {
            epoch = digits;
            (first, rest) = take_digits(after);
            if epoch.is_empty() {
                return None;
            }
        }
        if first.is_empty() {
            return None;
        }
        self.epoch = epoch;
        self.release.push(first);
        while let Some((digits, after)) =
            rest.strip_prefix('.').map(take_digits).filter(|(digits, _)| !digits.is_empty())
        {
            self.release.push(digits);
            rest = after;
        }
        Some(rest)
    }

    fn read_pre(&mut self, text: &'a str) -> &'a str {
        let word = separated(text);
        for (name, phase) in PRE_WORDS {
            if let Some(after) = word.strip_prefix(name) {
                let (number, rest) = optional_number(after);
                self.pre = Some((phase, number));
                return rest;
            }
        }
        text
    }

    fn read_post(&mut self, text: &'a str) -> &'a str {
        if let Some((digits, rest)) = text.strip_prefix('-').map(take_digits)
            && !digits.is_empty()
        {
            self.post = Some(digits);
            return rest;
        }
        let word = separated(text);
        for name in ["post", "rev", "r"] {
            if let Some(after) = word.strip_prefix(name) {
                let (number, rest) = optional_number(after);
                self.post = Some(number);
                return rest;
            }
        }
        text
    }

    fn read_dev(&mut self, text: &'a str) -> &'a str {
        let Some(after) = separated(text).strip_prefix("dev") else {
            return text;
        };
        let (number, rest) = optional_number(after);
        self.dev = Some(number);
        rest
    }

    fn compare(&self, other: &Self) -> Ordering {
        cmp_digits(self.epoch, other.epoch)
            .then_with(|| cmp_padded(&self.release, &other.release))
            .then_with(|| self.compare_pre(other))
            .then_with(|| cmp_post(self.post, other.post))
            .then_with(|| cmp_dev(self.dev, other.dev))
            .then_with(|| cmp_local(&self.local, &other.local))
    }

    /// A bare dev-release (`1.0.dev1`) comes before every pre-release, a final release after them.
    fn compare_pre(&self, other: &Self) -> Ordering {
        let rank = |v: &Self| match v.pre {
            None if v.post.is_none() && v.dev.is_some() => 0,
            Some(_) => 1,
            None => 2,
        };
        rank(self).cmp(&rank(other)).then_with(|| match (self.pre, other.pre) {
            (Some((p, m)), Some((q, n))) => p.cmp(&q).then_with(|| cmp_digits(m, n)),
            _ => Ordering::Equal,
        })
    }
}

fn separated(text: &str) -> &str {
    text.strip_prefix(['.', '-', '_']).unwrap_or(text)
}

/// The number after a word, which may be left out (zero) and may be set off by one separator. The PEP's
/// grammar takes the separator even where no number follows, so `1.0b-` is a version.
fn optional_number(text: &str) -> (&str, &str) {
    take_digits(separated(text))
}

fn cmp_post(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => cmp_digits(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn cmp_dev(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => cmp_digits(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn cmp_local(a: &[&str], b: &[&str]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (is_digits(a), is_digits(b)) {
            (true, true) => cmp_digits(a, b),
            (false, false) => a.cmp(b),
            (a_number, b_number) => a_number.cmp(&b_number),
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// One part of a legacy version. The order of the variants matters: a word sorts below a number.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Number(String),
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => cmp_digits(a, b),
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn legacy(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (token, after) = legacy_token(rest);
        rest = after;
        match token {
            "." => {}
            number if is_digits(number) => {
                let value = number.trim_start_matches('0');
                parts.push(Part::Number(value.to_owned()));
            }
            "pre" | "preview" | "rc" => push_word(&mut parts, "c"),
            "-" => push_word(&mut parts, "final-"),
            "dev" => push_word(&mut parts, "@"),
            word => push_word(&mut parts, word),
        }
    }
    push_word(&mut parts, "final");
    parts
}

fn legacy_token(text: &str) -> (&str, &str) {
    let first = text.as_bytes()[0];
    match first {
        b'0'..=b'9' => take_digits(text),
        b'a'..=b'z' => take(text, |b| b.is_ascii_lowercase()),
        b'.' | b'-' => text.split_at(1),
        _ => {
            let known = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '.' || c == '-';
            text.split_at(text.find(known).unwrap_or(text.len()))
        }
    }
}

/// A word below `final` cancels the dashes before it; every word cancels the zeros before it.
fn push_word(parts: &mut Vec<Part>, word: &str) {
    if word < "final" {
        while matches!(parts.last(), Some(Part::Word(last)) if last == "final-") {
            parts.pop();
        }
    }
    while matches!(parts.last(), Some(Part::Number(last)) if is_zero(last)) {
        parts.pop();
    }
    parts.push(Part::Word(word.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ladder of PEP 440, "Summary of permitted suffixes and relative ordering".
    #[test]
    fn the_ladder_of_the_pep_holds() {
        let ladder = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        for pair in ladder.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn spellings_are_equal() {
        for (a, b) in [
            ("1.0-ALPHA.1", "1.0a1"),
            ("1.0.preview_2", "1.0rc2"),
            ("v1.0-1", "1.0.post1"),
            (" 1.0.r4 ", "1.0-rev4"),
            ("1.0+ubuntu-1", "1.0+ubuntu.1"),
            ("1.0a.dev1", "1a0.dev1"),
            ("1.0b_", "1.0b0"),
            ("1.0a_-11", "1.0a0.post11"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn a_legacy_version_is_below_every_version() {
        assert_eq!(compare("2.0-zeta_x", "0.0.dev0"), Ordering::Less);
        assert_eq!(compare("1.0-foo-1", "1.0-foo-2"), Ordering::Less);
    }
}
