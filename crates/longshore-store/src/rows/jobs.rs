//! The table of jobs: reading them.

use longshore_core::array::ArrayPlace;
use longshore_core::job::Job;
use longshore_core::limits::PAGE;
use longshore_core::outcome::{JobStatus, Outcome};
use longshore_core::spec::{ByteSize, JobSpec, OwnerName, QueueName, ScheduleName};
use longshore_core::{ArrayId, HostId, JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::{Builder, query};

pub(crate) mod change;
pub(crate) mod direct;
pub(crate) mod due;
pub(crate) mod history;
pub(crate) mod insert;
pub(crate) mod waiting;

macro_rules! columns {
    () => {
        "id, spec, status, reason, exit_code, message, attempt, retries_used, infra_retries_used, \
         created_at, queued_at, not_before, started_at, finished_at, cancel_requested_at, total_deadline, \
         image_digest, host_id, driver, array_id, array_index, memory_bytes"
    };
}
pub(crate) use columns;

const GET: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1");
pub(crate) const LIST: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE 1 = 1");
const COUNTS: &str = "SELECT status, COUNT(*) AS jobs FROM jobs GROUP BY status";
// Jobs under way have an attempt under way; each part runs on an index of its own.
pub(crate) const ANY_OPEN: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM jobs WHERE status = 'queued') \
    OR EXISTS (SELECT 1 FROM jobs WHERE status IN ('pending', 'retrying') AND driver = 'engine') \
    OR EXISTS (SELECT 1 FROM attempts WHERE phase <> 'ended' AND driver = 'engine')";
const NEWEST: &str = "SELECT id FROM jobs ORDER BY created_at DESC, id DESC LIMIT 1";
const NEWEST_NAMED: &str =
    "SELECT id FROM jobs WHERE name = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
const BY_PREFIX: &str = "SELECT id FROM jobs WHERE id >= $1 AND id < $2 \
    UNION SELECT id FROM jobs WHERE short >= $1 AND short < $2 ORDER BY 1 LIMIT $3";

/// Which jobs are wanted; everything that is set must hold. The default is the first page of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// In one of these states; empty for all.
    pub statuses: Vec<JobStatus>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// With this label and value.
    pub label: Option<(String, String)>,
    /// Whose current or last attempt is on this host.
    pub host: Option<HostId>,
    /// Of this owner.
    pub owner: Option<OwnerName>,
    /// Of this queue.
    pub queue: Option<QueueName>,
    /// Of this array.
    pub array: Option<ArrayId>,
    /// That this schedule made.
    pub schedule: Option<ScheduleName>,
    /// At most so many.
    pub limit: u32,
    /// Older than this place in the list: the last job of the page before.
    pub before: Option<JobCursor>,
}

impl Default for JobFilter {
    fn default() -> Self {
        let (statuses, limit) = (Vec::new(), PAGE);
        Self {
            statuses,
            name: None,
            label: None,
            host: None,
            owner: None,
            queue: None,
            array: None,
            schedule: None,
            limit,
            before: None,
        }
    }
}

/// A place in the list of all jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobCursor {
    /// When the job there was created.
    pub created_at: Timestamp,
    /// Which job it is.
    pub id: JobId,
}

impl From<&Job> for JobCursor {
    fn from(job: &Job) -> Self {
        Self {
            created_at: job.created_at,
            id: job.id,
        }
    }
}

/// Reads one.
pub(crate) async fn get(db: &mut Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    let row = query(GET).bind(id.to_string()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Reads a page, newest first.
pub(crate) async fn list(db: &mut Connection, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
    let mut query = Builder::new(LIST);
    if !filter.statuses.is_empty() {
        let words = filter.statuses.iter().map(|status| status.word().into());
        query.push(" AND status IN (").push_list(words).push(")");
    }
    if let Some(name) = &filter.name {
        query.push(" AND name = ").push_bind(name);
    }
    if let Some((key, value)) = &filter.label {
        query
            .push(" AND id IN (SELECT job_id FROM job_labels WHERE key = ")
            .push_bind(key);
        query.push(" AND value = ").push_bind(value).push(")");
    }
    if let Some(host) = filter.host {
        query.push(" AND host_id = ").push_bind(host.to_string());
    }
    push_lane(&mut query, filter);
    if let Some(array) = filter.array {
        query.push(" AND array_id = ").push_bind(array.to_string());
    }
    if let Some(schedule) = &filter.schedule {
        query
            .push(" AND id IN (SELECT job_id FROM firings WHERE schedule = ")
            .push_bind(schedule.as_str())
            .push(")");
    }
    if let Some(before) = filter.before {
        query
            .push(" AND (created_at, id) < (")
            .push_bind(time(before.created_at));
        query.push(", ").push_bind(before.id.to_string()).push(")");
    }
    query
        .push(" ORDER BY created_at DESC, id DESC LIMIT ")
        .push_bind(i64::from(filter.limit));
    query
        .build()
        .fetch_all(db)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Owner and queue stand in the lane; names have no `/`.
fn push_lane(query: &mut Builder, filter: &JobFilter) {
    if let Some(owner) = &filter.owner {
        query
            .push(" AND REPLACE(lane, ")
            .push_bind(format!("/{owner}/"));
        query.push(", '') <> lane");
    }
    if let Some(queue) = &filter.queue {
        query
            .push(" AND REPLACE('//' || lane, ")
            .push_bind(format!("//{queue}/"));
        query.push(", '') <> '//' || lane");
    }
}

/// How many jobs there are in each state that has any.
pub(crate) async fn counts(db: &mut Connection) -> Result<Vec<(JobStatus, u64)>, StoreError> {
    let rows = query(COUNTS).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("jobs", row);
        Ok((cells.parse("status")?, cells.number("jobs")?))
    };
    rows.iter().map(read).collect()
}

/// Whether there is a job that workers move and that is not final.
pub(crate) async fn any_open(db: &mut Connection) -> Result<bool, StoreError> {
    Ok(query(ANY_OPEN).fetch_optional(db).await?.is_some())
}

/// The newest job; of this name, if one is given.
pub(crate) async fn newest(
    db: &mut Connection,
    name: Option<&str>,
) -> Result<Option<JobId>, StoreError> {
    let query = match name {
        None => query(NEWEST),
        Some(name) => query(NEWEST_NAMED).bind(name),
    };
    let row = query.fetch_optional(db).await?;
    row.as_ref()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .transpose()
}

/// Jobs whose id, or its last twelve digits, begin so. The prefix has only digits and hyphens.
pub(crate) async fn by_prefix(
    db: &mut Connection,
    prefix: &str,
    limit: u32,
) -> Result<Vec<JobId>, StoreError> {
    // `g` follows all hexadecimal digits.
    let rows = query(BY_PREFIX)
        .bind(prefix)
        .bind(format!("{prefix}g"))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .collect()
}

/// Reads a row with all [`columns`].
pub(crate) fn read(row: &Row) -> Result<Job, StoreError> {
    let cells = Cells::new("jobs", row);
    let status: JobStatus = cells.parse("status")?;
    Ok(Job {
        id: cells.parse("id")?,
        spec: read_spec(&cells)?,
        driver: cells.parse("driver")?,
        status,
        outcome: read_outcome(&cells, status)?,
        exit_code: cells.number_option("exit_code")?,
        message: cells.get("message")?,
        attempt: cells.number("attempt")?,
        retries_used: cells.number("retries_used")?,
        infra_retries_used: cells.number("infra_retries_used")?,
        created_at: cells.time("created_at")?,
        queued_at: cells.time_option("queued_at")?,
        not_before: cells.time_option("not_before")?,
        started_at: cells.time_option("started_at")?,
        finished_at: cells.time_option("finished_at")?,
        cancel_requested_at: cells.time_option("cancel_requested_at")?,
        total_deadline: cells.time_option("total_deadline")?,
        image_digest: cells.get("image_digest")?,
        host: cells.parse_option("host_id")?,
        array: read_array(&cells)?,
    })
}

/// The spec as it holds now: with more memory than at first where that was not enough.
pub(crate) fn read_spec(cells: &Cells<'_>) -> Result<JobSpec, StoreError> {
    let mut spec: JobSpec = cells.json("spec")?;
    if let Some(bytes) = cells.number_option("memory_bytes")? {
        spec.raise_memory(ByteSize::from_bytes(bytes));
    }
    Ok(spec)
}

fn read_array(cells: &Cells<'_>) -> Result<Option<ArrayPlace>, StoreError> {
    let Some(id) = cells.parse_option("array_id")? else {
        return Ok(None);
    };
    let index = cells.number("array_index")?;
    Ok(Some(ArrayPlace { id, index }))
}

fn read_outcome(cells: &Cells<'_>, status: JobStatus) -> Result<Option<Outcome>, StoreError> {
    let reason: Option<String> = cells.get("reason")?;
    reason
        .map(|reason| Outcome::parse(status, &reason))
        .transpose()
        .map_err(|error| cells.unreadable("reason", &error))
}
