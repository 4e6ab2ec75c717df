//! What a repository keeps and for how long: rules of retention and promotion, the trash, what a repository holds.

use crate::{
    glob,
    package::{Package, PackageId},
    problem::Problem,
    query::Query,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Rules of one kind in one repository.
const RULES: usize = 50;
/// Patterns of one rule.
const PATTERNS: usize = 100;

/// What is deleted by itself. Names, formats and tags choose versions; `keep_last` protects the newest of each name;
/// whichever of the other limits is passed deletes. With `keep_last` alone everything but the newest is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionRule {
    /// Shown in the log with everything it deletes.
    pub name: String,
    /// Id of a format; empty means all.
    pub format: String,
    /// Patterns of package names (see [`glob`]); none means all.
    pub names: Vec<String>,
    /// Patterns of versions; none means all.
    pub versions: Vec<String>,
    /// What a search finds (see [`crate::query`]); empty means all. Without any limit, everything that it finds goes.
    pub query: String,
    /// Versions with a tag or reference that matches are kept, and not counted.
    pub keep_tags: Vec<String>,
    /// The newest N of each name stay, by the order of versions of the ecosystem, where it has one, else by arrival.
    pub keep_last: Option<u32>,
    /// Those that arrived more than this many days ago go.
    pub max_age_days: Option<u32>,
    /// Those that nobody downloaded for this many days go; what was never downloaded counts from its arrival.
    pub unused_days: Option<u32>,
    /// The oldest go until what this rule chose has at most this many bytes.
    pub max_bytes: Option<u64>,
    /// Whether the rule is out of force.
    pub disabled: bool,
}

impl RetentionRule {
    /// Whether it would ever delete anything.
    fn has_limit(&self) -> bool {
        self.keep_last.is_some()
            || self.max_age_days.is_some()
            || self.unused_days.is_some()
            || self.max_bytes.is_some()
            || !self.query.is_empty()
    }
    /// Whether limits other than `keep_last` are set.
    pub fn deletes_by_limit(&self) -> bool {
        self.max_age_days.is_some() || self.unused_days.is_some() || self.max_bytes.is_some()
    }
    /// Whether the rule chooses this name and version.
    pub fn chooses(&self, format: &str, name: &str, version: &str) -> bool {
        (self.format.is_empty() || self.format == format)
            && (self.names.is_empty() || glob::any(&self.names, name))
            && (self.versions.is_empty() || glob::any(&self.versions, version))
    }
}

/// What is copied or moved elsewhere by itself, once it is available and fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromotionRule {
    /// Shown in the log.
    pub name: String,
    /// Name of the repository that packages go to.
    pub target: String,
    /// Id of a format; empty means all.
    pub format: String,
    /// Patterns of package names; none means all.
    pub names: Vec<String>,
    /// What a search must find it by (see [`crate::query`]); empty means that it need not.
    pub query: String,
    /// Patterns of tags and references, one of which the package must have; none means that it needs none.
    pub tags: Vec<String>,
    /// Whether packages leave this repository.
    pub moves: bool,
    /// Whether the rule is out of force.
    pub disabled: bool,
}

impl PromotionRule {
    /// Whether a package with these tags and references is to be promoted.
    pub fn chooses(&self, package: &Package, references: &[String]) -> bool {
        let tagged = |pattern: &[String]| {
            pattern.is_empty() || package.tags.iter().chain(references).any(|tag| glob::any(pattern, tag))
        };
        !self.disabled
            && (self.format.is_empty() || self.format == package.at.format)
            && (self.names.is_empty() || glob::any(&self.names, &package.at.name))
            && tagged(&self.tags)
    }
}

/// Checks the patterns of a setting.
///
/// # Errors
/// When there are too many, or one is too long or empty.
pub fn check_patterns(patterns: &[String]) -> Result<(), Problem> {
    let bad = |p: &&String| p.is_empty() || p.len() > glob::MAX_PATTERN;
    if patterns.len() > PATTERNS {
        return Err(Problem::invalid("bad-settings", format!("at most {PATTERNS} patterns are taken in one place")));
    }
    match patterns.iter().find(bad) {
        Some(_) => Err(Problem::invalid("bad-settings", format!("a pattern has 1 to {} bytes", glob::MAX_PATTERN))),
        None => Ok(()),
    }
}

fn check_query(rule: &str, query: &str) -> Result<(), Problem> {
    let wrong = |problem: Problem| Problem::invalid("bad-settings", format!("the rule `{rule}`: {problem}"));
    Query::parse(query, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 100)).map_err(wrong).map(|_| ())
}

/// Checks rules of retention.
///
/// # Errors
/// Saying which rule is wrong.
pub fn check_retention(rules: &[RetentionRule]) -> Result<(), Problem> {
    check_names(rules.iter().map(|rule| rule.name.as_str()))?;
    for rule in rules {
        for patterns in [&rule.names, &rule.versions, &rule.keep_tags] {
            check_patterns(patterns)?;
        }
        check_query(&rule.name, &rule.query)?;
        if !rule.has_limit() {
            return Err(Problem::invalid(
                "bad-settings",
                format!(
                    "the retention rule `{}` has no limit; give keep_last, max_age_days, unused_days, max_bytes or a query",
                    rule.name
                ),
            ));
        }
        if rule.keep_last == Some(0) && !rule.deletes_by_limit() {
            return Err(Problem::invalid(
                "bad-settings",
                format!("the retention rule `{}` would keep nothing; keep_last is 1 or more", rule.name),
            ));
        }
    }
    Ok(())
}

/// Checks rules of promotion.
///
/// # Errors
/// Saying which rule is wrong.
pub fn check_promotion(rules: &[PromotionRule]) -> Result<(), Problem> {
    check_names(rules.iter().map(|rule| rule.name.as_str()))?;
    for rule in rules {
        check_query(&rule.name, &rule.query)?;
        check_patterns(&rule.names)?;
        check_patterns(&rule.tags)?;
        crate::repository::check_name(&rule.target)?;
    }
    Ok(())
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Problem> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > 100 {
            return Err(Problem::invalid("bad-settings", "a rule needs a name of 1 to 100 bytes"));
        }
        if !seen.insert(name) {
            return Err(Problem::invalid("bad-settings", format!("two rules are named `{name}`")));
        }
    }
    if seen.len() > RULES {
        return Err(Problem::invalid("bad-settings", format!("at most {RULES} rules are taken")));
    }
    Ok(())
}

/// What a repository holds. Bytes that several of its packages share count once; the trash does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Packages that are not deleted.
    pub packages: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// How and why a package goes to the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, for people: `deleted`, `replaced`, `retention: nightly`.
    pub cause: String,
    /// When its files go for good.
    pub purge_at: Timestamp,
}

/// A package in the trash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trashed {
    /// The package. Its state is `deleted` unless it was published again with a part of its files.
    #[serde(flatten)]
    pub package: Package,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// Who did it.
    pub deleted_by: String,
    /// Why.
    pub cause: String,
    /// When its files go for good.
    pub purge_at: Timestamp,
    /// References that it had.
    pub references: Vec<String>,
    /// Files that would come back.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What came back from the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The package.
    pub package: PackageId,
    /// Files.
    pub files: u64,
    /// References that point to it again.
    pub references: Vec<String>,
    /// References that point elsewhere by now, and were left.
    pub left: Vec<String>,
}

/// Downloads of something, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downloads {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Option<Timestamp>,
}
