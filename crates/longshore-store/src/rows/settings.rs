//! The table of single values: the pool's id, its policy.

use crate::columns::Cells;
use crate::database::Connection;
use crate::error::StoreError;
use crate::statement::query;

/// Key of the pool's id.
pub(crate) const POOL: &str = "pool";
/// Key of the name of the logs that the pool's processes share.
pub(crate) const LOGS: &str = "logs";
/// Key of the policy.
pub(crate) const POLICY: &str = "policy";

const GET: &str = "SELECT value FROM settings WHERE key = $1";
const INSERT: &str =
    "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
const SET: &str = "INSERT INTO settings (key, value) VALUES ($1, $2) \
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// Reads a value.
pub(crate) async fn get(db: &mut Connection, key: &str) -> Result<Option<String>, StoreError> {
    let row = query(GET).bind(key).fetch_optional(db).await?;
    row.map(|row| Cells::new("settings", &row).get("value"))
        .transpose()
}

/// Writes a value unless there is one, and says which one is there now.
pub(crate) async fn first(
    db: &mut Connection,
    key: &str,
    value: &str,
) -> Result<String, StoreError> {
    query(INSERT).bind(key).bind(value).execute(db).await?;
    Ok(get(db, key).await?.unwrap_or_default())
}

/// Writes a value.
pub(crate) async fn set(db: &mut Connection, key: &str, value: &str) -> Result<(), StoreError> {
    query(SET).bind(key).bind(value).execute(db).await?;
    Ok(())
}
