//! The grammar of `go.mod` (Go modules reference, "go.mod files"): lines and blocks of directives.

use assay_model::problem::Problem;

use crate::part::corrupt;

/// The first version of Go whose `go.mod` lists all modules that packages come from.
const LISTS_ALL: (u32, u32) = (1, 17);

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GoMod {
    pub(super) module: Option<String>,
    /// As written (`1.21`, `1.22rc1`).
    pub(super) go: Option<String>,
    pub(super) toolchain: Option<String>,
    /// With whether the requirement is marked `// indirect`.
    pub(super) requires: Vec<(Module, bool)>,
    pub(super) excludes: Vec<Module>,
    /// Old and new; a new one without version is a folder.
    pub(super) replaces: Vec<(Module, Module)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) path: String,
    pub(super) version: String,
}

impl GoMod {
    pub(super) fn lists_all(&self) -> bool {
        let mut numbers = self.go.as_deref().unwrap_or_default().split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..digits).and_then(|digits| digits.parse::<u32>().ok())
        });
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => (major, minor) >= LISTS_ALL,
            (Some(major), None) => major > LISTS_ALL.0,
            _ => false,
        }
    }
}

/// # Errors
/// `corrupt` when a line is no directive; directives that are not known are passed over, as newer ones may be.
pub(super) fn parse(text: &str) -> Result<GoMod, Problem> {
    let mut parsed = GoMod::default();
    let mut block: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        let (code, comment) = comment(line);
        let bad = |what: &str| corrupt(format!("line {}: {what}", number + 1));
        let mut words = words(code).ok_or_else(|| bad("a quoted text does not end"))?;
        match (&block, words.first().map(String::as_str)) {
            (_, None) => {}
            (Some(_), Some(")")) => block = None,
            (Some(verb), Some(_)) => directive(&mut parsed, verb, &words, comment).ok_or_else(|| bad(verb))?,
            (None, Some(verb)) if words.get(1).is_some_and(|word| word == "(") => block = Some(verb.to_owned()),
            (None, Some(_)) => {
                let verb = words.remove(0);
                directive(&mut parsed, &verb, &words, comment).ok_or_else(|| bad(&verb))?;
            }
        }
    }
    Ok(parsed)
}

/// None when the words are not those of the directive.
fn directive(parsed: &mut GoMod, verb: &str, words: &[String], comment: &str) -> Option<()> {
    let module = |words: &[String]| {
        let path = words.first()?.clone();
        Some(Module { path, version: words.get(1).cloned().unwrap_or_default() })
    };
    match verb {
        "module" => parsed.module = Some(words.first()?.clone()),
        "go" => parsed.go = Some(words.first()?.clone()),
        "toolchain" => parsed.toolchain = Some(words.first()?.clone()),
        "require" => {
            let required = module(words).filter(|module| !module.version.is_empty())?;
            parsed.requires.push((required, is_indirect(comment)));
        }
        "exclude" => parsed.excludes.push(module(words)?),
        "replace" => {
            let arrow = words.iter().position(|word| word == "=>")?;
            let (old, new) = words.split_at(arrow);
            parsed.replaces.push((module(old)?, module(new.get(1..)?)?));
        }
        _ => {}
    }
    Some(())
}

fn is_indirect(comment: &str) -> bool {
    let rest = comment.trim_start_matches('/').trim_start().strip_prefix("indirect");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(';') || rest.starts_with(char::is_whitespace))
}

/// A line without its comment, and the comment.
fn comment(line: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '/') if line.get(at..).is_some_and(|rest| rest.starts_with("//")) => return line.split_at(at),
            _ => {}
        }
    }
    (line, "")
}

/// More words than any directive has.
const WORDS: usize = 64;

/// Words, quoted ones without their quotes. Parentheses are words of their own.
fn words(code: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = code.trim();
    while let Some(first) = rest.chars().next().filter(|_| words.len() < WORDS) {
        let end = match first {
            '"' | '`' => {
                let inner = rest.get(1..)?;
                let end = inner.find(first)?;
                words.push(inner.get(..end)?.to_owned());
                end + 2
            }
            '(' | ')' => {
                words.push(first.to_string());
                1
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len());
                words.push(rest.get(..end)?.to_owned());
                end
            }
        };
        rest = rest.get(end..)?.trim_start();
    }
    Some(words)
}
