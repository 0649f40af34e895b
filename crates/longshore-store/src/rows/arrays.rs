//! The table of arrays: many jobs that were submitted as one.

use longshore_core::spec::JobName;
use longshore_core::{ArrayId, JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

const INSERT: &str = "INSERT INTO arrays (id, short, name, size, created_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const NEWEST_NAMED: &str =
    "SELECT id FROM arrays WHERE name = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
const EXISTS: &str = "SELECT id FROM arrays WHERE id = $1";
const BY_PREFIX: &str = "SELECT id FROM arrays WHERE id >= $1 AND id < $2 \
    UNION SELECT id FROM arrays WHERE short >= $1 AND short < $2 ORDER BY 1 LIMIT $3";
const JOBS: &str = "SELECT id FROM jobs WHERE array_id = $1 ORDER BY array_index";
const DELETE_EMPTY: &str = "DELETE FROM arrays \
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE array_id = arrays.id)";

/// Adds one, if it is new.
pub(crate) async fn insert(
    db: &mut Connection,
    array: ArrayId,
    name: Option<&JobName>,
    size: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(INSERT)
        .bind(array.to_string())
        .bind(array.short())
        .bind(name.map(JobName::as_str))
        .bind(i64::try_from(size).unwrap_or(i64::MAX))
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(())
}

/// Whether there is one of this id.
pub(crate) async fn exists(db: &mut Connection, array: ArrayId) -> Result<bool, StoreError> {
    let query = query(EXISTS).bind(array.to_string());
    Ok(query.fetch_optional(db).await?.is_some())
}

/// The newest of a name.
pub(crate) async fn newest(db: &mut Connection, name: &str) -> Result<Option<ArrayId>, StoreError> {
    let row = query(NEWEST_NAMED).bind(name).fetch_optional(db).await?;
    row.as_ref().map(read_id).transpose()
}

/// Those whose id, or its last twelve digits, begin so. The prefix has only digits and hyphens.
pub(crate) async fn by_prefix(
    db: &mut Connection,
    prefix: &str,
    limit: u32,
) -> Result<Vec<ArrayId>, StoreError> {
    // `g` follows all hexadecimal digits.
    let query = query(BY_PREFIX)
        .bind(prefix)
        .bind(format!("{prefix}g"))
        .bind(i64::from(limit));
    query.fetch_all(db).await?.iter().map(read_id).collect()
}

/// Its jobs that are not deleted, by index.
pub(crate) async fn jobs(db: &mut Connection, array: ArrayId) -> Result<Vec<JobId>, StoreError> {
    let rows = query(JOBS).bind(array.to_string()).fetch_all(db).await?;
    rows.iter().map(read_id).collect()
}

/// Deletes those that have no job any more.
pub(crate) async fn delete_empty(db: &mut Connection) -> Result<(), StoreError> {
    query(DELETE_EMPTY).execute(db).await?;
    Ok(())
}

fn read_id<T: std::str::FromStr<Err: std::fmt::Display>>(row: &Row) -> Result<T, StoreError> {
    Cells::new("arrays", row).parse("id")
}
