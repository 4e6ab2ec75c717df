//! `walk(x)` as a value (`[path, value] := walk(x)`) stands for one step after another in Rego; the evaluator takes it for
//! one value and finds nothing. It is written as what gathers the steps, which the evaluator goes through.

use super::{visit, wrap::Wrap};
use regorus::unstable::{Expr, Module};

/// What is put around such calls.
pub(super) fn wraps(module: &Module) -> Vec<Wrap> {
    let mut calls = Vec::new();
    let mut see = |expr: &Expr| {
        if let Expr::Call { span, fcn, params, .. } = expr
            && params.len() == 1
            && matches!(&**fcn, Expr::Var { span, .. } if span.text() == "walk")
            && span.text().ends_with(')')
        {
            calls.push(Wrap::around(span.start as usize..span.end as usize, "[assay_step | ", ", assay_step", "][_]"));
        }
    };
    module.policy.iter().for_each(|rule| visit::rule(rule, &mut see));
    calls
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::{Limits, engine};
    use std::collections::BTreeSet;

    /// Every value is what OPA 1.18.2 gives.
    #[test]
    fn steps_are_gone_through() {
        for (rules, expected) in [
            ("match := [p | [p, v] := walk({`a`: [1]})]", "[[], [`a`], [`a`, 0]]"),
            ("match := {v | [[`a`], v] = walk({`a`: 2})}", "[2]"),
            ("match := [v | walk([`b`, {`x`: `y`}])[1] = v; is_string(v)]", "[`b`, `y`]"),
            ("match if { [p, v] := walk([`b`, {`x`: `y`}]); v == `y` }", "true"),
            ("match := [x | x := walk([`b`])]", "[[[], [`b`]], [[0], `b`]]"),
            ("match contains walk([`b`])[0] if true", "[[], [0]]"),
            ("match := [p | walk({`a`: [1]}, [p, v])]", "[[], [`a`], [`a`, 0]]"),
            ("p := 7\nmatch := [p | [p, v] := walk([1])]", "[[], [0]]"),
            ("match := count([x | x := walk(walk([])[0])])", "1"),
        ] {
            let value = engine::value(&rules.replace('`', "\""), "{}").unwrap();
            let shown: serde_json::Value = serde_json::to_value(&value).unwrap();
            assert_eq!(shown.to_string(), expected.replace('`', "\"").replace(", ", ",").replace(": ", ":"), "{rules}");
        }
    }

    #[test]
    fn what_would_be_nested_too_deep_is_told() {
        let source = format!("package assay\nmatch := count({}1{})\n", "walk(".repeat(12), ")".repeat(12));
        let limits = Limits::default();
        assert!(!engine::rewritten(&limits, "p.rego", &source, &BTreeSet::new()).unwrap().1);
    }
}
