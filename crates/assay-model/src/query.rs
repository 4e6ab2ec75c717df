//! The query language of searches, retention and policies: `format:npm AND (vulnerabilities:>0 OR license:GPL-3.0*)`.
//!
//! Terms are `field:value`; a word without field is looked for in names. `AND`, `OR`, `NOT` and parentheses combine them;
//! what stands side by side is `AND`. `docs/search.md` is the reference. What a query finds is the store's.

mod known;

pub use known::Known;

use crate::{finding::Severity, package::State, problem::Problem};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Longest query, in bytes.
pub const LONGEST: usize = 4096;
/// Deepest nesting.
const DEPTH: usize = 20;
/// Most terms.
const TERMS: usize = 64;

/// A query, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// All of these.
    And(Vec<Query>),
    /// Any of these.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// One condition.
    Term(Term),
}

/// One condition on a package.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A text of the package fits a pattern.
    Text(TextField, Pattern),
    /// A number compares.
    Number(NumberField, Compare, i64),
    /// A time compares.
    Time(TimeField, Compare, Timestamp),
    /// It is in this state.
    State(State),
    /// It has a finding of this severity or a worse one.
    Severity(Severity),
    /// A component is inside, perhaps of certain versions.
    Component(Pattern, Option<(Compare, String)>),
    /// It has a finding with this id or alias.
    Vulnerability(String),
}

/// Texts that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// Name of the package.
    Name,
    /// Version.
    Version,
    /// Path of one of its files.
    File,
    /// Id of the format.
    Format,
    /// Name of the repository.
    Repository,
    /// A label, or a mutable name that points to it.
    Tag,
    /// SHA-256 or another checksum of one of its files.
    Checksum,
    /// Licence of the package or of something inside.
    License,
    /// Who published it.
    Uploader,
    /// The upstream that it comes from; empty for what was published here.
    Origin,
    /// A policy whose match made its state.
    Policy,
}

/// Numbers that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberField {
    /// Bytes of all files.
    Size,
    /// Downloads so far.
    Downloads,
    /// Findings.
    Vulnerabilities,
}

/// Times that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeField {
    /// Arrival here.
    Uploaded,
    /// Publication by the author.
    Published,
    /// Last download; never downloaded counts as before all times.
    LastDownloaded,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    /// `=`.
    Equal,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
}

impl Compare {
    /// Whether `ordering` of the two sides satisfies it.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
        }
    }
    /// The operator as SQL and people write it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }
}

/// A text with `*` for any text, compared without regard to case. Without `*`, `^` and `$` it is looked for anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Pieces between stars.
    pub pieces: Vec<String>,
    /// Whether it begins where the text begins.
    pub from_start: bool,
    /// Whether it ends where the text ends.
    pub to_end: bool,
}

impl Pattern {
    fn parse(text: &str, anywhere: bool) -> Self {
        let (text, start) = text.strip_prefix('^').map_or((text, false), |rest| (rest, true));
        let (text, end) = text.strip_suffix('$').map_or((text, false), |rest| (rest, true));
        let whole = !anywhere || text.contains('*');
        let (from_start, to_end) = if start || end { (start, end) } else { (whole, whole) };
        Self { pieces: text.split('*').map(str::to_lowercase).collect(), from_start, to_end }
    }

    /// The whole text, where the pattern says all of it.
    pub fn exact(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [one] if self.from_start && self.to_end => Some(one),
            _ => None,
        }
    }

    /// As a pattern of SQL's `LIKE` with `\` as the escape, for texts in lower case.
    pub fn like(&self) -> String {
        let mut like = String::new();
        if !self.from_start {
            like.push('%');
        }
        for (index, piece) in self.pieces.iter().enumerate() {
            if index > 0 {
                like.push('%');
            }
            for c in piece.chars() {
                if matches!(c, '%' | '_' | '\\') {
                    like.push('\\');
                }
                like.push(c);
            }
        }
        if !self.to_end {
            like.push('%');
        }
        like
    }
}

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }
    fn parsed(text: &str) -> Query {
        Query::parse(text, now()).unwrap().unwrap()
    }
    fn like(text: &str) -> String {
        match parsed(text) {
            Query::Term(Term::Text(_, pattern)) => pattern.like(),
            other => panic!("{other:?}"),
        }
    }
    fn told(text: &str) -> String {
        Query::parse(text, now()).unwrap_err().message
    }

    #[test]
    fn words_are_names_and_stand_together() {
        assert!(matches!(parsed("requests"), Query::Term(Term::Text(TextField::Name, _))));
        let Query::And(both) = parsed("requests format:pypi") else { panic!("not both") };
        assert_eq!(both.len(), 2);
        assert_eq!(parsed("a AND b"), parsed("a b"));
        assert_eq!(Query::parse("   ", now()).unwrap(), None);
    }

    #[test]
    fn or_binds_less_than_and() {
        assert_eq!(parsed("a b OR c"), parsed("(a AND b) OR (c)"));
        assert_ne!(parsed("a b OR c"), parsed("a AND (b OR c)"));
        assert_eq!(parsed("NOT a b"), parsed("(NOT a) b"));
        assert_eq!(parsed("~a"), parsed("NOT a"));
        assert_eq!(parsed("tag:~latest"), parsed("NOT tag:latest"));
    }

    #[test]
    fn patterns() {
        assert_eq!(like("lod"), "%lod%");
        assert_eq!(like("^lod"), "lod%");
        assert_eq!(like("lod$"), "%lod");
        assert_eq!(like("^lod$"), "lod");
        assert_eq!(like("lod*"), "lod%");
        assert_eq!(like("*a_b*"), "%a\\_b%");
        assert_eq!(like("version:1.2.*"), "1.2.%");
        assert_eq!(like("version:1.2.0"), "1.2.0");
        assert_eq!(like("name:\"AND more\""), "%and more%");
    }

    #[test]
    fn numbers_and_times() {
        assert_eq!(parsed("size:>10MB"), Query::Term(Term::Number(NumberField::Size, Compare::Greater, 10_000_000)));
        assert_eq!(
            parsed("uploaded:<\"1 day ago\""),
            Query::Term(Term::Time(TimeField::Uploaded, Compare::Less, "2026-11-21T12:00:00Z".parse().unwrap()))
        );
        assert_eq!(parsed("uploaded:<1d"), parsed("uploaded:<\"1 day ago\""));
        assert_eq!(
            parsed("published:>=2026-01-01"),
            Query::Term(Term::Time(TimeField::Published, Compare::AtLeast, "2026-01-01T00:00:00Z".parse().unwrap()))
        );
    }

    #[test]
    fn components_with_versions() {
        let Query::Term(Term::Component(name, version)) = parsed("dependency:log4j-core<2.17.1") else { panic!() };
        assert_eq!((name.exact(), version), (Some("log4j-core"), Some((Compare::Less, "2.17.1".to_owned()))));
    }

    #[test]
    fn errors_say_where_and_what_to_write() {
        assert!(told("a AND").ends_with("at character 6: a term is missing"), "{}", told("a AND"));
        assert!(told("(a b").contains("a `)` is missing"));
        assert!(told("a)").contains("at character 2"));
        assert!(told("nmae:x").contains("there is no field `nmae`; known are name, version"));
        assert!(told("size:>big").contains("`big` is no number"));
        assert!(told("\"a").contains("a quotation mark is missing"));
        assert!(told(&"(".repeat(50)).contains("nested too deeply"));
        assert!(told(&"a ".repeat(100)).contains("more than 64 terms"));
    }

    #[test]
    fn garbage_is_an_error_or_a_query() {
        let mut seed = 7_u64;
        let letters: Vec<char> = "ab:\"()~*^$<>= ANDORNOT\\é-".chars().collect();
        for _ in 0..5000 {
            let mut text = String::new();
            for _ in 0..20 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(letters[(seed >> 33) as usize % letters.len()]);
            }
            let _ = Query::parse(&text, now());
        }
    }
}
