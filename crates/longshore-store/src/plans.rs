//! Statements that run all the time use their index, however long the queue is.

use sqlx::{AssertSqlSafe, Row as _};

use crate::Store;
use crate::database::Connection;
use crate::rows::attempts::{self, lead};
use crate::rows::firings;
use crate::rows::jobs::{ANY_OPEN, LIST, due};
use crate::rows::lanes;
use crate::runs;
use crate::set::for_sqlite;

async fn plan(store: &Store, sql: &str) -> String {
    let Connection::Sqlite(mut reader) = store.readers().acquire().await.unwrap() else {
        panic!("a folder has SQLite");
    };
    let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    let rows = explained.fetch_all(&mut *reader).await.unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>("detail"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn what_runs_all_the_time_neither_sorts_nor_scans() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let head = format!("{}'l'{}9)", lanes::HEAD, lanes::HEAD_ORDER);
    let list = format!("{LIST} ORDER BY created_at DESC, id DESC LIMIT 5");
    for (sql, indexes) in [
        (
            lanes::OPEN,
            &["jobs_queue (lane>?", "jobs_queue (lane=?"][..],
        ),
        (lanes::HOLDING, &["attempts_lane"]),
        (&head, &["jobs_queue (lane=?"]),
        (due::RELEASE, &["jobs_due"]),
        (
            due::NEXT,
            &["jobs_due", "jobs_queue_deadline", "jobs_total_deadline"],
        ),
        (due::QUEUE_LIMIT_PASSED, &["jobs_queue_deadline"]),
        (due::TOTAL_LIMIT_PASSED, &["jobs_total_deadline"]),
        (due::FINISHED, &["jobs_finished"]),
        (&list, &["jobs_newest"]),
        (ANY_OPEN, &["jobs_queue", "jobs_due", "attempts_leases"]),
        (attempts::EXPIRED, &["attempts_leases"]),
        (attempts::UNREMOVED, &["attempts_unremoved"]),
        (attempts::LOADS, &["attempts_slots"]),
        (&for_sqlite(lead::ROOMS), &["attempts_slots"]),
        (firings::READY, &["firings_waiting"]),
        (runs::PAST, &["jobs_finished"]),
    ] {
        let plan = plan(&store, sql).await;
        for index in indexes {
            assert!(plan.contains(index), "{sql}\n{plan}");
        }
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}
