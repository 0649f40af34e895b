//! All that is PostgreSQL and nothing else: connecting, migrations, transactions, error codes.
//!
//! Every transaction that writes first takes one lock of the pool, so that writers of all machines
//! take turns, as those of one SQLite file do. The lock goes with the transaction.

use std::sync::Arc;

use longshore_core::limits::{
    STORE_BUSY, STORE_CALL, STORE_IDLE, STORE_READERS, STORE_RECONNECT_FIRST, STORE_RECONNECT_LAST,
};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgSeverity};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool, SqlSafeStr};
use tokio::time::Instant;

use crate::error::StoreError;

/// Channel on which commits are announced.
pub(crate) const CHANNEL: &str = "longshore";

/// Schema changes in order; the table `longshore_format` says how many the database has had.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
    include_str!("../migrations/postgres/0008.sql"),
];

/// What is set once for a connection that writes.
const PLANNING: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET lock_timeout = ";
/// Takes the pool's lock: one in each schema. The number means "longshore" to nobody else.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1819242355, \
    hashtext(COALESCE(current_schema(), '')))";
const FORMAT: &str = "SELECT version FROM longshore_format";
const MAKE_FORMAT: &str = "CREATE TABLE IF NOT EXISTS longshore_format (version BIGINT NOT NULL)";
// Moves on with each transaction that changes anything in the whole server.
const VERSION: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// Whether a server that cannot be reached is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It was there before, and will come back.
    Some,
    /// Whoever waits wants to know now.
    None,
}

/// How the server of this URL is reached.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .application_name("longshore")
        .disable_statement_logging())
}

/// Opens a connection that writes: its statements are planned once, by keys. Left to itself the server
/// plans a set anew each time, which takes as long as to carry it out, or for tables as small as they
/// were at the first time, and reads them whole for ever.
pub(crate) async fn writer(
    options: &PgConnectOptions,
    patience: Patience,
) -> Result<PgConnection, StoreError> {
    let mut connection = connect(options, patience).await?;
    let patience = STORE_BUSY.as_millis();
    run(
        &mut connection,
        AssertSqlSafe(format!("{PLANNING}{patience}")),
    )
    .await?;
    Ok(connection)
}

/// Opens a connection; with patience, also to a server that is away for a moment.
async fn connect(
    options: &PgConnectOptions,
    patience: Patience,
) -> Result<PgConnection, StoreError> {
    let until = Instant::now() + STORE_BUSY;
    let mut pause = STORE_RECONNECT_FIRST;
    loop {
        let connected = tokio::time::timeout_at(until, options.connect()).await;
        let error = match connected.unwrap_or_else(|_| Err(silence())) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let may_pass = is_starting(&error) || (patience == Patience::Some && is_loss(&error));
        if !may_pass || Instant::now() + pause >= until {
            return Err(error.into());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(STORE_RECONNECT_LAST);
    }
}

/// Connections that read.
pub(crate) fn readers(options: &PgConnectOptions) -> PgPool {
    pool(options, STORE_READERS)
}

/// Connections for news: one that listens, one that looks.
pub(crate) fn news(options: &PgConnectOptions) -> PgPool {
    pool(options, 2)
}

/// Connections that are opened when they are needed, and opened again when they were lost.
fn pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(STORE_BUSY)
        .idle_timeout(STORE_IDLE)
        .max_lifetime(None)
        .connect_lazy_with(options.clone())
}

/// Brings the schema up to date: everything that is missing in one transaction, under the lock.
pub(crate) async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    let found = format(connection).await?;
    if found == Some(known) {
        return Ok(());
    }
    begin(connection).await?;
    let migrated = migrate_locked(connection, known).await;
    run(
        connection,
        if migrated.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        },
    )
    .await?;
    migrated
}

async fn migrate_locked(connection: &mut PgConnection, known: i64) -> Result<(), StoreError> {
    run(connection, MAKE_FORMAT).await?;
    let found = format(connection).await?.unwrap_or(0);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
        run(connection, *migration).await?;
    }
    run(connection, "DELETE FROM longshore_format").await?;
    let insert = sqlx::query("INSERT INTO longshore_format (version) VALUES ($1)").bind(known);
    within(insert.execute(connection)).await?;
    Ok(())
}

/// How many schema changes the database has had; `None` if it never had any.
async fn format(connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let found = within(sqlx::query_scalar(FORMAT).fetch_optional(connection)).await;
    match found {
        Err(error) if code_of(&error).as_deref() == Some(code::NO_SUCH_TABLE) => Ok(None),
        found => Ok(found?),
    }
}

/// Begins a transaction that may write, once no other one of the pool is open.
pub(crate) async fn begin(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(connection, BEGIN).await
}

/// Makes the transaction durable, and announces it with a mark of digits and letters.
pub(crate) async fn commit(connection: &mut PgConnection, mark: &str) -> Result<(), sqlx::Error> {
    // Refused as a whole if anything before it was.
    run(
        connection,
        AssertSqlSafe(format!("NOTIFY {CHANNEL}, '{mark}'; COMMIT")),
    )
    .await
}

/// Runs statements that give nothing back.
pub(crate) async fn run(
    connection: &mut PgConnection,
    text: impl SqlSafeStr,
) -> Result<(), sqlx::Error> {
    within(sqlx::raw_sql(text).execute(connection)).await?;
    Ok(())
}

/// A number that changes with each commit of anybody.
pub(crate) async fn version_seen(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(within(sqlx::query_scalar(VERSION).fetch_one(pool)).await?)
}

/// Waits for an answer, but not for ever.
pub(crate) async fn within<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answered = tokio::time::timeout(STORE_CALL, answer).await;
    answered.unwrap_or_else(|_| Err(silence()))
}

fn silence() -> sqlx::Error {
    let text = "the server does not answer";
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}

/// What is said of a connection that was lost before.
pub(crate) fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::NotConnected.into())
}

/// Makes a text one that the database takes: its texts hold no character with the number zero.
pub(crate) fn make_fit(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

/// Whether the connection is lost with this error.
pub(crate) fn is_loss(error: &sqlx::Error) -> bool {
    if let Some(said) = error.as_database_error() {
        let said = said.try_downcast_ref::<PgDatabaseError>();
        return said
            .is_some_and(|said| matches!(said.severity(), PgSeverity::Fatal | PgSeverity::Panic));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// Whether the server is about to take connections again.
fn is_starting(error: &sqlx::Error) -> bool {
    code_of(error).as_deref() == Some(code::STARTING)
}

fn code_of(error: &sqlx::Error) -> Option<String> {
    let said = error.as_database_error()?;
    said.code().map(std::borrow::Cow::into_owned)
}

/// Codes of PostgreSQL, and their first two characters where a class is meant.
mod code {
    pub(super) const NO_SUCH_TABLE: &str = "42P01";
    pub(super) const STARTING: &str = "57P03";
    pub(super) const STOPPING: [&str; 3] = ["57P01", "57P02", "57P05"];
    pub(super) const NO_CONNECTION_LEFT: &str = "53300";
    pub(super) const DISK_FULL: &str = "53100";
    pub(super) const LOCK_TIMEOUT: &str = "55P03";
    pub(super) const DAMAGED_ROWS: &str = "XX001";
    pub(super) const DAMAGED_INDEX: &str = "XX002";
    pub(super) const CLASS_CONNECTION: &str = "08";
}

/// What an error of the server means.
pub(crate) fn judge(code: &str, error: sqlx::Error) -> StoreError {
    let source = Arc::new(error);
    match code {
        code::DISK_FULL => StoreError::DiskFull,
        code::LOCK_TIMEOUT => StoreError::Busy,
        code::STARTING | code::NO_CONNECTION_LEFT => StoreError::Unreachable { source },
        code::DAMAGED_ROWS | code::DAMAGED_INDEX => StoreError::Damaged { source },
        _ if code.starts_with(code::CLASS_CONNECTION) || code::STOPPING.contains(&code) => {
            StoreError::Unreachable { source }
        }
        _ => StoreError::Database { source },
    }
}
