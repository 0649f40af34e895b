//! The table of jobs' labels: a copy of what stands in the spec, to search by.

use longshore_core::JobId;
use longshore_core::spec::JobSpec;

use crate::database::Connection;
use crate::error::StoreError;
use crate::set::Set;

const INSERT: &str = "INSERT INTO job_labels (job_id, key, value) \
    SELECT job, label, content FROM [job, label, content] AS said";

/// Writes the labels of new jobs.
pub(crate) async fn insert<'j>(
    db: &mut Connection,
    jobs: impl Iterator<Item = (JobId, &'j JobSpec)>,
) -> Result<(), StoreError> {
    let labels = jobs.flat_map(|(id, spec)| spec.labels.iter().map(move |label| (id, label)));
    let rows = labels.map(|(job, (key, value))| {
        [
            job.to_string().into(),
            key.to_string().into(),
            value.as_str().into(),
        ]
    });
    Set::new(INSERT, rows).execute(db).await?;
    Ok(())
}
