//! Files whose values know their lines: JSON (also with comments and trailing commas), and lines of byte offsets for
//! parsers that tell offsets. Does not live here: what the values mean.

use std::borrow::Cow;

use assay_model::component::Lines;
use assay_model::problem::Problem;

use crate::part::{LIMIT, corrupt};

/// Objects and lists inside one another.
const DEPTH: u32 = 128;
/// Values in one file. The lock files of the largest known projects have half a million.
const NODES: u32 = 1_500_000;

/// A JSON value and the lines from its first byte to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json<'a> {
    pub(crate) lines: Lines,
    pub(crate) value: Value<'a>,
}

/// JSON (RFC 8259). Numbers are kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// In the order of the file, repeated keys included.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a whole file. A byte order mark, comments (`//`, `/* */`) and trailing commas are accepted.
    ///
    /// # Errors
    /// `corrupt` with the line where it ceases to be JSON; `limit` when it is too deep or has too many values.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Problem> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader { text, at: 0, line: 1, nodes: 0 };
        reader.space()?;
        let json = reader.value(0)?;
        reader.space()?;
        match reader.peek() {
            None => Ok(json),
            Some(_) => Err(reader.bad("more follows after the value")),
        }
    }

    /// The value of a key, the last one if it is repeated; none if this is no object. Looks at every key: for tables with
    /// many, make a map of [`Json::entries`].
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Follows keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |json, key| json.get(key))
    }

    /// The text, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether a key is there and `true`.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|json| json.value == Value::Bool(true))
    }

    /// The members of a list; none if it is no list.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Keys and values of an object in the order of the file; none if it is no object.
    pub(crate) fn entries(&self) -> &[(Cow<'a, str>, Self)] {
        match &self.value {
            Value::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Keys and values of the object under a key.
    pub(crate) fn entries_of(&self, key: &str) -> &[(Cow<'a, str>, Self)] {
        self.get(key).map_or(&[], Json::entries)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    nodes: u32,
}

impl<'a> Reader<'a> {
    fn bad(&self, what: &str) -> Problem {
        corrupt(format!("line {} is no JSON: {what}", self.line))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on by so many bytes, counting lines.
    fn skip(&mut self, bytes: usize) {
        let passed = self.rest().as_bytes().get(..bytes).unwrap_or_default();
        self.line += count_lines(passed);
        self.at += bytes;
    }

    fn space(&mut self) -> Result<(), Problem> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_ascii_start().len();
            self.skip(blank);
            let rest = self.rest();
            if rest.starts_with("//") {
                self.skip(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or_else(|| self.bad("a comment does not end"))?;
                self.skip(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: u32) -> Result<Json<'a>, Problem> {
        self.nodes += 1;
        if depth > DEPTH || self.nodes > NODES {
            let what = if depth > DEPTH { "is nested too deeply" } else { "has too many values" };
            return Err(Problem::invalid(LIMIT, format!("the file {what} (line {})", self.line)));
        }
        let first = self.line;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word()?,
        };
        Ok(Json { lines: Lines { first, last: self.line }, value })
    }

    fn word(&mut self) -> Result<Value<'a>, Problem> {
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.bad("a value is missing"))
    }

    fn number(&mut self) -> Value<'a> {
        let rest = self.rest();
        let inside = |byte: char| byte.is_ascii_digit() || matches!(byte, '-' | '+' | '.' | 'e' | 'E');
        let number = rest.get(..rest.find(|byte| !inside(byte)).unwrap_or(rest.len())).unwrap_or_default();
        self.at += number.len();
        Value::Number(number)
    }

    fn object(&mut self, depth: u32) -> Result<Value<'a>, Problem> {
        let mut entries = Vec::new();
        self.at += 1;
        while !self.closes(b'}')? {
            if self.peek() != Some(b'"') {
                return Err(self.bad("a key is missing"));
            }
            let key = self.string()?;
            self.space()?;
            if self.peek() != Some(b':') {
                return Err(self.bad("a colon is missing"));
            }
            self.at += 1;
            self.space()?;
            entries.push((key, self.value(depth + 1)?));
            self.separator(b'}')?;
        }
        Ok(Value::Object(entries))
    }

    fn list(&mut self, depth: u32) -> Result<Value<'a>, Problem> {
        let mut items = Vec::new();
        self.at += 1;
        while !self.closes(b']')? {
            items.push(self.value(depth + 1)?);
            self.separator(b']')?;
        }
        Ok(Value::List(items))
    }

    /// Whether the object or list ends here; goes past its end if so.
    fn closes(&mut self, close: u8) -> Result<bool, Problem> {
        self.space()?;
        let ends = self.peek() == Some(close);
        self.at += usize::from(ends);
        Ok(ends)
    }

    fn separator(&mut self, close: u8) -> Result<(), Problem> {
        self.space()?;
        match self.peek() {
            Some(b',') => self.at += 1,
            Some(byte) if byte == close => {}
            _ => return Err(self.bad("a comma is missing")),
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Problem> {
        self.at += 1;
        let rest = self.rest();
        let plain = rest.find(['"', '\\']).ok_or_else(|| self.bad("a text does not end"))?;
        if rest.as_bytes().get(plain) == Some(&b'"') {
            self.skip(plain + 1);
            return Ok(Cow::Borrowed(rest.get(..plain).unwrap_or_default()));
        }
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\']).ok_or_else(|| self.bad("a text does not end"))?;
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.skip(plain + 1);
            if rest.as_bytes().get(plain) == Some(&b'"') {
                return Ok(Cow::Owned(text));
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let code = self.peek();
        self.at += 1;
        Ok(match code {
            Some(code @ (b'"' | b'\\' | b'/')) => char::from(code),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode()?,
            _ => {
                self.at -= 1;
                return Err(self.bad("an unknown escape"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Problem> {
        let high = self.hex().ok_or_else(|| self.bad("an unknown escape"))?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.rest().starts_with("\\u") {
            self.at += 2;
            if let Some(low @ 0xdc00..=0xdfff) = self.hex() {
                let whole = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(whole).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|&&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Where the lines of a text begin, for parsers that tell byte offsets.
#[derive(Debug)]
pub(crate) struct LineIndex {
    /// Offsets of the first byte of each line but the first.
    begins: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        Self { begins: text.match_indices('\n').map(|(at, _)| at + 1).collect() }
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let before = self.begins.partition_point(|&begin| begin <= offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The lines of a range of bytes, its end not included.
    pub(crate) fn lines(&self, range: std::ops::Range<usize>) -> Lines {
        let last = range.end.saturating_sub(1).max(range.start);
        Lines { first: self.line(range.start), last: self.line(last) }
    }
}

#[cfg(test)]
mod tests;
