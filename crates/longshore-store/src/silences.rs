//! Attempts of which nobody knows how they stand, because their hosts do not answer.

use longshore_core::{HostId, JobId, Timestamp};

use crate::columns::Cells;
use crate::database::Row;
use crate::error::StoreError;
use crate::statement::query;
use crate::store::Store;

const SILENCES: &str = "SELECT job_id, host_id, unknown_since FROM attempts \
    WHERE unknown_since IS NOT NULL ORDER BY unknown_since, job_id LIMIT $1";

/// An attempt under way whose host does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its job.
    pub job: JobId,
    /// Its host.
    pub host: HostId,
    /// Since when.
    pub since: Timestamp,
}

impl Store {
    /// Attempts whose hosts do not answer, those that have waited longest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn silences(&self, limit: u32) -> Result<Vec<Silence>, StoreError> {
        let query = query(SILENCES).bind(i64::from(limit));
        let rows = query
            .fetch_all(&mut self.readers().acquire().await?)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Silence, StoreError> {
    let cells = Cells::new("attempts", row);
    Ok(Silence {
        job: cells.parse("job_id")?,
        host: cells.parse("host_id")?,
        since: cells.time("unknown_since")?,
    })
}
