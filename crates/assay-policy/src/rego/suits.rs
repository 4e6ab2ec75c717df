//! Which policies may be evaluated in compiled form. Three things are kept away from it: our own functions, which it does
//! not know; constructs in which it is known to differ; and every way for rules to contradict one another, which is an
//! error for the interpreter and nothing for the compiled form, so that a comparison by samples could miss it.

use super::{
    builtins,
    safety::parts,
    survey::{Survey, dotted},
};
use regorus::unstable::{Expr, Literal, Module, Query, Rule, RuleBody, RuleHead};
use std::collections::BTreeMap;

/// Functions that the compiled form lacks or answers differently.
const DIFFERENT: &[&str] = &["walk", "print", "trace"];

/// What the definitions of a complete rule or function give.
#[derive(Default)]
struct Values {
    definitions: usize,
    /// The written constants; `None` is a computed value.
    constants: Vec<Option<String>>,
    /// Whether a body can hold in more than one way.
    iterates: bool,
}

/// Whether the compiled form of a policy can be used.
pub(super) fn suits(module: &Module, survey: &Survey) -> bool {
    let different = |name: &str| builtins::is_own(name) || DIFFERENT.contains(&name);
    if survey.calls.iter().any(|call| different(&call.name)) {
        return false;
    }
    let mut values: BTreeMap<String, Values> = BTreeMap::new();
    for rule in &module.policy {
        let plain = match &**rule {
            Rule::Default { refr, args, .. } => args.is_empty() && name(refr).is_some(),
            Rule::Spec { head, bodies, .. } => {
                bodies.iter().all(|body| simple(&body.query)) && spec(head, bodies, &mut values)
            }
        };
        if !plain {
            return false;
        }
    }
    values.values().all(|values| {
        let first = values.constants.first().cloned().flatten();
        let constant = first.is_some() && values.constants.iter().all(|value| *value == first);
        constant || (values.definitions == 1 && !values.iterates)
    })
}

/// The name of a rule whose head is nothing but a name.
fn name(refr: &Expr) -> Option<String> {
    dotted(refr).filter(|name| !name.contains('.'))
}

/// Notes what a definition gives; false where its form is not among the simple ones.
fn spec(head: &RuleHead, bodies: &[RuleBody], values: &mut BTreeMap<String, Values>) -> bool {
    let (refr, assign) = match head {
        RuleHead::Set { refr, key, .. } => return name(refr).is_some() && key.iter().all(|key| term(key)),
        RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => (refr, assign),
    };
    let Some(name) = name(refr) else { return false };
    if !assign.iter().chain(bodies.iter().filter_map(|body| body.assign.as_ref())).all(|assign| term(&assign.value)) {
        return false;
    }
    let entry = values.entry(name).or_default();
    entry.definitions += 1;
    let written = |assign: Option<&regorus::unstable::RuleAssign>| match assign {
        None => Some("true".to_owned()),
        Some(assign) => constant(&assign.value),
    };
    entry.constants.push(written(assign.as_ref()));
    for body in bodies {
        if body.is_else {
            entry.constants.push(written(body.assign.as_ref()));
        }
        entry.iterates |= body.query.stmts.iter().any(|statement| iterates(&statement.literal));
    }
    // A value such as `input.list[_]` iterates as well.
    let computed = assign.iter().chain(bodies.iter().filter_map(|body| body.assign.as_ref()));
    for assign in computed {
        entry.iterates |= open(&assign.value);
    }
    true
}

fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::String { span, .. } | Expr::RawString { span, .. } | Expr::Number { span, .. } => {
            Some(span.text().to_owned())
        }
        Expr::Bool { value, .. } => Some(value.to_string()),
        _ => None,
    }
}

/// Whether a query has neither `with` nor a comprehension of an object, whose keys could contradict one another.
fn simple(query: &Query) -> bool {
    query.stmts.iter().all(|statement| {
        statement.with_mods.is_empty()
            && match &statement.literal {
                Literal::SomeVars { .. } => true,
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().all(|key| term(key)) && term(value) && term(collection)
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => term(expr),
                Literal::Every { domain, query, .. } => term(domain) && simple(query),
            }
    })
}

fn term(expr: &Expr) -> bool {
    match expr {
        Expr::ObjectCompr { .. } => false,
        Expr::ArrayCompr { term: head, query, .. } | Expr::SetCompr { term: head, query, .. } => {
            term(head) && simple(query)
        }
        other => parts(other).into_iter().all(term),
    }
}

/// Whether a statement can hold in more than one way.
fn iterates(literal: &Literal) -> bool {
    match literal {
        Literal::SomeVars { .. } | Literal::SomeIn { .. } => true,
        Literal::Expr { expr, .. } => open(expr),
        Literal::NotExpr { .. } | Literal::Every { .. } => false,
    }
}

/// Whether an expression may have more than one value: it has an index that is no written one.
fn open(expr: &Expr) -> bool {
    match expr {
        // What iterates inside stays inside.
        Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => false,
        Expr::RefBrack { index, .. } if constant(index).is_none() => true,
        other => parts(other).into_iter().any(open),
    }
}
