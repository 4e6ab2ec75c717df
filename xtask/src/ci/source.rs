//! Reading Rust sources as text for the rules: without comments, and without test modules.
//!
//! This is no parser. It knows comments, string and character literals, and that a test module is last in its file.

/// What a rule looks at.
#[derive(Debug, Default)]
pub struct Source {
    /// The code with comments gone and the content of string literals replaced by nothing.
    pub code: String,
    /// The string literals in order, with the line each starts on (from 1).
    pub literals: Vec<(usize, String)>,
}

/// Reads a file's text up to its test module.
pub fn read(text: &str) -> Source {
    let mut source = Source::default();
    let mut rest = without_tests(text);
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (taken, literal) = token(rest, source.code.chars().next_back());
        if let Some(literal) = literal {
            source.literals.push((line, literal));
            source.code.push_str("\"\"");
        } else if !rest.starts_with("//") && !rest.starts_with("/*") {
            source.code.push(first);
        }
        let newlines = rest[..taken].matches('\n').count();
        if taken > 1 {
            // Comments and literals keep their line ends, so that line numbers stay true.
            source.code.extend(std::iter::repeat_n('\n', newlines));
        }
        line += newlines;
        rest = &rest[taken..];
    }
    source
}

/// Cuts at a test module with a body; `mod tests;` may stand anywhere and cuts nothing.
fn without_tests(text: &str) -> &str {
    let cut = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(|at| {
        let after = text[*at..].lines().skip(1).find(|line| !line.starts_with("#["));
        after.is_some_and(|line| line.contains("mod ") && line.contains('{'))
    });
    &text[..cut.unwrap_or(text.len())]
}

/// The length of the next token in bytes, and its content when it is a string literal.
fn token(rest: &str, before: Option<char>) -> (usize, Option<String>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |end| end + 2), None);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !in_word || before == Some('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let body = &raw[hashes + 1..];
            let close = format!("\"{}", "#".repeat(hashes));
            let end = body.find(&close).unwrap_or(body.len());
            let taken = (2 + hashes + end + close.len()).min(rest.len());
            return (taken, Some(body[..end].to_owned()));
        }
    }
    match rest.as_bytes() {
        [b'"', ..] => string(rest),
        [b'\'', b'\\', ..] => {
            (rest.char_indices().skip(3).find(|(_, c)| *c == '\'').map_or(rest.len(), |(at, _)| at + 1), None)
        }
        [b'\'', ..] => match rest.char_indices().nth(2) {
            Some((at, '\'')) => (at + 1, None),
            _ => (1, None),
        },
        _ => (rest.chars().next().map_or(1, char::len_utf8), None),
    }
}

fn string(rest: &str) -> (usize, Option<String>) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (at + 1, Some(rest[1..at].to_owned())),
            _ => {}
        }
    }
    (rest.len(), Some(rest[1..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn comments_go_literals_are_kept_apart() {
        let text = "// \"no\"\nlet a = \"x\\\"y\"; /* \"no\n\" */ let c = '\"'; let r = r#\"raw \"q\"\"#;\nfn f<'a>(s: &'a str) {}\n";
        let source = read(text);
        let literals: Vec<(usize, &str)> = source.literals.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(literals, [(2, "x\\\"y"), (3, "raw \"q\"")]);
        assert!(source.code.contains("fn f<'a>(s: &'a str)"));
        assert!(!source.code.contains("no"));
    }

    #[test]
    fn test_modules_are_left_out() {
        let source = read("fn a() {}\n#[cfg(test)]\nmod tests { const A: &str = \"pypi\"; }\n");
        assert!(source.literals.is_empty());
        let source = read("#[cfg(test)]\nmod tests;\nconst A: (char, &str) = ('\\'', \"pypi\");\n");
        assert_eq!(source.literals.len(), 1);
    }
}
