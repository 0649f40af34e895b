//! The table of jobs: adding them.

use std::collections::HashSet;

use longshore_core::job::Driver;
use longshore_core::limits::STORE_ROWS;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::{JobSpec, TimeLimit};
use longshore_core::{JobId, Timestamp};
use sqlx::QueryBuilder;
use sqlx::query_builder::Separated;

use crate::columns::{Cells, json, length, time};
use crate::error::StoreError;
use crate::sqlite::{Connection, Database};

const INSERT: &str = "INSERT INTO jobs (id, short, spec, name, priority, idempotency_key, status, \
    created_at, queued_at, not_before, queue_limit, total_limit, queue_deadline, total_deadline, \
    driver) ";
const INSERTED: &str = " ON CONFLICT DO NOTHING RETURNING id";
const BY_KEY: &str = "SELECT id FROM jobs WHERE idempotency_key = $1";

/// A job that is about to be added.
pub(crate) struct JobRow<'j> {
    pub(crate) id: JobId,
    pub(crate) spec: &'j JobSpec,
    pub(crate) driver: Driver,
    /// Set when it waits for this time, and not yet for a slot.
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl JobRow<'_> {
    /// Whether it waits for a slot from the first moment.
    pub(crate) fn is_queued(&self) -> bool {
        self.driver == Driver::Engine && self.not_before.is_none()
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
    let mut new = HashSet::with_capacity(jobs.len());
    for part in jobs.chunks(STORE_ROWS) {
        let mut query = QueryBuilder::<Database>::new(INSERT);
        query.push_values(part, push);
        query.push(INSERTED);
        let is_usual = part.len() == STORE_ROWS || part.len() == 1;
        for row in query
            .build()
            .persistent(is_usual)
            .fetch_all(&mut *db)
            .await?
        {
            new.insert(Cells::new("jobs", &row).parse("id")?);
        }
    }
    Ok(new)
}

/// The job that an idempotency key belongs to.
pub(crate) async fn by_key(db: &mut Connection, key: &str) -> Result<Option<JobId>, StoreError> {
    let row = sqlx::query(BY_KEY).bind(key).fetch_optional(db).await?;
    row.as_ref()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .transpose()
}

fn push(mut row: Separated<'_, Database, &'static str>, job: &JobRow<'_>) {
    let (spec, now) = (job.spec, time(job.now));
    let limit = |limit: Option<TimeLimit>| limit.map(|limit| length(limit.duration()));
    let (queue, total) = (limit(spec.timeouts.queue), limit(spec.timeouts.total));
    let is_queued = job.is_queued();
    let status = if is_queued {
        JobStatus::Queued
    } else {
        JobStatus::Pending
    };
    row.push_bind(job.id.to_string())
        .push_bind(job.id.short())
        .push_bind(json(spec))
        .push_bind(spec.name.as_ref().map(ToString::to_string))
        .push_bind(i64::from(spec.priority))
        .push_bind(spec.idempotency_key.as_ref().map(ToString::to_string))
        .push_bind(status.word())
        .push_bind(now)
        .push_bind(is_queued.then_some(now))
        .push_bind(job.not_before.map(time))
        .push_bind(queue)
        .push_bind(total)
        .push_bind(
            queue
                .filter(|_| is_queued)
                .map(|queue| now.saturating_add(queue)),
        )
        .push_bind(job.total_deadline(total))
        .push_bind(job.driver.word());
}
