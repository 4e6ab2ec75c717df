//! A row, read cell by cell from the left, so that a reader lists a noun's fields in the order of the SELECT.

use super::{R, Value};
use assay_model::{Digest, Problem};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// A row and the place of the next cell.
#[derive(Clone, Debug)]
pub struct Row {
    cells: Vec<Value>,
    next: usize,
}

impl Row {
    /// A row of these cells.
    pub fn new(cells: Vec<Value>) -> Self {
        Self { cells, next: 0 }
    }
    fn take(&mut self) -> R<Value> {
        let cell =
            self.cells.get_mut(self.next).ok_or_else(|| Problem::bug("a row has fewer columns than are read"))?;
        self.next += 1;
        Ok(std::mem::replace(cell, Value::Null))
    }
    fn wrong(&self, wanted: &str, got: &Value) -> Problem {
        let got = match got {
            Value::Null => "null",
            Value::Int(_) => "an integer",
            Value::Real(_) => "a real number",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
        };
        Problem::bug(format!("column {} holds {got} where {wanted} belongs", self.next))
    }
    /// Passes over `n` cells.
    pub fn skip(&mut self, n: usize) {
        self.next += n;
    }
    /// An integer.
    pub fn int(&mut self) -> R<i64> {
        match self.take()? {
            Value::Int(v) => Ok(v),
            other => Err(self.wrong("an integer", &other)),
        }
    }
    /// An integer, or nothing.
    pub fn int_or_null(&mut self) -> R<Option<i64>> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Int(v) => Ok(Some(v)),
            other => Err(self.wrong("an integer", &other)),
        }
    }
    /// A size or count.
    pub fn unsigned(&mut self) -> R<u64> {
        u64::try_from(self.int()?).map_err(|_| Problem::bug("a size below zero"))
    }
    /// A small count.
    pub fn small(&mut self) -> R<u32> {
        u32::try_from(self.int()?).map_err(|_| Problem::bug("a count outside 32 bits"))
    }
    /// A yes or no.
    pub fn flag(&mut self) -> R<bool> {
        Ok(self.int()? != 0)
    }
    /// A real number; SQLite gives whole ones as such.
    pub fn real(&mut self) -> R<f64> {
        match self.take()? {
            Value::Real(v) => Ok(v),
            other => Err(self.wrong("a real number", &other)),
        }
    }
    /// A text.
    pub fn text(&mut self) -> R<String> {
        match self.take()? {
            Value::Text(v) => Ok(v),
            other => Err(self.wrong("text", &other)),
        }
    }
    /// A text, or nothing.
    pub fn text_or_null(&mut self) -> R<Option<String>> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Text(v) => Ok(Some(v)),
            other => Err(self.wrong("text", &other)),
        }
    }
    /// Bytes.
    pub fn bytes(&mut self) -> R<Vec<u8>> {
        match self.take()? {
            Value::Bytes(v) => Ok(v),
            other => Err(self.wrong("bytes", &other)),
        }
    }
    /// Bytes, or nothing.
    pub fn bytes_or_null(&mut self) -> R<Option<Vec<u8>>> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Bytes(v) => Ok(Some(v)),
            other => Err(self.wrong("bytes", &other)),
        }
    }
    /// A time.
    pub fn time(&mut self) -> R<Timestamp> {
        to_time(self.int()?)
    }
    /// A time, or nothing.
    pub fn time_or_null(&mut self) -> R<Option<Timestamp>> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Int(v) => to_time(v).map(Some),
            other => Err(self.wrong("a time", &other)),
        }
    }
    /// A digest.
    pub fn digest(&mut self) -> R<Digest> {
        self.text()?.parse()
    }
    /// JSON.
    pub fn json<T: DeserializeOwned>(&mut self) -> R<T> {
        let text = self.text()?;
        from_json(&text)
    }
    /// JSON, or nothing.
    pub fn json_or_null<T: DeserializeOwned>(&mut self) -> R<Option<T>> {
        self.text_or_null()?.map(|t| from_json(&t)).transpose()
    }
    /// A word of an enumeration.
    pub fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> R<T> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| Problem::bug(format!("`{text}` is not a word this version knows")))
    }
}

fn to_time(micros: i64) -> R<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|e| Problem::internal("a stored time is out of range", e))
}

fn from_json<T: DeserializeOwned>(text: &str) -> R<T> {
    serde_json::from_str(text).map_err(|e| Problem::internal("a stored document cannot be read", e))
}
