//! Reads the text of a query: words, brackets and signs, then terms and what combines them.

use super::{Compare, LONGEST, NumberField, Pattern, Query, Term, TextField, TimeField};
use crate::{finding::Severity, package::State, problem::Problem};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// Deepest nesting.
const DEPTH: usize = 20;
/// Most terms.
const TERMS: usize = 64;

impl Query {
    /// Parses a query; `now` is what `1 day ago` counts from. An empty text is nothing.
    ///
    /// # Errors
    /// `Invalid`, with the place and what can stand there.
    pub fn parse(text: &str, now: Timestamp) -> Result<Option<Self>, Problem> {
        if text.len() > LONGEST {
            return Err(wrong(0, &format!("it is longer than {LONGEST} bytes")));
        }
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Ok(None);
        }
        if tokens.iter().filter(|(_, token)| matches!(token, Token::Term { .. })).count() > TERMS {
            return Err(wrong(0, &format!("it has more than {TERMS} terms")));
        }
        let mut parser = Parser { tokens: &tokens, at: 0, now, end: text.len() };
        let query = parser.either(0)?;
        match parser.next() {
            None => Ok(Some(query)),
            Some((place, _)) => Err(wrong(*place, "there is a `)` without `(`")),
        }
    }
}

fn wrong(place: usize, why: &str) -> Problem {
    Problem::invalid("bad-query", format!("the query cannot be read at character {}: {why}", place + 1))
}

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Term { field: Option<String>, value: String, negated: bool },
}

/// Splits a query; quotes keep spaces, signs and words as they are.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Problem> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((place, c)) = rest.peek().copied() {
        match c {
            c if c.is_whitespace() => {
                rest.next();
            }
            '(' | ')' => {
                rest.next();
                found.push((place, if c == '(' { Token::Open } else { Token::Close }));
            }
            _ => found.push((place, word(place, &mut rest)?)),
        }
    }
    Ok(found)
}

fn word(place: usize, rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> Result<Token, Problem> {
    let (mut field, mut value, mut quoted) = (None, String::new(), false);
    while let Some((at, c)) = rest.peek().copied() {
        match c {
            '"' => {
                quoted = true;
                rest.next();
                loop {
                    match rest.next() {
                        None => return Err(wrong(at, "a quotation mark is missing")),
                        Some((_, '"')) => break,
                        Some((_, '\\')) => value.extend(rest.next().map(|(_, c)| c)),
                        Some((_, c)) => value.push(c),
                    }
                }
            }
            ':' if field.is_none() && !quoted => {
                rest.next();
                field = Some(std::mem::take(&mut value));
            }
            c if c.is_whitespace() || c == ')' || (c == '(' && value.is_empty()) => break,
            c => {
                rest.next();
                value.push(c);
            }
        }
    }
    let plain = field.is_none() && !quoted;
    Ok(match value.as_str() {
        "AND" if plain => Token::And,
        "OR" if plain => Token::Or,
        "NOT" if plain => Token::Not,
        _ => {
            let stripped = if quoted { None } else { value.strip_prefix('~').map(str::to_owned) };
            let name_negated = field.as_deref().and_then(|field| field.strip_prefix(['~', '-'])).map(str::to_owned);
            let negated = stripped.is_some() || name_negated.is_some();
            let field = name_negated.or(field);
            let value = stripped.unwrap_or(value);
            if value.is_empty() && field.is_none() && !quoted {
                return Err(wrong(place, "a word is missing"));
            }
            Token::Term { field, value, negated }
        }
    })
}

struct Parser<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    now: Timestamp,
    end: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.at)
    }
    fn next(&mut self) -> Option<&(usize, Token)> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn either(&mut self, depth: usize) -> Result<Query, Problem> {
        let mut all = vec![self.both(depth)?];
        while matches!(self.peek(), Some((_, Token::Or))) {
            self.next();
            all.push(self.both(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Query::Or(all) })
    }

    fn both(&mut self, depth: usize) -> Result<Query, Problem> {
        let mut all = vec![self.one(depth)?];
        loop {
            match self.peek() {
                Some((_, Token::And)) => {
                    self.next();
                    all.push(self.one(depth)?);
                }
                Some((_, Token::Term { .. } | Token::Not | Token::Open)) => all.push(self.one(depth)?),
                _ => return Ok(if all.len() == 1 { all.remove(0) } else { Query::And(all) }),
            }
        }
    }

    fn one(&mut self, depth: usize) -> Result<Query, Problem> {
        if depth > DEPTH {
            return Err(wrong(self.peek().map_or(self.end, |(place, _)| *place), "it is nested too deeply"));
        }
        let (end, now) = (self.end, self.now);
        match self.next() {
            Some((_, Token::Not)) => Ok(Query::Not(Box::new(self.one(depth + 1)?))),
            Some((_, Token::Open)) => {
                let inner = self.either(depth + 1)?;
                match self.next() {
                    Some((_, Token::Close)) => Ok(inner),
                    other => Err(wrong(other.map_or(end, |(place, _)| *place), "a `)` is missing")),
                }
            }
            Some((place, Token::Term { field, value, negated })) => {
                let term = Query::Term(term(*place, field.as_deref(), value, now)?);
                Ok(if *negated { Query::Not(Box::new(term)) } else { term })
            }
            other => Err(wrong(other.map_or(end, |(place, _)| *place), "a term is missing")),
        }
    }
}

/// Fields with their other names.
const FIELDS: &[&str] = &[
    "name",
    "version",
    "file",
    "format",
    "repository",
    "tag",
    "checksum",
    "license",
    "uploader",
    "origin",
    "policy",
    "size",
    "downloads",
    "vulnerabilities",
    "uploaded",
    "published",
    "last_downloaded",
    "state",
    "severity",
    "component",
    "vulnerability",
];

fn term(place: usize, field: Option<&str>, value: &str, now: Timestamp) -> Result<Term, Problem> {
    let Some(field) = field else { return Ok(Term::Text(TextField::Name, Pattern::parse(value, true))) };
    let text = |field, anywhere| Ok(Term::Text(field, Pattern::parse(value, anywhere)));
    let number = |field| {
        let (compare, rest) = comparison(value);
        let number = amount(rest).ok_or_else(|| wrong(place, &format!("`{rest}` is no number")))?;
        Ok(Term::Number(field, compare, number))
    };
    let time = |field| {
        let (compare, rest) = comparison(value);
        let at = moment(rest, now)
            .ok_or_else(|| wrong(place, &format!("`{rest}` is no time; write 2026-01-31 or \"30 days ago\"")))?;
        Ok(Term::Time(field, compare, at))
    };
    match field {
        "name" => text(TextField::Name, true),
        "version" => text(TextField::Version, false),
        "file" | "filename" => text(TextField::File, true),
        "format" | "type" => text(TextField::Format, false),
        "repository" => text(TextField::Repository, false),
        "tag" => text(TextField::Tag, false),
        "checksum" | "digest" | "docker_image_digest" => text(TextField::Checksum, false),
        "license" | "licence" => text(TextField::License, false),
        "uploader" => text(TextField::Uploader, false),
        "origin" | "upstream" => text(TextField::Origin, false),
        "policy" | "policy_violated" => text(TextField::Policy, true),
        "size" => number(NumberField::Size),
        "downloads" => number(NumberField::Downloads),
        "vulnerabilities" => number(NumberField::Vulnerabilities),
        "uploaded" => time(TimeField::Uploaded),
        "published" => time(TimeField::Published),
        "last_downloaded" => time(TimeField::LastDownloaded),
        "state" | "status" => State::parse(value).map(Term::State).ok_or_else(|| {
            wrong(place, &format!("`{value}` is no state; use pending, available, quarantined, hidden or deleted"))
        }),
        "severity" => Severity::parse(value)
            .map(Term::Severity)
            .ok_or_else(|| wrong(place, &format!("`{value}` is no severity; use low, medium, high or critical"))),
        "component" | "dependency" | "purl" => Ok(component(value)),
        "vulnerability" | "cve" => Ok(Term::Vulnerability(value.to_owned())),
        _ => Err(wrong(place, &format!("there is no field `{field}`; known are {}", FIELDS.join(", ")))),
    }
}

/// `log4j-core<2.17.1`.
fn component(value: &str) -> Term {
    let end = value.find(['<', '>', '=']);
    let Some(end) = end.filter(|end| *end > 0) else { return Term::Component(Pattern::parse(value, false), None) };
    let (name, rest) = value.split_at(end);
    let (compare, version) = comparison(rest);
    Term::Component(Pattern::parse(name, false), Some((compare, version.to_owned())))
}

fn comparison(value: &str) -> (Compare, &str) {
    let signs = [
        (">=", Compare::AtLeast),
        ("<=", Compare::AtMost),
        (">", Compare::Greater),
        ("<", Compare::Less),
        ("=", Compare::Equal),
    ];
    for (sign, compare) in signs {
        if let Some(rest) = value.strip_prefix(sign) {
            return (compare, rest.trim_start_matches('=').trim());
        }
    }
    (Compare::Equal, value.trim())
}

/// A number, perhaps with a unit of bytes.
fn amount(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..)?.to_ascii_lowercase();
    let factor: i64 = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "t" | "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => return None,
    };
    digits.trim().parse::<i64>().ok()?.checked_mul(factor)
}

/// A date, a time, or how long ago.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(date) = text.parse::<Date>() {
        return date.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    }
    let mut words = text.trim_end_matches("ago").split_whitespace();
    let first = words.next()?;
    let (count, unit) = match words.next() {
        Some(unit) => (first, unit),
        None => first.split_at(first.find(|c: char| !c.is_ascii_digit())?),
    };
    let hours = match unit.trim_end_matches('s') {
        "hour" | "h" => 1,
        "day" | "d" => 24,
        "week" | "w" => 24 * 7,
        "month" => 24 * 30,
        "year" | "y" => 24 * 365,
        _ => return None,
    };
    let hours = count.parse::<i64>().ok()?.checked_mul(hours).filter(|hours| *hours < 24 * 365 * 1000)?;
    now.checked_sub(SignedDuration::from_hours(hours)).ok()
}
