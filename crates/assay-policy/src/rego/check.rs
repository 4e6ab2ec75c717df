//! What is checked of a policy before it is stored or evaluated. Everything that can be told from the source alone is
//! told here, so that it does not surface as a failing decision.

use super::{
    Limits,
    bounds::{self, Bounds},
    builtins,
    diagnose::{Fault, fault, suggestion},
    engine::{self, SOURCE},
    graph, keywords,
    locals::{self, Written},
    memory,
    mend::Mended,
    paths, pattern, reads,
    safety::{self, UNSAFE},
    survey::{self, Call, Step, Survey},
    templates,
};
use crate::input::{Parts, schema::distance};
use assay_model::{
    Problem,
    policy::FactKind,
    seam::judge::{Faults, Remark},
};
use regorus::{
    Engine,
    unstable::{BUILTINS, Module},
};
use std::collections::BTreeSet;

/// Packages that a policy may be in.
pub(super) const PACKAGES: &[&str] = &["cloudsmith", "assay"];

/// A policy that passed.
#[derive(Debug)]
pub(super) struct Checked {
    /// Its package.
    pub(super) package: String,
    /// The kinds of fact it reads.
    pub(super) reads: BTreeSet<FactKind>,
    /// The parts of the document that it reads.
    pub(super) parts: Parts,
    /// Which moves of an EPSS score can matter to it; nothing where any can.
    pub(super) bounds: Option<Bounds>,
    /// What is allowed and probably not meant; told when it is saved.
    pub(super) warnings: Vec<Remark>,
}

/// Most faults that are told of one source.
const MOST: usize = 50;

/// Checks a source that was saved before: paths that do not exist are not looked for, since one that an older version took
/// must go on working.
pub(super) fn check(rego: &str, limits: &Limits) -> Result<Checked, Problem> {
    look(rego, limits, false).map_err(|faults| Problem::invalid("bad-policy", faults.to_string()))
}

/// Checks a source; when it is about to be saved, its paths too. All that is wrong is told at once, as far as one fault
/// does not hide another. Columns are counted in characters.
pub(super) fn look(rego: &str, limits: &Limits, saving: bool) -> Result<Checked, Faults> {
    memory::apart(|| looked(rego, limits, saving))
}

fn looked(rego: &str, limits: &Limits, saving: bool) -> Result<Checked, Faults> {
    if rego.len() > limits.source_bytes {
        let message = format!("the policy has {} bytes; at most {} are allowed", rego.len(), limits.source_bytes);
        return Err(Faults(vec![Fault::at((0, 0), message).remark()]));
    }
    let plain = templates::plain(rego).map_err(|fault| {
        let column = characters(rego, fault.line, fault.column);
        Faults(vec![Fault { column, ..fault }.remark()])
    })?;
    let column = |line, column| plain.column(rego, line, characters(&plain.text, line, column));
    let mut faults = Vec::new();
    let mut written = Written::new();
    let mut checked = checked(&plain.text, limits, saving, &mut faults, &mut written);
    for fault in &mut faults {
        fault.column = column(fault.line, fault.column);
        fault.message = locals::told(&fault.message, &written);
    }
    if faults.is_empty()
        && let Some(checked) = &mut checked
    {
        for warning in &mut checked.warnings {
            warning.column = column(warning.line, warning.column);
            warning.message = locals::told(&warning.message, &written);
        }
    }
    match checked {
        Some(checked) if faults.is_empty() => Ok(checked),
        _ => Err(in_order(faults)),
    }
}

/// Faults by their place, each once.
fn in_order(mut faults: Vec<Fault>) -> Faults {
    faults.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
    faults.dedup_by(|a, b| a.line == b.line && a.message == b.message);
    faults.truncate(MOST);
    Faults(faults.into_iter().map(Fault::remark).collect())
}

/// The column in characters: the evaluator counts a tab as four.
fn characters(rego: &str, line: u32, column: u32) -> u32 {
    let Some(text) = usize::try_from(line).ok().and_then(|line| rego.lines().nth(line.checked_sub(1)?)) else {
        return column;
    };
    let (mut counted, mut real) = (1, 1);
    for next in text.chars() {
        if counted >= column {
            return real;
        }
        counted += if next == '\t' { 4 } else { 1 };
        real += 1;
    }
    column.saturating_sub(counted).saturating_add(real)
}

fn checked(
    rego: &str,
    limits: &Limits,
    saving: bool,
    faults: &mut Vec<Fault>,
    written: &mut Written,
) -> Option<Checked> {
    let mut source = Mended::new(&keywords::without(rego));
    let mut engine = parsed(&mut source, limits, faults, written)?;
    let seen = inspect(&mut engine, saving, &source, faults)?;
    let free: Vec<u32> = faults.iter().filter(|fault| fault.code == UNSAFE).map(|fault| fault.line).collect();
    for line in free {
        engine = source.take_out(line).then(|| parse(source.text(), limits, written).ok())??;
    }
    let entry = format!("data.{}.match", seen.package);
    while let Err(error) = engine.compile_with_entrypoint(&entry.as_str().into()) {
        let fault = bound(fault(&error), &seen.survey);
        let fault = again(Fault { message: locals::told(&fault.message, written), ..fault }, source.text());
        let line = fault.line;
        // what a rule lacks that was taken out is not what is wrong with it, and one fault is told once
        let told = |known: &Fault| known.line == line && (known.code == fault.code || fault.code != UNSAFE);
        if !source.hides(&fault) && !faults.iter().any(told) {
            faults.push(fault);
        }
        engine =
            (faults.len() < MOST && source.take_out(line)).then(|| parse(source.text(), limits, written).ok())??;
    }
    if saving && faults.is_empty() {
        faults.extend(unprepared(source.text(), limits));
    }
    let module = engine.get_modules().first()?.clone();
    let reads = reads::reads(&module, &seen.survey);
    let replaces = seen.survey.replaces_input || seen.survey.replaces_rules;
    let every = replaces || reads::takes_scores_unnamed(&module, &seen.survey);
    let bounds = if every { None } else { Some(bounds::bounds(&module)) };
    let parts = if seen.survey.replaces_input { Parts::all() } else { reads::parts(&module, &seen.survey) };
    Some(Checked { package: seen.package, reads, parts, bounds, warnings: seen.warnings })
}

fn parse(text: &str, limits: &Limits, written: &mut Written) -> Result<Engine, Fault> {
    let (engine, _, renamed) = engine::parsed(limits, SOURCE, text, &BTreeSet::new()).map_err(|error| fault(&error))?;
    written.extend(renamed);
    Ok(engine)
}

/// Whether a source cannot be prepared for being evaluated.
fn unprepared(text: &str, limits: &Limits) -> Option<Fault> {
    let prepared = engine::rewritten(limits, SOURCE, text, &BTreeSet::new()).is_ok_and(|(_, prepared)| prepared);
    let message = "the head of a rule or a `walk` is more than the evaluator understands; give its value a name in \
                   the body first";
    (!prepared).then(|| Fault::at((0, 0), message))
}

/// Parses what can be parsed: a rule with a fault is taken out, and the rest is tried again.
fn parsed(source: &mut Mended, limits: &Limits, faults: &mut Vec<Fault>, written: &mut Written) -> Option<Engine> {
    loop {
        let fault = match parse(source.text(), limits, written) {
            Ok(engine) => return Some(engine),
            Err(fault) => fault,
        };
        let hint = if faults.is_empty() && fault.code != "bad_policy" {
            suggestion(source.text(), &fault.message)
        } else {
            ""
        };
        let (line, old) = (fault.line, hint.contains("Rego v0"));
        faults.push(Fault { message: format!("{}{hint}", fault.message), ..fault });
        // of an older language there is one thing to say, and not one for every rule
        if old || faults.len() >= MOST || !source.take_out(line) {
            return None;
        }
    }
}

/// What a look at the parsed source tells.
struct Seen {
    package: String,
    survey: Survey,
    warnings: Vec<Remark>,
}

/// Collects what is wrong with the parsed source; nothing where it must not be gone on with.
fn inspect(engine: &mut Engine, saving: bool, source: &Mended, faults: &mut Vec<Fault>) -> Option<Seen> {
    let Some(module) = engine.get_modules().first() else {
        faults.push(Fault::at((0, 0), "the policy is empty; begin with `package cloudsmith`"));
        return None;
    };
    let mut found = Vec::new();
    let package = package(module, &mut found);
    let survey = survey::survey(module);
    found.extend(entry(&survey).err());
    calls(&survey, &package, &mut found);
    data(module, &survey, &package, &mut found);
    let mut warnings = Vec::new();
    if saving {
        keyword_imports(module, &mut found);
        warnings = paths::check(module, &survey, &package, &mut found);
        arguments(&survey, &package, &mut found);
        let mut free = Vec::new();
        safety::check(module, &survey, &mut free);
        found.extend(free.into_iter().map(|fault| bound(fault, &survey)));
    }
    for place in &survey.negated {
        found.push(Fault::at(*place, "a minus can stand before a written number only; write `0 - x`"));
    }
    let endless = graph::check(&survey, &package).err();
    let goes_on = endless.is_none();
    found.extend(endless);
    faults.extend(found.into_iter().filter(|fault| !source.hides(fault)));
    goes_on.then_some(Seen { package, survey, warnings })
}

/// Says of a variable that has no value which name is like it, or how it gets one.
fn bound(fault: Fault, survey: &Survey) -> Fault {
    if fault.code != UNSAFE {
        return fault;
    }
    let word = |text: &str| text.chars().next().is_some_and(char::is_alphabetic) && !text.contains(' ');
    let quoted = fault.message.split(['`', '\'', '"']).skip(1).step_by(2).find(|text| word(text)).map(str::to_owned);
    let Some(name) = quoted else { return fault };
    let locals = survey.declared.iter().map(|(_, local)| local.as_str());
    let known = survey.rules.keys().map(String::as_str).chain(locals).chain(["input", "data"]);
    let like = near(&name, known.filter(|known| *known != name));
    let hint = like.map_or_else(
        || format!("; give it a value first, with `some {name} in ...` or `{name} := ...`"),
        |like| format!("; did you mean `{like}`?"),
    );
    Fault { message: format!("{}{hint}", fault.message), ..fault }
}

/// A name that gets a value twice in one query: the evaluator calls the first one used before it is defined.
fn again(fault: Fault, source: &str) -> Fault {
    let Some(name) = fault.message.strip_suffix("` used before definition below").and_then(|m| m.strip_prefix("var `"))
    else {
        return fault;
    };
    let gives = |text: &str| text.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(":="));
    let column = characters(source, fault.line, fault.column).saturating_sub(1);
    let line = usize::try_from(fault.line).ok().and_then(|line| source.lines().nth(line.checked_sub(1)?));
    let rest: String = line.unwrap_or_default().chars().skip(usize::try_from(column).unwrap_or(0)).collect();
    let message = if gives(&rest) {
        format!(
            "`{name}` gets a value with `:=` more than once; it keeps one, so name the others otherwise, or compare with `==`"
        )
    } else {
        format!("`{name}` is used before the `:=` that gives it a value; move that up")
    };
    Fault { message, ..fault }
}

/// The name most like a misspelt one.
pub(super) fn near<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = match wrong.chars().count() {
        // one letter is like every other
        0..=2 => return None,
        letters => letters.div_ceil(4),
    };
    names.map(|name| (distance(wrong, name), name)).filter(|(edits, _)| *edits <= far).min().map(|(_, name)| name)
}

fn package(module: &Module, faults: &mut Vec<Fault>) -> String {
    let name = survey::dotted(&module.package.refr).unwrap_or_default();
    if !PACKAGES.contains(&name.as_str()) {
        let span = module.package.refr.span();
        faults.push(Fault::at(
            (span.line, span.col),
            format!("the package is `{name}`; a policy must be in `cloudsmith` or `assay`, write `package cloudsmith`"),
        ));
    }
    name
}

fn entry(survey: &Survey) -> Result<(), Fault> {
    match survey.rules.get("match") {
        Some((false, _)) => Ok(()),
        Some((true, place)) => Err(Fault::at(*place, "`match` takes arguments; write `match if { ... }`")),
        None => Err(Fault::at(
            (0, 0),
            "there is no rule `match`; add `default match := false` and `match if { ... }` for packages the policy is \
             to stop",
        )),
    }
}

fn calls(survey: &Survey, package: &str, faults: &mut Vec<Fault>) {
    let own = format!("data.{package}.");
    for call in &survey.calls {
        let name = call.name.strip_prefix(&own).unwrap_or(&call.name);
        let known = survey.rules.get(name).is_some_and(|(function, _)| *function) || builtins::exists(name);
        if builtins::IMPURE.contains(&name) {
            let message = format!("`{name}` is not available: a decision must follow from its facts alone");
            faults.push(Fault::at(call.place, message));
        } else if known {
            faults.extend(expression(call).err());
        } else {
            faults.push(unknown(call, survey));
        }
    }
}

/// Every call with as many arguments as the function takes; one more is a pattern for what it answers.
fn arguments(survey: &Survey, package: &str, faults: &mut Vec<Fault>) {
    let own = format!("data.{package}.");
    for call in &survey.calls {
        let name = call.name.strip_prefix(&own).unwrap_or(&call.name);
        let defined = survey.parameters.get(name).and_then(|all| all.first()).map(|(_, names)| names.len());
        let given = call.literals.len();
        if let Some(takes) = defined.or_else(|| builtins::arity(name))
            && given != takes
            && given != takes + 1
        {
            let s = if takes == 1 { "" } else { "s" };
            let message = format!("`{name}` takes {takes} argument{s} and is given {given}");
            faults.push(Fault::at(call.place, message).coded("rego_type_error"));
        }
    }
}

fn unknown(call: &Call, survey: &Survey) -> Fault {
    let own = survey.rules.iter().filter(|(_, (function, _))| *function).map(|(name, _)| name.as_str());
    let known = BUILTINS.keys().copied().filter(|name| builtins::exists(name)).chain(own);
    let hint = match (builtins::instead_of(&call.name), near(&call.name, known)) {
        (Some(instead), _) => format!("; use {instead}"),
        (None, Some(like)) => format!("; did you mean `{like}`?"),
        (None, None) => String::new(),
    };
    Fault::at(call.place, format!("there is no function `{}`{hint}", call.name)).coded("rego_type_error")
}

/// A regular expression that is written out must be one: an invalid one makes every test undefined.
fn expression(call: &Call) -> Result<(), Fault> {
    let index = match call.name.as_str() {
        "regex.match" | "regex.split" | "regex.find_n" | "regex.find_all_string_submatch_n" => 0,
        "regex.replace" => 1,
        _ => return Ok(()),
    };
    let Some(Some(written)) = call.literals.get(index) else { return Ok(()) };
    match pattern::compile(written) {
        Ok(_) => Ok(()),
        Err(error) => {
            let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
            let reason = reason.trim_start_matches("error: ").to_owned();
            Err(Fault::at(call.place, format!("`{written}` is not a regular expression: {reason}")))
        }
    }
}

/// Imports of words of the language that are not known here; those that are were taken out before.
fn keyword_imports(module: &Module, faults: &mut Vec<Fault>) {
    for import in &module.imports {
        let path = survey::dotted(&import.refr).unwrap_or_default();
        if path.starts_with("future.") || path.starts_with("rego.") {
            let message = format!("`{path}` cannot be imported; `if`, `in`, `contains` and `every` need no import");
            faults.push(Fault::at((import.span.line, import.span.col), message));
        }
    }
}

/// There are no data documents besides the policy's own package.
fn data(module: &Module, survey: &Survey, package: &str, faults: &mut Vec<Fault>) {
    let message = "there are no data documents; write lists into the policy";
    for import in &module.imports {
        let path = survey::dotted(&import.refr).unwrap_or_default();
        let root = path.split('.').next().unwrap_or_default();
        if root == "data" && path != format!("data.{package}") && !path.starts_with(&format!("data.{package}.")) {
            faults.push(Fault::at((import.span.line, import.span.col), message));
        }
    }
    for reference in survey.references.iter().filter(|reference| reference.root == "data") {
        if reference.steps.first() != Some(&Step::Key(package.to_owned())) {
            faults.push(Fault::at(reference.place, message));
        }
    }
}
