//! The table of events: the timeline of every job, in the order of the commits.

use longshore_core::event::{EventKind, JobEvent};
use longshore_core::limits::PAGE;
use longshore_core::outcome::Outcome;
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::query;

const INSERT: &str = "INSERT INTO events (job_id, attempt, at, kind, detail) \
    SELECT job, number, at, kind, detail FROM [job, number, at, kind, detail] AS said";
const AFTER: &str = "SELECT sequence, job_id, attempt, at, kind, detail FROM events \
    WHERE sequence > $1 ORDER BY sequence LIMIT $2";
const AFTER_OF_JOB: &str = "SELECT sequence, job_id, attempt, at, kind, detail FROM events \
    WHERE job_id = $3 AND sequence > $1 ORDER BY sequence LIMIT $2";
const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) AS last FROM events";

/// Which events are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this job only.
    pub job: Option<JobId>,
    /// After this sequence number; 0 for all.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

impl Default for EventFilter {
    /// The first page of everything.
    fn default() -> Self {
        Self {
            job: None,
            after: 0,
            limit: PAGE,
        }
    }
}

/// An event that is about to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) job: JobId,
    pub(crate) attempt: Option<u32>,
    pub(crate) at: Timestamp,
    pub(crate) kind: EventKind,
    pub(crate) detail: String,
}

impl NewEvent {
    /// An event about a job as a whole, without detail.
    pub(crate) fn of_job(job: JobId, kind: EventKind, at: Timestamp) -> Self {
        Self {
            job,
            attempt: None,
            at,
            kind,
            detail: String::new(),
        }
    }

    /// Adds detail for people.
    pub(crate) fn with(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// Says which attempt it is about.
    pub(crate) fn in_attempt(self, number: u32) -> Self {
        Self {
            attempt: Some(number),
            ..self
        }
    }
}

/// Status and reason, as a timeline shows them.
pub(crate) fn describe(outcome: Outcome) -> String {
    format!("{} {outcome}", outcome.status())
        .trim_end()
        .to_owned()
}

/// Writes one event.
pub(crate) async fn insert(db: &mut Connection, event: NewEvent) -> Result<(), StoreError> {
    insert_all(db, &[event]).await
}

/// Writes many events in their order.
pub(crate) async fn insert_all(db: &mut Connection, events: &[NewEvent]) -> Result<(), StoreError> {
    let rows = events.iter().map(|event| {
        [
            event.job.to_string().into(),
            event.attempt.map(i64::from).into(),
            time(event.at).into(),
            event.kind.word().into(),
            event.detail.as_str().into(),
        ]
    });
    Set::new(INSERT, rows).execute(db).await?;
    Ok(())
}

/// Reads a page of events in order.
pub(crate) async fn list(
    db: &mut Connection,
    filter: EventFilter,
) -> Result<Vec<JobEvent>, StoreError> {
    let query = match filter.job {
        None => query(AFTER)
            .bind(filter.after)
            .bind(i64::from(filter.limit)),
        Some(job) => query(AFTER_OF_JOB)
            .bind(filter.after)
            .bind(i64::from(filter.limit))
            .bind(job.to_string()),
    };
    query.fetch_all(db).await?.iter().map(read).collect()
}

/// The newest sequence number; 0 before the first event.
pub(crate) async fn last(db: &mut Connection) -> Result<i64, StoreError> {
    Cells::new("events", &query(LAST).fetch_one(db).await?).get("last")
}

fn read(row: &Row) -> Result<JobEvent, StoreError> {
    let cells = Cells::new("events", row);
    Ok(JobEvent {
        sequence: cells.get("sequence")?,
        job: cells.parse("job_id")?,
        attempt: cells.number_option("attempt")?,
        at: cells.time("at")?,
        kind: cells.parse("kind")?,
        detail: cells.get("detail")?,
    })
}
