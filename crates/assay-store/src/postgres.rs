//! PostgreSQL as the metadata store: a small pool of blocking connections, transactions on blocking threads, conflicts
//! resolved by running a closure again. Reads see one snapshot; writes are READ COMMITTED with row locks where a port reads
//! before it writes, because the event log's appenders take turns and must see what the one before them committed.

use crate::{
    config::redacted,
    meta::Session,
    migrate,
    moved::Moved,
    sql::postgres::{PostgresSql, Statements, failed, is_conflict, is_cut_off},
};
use assay_model::{
    Problem,
    event::Seq,
    seam::{
        Task,
        meta::{MetaStore, Work},
    },
};
use postgres::{Client, Config, IsolationLevel, NoTls};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Transactions at the same time; further ones queue up.
const CONNECTIONS: usize = 12;
/// How often a closure is run again after a conflict.
const RETRIES: u32 = 12;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How old the known number of the last event may be. Commits of this process show at once.
const HEAD_AGE: Duration = Duration::from_millis(200);
/// Advisory lock that guards migrations.
const MIGRATION_LOCK: i64 = 0x6173_7361_796d_6967;

/// The store.
pub struct PostgresStore {
    inner: Arc<Inner>,
    running: Arc<Semaphore>,
}

struct Inner {
    config: Config,
    /// For messages; no password.
    address: String,
    idle: Mutex<Vec<Connection>>,
    moved: Moved,
    head_seen: Mutex<Option<Instant>>,
}

struct Connection {
    client: Client,
    statements: Statements,
}

/// How a transaction ended that did not succeed.
struct Failure {
    problem: Problem,
    retry: bool,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, retry: false }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Inner {
    /// A client owns a runtime, which must not end on a thread that runs tasks.
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        if !idle.is_empty() {
            std::thread::spawn(move || drop(idle));
        }
    }
}

impl PostgresStore {
    /// Connects and brings the schema up to date. Blocks.
    ///
    /// # Errors
    /// When the address is malformed, the server cannot be reached, or the schema was written by a newer version.
    pub fn open(address: &str) -> Result<Self, Problem> {
        let shown = redacted(address);
        let mut config: Config = address.parse().map_err(|e| {
            Problem::invalid("bad-store-address", format!("{shown} is not an address of a database"))
                .caused_by(Box::new(e))
        })?;
        config.connect_timeout(CONNECT).keepalives_idle(Duration::from_secs(60));
        if config.get_application_name().is_none() {
            config.application_name("assay");
        }
        let inner = Inner {
            config,
            address: shown,
            idle: Mutex::default(),
            moved: Moved::default(),
            head_seen: Mutex::default(),
        };
        inner.migrate()?;
        Ok(Self { inner: Arc::new(inner), running: Arc::new(Semaphore::new(CONNECTIONS)) })
    }
}

impl Inner {
    fn connect(&self) -> Result<Connection, Problem> {
        let client = self.config.connect(NoTls).map_err(|e| {
            tracing::error!(address = self.address, error = %e, "cannot connect to the metadata database");
            Problem::unavailable("the metadata database does not answer", e)
        })?;
        Ok(Connection { client, statements: Statements::new() })
    }

    /// A connection that answers: idle ones may have been cut off by a restart of the server.
    fn connection(&self) -> Result<Connection, Problem> {
        loop {
            let idle = lock(&self.idle).pop();
            match idle {
                None => return self.connect(),
                Some(connection) if !connection.client.is_closed() => return Ok(connection),
                Some(_) => {}
            }
        }
    }

    fn migrate(&self) -> Result<(), Problem> {
        let mut connection = self.connection()?;
        let Connection { client, statements } = &mut connection;
        let mut transaction = client.transaction().map_err(|e| failed("BEGIN", e))?;
        let mut sql = PostgresSql { transaction: &mut transaction, statements, retry: false };
        if !migrate::is_current(&mut sql)? {
            sql.transaction
                .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
                .map_err(|e| failed("pg_advisory_xact_lock", e))?;
            migrate::migrate(&mut sql)?;
        }
        transaction.commit().map_err(|e| failed("COMMIT", e))?;
        // statements that were prepared before the tables existed are of no use
        connection.statements.clear();
        lock(&self.idle).push(connection);
        Ok(())
    }

    fn transact(&self, connection: &mut Connection, read_only: bool, work: &mut Work<'_>) -> Result<(), Failure> {
        let Connection { client, statements } = connection;
        let level = if read_only { IsolationLevel::RepeatableRead } else { IsolationLevel::ReadCommitted };
        let begun = client.build_transaction().isolation_level(level).read_only(read_only).start();
        // the server may have closed an idle connection: nothing has happened yet, so another one will do
        let mut transaction = begun.map_err(|e| Failure { retry: is_cut_off(&e), problem: failed("BEGIN", e) })?;
        let mut sql = PostgresSql { transaction: &mut transaction, statements, retry: false };
        let mut session = Session::new(&mut sql);
        let done = match work(&mut session) {
            Ok(()) => session.finish(),
            Err(problem) => Err(problem),
        };
        let retry = sql.retry;
        match done {
            // dropping it rolls back
            Err(problem) => Err(Failure { problem, retry }),
            Ok(_) if retry => {
                let problem = Problem::bug("a transaction went on after a conflict");
                Err(Failure { problem, retry })
            }
            Ok(last) => {
                let commit = || transaction.commit();
                let done = self.moved.commit(last, commit);
                done.map_err(|e| Failure { retry: is_conflict(&e), problem: failed("COMMIT", e) })
            }
        }
    }

    fn run(&self, read_only: bool, work: &mut Work<'_>) -> Result<(), Problem> {
        let mut attempt = 0;
        loop {
            let mut connection = self.connection()?;
            let done = self.transact(&mut connection, read_only, work);
            if !connection.client.is_closed() {
                lock(&self.idle).push(connection);
            }
            match done {
                Ok(()) => return Ok(()),
                Err(failure) if failure.retry && attempt < RETRIES => {
                    attempt += 1;
                    tracing::debug!(attempt, problem = %failure.problem, "a transaction is run again");
                    // a little longer each time, so that two that collide drift apart
                    std::thread::sleep(Duration::from_millis(u64::from(attempt * attempt)));
                }
                Err(failure) if failure.retry => {
                    return Err(match failure.problem.is_ours() {
                        true => failure.problem,
                        false => {
                            Problem::busy("the metadata database is too busy; try again", 1).caused_by(failure.problem)
                        }
                    });
                }
                Err(failure) => return Err(failure.problem),
            }
        }
    }

    fn load_head(&self) -> Result<Seq, Problem> {
        let asked = Instant::now();
        let mut connection = self.connection()?;
        // primary key, its last entry
        let row = connection.client.query_opt("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", &[]);
        let seq = row
            .and_then(|row| row.map_or(Ok(0), |row| row.try_get(0)))
            .map_err(|e| failed("SELECT seq FROM event", e))?;
        lock(&self.idle).push(connection);
        *lock(&self.head_seen) = Some(asked);
        Ok(self.moved.see(seq))
    }

    fn known_head(&self) -> Option<Seq> {
        let fresh = lock(&self.head_seen).is_some_and(|seen| seen.elapsed() < HEAD_AGE);
        fresh.then(|| self.moved.see(0))
    }
}

impl PostgresStore {
    /// Runs a blocking job when a connection is free.
    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit =
            self.running.clone().acquire_owned().await.map_err(|e| Problem::internal("the store is closed", e))?;
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job(&inner)
        });
        done.await.map_err(|e| Problem::internal("a transaction was cut off", e))?
    }
}

impl MetaStore for PostgresStore {
    fn shared(&self) -> bool {
        true
    }

    fn read(&self, mut work: Work<'static>) -> Task<'_, ()> {
        Box::pin(self.blocking(move |inner| inner.run(true, &mut work)))
    }

    fn write(&self, mut work: Work<'static>) -> Task<'_, ()> {
        Box::pin(self.blocking(move |inner| inner.run(false, &mut work)))
    }

    fn write_now(&self, mut work: Work<'_>) -> Result<(), Problem> {
        self.inner.run(false, &mut work)
    }

    fn moved_since(&self, seen: Seq) -> bool {
        self.inner.moved.since(seen)
    }

    fn head(&self) -> Task<'_, Seq> {
        Box::pin(async {
            match self.inner.known_head() {
                Some(seq) => Ok(seq),
                None => self.blocking(Inner::load_head).await,
            }
        })
    }
}
