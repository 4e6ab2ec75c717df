//! The text of `yarn.lock`: version 1's own form, and the simple YAML that later versions write. Does not live here: which
//! entries are packages.

use std::borrow::Cow;

use assay_model::component::Lines;
use assay_model::problem::Problem;

use crate::part::{LIMIT, corrupt};
use crate::project::PACKAGES;

/// Patched packages and workspaces have entries of their own.
const ENTRIES: usize = 2 * PACKAGES;

/// One entry: what was asked for, and what was chosen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// `name@range`, as asked for.
    pub(super) patterns: Vec<Descriptor<'a>>,
    pub(super) version: &'a str,
    /// `name@reference`, since version 2.
    pub(super) resolution: Option<&'a str>,
    /// An address, in version 1.
    pub(super) resolved: Option<&'a str>,
    pub(super) integrity: Option<&'a str>,
    pub(super) needs: Vec<Descriptor<'a>>,
    pub(super) lines: Option<Lines>,
}

/// A name, and what of it is wanted: a range, an address, another package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor<'a> {
    pub(super) name: &'a str,
    pub(super) range: &'a str,
}

impl<'a> Descriptor<'a> {
    /// Of `name@range`, the name perhaps with a scope.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at)?;
        Some(Self { name: text.get(..at)?, range: text.get(at + 1..)? })
    }

    /// The package that an alias stands for: `real` and `^1` of `npm:real@^1`.
    pub(super) fn alias(&self) -> Option<Self> {
        Self::parse(self.range.strip_prefix("npm:")?)
    }

    /// The same for the same wish, however it is written: later versions put `npm:` before ranges, but not everywhere.
    pub(super) fn key(&self) -> String {
        let range = if self.alias().is_some() { self.range } else { self.range.trim_start_matches("npm:") };
        format!("{}@{range}", self.name)
    }
}

/// All entries.
///
/// # Errors
/// When there are lines that are not of the form.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, Problem> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut section = "";
    for (number, line) in (1_u32..).zip(text.lines()) {
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            // The end of a key that was too long for one line.
            if body != ":" {
                if blocks.len() >= ENTRIES {
                    return Err(Problem::invalid(LIMIT, format!("it has more than {ENTRIES} entries")));
                }
                blocks.push(Block { patterns: patterns(body), ..Block::default() });
                section = "";
            }
        }
        let Some(block) = blocks.last_mut() else { return Err(corrupt(format!("line {number} belongs to no entry"))) };
        let first = block.lines.map_or(number, |lines| lines.first);
        block.lines = Some(Lines { first, last: number });
        let (key, value) = pair(body);
        match indent {
            0 => {}
            1..=3 => {
                section = if value.is_empty() { key } else { "" };
                block.set(key, value);
            }
            _ if matches!(section, "dependencies" | "optionalDependencies") => {
                block.needs.push(Descriptor { name: key, range: value });
            }
            _ => {}
        }
    }
    Ok(blocks)
}

impl<'a> Block<'a> {
    fn set(&mut self, key: &str, value: &'a str) {
        match key {
            "version" => self.version = value,
            "resolution" => self.resolution = Some(value),
            "resolved" => self.resolved = Some(value),
            "integrity" => self.integrity = Some(value),
            _ => {}
        }
    }
}

/// `a@^1, "b@^1 || ^2":`, and `"a@npm:^1, a@npm:^2":` of later versions; `? "..."` is a key that is very long.
fn patterns(line: &str) -> Vec<Descriptor<'_>> {
    let line = line.strip_prefix("? ").unwrap_or(line).trim_end_matches(':');
    let mut found = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (item, tail) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(", ").unwrap_or((rest, "")),
        };
        let parts: Vec<&str> = item.split(", ").collect();
        let parsed: Vec<_> = parts.iter().filter_map(|part| Descriptor::parse(part)).collect();
        match parsed.len() == parts.len() {
            true => found.extend(parsed),
            // The comma is part of a range.
            false => found.extend(Descriptor::parse(item)),
        }
        rest = tail.trim_start_matches([',', ' ']);
    }
    found
}

/// `key "value"`, `"key" value`, `key: value`, `"key": "value"`.
fn pair(line: &str) -> (&str, &str) {
    let (key, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.find([' ', ':']).map_or((line, ""), |at| line.split_at(at)),
    };
    let value = rest.trim_start_matches(':').trim();
    (key, value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// What a patched package is a patch of: `real@npm:1.0.0` of `patch:real@npm%3A1.0.0#fix.patch`.
pub(super) fn patched(range: &str) -> Option<Cow<'_, str>> {
    let base = range.strip_prefix("patch:")?.split('#').next()?;
    Some(if base.contains('%') {
        Cow::Owned(base.replace("%3A", ":").replace("%3a", ":"))
    } else {
        Cow::Borrowed(base)
    })
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, pair, patterns};

    fn shown(line: &str) -> Vec<(&str, &str)> {
        patterns(line).iter().map(|Descriptor { name, range }| (*name, *range)).collect()
    }

    #[test]
    fn what_is_asked_for() {
        assert_eq!(shown("a@^1, a@~1.2:"), [("a", "^1"), ("a", "~1.2")]);
        assert_eq!(shown("\"@s/a@^1\", \"@s/a@>= 1, < 2\":"), [("@s/a", "^1"), ("@s/a", ">= 1, < 2")]);
        assert_eq!(shown("\"a@npm:^1, a@npm:^2\":"), [("a", "npm:^1"), ("a", "npm:^2")]);
        assert_eq!(shown("? \"a@npm:^1\""), [("a", "npm:^1")]);
        assert_eq!(shown("__metadata:"), []);
        let alias = Descriptor { name: "x", range: "npm:@s/real@^1" };
        assert_eq!(alias.alias(), Some(Descriptor { name: "@s/real", range: "^1" }));
        assert_eq!(alias.key(), "x@npm:@s/real@^1");
        assert_eq!(Descriptor { name: "x", range: "npm:^1" }.key(), "x@^1");
    }

    #[test]
    fn fields() {
        for line in ["a \"b c\"", "\"a\" \"b c\"", "a: b c", "\"a\": \"b c\""] {
            assert_eq!(pair(line), ("a", "b c"), "{line}");
        }
        assert_eq!(pair("dependencies:"), ("dependencies", ""));
    }
}
