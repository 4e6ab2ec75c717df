//! What is checked of a policy before it is stored or evaluated. Everything that can be told from the source alone is
//! told here, so that it does not surface as a failing decision.

use super::{
    Limits, builtins,
    diagnose::{Fault, fault, suggestion},
    engine::{self, SOURCE},
    graph, pattern, reads, scan,
    survey::{self, Call, Step, Survey},
};
use crate::input;
use assay_model::{Problem, policy::FactKind};
use regorus::{Engine, unstable::Module};
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
}

/// Checks a source.
pub(super) fn check(rego: &str, limits: &Limits) -> Result<Checked, Problem> {
    if rego.len() > limits.source_bytes {
        return Err(Problem::invalid(
            "bad-policy",
            format!("the policy has {} bytes; at most {} are allowed", rego.len(), limits.source_bytes),
        ));
    }
    scan::check(rego).map_err(Fault::problem)?;
    let mut engine = engine::new(limits).map_err(|error| Problem::internal("the evaluator did not start", error))?;
    engine.add_policy(SOURCE.into(), rego.to_owned()).map_err(|error| {
        let fault = fault(&error);
        let hint = suggestion(rego, &fault.message);
        Fault { message: format!("{}{hint}", fault.message), ..fault }.problem()
    })?;
    let (package, reads) = inspect(&mut engine).map_err(Fault::problem)?;
    let entry = format!("data.{package}.match");
    engine.compile_with_entrypoint(&entry.as_str().into()).map_err(|error| fault(&error).problem())?;
    Ok(Checked { package, reads })
}

fn inspect(engine: &mut Engine) -> Result<(String, BTreeSet<FactKind>), Fault> {
    let Some(module) = engine.get_modules().first() else {
        return Err(Fault::at((0, 0), "the policy is empty; begin with `package cloudsmith`"));
    };
    let package = package(module)?;
    let survey = survey::survey(module);
    entry(&survey)?;
    calls(&survey, &package)?;
    data(module, &survey, &package)?;
    fields(&survey)?;
    if let Some(place) = survey.negated.first() {
        return Err(Fault::at(*place, "a minus can stand before a written number only; write `0 - x`"));
    }
    graph::check(&survey, &package)?;
    Ok((package, reads::reads(module, &survey)))
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
            return Err(unknown(call));
        }
        expression(call)?;
    }
    Ok(())
}

fn unknown(call: &Call) -> Fault {
    let instead = builtins::instead_of(&call.name).map_or(String::new(), |instead| format!("; use {instead}"));
    Fault::at(call.place, format!("there is no function `{}`{instead}", call.name))
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

/// A misspelt field would be undefined for every package, and its policy silent for ever.
fn fields(survey: &Survey) -> Result<(), Fault> {
    if survey.replaces_input {
        return Ok(());
    }
    for reference in survey.references.iter().filter(|reference| reference.root == "input") {
        match reference.steps.as_slice() {
            [Step::Key(version), ..] if !matches!(version.as_str(), "v0" | "v1") => {
                let message = format!("there is no `input.{version}`; policies read `input.v0` or `input.v1`");
                return Err(Fault::at(reference.place, message));
            }
            [Step::Key(version), Step::Key(field), ..] if !input::has_field(version, field) => {
                let known = input::fields(version).join(", ");
                let message = format!("there is no `input.{version}.{field}`; there are {known}");
                return Err(Fault::at(reference.place, message));
            }
            _ => {}
        }
    }
    Ok(())
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
