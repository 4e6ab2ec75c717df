//! Tests of policies: rules named `test_…` of modules that belong together, run as the reference runs them, with what
//! they printed, where they stopped, and which lines were evaluated. Which files belong together is for the caller.

mod source;

use super::{
    Limits, builtins,
    check::{self, PACKAGES},
    diagnose::{failure, fault},
    engine, evaluator, keywords, locals, scan,
    survey::dotted,
    templates,
};
use assay_model::Problem;
use jiff::Timestamp;
use regex::Regex;
use regorus::{
    Engine, Value,
    unstable::{Module, Rule, RuleHead},
};
use serde::Serialize;
use source::{ALL, keyed, prepared};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How long one test may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file of Rego.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is; occurs in results.
    pub path: String,
    /// What is in it.
    pub rego: String,
}

impl Source {
    /// Whether the file holds tests, by its name.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("_test.rego")
    }
    /// The package that the file says it is in; empty where it says none.
    pub fn package(&self) -> &str {
        let code = self.rego.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        code.filter(|line| !line.is_empty()).find_map(|line| line.strip_prefix("package ")).unwrap_or_default().trim()
    }
    /// Whether the file is a policy, not a test or a helper of one.
    pub fn is_policy(&self) -> bool {
        !self.is_test() && PACKAGES.contains(&self.package())
    }
}

/// Files that are loaded together.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// What it goes by.
    pub name: String,
    /// A policy at most, its tests, and helpers.
    pub modules: Vec<Source>,
    /// Documents that tests find under `data`.
    pub data: Vec<serde_json::Value>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Its rule holds.
    Pass,
    /// Its rule is false or undefined.
    Fail,
    /// It could not be evaluated, and why.
    Error(String),
    /// Its name begins with `todo_`.
    Skipped,
}

/// A place in a test that was the last to be evaluated.
#[derive(Clone, Debug, Serialize)]
pub struct Stopped {
    /// From 1.
    pub line: u32,
    /// That line.
    pub code: String,
}

/// A test that was run.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// The suite's name.
    pub suite: String,
    /// File of the test.
    pub file: String,
    /// Line of the test, from 1.
    pub line: u32,
    /// Its package, `data.cloudsmith_test`.
    pub package: String,
    /// The rule.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
    /// How long it took, nanoseconds.
    pub duration: u64,
    /// Its cases by name, where it has any, and whether each holds.
    pub cases: BTreeMap<String, bool>,
    /// What it printed.
    pub printed: Vec<String>,
    /// Where a test that failed stopped.
    pub stopped: Option<Stopped>,
}

/// Lines of a file that tests evaluated, and that they did not; others hold nothing to evaluate.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// Evaluated.
    pub covered: BTreeSet<u32>,
    /// Not evaluated.
    pub not_covered: BTreeSet<u32>,
}

impl Coverage {
    /// Percent of lines; 100 where there is nothing to evaluate.
    pub fn percent(&self) -> f64 {
        let (hit, missed) = (self.covered.len() as f64, self.not_covered.len() as f64);
        if hit + missed == 0.0 { 100.0 } else { hit * 100.0 / (hit + missed) }
    }
}

/// What came of a suite.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Tests, in the order of files and lines.
    pub tests: Vec<Tested>,
    /// By file.
    pub coverage: BTreeMap<String, Coverage>,
}

/// A test before it is run.
struct Test {
    file: String,
    line: u32,
    /// The line of the next rule, or behind the file.
    end: u32,
    package: String,
    name: String,
    /// How many keys it has, where it is a rule with cases.
    keys: usize,
}

/// Runs the tests of a suite whose `data.package.name` matches.
pub fn run(suite: &Suite, names: Option<&Regex>, limits: &Limits) -> Report {
    let mut report = Report::default();
    for source in suite.modules.iter().filter(|source| source.is_policy()) {
        if let Err(problem) = check::look(&source.rego, limits, true) {
            report.tests.push(broken(suite, source, format!("the server would refuse this policy: {problem}")));
        }
    }
    if !report.tests.is_empty() {
        return report;
    }
    let (base, tests) = match load(suite, limits) {
        Ok(loaded) => loaded,
        Err((source, message)) => {
            report.tests.push(broken(suite, source, message));
            return report;
        }
    };
    for test in tests {
        let full = format!("{}.{}", test.package, test.name);
        if names.is_none_or(|names| names.is_match(&full)) {
            let tested = one(suite, &base, test, &mut report.coverage);
            report.tests.push(tested);
        }
    }
    report
}

fn broken(suite: &Suite, source: &Source, message: String) -> Tested {
    Tested {
        suite: suite.name.clone(),
        file: source.path.clone(),
        line: 1,
        package: format!("data.{}", source.package()),
        name: "(load)".into(),
        ended: Ended::Error(message),
        duration: 0,
        cases: BTreeMap::new(),
        printed: Vec::new(),
        stopped: None,
    }
}

/// An evaluator with the modules and data, and the tests in them.
fn load<'a>(suite: &'a Suite, limits: &Limits) -> Result<(Engine, Vec<Test>), (&'a Source, String)> {
    let nothing = || Source { path: suite.name.clone(), rego: String::new() };
    let first = suite.modules.first().ok_or_else(nothing);
    let Ok(first) = first else { return Ok((Engine::new(), Vec::new())) };
    let told = |error: anyhow::Error| (first, failure(&error));
    let mut engine = engine::new(limits).map_err(told)?;
    let rules = suite.modules.iter().flat_map(|source| rules(limits, source)).collect();
    for source in &suite.modules {
        add(&mut engine, limits, source, &rules).map_err(|error| {
            let place = error.to_string();
            let place = place.split_once(&format!("--> {}:", source.path)).map(|(_, rest)| rest.to_owned());
            let place = place.and_then(|rest| rest.lines().next().map(str::to_owned)).unwrap_or_default();
            let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
            (source, format!("{place}{}", fault(&error).message))
        })?;
    }
    for document in &suite.data {
        let value = Value::from_json_str(&document.to_string()).map_err(told)?;
        engine.add_data(value).map_err(told)?;
    }
    let clock = evaluator::Clock::default();
    clock.store(evaluator::nanoseconds(Timestamp::now()), std::sync::atomic::Ordering::Relaxed);
    builtins::register_clock(&mut engine, clock).map_err(told)?;
    engine::set_time(&mut engine, PATIENCE);
    engine.set_enable_coverage(true);
    let tests = engine.get_modules().iter().flat_map(|module| tests_in(module)).collect();
    Ok((engine, tests))
}

/// The names of the rules of a file.
fn rules(limits: &Limits, source: &Source) -> BTreeSet<String> {
    let alone = engine::parsed(limits, &source.path, &source.rego, &BTreeSet::new());
    let names = |(mut alone, ..): (Engine, String, locals::Written)| {
        let modules = alone.get_modules();
        modules.iter().flat_map(|module| locals::names(module)).map(str::to_owned).collect()
    };
    alone.map(names).unwrap_or_default()
}

/// Adds a file as it is loaded.
fn add(engine: &mut Engine, limits: &Limits, source: &Source, others: &BTreeSet<String>) -> anyhow::Result<()> {
    if source.is_policy() {
        return engine::add(engine, limits, &source.path, &source.rego, others);
    }
    let rego = templates::plain(&source.rego)?.text;
    let rego = keywords::without(&rego);
    scan::check(&rego)?;
    let mut alone = engine::new(limits)?;
    alone.add_policy(source.path.clone(), rego.clone().into_owned())?;
    let prepared = alone.get_modules().first().map(|module| prepared(&rego, module));
    engine::add(engine, limits, &source.path, prepared.as_deref().unwrap_or(&rego), others)
}

fn tests_in(module: &Module) -> Vec<Test> {
    let package = format!("data.{}", dotted(&module.package.refr).unwrap_or_default());
    let file = module.package.span.source.get_path().clone();
    let heads: Vec<(Option<(String, usize)>, u32)> = module.policy.iter().map(|rule| head(rule)).collect();
    let mut seen = BTreeSet::new();
    let mut tests = Vec::new();
    for (index, (head, line)) in heads.iter().enumerate() {
        let named = |name: &str| name.starts_with("test_") || name.starts_with("todo_test_");
        let Some((name, keys)) = head.as_ref().filter(|(name, _)| named(name)) else { continue };
        // Several bodies of one rule are one test.
        if seen.insert(name.clone()) {
            let end = heads.get(index + 1).map_or(u32::MAX, |(_, line)| *line);
            let (file, package, name) = (file.clone(), package.clone(), name.clone());
            tests.push(Test { file, line: *line, end, package, name, keys: *keys });
        }
    }
    tests
}

fn head(rule: &Rule) -> (Option<(String, usize)>, u32) {
    let refr = match rule {
        Rule::Spec { head: RuleHead::Func { refr, .. }, .. } | Rule::Default { refr, .. } => {
            return (None, refr.span().line);
        }
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => refr,
    };
    // keys that are written out belong to the name
    let plain = dotted(refr).map(|name| (name, 0));
    (plain.or_else(|| keyed(refr).map(|(name, keys)| (name.to_owned(), keys.len()))), refr.span().line)
}

/// What the rule of a test is. One with several keys is no rule by itself for the evaluator.
fn value(engine: &mut Engine, test: &Test) -> anyhow::Result<Value> {
    let path = format!("{}.{}", test.package, test.name);
    if test.keys < 2 {
        return engine.eval_rule(path);
    }
    let results = engine.eval_query(path, false)?.result;
    let first = results.into_iter().next().and_then(|result| result.expressions.into_iter().next());
    Ok(first.map_or(Value::Undefined, |expression| expression.value))
}

/// A rule's cases: those that it names, and those that hold.
fn cases(engine: &mut Engine, test: &Test, holding: &Value) -> anyhow::Result<BTreeMap<String, bool>> {
    let mut cases = BTreeMap::new();
    if let Value::Set(all) = engine.eval_rule(format!("{}.{ALL}{}", test.package, test.name))? {
        for keys in all.iter() {
            let keys = keys.as_array().map(|keys| keys.iter().map(plain).collect::<Vec<_>>()).unwrap_or_default();
            cases.insert(keys.join("/"), false);
        }
    }
    held(holding, test.keys, &mut Vec::new(), &mut cases);
    Ok(cases)
}

fn held(value: &Value, keys: usize, above: &mut Vec<String>, cases: &mut BTreeMap<String, bool>) {
    match value {
        Value::Object(fields) if keys > 0 => {
            for (key, value) in fields.iter() {
                above.push(plain(key));
                held(value, keys - 1, above, cases);
                above.pop();
            }
        }
        Value::Undefined => {}
        value => drop(cases.insert(above.join("/"), *value != Value::Bool(false))),
    }
}

fn plain(key: &Value) -> String {
    key.as_string().map_or_else(|_| key.to_string(), |text| text.to_string())
}

fn one(suite: &Suite, base: &Engine, test: Test, coverage: &mut BTreeMap<String, Coverage>) -> Tested {
    let started = Instant::now();
    let mut engine = base.clone();
    let skipped = test.name.starts_with("todo_");
    let value = if skipped { Ok(Value::Undefined) } else { value(&mut engine, &test) };
    let duration = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let printed = engine.take_prints().unwrap_or_default();
    let cases = match &value {
        Ok(value) if test.keys > 0 && !skipped => cases(&mut engine, &test, value).unwrap_or_default(),
        _ => BTreeMap::new(),
    };
    let ended = match value {
        _ if skipped => Ended::Skipped,
        Ok(_) if test.keys > 0 && (cases.is_empty() || cases.values().any(|holds| !holds)) => Ended::Fail,
        Ok(Value::Undefined | Value::Bool(false)) => Ended::Fail,
        Ok(_) => Ended::Pass,
        Err(error) => Ended::Error(placed(suite, &test, &error)),
    };
    let mut stopped = None;
    for file in engine.get_coverage_report().map(|report| report.files).unwrap_or_default() {
        let written = suite.modules.iter().find(|source| source.path == file.path).map(|source| source.rego.as_str());
        let code = written.unwrap_or(&file.code);
        if file.path == test.file && ended == Ended::Fail {
            stopped = last(&test, code, &file.covered, &file.not_covered);
        }
        let lines = u32::try_from(code.lines().count()).unwrap_or(u32::MAX);
        let all = coverage.entry(file.path).or_default();
        all.covered.extend(file.covered.range(..=lines));
        all.not_covered.extend(file.not_covered.range(..=lines));
        all.not_covered.retain(|line| !all.covered.contains(line));
    }
    Tested {
        suite: suite.name.clone(),
        file: test.file,
        line: test.line,
        package: test.package,
        name: test.name,
        ended,
        duration,
        cases,
        printed,
        stopped,
    }
}

/// An error with its file and line: where the evaluator says it is, or else the test's own.
fn placed(suite: &Suite, test: &Test, error: &anyhow::Error) -> String {
    let text = error.to_string();
    let line = |path: &str| {
        let rest = text.split_once(&format!("--> {path}:"))?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    let found = suite.modules.iter().find_map(|source| Some((source.path.as_str(), line(&source.path)?)));
    let (file, line) = found.unwrap_or((&test.file, test.line));
    format!("{file}:{line}: {}", failure(error))
}

/// The last line of a test that was evaluated before those that were not.
fn last(test: &Test, code: &str, covered: &BTreeSet<u32>, missed: &BTreeSet<u32>) -> Option<Stopped> {
    let within = test.line..test.end;
    let first_missed = missed.range(within.clone()).copied().find(|line| *line > test.line).unwrap_or(test.end);
    let line = covered.range(test.line..first_missed).next_back().copied()?;
    let code = code.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?.trim().to_owned();
    Some(Stopped { line, code })
}

/// A regular expression that chooses tests.
///
/// # Errors
/// `Invalid` when it is none.
pub fn names(pattern: &str) -> Result<Regex, Problem> {
    Regex::new(pattern)
        .map_err(|error| Problem::invalid("bad-name", format!("`{pattern}` is no regular expression")).caused_by(error))
}
