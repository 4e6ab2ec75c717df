//! Operators on what is neither number nor set (`v.score * 10` where the score is null) are undefined in Rego; the
//! evaluator fails there. Operands are therefore put through functions that are undefined for everything else.

use super::{builtins, locals, visit, wrap::Wrap};
use regorus::{
    Value,
    unstable::{ArithOp, Expr, Module, Rule, RuleHead},
};
use std::collections::BTreeSet;

/// Our function that gives a number or a set as it is, for `-`, which takes both; nobody writes it.
pub(super) const FUNCTION: &str = "internal.operand";

/// Calls around an operand that are undefined unless it is of a type, and give it as it is otherwise.
const NUMBER: (&str, &str) = ("sum([", "])");
const SET: (&str, &str) = ("union({", "})");
const EITHER: (&str, &str) = ("internal.operand(", ")");

/// What is put around operands whose type is not known. `others` are names of rules that stand in other files of the
/// package.
pub(super) fn wraps(module: &Module, others: &BTreeSet<String>) -> Vec<Wrap> {
    let mut operands = Vec::new();
    if redefined(module, others) {
        return operands;
    }
    let mut see = |expr: &Expr| match expr {
        Expr::ArithExpr { op, lhs, rhs, .. } => {
            let guard = if is_subtraction(op) && !is_number(lhs) && !is_number(rhs) { EITHER } else { NUMBER };
            operands
                .extend([lhs, rhs].into_iter().filter(|operand| !is_number(operand)).filter_map(|o| around(o, guard)));
        }
        Expr::BinExpr { lhs, rhs, .. } => operands.extend([lhs, rhs].into_iter().filter_map(|o| around(o, SET))),
        _ => {}
    };
    module.policy.iter().for_each(|rule| visit::rule(rule, &mut see));
    operands
}

/// [`FUNCTION`].
pub(super) fn operand(args: &[Value]) -> Value {
    match args.first() {
        Some(known @ (Value::Number(_) | Value::Set(_))) => known.clone(),
        _ => Value::Undefined,
    }
}

/// Whether one of the functions is another one here.
fn redefined(module: &Module, others: &BTreeSet<String>) -> bool {
    let functions = module.policy.iter().filter_map(|rule| match &**rule {
        Rule::Spec { head: RuleHead::Func { refr, .. }, .. } => Some(refr.span().text()),
        _ => None,
    });
    let imports = module.imports.iter().filter_map(locals::imported);
    functions.chain(imports).chain(others.iter().map(String::as_str)).any(|name| matches!(name, "sum" | "union"))
}

fn is_subtraction(op: &ArithOp) -> bool {
    matches!(op, ArithOp::Sub)
}

/// Whether an expression is a number or undefined, whatever is in it.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Number { .. } | Expr::UnaryExpr { .. } => true,
        Expr::ArithExpr { op, lhs, rhs, .. } => !is_subtraction(op) || is_number(lhs) || is_number(rhs),
        Expr::Call { fcn, .. } => builtins::gives_number(fcn.span().text()),
        _ => false,
    }
}

/// What is put around an operand that is a name, a path or a call.
fn around(operand: &Expr, (before, after): (&'static str, &'static str)) -> Option<Wrap> {
    let span = match operand {
        Expr::Call { fcn, .. } if fcn.span().text() == "walk" => return None,
        Expr::Var { span, .. } | Expr::RefDot { span, .. } | Expr::RefBrack { span, .. } | Expr::Call { span, .. } => {
            span
        }
        _ => return None,
    };
    named(operand).then(|| Wrap::around(span.start as usize..span.end as usize, before, "", after))
}

/// Whether an expression begins with a name: literals in brackets do not tell where they begin.
fn named(expr: &Expr) -> bool {
    match expr {
        Expr::Var { .. } => true,
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => named(refr),
        Expr::Call { fcn, .. } => named(fcn),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::{Limits, engine};
    use regorus::Value;
    use std::collections::BTreeSet;

    /// Every value is what OPA 1.18.2 gives; `none` is an undefined one.
    #[test]
    fn operands_of_other_types_are_undefined() {
        for (rules, expected) in [
            ("match := input.a.b[0] + input.none * 2", "none"),
            ("match := (input.n + input.a.b[ 0 ]) * 2", "6"),
            ("match := 3 - -2 + input.n", "7"),
            ("match := [y | some x in [1, 2]; y := f(x) + g.h[`i`]]\nf(x) := x\ng := {`h`: {`i`: 4}}", "[5,6]"),
            ("match := input.n | input.a", "none"),
            ("match := {1} | {2} | input.s", "none"),
            ("match := input.a.b[_] * input.a.b[_] > 0", "true"),
            ("match := [x | x := input.a.b[i] + input.n]", "[3]"),
            ("match := ( input.n)+( input.a.b[0] )", "3"),
            ("sum := input.n + 1\nmatch := sum + 1", "4"),
            ("match if { sum := input.n + 1; sum + 1 == 4 }", "true"),
            ("match := numbers.range(1, input.n)[1] + 1", "3"),
            ("match := count(input.a.b) + 1.50", "2.5"),
            ("match := input.n-input.a.b[0]", "1"),
            ("match := {1, 2, 3} - {input.n}", "[1,3]"),
            ("match := [x | x := input.set[_] - input.n]", "[]"),
            ("match if { not input.none + 1 }", "true"),
            ("sum(x) := 1\nmatch := input.n + sum(2)", "3"),
            ("match := input[`n`] + input[`a`][`b`][0]", "3"),
            ("match := f(input.n + 1)[0] + 1\nf(x) := [x]", "4"),
            ("match := [1, 2][input.n - 1] + {`a`: input.n}.a + {`a`: 2}[`a`]", "6"),
            ("# größer\nmatch := input.a.b[0] + # two\n\tinput[`n`]", "3"),
            ("match := {input.n} | {input.a.b[0]} & input.a.b", "none"),
            ("match := walk([])[1] + 1", "none"),
            ("match contains input.n + x if some x in [1, null, 2]", "[3,4]"),
        ] {
            let input = r#"{"a": {"b": [1]}, "n": 2, "none": null, "s": "x"}"#;
            let shown = match engine::value(&rules.replace('`', "\""), input).unwrap() {
                Value::Undefined => "none".to_owned(),
                value => serde_json::to_string(&value).unwrap(),
            };
            assert_eq!(shown, expected, "{rules}");
        }
    }

    /// Every bracket more may double what the parser does.
    #[test]
    fn what_would_be_nested_too_deep_is_left_as_it_is() {
        let deep = |depth: usize| {
            format!("package assay\nf(x) := x\nmatch := {}1{}\n", "f(".repeat(depth), ") + 1".repeat(depth))
        };
        let limits = Limits::default();
        let rewritten = |source: &str| engine::rewritten(&limits, "p.rego", source, &BTreeSet::new()).unwrap().0;
        assert!(rewritten(&deep(4)).contains("sum([f("));
        assert_eq!(rewritten(&deep(14)), deep(14));
    }

    #[test]
    fn functions_of_those_names_are_not_taken_for_the_others() {
        let rewritten = |import: &str, others: &[&str]| {
            let source = format!("package assay\n{import}\nmatch := input.n + 1\n");
            let others = others.iter().map(|&name| name.to_owned()).collect();
            engine::rewritten(&Limits::default(), "p.rego", &source, &others).unwrap().0 != source
        };
        assert!(rewritten("", &["count"]) && rewritten("import data.assay.count", &[]));
        assert!(!rewritten("", &["sum"]) && !rewritten("import data.assay.sum", &[]));
        assert!(!rewritten("import data.assay.all as union", &[]));
    }
}
