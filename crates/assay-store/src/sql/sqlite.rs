//! `Sql` over a SQLite connection. Opening, pragmas and transactions are in `crate::sqlite`.

use super::{Dialect, R, Row, Sql, Value, value};
use assay_model::Problem;
use rusqlite::{
    Connection, ErrorCode, Statement,
    types::{Null, ToSqlOutput, ValueRef},
};

/// A connection inside a transaction.
pub struct SqliteSql<'a>(pub &'a Connection);

impl Sql for SqliteSql<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> R<u64> {
        value::check(params)?;
        let mut statement = self.0.prepare_cached(&Dialect::Sqlite.translate(sql)).map_err(|e| failed(sql, e))?;
        bind(&mut statement, params).map_err(|e| failed(sql, e))?;
        statement.raw_execute().map(|n| n as u64).map_err(|e| failed(sql, e))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> R<Vec<Row>> {
        value::check(params)?;
        let mut statement = self.0.prepare_cached(&Dialect::Sqlite.translate(sql)).map_err(|e| failed(sql, e))?;
        bind(&mut statement, params).map_err(|e| failed(sql, e))?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|e| failed(sql, e))? {
            let cells = (0..width).map(|i| row.get_ref(i).map(cell)).collect::<Result<_, _>>();
            out.push(Row::new(cells.map_err(|e| failed(sql, e))?));
        }
        Ok(out)
    }
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    for (i, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, value)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::from(Null),
            Self::Int(v) => ToSqlOutput::from(*v),
            Self::Real(v) => ToSqlOutput::from(*v),
            Self::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Self::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::Real(v),
        ValueRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Value::Bytes(v.to_vec()),
    }
}

/// The problem behind a failed statement.
pub fn failed(sql: &str, error: rusqlite::Error) -> Problem {
    let code = error.sqlite_error_code();
    if matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) {
        return Problem::busy("the database is locked by another writer; try again", 1).caused_by(error);
    }
    if code == Some(ErrorCode::DiskFull) {
        return Problem::full(error);
    }
    if code == Some(ErrorCode::ReadOnly) {
        return Problem::unavailable("the metadata database is read-only", error);
    }
    let what = match code {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the metadata database is damaged".to_owned(),
        _ => format!("the metadata database refused `{}`: {error}", first_words(sql)),
    };
    Problem::internal(what, error)
}

/// Enough of a statement to find it again.
pub fn first_words(sql: &str) -> String {
    sql.split_whitespace().take(8).collect::<Vec<_>>().join(" ").chars().take(120).collect()
}
