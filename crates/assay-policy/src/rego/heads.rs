//! A value in the head of a rule that is undefined for one element of an iteration (`reason contains x.name if some x in
//! xs`) must leave that element out. The evaluator forgets the whole rule there, or fails. Such values are therefore taken
//! out of a comprehension, which is empty where they are undefined. Lines stay what they are.

use regorus::unstable::{Expr, Module, Rule, RuleBody, RuleHead, Span};

/// The source as it is evaluated; `None` where it can stay.
pub(super) fn guarded(source: &str, module: &Module) -> Option<String> {
    let mut values: Vec<(usize, usize)> = Vec::new();
    for rule in &module.policy {
        let Rule::Spec { head, bodies, .. } = &**rule else { continue };
        if bodies.iter().all(|body: &RuleBody| body.query.stmts.is_empty()) {
            continue;
        }
        let value = match head {
            RuleHead::Set { key: Some(key), .. } => key,
            // Only rules that collect: a complete rule is rightly undefined.
            RuleHead::Compr { refr, assign: Some(assign), .. } if matches!(**refr, Expr::RefBrack { .. }) => {
                &assign.value
            }
            _ => continue,
        };
        if may_be_undefined(value) {
            values.push(place(value.span()));
        }
    }
    if values.is_empty() {
        return None;
    }
    values.sort_unstable();
    let mut out = String::with_capacity(source.len() + values.len() * 32);
    let mut at = 0;
    for (start, end) in values {
        out.push_str(source.get(at..start)?);
        out.push_str("[assay_value | assay_value := ");
        out.push_str(source.get(start..end)?);
        out.push_str("][_]");
        at = end;
    }
    out.push_str(source.get(at..)?);
    Some(out)
}

fn place(span: &Span) -> (usize, usize) {
    (span.start as usize, span.end as usize)
}

/// Names are bound by the body, and written values are there.
fn may_be_undefined(value: &Expr) -> bool {
    !matches!(
        value,
        Expr::Var { .. } | Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. }
    )
}
