//! `Sql` over a PostgreSQL connection: binary parameters by the type the server asks for, and a cache of prepared
//! statements per connection. Opening, pooling and transactions are in `crate::postgres`.

use super::{Dialect, R, Row, Sql, Value, sqlite::first_words, value};
use assay_model::Problem;
use bytes::{BufMut as _, BytesMut};
use postgres::{
    Statement, Transaction,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};
use std::collections::HashMap;

/// Prepared statements of one connection, by translated text.
pub type Statements = HashMap<String, Statement>;

/// More prepared statements than the crate has; only a bug makes more.
const STATEMENTS_KEPT: usize = 1000;

/// A connection inside a transaction.
pub struct PostgresSql<'a, 'c> {
    /// The transaction.
    pub transaction: &'a mut Transaction<'c>,
    /// Statements prepared on its connection.
    pub statements: &'a mut Statements,
    /// Whether an error was seen after which the whole transaction is worth running again.
    pub retry: bool,
}

impl PostgresSql<'_, '_> {
    fn prepare(&mut self, sql: &str) -> R<Statement> {
        let text = Dialect::Postgres.translate(sql);
        if let Some(statement) = self.statements.get(text.as_ref()) {
            return Ok(statement.clone());
        }
        let statement = self.transaction.prepare(&text).map_err(|e| self.failed(sql, e))?;
        if self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        self.statements.insert(text.into_owned(), statement.clone());
        Ok(statement)
    }

    fn failed(&mut self, sql: &str, error: postgres::Error) -> Problem {
        self.retry |= is_conflict(&error);
        failed(sql, error)
    }
}

impl Sql for PostgresSql<'_, '_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> R<u64> {
        value::check(params)?;
        let statement = self.prepare(sql)?;
        self.transaction.execute(&statement, &borrowed(params)).map_err(|e| self.failed(sql, e))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> R<Vec<Row>> {
        value::check(params)?;
        let statement = self.prepare(sql)?;
        let rows = self.transaction.query(&statement, &borrowed(params)).map_err(|e| self.failed(sql, e))?;
        rows.iter().map(|row| cells(row).map_err(|e| failed(sql, e))).collect()
    }
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Int(v), &Type::INT8) => out.put_i64(*v),
            (Self::Int(v), &Type::INT4) => out.put_i32(i32::try_from(*v)?),
            (Self::Real(v), &Type::FLOAT8) => out.put_f64(*v),
            (Self::Text(v), &Type::TEXT | &Type::VARCHAR | &Type::JSON | &Type::UNKNOWN) => out.put_slice(v.as_bytes()),
            (Self::Bytes(v), &Type::BYTEA) => out.put_slice(v),
            (value, ty) => return Err(format!("a parameter of type {ty} was given {value:?}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn cells(row: &postgres::Row) -> Result<Row, postgres::Error> {
    let cell = |(i, column): (usize, &postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(i)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(i)?.into(),
            Type::BOOL => row.try_get::<_, Option<bool>>(i)?.into(),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(i)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(i)?.into(),
            _ => row.try_get::<_, Option<String>>(i)?.into(),
        })
    };
    Ok(Row::new(row.columns().iter().enumerate().map(cell).collect::<Result<_, postgres::Error>>()?))
}

/// Whether running the transaction again can help: serialisation failures, deadlocks, and races on a key, which the ports
/// resolve when they see the other side's row.
pub fn is_conflict(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
            SqlState::FOREIGN_KEY_VIOLATION,
        ]
        .contains(code)
    })
}

/// Whether the connection is gone, for example because the server was started anew.
pub fn is_cut_off(error: &postgres::Error) -> bool {
    let going = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_SESSION_TIMEOUT,
    ];
    let broken = std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>());
    broken || error.is_closed() || error.code().is_some_and(|code| going.contains(code))
}

/// The problem behind a failed statement.
pub fn failed(sql: &str, error: postgres::Error) -> Problem {
    if error.code() == Some(&SqlState::PROGRAM_LIMIT_EXCEEDED) {
        return Problem::invalid("too-long", "a name is longer than the database can index (about 2,700 bytes)")
            .caused_by(error);
    }
    if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].iter().any(|state| error.code() == Some(state)) {
        return Problem::full(error);
    }
    if is_cut_off(&error) {
        return Problem::unavailable("the metadata database does not answer", error);
    }
    let detail =
        error.as_db_error().map_or_else(|| error.to_string(), |e| format!("{} ({})", e.message(), e.code().code()));
    Problem::internal(format!("the metadata database refused `{}`: {detail}", first_words(sql)), error)
}
