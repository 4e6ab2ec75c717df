//! Patterns of names and tags: `*` stands for any text, also none and also across `/`, `?` for one character. Nothing else
//! is special. A list may take back: what a pattern beginning with `!` matches is out.

/// Longest pattern that is taken, in bytes.
pub const MAX_PATTERN: usize = 256;

/// Whether `text` has the form of `pattern`, as a whole. Takes time in proportion to the product of both lengths at most.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // where the last star stands, and how much of the text it has taken
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Whether any of these patterns matches and none of those that begin with `!` does.
pub fn any(patterns: &[String], text: &str) -> bool {
    let (out, within): (Vec<&String>, Vec<&String>) = patterns.iter().partition(|p| p.starts_with('!'));
    within.iter().any(|p| matches(p, text)) && !out.iter().any(|p| matches(p.trim_start_matches('!'), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in
            [("*", ""), ("", ""), ("v*", "v1.2"), ("*-rc?", "2.0-rc1"), ("a*b*c", "a/xb/yc"), ("**", "x"), ("ü?", "üß")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "x"), ("v*", "1v"), ("*-rc?", "2.0-rc10"), ("a?c", "ac"), ("x", "X")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let (pattern, text) = ("*a".repeat(100), "a".repeat(20_000) + "b");
        assert!(!matches(&pattern, &text));
    }

    #[test]
    fn exceptions_win() {
        let patterns = ["v*".to_owned(), "!v0*".to_owned()];
        assert!(any(&patterns, "v1") && !any(&patterns, "v0.1") && !any(&patterns, "latest"));
        assert!(!any(&[], "x"));
    }
}
