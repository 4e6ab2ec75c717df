//! SPDX licence expressions: `AND`, `OR`, `WITH` and parentheses (SPDX 2.3, annex D), read without regard to case.

use std::fmt;

use super::class::{class_of_id, strictest};
use super::list::{exception, listed};
use crate::inventory::LicenseClass;

/// Deeper nesting is refused.
const DEPTH: u32 = 50;
/// The works that nobody owns have no identifier on the list.
pub(super) const PUBLIC_DOMAIN: &str = "LicenseRef-Public-Domain";

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// An identifier of the list, or a `LicenseRef-`.
    Id(String),
    /// A licence with an exception.
    With(String, String),
    /// All of these hold.
    And(Vec<Expression>),
    /// One of these is chosen.
    Or(Vec<Expression>),
}

impl Expression {
    /// Of one identifier, or of one with an exception as the list of deprecated ones writes it.
    pub(super) fn of(text: &str) -> Self {
        match text.split_once(" WITH ") {
            Some((id, with)) => Self::With(id.to_owned(), with.to_owned()),
            None => Self::Id(text.to_owned()),
        }
    }

    /// What it asks of users.
    #[must_use]
    pub fn class(&self) -> LicenseClass {
        match self {
            Self::Id(id) | Self::With(id, _) => class_of_id(id),
            Self::And(parts) => strictest(parts.iter().map(Self::class)),
            Self::Or(parts) => {
                let classes: Vec<_> = parts.iter().map(Self::class).collect();
                match classes.contains(&LicenseClass::Unknown) {
                    true => LicenseClass::Unknown,
                    false => classes.into_iter().min().unwrap_or_default(),
                }
            }
        }
    }

    /// Whether all its licences are on the list, or works are in the public domain.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        match self {
            Self::Id(id) => id == PUBLIC_DOMAIN || listed(id).is_some(),
            Self::With(id, with) => listed(id).is_some() && exception(with).is_some(),
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::is_listed),
        }
    }

    fn joined(mut parts: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Option<Self> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => {
                let mut unique: Vec<Self> = Vec::new();
                for part in parts {
                    if !unique.contains(&part) {
                        unique.push(part);
                    }
                }
                if unique.len() == 1 { unique.pop() } else { Some(join(unique)) }
            }
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Id(id) => return f.write_str(id),
            Self::With(id, with) => return write!(f, "{id} WITH {with}"),
            Self::And(parts) => (parts, " AND "),
            Self::Or(parts) => (parts, " OR "),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(word)?;
            }
            match part {
                Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                _ => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
}

/// Reads an expression whose single licences `single` understands; they may be of several words.
#[must_use]
pub fn parse(text: &str, single: &dyn Fn(&str) -> Option<Expression>) -> Option<Expression> {
    let words = words(text);
    let mut reader = Reader { words: &words, at: 0, single };
    let read = reader.any(DEPTH)?;
    (reader.at == words.len()).then_some(read)
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(inner) = rest.strip_prefix('(') {
            words.push("(");
            rest = inner;
        }
        let closing = rest.len() - rest.trim_end_matches(')').len();
        let inner = rest.trim_end_matches(')');
        // `(GPL)` inside of a name is part of it; as brackets of an expression it does no harm either.
        if !inner.is_empty() {
            words.push(inner);
        }
        words.extend(std::iter::repeat_n(")", closing));
    }
    words
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    single: &'a dyn Fn(&str) -> Option<Expression>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn any(&mut self, depth: u32) -> Option<Expression> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Expression::joined(parts, Expression::Or)
    }

    fn all(&mut self, depth: u32) -> Option<Expression> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Expression::joined(parts, Expression::And)
    }

    fn one(&mut self, depth: u32) -> Option<Expression> {
        let depth = depth.checked_sub(1)?;
        if self.takes("(") {
            let inner = self.any(depth)?;
            return self.takes(")").then_some(inner);
        }
        let begin = self.at;
        let ends =
            |word: &str| matches!(word, "(" | ")") || ["and", "or"].iter().any(|end| word.eq_ignore_ascii_case(end));
        while self.peek().is_some_and(|word| !ends(word)) {
            self.at += 1;
        }
        let name = self.words.get(begin..self.at)?;
        licence(name, self.single)
    }
}

/// One licence, with an exception or without.
fn licence(words: &[&str], single: &dyn Fn(&str) -> Option<Expression>) -> Option<Expression> {
    if let [id, with, name] = words
        && with.eq_ignore_ascii_case("with")
        && let Some(exception) = exception(name)
        && let Some(Expression::Id(id)) = identifier(id, single)
    {
        return Some(Expression::With(id, exception.to_owned()));
    }
    match words {
        [] => None,
        [id] => identifier(id, single),
        several => single(&several.join(" ")),
    }
}

fn identifier(id: &str, single: &dyn Fn(&str) -> Option<Expression>) -> Option<Expression> {
    if let Some(known) = single(id) {
        return Some(known);
    }
    // `+` after any identifier: this version or a later one.
    if let Some(base) = id.strip_suffix('+')
        && let Some(known) = listed(base)
    {
        return Some(Expression::Id(format!("{}+", known.id)));
    }
    let is_reference = id.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("LicenseRef-"))
        || id.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("DocumentRef-"));
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
    (is_reference && plain).then(|| Expression::Id(id.to_owned()))
}
