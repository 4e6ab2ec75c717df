//! SQLite as the metadata store: one writer at a time, readers beside it in snapshots (WAL), every commit synced. Several
//! processes may open the same file; a writer waits for another one's transaction.

use crate::{
    meta::Session,
    migrate,
    moved::Moved,
    sql::{
        Sql as _,
        sqlite::{SqliteSql, failed},
    },
};
use assay_model::{
    Problem,
    event::Seq,
    seam::{
        Task,
        meta::{MetaStore, Work},
    },
};
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// How long a writer waits for the writer of another process.
const BUSY: Duration = Duration::from_secs(10);
/// Snapshots read at the same time; further readers queue up.
const READERS: usize = 8;
/// Page caches, in KiB: imports gain from the writer's; ten of the small ones are open at most.
const WRITER_CACHE: i64 = 64_000;
const READER_CACHE: i64 = 12_000;
/// Statements kept prepared per connection; more than the crate has.
const STATEMENTS: usize = 256;

/// The store: cheap to clone, shared by all.
pub struct SqliteStore {
    inner: Arc<Inner>,
    /// One task at a time goes for the writer, so that waiting costs no thread.
    writing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

struct Inner {
    moved: Moved,
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    head: Mutex<Connection>,
}

/// A poisoned connection is usable: an open transaction was rolled back when its owner unwound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the transaction of a closure that failed or panicked.
struct Rollback<'c>(&'c Connection);

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit()
            && let Err(error) = self.0.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back");
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Problem> {
    let mut statement = connection.prepare_cached(sql).map_err(|e| failed(sql, e))?;
    statement.raw_execute().map(|_| ()).map_err(|e| failed(sql, e))
}

/// Runs `work` between `begin` and a commit.
fn transact(connection: &Connection, begin: &str, work: &mut Work<'_>, moved: &Moved) -> Result<(), Problem> {
    run(connection, begin)?;
    let _rollback = Rollback(connection);
    let mut sql = SqliteSql(connection);
    let mut session = Session::new(&mut sql);
    work(&mut session)?;
    let last = session.finish()?;
    moved.commit(last, || run(connection, "COMMIT"))
}

fn open_connection(path: &Path, flags: OpenFlags, cache: i64) -> Result<Connection, Problem> {
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = opened
        .map_err(|e| Problem::internal(format!("cannot open the metadata database {}: {e}", path.display()), e))?;
    let prepare = |c: &Connection| {
        c.busy_timeout(BUSY)?;
        c.set_prepared_statement_cache_capacity(STATEMENTS);
        c.pragma_update(None, "foreign_keys", true)?;
        c.pragma_update(None, "synchronous", "FULL")?;
        c.pragma_update(None, "temp_store", "MEMORY")?;
        c.pragma_update(None, "cache_size", -cache)
    };
    prepare(&connection).map_err(|e| failed("opening pragmas", e))?;
    Ok(connection)
}

/// Turns on the write-ahead log. SQLite does not wait for the lock that this needs, so we do.
fn use_wal(connection: &Connection) -> Result<(), Problem> {
    let started = Instant::now();
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get::<_, String>(0));
        match mode.map_err(|e| failed("PRAGMA journal_mode", e)) {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => break,
            Ok(mode) => {
                let message = format!("the metadata database needs a write-ahead log; its file system gives `{mode}`");
                return Err(Problem::internal(message, "journal mode"));
            }
            Err(problem) if started.elapsed() >= BUSY => return Err(problem),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(|e| failed("PRAGMA", e))
}

impl SqliteStore {
    /// Opens or makes the database at `path` and brings its schema up to date. Blocks.
    ///
    /// # Errors
    /// When it cannot be opened, is locked for too long, or was made by a newer version.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let writer = open_connection(path, flags | OpenFlags::SQLITE_OPEN_CREATE, WRITER_CACHE)?;
        use_wal(&writer)?;
        if !migrate::is_current(&mut SqliteSql(&writer))? {
            run(&writer, "BEGIN IMMEDIATE")?;
            let _rollback = Rollback(&writer);
            migrate::migrate(&mut SqliteSql(&writer))?;
            run(&writer, "COMMIT")?;
        }
        let head = open_connection(path, flags, READER_CACHE)?;
        Ok(Self {
            inner: Arc::new(Inner {
                moved: Moved::default(),
                path: path.to_owned(),
                writer: Mutex::new(writer),
                readers: Mutex::default(),
                head: Mutex::new(head),
            }),
            writing: Arc::new(Semaphore::new(1)),
            reading: Arc::new(Semaphore::new(READERS)),
        })
    }
}

impl Inner {
    fn write(&self, work: &mut Work<'_>) -> Result<(), Problem> {
        transact(&lock(&self.writer), "BEGIN IMMEDIATE", work, &self.moved)
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Problem> {
        let pooled = lock(&self.readers).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => {
                let fresh = open_connection(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE)?;
                fresh.pragma_update(None, "query_only", true).map_err(|e| failed("PRAGMA query_only", e))?;
                fresh
            }
        };
        let done = transact(&connection, "BEGIN DEFERRED", work, &self.moved);
        lock(&self.readers).push(connection);
        done
    }

    fn head(&self) -> Result<Seq, Problem> {
        let connection = lock(&self.head);
        // primary key, its last entry: a page or two that are in memory
        let rows = SqliteSql(&connection).query("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", &[])?;
        rows.into_iter().next().map_or(Ok(0), |mut r| r.int())
    }
}

impl SqliteStore {
    /// Runs a blocking job when one of `permits` is free.
    async fn blocking(
        &self,
        permits: &Arc<Semaphore>,
        job: impl FnOnce(&Inner) -> Result<(), Problem> + Send + 'static,
    ) -> Result<(), Problem> {
        let permit = permits.clone().acquire_owned().await.map_err(|e| Problem::internal("the store is closed", e))?;
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job(&inner)
        });
        done.await.map_err(|e| Problem::internal("a transaction was cut off", e))?
    }
}

impl MetaStore for SqliteStore {
    fn read(&self, mut work: Work<'static>) -> Task<'_, ()> {
        Box::pin(self.blocking(&self.reading, move |inner| inner.read(&mut work)))
    }

    fn write(&self, mut work: Work<'static>) -> Task<'_, ()> {
        Box::pin(self.blocking(&self.writing, move |inner| inner.write(&mut work)))
    }

    fn write_now(&self, mut work: Work<'_>) -> Result<(), Problem> {
        self.inner.write(&mut work)
    }

    fn head(&self) -> Task<'_, Seq> {
        // some microseconds: not worth a thread
        let head = self.inner.head();
        Box::pin(std::future::ready(head))
    }

    fn moved_since(&self, seen: Seq) -> bool {
        self.inner.moved.since(seen)
    }
}
