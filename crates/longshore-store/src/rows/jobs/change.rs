//! The table of jobs: moving one from state to state. Each statement names the state it expects.

use std::collections::HashMap;

use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::outcome::{JobStatus, Outcome, Verdict};
use longshore_core::retry::Budget;
use longshore_core::spec::ByteSize;
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, amount, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::query;
use crate::values::Value;

/// Jobs that an attempt moves. One that its caller drives is pending until it is started.
macro_rules! is_under_way {
    () => {
        "(jobs.status IN ('launching', 'running') \
         OR (jobs.status = 'pending' AND jobs.driver = 'service'))"
    };
}
pub(crate) use is_under_way;

/// Jobs that the attempts of a set speak for.
macro_rules! of_said {
    () => {
        " AS said WHERE jobs.id = said.job AND jobs.attempt = said.number"
    };
}

const STANDING: &str = "SELECT id, status, driver FROM jobs WHERE id = $1";
const CLAIM: &str = "UPDATE jobs SET status = 'launching', attempt = said.number, \
    host_id = said.host, started_at = NULL, queue_deadline = NULL FROM [job, number, host] AS said \
    WHERE jobs.id = said.job AND status = 'queued'";
const IMAGES: &str = "UPDATE jobs SET image_digest = said.digest FROM [job, digest] AS said \
    WHERE jobs.id = said.job AND image_digest IS NULL";
const RUN: &str = concat!(
    "UPDATE jobs SET status = 'running', started_at = COALESCE(started_at, said.now), \
     message = CASE driver WHEN 'service' THEN NULL ELSE message END FROM [job, number, now]",
    of_said!(),
    " AND ",
    is_under_way!()
);
const WISH: &str = "UPDATE jobs SET cancel_requested_at = $2 \
    WHERE id = $1 AND status IN ('launching', 'running') AND cancel_requested_at IS NULL";
const GIVE_UP: &str = "UPDATE jobs SET status = $2, reason = $3, finished_at = $4, message = $5, \
    cancel_requested_at = $6, queue_deadline = NULL, not_before = NULL \
    WHERE id = $1 AND status IN ('pending', 'queued', 'retrying')";
const UNDER_WAY: &str = concat!(
    "SELECT id, driver, cancel_requested_at FROM jobs WHERE id = $1 AND attempt = $2 AND ",
    is_under_way!()
);
const STANDINGS: &str = concat!(
    "SELECT jobs.id AS id, jobs.status AS status, jobs.driver AS driver, \
     jobs.cancel_requested_at AS cancel_requested_at, \
     CAST(CASE WHEN jobs.attempt = said.number AND ",
    is_under_way!(),
    " THEN 1 ELSE 0 END AS BIGINT) AS is_under_way FROM [job, number] AS said JOIN jobs ON jobs.id = said.job"
);
const FINISH: &str = concat!(
    "UPDATE jobs SET status = said.ended, reason = said.why, exit_code = said.code, \
     message = said.words, finished_at = said.now, started_at = COALESCE(started_at, said.ran) \
     FROM [job, number, ended, why, code, words, now, ran]",
    of_said!(),
    " AND ",
    is_under_way!()
);
const RETRY: &str = concat!(
    "UPDATE jobs SET status = 'retrying', exit_code = said.code, message = said.words, \
     not_before = said.due, retries_used = retries_used + said.own, \
     infra_retries_used = infra_retries_used + said.infra, \
     memory_bytes = COALESCE(said.memory, jobs.memory_bytes), \
     started_at = COALESCE(started_at, said.ran) \
     FROM [job, number, code, words, due, own, infra, memory, ran]",
    of_said!(),
    " AND status IN ('launching', 'running')"
);
const REVIVE: &str = "UPDATE jobs SET status = 'queued', reason = NULL, exit_code = NULL, \
    message = NULL, finished_at = NULL, started_at = NULL, cancel_requested_at = NULL, \
    not_before = NULL, retries_used = 0, infra_retries_used = 0, queued_at = $2, \
    queue_deadline = $2 + queue_limit, total_deadline = $2 + total_limit \
    WHERE id = $1 AND status IN ('failed', 'timeout', 'cancelled')";

/// One attempt of one job, by numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

impl Try {
    /// Job and number, as the first two columns of a set.
    fn cells(self) -> [Value; 2] {
        [self.job.to_string().into(), i64::from(self.number).into()]
    }
}

/// Where a job stands, and who moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: JobStatus,
    pub(crate) driver: Driver,
}

/// Where a job stands, and who moves it.
pub(crate) async fn standing(db: &mut Connection, job: JobId) -> Result<Standing, StoreError> {
    let row = query(STANDING)
        .bind(job.to_string())
        .fetch_optional(db)
        .await?;
    let row = row.ok_or_else(|| StoreError::not_found("job", job.to_string()))?;
    let cells = Cells::new("jobs", &row);
    Ok(Standing {
        status: cells.parse("status")?,
        driver: cells.parse("driver")?,
    })
}

/// Where a job stands.
pub(crate) async fn status(db: &mut Connection, job: JobId) -> Result<JobStatus, StoreError> {
    Ok(standing(db, job).await?.status)
}

/// Queued → launching.
pub(crate) async fn claim(
    db: &mut Connection,
    attempts: impl Iterator<Item = &AttemptRecord>,
) -> Result<(), StoreError> {
    let rows = attempts.map(|attempt| {
        [
            attempt.job.to_string().into(),
            i64::from(attempt.number).into(),
            attempt.host.to_string().into(),
        ]
    });
    Set::new(CLAIM, rows).execute(db).await?;
    Ok(())
}

/// Keeps the digests of images, of each job the first.
pub(crate) async fn set_images(
    db: &mut Connection,
    digests: impl Iterator<Item = (JobId, &str)>,
) -> Result<(), StoreError> {
    let rows = digests.map(|(job, digest)| [job.to_string().into(), digest.into()]);
    Set::new(IMAGES, rows).execute(db).await?;
    Ok(())
}

/// Under way → running.
pub(crate) async fn run(
    db: &mut Connection,
    started: impl Iterator<Item = (Try, Timestamp)>,
) -> Result<(), StoreError> {
    let rows = started.map(|(one, now)| {
        let [job, number] = one.cells();
        [job, number, time(now).into()]
    });
    Set::new(RUN, rows).execute(db).await?;
    Ok(())
}

/// Notes the wish that a job under way be cancelled; `false` if it was noted before.
pub(crate) async fn wish_cancel(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let noted = query(WISH)
        .bind(job.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(noted > 0)
}

/// A job that no attempt works on → final. `cancelled_at` is set when somebody wished it.
pub(crate) async fn give_up(
    db: &mut Connection,
    job: JobId,
    outcome: Outcome,
    message: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let moved = query(GIVE_UP)
        .bind(job.to_string())
        .bind(outcome.status().word())
        .bind(outcome.to_string())
        .bind(time(now))
        .bind(message)
        .bind(cancelled_at(outcome, now))
        .execute(db)
        .await?;
    Ok(moved > 0)
}

/// When it was wished that a job ends so that no attempt works on.
pub(crate) fn cancelled_at(outcome: Outcome, now: Timestamp) -> Option<i64> {
    match outcome {
        Outcome::Cancelled(_) => Some(time(now)),
        Outcome::Completed | Outcome::Failed(_) | Outcome::TimedOut(_) => None,
    }
}

/// Whether this attempt is the current one of a job under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnderWay {
    /// It is, and nobody wishes the job cancelled.
    Wanted,
    /// It is, and somebody wishes the job cancelled.
    Unwanted,
    /// It is, and the job's caller decides what follows.
    OfService,
    /// It is not.
    No,
}

/// Says whether the attempt speaks for its job.
pub(crate) async fn under_way(db: &mut Connection, one: Try) -> Result<UnderWay, StoreError> {
    let row = query(UNDER_WAY)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .fetch_optional(db)
        .await?;
    let Some(row) = row else {
        return Ok(UnderWay::No);
    };
    read_under_way(&Cells::new("jobs", &row))
}

fn read_under_way(cells: &Cells<'_>) -> Result<UnderWay, StoreError> {
    let wish = cells.time_option("cancel_requested_at")?;
    Ok(match (cells.parse("driver")?, wish) {
        (Driver::Service, _) => UnderWay::OfService,
        (Driver::Engine, Some(_)) => UnderWay::Unwanted,
        (Driver::Engine, None) => UnderWay::Wanted,
    })
}

/// Where the jobs of these attempts stand, and whether the attempts speak for them.
pub(crate) async fn standings(
    db: &mut Connection,
    tries: impl Iterator<Item = Try>,
) -> Result<HashMap<JobId, (JobStatus, UnderWay)>, StoreError> {
    let rows = Set::new(STANDINGS, tries.map(Try::cells))
        .fetch_all(db)
        .await?;
    let read = |row: &Row| {
        let cells = Cells::new("jobs", row);
        let under_way = match cells.get::<i64>("is_under_way")? {
            0 => UnderWay::No,
            _ => read_under_way(&cells)?,
        };
        Ok((cells.parse("id")?, (cells.parse("status")?, under_way)))
    };
    rows.iter().map(read).collect()
}

/// How a job ends with an attempt, whose outcome may be another one.
pub(crate) struct Final<'v> {
    pub(crate) one: Try,
    pub(crate) outcome: Outcome,
    pub(crate) verdict: &'v Verdict,
    /// When its container was started, if that is news.
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

/// Under way → final.
pub(crate) async fn finish(
    db: &mut Connection,
    finals: impl Iterator<Item = Final<'_>>,
) -> Result<(), StoreError> {
    let rows = finals.map(|ended| {
        let [job, number] = ended.one.cells();
        [
            job,
            number,
            ended.outcome.status().word().into(),
            ended.outcome.to_string().into(),
            ended.verdict.exit_code.map(i64::from).into(),
            (&ended.verdict.message).into(),
            time(ended.now).into(),
            ended.started_at.map(time).into(),
        ]
    });
    Set::new(FINISH, rows).execute(db).await?;
    Ok(())
}

/// Another try that follows an attempt, on one of the budgets.
pub(crate) struct Retrial<'v> {
    pub(crate) one: Try,
    pub(crate) verdict: &'v Verdict,
    /// When its container was started, if that is news.
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) budget: Budget,
    pub(crate) not_before: Timestamp,
    /// Set when it is to have more memory than the one before.
    pub(crate) memory: Option<ByteSize>,
}

/// Launching or running → retrying.
pub(crate) async fn retry(
    db: &mut Connection,
    retrials: impl Iterator<Item = Retrial<'_>>,
) -> Result<(), StoreError> {
    let rows = retrials.map(|retrial| {
        let [job, number] = retrial.one.cells();
        let (own, infra) = match retrial.budget {
            Budget::Job => (1_i64, 0_i64),
            Budget::Infrastructure => (0, 1),
            Budget::Free => (0, 0),
        };
        [
            job,
            number,
            retrial.verdict.exit_code.map(i64::from).into(),
            (&retrial.verdict.message).into(),
            time(retrial.not_before).into(),
            own.into(),
            infra.into(),
            retrial.memory.map(|memory| amount(memory.bytes())).into(),
            retrial.started_at.map(time).into(),
        ]
    });
    Set::new(RETRY, rows).execute(db).await?;
    Ok(())
}

/// Final, but not completed → queued, with everything reset that a new start resets.
pub(crate) async fn revive(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let moved = query(REVIVE)
        .bind(job.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(moved > 0)
}
