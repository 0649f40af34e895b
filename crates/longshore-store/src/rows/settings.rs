//! The table of single values: the pool's id, its policy.

use crate::error::StoreError;
use crate::sqlite::Connection;

/// Key of the pool's id.
pub(crate) const POOL: &str = "pool";
/// Key of the policy.
pub(crate) const POLICY: &str = "policy";

const GET: &str = "SELECT value FROM settings WHERE key = $1";
const INSERT: &str =
    "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
const SET: &str = "INSERT INTO settings (key, value) VALUES ($1, $2) \
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// Reads a value.
pub(crate) async fn get(db: &mut Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar(GET).bind(key).fetch_optional(db).await?)
}

/// Writes a value unless there is one.
pub(crate) async fn insert(db: &mut Connection, key: &str, value: &str) -> Result<(), StoreError> {
    sqlx::query(INSERT)
        .bind(key)
        .bind(value)
        .execute(db)
        .await?;
    Ok(())
}

/// Writes a value.
pub(crate) async fn set(db: &mut Connection, key: &str, value: &str) -> Result<(), StoreError> {
    sqlx::query(SET).bind(key).bind(value).execute(db).await?;
    Ok(())
}
