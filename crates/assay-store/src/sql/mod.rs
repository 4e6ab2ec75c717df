//! The thin layer that both databases share: values, rows, the `Sql` trait and batch helpers. Statements are written once,
//! with `$1` parameters and the few words of [`Dialect::translate`]; no noun lives here.

pub mod postgres;
pub mod row;
pub mod sqlite;
pub mod value;

pub use row::Row;
pub use value::Value;

use assay_model::Problem;
use std::borrow::Cow;

/// Results of statements.
pub type R<T> = Result<T, Problem>;

/// Which database is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, bundled.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A connection inside a transaction.
pub trait Sql {
    /// Which database it is.
    fn dialect(&self) -> Dialect;
    /// Runs a statement; gives the number of rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> R<u64>;
    /// Runs a statement; gives its rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> R<Vec<Row>>;
}

impl Dialect {
    /// Turns the common words into those of the dialect:
    /// `$1` a parameter; `@list($1)` a table with a column `value`, one row per element of a JSON array of plain values;
    /// `@rows($1)` the same for an array of arrays, whose cells are `value->>0`; `@lock` locks the selected rows;
    /// `@skip` locks them and leaves out those that are locked.
    pub fn translate(self, sql: &str) -> Cow<'_, str> {
        if !sql.contains(['$', '@']) {
            return Cow::Borrowed(sql);
        }
        let words: &[(&str, &str)] = match self {
            Self::Sqlite => {
                &[("$", "?"), ("@list(", "json_each("), ("@rows(", "json_each("), ("@lock", ""), ("@skip", "")]
            }
            Self::Postgres => &[
                ("@list(", "json_array_elements_text("),
                ("@rows(", "json_array_elements("),
                ("@lock", "FOR NO KEY UPDATE"),
                ("@skip", "FOR UPDATE SKIP LOCKED"),
            ],
        };
        let mut text = sql.to_owned();
        for (from, to) in words {
            if text.contains(from) {
                text = text.replace(from, to);
            }
        }
        Cow::Owned(text)
    }
}

/// The first row, if any.
pub fn first(sql: &mut dyn Sql, text: &str, params: &[Value]) -> R<Option<Row>> {
    Ok(sql.query(text, params)?.into_iter().next())
}

/// Runs a query and reads every row with `read`.
pub fn all<T>(sql: &mut dyn Sql, text: &str, params: &[Value], read: impl Fn(&mut Row) -> R<T>) -> R<Vec<T>> {
    sql.query(text, params)?.iter_mut().map(read).collect()
}

/// A JSON array of texts for `@list`. A text with a NUL character is in no column, so it is left out.
pub fn texts<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
    let items = items.into_iter().filter(|s| !s.as_ref().contains('\0'));
    let items: Vec<_> = items.map(|s| serde_json::Value::from(s.as_ref())).collect();
    Value::Text(serde_json::Value::from(items).to_string())
}

/// A JSON array of numbers for `@list`.
pub fn numbers(items: impl IntoIterator<Item = i64>) -> Value {
    Value::Text(serde_json::Value::from(items.into_iter().collect::<Vec<_>>()).to_string())
}

/// A JSON array of pairs for `@rows`.
pub fn pairs<'a>(items: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let items = items.into_iter().filter(|(a, b)| !a.contains('\0') && !b.contains('\0'));
    let items: Vec<_> = items.map(|(a, b)| serde_json::json!([a, b])).collect();
    Value::Text(serde_json::Value::from(items).to_string())
}

/// How many keys one `@list` or `@rows` carries.
pub const KEYS_AT_ONCE: usize = 4096;

/// Rows of one INSERT. Few sizes, so that few statements are prepared; the largest stays below SQLite's 32,766 variables.
const INSERT_SIZES: [usize; 4] = [256, 32, 8, 1];

/// Inserts rows with as few statements as possible: `head` up to the column list, `tail` from `ON CONFLICT` on.
/// Gives the number of rows changed.
pub fn insert_many(sql: &mut dyn Sql, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> R<u64> {
    let Some(width) = rows.first().map(Vec::len) else { return Ok(0) };
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    let mut changed = 0;
    for size in INSERT_SIZES {
        if left < size {
            continue;
        }
        let text = format!("{head} VALUES {} {tail}", placeholders(size, width));
        while left >= size {
            let params: Vec<Value> = rows.by_ref().take(size).flatten().collect();
            changed += sql.execute(&text, &params)?;
            left -= size;
        }
    }
    Ok(changed)
}

fn placeholders(rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..width {
            if column > 0 {
                text.push(',');
            }
            text.push('$');
            text.push_str(&(row * width + column + 1).to_string());
        }
        text.push(')');
    }
    text
}

/// `text` without NUL characters, which PostgreSQL cannot keep. For words of foreign records only.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
