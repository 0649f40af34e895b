//! The table of hosts: their breakers, what stands on them, and whose turn it is to look.

use std::collections::HashMap;

use longshore_core::census::Census;
use longshore_core::health::{Breaker, Position, Trip};
use longshore_core::{HostId, Timestamp};

use super::attempts::holds_slot;
use crate::columns::{Cells, json, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

macro_rules! breaker_columns {
    () => {
        "id, breaker, breaker_strikes, breaker_trips, breaker_since, breaker_until, breaker_reason"
    };
}

// Only a half-open breaker asks how many attempts there are since then.
const STANDINGS: &str = concat!(
    "SELECT ",
    breaker_columns!(),
    ", facts_error, probed_at, looked_at, census_at, \
     CASE breaker WHEN 'half_open' THEN (SELECT COUNT(*) FROM attempts \
        WHERE host_id = hosts.id AND claimed_at >= hosts.breaker_since AND ",
    holds_slot!(),
    ") ELSE 0 END AS on_trial FROM hosts"
);
// Changes nothing, and has the row to itself from now on.
const LOCK_BREAKER: &str = concat!(
    "UPDATE hosts SET breaker = breaker WHERE id = $1 RETURNING ",
    breaker_columns!()
);
const SET_BREAKER: &str = "UPDATE hosts SET breaker = $2, breaker_strikes = $3, breaker_trips = $4, \
    breaker_since = $5, breaker_until = $6, breaker_reason = $7 WHERE id = $1";
const TAKE_CANARY: &str = "UPDATE hosts SET breaker_until = $3 \
    WHERE id = $1 AND breaker = 'open' AND breaker_until <= $2";
const TAKE_LOOK: &str = "UPDATE hosts SET looked_at = $2 \
    WHERE id = $1 AND (looked_at IS NULL OR looked_at <= $3)";
const SAVE_CENSUS: &str = "UPDATE hosts SET census = $2, census_at = $3 WHERE id = $1";
const CENSUS: &str = "SELECT id, census FROM hosts WHERE id = $1";

/// How a host stands towards the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStanding {
    /// Its breaker.
    pub breaker: Breaker,
    /// Attempts that hold a slot and were claimed since the breaker is half open.
    pub on_trial: u32,
    /// Why the last probe failed, if it did.
    pub error: Option<String>,
    /// When the last probe ended.
    pub probed_at: Option<Timestamp>,
    /// When somebody last began to look at it.
    pub looked_at: Option<Timestamp>,
    /// When it was last written down what stands on it.
    pub census_at: Option<Timestamp>,
}

/// How all hosts stand.
pub(crate) async fn standings(
    db: &mut Connection,
) -> Result<HashMap<HostId, HostStanding>, StoreError> {
    let rows = query(STANDINGS).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("hosts", row);
        let standing = HostStanding {
            breaker: read_breaker(&cells)?,
            on_trial: cells.number("on_trial")?,
            error: cells.get("facts_error")?,
            probed_at: cells.time_option("probed_at")?,
            looked_at: cells.time_option("looked_at")?,
            census_at: cells.time_option("census_at")?,
        };
        Ok((cells.parse("id")?, standing))
    };
    rows.iter().map(read).collect()
}

/// A host's breaker, which nobody else changes before this transaction ends; `None` without a host.
pub(crate) async fn lock_breaker(
    db: &mut Connection,
    id: HostId,
) -> Result<Option<Breaker>, StoreError> {
    let locked = query(LOCK_BREAKER).bind(id.to_string());
    let row = locked.fetch_optional(db).await?;
    row.map(|row| read_breaker(&Cells::new("hosts", &row)))
        .transpose()
}

/// Writes a host's breaker.
pub(crate) async fn set_breaker(
    db: &mut Connection,
    id: HostId,
    breaker: &Breaker,
) -> Result<(), StoreError> {
    let (strikes, trips, trip) = match breaker {
        Breaker::Closed { strikes, trips } => (*strikes, *trips, None),
        Breaker::Open(trip) | Breaker::HalfOpen(trip) => (0, trip.trips, Some(trip)),
    };
    query(SET_BREAKER)
        .bind(id.to_string())
        .bind(breaker.word())
        .bind(i64::from(strikes))
        .bind(i64::from(trips))
        .bind(trip.map(|trip| time(trip.since)))
        .bind(trip.map(|trip| time(trip.until)))
        .bind(trip.map(|trip| trip.reason.as_str()))
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a canary is due, which is then the caller's to send; nobody else's is before `until`.
pub(crate) async fn take_canary(
    db: &mut Connection,
    id: HostId,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = query(TAKE_CANARY)
        .bind(id.to_string())
        .bind(time(now))
        .bind(time(until))
        .execute(db)
        .await?;
    Ok(taken > 0)
}

/// Whether nobody has looked at the host since `before`: then it is the caller's turn.
pub(crate) async fn take_look(
    db: &mut Connection,
    id: HostId,
    now: Timestamp,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let taken = query(TAKE_LOOK)
        .bind(id.to_string())
        .bind(time(now))
        .bind(time(before))
        .execute(db)
        .await?;
    Ok(taken > 0)
}

/// Keeps what stands on a host.
pub(crate) async fn save_census(
    db: &mut Connection,
    id: HostId,
    census: &Census,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(SAVE_CENSUS)
        .bind(id.to_string())
        .bind(json(census))
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(())
}

/// What stands on a host, as far as somebody has looked.
pub(crate) async fn census(db: &mut Connection, id: HostId) -> Result<Option<Census>, StoreError> {
    let saved = query(CENSUS).bind(id.to_string());
    let Some(row) = saved.fetch_optional(db).await? else {
        return Ok(None);
    };
    Cells::new("hosts", &row).json_option("census")
}

fn read_breaker(cells: &Cells<'_>) -> Result<Breaker, StoreError> {
    let trips = cells.number("breaker_trips")?;
    let position = cells.parse("breaker")?;
    if position == Position::Closed {
        let strikes = cells.number("breaker_strikes")?;
        return Ok(Breaker::Closed { strikes, trips });
    }
    let trip = Trip {
        since: cells.time("breaker_since")?,
        until: cells.time("breaker_until")?,
        trips,
        reason: cells.get("breaker_reason")?,
    };
    Ok(match position {
        Position::Open => Breaker::Open(trip),
        Position::HalfOpen | Position::Closed => Breaker::HalfOpen(trip),
    })
}
