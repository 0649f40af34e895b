//! The table of jobs' labels: a copy of what stands in the spec, to search by.

use longshore_core::JobId;
use longshore_core::limits::STORE_ROWS;
use longshore_core::spec::JobSpec;
use sqlx::QueryBuilder;

use crate::error::StoreError;
use crate::sqlite::{Connection, Database};

/// Writes the labels of new jobs.
pub(crate) async fn insert<'j>(
    db: &mut Connection,
    jobs: impl Iterator<Item = (JobId, &'j JobSpec)>,
) -> Result<(), StoreError> {
    let labels: Vec<_> = jobs
        .flat_map(|(id, spec)| {
            spec.labels
                .iter()
                .map(move |(key, value)| (id.to_string(), key.to_string(), value))
        })
        .collect();
    for part in labels.chunks(STORE_ROWS) {
        let mut query =
            QueryBuilder::<Database>::new("INSERT INTO job_labels (job_id, key, value) ");
        query.push_values(part, |mut row, (job, key, value)| {
            row.push_bind(job).push_bind(key).push_bind(*value);
        });
        query.build().persistent(false).execute(&mut *db).await?;
    }
    Ok(())
}
