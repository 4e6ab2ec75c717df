//! rpm's SQLite database (`rpmdb.sqlite`): a table of headers. Read from a copy, as a file that nobody else writes.

use std::io::{self, SeekFrom};

use assay_archive::Budget;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::header;
use crate::part::{LIMIT, corrupt, problem};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Far more packages than any system has.
const ROWS: u64 = 200_000;

/// Whether a file begins as such a database does.
pub(super) fn is_one(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

/// Calls `each` with every header. What cannot be read is counted and left out.
pub(super) fn read(bytes: &mut dyn ReadSeek, budget: &Budget, each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
    let unwritable = |error: io::Error| Problem::internal("a temporary file cannot be written", error);
    let mut copy = NamedTempFile::new().map_err(unwritable)?;
    bytes.seek(SeekFrom::Start(0)).map_err(unwritable)?;
    io::copy(bytes, &mut copy).map_err(unwritable)?;
    let connection = open(&copy).map_err(|error| damaged(&error))?;
    rows(&connection, budget, each)
}

fn open(copy: &NamedTempFile) -> rusqlite::Result<Connection> {
    let path: String = copy
        .path()
        .to_string_lossy()
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Immutable: a database in WAL mode needs no further files.
    let connection = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;")?;
    Ok(connection)
}

fn rows(connection: &Connection, budget: &Budget, each: &mut dyn FnMut(&[u8])) -> Result<u64, Problem> {
    let schema: Option<String> = connection
        .query_row("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'Packages'", [], |row| row.get(0))
        .map_err(|error| damaged(&error))?;
    // A view or a virtual table could compute for ever.
    let plain = schema.is_some_and(|sql| sql.trim_start().to_ascii_uppercase().starts_with("CREATE TABLE"));
    if !plain {
        return Err(corrupt("the database has no table of packages"));
    }
    // The length is known before the bytes are read.
    let query = format!("SELECT CASE WHEN length(blob) <= {} THEN blob END FROM Packages", header::BYTES);
    let mut statement = connection.prepare(&query).map_err(|error| damaged(&error))?;
    let mut rows = statement.query([]).map_err(|error| damaged(&error))?;
    let (mut count, mut bad) = (0, 0);
    while let Some(row) = rows.next().map_err(|error| damaged(&error))? {
        budget.check_time().map_err(problem)?;
        count += 1;
        if count > ROWS {
            return Err(Problem::new(assay_model::Kind::TooLarge, LIMIT, format!("more than {ROWS} packages")));
        }
        match row.get_ref(0).ok().and_then(|value| value.as_blob().ok()) {
            Some(blob) => each(blob),
            None => bad += 1,
        }
    }
    Ok(bad)
}

fn damaged(error: &rusqlite::Error) -> Problem {
    corrupt(format!("the SQLite database cannot be read: {error}"))
}
