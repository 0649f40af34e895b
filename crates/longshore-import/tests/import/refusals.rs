//! Databases that are not as they should be, and those that cannot be imported from.

use std::fmt::Write;

use longshore_import::{Database, Doing, import};
use longshore_store::Store;
use longshore_testkit::{LegacyRelease, Postgres, temp_dir};

use crate::world::{Kind, World, options};

/// An installation that somebody changed by hand.
async fn after(statements: &[&str]) -> World {
    let world = World::new(LegacyRelease::Last, Kind::Sqlite).await;
    let mut script = "from django.db import connection\nsql = connection.cursor().execute\n\
        sql('PRAGMA foreign_keys = OFF')\n"
        .to_owned();
    for statement in statements {
        writeln!(script, "sql({statement:?})").unwrap();
    }
    world.site.script(&script).unwrap();
    world
}

/// What an import from somewhere else says.
async fn refused(database: &Database) -> String {
    let folder = temp_dir();
    let store = Store::open(folder.path()).await.unwrap();
    let error = import(&store, database, options(Doing::Apply)).await;
    let error = error.unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

#[tokio::test]
async fn other_tables_are_refused_with_what_is_missing() {
    let world = after(&[
        "DROP TABLE container_manager_environmentvariabletemplate",
        "ALTER TABLE container_manager_containerjob DROP COLUMN last_error",
    ])
    .await;
    let error = refused(&world.database()).await;
    assert!(
        error.contains("table container_manager_environmentvariabletemplate")
            && error.contains("container_manager_containerjob.last_error"),
        "{error}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_stop_the_others() {
    let world = after(&[
        "UPDATE container_manager_containerjob SET created_at = 'soon' WHERE status = 'timeout'",
        "UPDATE container_manager_executorhost SET weight = 'heavy' WHERE name = 'far'",
    ])
    .await;
    let report = world.import(Doing::Apply).await.unwrap();
    assert_eq!((report.jobs.taken, report.jobs.not_taken.len()), (13, 5));
    assert_eq!((report.hosts.taken, report.hosts.not_taken.len()), (1, 2));
}

#[tokio::test]
async fn a_database_with_a_write_ahead_log_is_read() {
    let world = after(&["PRAGMA journal_mode = wal"]).await;
    // SQLite itself leaves two files beside it, which the next writer removes.
    let file = world.site.folder().join("db.sqlite3");
    let before = std::fs::read(&file).unwrap();
    let report = world.import(Doing::Apply).await.unwrap();
    assert_eq!(report.jobs.taken, 14);
    assert!(before == std::fs::read(&file).unwrap());
}

#[tokio::test]
async fn a_database_without_users_of_its_own_names_them_by_number() {
    let world = after(&["DROP TABLE auth_user"]).await;
    world.import(Doing::Apply).await.unwrap();
    let spec = serde_json::to_value(&world.job(1).await.spec).unwrap();
    assert_eq!(spec["labels"]["created_by"], "user 1");
}

#[tokio::test]
async fn a_preferred_executor_of_before_the_first_release_is_taken() {
    let world = after(&[
        "ALTER TABLE container_manager_containerjob \
            ADD COLUMN preferred_executor varchar(50) NOT NULL DEFAULT ''",
        "UPDATE container_manager_containerjob SET preferred_executor = 'docker' WHERE name = 'nightly'",
    ])
    .await;
    world.import(Doing::Apply).await.unwrap();
    let on = async |number| serde_json::to_value(&world.job(number).await.spec.on).unwrap();
    assert_eq!(on(1).await, serde_json::json!({ "kind": "docker" }));
    assert_eq!(on(2).await, serde_json::json!({}));
}

#[tokio::test]
async fn a_user_who_may_only_read_is_enough() {
    let world = World::new(LegacyRelease::Last, Kind::Postgres).await;
    world.sql("CREATE ROLE reader LOGIN");
    world.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let url = world.site.url().replace("longshore@", "reader@");
    let database: Database = url.parse().unwrap();
    let report = import(&world.store, &database, options(Doing::Apply)).await;
    assert_eq!(report.unwrap().jobs.taken, 14);
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    let folder = temp_dir();
    let absent = Database::Sqlite(folder.path().join("absent.sqlite3"));
    assert!(refused(&absent).await.contains("absent.sqlite3"));
    let text = folder.path().join("text.sqlite3");
    std::fs::write(
        &text,
        "no database at all, but long enough for a header".repeat(9),
    )
    .unwrap();
    let text = Database::Sqlite(text);
    assert!(refused(&text).await.contains("not a database"));
    let postgres = Postgres::start().unwrap();
    let url = postgres.create_database().unwrap();
    let url = url.replace("longshore@", "longshore:s3same@");
    let empty: Database = url.parse().unwrap();
    assert!(refused(&empty).await.contains("lacks table"));
    drop(postgres);
    let told = refused(&empty).await;
    assert!(
        told.contains("cannot open postgresql://127.0.0.1"),
        "{told}"
    );
    assert!(!told.contains("s3same"), "{told}");
}
