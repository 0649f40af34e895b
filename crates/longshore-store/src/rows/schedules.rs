//! The table of schedules.

use longshore_core::Timestamp;
use longshore_core::schedule::Schedule;
use longshore_core::spec::ScheduleName;

use crate::columns::{Cells, json, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

macro_rules! columns {
    () => {
        "name, spec, timetable, overlap, missed, paused_at, settled_until, created_at, updated_at"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO schedules (",
    columns!(),
    ", next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"
);
const UPDATE: &str = "UPDATE schedules SET spec = $2, timetable = $3, overlap = $4, missed = $5, \
    paused_at = $6, settled_until = $7, created_at = $8, updated_at = $9, next_at = $10 \
    WHERE name = $1";
const GET: &str = concat!("SELECT ", columns!(), " FROM schedules WHERE name = $1");
const LIST: &str = concat!("SELECT ", columns!(), " FROM schedules ORDER BY name");
const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM schedules WHERE next_at <= $1 ORDER BY next_at LIMIT $2"
);
const AHEAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM schedules WHERE paused_at IS NULL AND settled_until > $1 ORDER BY name"
);
const NEXT: &str = "SELECT MIN(next_at) AS due FROM schedules WHERE next_at IS NOT NULL";
const DELETE: &str = "DELETE FROM schedules WHERE name = $1";

/// Adds a schedule; `false` if its name is taken.
pub(crate) async fn insert(db: &mut Connection, schedule: &Schedule) -> Result<bool, StoreError> {
    write(db, INSERT, schedule).await
}

/// Replaces a schedule's record; `false` if there is none.
pub(crate) async fn update(db: &mut Connection, schedule: &Schedule) -> Result<bool, StoreError> {
    write(db, UPDATE, schedule).await
}

/// Reads one.
pub(crate) async fn get(
    db: &mut Connection,
    name: &ScheduleName,
) -> Result<Option<Schedule>, StoreError> {
    let row = query(GET).bind(name.as_str()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Reads all, by name.
pub(crate) async fn list(db: &mut Connection) -> Result<Vec<Schedule>, StoreError> {
    query(LIST).fetch_all(db).await?.iter().map(read).collect()
}

/// Those that are due, the longest due ones first.
pub(crate) async fn due(
    db: &mut Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Schedule>, StoreError> {
    let query = query(DUE).bind(time(now)).bind(i64::from(limit));
    query.fetch_all(db).await?.iter().map(read).collect()
}

/// Those that are settled up to a time that is still to come.
pub(crate) async fn ahead(
    db: &mut Connection,
    now: Timestamp,
) -> Result<Vec<Schedule>, StoreError> {
    let rows = query(AHEAD).bind(time(now)).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// When the next one is due.
pub(crate) async fn next(db: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let row = query(NEXT).fetch_one(db).await?;
    Cells::new("schedules", &row).time_option("due")
}

/// Removes one with what is known of its turns; `false` if there was none.
pub(crate) async fn delete(db: &mut Connection, name: &ScheduleName) -> Result<bool, StoreError> {
    Ok(query(DELETE).bind(name.as_str()).execute(db).await? > 0)
}

async fn write(
    db: &mut Connection,
    sql: &'static str,
    schedule: &Schedule,
) -> Result<bool, StoreError> {
    let written = query(sql)
        .bind(schedule.name.as_str())
        .bind(json(&schedule.spec))
        .bind(schedule.timetable.to_string())
        .bind(schedule.overlap.to_string())
        .bind(schedule.missed.to_string())
        .bind(schedule.paused_at.map(time))
        .bind(time(schedule.settled_until))
        .bind(time(schedule.created_at))
        .bind(time(schedule.updated_at))
        .bind(schedule.next_at().map(time))
        .execute(db)
        .await?;
    Ok(written > 0)
}

fn read(row: &Row) -> Result<Schedule, StoreError> {
    let cells = Cells::new("schedules", row);
    Ok(Schedule {
        name: cells.parse("name")?,
        spec: cells.json("spec")?,
        timetable: cells.parse("timetable")?,
        overlap: cells.parse("overlap")?,
        missed: cells.parse("missed")?,
        paused_at: cells.time_option("paused_at")?,
        settled_until: cells.time("settled_until")?,
        created_at: cells.time("created_at")?,
        updated_at: cells.time("updated_at")?,
    })
}
