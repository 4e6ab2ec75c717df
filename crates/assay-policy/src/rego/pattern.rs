//! `regex.*`: patterns are written for the reference implementation's engine (RE2 syntax), in which `\d`, `\w`, `\s` and
//! `\b` mean ASCII and `[` is an ordinary character inside a class. They are translated to this engine's syntax; without
//! that, ordinary patterns such as `[\w.-]{1,128}` would grow beyond every sensible limit.

use regex::{Regex, RegexBuilder};
use regorus::{Engine, Value};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Largest compiled pattern, bytes.
const MAX_COMPILED: usize = 1024 * 1024;
/// Most compiled patterns kept; beyond that all are forgotten and made again.
const MAX_KEPT: usize = 256;

/// Functions registered here, with how many arguments they take.
pub(super) const OWN: &[(&str, u8)] = &[
    ("regex.match", 2),
    ("regex.is_valid", 1),
    ("regex.split", 2),
    ("regex.find_n", 3),
    ("regex.find_all_string_submatch_n", 3),
    ("regex.replace", 3),
];

/// Compiled patterns, shared by all clones of an evaluator.
#[derive(Clone, Default)]
struct Patterns(Arc<Mutex<HashMap<String, Regex>>>);

/// Compiles a pattern in the reference's syntax.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&translate(pattern)).size_limit(MAX_COMPILED).build()
}

/// A pattern in the reference's syntax, in this engine's.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut class = false;
    let mut first = false;
    while let Some(next) = rest.next() {
        let opening = std::mem::take(&mut first);
        match next {
            '\\' => escape(&mut out, rest.next(), class),
            '[' if !class => {
                class = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                first = true;
            }
            // A bracket that opens a class is an ordinary character, and so is one inside, except `[:alpha:]`.
            ']' if class && opening => out.push_str(r"\]"),
            ']' if class => {
                class = false;
                out.push(']');
            }
            '[' if rest.peek() == Some(&':') => {
                out.push('[');
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str(r"\["),
            '&' | '~' if class => {
                out.push('\\');
                out.push(next);
            }
            '-' if class && rest.peek() == Some(&'-') => out.push_str(r"\-"),
            other => out.push(other),
        }
    }
    out
}

fn escape(out: &mut String, letter: Option<char>, class: bool) {
    match letter {
        Some('d') => out.push_str("[0-9]"),
        Some('D') => out.push_str("[^0-9]"),
        Some('w') => out.push_str("[0-9A-Za-z_]"),
        Some('W') => out.push_str("[^0-9A-Za-z_]"),
        Some('s') => out.push_str(r"[\t\n\f\r ]"),
        Some('S') => out.push_str(r"[^\t\n\f\r ]"),
        Some('b') if !class => out.push_str(r"(?-u:\b)"),
        Some(other) => out.extend(['\\', other]),
        None => out.push('\\'),
    }
}

impl Patterns {
    /// The compiled pattern; `None` when it is none. One that is too large is an error, so that it does not look like a
    /// pattern that does not match.
    fn get(&self, pattern: &str) -> anyhow::Result<Option<Regex>> {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(regex) = kept.get(pattern) {
            return Ok(Some(regex.clone()));
        }
        let regex = match compile(pattern) {
            Ok(regex) => regex,
            Err(regex::Error::CompiledTooBig(_)) => anyhow::bail!("a regular expression is too large"),
            Err(_) => return Ok(None),
        };
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
        Ok(Some(regex))
    }
}

/// Makes the functions known.
pub(super) fn register(engine: &mut Engine) -> anyhow::Result<()> {
    let patterns = Patterns::default();
    for (name, arity) in OWN {
        let patterns = patterns.clone();
        let call = move |args: Vec<Value>| Ok(answer(name, &args, &patterns)?.unwrap_or(Value::Undefined));
        engine.add_extension((*name).to_owned(), *arity, Box::new(call))?;
    }
    Ok(())
}

fn answer(name: &str, args: &[Value], patterns: &Patterns) -> anyhow::Result<Option<Value>> {
    let text = |index: usize| args.get(index).and_then(|value| value.as_string().ok()).map(AsRef::as_ref);
    if name == "regex.is_valid" {
        return Ok(Some(Value::from(text(0).is_some_and(|pattern: &str| compile(pattern).is_ok()))));
    }
    // `regex.replace` takes the text first, the others the pattern.
    let (pattern, subject) = if name == "regex.replace" { (text(1), text(0)) } else { (text(0), text(1)) };
    let (Some(pattern), Some(subject)) = (pattern, subject) else { return Ok(None) };
    let Some(regex) = patterns.get(pattern)? else { return Ok(None) };
    let strings = |parts: Vec<&str>| Value::from(parts.into_iter().map(Value::from).collect::<Vec<_>>());
    let most = || args.get(2).and_then(|value| value.as_i64().ok()).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    Ok(match name {
        "regex.match" => Some(Value::from(regex.is_match(subject))),
        "regex.split" => Some(strings(regex.split(subject).collect())),
        "regex.find_n" => {
            most().map(|n| strings(regex.find_iter(subject).take(n).map(|found| found.as_str()).collect()))
        }
        "regex.find_all_string_submatch_n" => most().map(|n| {
            let all = regex.captures_iter(subject).take(n);
            let groups = all.map(|found| found.iter().map(|group| group.map_or("", |group| group.as_str())).collect());
            Value::from(groups.map(strings).collect::<Vec<_>>())
        }),
        "regex.replace" => text(2).map(|with| Value::from(regex.replace_all(subject, with).into_owned())),
        _ => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_the_reference() {
        let cases = [
            (r"^[\w.-]{1,128}/[\w.-]+:[\w.-]{1,40}$", "a/b:c.d", true),
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^\D$", "é", true),
            (r"(?i)^ABC\b", "abc def", true),
            (r"^[[]x[]]$", "[x]", true),
            (r"^[]a]+$", "]a", true),
            (r"^[^]a]+$", "]", false),
            (r"^[[:alpha:]_]+$", "ab_", true),
            (r"^[a&&b]+$", "&", true),
            (r"^[\]\\]+$", r"]\", true),
            (r"^[\d-]+$", "1-2", true),
            (r"\.(tar\.gz|whl)$", "x.tar.gz", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(compile(pattern).unwrap().is_match(text), expected, "{pattern} on {text}");
        }
        assert!(compile("(").is_err());
        assert!(compile(r"\").is_err());
    }
}
