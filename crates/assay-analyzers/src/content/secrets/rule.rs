//! Rules as data: what a kind of secret looks like. The form is TOML; docs/secrets-and-licences.md describes it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aho_corasick::automaton::StateID;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, automaton::Automaton};
use assay_model::finding::Severity;
use assay_model::problem::Problem;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::allow::{Allow, AllowFile};

const CLOUD: &str = include_str!("rules/cloud.toml");
const CODE: &str = include_str!("rules/code.toml");
const CREDENTIALS: &str = include_str!("rules/credentials.toml");
const MODELS: &str = include_str!("rules/models.toml");
const SERVICES: &str = include_str!("rules/services.toml");
const ALLOW: &str = include_str!("rules/allow.toml");

/// How far a match may reach beyond its keyword when the rule does not say.
const AFTER: usize = 320;
/// How far before its keyword a match may begin when the rule does not say.
const BEFORE: usize = 64;
/// What a rule may ask for at most. The search keeps this much of a file around each keyword.
pub(super) const MOST_AFTER: usize = 16 << 10;
pub(super) const MOST_BEFORE: usize = 1 << 10;
/// More rules than this, or longer keywords, are not accepted.
const RULES: usize = 2000;
const KEYWORD: usize = 64;

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    category: String,
    title: String,
    severity: String,
    keywords: Vec<String>,
    token: Option<String>,
    quoted: Option<String>,
    assigned: Option<String>,
    regex: Option<String>,
    path: Option<String>,
    entropy: Option<f64>,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    yields: bool,
    #[serde(default)]
    mixed: bool,
    #[serde(default)]
    allow: Vec<String>,
    before: Option<usize>,
    after: Option<usize>,
}

/// Where the expression is tried, seen from a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// At the keyword, which is the beginning of the secret.
    AtKeyword,
    /// Right after the keyword, which is the beginning of a name.
    AfterKeyword,
    /// Anywhere around it.
    Around,
}

/// A kind of secret.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) category: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) place: Place,
    pub(super) before: usize,
    pub(super) after: usize,
    /// The byte after the secret must not continue a word.
    pub(super) whole: bool,
    /// Gives way to any other rule that finds something in the same place.
    pub(super) yields: bool,
    /// The secret has letters and digits.
    pub(super) mixed: bool,
    pub(super) entropy: Option<f64>,
    keywords: Vec<String>,
    path: Option<Regex>,
    expression: String,
    compiled: OnceLock<Option<Regex>>,
    allow: Vec<Regex>,
}

impl Rule {
    /// Compiled when it is first needed: most rules never are.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.expression).ok()).as_ref()
    }

    /// Whether it is for some paths only.
    pub(super) fn has_path(&self) -> bool {
        self.path.is_some()
    }

    pub(super) fn reads(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|filter| filter.is_match(path.as_bytes()))
    }

    pub(super) fn allows(&self, secret: &[u8]) -> bool {
        self.allow.iter().any(|allowed| allowed.is_match(secret))
    }

    fn new(written: Written) -> Result<Self, Problem> {
        let bad = |what: &str| Problem::invalid("secret-rule", format!("the secret rule {} {what}", written.id));
        let (place, expression) =
            written.expression().ok_or_else(|| bad("needs one of token, quoted, assigned, regex"))?;
        let severity = Severity::parse(&written.severity).ok_or_else(|| bad("has no known severity"))?;
        let usable = |keyword: &String| !keyword.is_empty() && keyword.len() <= KEYWORD;
        if written.keywords.is_empty() || !written.keywords.iter().all(usable) {
            return Err(bad("needs keywords of 1 to 64 bytes"));
        }
        let filter = |text: &String| compile(text).map_err(|_| bad("has an expression that cannot be read"));
        Ok(Self {
            path: written.path.as_ref().map(filter).transpose()?,
            allow: written.allow.iter().map(filter).collect::<Result<_, _>>()?,
            severity,
            place,
            before: if place == Place::Around { written.before.unwrap_or(BEFORE).min(MOST_BEFORE) } else { 0 },
            after: written.after.unwrap_or(AFTER).min(MOST_AFTER),
            whole: written.whole || written.assigned.is_some(),
            yields: written.yields,
            mixed: written.mixed,
            entropy: written.entropy,
            expression,
            compiled: OnceLock::new(),
            id: written.id,
            category: written.category,
            title: written.title,
            keywords: written.keywords,
        })
    }
}

impl Written {
    /// The expression behind the four ways to write one.
    fn expression(&self) -> Option<(Place, String)> {
        match (&self.token, &self.quoted, &self.assigned, &self.regex) {
            (Some(token), None, None, None) => Some((Place::AtKeyword, format!("^(?P<secret>{token})"))),
            (None, Some(value), None, None) => Some((
                Place::AfterKeyword,
                format!(r#"(?i)^[a-z0-9_ .,\-]{{0,25}}(?:=>|<=|:=|\|\|:|=|>|:).{{0,5}}['"](?P<secret>{value})['"]"#),
            )),
            (None, None, Some(value), None) => Some((
                Place::AfterKeyword,
                format!(
                    r#"(?i)^[a-z0-9_ \t.\-]{{0,20}}["'\s]{{0,3}}(?:=>|\?=|:{{1,3}}=|\|\||=|:|>|,)[`"'\s=]{{0,5}}(?P<secret>{value})(?:[`"'\s;,<)]|\\[nr"]|$)"#
                ),
            )),
            (None, None, None, Some(regex)) => Some((Place::Around, regex.clone())),
            _ => None,
        }
    }
}

pub(super) fn compile(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression).unicode(false).size_limit(8 << 20).build()
}

/// All keywords of some rules, found in one pass.
pub(super) struct Keywords {
    dfa: DFA,
    start: StateID,
    /// For each keyword its length and the rules that have it.
    owners: Vec<(usize, Vec<usize>)>,
}

impl Keywords {
    fn new<'a>(rules: impl Iterator<Item = (usize, &'a Rule)>) -> Result<Self, Problem> {
        let mut by_keyword: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules {
            for keyword in &rule.keywords {
                let owners = by_keyword.entry(keyword.to_ascii_lowercase()).or_default();
                if owners.last() != Some(&at) {
                    owners.push(at);
                }
            }
        }
        let unusable = |error| Problem::internal("the keywords of secret rules cannot be searched for", error);
        let dfa = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(aho_corasick::StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(by_keyword.keys())
            .map_err(unusable)?;
        let start = dfa
            .start_state(Anchored::No)
            .map_err(|error| Problem::internal("the keywords of secret rules cannot be searched for", error))?;
        let owners = by_keyword.into_iter().map(|(keyword, owners)| (keyword.len(), owners)).collect();
        Ok(Self { dfa, start, owners })
    }

    pub(super) fn start(&self) -> StateID {
        self.start
    }

    /// Goes over `bytes` from `state`, and calls `hit(end, length, rules)` for each keyword; `end` counts in `bytes`.
    pub(super) fn pass(
        &self,
        mut state: StateID,
        bytes: &[u8],
        hit: &mut dyn FnMut(usize, usize, &[usize]),
    ) -> StateID {
        for (at, byte) in bytes.iter().enumerate() {
            state = self.dfa.next_state(Anchored::No, state, *byte);
            if self.dfa.is_special(state) && self.dfa.is_match(state) {
                for index in 0..self.dfa.match_len(state) {
                    let pattern = self.dfa.match_pattern(state, index).as_usize();
                    if let Some((length, rules)) = self.owners.get(pattern) {
                        hit(at + 1, *length, rules);
                    }
                }
            }
        }
        state
    }
}

/// Which secrets are looked for, and where not.
pub struct SecretRules {
    pub(super) rules: Vec<Rule>,
    pub(super) allow: Allow,
    /// Of the rules for any file.
    pub(super) common: Keywords,
    /// Of all rules, for files that some rule wants by their name.
    pub(super) every: Keywords,
}

impl std::fmt::Debug for SecretRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretRules").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl SecretRules {
    /// Those that come with Assay.
    ///
    /// # Errors
    /// Never for the rules of a release: a test reads them.
    pub fn builtin() -> Result<&'static Self, &'static Problem> {
        static BUILTIN: OnceLock<Result<SecretRules, Problem>> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::custom("", &[])).as_ref()
    }

    /// The built-in ones and those of `more` (TOML, as the built-in ones are written), without those whose ids are in
    /// `without`. A rule of `more` replaces a built-in one of the same id.
    ///
    /// # Errors
    /// When `more` is not understood: the message names the rule.
    pub fn custom(more: &str, without: &[&str]) -> Result<Self, Problem> {
        let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
        for file in [CLOUD, CODE, CREDENTIALS, MODELS, SERVICES, more] {
            let read: RuleFile = toml::from_str(file).map_err(|error| {
                Problem::invalid("secret-rule", format!("the secret rules cannot be read: {error}"))
            })?;
            for written in read.rule {
                let rule = Rule::new(written)?;
                if file == more && rule.regex().is_none() {
                    let message = format!("the secret rule {} has an expression that cannot be read", rule.id);
                    return Err(Problem::invalid("secret-rule", message));
                }
                rules.insert(rule.id.clone(), rule);
            }
        }
        if rules.len() > RULES {
            return Err(Problem::invalid("secret-rule", format!("there are more than {RULES} secret rules")));
        }
        rules.retain(|id, _| !without.contains(&id.as_str()));
        let rules: Vec<Rule> = rules.into_values().collect();
        let allow: AllowFile = toml::from_str(ALLOW)
            .map_err(|error| Problem::internal("the list of paths without secrets cannot be read", error))?;
        Ok(Self {
            common: Keywords::new(rules.iter().enumerate().filter(|(_, rule)| rule.path.is_none()))?,
            every: Keywords::new(rules.iter().enumerate())?,
            allow: Allow::new(allow)?,
            rules,
        })
    }

    /// Ids and titles, for documentation.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), rule.title.as_str()))
    }

    /// The rules that are for this path only: their places in `rules`.
    pub(super) fn of_path(&self, path: &str) -> Vec<usize> {
        let special = |(at, rule): (usize, &Rule)| (rule.path.is_some() && rule.reads(path)).then_some(at);
        self.rules.iter().enumerate().filter_map(special).collect()
    }

    /// Whether a file of this name is looked into.
    #[must_use]
    pub fn wants(&self, path: &str) -> bool {
        self.allow.wants(path)
    }
}
