//! Conda (`VersionOrder`, CEP 33's predecessor in conda's documentation): `[epoch!]version[+local]`.
//!
//! Case does not matter, `-` and `_` separate as `.` does, a `_` at the end stays. A part is cut into runs of digits and
//! others; words are below numbers, `dev` below all words, `post` above all numbers, and a missing run is 0. A part that
//! begins with a word has a 0 before it. What has an empty part is no version.

use super::text::{cmp_digits, is_digits, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, usize> {
    let a = Version::parse(a).ok_or(0_usize)?;
    let b = Version::parse(b).ok_or(1_usize)?;
    Ok(compare_parts(&a.version, &b.version).then_with(|| compare_parts(&a.local, &b.local)))
}

/// The order of the variants is that of conda: `dev` < words < numbers < `post`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Run {
    Dev,
    Word(String),
    Number(String),
    Post,
}

impl Run {
    fn of(text: &str) -> Self {
        match text {
            "dev" => Self::Dev,
            "post" => Self::Post,
            digits if is_digits(digits) => Self::Number(digits.to_owned()),
            word => Self::Word(word.to_owned()),
        }
    }

    fn place(&self) -> u8 {
        match self {
            // `*` sorts before the letters that `dev` is written with.
            Self::Word(word) if word.starts_with('*') => 0,
            Self::Dev => 1,
            Self::Word(_) => 2,
            Self::Number(_) => 3,
            Self::Post => 4,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => cmp_digits(a, b),
            (Self::Word(a), Self::Word(b)) if self.place() == other.place() => a.cmp(b),
            _ => self.place().cmp(&other.place()),
        }
    }
}

type Part = Vec<Run>;

struct Version {
    /// The epoch is the first part.
    version: Vec<Part>,
    local: Vec<Part>,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut text = text.trim().to_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '_' | '.' | '+' | '!' | '-');
        if text.is_empty() || !text.chars().all(known) {
            return None;
        }
        if text.contains('-') {
            if text.contains('_') {
                return None;
            }
            text = text.replace('-', "_");
        }
        let (epoch, rest) = text.split_once('!').unwrap_or(("0", &text));
        let (public, local) = match rest.split_once('+') {
            Some((public, local)) => (public, Some(local)),
            None => (rest, None),
        };
        if !is_digits(epoch) || rest.contains('!') || local.is_some_and(|local| local.contains('+')) {
            return None;
        }
        let mut version = vec![vec![Run::of(epoch)]];
        version.extend(parts(public)?);
        let local = match local {
            Some(local) => parts_of(&local.replace('_', "."))?,
            None => Vec::new(),
        };
        Some(Self { version, local })
    }
}

/// `1.0.1_` keeps its end: OpenSSL's letters come after it.
fn parts(text: &str) -> Option<Vec<Part>> {
    match text.strip_suffix('_') {
        Some(rest) => parts_of(&format!("{}_", rest.replace('_', "."))),
        None => parts_of(&text.replace('_', ".")),
    }
}

fn parts_of(text: &str) -> Option<Vec<Part>> {
    text.split('.').map(part).collect()
}

fn part(text: &str) -> Option<Part> {
    let (mut runs, mut rest) = (Vec::new(), text);
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        runs.push(Run::Number("0".to_owned()));
    }
    while let Some(first) = rest.chars().next() {
        let run = match first {
            '*' => rest.get(..1)?,
            '0'..='9' => take_digits(rest).0,
            _ => rest.split(|c: char| c == '*' || c.is_ascii_digit()).next()?,
        };
        runs.push(Run::of(run));
        rest = rest.get(run.len()..)?;
    }
    (!text.is_empty()).then_some(runs)
}

fn compare_parts(a: &[Part], b: &[Part]) -> Ordering {
    let zero: Part = vec![Run::Number("0".to_owned())];
    let longest = a.len().max(b.len());
    (0..longest)
        .map(|at| compare_runs(a.get(at).unwrap_or(&zero), b.get(at).unwrap_or(&zero)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_runs(a: &[Run], b: &[Run]) -> Ordering {
    let zero = Run::Number("0".to_owned());
    let longest = a.len().max(b.len());
    (0..longest)
        .map(|at| a.get(at).unwrap_or(&zero).compare(b.get(at).unwrap_or(&zero)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering::{Equal, Less};

    #[test]
    fn the_example_of_the_documentation() {
        let rising = [
            "0.4",
            "0.4.1.rc",
            "0.4.1",
            "0.5a1",
            "0.5b3",
            "0.5C1",
            "0.5",
            "0.9.6",
            "0.960923",
            "1.0",
            "1.1dev1",
            "1.1_",
            "1.1a1",
            "1.1.dev1",
            "1.1.a1",
            "1.1",
            "1.1.post1",
            "1.1post1",
            "1996.07.12",
            "1!0.4.1",
            "1!3.1.1.6",
            "2!0.4.1",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Less), "{pair:?}");
        }
        for (a, b) in [("0.4", "0.4.0"), ("0.4.1.rc", "0.4.1.RC"), ("1.1.0post1", "1.1.post1"), ("1-0", "1_0")] {
            assert_eq!(compare(a, b), Ok(Equal), "{a} {b}");
        }
        for pair in ["1.0.1dev", "1.0.1_", "1.0.1a", "1.0.1b", "1.0.1", "1.0.1post.za", "1.0.2"].windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Less), "{pair:?}");
        }
        assert_eq!(compare("1.0+1", "1.0+2"), Ok(Less));
    }

    #[test]
    fn what_is_no_version() {
        for text in ["", "5.5++", "5.5..mw", "5.5.mw.", "!", "a!1.0", "a!b!1.0", "1-1_1", "1 0", "1.0+", "é"] {
            assert!(compare(text, "1").is_err(), "{text:?}");
        }
    }
}
