//! How long jobs ran and run, for those who ask when the next one starts.

use std::time::Duration;

use longshore_core::forecast::PastRun;
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, Timestamp};

use crate::columns::Cells;
use crate::database::Row;
use crate::error::StoreError;
use crate::rows::attempts::holds_slot;
use crate::rows::jobs;
use crate::statement::query;
use crate::store::Store;

pub(crate) const PAST: &str = "SELECT jobs.id AS id, spec, attempts.host_id AS host_id, claimed_at, \
    ended_at FROM jobs JOIN attempts ON attempts.job_id = jobs.id \
    AND attempts.number = jobs.attempt \
    WHERE jobs.finished_at IS NOT NULL AND attempts.started_at IS NOT NULL \
    AND attempts.ended_at IS NOT NULL ORDER BY jobs.finished_at DESC LIMIT $1";
const UNDER_WAY: &str = concat!(
    "SELECT jobs.id AS id, spec, memory_bytes, under_way.host_id AS host_id, claimed_at \
     FROM (SELECT job_id, host_id, claimed_at FROM attempts WHERE ",
    holds_slot!(),
    " LIMIT $1) AS under_way JOIN jobs ON jobs.id = under_way.job_id"
);

/// An attempt that holds a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct RunUnderWay {
    /// What runs.
    pub spec: JobSpec,
    /// Where.
    pub host: HostId,
    /// Since when.
    pub claimed_at: Timestamp,
}

impl Store {
    /// The last runs that came to an end, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn past_runs(&self, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        let query = query(PAST).bind(i64::from(limit));
        let rows = query
            .fetch_all(&mut self.readers().acquire().await?)
            .await?;
        rows.iter().map(read_past).collect()
    }

    /// Attempts that hold a slot, in no order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn runs_under_way(&self, limit: u32) -> Result<Vec<RunUnderWay>, StoreError> {
        let query = query(UNDER_WAY).bind(i64::from(limit));
        let rows = query
            .fetch_all(&mut self.readers().acquire().await?)
            .await?;
        rows.iter().map(read_under_way).collect()
    }
}

fn read_past(row: &Row) -> Result<PastRun, StoreError> {
    let cells = Cells::new("jobs", row);
    let spec: JobSpec = cells.json("spec")?;
    let took = cells
        .time("ended_at")?
        .duration_since(cells.time("claimed_at")?);
    Ok(PastRun {
        image: spec.image.canonical(),
        host: cells.parse("host_id")?,
        took: Duration::try_from(took).unwrap_or(Duration::ZERO),
    })
}

fn read_under_way(row: &Row) -> Result<RunUnderWay, StoreError> {
    let cells = Cells::new("jobs", row);
    Ok(RunUnderWay {
        spec: jobs::read_spec(&cells)?,
        host: cells.parse("host_id")?,
        claimed_at: cells.time("claimed_at")?,
    })
}
