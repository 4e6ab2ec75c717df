//! Alpine (apk-tools 3): `number{.number}{letter}{_suffix{number}}{~hash}{-rN}`. Also Wolfi, Chainguard
//! and others that package with apk.
//!
//! A version is a list of tokens, compared from the left. When two lists part in the *kind* of token, the
//! later kind is the smaller (so `1` < `1-r0` < `1_p1` < `1a` < `1.0`), a pre-release suffix the smallest.
//!
//! Fallback: text that leaves the grammar ends in one `Broken` token, below all other kinds except a
//! pre-release suffix. Two broken ends compare as text; those that begin with `-` (a broken revision) are
//! equal and lowest.

use super::text::{cmp_digits, is_digits, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        let (left, right) = (a.next_token(), b.next_token());
        let order = left.compare(right);
        if order.is_ne() || left.is_last() {
            return order;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    First(&'a str),
    Number(&'a str),
    Letter(u8),
    Suffix(i8),
    SuffixNumber(&'a str),
    Hash(&'a str),
    Revision(&'a str),
    End,
    Broken(&'a str),
}

/// Below zero: before the plain version; above: after it.
const SUFFIXES: [(&str, i8); 9] =
    [("alpha", -4), ("beta", -3), ("pre", -2), ("rc", -1), ("cvs", 1), ("svn", 2), ("git", 3), ("hg", 4), ("p", 5)];

impl Token<'_> {
    /// The place in the grammar; a later place means a smaller version.
    fn place(self) -> u8 {
        match self {
            Self::First(_) => 0,
            Self::Number(_) => 1,
            Self::Letter(_) => 2,
            Self::Suffix(weight) if weight > 0 => 3,
            Self::SuffixNumber(_) => 4,
            Self::Hash(_) => 5,
            Self::Revision(_) => 6,
            Self::End => 7,
            Self::Broken(_) => 8,
            Self::Suffix(_) => 9,
        }
    }

    fn is_last(self) -> bool {
        matches!(self, Self::End | Self::Broken(_))
    }

    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            // Digits after a dot sort as text when either has a leading zero: 1.05 < 1.1 < 1.10.
            (Self::Number(a), Self::Number(b)) if a.starts_with('0') || b.starts_with('0') => a.cmp(b),
            (Self::First(a), Self::First(b))
            | (Self::Number(a), Self::Number(b))
            | (Self::SuffixNumber(a), Self::SuffixNumber(b))
            | (Self::Revision(a), Self::Revision(b)) => cmp_digits(a, b),
            (Self::Letter(a), Self::Letter(b)) => a.cmp(&b),
            (Self::Suffix(a), Self::Suffix(b)) => a.cmp(&b),
            (Self::Hash(a), Self::Hash(b)) => a.cmp(b),
            (Self::Broken(a), Self::Broken(b)) => broken_key(a).cmp(broken_key(b)),
            _ => other.place().cmp(&self.place()),
        }
    }
}

fn broken_key(text: &str) -> &str {
    if text.starts_with('-') { "" } else { text }
}

struct Tokens<'a> {
    rest: &'a str,
    before: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, before: None }
    }

    fn next_token(&mut self) -> Token<'a> {
        let (token, rest) = self.read();
        self.rest = rest;
        self.before = Some(token);
        token
    }

    fn read(&self) -> (Token<'a>, &'a str) {
        let text = self.rest;
        let broken = (Token::Broken(text), "");
        let Some(before) = self.before else {
            let (digits, rest) = take_digits(text);
            return if digits.is_empty() { broken } else { (Token::First(digits), rest) };
        };
        let place = match before {
            Token::Suffix(_) => 3,
            token => token.place(),
        };
        match text.as_bytes() {
            [] => (Token::End, ""),
            [letter @ b'a'..=b'z', ..] if place <= 1 => (Token::Letter(*letter), &text[1..]),
            [b'.', ..] if place <= 1 => number(&text[1..], Token::Number).unwrap_or(broken),
            [b'0'..=b'9', ..] if place == 3 => number(text, Token::SuffixNumber).unwrap_or(broken),
            [b'_', ..] if place <= 4 => suffix(&text[1..]).unwrap_or(broken),
            [b'~', ..] if place < 5 => hash(&text[1..]).unwrap_or(broken),
            [b'-', b'r', ..] if place < 6 => revision(&text[2..]).unwrap_or(broken),
            _ => broken,
        }
    }
}

fn number<'a>(text: &'a str, token: fn(&'a str) -> Token<'a>) -> Option<(Token<'a>, &'a str)> {
    let (digits, rest) = take_digits(text);
    (!digits.is_empty()).then(|| (token(digits), rest))
}

fn suffix(text: &str) -> Option<(Token<'_>, &str)> {
    let (word, rest) = take(text, |b| b.is_ascii_lowercase());
    let (_, weight) = SUFFIXES.iter().find(|(name, _)| *name == word)?;
    Some((Token::Suffix(*weight), rest))
}

fn hash(text: &str) -> Option<(Token<'_>, &str)> {
    let (digits, rest) = take(text, |b| b.is_ascii_hexdigit());
    (!digits.is_empty()).then_some((Token::Hash(digits), rest))
}

/// The revision ends the version. An empty number is zero: apk-tools 2 wrote and read `-r`.
fn revision(text: &str) -> Option<(Token<'_>, &str)> {
    (text.is_empty() || is_digits(text)).then_some((Token::Revision(text), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_tokens_are_ordered() {
        let ladder = [
            "1_alpha", "1_alpha1", "1_beta", "1_pre2", "1_rc1", "1-rbad", "1", "1-r0", "1-r10", "1_cvs", "1_p1",
            "1_p2", "1a", "1b", "1.0", "1.05", "1.1", "1.2", "1.10", "2",
        ];
        for pair in ladder.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn what_leaves_the_grammar_is_below_what_stays_in_it() {
        assert_eq!(compare("1.2_blah", "1.2"), Ordering::Less);
        assert_eq!(compare("", "0"), Ordering::Less);
        assert_eq!(compare("1-r1x", "1-r1y"), Ordering::Equal);
    }
}
