//! A full disk, and operations that share a commit with one that fails.

use futures::future::join_all;
use longshore_core::event::{EventKind, JobEvent};
use longshore_core::share::Share;
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};
use uuid::Uuid;

use crate::database::Connection;
use crate::{Claim, EventFilter, Fenced, NewJob, Store, StoreError};

fn job(number: u128, description: &str) -> NewJob {
    let mut spec = longshore_core::spec::JobSpec::new("busybox:1".parse().unwrap());
    spec.description = Some(description.to_owned());
    NewJob::new(JobId::new(Uuid::from_u128(number << 40)), spec)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Allows the database so many pages; SQLite then behaves as on a full disk.
async fn limit_pages(store: &Store, pages: u32) {
    let pragma = format!("PRAGMA max_page_count = {pages}");
    store
        .write(move |db| Box::pin(set(db, pragma)))
        .await
        .unwrap();
}

async fn set(db: &mut Connection, pragma: String) -> Result<(), StoreError> {
    let Connection::Sqlite(db) = db else {
        return Ok(());
    };
    sqlx::raw_sql(sqlx::AssertSqlSafe(pragma))
        .execute(&mut **db)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_reported_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.submit(&[job(1, "kept")], now()).await.unwrap();
    limit_pages(&store, 60).await;
    let large = "x".repeat(9_000);
    let mut stored = 1;
    let error = loop {
        match store.submit(&[job(stored + 1, &large)], now()).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the limit was never met");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("the disk of the store is full"),
        "{error}"
    );

    limit_pages(&store, 1_000_000).await;
    store
        .submit(&[job(stored + 1, &large)], now())
        .await
        .unwrap();
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    for number in 1..=stored + 1 {
        store.job(job(number, "").id).await.unwrap();
    }
    let events = store.events(EventFilter::default()).await.unwrap().len();
    assert_eq!(events as u128, 2 * (stored + 1));
}

#[tokio::test]
async fn whoever_shares_a_commit_with_a_full_disk_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    limit_pages(&store, 60).await;
    let large = "x".repeat(400_000);
    let (small, much, late) = (job(1, "small"), job(2, &large), job(3, "late"));
    let (before, full, after) = tokio::join!(
        store.submit(std::slice::from_ref(&small), now()),
        store.submit(std::slice::from_ref(&much), now()),
        store.submit(std::slice::from_ref(&late), now()),
    );
    assert!(matches!(full, Err(StoreError::DiskFull)));
    for (answer, job) in [(before, small), (full, much), (after, late)] {
        assert_eq!(
            answer.is_ok(),
            store.job(job.id).await.is_ok(),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_operation_that_fails_takes_nothing_of_its_neighbours_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let (first, second) = (job(1, ""), job(2, ""));
    let (before, failed, after) = tokio::join!(
        store.submit(std::slice::from_ref(&first), now()),
        store.request_cancel(job(9, "").id, now()),
        store.submit(std::slice::from_ref(&second), now()),
    );
    assert!(before.is_ok() && failed.is_err() && after.is_ok());
    assert!(store.job(first.id).await.is_ok() && store.job(second.id).await.is_ok());
}

/// A host with room for these jobs, which are claimed there.
async fn claimed(store: &Store, jobs: &[NewJob]) -> Vec<Fenced> {
    store.submit(jobs, now()).await.unwrap();
    let host = HostId::new(Uuid::from_u128(1));
    let insert = format!(
        "INSERT INTO hosts (id, name, kind, endpoint, state, slots, weight, labels, created_at, \
         updated_at) VALUES ('{host}', 'h', 'mock', '{{\"address\": \"mock://\"}}', 'active', 99, \
         100, '{{}}', 0, 0)"
    );
    store
        .write(move |db| Box::pin(set(db, insert)))
        .await
        .unwrap();
    let claim = |job: &NewJob| Claim {
        job: job.id,
        attempt: AttemptId::new(job.id.uuid()),
        after: 0,
        host,
        share: Share::NOTHING,
        most: Share::ENDLESS,
        why: String::new(),
    };
    let claims: Vec<Claim> = jobs.iter().map(claim).collect();
    let worker = WorkerId::new(Uuid::from_u128(2));
    let made = store.claim(&claims, worker, now(), now()).await.unwrap();
    made.iter().map(Fenced::from).collect()
}

#[tokio::test]
async fn a_report_that_cannot_be_written_takes_nothing_of_its_set_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let jobs: Vec<NewJob> = (1..=8).map(|number| job(number, "")).collect();
    let fenced = claimed(&store, &jobs).await;
    let bad = fenced[3].attempt;
    let trigger = format!(
        "CREATE TRIGGER bad BEFORE UPDATE ON attempts WHEN NEW.id = '{bad}' \
         BEGIN SELECT RAISE(ABORT, 'it cannot be'); END"
    );
    store
        .write(move |db| Box::pin(set(db, trigger)))
        .await
        .unwrap();
    let ready = fenced
        .iter()
        .map(|one| store.image_ready(*one, None, now()));
    for (one, answer) in fenced.iter().zip(join_all(ready).await) {
        assert_eq!(answer.is_err(), one.attempt == bad, "{answer:?}");
        let attempt = store.attempt(one.attempt).await.unwrap();
        assert_eq!(attempt.image_ready_at.is_none(), one.attempt == bad);
        let events = store.events(EventFilter::default()).await.unwrap();
        let ready = |event: &&JobEvent| event.kind == EventKind::ImageReady;
        assert_eq!(events.iter().filter(ready).count(), fenced.len() - 1);
    }
}
