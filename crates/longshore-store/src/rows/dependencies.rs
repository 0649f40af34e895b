//! The table of dependencies: what jobs wait for.

use longshore_core::dependency::{Condition, Dependency, Upstream};
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::query;

const INSERT: &str = "INSERT INTO dependencies (job_id, upstream, kind, condition) \
    SELECT job, before, what, wanted FROM [job, before, what, wanted] AS said";
// Those that somebody waits for, of jobs that ended and of their arrays.
pub(crate) const WAITED_FOR: &str = "WITH done (upstream) AS (SELECT job FROM [job] AS said), \
    ended (upstream) AS (SELECT upstream FROM done UNION SELECT array_id FROM jobs \
        JOIN done ON jobs.id = done.upstream WHERE array_id IS NOT NULL) \
    SELECT DISTINCT dependencies.upstream AS upstream, dependencies.kind AS kind FROM ended \
    JOIN dependencies ON dependencies.upstream = ended.upstream WHERE dependencies.met_at IS NULL";
const MEET: &str = "UPDATE dependencies SET met_at = $3 \
    WHERE upstream = $1 AND condition = $2 AND met_at IS NULL RETURNING job_id";
const WAITING: &str = "SELECT job_id FROM dependencies \
    WHERE upstream = $1 AND condition = $2 AND met_at IS NULL ORDER BY job_id";
const OF_JOB: &str = "SELECT upstream, kind, condition, met_at FROM dependencies \
    WHERE job_id = $1 ORDER BY upstream, condition";

/// What a job waits for, and since when it waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// For whom, and for what.
    pub dependency: Dependency,
    /// When it was so.
    pub met_at: Option<Timestamp>,
}

/// Writes what new jobs wait for.
pub(crate) async fn insert(
    db: &mut Connection,
    waits: &[(JobId, Dependency)],
) -> Result<(), StoreError> {
    let rows = waits.iter().map(|(job, dependency)| {
        let (upstream, kind) = key(dependency.upstream);
        [
            job.to_string().into(),
            upstream.into(),
            kind.into(),
            dependency.condition.word().into(),
        ]
    });
    Set::new(INSERT, rows).execute(db).await?;
    Ok(())
}

/// Those of these jobs, and of their arrays, that somebody waits for.
pub(crate) async fn waited_for(
    db: &mut Connection,
    ended: &[JobId],
) -> Result<Vec<Upstream>, StoreError> {
    let rows = ended.iter().map(|id| [id.to_string().into()]);
    let rows = Set::new(WAITED_FOR, rows).fetch_all(db).await?;
    rows.iter().map(read_upstream).collect()
}

/// Marks a condition as met; says whose.
pub(crate) async fn meet(
    db: &mut Connection,
    upstream: Upstream,
    condition: Condition,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let query = query(MEET)
        .bind(key(upstream).0)
        .bind(condition.word())
        .bind(time(now));
    jobs(&query.fetch_all(db).await?)
}

/// Jobs that wait, or waited to their end, for a condition that is not met.
pub(crate) async fn waiting(
    db: &mut Connection,
    upstream: Upstream,
    condition: Condition,
) -> Result<Vec<JobId>, StoreError> {
    let query = query(WAITING).bind(key(upstream).0).bind(condition.word());
    jobs(&query.fetch_all(db).await?)
}

/// What a job waits for.
pub(crate) async fn of_job(db: &mut Connection, job: JobId) -> Result<Vec<Waited>, StoreError> {
    let rows = query(OF_JOB).bind(job.to_string()).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("dependencies", row);
        let dependency = Dependency {
            upstream: read_upstream(row)?,
            condition: cells.parse("condition")?,
        };
        Ok(Waited {
            dependency,
            met_at: cells.time_option("met_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Its id, and what kind of thing it is.
fn key(upstream: Upstream) -> (String, &'static str) {
    match upstream {
        Upstream::Job(job) => (job.to_string(), "job"),
        Upstream::Array(array) => (array.to_string(), "array"),
    }
}

fn read_upstream(row: &Row) -> Result<Upstream, StoreError> {
    let cells = Cells::new("dependencies", row);
    let kind: String = cells.get("kind")?;
    Ok(match kind.as_str() {
        "array" => Upstream::Array(cells.parse("upstream")?),
        _ => Upstream::Job(cells.parse("upstream")?),
    })
}

fn jobs(rows: &[Row]) -> Result<Vec<JobId>, StoreError> {
    let read = |row: &Row| Cells::new("dependencies", row).parse("job_id");
    rows.iter().map(read).collect()
}
