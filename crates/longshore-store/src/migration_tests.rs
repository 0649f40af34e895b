//! A store of an earlier format is brought up to date, and what the rules forbid is not stored.

use longshore_core::AttemptId;
use longshore_core::health::Breaker;
use longshore_core::job::Driver;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::sqlite::FILE;
use crate::{Store, StoreError};

const HOST: &str = "INSERT INTO hosts (id, name, kind, endpoint, state, slots, weight, labels, \
    created_at, updated_at) VALUES ('00000000-0000-0000-0000-000000000001', 'h', 'mock', \
    '{\"address\": \"mock://\"}', 'active', 1, 100, '{}', 0, 0)";
const JOB: &str = "INSERT INTO jobs (id, short, spec, priority, status, attempt, created_at, \
    started_at, host_id) VALUES ('00000000-0000-0000-0000-000000000002', '000000000002', \
    '{\"image\": \"busybox:1\"}', 50, 'running', 1, 0, 0, '00000000-0000-0000-0000-000000000001')";
const ATTEMPT: &str = "INSERT INTO attempts (id, job_id, number, host_id, phase, fence, claimed_at) \
    VALUES ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 1, \
    '00000000-0000-0000-0000-000000000001', 'claimed', 1, 0)";

async fn database(folder: &std::path::Path) -> SqliteConnection {
    let path = folder.join(FILE).to_string_lossy().into_owned();
    SqliteConnection::connect(&format!("sqlite://{path}?mode=rwc"))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_store_of_the_first_format_keeps_its_jobs_for_workers() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = database(folder.path()).await;
    for sql in [
        include_str!("../migrations/sqlite/0001.sql"),
        HOST,
        JOB,
        ATTEMPT,
        "PRAGMA user_version = 1",
    ] {
        old.execute(sqlx::raw_sql(sql)).await.unwrap();
    }
    old.close().await.unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hosts = store.hosts().await.unwrap();
    assert!(hosts[0].auto_pull);
    assert_eq!((hosts[0].cpus, hosts[0].memory), (None, None));
    assert!(hosts[0].maintenance.is_empty());
    let standing = store.host_standings().await.unwrap().remove(&hosts[0].id);
    assert_eq!(standing.unwrap().breaker, Breaker::CLOSED);
    let attempt = "00000000-0000-0000-0000-000000000003";
    let attempt: AttemptId = attempt.parse().unwrap();
    let record = store.attempt(attempt).await.unwrap();
    assert_eq!(record.driver, Driver::Engine);
    let job = store.job(record.job).await.unwrap();
    assert_eq!(job.driver, Driver::Engine);
    assert!(store.has_open_jobs().await.unwrap());
}

#[tokio::test]
async fn a_job_of_its_caller_is_never_stored_as_one_that_workers_would_move() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let mut direct = database(folder.path()).await;
    for sql in [HOST, JOB, ATTEMPT] {
        direct.execute(sql).await.unwrap();
    }
    direct
        .execute("UPDATE jobs SET driver = 'service'; UPDATE attempts SET driver = 'service'")
        .await
        .unwrap();
    for forbidden in [
        "UPDATE jobs SET status = 'queued', queued_at = 0",
        "UPDATE jobs SET status = 'retrying', not_before = 0",
        "UPDATE jobs SET cancel_requested_at = 0",
        "UPDATE jobs SET driver = 'nobody'",
        "UPDATE attempts SET worker_id = 'w', lease_until = 0",
        "UPDATE attempts SET driver = 'nobody'",
        "UPDATE hosts SET auto_pull = 2",
        "UPDATE hosts SET drain_until = 1",
        "UPDATE hosts SET breaker = 'ajar'",
        "UPDATE hosts SET breaker = 'open'",
        "UPDATE hosts SET failed_probes = 1",
    ] {
        let refused = direct.execute(forbidden).await.map_err(StoreError::from);
        assert!(refused.is_err(), "{forbidden}");
    }
    drop(store);
}
