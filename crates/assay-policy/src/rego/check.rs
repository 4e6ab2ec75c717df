//! What is checked of a policy before it is stored or evaluated. Everything that can be told from the source alone is
//! told here, so that it does not surface as a failing decision.

use super::{
    Limits,
    bounds::{self, Bounds},
    builtins,
    diagnose::{Fault, fault, suggestion},
    engine::{self, SOURCE},
    graph, paths, pattern, reads, scan,
    survey::{self, Call, Step, Survey},
};
use crate::input::{Parts, schema::distance};
use assay_model::{Problem, policy::FactKind, seam::judge::Remark};
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

/// Checks a source that was saved before: paths that do not exist are not looked for, since one that an older version took
/// must go on working.
pub(super) fn check(rego: &str, limits: &Limits) -> Result<Checked, Problem> {
    look(rego, limits, false).map_err(Fault::problem)
}

/// Checks a source; when it is about to be saved, its paths too. Columns are counted in characters.
pub(super) fn look(rego: &str, limits: &Limits, saving: bool) -> Result<Checked, Fault> {
    let place = |line, column| characters(rego, line, column);
    let mut checked =
        checked(rego, limits, saving).map_err(|fault| Fault { column: place(fault.line, fault.column), ..fault })?;
    for warning in &mut checked.warnings {
        warning.column = place(warning.line, warning.column);
    }
    Ok(checked)
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

fn checked(rego: &str, limits: &Limits, saving: bool) -> Result<Checked, Fault> {
    if rego.len() > limits.source_bytes {
        let message = format!("the policy has {} bytes; at most {} are allowed", rego.len(), limits.source_bytes);
        return Err(Fault::at((0, 0), message));
    }
    scan::check(rego)?;
    let mut engine = engine::new(limits)
        .map_err(|error| Fault::at((0, 0), format!("the evaluator did not start: {error}")).coded("internal"))?;
    engine.add_policy(SOURCE.into(), rego.to_owned()).map_err(|error| {
        let fault = fault(&error);
        let hint = suggestion(rego, &fault.message);
        Fault { message: format!("{}{hint}", fault.message), ..fault }
    })?;
    let (seen, survey) = inspect(&mut engine, saving)?;
    let entry = format!("data.{}.match", seen.package);
    engine.compile_with_entrypoint(&entry.as_str().into()).map_err(|error| bound(fault(&error), &survey))?;
    Ok(Checked {
        package: seen.package,
        reads: seen.reads,
        parts: seen.parts,
        bounds: seen.bounds,
        warnings: seen.warnings,
    })
}

/// What a look at the parsed source tells.
struct Seen {
    package: String,
    reads: BTreeSet<FactKind>,
    parts: Parts,
    bounds: Option<Bounds>,
    warnings: Vec<Remark>,
}

fn inspect(engine: &mut Engine, saving: bool) -> Result<(Seen, Survey), Fault> {
    let Some(module) = engine.get_modules().first() else {
        return Err(Fault::at((0, 0), "the policy is empty; begin with `package cloudsmith`"));
    };
    let package = package(module)?;
    let survey = survey::survey(module);
    entry(&survey)?;
    calls(&survey, &package)?;
    data(module, &survey, &package)?;
    let warnings = if saving { paths::check(module, &survey, &package)? } else { Vec::new() };
    if let Some(place) = survey.negated.first() {
        return Err(Fault::at(*place, "a minus can stand before a written number only; write `0 - x`"));
    }
    graph::check(&survey, &package)?;
    let reads = reads::reads(module, &survey);
    let every = survey.replaces_input || reads::takes_scores_unnamed(module, &survey);
    let bounds = if every { None } else { bounds::bounds(module) };
    let parts = if survey.replaces_input { Parts::all() } else { reads::parts(module, &survey) };
    Ok((Seen { package, reads, parts, bounds, warnings }, survey))
}

/// Says of a variable that has no value which name is like it, or how it gets one.
fn bound(fault: Fault, survey: &Survey) -> Fault {
    if fault.code != "rego_unsafe_var_error" {
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

/// The name most like a misspelt one.
fn near<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = wrong.chars().count().div_ceil(4);
    names.map(|name| (distance(wrong, name), name)).filter(|(edits, _)| *edits <= far).min().map(|(_, name)| name)
}

fn package(module: &Module) -> Result<String, Fault> {
    let name = survey::dotted(&module.package.refr).unwrap_or_default();
    if PACKAGES.contains(&name.as_str()) {
        return Ok(name);
    }
    let span = module.package.refr.span();
    Err(Fault::at(
        (span.line, span.col),
        format!("the package is `{name}`; a policy must be in `cloudsmith` or `assay`, write `package cloudsmith`"),
    ))
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

fn calls(survey: &Survey, package: &str) -> Result<(), Fault> {
    let own = format!("data.{package}.");
    for call in &survey.calls {
        let name = call.name.strip_prefix(&own).unwrap_or(&call.name);
        let known = survey.rules.get(name).is_some_and(|(function, _)| *function) || builtins::exists(name);
        if builtins::IMPURE.contains(&name) {
            return Err(Fault::at(
                call.place,
                format!("`{name}` is not available: a decision must follow from its facts alone"),
            ));
        }
        if !known {
            return Err(unknown(call, survey));
        }
        expression(call)?;
    }
    Ok(())
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

/// There are no data documents besides the policy's own package.
fn data(module: &Module, survey: &Survey, package: &str) -> Result<(), Fault> {
    let message = "there are no data documents; write lists into the policy";
    for import in &module.imports {
        let path = survey::dotted(&import.refr).unwrap_or_default();
        let root = path.split('.').next().unwrap_or_default();
        if root == "data" && path != format!("data.{package}") && !path.starts_with(&format!("data.{package}.")) {
            return Err(Fault::at((import.span.line, import.span.col), message));
        }
    }
    for reference in survey.references.iter().filter(|reference| reference.root == "data") {
        if reference.steps.first() != Some(&Step::Key(package.to_owned())) {
            return Err(Fault::at(reference.place, message));
        }
    }
    Ok(())
}
