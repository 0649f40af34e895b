//! Several processes, one folder: here each process is a store of its own.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use longshore_core::outcome::JobStatus;
use longshore_core::retry::Next;
use longshore_store::{Changes, Fenced, Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions, Connection as _};

#[path = "contract/world.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use world::{add_host, at, claim, end, new_job, running, spec, submit, worker};

/// No test waits longer than this for what must happen.
const SOON: Duration = Duration::from_secs(20);

async fn open(folder: &Path) -> Store {
    Store::open(folder).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_open_a_new_folder_at_once_find_one_pool() {
    let folder = tempfile::tempdir().unwrap();
    let stores = futures::future::join_all((0..8).map(|_| open(folder.path()))).await;
    let pools: HashSet<_> = stores.iter().map(Store::pool).collect();
    assert_eq!(pools.len(), 1);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_run_each_of_a_hundred_jobs_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let host = add_host(&one, 100).await;
    let jobs: Vec<_> = (0..100).map(|_| new_job(spec())).collect();
    one.submit(&jobs, at(0)).await.unwrap();
    let (by_one, by_two) = tokio::join!(work(&one, host), work(&two, host));
    assert_eq!(by_one + by_two, 100);
    for job in &jobs {
        assert_eq!(two.attempts(job.id).await.unwrap().len(), 1);
    }
    assert_eq!(two.counts().await.unwrap()[5], (JobStatus::Completed, 100));
}

/// Claims and ends jobs until the queue is empty; says how many.
async fn work(store: &Store, host: longshore_core::HostId) -> usize {
    let (me, mut done) = (worker(), 0);
    loop {
        let queued = store.queued(7).await.unwrap();
        if queued.is_empty() {
            return done;
        }
        let claims: Vec<_> = queued.iter().map(|job| claim(job.id, host)).collect();
        for attempt in store.claim(&claims, me, at(30), at(1)).await.unwrap() {
            store
                .end(Fenced::from(&attempt), end(0, Next::Final))
                .await
                .unwrap();
            done += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slots_are_never_exceeded_by_workers_that_claim_at_one_time() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [
        open(folder.path()).await,
        open(folder.path()).await,
        open(folder.path()).await,
    ];
    let host = add_host(&stores[0], 5).await;
    let jobs: Vec<_> = (0..30).map(|_| new_job(spec())).collect();
    stores[0].submit(&jobs, at(0)).await.unwrap();
    let rounds = stores.iter().flat_map(|store| {
        jobs.iter().map(move |job| async move {
            let claims = [claim(job.id, host)];
            store
                .claim(&claims, worker(), at(30), at(1))
                .await
                .unwrap()
                .len()
        })
    });
    let made: usize = futures::future::join_all(rounds).await.iter().sum();
    assert_eq!(made, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_another_store_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(folder.path()).await, open(folder.path()).await);
    let mut changes = reader.changes();
    for count in 1..=20 {
        submit(&writer, spec(), at(count)).await;
        until_there_are(&reader, &mut changes, u64::try_from(count).unwrap()).await;
    }
}

#[tokio::test]
async fn a_change_before_the_wait_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut changes = store.changes();
    submit(&store, spec(), at(0)).await;
    tokio::time::timeout(SOON, changes.changed()).await.unwrap();
}

async fn until_there_are(store: &Store, changes: &mut Changes, queued: u64) {
    while store.counts().await.unwrap()[1].1 < queued {
        tokio::time::timeout(SOON, changes.changed()).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_opened_again_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (job, fenced) = running(&store, spec()).await;
    let (pool, before) = (store.pool(), store.job(job).await.unwrap());
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(
        (store.pool(), store.job(job).await.unwrap()),
        (pool, before)
    );
    assert_eq!(
        store.end(fenced, end(0, Next::Final)).await.unwrap(),
        JobStatus::Completed
    );
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

/// Changes the database behind the store's back.
async fn meddle(folder: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("longshore.db"));
    let mut connection = options.connect().await?;
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    connection.close().await
}

#[tokio::test]
async fn a_store_that_a_newer_version_wrote_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await);
    meddle(folder.path(), "PRAGMA user_version = 99")
        .await
        .unwrap();
    let error = Store::open(folder.path()).await.err().unwrap();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let job = submit(&store, spec(), at(0)).await;
    meddle(folder.path(), "UPDATE jobs SET spec = '{\"image\": 7}'")
        .await
        .unwrap();
    let error = store.job(job).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot read jobs `{job}`: column `spec`: ")),
        "{error}"
    );
}

#[tokio::test]
async fn the_database_itself_refuses_what_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    running(&store, spec()).await;
    for nonsense in [
        "UPDATE jobs SET status = 'completed'",
        "UPDATE jobs SET status = 'bored'",
        "UPDATE jobs SET finished_at = 1",
        "UPDATE jobs SET priority = 101",
        "UPDATE jobs SET started_at = NULL",
        "UPDATE attempts SET phase = 'draining'",
        "UPDATE attempts SET removed_at = 1",
        "UPDATE attempts SET lease_until = NULL",
        "INSERT INTO attempts (id, job_id, number, host_id, phase, fence, claimed_at) \
         SELECT 'second', job_id, 2, host_id, 'claimed', 1, 1 FROM attempts",
    ] {
        assert!(meddle(folder.path(), nonsense).await.is_err(), "{nonsense}");
    }
}
