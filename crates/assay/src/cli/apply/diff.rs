//! What a step changes, for people: one line for the object, and below it what differs.

use super::Step;
use crate::cli::look::{Look, harmless};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Lines around a change of a text.
const AROUND: usize = 2;

/// The same for programs: each field that differs, as it is and as it is to be.
pub(super) fn changes(now: &Map<String, Value>, wanted: &Map<String, Value>) -> Vec<Value> {
    let mut changes = Vec::new();
    fields("", now, wanted, &mut |path, before, after| {
        changes.push(json!({"field": path, "now": before, "wanted": after}));
    });
    changes
}

pub(super) fn render(step: &Step, look: Look) -> String {
    let object = step.object();
    let sign = match step {
        Step::Create(_) => '+',
        Step::Change { .. } => '~',
        Step::Remove(_) => '-',
    };
    let name = if object.name.is_empty() { text_of(object.spec.get("reason")) } else { object.name.clone() };
    let mut lines = vec![look.signed(sign, &harmless(&format!("{sign} {} {name}", object.kind.word())))];
    if let Step::Change { now, wanted } = step {
        differences(&now.spec, &wanted.spec, &mut |line: &str| {
            let sign = line.chars().next().unwrap_or(' ');
            lines.push(format!("    {}", look.signed(sign, &harmless(&line.replace('\t', "    ")))));
        });
        if wanted.secrets.is_some() {
            lines.push("    ~ secrets".to_owned());
        }
    }
    lines.join("\n")
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing".to_owned(),
    }
}

/// What is told of a field: its path, what it is, and what it is to be.
type Tell<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

fn fields(path: &str, now: &Map<String, Value>, wanted: &Map<String, Value>, tell: &mut Tell<'_>) {
    let names: BTreeSet<&String> = now.keys().chain(wanted.keys()).collect();
    for name in names {
        let (before, after) = (now.get(name), wanted.get(name));
        if before == after {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (before, after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => fields(&path, before, after, tell),
            _ => tell(&path, before, after),
        }
    }
}

fn differences(now: &Map<String, Value>, wanted: &Map<String, Value>, tell: &mut impl FnMut(&str)) {
    fields("", now, wanted, &mut |path, before, after| match (before, after) {
        (Some(Value::String(before)), Some(Value::String(after))) if before.contains('\n') => {
            tell(&format!("~ {path}"));
            lines(before, after, tell);
        }
        _ => tell(&format!("~ {path}: {} → {}", text_of(before), text_of(after))),
    });
}

fn lines(before: &str, after: &str, tell: &mut impl FnMut(&str)) {
    let diff = similar::TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(AROUND) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            tell(&format!("{} {}", change.tag(), change.value().trim_end_matches('\n')));
        }
    }
}
