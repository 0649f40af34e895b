//! The table of jobs: adding them.

use std::collections::HashSet;

use longshore_core::array::ArrayPlace;
use longshore_core::job::Driver;
use longshore_core::lane::Lane;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::{JobSpec, TimeLimit};
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, json, length, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::query;
use crate::values::Value;

const INSERT: &str = "INSERT INTO jobs (id, short, spec, name, priority, idempotency_key, status, \
    created_at, queued_at, not_before, queue_limit, total_limit, queue_deadline, total_deadline, \
    driver, lane, waits_for, array_id, array_index) \
    SELECT * FROM [id, short, spec, name, priority, idempotency_key, status, \
    created_at, queued_at, not_before, queue_limit, total_limit, queue_deadline, total_deadline, \
    driver, lane, waits_for, array_id, array_index] AS said \
    WHERE true ON CONFLICT DO NOTHING RETURNING id";
const BY_KEY: &str = "SELECT id FROM jobs WHERE idempotency_key = $1";

/// A job that is about to be added.
pub(crate) struct JobRow<'j> {
    pub(crate) id: JobId,
    pub(crate) spec: &'j JobSpec,
    pub(crate) driver: Driver,
    /// Set when it waits for this time, and not yet for a slot.
    pub(crate) not_before: Option<Timestamp>,
    /// How many dependencies it has.
    pub(crate) waits_for: i64,
    /// Which job of which array it is.
    pub(crate) array: Option<ArrayPlace>,
    pub(crate) now: Timestamp,
}

impl JobRow<'_> {
    /// Whether it waits for a slot from the first moment.
    pub(crate) fn is_queued(&self) -> bool {
        self.driver == Driver::Engine && self.not_before.is_none() && self.waits_for == 0
    }

    /// When its total limit passes. The clock of a job that its caller drives does not run yet.
    fn total_deadline(&self, total: Option<i64>) -> Option<i64> {
        match self.driver {
            Driver::Engine => total.map(|total| time(self.now).saturating_add(total)),
            Driver::Service => None,
        }
    }
}

/// Adds jobs and says which are new; the others were there by id or by idempotency key.
pub(crate) async fn insert(
    db: &mut Connection,
    jobs: &[JobRow<'_>],
) -> Result<HashSet<JobId>, StoreError> {
    let rows = Set::new(INSERT, jobs.iter().map(cells))
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .collect()
}

/// The job that an idempotency key belongs to.
pub(crate) async fn by_key(db: &mut Connection, key: &str) -> Result<Option<JobId>, StoreError> {
    let row = query(BY_KEY).bind(key).fetch_optional(db).await?;
    row.as_ref()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .transpose()
}

/// What stands in each of the columns.
fn cells(job: &JobRow<'_>) -> [Value; 19] {
    let (spec, now) = (job.spec, time(job.now));
    let limit = |limit: Option<TimeLimit>| limit.map(|limit| length(limit.duration()));
    let (queue, total) = (limit(spec.timeouts.queue), limit(spec.timeouts.total));
    let is_queued = job.is_queued();
    let status = if is_queued {
        JobStatus::Queued
    } else {
        JobStatus::Pending
    };
    let queue_deadline = queue
        .filter(|_| is_queued)
        .map(|queue| now.saturating_add(queue));
    [
        job.id.to_string().into(),
        job.id.short().into(),
        json(spec).into(),
        spec.name.as_ref().map(ToString::to_string).into(),
        i64::from(spec.priority).into(),
        spec.idempotency_key
            .as_ref()
            .map(ToString::to_string)
            .into(),
        status.word().into(),
        now.into(),
        is_queued.then_some(now).into(),
        job.not_before.map(time).into(),
        queue.into(),
        total.into(),
        queue_deadline.into(),
        job.total_deadline(total).into(),
        job.driver.word().into(),
        Lane::of(spec).to_string().into(),
        job.waits_for.into(),
        job.array.map(|place| place.id.to_string()).into(),
        job.array.map(|place| i64::from(place.index)).into(),
    ]
}
