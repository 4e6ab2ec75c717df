//! The query language of searches, retention and policies: `format:npm AND (vulnerabilities:>0 OR license:GPL-3.0*)`.
//!
//! Terms are `field:value`; a word without field is looked for in names. `AND`, `OR`, `NOT` and parentheses combine them;
//! what stands side by side is `AND`. `docs/search.md` is the reference. What a query finds is the store's.

mod known;
mod parser;

pub use known::Known;

use crate::{finding::Severity, package::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest query, in bytes.
pub const LONGEST: usize = 4096;

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
