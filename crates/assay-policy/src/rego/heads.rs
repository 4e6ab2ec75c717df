//! A value in the head of a rule that is undefined for one element of an iteration (`reason contains x.name if some x in
//! xs`) must leave that element out. The evaluator forgets the whole rule there, or fails. Such values are therefore taken
//! out of a comprehension, which is empty where they are undefined. Lines stay what they are.

use super::wrap::{self, Wrap};
use regorus::unstable::{AssignOp, Expr, Module, Rule, RuleBody, RuleHead};

/// What is put around such values.
pub(super) fn wraps(source: &str, module: &Module) -> Vec<Wrap> {
    let mut values = Vec::new();
    for rule in &module.policy {
        let Rule::Spec { head, bodies, .. } = &**rule else { continue };
        if bodies.iter().all(|body: &RuleBody| body.query.stmts.is_empty()) {
            continue;
        }
        let (value, begin) = match head {
            RuleHead::Set { span, key: Some(key), .. } => (key, after_contains(source, span.start as usize)),
            // Only rules that collect: a complete rule is rightly undefined.
            RuleHead::Compr { refr, assign: Some(assign), .. } if matches!(**refr, Expr::RefBrack { .. }) => {
                let sign = if assign.op == AssignOp::Eq { "=" } else { ":=" };
                (&assign.value, Some(skipped(source, assign.span.start as usize + sign.len())))
            }
            _ => continue,
        };
        if may_be_undefined(value)
            && let Some(begin) = begin
        {
            let range = begin..wrap::closed(source, begin, value.span().end as usize);
            values.push(Wrap::around(range, "[assay_value | assay_value := ", "", "][_]"));
        }
    }
    values
}

/// Where the value begins that a head contains. Expressions do not tell where they begin when they stand in brackets, or are
/// objects, and names do not tell where they end.
fn after_contains(source: &str, mut at: usize) -> Option<usize> {
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    loop {
        let rest = source.get(at..).filter(|rest| !rest.is_empty())?;
        let behind = rest.strip_prefix("contains").filter(|behind| !behind.starts_with(of_name));
        if behind.is_some() && !source.get(..at)?.ends_with(of_name) {
            return Some(skipped(source, at + "contains".len()));
        }
        // to the end of a bracket that opens here, or one on
        at = wrap::closed(source, at, at + 1);
    }
}

/// The next place that is neither blank nor in a comment.
fn skipped(source: &str, mut at: usize) -> usize {
    loop {
        let rest = source.get(at..).unwrap_or_default();
        let text = rest.trim_start();
        at += rest.len() - text.len();
        if !text.starts_with('#') {
            return at;
        }
        at += text.find('\n').unwrap_or(text.len());
    }
}

/// Names are bound by the body, and written values are there.
fn may_be_undefined(value: &Expr) -> bool {
    let empty = matches!(value, Expr::Set { items, .. } | Expr::Array { items, .. } if items.is_empty());
    !empty
        && !matches!(
            value,
            Expr::Var { .. } | Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. }
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::{Limits, engine};
    use std::collections::BTreeSet;

    #[test]
    fn what_is_undefined_is_left_out_and_the_rest_is_not() {
        let xs = r#"xs := [{"name": "a", "n": 1}, {"n": 2}]"#;
        for (head, expected) in [
            ("match contains x.name", r#"["a"]"#),
            ("match contains (x.name)", r#"["a"]"#),
            (r#"match contains {"n": x.n, "name": x.name}"#, r#"[{"n":1,"name":"a"}]"#),
            (r#"match contains [x.n, {"name": [x.name], "})": "]"}]"#, r#"[[1,{"})":"]","name":["a"]}]]"#),
            ("match contains (x.n + count(x.name)) * 2", "[4]"),
            ("match contains # {\n\tupper(x.name)", r#"["A"]"#),
            ("match contains set()", "[[]]"),
            ("match contains $\"{x.name} {x.n}\"", r#"["<undefined> 2","a 1"]"#),
            ("match[x.n] := x.name", r#"{"1":"a"}"#),
            (r#"match[x.n] := {"name": x.name, "n": (x.n)}"#, r#"{"1":{"n":1,"name":"a"}}"#),
            ("match := all\nall[\"of\"] contains x.name", r#"{"of":["a"]}"#),
            ("match := contains_all\ncontains_all contains x.name", r#"["a"]"#),
            ("match := all\nall.of contains x.name", r#"{"of":["a"]}"#),
            ("match[x.n] = (x.name)", r#"{"1":"a"}"#),
        ] {
            let rules = format!("{xs}\n{head} if some x in xs");
            let source = format!("package assay\n{rules}\n");
            let (rewritten, whole) =
                engine::rewritten(&Limits::default(), "p.rego", &source, &BTreeSet::new()).unwrap();
            assert!(whole && rewritten.contains("[assay_value") != head.ends_with("set()"), "{rewritten}");
            let value = engine::value(&rules, "{}").unwrap();
            let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
            assert_eq!(serde_json::to_value(&value).unwrap(), expected, "{head}");
        }
    }
}
