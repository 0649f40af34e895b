//! The table of jobs' labels: a copy of what stands in the spec, to search by.

use longshore_core::JobId;
use longshore_core::limits::STORE_ROWS;
use longshore_core::spec::JobSpec;

use crate::database::Connection;
use crate::error::StoreError;
use crate::statement::Builder;

/// Writes the labels of new jobs.
pub(crate) async fn insert<'j>(
    db: &mut Connection,
    jobs: impl Iterator<Item = (JobId, &'j JobSpec)>,
) -> Result<(), StoreError> {
    let labels: Vec<_> = jobs
        .flat_map(|(id, spec)| spec.labels.iter().map(move |label| (id, label)))
        .collect();
    for part in labels.chunks(STORE_ROWS) {
        let mut query = Builder::new("INSERT INTO job_labels (job_id, key, value) ");
        query.push_rows(part.iter().map(|(job, (key, value))| {
            [
                job.to_string().into(),
                key.to_string().into(),
                value.as_str().into(),
            ]
        }));
        query.build().usual(false).execute(&mut *db).await?;
    }
    Ok(())
}
