//! A full disk, and operations that share a commit with one that fails.

use longshore_core::{JobId, Timestamp};
use uuid::Uuid;

use crate::database::Connection;
use crate::{EventFilter, NewJob, Store, StoreError};

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
