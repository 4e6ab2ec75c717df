//! Imports of keywords (`import rego.v1`, `import future.keywords.in`). In Rego v1 they mean nothing and may stand anywhere,
//! more than once, and beside each other; the parser here wants them at the top, each once. They are therefore blanked.

use std::borrow::Cow;

/// What `import future.keywords` can name.
const KEYWORDS: &[&str] = &["in", "every", "contains", "if"];

/// The source without imports of keywords; everything else stays where it is, to the byte.
pub(super) fn without(source: &str) -> Cow<'_, str> {
    if !source.contains("import") {
        return Cow::Borrowed(source);
    }
    let mut out = String::new();
    let mut within_text = false;
    for line in source.split_inclusive('\n') {
        let import = if within_text { None } else { imported(line) };
        match import {
            Some(bytes) => {
                out.extend(std::iter::repeat_n(' ', bytes));
                out.push_str(line.get(bytes..).unwrap_or_default());
            }
            None => out.push_str(line),
        }
        within_text = ends_within(line, within_text);
    }
    if out == source { Cow::Borrowed(source) } else { Cow::Owned(out) }
}

/// How many bytes of a line are an import of keywords, where it is one.
fn imported(line: &str) -> Option<usize> {
    let code = line.split('#').next().unwrap_or_default().trim_end();
    let path = code.trim_start().strip_prefix("import")?.strip_prefix([' ', '\t'])?.trim();
    let known = match path.strip_prefix("future.keywords") {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|word| KEYWORDS.contains(&word)),
        None => path == "rego.v1",
    };
    known.then_some(code.len())
}

/// Whether a raw text, which may have many lines, is open at the end of a line.
fn ends_within(line: &str, mut open: bool) -> bool {
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        match next {
            '`' => open = !open,
            '#' if !open => return false,
            '"' if !open => {
                while let Some(inner) = rest.next() {
                    match inner {
                        '\\' => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn imports_of_keywords_are_blanked_wherever_they_stand() {
        let source =
            "package assay\nimport rego.v1 # why\n\nx if true\n\nimport future.keywords.in\nimport future.keywords\n";
        let left = without(source);
        assert_eq!(left.len(), source.len());
        assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["package", "assay", "#", "why", "x", "if", "true"]);
    }

    #[test]
    fn nothing_else_is() {
        for source in [
            "package assay\nimport input.v1.package as p\n",
            "package assay\nimport future.keywords.nothing\n",
            "package assay\nx := `\nimport rego.v1\n`\n",
            "package assay\n# import rego.v1\ny := \"a ` b\" # `\n",
        ] {
            assert_eq!(without(source), source);
        }
        assert_ne!(without("package assay\ny := \"a ` b\" # `\nimport rego.v1\n"), "");
    }
}
