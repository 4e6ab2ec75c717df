//! What is made of the source of a test before it is loaded. Lines stay where they are; what is added comes after the last.
//!
//! * `import data.cloudsmith` is written out where it is used: through the name that an import gives, the evaluator would
//!   evaluate every rule of the package, and all would count as tested.
//! * Of a rule with cases (`test_of[name] if { some name, x in ...; ... }`) only those cases are seen that hold. A rule is
//!   added that tells all: its statements as far as they give the names.

use crate::rego::{safety, survey, visit};
use regorus::unstable::{Expr, Module, Rule, RuleHead};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Begins the name of the rule that tells the cases of a test.
pub(super) const ALL: &str = "assay_all_of_";

/// The source as it is loaded.
pub(super) fn prepared(source: &str, module: &Module) -> String {
    let mut out = written_out(source, module).unwrap_or_else(|| source.to_owned());
    for rule in &module.policy {
        if let Some(added) = all_cases(source, rule) {
            let _ = write!(out, "\n{added}");
        }
    }
    out
}

/// The name of a rule, and the keys that it has cases for.
pub(super) fn keyed(refr: &Expr) -> Option<(&str, Vec<&Expr>)> {
    let (mut at, mut keys) = (refr, Vec::new());
    while let Expr::RefBrack { refr, index, .. } = at {
        keys.push(&**index);
        at = refr;
    }
    keys.reverse();
    match at {
        Expr::Var { span, .. } => Some((span.text(), keys)),
        _ => None,
    }
}

fn all_cases(source: &str, rule: &Rule) -> Option<String> {
    let Rule::Spec { head: RuleHead::Compr { refr, .. }, bodies, .. } = rule else { return None };
    let (name, keys) = keyed(refr).filter(|(name, keys)| name.starts_with("test_") && !keys.is_empty())?;
    let text = |from: u32, to: u32| source.get(from as usize..to as usize);
    let listed: Option<Vec<&str>> = keys.iter().map(|key| text(key.span().start, key.span().end)).collect();
    let wanted: BTreeSet<&str> =
        keys.iter().filter(|key| matches!(key, Expr::Var { .. })).map(|key| key.span().text()).collect();
    if wanted.is_empty() {
        return None;
    }
    let statements = bodies.first().map_or(&[][..], |body| &body.query.stmts);
    let mut given = BTreeSet::new();
    let mut enough = 0;
    while !wanted.is_subset(&given) {
        safety::given(statements.get(enough)?, &mut given);
        enough += 1;
    }
    let (first, last) = (statements.first()?, statements.get(enough.checked_sub(1)?)?);
    let condition = text(first.span.start, last.span.end)?;
    Some(format!("{ALL}{name} contains [{}] if {{\n{condition}\n}}", listed?.join(", ")))
}

fn written_out(source: &str, module: &Module) -> Option<String> {
    let survey = survey::survey(module);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for import in &module.imports {
        let path = survey::dotted(&import.refr).filter(|path| path.starts_with("data.")).unwrap_or_default();
        let last = path.rsplit('.').next().unwrap_or_default();
        let name = import.r#as.as_ref().map_or(last, |name| name.text()).to_owned();
        let hidden = survey.rules.contains_key(&name) || survey.declared.iter().any(|(_, local)| *local == name);
        if !name.is_empty() && !hidden {
            names.insert(name, path);
        }
    }
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    let mut see = |expr: &Expr| {
        if let Expr::Var { span, .. } = expr
            && let Some(path) = names.get(span.text())
        {
            places.push((span.start as usize, span.end as usize, path));
        }
    };
    module.policy.iter().for_each(|rule| visit::rule(rule, &mut see));
    places.sort_unstable();
    places.dedup();
    let (mut out, mut at) = (String::with_capacity(source.len() * 2), 0);
    for (start, end, path) in places {
        out.push_str(source.get(at..start)?);
        out.push_str(path);
        at = end;
    }
    out.push_str(source.get(at..)?);
    Some(out)
}
