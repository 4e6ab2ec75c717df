//! Patterns that choose files by path: globs whose `**` stands for any folders, and regular expressions.

use assay_model::problem::Problem;
use regex::{Regex, RegexBuilder};

use super::place::INSIDE;

/// The longest pattern.
const LENGTH: usize = 4096;
/// Bytes a compiled pattern may take.
const COMPILED: usize = 1 << 20;

/// A pattern for paths. Two are equal if they are written alike.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    compiled: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.compiled.as_str()) == (&other.text, other.compiled.as_str())
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// A glob for whole paths: `?` is a character and `*` any number of them within a folder, `**` any number of folders,
    /// `[a-z]` and `[^a-z]` are characters, `{a,b}` is either, `\` takes the next character as it is. A leading `/` means nothing.
    ///
    /// # Errors
    /// `Invalid` when it is longer than 4096 bytes, or a bracket is not closed.
    pub fn glob(text: &str) -> Result<Self, Problem> {
        let plain = text.trim_start_matches("./").trim_matches('/');
        let expression = expression(plain).ok_or_else(|| wrong(text, "a bracket or a brace is not closed"))?;
        Self::compile(text, &format!("^(?:{expression})$"))
    }

    /// A regular expression that has to match somewhere in the path.
    ///
    /// # Errors
    /// `Invalid` when it is none, or compiles to more than 1 MiB.
    pub fn regex(text: &str) -> Result<Self, Problem> {
        Self::compile(text, text)
    }

    fn compile(text: &str, expression: &str) -> Result<Self, Problem> {
        if text.is_empty() || text.len() > LENGTH {
            return Err(wrong(text, "it is empty or longer than 4096 bytes"));
        }
        let compiled = RegexBuilder::new(expression).size_limit(COMPILED).build();
        let compiled = compiled.map_err(|error| wrong(text, &error.to_string()))?;
        Ok(Self { text: text.to_owned(), compiled })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is for this path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.compiled.is_match(path)
    }
}

fn wrong(text: &str, why: &str) -> Problem {
    let shown: String = text.chars().take(100).collect();
    Problem::invalid("pattern", format!("the pattern {shown:?} cannot be used: {why}"))
}

/// The regular expression of a glob.
fn expression(glob: &str) -> Option<String> {
    let chars: Vec<char> = glob.chars().collect();
    let (mut out, mut at, mut open) = (String::from("(?s)"), 0, 0_u32);
    while let Some(&c) = chars.get(at) {
        at += 1;
        let begins = at == 1 || matches!(chars.get(at.wrapping_sub(2)), Some('/' | '{' | ','));
        match c {
            '*' if begins && chars.get(at) == Some(&'*') && matches!(chars.get(at + 1), None | Some('/')) => {
                at = folders(&mut out, &chars, at);
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => at = class(&mut out, &chars, at)?,
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            '}' if open > 0 => {
                open -= 1;
                out.push(')');
            }
            ',' if open > 0 => out.push('|'),
            '\\' => {
                out.push_str(&regex::escape(&chars.get(at)?.to_string()));
                at += 1;
            }
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    (open == 0).then_some(out)
}

/// `**` as a whole part of a path; `at` is its second star. At the end it stands for the folder before it, too.
fn folders(out: &mut String, chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'/') {
        out.push_str("(?:[^/]+/)*");
        return at + 2;
    }
    if out.ends_with('/') {
        out.pop();
        out.push_str("(?:/.*)?");
    } else {
        out.push_str(".*");
    }
    at + 1
}

/// `[…]`, of which the bracket was read.
fn class(out: &mut String, chars: &[char], mut at: usize) -> Option<usize> {
    let negated = matches!(chars.get(at), Some('^' | '!'));
    out.push_str(if negated { "[^/" } else { "[" });
    at += usize::from(negated);
    let first = at;
    loop {
        let c = *chars.get(at)?;
        at += 1;
        match c {
            ']' if at > first + 1 => break,
            '-' => out.push('-'),
            '\\' => {
                out.push_str(&regex::escape(&chars.get(at)?.to_string()));
                at += 1;
            }
            c if c.is_alphanumeric() => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out.push(']');
    Some(at)
}

/// What of a tree is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// Files.
    pub files: Vec<Pattern>,
    /// Folders, with all that is in them.
    pub folders: Vec<Pattern>,
}

impl Excluded {
    /// The pattern for this folder itself.
    pub(super) fn folder(&self, path: &str) -> Option<&Pattern> {
        self.folders.iter().find(|pattern| pattern.matches(path))
    }

    /// The outermost folder of the path that is left out, or the file itself, and the pattern that says so.
    pub(super) fn at<'p>(&self, path: &'p str) -> Option<(&'p str, &Pattern)> {
        if self.folders.is_empty() && self.files.is_empty() {
            return None;
        }
        let ends = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        let mut folders = ends.filter(|folder| !folder.ends_with(INSIDE.trim_end_matches('/')));
        let folder = folders.find_map(|folder| Some((folder, self.folder(folder)?)));
        folder.or_else(|| Some((path, self.files.iter().find(|pattern| pattern.matches(path))?)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Excluded, Pattern};

    #[test]
    fn globs() {
        for (glob, path) in [
            ("go.mod", "go.mod"),
            ("/sub/go.mod", "sub/go.mod"),
            ("./sub/", "sub"),
            ("**/go.mod", "go.mod"),
            ("**/go.mod", "a/b/go.mod"),
            ("a/**", "a"),
            ("a/**", "a/b/c"),
            ("a/**/c", "a/c"),
            ("a/**/c", "a/b/b/c"),
            ("**", "a/b"),
            ("*.{jar,war}", "x.war"),
            ("a/[b-d]?.txt", "a/cx.txt"),
            ("[^a]b", "xb"),
            ("[!a]b", "xb"),
            ("[]a]", "]"),
            (r"a\*b", "a*b"),
            ("a+(b).txt", "a+(b).txt"),
            ("{a/b,c}/d", "a/b/d"),
        ] {
            assert!(Pattern::glob(glob).unwrap().matches(path), "{glob} {path}");
        }
        for (glob, path) in [
            ("go.mod", "a/go.mod"),
            ("*/go.mod", "a/b/go.mod"),
            ("*", "a/b"),
            ("a/**/c", "a/bc"),
            ("a**/c", "a/b/c"),
            ("**/go.mod", "ago.mod"),
            ("a.c", "abc"),
            ("[^a]", "/"),
            ("[^a]b", "ab"),
            (r"a\*b", "axb"),
        ] {
            assert!(!Pattern::glob(glob).unwrap().matches(path), "{glob} {path}");
        }
        for glob in ["[a", "{a,b", "a\\", "", "[z-a]"] {
            assert!(Pattern::glob(glob).is_err(), "{glob}");
        }
    }

    #[test]
    fn expressions_match_anywhere() {
        assert!(Pattern::regex(r"requirements-.*\.txt").unwrap().matches("sub/requirements-dev.txt"));
        assert!(Pattern::regex("(").is_err());
        assert!(Pattern::regex("((a{100}){100}){100}").is_err());
    }

    #[test]
    fn the_outermost_folder_is_told() {
        let globs = |list: &[&str]| list.iter().map(|glob| Pattern::glob(glob).unwrap()).collect();
        let excluded = Excluded { files: globs(&["**/*.lock"]), folders: globs(&["**/vendor", "a"]) };
        let at = |path| excluded.at(path).map(|(outer, pattern)| (outer, pattern.as_str().to_owned()));
        assert_eq!(at("a/vendor/x"), Some(("a", "a".to_owned())));
        assert_eq!(at("b/vendor/vendor/x"), Some(("b/vendor", "**/vendor".to_owned())));
        assert_eq!(at("b/x.lock"), Some(("b/x.lock", "**/*.lock".to_owned())));
        assert_eq!(at("vendor"), None);
        assert_eq!(at("b.zip!/vendor/x"), Some(("b.zip!/vendor", "**/vendor".to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_pattern_or_none(text in ".{0,40}", path in ".{0,40}") {
            if let Ok(pattern) = Pattern::glob(&text) {
                let _ = pattern.matches(&path);
            }
        }
    }
}
