//! The tables of both databases are the same ones.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row as _};

#[path = "contract/grounds.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod grounds;

use grounds::{Ground, Kind};

/// `table.column`, nothing else.
const COLUMNS: &str = "SELECT m.name || '.' || c.name FROM sqlite_master m, \
    pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
const COLUMNS_OF_SERVER: &str = "SELECT table_name || '.' || column_name \
    FROM information_schema.columns WHERE table_schema = current_schema() \
    AND table_name <> 'longshore_format'";
const INDEXES: &str = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
const INDEXES_OF_SERVER: &str = "SELECT indexname FROM pg_indexes \
    WHERE schemaname = current_schema() AND indexname NOT LIKE '%\\_key' \
    AND indexname NOT LIKE '%\\_pkey'";

async fn names_in_folder(ground: &Ground, sql: &'static str) -> BTreeSet<String> {
    let file = ground.folder().join("longshore.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn names_on_server(ground: &Ground, sql: &str) -> BTreeSet<String> {
    let names = ground.ask_server(sql);
    names.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_columns_and_indexes() {
    let (sqlite, postgres) = (Ground::new(Kind::Sqlite), Ground::new(Kind::Postgres));
    drop((sqlite.open().await, postgres.open().await));
    for (here, there) in [(COLUMNS, COLUMNS_OF_SERVER), (INDEXES, INDEXES_OF_SERVER)] {
        let names = names_in_folder(&sqlite, here).await;
        assert!(names.len() > 10, "{names:?}");
        assert_eq!(names, names_on_server(&postgres, there));
    }
}
