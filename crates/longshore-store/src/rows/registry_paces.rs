//! The table of registries that limit pulls.

use std::time::Duration;

use longshore_core::limits;
use longshore_core::pace::Pace;

use crate::columns::{Cells, length, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

const GET: &str = "SELECT registry AS key, every_ns, next_at, refused_at FROM registry_paces \
    WHERE registry = $1";
// Changes nothing, and has the row to itself from now on.
const LOCK: &str = "UPDATE registry_paces SET next_at = next_at WHERE registry = $1 \
    RETURNING registry AS key, every_ns, next_at, refused_at";
const LIST: &str = "SELECT registry AS key, every_ns, next_at, refused_at FROM registry_paces \
    ORDER BY registry LIMIT $1";
const SAVE: &str = "INSERT INTO registry_paces (registry, every_ns, next_at, refused_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (registry) DO UPDATE SET \
    every_ns = excluded.every_ns, next_at = excluded.next_at, refused_at = excluded.refused_at";
const DELETE: &str = "DELETE FROM registry_paces WHERE registry = $1";

/// Reads one.
pub(crate) async fn get(db: &mut Connection, registry: &str) -> Result<Option<Pace>, StoreError> {
    let row = query(GET).bind(registry).fetch_optional(db).await?;
    Ok(row.as_ref().map(read).transpose()?.map(|(_, pace)| pace))
}

/// Reads one that nobody else changes before this transaction ends.
pub(crate) async fn lock(db: &mut Connection, registry: &str) -> Result<Option<Pace>, StoreError> {
    let row = query(LOCK).bind(registry).fetch_optional(db).await?;
    Ok(row.as_ref().map(read).transpose()?.map(|(_, pace)| pace))
}

/// Reads all, by name.
pub(crate) async fn list(db: &mut Connection) -> Result<Vec<(String, Pace)>, StoreError> {
    let rows = query(LIST)
        .bind(i64::from(limits::PACES))
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// Writes one, or takes it away.
pub(crate) async fn save(
    db: &mut Connection,
    registry: &str,
    pace: Option<Pace>,
) -> Result<(), StoreError> {
    let Some(pace) = pace else {
        query(DELETE).bind(registry).execute(db).await?;
        return Ok(());
    };
    query(SAVE)
        .bind(registry)
        .bind(length(pace.every))
        .bind(time(pace.next_at))
        .bind(time(pace.refused_at))
        .execute(db)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<(String, Pace), StoreError> {
    let cells = Cells::new("registry_paces", row);
    let pace = Pace {
        every: Duration::from_nanos(cells.number("every_ns")?),
        next_at: cells.time("next_at")?,
        refused_at: cells.time("refused_at")?,
    };
    Ok((cells.get("key")?, pace))
}
