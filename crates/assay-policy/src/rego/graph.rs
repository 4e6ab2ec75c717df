//! Which rule needs which: refuses recursion, which Rego forbids and which would exhaust the stack, and chains of rules
//! so long that evaluating them could.

use super::{
    diagnose::Fault,
    survey::{Step, Survey},
};
use std::collections::{BTreeMap, BTreeSet};

/// Longest chain of rules that need one another.
const MAX_CHAIN: usize = 48;

/// Refuses recursion and long chains.
pub(super) fn check(survey: &Survey, package: &str) -> Result<(), Fault> {
    let edges = edges(survey, package);
    let mut depths = BTreeMap::new();
    for rule in survey.rules.keys() {
        let mut path = Vec::new();
        let depth = depth(rule, &edges, &mut depths, &mut path).map_err(|cycle| {
            Fault::at(place(survey, &cycle), format!("`{cycle}` needs itself; rules cannot be recursive"))
        })?;
        if depth > MAX_CHAIN {
            return Err(Fault::at(
                place(survey, rule),
                format!("`{rule}` needs a chain of {depth} rules; at most {MAX_CHAIN} are allowed"),
            ));
        }
    }
    Ok(())
}

fn place(survey: &Survey, rule: &str) -> (u32, u32) {
    survey.rules.get(rule).map_or((0, 0), |(_, place)| *place)
}

fn edges<'a>(survey: &'a Survey, package: &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reference in &survey.references {
        let local = survey.locals.get(&reference.rule).is_some_and(|locals| locals.contains(&reference.root));
        let target = match (reference.root.as_str(), reference.steps.as_slice()) {
            ("data", [Step::Key(first), Step::Key(rule), ..]) if first == package => rule,
            (root, _) if !local => root,
            _ => continue,
        };
        if let Some((target, _)) = survey.rules.get_key_value(target) {
            edges.entry(&reference.rule).or_default().insert(target);
        }
    }
    let prefix = format!("data.{package}.");
    for call in &survey.calls {
        let name = call.name.strip_prefix(&prefix).unwrap_or(&call.name);
        if let Some((target, _)) = survey.rules.get_key_value(name) {
            edges.entry(&call.rule).or_default().insert(target);
        }
    }
    edges
}

/// Longest chain below a rule; the error is a rule on a cycle.
fn depth<'a>(
    rule: &'a str,
    edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    known: &mut BTreeMap<&'a str, usize>,
    path: &mut Vec<&'a str>,
) -> Result<usize, String> {
    if let Some(depth) = known.get(rule) {
        return Ok(*depth);
    }
    if path.contains(&rule) {
        return Err(rule.to_owned());
    }
    // A path longer than this is refused anyway; stopping here bounds our own recursion.
    if path.len() > MAX_CHAIN {
        return Ok(1);
    }
    path.push(rule);
    let mut deepest = 0;
    for next in edges.get(rule).into_iter().flatten() {
        deepest = deepest.max(depth(next, edges, known, path)?);
    }
    path.pop();
    let whole = deepest + 1;
    if path.len() + whole <= MAX_CHAIN {
        known.insert(rule, whole);
    }
    Ok(whole)
}
