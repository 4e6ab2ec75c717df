//! Erlang terms as text, as far as `file:consult` files of packages have them: tuples, lists, maps, binaries, strings, atoms
//! and numbers (Erlang reference manual, "Data types").

use std::iter::Peekable;
use std::str::Chars;

/// Deeper nesting than any package's metadata.
const DEPTH: u32 = 32;
/// More values than any package's metadata has.
const VALUES: usize = 200_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    Tuple(Vec<Term>),
    List(Vec<Term>),
    /// A binary, a string or an atom.
    Text(String),
    /// A number, as written.
    Number(String),
}

impl Term {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The second of a pair whose first is `key`.
    pub(super) fn value_of(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Tuple(parts) if parts.len() == 2 && parts.first()?.text() == Some(key) => parts.get(1),
            _ => None,
        }
    }

    /// The value of a key in a list of pairs.
    pub(super) fn property(&self, key: &str) -> Option<&Self> {
        self.items().iter().find_map(|item| item.value_of(key))
    }
}

/// All terms of a file, each ended by a full stop.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, &'static str> {
    let mut reader = Reader { rest: text.chars().peekable(), values: 0 };
    let mut terms = Vec::new();
    loop {
        reader.blank();
        if reader.rest.peek().is_none() {
            return Ok(terms);
        }
        terms.push(reader.term(DEPTH)?);
        reader.expect('.')?;
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    values: usize,
}

impl Reader<'_> {
    fn blank(&mut self) {
        while let Some(next) = self.rest.peek() {
            match next {
                '%' => while self.rest.next().is_some_and(|c| c != '\n') {},
                c if c.is_whitespace() => {
                    self.rest.next();
                }
                _ => return,
            }
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), &'static str> {
        self.blank();
        match self.rest.next() {
            Some(c) if c == wanted => Ok(()),
            _ => Err("this is no list of Erlang terms"),
        }
    }

    fn term(&mut self, depth: u32) -> Result<Term, &'static str> {
        self.values += 1;
        if depth == 0 || self.values > VALUES {
            return Err("the terms are nested too deep, or too many");
        }
        self.blank();
        match self.rest.peek() {
            Some('{') => self.sequence('{', '}', depth).map(Term::Tuple),
            Some('[') => self.sequence('[', ']', depth).map(Term::List),
            Some('<') => self.binary(),
            Some('#') => {
                self.rest.next();
                self.sequence('{', '}', depth).map(Term::List)
            }
            Some('"') => self.quoted('"').map(Term::Text),
            Some('\'') => self.quoted('\'').map(Term::Text),
            Some(c) if c.is_ascii_digit() || *c == '-' => Ok(Term::Number(self.word())),
            Some(c) if c.is_alphabetic() => Ok(Term::Text(self.word())),
            _ => Err("this is no Erlang term"),
        }
    }

    /// Values between brackets; pairs of a map become tuples.
    fn sequence(&mut self, open: char, close: char, depth: u32) -> Result<Vec<Term>, &'static str> {
        self.expect(open)?;
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.rest.next_if_eq(&close).is_some() {
                return Ok(items);
            }
            let item = self.term(depth - 1)?;
            self.blank();
            if self.rest.next_if_eq(&'=').is_some() {
                self.expect('>')?;
                items.push(Term::Tuple(vec![item, self.term(depth - 1)?]));
            } else {
                items.push(item);
            }
            self.blank();
            let more = self.rest.next_if(|c| matches!(c, ',' | '|')).is_some();
            if !more {
                self.expect(close)?;
                return Ok(items);
            }
        }
    }

    /// `<<"text">>`, `<<"text"/utf8>>`, or `<<104,105>>`.
    fn binary(&mut self) -> Result<Term, &'static str> {
        self.expect('<')?;
        self.expect('<')?;
        let mut text = String::new();
        let mut bytes = Vec::new();
        loop {
            self.blank();
            match self.rest.peek() {
                Some('"') => text.push_str(&self.quoted('"')?),
                Some('/') => {
                    self.rest.next();
                    self.word();
                }
                Some(',') => {
                    self.rest.next();
                }
                Some(c) if c.is_ascii_digit() => bytes.extend(self.word().parse::<u8>().ok()),
                Some('>') => break,
                _ => return Err("a binary is not closed"),
            }
        }
        self.expect('>')?;
        self.expect('>')?;
        if text.is_empty() {
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Ok(Term::Text(text))
    }

    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        self.expect(quote)?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => return Err("a text is not closed"),
                Some(c) if c == quote => return Ok(text),
                Some('\\') => text.extend(self.escaped()),
                Some(c) => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        match self.rest.next()? {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            's' => Some(' '),
            'x' => {
                let braced = self.rest.next_if_eq(&'{').is_some();
                let mut code = String::new();
                while code.len() < if braced { 6 } else { 2 }
                    && let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit)
                {
                    code.push(digit);
                }
                if braced {
                    self.rest.next_if_eq(&'}');
                }
                char::from_u32(u32::from_str_radix(&code, 16).ok()?)
            }
            c => Some(c),
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        loop {
            while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || "_@-+".contains(*c)) {
                word.push(c);
            }
            // The full stop of a number is followed by a digit, that of a term is not.
            let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            let mut ahead = self.rest.clone();
            let point = ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit());
            if !is_number || !point {
                return word;
            }
            self.rest.next();
            word.push('.');
        }
    }
}
