//! The table of firings: what each nominal time of a schedule brought.

use longshore_core::spec::ScheduleName;
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

macro_rules! columns {
    () => {
        "schedule, nominal_at, state, job_id, detail, at"
    };
}

// One that waited becomes what came of it, and one that was missed by a clock that was wrong comes
// again; what is settled stays.
const PUT: &str = concat!(
    "INSERT INTO firings (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (schedule, nominal_at) DO UPDATE SET \
     state = excluded.state, job_id = excluded.job_id, detail = excluded.detail, at = excluded.at \
     WHERE firings.state IN ('waiting', 'missed')"
);
const HAS: &str = "SELECT 1 FROM firings WHERE schedule = $1 AND nominal_at = $2 \
    AND state <> 'missed'";
const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM firings WHERE schedule = $1 ORDER BY nominal_at DESC LIMIT $2"
);
const WAITING: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM firings WHERE schedule = $1 AND state = 'waiting' ORDER BY nominal_at"
);
const OF_JOB: &str = concat!("SELECT ", columns!(), " FROM firings WHERE job_id = $1");
// Only the newest are looked at: what is open is among them, unless very many may run at once.
const OPEN: &str = "SELECT jobs.id FROM (SELECT job_id FROM firings WHERE schedule = $1 \
    AND job_id IS NOT NULL ORDER BY nominal_at DESC LIMIT 200) AS made \
    JOIN jobs ON jobs.id = made.job_id WHERE jobs.finished_at IS NULL";
pub(crate) const READY: &str = "SELECT DISTINCT waiting.schedule FROM firings AS waiting \
    JOIN schedules ON schedules.name = waiting.schedule \
    WHERE waiting.state = 'waiting' AND schedules.paused_at IS NULL \
    AND NOT EXISTS (SELECT 1 FROM firings AS made JOIN jobs ON jobs.id = made.job_id \
        WHERE made.schedule = waiting.schedule AND jobs.finished_at IS NULL)";
const FORGET: &str = "DELETE FROM firings WHERE schedule = $1 AND state IN ('skipped', 'missed') \
    AND nominal_at < (SELECT MIN(nominal_at) FROM (SELECT nominal_at FROM firings \
        WHERE schedule = $1 AND state IN ('skipped', 'missed') ORDER BY nominal_at DESC LIMIT $2) AS kept)";

/// What a nominal time of a schedule brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The schedule.
    pub schedule: ScheduleName,
    /// The time that its timetable names, or at which somebody ran it by hand.
    pub nominal_at: Timestamp,
    /// What it brought.
    pub brought: Brought,
    /// Why, for people.
    pub detail: String,
    /// When that was decided.
    pub at: Timestamp,
}

/// What became of a nominal time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// This job.
    Job(JobId),
    /// Nothing, by the overlap policy.
    Nothing,
    /// Nothing, and nothing for those before it: no worker was there.
    Missed,
    /// A job that is made when the one before is over.
    Later,
}

impl Brought {
    /// The word in the store and in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Job(_) => "submitted",
            Self::Nothing => "skipped",
            Self::Missed => "missed",
            Self::Later => "waiting",
        }
    }

    /// The job, if there is one.
    pub fn job(self) -> Option<JobId> {
        match self {
            Self::Job(job) => Some(job),
            Self::Nothing | Self::Missed | Self::Later => None,
        }
    }
}

/// Keeps what a nominal time brought; one that is settled stays as it is.
pub(crate) async fn put(db: &mut Connection, firing: &Firing) -> Result<(), StoreError> {
    query(PUT)
        .bind(firing.schedule.as_str())
        .bind(time(firing.nominal_at))
        .bind(firing.brought.word())
        .bind(firing.brought.job().map(|job| job.to_string()))
        .bind(&firing.detail)
        .bind(time(firing.at))
        .execute(db)
        .await?;
    Ok(())
}

/// Whether this nominal time had its turn.
pub(crate) async fn has(
    db: &mut Connection,
    schedule: &ScheduleName,
    nominal_at: Timestamp,
) -> Result<bool, StoreError> {
    let query = query(HAS).bind(schedule.as_str()).bind(time(nominal_at));
    Ok(query.fetch_optional(db).await?.is_some())
}

/// The newest ones first.
pub(crate) async fn newest(
    db: &mut Connection,
    schedule: &ScheduleName,
    limit: u32,
) -> Result<Vec<Firing>, StoreError> {
    let query = query(NEWEST).bind(schedule.as_str()).bind(i64::from(limit));
    query.fetch_all(db).await?.iter().map(read).collect()
}

/// Those that wait, oldest first.
pub(crate) async fn waiting(
    db: &mut Connection,
    schedule: &ScheduleName,
) -> Result<Vec<Firing>, StoreError> {
    let rows = query(WAITING).bind(schedule.as_str()).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// The one that brought this job.
pub(crate) async fn of_job(db: &mut Connection, job: JobId) -> Result<Option<Firing>, StoreError> {
    let row = query(OF_JOB)
        .bind(job.to_string())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Jobs of a schedule that are not over.
pub(crate) async fn open_jobs(
    db: &mut Connection,
    schedule: &ScheduleName,
) -> Result<Vec<JobId>, StoreError> {
    let rows = query(OPEN).bind(schedule.as_str()).fetch_all(db).await?;
    rows.iter()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .collect()
}

/// Schedules with a time that waits for nothing any more.
pub(crate) async fn ready(db: &mut Connection) -> Result<Vec<ScheduleName>, StoreError> {
    let rows = query(READY).fetch_all(db).await?;
    rows.iter()
        .map(|row| Cells::new("firings", row).parse("schedule"))
        .collect()
}

/// Forgets the oldest times that brought nothing; so many are kept.
pub(crate) async fn forget(
    db: &mut Connection,
    schedule: &ScheduleName,
    kept: u32,
) -> Result<(), StoreError> {
    query(FORGET)
        .bind(schedule.as_str())
        .bind(i64::from(kept))
        .execute(db)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Firing, StoreError> {
    let cells = Cells::new("firings", row);
    let job: Option<JobId> = cells.parse_option("job_id")?;
    let state: String = cells.get("state")?;
    let brought = match (job, state.as_str()) {
        (Some(job), _) => Brought::Job(job),
        (None, "waiting") => Brought::Later,
        (None, "missed") => Brought::Missed,
        (None, _) => Brought::Nothing,
    };
    Ok(Firing {
        schedule: cells.parse("schedule")?,
        nominal_at: cells.time("nominal_at")?,
        brought,
        detail: cells.get("detail")?,
        at: cells.time("at")?,
    })
}
