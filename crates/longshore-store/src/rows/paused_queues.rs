//! The table of queues that start nothing.

use std::collections::BTreeMap;

use longshore_core::Timestamp;
use longshore_core::spec::QueueName;

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

const LIST: &str = "SELECT name, paused_at, reason FROM paused_queues";
const INSERT: &str = "INSERT INTO paused_queues (name, paused_at, reason) VALUES ($1, $2, $3) \
    ON CONFLICT (name) DO UPDATE SET reason = COALESCE(excluded.reason, paused_queues.reason)";
const DELETE: &str = "DELETE FROM paused_queues WHERE name = $1";

/// Since when and why a queue is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Why, in the words of whoever paused it.
    pub reason: Option<String>,
}

/// All of them.
pub(crate) async fn list(db: &mut Connection) -> Result<BTreeMap<QueueName, Pause>, StoreError> {
    let rows = query(LIST).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("paused_queues", row);
        let pause = Pause {
            since: cells.time("paused_at")?,
            reason: cells.get("reason")?,
        };
        Ok((cells.parse("name")?, pause))
    };
    rows.iter().map(read).collect()
}

/// Pauses one. Said again, it changes the reason alone.
pub(crate) async fn insert(
    db: &mut Connection,
    name: &QueueName,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(INSERT)
        .bind(name.as_str())
        .bind(time(now))
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

/// Opens one again; `false` if it was not paused.
pub(crate) async fn delete(db: &mut Connection, name: &QueueName) -> Result<bool, StoreError> {
    Ok(query(DELETE).bind(name.as_str()).execute(db).await? > 0)
}
