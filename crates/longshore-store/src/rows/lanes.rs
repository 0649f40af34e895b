//! The table of jobs as a queue: its lanes, and the first jobs of each.

use std::collections::HashMap;

use longshore_core::job::Job;
use longshore_core::lane::{Holding, Lane};
use longshore_core::limits::LANES;
use longshore_core::{JobId, Timestamp};

use super::jobs;
use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::{Builder, query};

/// Jobs whose heads one statement reads: a database takes only so many parts in one.
const HEADS: usize = 64;

/// The place in a lane: the index has it in these words.
macro_rules! place {
    () => {
        "(queued_at - priority * 60000000000)"
    };
}

/// All lanes with a queued job, from one to the next: however long they are, each costs two seeks.
macro_rules! walk {
    () => {
        "WITH RECURSIVE lanes (lane) AS ( \
            SELECT MIN(lane) FROM jobs WHERE status = 'queued' \
            UNION ALL SELECT (SELECT MIN(jobs.lane) FROM jobs \
                WHERE jobs.status = 'queued' AND jobs.lane > lanes.lane) \
            FROM lanes WHERE lanes.lane IS NOT NULL) "
    };
}

pub(crate) const OPEN: &str = concat!(
    walk!(),
    "SELECT lane, (SELECT ",
    place!(),
    " FROM jobs WHERE status = 'queued' AND jobs.lane = lanes.lane ORDER BY ",
    place!(),
    ", id LIMIT 1) AS place FROM lanes WHERE lane IS NOT NULL LIMIT $1"
);
const COUNTS: &str = "SELECT lane, COUNT(*) AS jobs, MIN(queued_at) AS oldest FROM jobs \
    WHERE status = 'queued' GROUP BY lane";
pub(crate) const HOLDING: &str = "SELECT lane, COUNT(*) AS attempts FROM attempts \
    WHERE driver = 'engine' AND phase IN ('claimed', 'running') GROUP BY lane";
pub(crate) const HEAD: &str = concat!(
    "SELECT * FROM (SELECT ",
    jobs::columns!(),
    " FROM jobs WHERE status = 'queued' AND lane = "
);
pub(crate) const HEAD_ORDER: &str = concat!(" ORDER BY ", place!(), ", id LIMIT ");
const BEFORE: &str = concat!(
    "SELECT COUNT(*) AS jobs FROM jobs WHERE status = 'queued' AND lane = $1 AND (",
    place!(),
    ", id) < ($2 - $3 * 60000000000, $4)"
);
const OF_QUEUED: &str = "SELECT jobs.id AS id, jobs.lane AS lane FROM [job] AS said \
    JOIN jobs ON jobs.id = said.job WHERE jobs.status = 'queued'";

/// A lane of the queue.
pub(crate) struct OpenLane {
    pub(crate) lane: Lane,
    /// Where its first job stands among the others.
    pub(crate) place: i64,
}

/// All lanes that have a job.
pub(crate) async fn open(db: &mut Connection) -> Result<Vec<OpenLane>, StoreError> {
    let rows = query(OPEN).bind(i64::from(LANES)).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("jobs", row);
        Ok(OpenLane {
            lane: cells.parse("lane")?,
            place: cells.get("place")?,
        })
    };
    rows.iter().map(read).collect()
}

/// A lane with all that waits in it.
pub(crate) struct CountedLane {
    pub(crate) lane: Lane,
    pub(crate) jobs: u64,
    pub(crate) oldest: Timestamp,
}

/// How many jobs wait in each lane, and since when; reads the whole queue.
pub(crate) async fn counts(db: &mut Connection) -> Result<Vec<CountedLane>, StoreError> {
    let rows = query(COUNTS).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("jobs", row);
        Ok(CountedLane {
            lane: cells.parse("lane")?,
            jobs: cells.number("jobs")?,
            oldest: cells.time("oldest")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Attempts of workers that hold a slot, by lane.
pub(crate) async fn held(db: &mut Connection) -> Result<Vec<(Lane, u32)>, StoreError> {
    let rows = query(HOLDING).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("attempts", row);
        Ok((cells.parse("lane")?, cells.number("attempts")?))
    };
    rows.iter().map(read).collect()
}

/// The same, by owner and by key.
pub(crate) async fn holding(db: &mut Connection) -> Result<Holding, StoreError> {
    Ok(held(db).await?.into_iter().collect())
}

/// The first jobs of each of these lanes, at most so many of one; by lane, in their order.
pub(crate) async fn heads(
    db: &mut Connection,
    lanes: &[Lane],
    most: usize,
) -> Result<Vec<Job>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut jobs = Vec::new();
    for part in lanes.chunks(HEADS) {
        let mut query = Builder::new("");
        for (index, lane) in part.iter().enumerate() {
            query.push(if index > 0 { " UNION ALL " } else { "" });
            query.push(HEAD).push_bind(lane.to_string());
            query.push(HEAD_ORDER).push_bind(most).push(") AS head");
        }
        let is_usual = part.len() == 1;
        let rows = query.build().usual(is_usual).fetch_all(db).await?;
        for row in &rows {
            jobs.push(jobs::read(row)?);
        }
    }
    Ok(jobs)
}

/// How many jobs of a lane, which may be another one's, come before a job.
pub(crate) async fn before(db: &mut Connection, lane: &Lane, job: &Job) -> Result<u64, StoreError> {
    let row = query(BEFORE)
        .bind(lane.to_string())
        .bind(job.queued_at.map(time))
        .bind(i64::from(job.spec.priority))
        .bind(job.id.to_string())
        .fetch_one(db)
        .await?;
    Cells::new("jobs", &row).number("jobs")
}

/// The lanes of those of these jobs that are queued.
pub(crate) async fn of_queued(
    db: &mut Connection,
    jobs: impl Iterator<Item = JobId>,
) -> Result<HashMap<JobId, Lane>, StoreError> {
    let rows = jobs.map(|id| [id.to_string().into()]);
    let rows = Set::new(OF_QUEUED, rows).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("jobs", row);
        Ok((cells.parse("id")?, cells.parse("lane")?))
    };
    rows.iter().map(read).collect()
}
