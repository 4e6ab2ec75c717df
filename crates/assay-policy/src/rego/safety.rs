//! Names without a value. The evaluator looks for them in the bodies of rules alone: a name that only the head of a rule
//! has would leave the rule undefined for ever, and nobody would be told. A name is given a value by an argument, an
//! assignment, `some ... in`, `every`, or as the key by which something is gone through.

use super::{
    builtins,
    diagnose::Fault,
    survey::{Survey, dotted},
};
use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleHead, Span};
use std::collections::BTreeSet;

/// The code of variables without a value.
pub(super) const UNSAFE: &str = "rego_unsafe_var_error";

/// Faults for every name that nothing gives a value.
pub(super) fn check(module: &Module, survey: &Survey, faults: &mut Vec<Fault>) {
    let mut known: BTreeSet<&str> = survey.rules.keys().map(String::as_str).chain(["input", "data"]).collect();
    for import in &module.imports {
        let last = match &*import.refr {
            Expr::RefDot { field, .. } => field.0.text(),
            other => other.span().text().trim_matches(['"', '[', ']']),
        };
        known.insert(import.r#as.as_ref().map_or(last, Span::text));
    }
    let mut look = Look { faults };
    for rule in &module.policy {
        look.rule(rule, &known);
    }
}

struct Look<'f> {
    faults: &'f mut Vec<Fault>,
}

/// Names in a source.
pub(super) type Names<'a> = BTreeSet<&'a str>;

impl Look<'_> {
    fn rule<'a>(&mut self, rule: &'a Rule, known: &Names<'a>) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        let mut known = known.clone();
        let mut told = Vec::new();
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                keys(refr, &mut told);
                told.extend(assign.iter().map(|assign| &*assign.value));
            }
            RuleHead::Set { refr, key, .. } => {
                keys(refr, &mut told);
                told.extend(key.iter().map(|key| &**key));
            }
            RuleHead::Func { args, assign, .. } => {
                args.iter().for_each(|arg| pattern(arg, &mut known));
                told.extend(assign.iter().map(|assign| &*assign.value));
            }
        }
        if bodies.is_empty() {
            told.into_iter().for_each(|expr| self.uses(expr, &known));
            return;
        }
        for body in bodies {
            let mut told = std::mem::take(&mut told);
            told.extend(body.assign.iter().map(|assign| &*assign.value));
            self.query(&body.query, &known, &told);
        }
    }

    /// A query, and what is evaluated once it holds.
    fn query<'a>(&mut self, query: &'a Query, outer: &Names<'a>, then: &[&'a Expr]) {
        let mut known = outer.clone();
        query.stmts.iter().for_each(|statement| given(statement, &mut known));
        then.iter().for_each(|expr| given_by(expr, &mut known));
        for statement in &query.stmts {
            self.statement(statement, &known);
        }
        then.iter().for_each(|expr| self.uses(expr, &known));
    }

    fn statement<'a>(&mut self, statement: &'a LiteralStmt, known: &Names<'a>) {
        statement.with_mods.iter().for_each(|modifier| self.uses(&modifier.r#as, known));
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.uses(expr, known),
            Literal::SomeIn { collection, .. } => self.uses(collection, known),
            Literal::Every { key, value, domain, query, .. } => {
                self.uses(domain, known);
                let mut inner = known.clone();
                inner.extend(key.iter().map(Span::text));
                inner.insert(value.text());
                self.query(query, &inner, &[]);
            }
        }
    }

    fn uses<'a>(&mut self, expr: &'a Expr, known: &Names<'a>) {
        match expr {
            Expr::Var { span, .. } if span.text() != "_" && !known.contains(span.text()) => {
                let message = format!("use of undefined variable `{}` is unsafe", span.text());
                self.faults.push(Fault::at((span.line, span.col), message).coded(UNSAFE));
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(query, known, &[term]);
            }
            Expr::ObjectCompr { key, value, query, .. } => self.query(query, known, &[key, value]),
            other => parts(other).into_iter().for_each(|part| self.uses(part, known)),
        }
    }
}

/// The computed parts of the name of a rule.
pub(super) fn keys<'a>(refr: &'a Expr, out: &mut Vec<&'a Expr>) {
    let mut at = refr;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
        if let Expr::RefBrack { index, .. } = at {
            out.push(index);
        }
        at = refr;
    }
}

/// What an expression is made of, without what has names of its own.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().map(|item| &**item).collect(),
        Expr::Object { fields, .. } => fields.iter().flat_map(|(_, key, value)| [&**key, &**value]).collect(),
        Expr::Call { params, .. } => params.iter().map(|param| &**param).collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).map(|part| &**part).collect()
        }
        _ => Vec::new(),
    }
}

/// The names that a statement gives values to.
pub(super) fn given<'a>(statement: &'a LiteralStmt, out: &mut Names<'a>) {
    match &statement.literal {
        Literal::SomeVars { .. } | Literal::NotExpr { .. } => {}
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr { op, lhs, rhs, .. } = &**expr {
                pattern(lhs, out);
                if *op == AssignOp::Eq {
                    pattern(rhs, out);
                }
            }
            given_by(expr, out);
        }
        Literal::SomeIn { key, value, collection, .. } => {
            key.iter().for_each(|key| pattern(key, out));
            pattern(value, out);
            given_by(collection, out);
        }
        Literal::Every { domain, .. } => given_by(domain, out),
    }
}

/// The names that an expression gives values to: keys by which something is gone through, and the last argument of a
/// function that is called with one more than it takes.
fn given_by<'a>(expr: &'a Expr, out: &mut Names<'a>) {
    match expr {
        Expr::RefBrack { index, .. } => pattern(index, out),
        Expr::Call { fcn, params, .. } => {
            let takes = dotted(fcn).and_then(|name| builtins::arity(&name));
            if let Some(last) = params.last()
                && takes.is_some_and(|takes| params.len() == takes + 1)
            {
                pattern(last, out);
            }
        }
        _ => {}
    }
    parts(expr).into_iter().for_each(|part| given_by(part, out));
}

/// Every name of a pattern.
pub(super) fn pattern<'a>(expr: &'a Expr, out: &mut Names<'a>) {
    match expr {
        Expr::Var { span, .. } => drop(out.insert(span.text())),
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern(item, out)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| pattern(value, out)),
        _ => {}
    }
}
