//! Templates (`$"{count(found)} found"`, `` $`...` ``), which the parser here does not know, written as calls. An expression
//! becomes a comprehension, which is empty where it is undefined. Lines stay what they are; columns are told as they were.

use super::{diagnose::Fault, format};
use regorus::Value;
use std::borrow::Cow;

/// The function that puts a template together, as the reference implementation calls it.
pub(super) const FUNCTION: &str = "internal.template_string";

/// Most templates within templates.
const MAX_NESTING: usize = 8;

/// A source without templates.
pub(super) struct Plain<'s> {
    /// The source as it is parsed.
    pub(super) text: Cow<'s, str>,
    /// Where pieces begin: in this text, in the written one, and whether they are the same up to the next.
    pieces: Vec<(usize, usize, bool)>,
}

impl Plain<'_> {
    /// The column, from 1 and in characters, that a place had in the source as it was written.
    pub(super) fn column(&self, written: &str, line: u32, column: u32) -> u32 {
        let found = if self.pieces.is_empty() { None } else { self.written_at(line, column) };
        let Some(found) = found.and_then(|at| written.get(..at)) else { return column };
        let begin = found.rfind('\n').map_or(0, |end| end + 1);
        u32::try_from(found.get(begin..).unwrap_or_default().chars().count() + 1).unwrap_or(column)
    }

    fn written_at(&self, line: u32, column: u32) -> Option<usize> {
        let skipped = usize::try_from(line).ok()?.checked_sub(1)?;
        let begin: usize = self.text.split_inclusive('\n').take(skipped).map(str::len).sum();
        let rest = self.text.get(begin..)?;
        let within: usize = rest.chars().take(usize::try_from(column).ok()?.checked_sub(1)?).map(char::len_utf8).sum();
        let at = begin + within;
        let piece = self.pieces.partition_point(|(from, ..)| *from <= at).checked_sub(1)?;
        let (from, written, same) = self.pieces.get(piece)?;
        Some(if *same { written + (at - from) } else { *written })
    }
}

/// Writes the templates of a source as calls.
///
/// # Errors
/// For a template that is not closed, has nothing between its braces, or is nested too deep.
pub(super) fn plain(source: &str) -> Result<Plain<'_>, Fault> {
    if !source.contains("$\"") && !source.contains("$`") {
        return Ok(Plain { text: Cow::Borrowed(source), pieces: Vec::new() });
    }
    let mut writer = Writer { source, at: 0, out: String::with_capacity(source.len() * 2), pieces: Vec::new() };
    writer.code(0, None)?;
    Ok(Plain { text: Cow::Owned(writer.out), pieces: writer.pieces })
}

struct Writer<'s> {
    source: &'s str,
    at: usize,
    out: String,
    pieces: Vec<(usize, usize, bool)>,
}

impl Writer<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn copy(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.source.len());
        if let Some(text) = self.source.get(self.at..end).filter(|text| !text.is_empty()) {
            self.pieces.push((self.out.len(), self.at, true));
            self.out.push_str(text);
        }
        self.at = end;
    }

    fn insert(&mut self, text: &str) {
        self.pieces.push((self.out.len(), self.at, false));
        self.out.push_str(text);
    }

    /// Up to the end of the source; within a template, up to the brace that closes an expression.
    fn code(&mut self, depth: usize, template: Option<usize>) -> Result<(), Fault> {
        let mut open = 0_usize;
        while let Some(next) = self.rest().find(['#', '"', '`', '$', '{', '}']) {
            self.copy(next);
            match self.rest().as_bytes() {
                [b'#', ..] => self.copy(self.rest().find('\n').unwrap_or(self.rest().len())),
                [b'"', ..] => self.copy(quoted(self.rest())),
                [b'`', ..] => {
                    let raw = self.rest().get(1..).and_then(|rest| rest.find('`'));
                    self.copy(raw.map_or(self.rest().len(), |end| end + 2));
                }
                [b'$', b'"' | b'`', ..] => self.template(depth + 1)?,
                [b'}', ..] if template.is_some() && open == 0 => return Ok(()),
                [first, ..] => {
                    match first {
                        b'{' => open += 1,
                        b'}' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    self.copy(1);
                }
                [] => break,
            }
        }
        self.copy(self.rest().len());
        match template {
            Some(begin) => Err(self.fault(begin, "the expression in this template is not closed; a `}` is missing")),
            None => Ok(()),
        }
    }

    fn template(&mut self, depth: usize) -> Result<(), Fault> {
        let begin = self.at;
        if depth > MAX_NESTING {
            return Err(
                self.fault(begin, "templates are nested too deep; name a part of this one in a rule of its own")
            );
        }
        let raw = self.rest().starts_with("$`");
        let (quote, ends) = if raw { ("`", &['`', '{', '\\'][..]) } else { ("\"", &['"', '{', '\\', '\n'][..]) };
        self.insert(&format!("{FUNCTION}([{quote}"));
        self.at += 2;
        loop {
            let unclosed = || "this template is not closed; the quote at its end is missing";
            let next = self.rest().find(ends).ok_or_else(|| self.fault(begin, unclosed()))?;
            self.copy(next);
            match self.rest().as_bytes() {
                [b'\\', b'{', ..] => {
                    self.at += 1;
                    self.copy(1);
                }
                [b'\\', ..] => {
                    let more = if raw { 0 } else { self.rest().chars().nth(1).map_or(0, char::len_utf8) };
                    self.copy(1 + more);
                }
                [b'{', ..] => self.expression(begin, quote, depth)?,
                [b'\n', ..] => return Err(self.fault(begin, unclosed())),
                _ => break,
            }
        }
        self.insert(&format!("{quote}])"));
        self.at += 1;
        Ok(())
    }

    fn expression(&mut self, template: usize, quote: &str, depth: usize) -> Result<(), Fault> {
        let begin = self.at;
        self.insert(&format!("{quote}, [assay_part | assay_part := "));
        self.at += 1;
        self.code(depth, Some(template))?;
        if self.source.get(begin + 1..self.at).is_none_or(|text| text.trim().is_empty()) {
            let message = "there is nothing between the braces of this template; write `\\{` for a brace itself";
            return Err(self.fault(begin, message));
        }
        self.at += 1;
        self.insert(&format!("], {quote}"));
        Ok(())
    }

    /// A fault at a place of the written source. Columns are counted as the evaluator does, a tab as four.
    fn fault(&self, at: usize, message: &str) -> Fault {
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let wide = |c: char| if c == '\t' { 4 } else { 1 };
        let column = before.rsplit('\n').next().unwrap_or_default().chars().map(wide).sum::<usize>() + 1;
        let place = (u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0));
        Fault::at(place, message).coded("rego_parse_error")
    }
}

/// How long a text in quotes is.
pub(super) fn quoted(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    while let Some((at, next)) = rest.next() {
        match next {
            '\\' => drop(rest.next()),
            '"' | '\n' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The function: an array of texts, and of arrays that hold what an expression gave or nothing.
///
/// # Errors
/// When an expression has more than one value, as in the reference implementation, and when the text gets too long.
pub(super) fn joined(args: &[Value]) -> anyhow::Result<Value> {
    let Some(Value::Array(parts)) = args.first() else { return Ok(Value::Undefined) };
    let mut out = String::new();
    for part in parts.iter() {
        match part {
            Value::String(text) => out.push_str(text),
            Value::Array(values) => match (values.first(), values.get(1)) {
                (Some(value), None) => out.push_str(&format::plain(value)),
                (None, _) => out.push_str("<undefined>"),
                _ => anyhow::bail!("an expression in a template gives more than one value"),
            },
            _ => return Ok(Value::Undefined),
        }
        anyhow::ensure!(
            out.len() <= format::MAX_RESULT,
            "the text of a template is longer than {} bytes",
            format::MAX_RESULT
        );
    }
    Ok(Value::from(out))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{super::engine, plain};
    use regorus::Value;

    fn value(rules: &str) -> anyhow::Result<Value> {
        engine::value(rules, "{}")
    }

    /// Every text is what OPA 1.18.2 gives.
    #[test]
    fn templates_are_put_together() {
        for (rules, expected) in [
            (r#"match := $"""#, ""),
            (r#"match := $"plain""#, "plain"),
            (r#"match := $"\t\"\\""#, "\t\"\\"),
            (r#"match := $"\{42} \{{42}""#, "{42} {42"),
            (r#"match := $"{42}, {13.37}, {true}, {"}"}, {null}""#, "42, 13.37, true, }, null"),
            (
                r#"match := $"{[]} {[1, "a"]} {set()} {{42}} {{}} {{"a": "b"}}""#,
                r#"[] [1, "a"] set() {42} {} {"a": "b"}"#,
            ),
            ("a := [1, 2]\nmatch := $\"{[x | some x in a]}\"", "[1, 2]"),
            (r#"match := $"{input.x}, {data.assay.y}""#, "<undefined>, <undefined>"),
            ("a := 1\nmatch := $\"{$\"{a}\"} {$\"{$\"{b}\"} c\"}\"\nb := 2", "1 2 c"),
            ("a := 42\nmatch := $\"sum: {1 + a}\" # $\"{", "sum: 43"),
            ("a := input.a\nmatch := $\"is {a with input as {\"a\": 42}}\"", "is 42"),
            ("a := input.a\nmatch := x if { x := $\"is {a}\" with input.a as 42 }", "is 42"),
            ("match := $`a \\{1} \\n {1}\nb{`x`}`", "a {1} \\n 1\nbx"),
            (r#"match := concat(" ", [t | some x in ["a", "b"]; t := $"<{x}>"])"#, "<a> <b>"),
            (r#"match := $"<{k}>" if some k in ["é"]"#, "<é>"),
            (r#"match := "$\"{" "#, "$\"{"),
            ("match := `$` ", "$"),
        ] {
            assert_eq!(value(rules).unwrap(), Value::from(expected), "{rules}");
        }
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (rules, expected) in [
            ("x := $\"a", "line 1, column 6: this template is not closed; the quote at its end is missing"),
            ("\nx := $\"a\n\"", "line 2, column 6: this template is not closed; the quote at its end is missing"),
            ("x := $\"{a", "line 1, column 6: the expression in this template is not closed; a `}` is missing"),
            (
                "x := $\"{ }\"",
                "line 1, column 8: there is nothing between the braces of this template; write `\\{` for a brace itself",
            ),
        ] {
            assert_eq!(plain(rules).map(|_| ()).unwrap_err().to_string(), expected, "{rules}");
        }
        let nested = (0..9).fold("1".to_owned(), |inner, _| format!("$\"{{{inner}}}\""));
        assert!(plain(&format!("x := {nested}")).is_err());
        assert!(value(r#"match := $"{[1, 2][_]}""#).is_err());
    }

    #[test]
    fn columns_are_those_of_the_source() {
        let written = "package assay\nx := $\"é{abc} {def}\" ; y := $\"{g}\" + h\nz := i";
        let rewritten = plain(written).unwrap();
        assert_eq!(rewritten.text.lines().count(), written.lines().count());
        for (line, what) in [(2, "abc"), (2, "def"), (2, "h"), (3, "i"), (2, "y :="), (1, "assay")] {
            let column = |text: &str| {
                let text = text.lines().nth(line - 1).unwrap();
                u32::try_from(text.get(..text.rfind(what).unwrap()).unwrap().chars().count() + 1).unwrap()
            };
            let told = rewritten.column(written, u32::try_from(line).unwrap(), column(&rewritten.text));
            assert_eq!(told, column(written), "{what}");
        }
    }
}
