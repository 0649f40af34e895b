//! What only a store in a folder has: its files, who may see them, and their locks.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use longshore_core::outcome::JobStatus;
use longshore_store::{Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions, Connection as _};

#[path = "contract/world.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use world::{at, spec, submit};

/// No test waits longer than this for what must happen.
const SOON: Duration = Duration::from_secs(20);

async fn open(folder: &Path) -> Store {
    Store::open(folder).await.unwrap()
}

#[tokio::test]
async fn opening_waits_for_a_process_that_holds_the_whole_database_for_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    // As a process does that closes the database as the last one.
    let options = SqliteConnectOptions::new().filename(folder.path().join("longshore.db"));
    let mut closing = options
        .create_if_missing(true)
        .locking_mode(SqliteLockingMode::Exclusive)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("PRAGMA journal_mode = WAL; CREATE TABLE other (x)")
        .execute(&mut closing)
        .await
        .unwrap();
    let mut opening = std::pin::pin!(Store::open(folder.path()));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut opening).await;
    assert!(
        early.is_err(),
        "it did not wait: {:?}",
        early.map(Result::err)
    );
    closing.close().await.unwrap();
    let opened = tokio::time::timeout(SOON, opening).await.unwrap();
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_crash() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path()).await;
    let job = submit(&store, spec(), at(0)).await;
    // What the files hold at this moment is what a crash would leave.
    for name in ["longshore.db", "longshore.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let survivor = open(copy.path()).await;
    assert_eq!(survivor.job(job).await.unwrap().status, JobStatus::Queued);
    assert_eq!(survivor.pool(), store.pool());
}

#[tokio::test]
async fn only_the_owner_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state/longshore");
    open(&folder).await;
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("longshore.db"), [7; 9000]).unwrap();
    let error = Store::open(folder.path()).await.err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}
