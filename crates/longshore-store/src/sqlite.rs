//! All that is SQLite and nothing else: opening, pragmas, migrations, transactions, error codes.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_core::limits::STORE_BUSY;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use tokio::time::Instant;

use crate::error::StoreError;
use crate::sqlite_readers::SqliteReaders;

/// Name of the database file in the store's folder.
pub(crate) const FILE: &str = "longshore.db";
/// Name of the file that is written to after each commit; also the lock of whoever opens.
pub(crate) const BELL: &str = "longshore.bell";

/// Schema changes in order; the database's `user_version` says how many it has had.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001.sql"),
    include_str!("../migrations/sqlite/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
];

/// Pause before a lock is tried again: first, and at most.
const LOCK_PAUSE_FIRST: Duration = Duration::from_micros(500);
const LOCK_PAUSE_LAST: Duration = Duration::from_millis(8);

/// Pages of the write-ahead log's file that are kept for reuse.
const WAL_BYTES: u32 = 32 * 1024 * 1024;

/// An open database: one connection that writes, some that read, one that watches for others.
pub(crate) struct Opened {
    pub(crate) writer: SqliteConnection,
    pub(crate) readers: SqliteReaders,
    pub(crate) watcher: SqliteConnection,
    pub(crate) bell: File,
}

/// Opens the database in a folder and brings its schema up to date.
pub(crate) async fn open(folder: &Path) -> Result<Opened, StoreError> {
    let bell = open_bell(folder).map_err(|error| folder_error(folder, error))?;
    lock(folder, &bell).await?;
    let opened = open_locked(folder).await;
    bell.unlock().map_err(|error| folder_error(folder, error))?;
    let (writer, readers, watcher) = opened?;
    Ok(Opened {
        writer,
        readers,
        watcher,
        bell,
    })
}

async fn open_locked(
    folder: &Path,
) -> Result<(SqliteConnection, SqliteReaders, SqliteConnection), StoreError> {
    let options = options(folder);
    // Another process may be closing right now: that takes the whole database for a moment.
    let mut writer = options.connect().await?;
    migrate(&mut writer).await?;
    wait_by_ourselves(&mut writer).await?;
    let read_only = options.pragma("query_only", "on");
    let readers = SqliteReaders::new(read_only.clone());
    let watcher = read_only.connect().await?;
    Ok((writer, readers, watcher))
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(FILE))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(STORE_BUSY)
        .pragma("journal_size_limit", WAL_BYTES.to_string())
        // What a statement needs to be undone alone would be a file each time.
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

/// Makes the folder, for its owner alone, and the bell in it.
fn open_bell(folder: &Path) -> std::io::Result<File> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(BELL))
}

/// Waits until no other process is opening the store. The system frees the lock of a dead process.
async fn lock(folder: &Path, bell: &File) -> Result<(), StoreError> {
    let patience = Instant::now() + STORE_BUSY;
    loop {
        match bell.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                tokio::time::sleep(LOCK_PAUSE_LAST).await;
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => return Err(folder_error(folder, error)),
        }
    }
}

fn folder_error(folder: &Path, error: std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::DiskFull;
    }
    StoreError::Folder {
        folder: folder.to_owned(),
        source: Arc::new(error),
    }
}

/// Applies the migrations that are missing, each in its own transaction.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    let found = schema_version(connection).await?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        begin(connection).await?;
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
        let version = format!("PRAGMA user_version = {}", number + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(version))
            .execute(&mut *connection)
            .await?;
        commit(connection).await?;
    }
    Ok(())
}

async fn schema_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(connection)
        .await?)
}

/// From now on SQLite says at once that somebody else writes; see [`begin`].
async fn wait_by_ourselves(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("PRAGMA busy_timeout = 0")
        .execute(connection)
        .await?;
    Ok(())
}

/// Begins a transaction that may write, and waits for the lock with short pauses: SQLite's own
/// waiting sleeps up to 100 ms at a time, which two busy processes would feel.
pub(crate) async fn begin(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let patience = Instant::now() + STORE_BUSY;
    let mut pause = LOCK_PAUSE_FIRST;
    loop {
        let begun = sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut *connection)
            .await;
        match begun.map_err(StoreError::from) {
            Ok(_) => return Ok(()),
            Err(StoreError::Busy) if Instant::now() < patience => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LOCK_PAUSE_LAST);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes the transaction durable.
async fn commit(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// A number that changes with each commit of anybody but this connection.
pub(crate) async fn version_seen(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await?)
}

/// Closes a connection; its file locks go with it.
pub(crate) async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a connection failed");
    }
}

/// Result codes of SQLite: primary ones, and one extended.
mod code {
    /// The file that processes share their locks in cannot grow.
    pub(super) const NO_ROOM_TO_SHARE: i32 = 4874;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

/// What an error of the database means, by its extended code.
pub(crate) fn judge(code: &str, error: sqlx::Error) -> StoreError {
    let extended = code.parse::<i32>().ok();
    if extended == Some(code::NO_ROOM_TO_SHARE) {
        return StoreError::DiskFull;
    }
    let source = Arc::new(error);
    match extended.map(|code| code & 0xff) {
        Some(code::BUSY | code::LOCKED) => StoreError::Busy,
        Some(code::FULL) => StoreError::DiskFull,
        Some(code::CORRUPT | code::NOT_A_DATABASE) => StoreError::Damaged { source },
        Some(_) | None => StoreError::Database { source },
    }
}
