//! Jobs with the little of their current attempts that tells where their containers are.

use longshore_core::attempt::Phase;
use longshore_core::job::Driver;
use longshore_core::launch::Handle;
use longshore_core::limits::STORE_ROWS;
use longshore_core::outcome::JobStatus;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

use crate::columns::Cells;
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::Builder;

const SELECT: &str = "SELECT jobs.id AS id, jobs.status AS status, jobs.driver AS driver, \
    attempts.id AS attempt_id, attempts.phase AS phase, attempts.handle AS handle, \
    attempts.removed_at AS removed_at, hosts.id AS host_id, hosts.updated_at AS host_updated_at \
    FROM jobs LEFT JOIN attempts ON attempts.job_id = jobs.id AND attempts.number = jobs.attempt \
    LEFT JOIN hosts ON hosts.id = attempts.host_id WHERE jobs.id IN (";

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The job.
    pub job: JobId,
    /// Its status.
    pub status: JobStatus,
    /// Who moves it.
    pub driver: Driver,
    /// Its current or last attempt, if it has had one.
    pub attempt: Option<AttemptStanding>,
}

/// How an attempt stands, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptStanding {
    /// The attempt.
    pub id: AttemptId,
    /// How far it has come.
    pub phase: Phase,
    /// Its container, once it is known.
    pub handle: Option<Handle>,
    /// When the container was gone.
    pub removed_at: Option<Timestamp>,
    /// Its host.
    pub host: HostId,
    /// When the record of the host was last changed.
    pub host_updated_at: Timestamp,
}

/// Reads those of these jobs that exist, in no order.
pub(crate) async fn of(db: &mut Connection, ids: &[JobId]) -> Result<Vec<Standing>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(STORE_ROWS) {
        let mut query = Builder::new(SELECT);
        query
            .push_list(part.iter().map(|id| id.to_string().into()))
            .push(")");
        let is_usual = part.len() == STORE_ROWS || part.len() == 1;
        let rows = query.build().usual(is_usual).fetch_all(&mut *db).await?;
        for row in &rows {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

fn read(row: &Row) -> Result<Standing, StoreError> {
    let cells = Cells::new("jobs", row);
    Ok(Standing {
        job: cells.parse("id")?,
        status: cells.parse("status")?,
        driver: cells.parse("driver")?,
        attempt: read_attempt(&cells)?,
    })
}

fn read_attempt(cells: &Cells<'_>) -> Result<Option<AttemptStanding>, StoreError> {
    let Some(id) = cells.parse_option("attempt_id")? else {
        return Ok(None);
    };
    Ok(Some(AttemptStanding {
        id,
        phase: cells.parse("phase")?,
        handle: cells.json_option("handle")?,
        removed_at: cells.time_option("removed_at")?,
        host: cells.parse("host_id")?,
        host_updated_at: cells.time("host_updated_at")?,
    }))
}
