//! The table of attempts: moving one from phase to phase. Each statement names fence and phase.

use std::collections::HashMap;

use longshore_core::attempt::Phase;
use longshore_core::job::AttemptRecord;
use longshore_core::launch::Handle;
use longshore_core::outcome::Verdict;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, Timestamp};

use crate::columns::{Cells, json, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::rows::jobs::change::{Try, is_under_way};
use crate::set::Set;
use crate::statement::{Statement, query};
use crate::values::Value;

/// Who reports: the attempt, and the number under which the reporter was given its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fenced {
    /// The attempt.
    pub attempt: AttemptId,
    /// The fence at the time.
    pub fence: i64,
}

impl Fenced {
    /// Attempt and fence, as the first two columns of a set.
    fn cells(self) -> [Value; 2] {
        [self.attempt.to_string().into(), self.fence.into()]
    }

    /// The answer to a report that comes too late.
    pub(crate) fn stale(self) -> StoreError {
        StoreError::Stale {
            attempt: self.attempt,
        }
    }
}

impl From<&AttemptRecord> for Fenced {
    fn from(record: &AttemptRecord) -> Self {
        Self {
            attempt: record.id,
            fence: record.fence,
        }
    }
}

const LOOK: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase <> 'ended'";
/// Rows of a set that still name their attempts as they are: by id and fence.
macro_rules! of_said {
    () => {
        " AS said WHERE attempts.id = said.attempt AND attempts.fence = said.expected "
    };
}

/// What is told of attempts that were moved.
macro_rules! moved {
    () => {
        " RETURNING attempts.id AS id, attempts.fence AS fence, attempts.job_id AS job_id, \
         attempts.number AS number"
    };
}

const IMAGES_READY: &str = concat!(
    "UPDATE attempts SET image_ready_at = COALESCE(image_ready_at, said.now) \
     FROM [attempt, expected, now]",
    of_said!(),
    "AND phase = 'claimed'",
    moved!()
);
const CREATED: &str = concat!(
    "UPDATE attempts SET handle = said.container, \
     image_ready_at = COALESCE(image_ready_at, said.ready) \
     FROM [attempt, expected, container, ready]",
    of_said!(),
    "AND phase = 'claimed' AND (handle IS NULL OR handle <> said.container)",
    moved!()
);
const IS_CREATED: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' AND handle = $3";
const STARTED: &str = concat!(
    "UPDATE attempts SET phase = 'running', handle = said.container, started_at = said.now \
     FROM [attempt, expected, container, now]",
    of_said!(),
    "AND phase = 'claimed' AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = attempts.job_id \
     AND jobs.attempt = attempts.number AND ",
    is_under_way!(),
    ")",
    moved!()
);
const IS_RUNNING: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase = 'running'";
/// A verdict, in eight columns.
macro_rules! set_verdict {
    () => {
        "verdict_status = said.status, verdict_reason = said.reason, exit_code = said.code, \
         oom_killed = said.oom, provenance = said.how, container_started_at = said.began, \
         container_finished_at = said.finished, verdict_message = said.words"
    };
}
const EXITED: &str = concat!(
    "UPDATE attempts SET phase = 'draining', handle = said.container, ended_at = said.now, \
     unknown_since = NULL, ",
    set_verdict!(),
    " FROM [attempt, expected, container, now, status, reason, code, oom, how, began, finished, \
     words]",
    of_said!(),
    "AND phase IN ('claimed', 'running')",
    moved!()
);
const END: &str = concat!(
    "UPDATE attempts SET phase = 'ended', handle = COALESCE(said.container, handle), \
     usage = COALESCE(said.used, usage), started_at = COALESCE(started_at, said.ran), \
     ended_at = COALESCE(ended_at, said.over), log_complete_at = said.now, unknown_since = NULL, \
     worker_id = NULL, lease_until = NULL, ",
    set_verdict!(),
    " FROM [attempt, expected, container, now, status, reason, code, oom, how, began, finished, \
     words, used, ran, over]",
    of_said!(),
    "AND phase <> 'ended'",
    moved!()
);
const REMOVED: &str = concat!(
    "UPDATE attempts SET removed_at = said.now FROM [attempt, now] AS said \
     WHERE attempts.id = said.attempt AND phase = 'ended' AND removed_at IS NULL",
    moved!()
);
const UNREACHABLE: &str = "UPDATE attempts SET unknown_since = $3 WHERE id = $1 AND fence = $2 \
    AND phase <> 'ended' AND unknown_since IS NULL RETURNING id, job_id, number";
const REACHABLE: &str = "UPDATE attempts SET unknown_since = NULL WHERE id = $1 AND fence = $2 \
    AND phase <> 'ended' AND unknown_since IS NOT NULL RETURNING id, job_id, number";

/// Whether the reporter still leads the attempt.
pub(crate) async fn look(db: &mut Connection, fenced: Fenced) -> Result<Try, StoreError> {
    one(db, fenced.attempt, fence(LOOK, fenced)).await
}

/// Attempts that reports have moved, by those who reported.
pub(crate) type Moved = HashMap<Fenced, Try>;

/// Claimed: the image is there.
pub(crate) async fn images_ready(
    db: &mut Connection,
    said: impl Iterator<Item = (Fenced, Timestamp)>,
) -> Result<Moved, StoreError> {
    let rows = said.map(|(fenced, now)| {
        let [attempt, fence] = fenced.cells();
        [attempt, fence, time(now).into()]
    });
    moved(db, Set::new(IMAGES_READY, rows)).await
}

/// Claimed: the container is there, and was not known; since when its image is, if that is news, too.
pub(crate) async fn created(
    db: &mut Connection,
    said: impl Iterator<Item = (Fenced, &Handle, Option<Timestamp>)>,
) -> Result<Moved, StoreError> {
    let rows = said.map(|(fenced, handle, ready)| {
        let [attempt, fence] = fenced.cells();
        [attempt, fence, json(handle).into(), ready.map(time).into()]
    });
    moved(db, Set::new(CREATED, rows)).await
}

/// Whether that container is known already.
pub(crate) async fn is_created(
    db: &mut Connection,
    fenced: Fenced,
    handle: &Handle,
) -> Result<(), StoreError> {
    let query = fence(IS_CREATED, fenced).bind(json(handle));
    one(db, fenced.attempt, query).await.map(|_| ())
}

/// Claimed → running, if the job is under way.
pub(crate) async fn started(
    db: &mut Connection,
    said: impl Iterator<Item = (Fenced, &Handle, Timestamp)>,
) -> Result<Moved, StoreError> {
    let rows = said.map(|(fenced, handle, now)| {
        let [attempt, fence] = fenced.cells();
        [attempt, fence, json(handle).into(), time(now).into()]
    });
    moved(db, Set::new(STARTED, rows)).await
}

/// Whether it runs by what we know already.
pub(crate) async fn is_running(db: &mut Connection, fenced: Fenced) -> Result<(), StoreError> {
    one(db, fenced.attempt, fence(IS_RUNNING, fenced))
        .await
        .map(|_| ())
}

/// What is said of an attempt that is over: who says it, its container, the verdict, and when.
type Said<'v> = (Fenced, Option<&'v Handle>, &'v Verdict, Timestamp);

/// Claimed or running → draining.
pub(crate) async fn exited(
    db: &mut Connection,
    said: impl Iterator<Item = Said<'_>>,
) -> Result<Moved, StoreError> {
    moved(db, Set::new(EXITED, said.map(over_cells))).await
}

/// What is said of an attempt that ends, beside its verdict.
pub(crate) struct Left<'v> {
    pub(crate) usage: Option<&'v Usage>,
    /// When its container was started, if that is news.
    pub(crate) started_at: Option<Timestamp>,
    /// When its container was over.
    pub(crate) ended_at: Timestamp,
}

/// What a report of this verdict means that came too late: nothing new, if this reporter has brought
/// the attempt to this phase with the same verdict before.
pub(crate) async fn known(
    db: &mut Connection,
    fenced: Fenced,
    phase: Phase,
    verdict: &Verdict,
) -> Result<Try, StoreError> {
    let record = super::get(db, fenced.attempt).await?;
    let known = record.filter(|record| {
        record.fence == fenced.fence
            && record.phase == phase
            && record.verdict.as_ref() == Some(verdict)
    });
    known
        .map(|record| Try {
            job: record.job,
            number: record.number,
        })
        .ok_or_else(|| fenced.stale())
}

/// Any phase but the last → ended.
pub(crate) async fn end<'v>(
    db: &mut Connection,
    said: impl Iterator<Item = (Said<'v>, Left<'v>)>,
) -> Result<Moved, StoreError> {
    let rows = said.map(|(said, left)| {
        let further = [
            left.usage.map(json).into(),
            left.started_at.map(time).into(),
            time(left.ended_at).into(),
        ];
        let mut cells = over_cells(said).into_iter().chain(further);
        std::array::from_fn::<_, 15, _>(|_| cells.next().expect("twelve cells and three"))
    });
    moved(db, Set::new(END, rows)).await
}

/// Notes since when the host does not answer, or that it does; `None` if that was known.
pub(crate) async fn set_unknown(
    db: &mut Connection,
    fenced: Fenced,
    since: Option<Timestamp>,
) -> Result<Option<Try>, StoreError> {
    let query = match since {
        Some(since) => fence(UNREACHABLE, fenced).bind(time(since)),
        None => fence(REACHABLE, fenced),
    };
    fetch(db, query).await
}

/// Ended: the container is gone, which was not known.
pub(crate) async fn removed(
    db: &mut Connection,
    said: impl Iterator<Item = (AttemptId, Timestamp)>,
) -> Result<HashMap<AttemptId, Try>, StoreError> {
    let rows = said.map(|(attempt, now)| [attempt.to_string().into(), time(now).into()]);
    let moved = moved(db, Set::new(REMOVED, rows)).await?;
    Ok(moved
        .into_iter()
        .map(|(fenced, one)| (fenced.attempt, one))
        .collect())
}

/// Whether the container is known to be gone, or nobody knows of the attempt any more.
pub(crate) async fn is_removed(db: &mut Connection, attempt: AttemptId) -> Result<(), StoreError> {
    match super::get(db, attempt).await? {
        Some(record) if record.removed_at.is_none() => Err(StoreError::Stale { attempt }),
        Some(_) | None => Ok(()),
    }
}

/// Runs a guarded statement; reports that have no row are stale, or were known.
async fn moved<const N: usize>(db: &mut Connection, set: Set<N>) -> Result<Moved, StoreError> {
    let rows = set.fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("attempts", row);
        let fenced = Fenced {
            attempt: cells.parse("id")?,
            fence: cells.get("fence")?,
        };
        Ok((fenced, read_try(&cells)?))
    };
    rows.iter().map(read).collect()
}

pub(super) fn fence(sql: &'static str, fenced: Fenced) -> Statement {
    query(sql)
        .bind(fenced.attempt.to_string())
        .bind(fenced.fence)
}

fn over_cells((fenced, handle, verdict, now): Said<'_>) -> [Value; 12] {
    let [attempt, fence] = fenced.cells();
    let [status, reason, code, oom, how, began, finished, words] = verdict_cells(verdict);
    [
        attempt,
        fence,
        handle.map(json).into(),
        time(now).into(),
        status,
        reason,
        code,
        oom,
        how,
        began,
        finished,
        words,
    ]
}

/// Binds a verdict to eight columns in their order.
pub(super) fn bind_verdict(query: Statement, verdict: &Verdict) -> Statement {
    verdict_cells(verdict)
        .into_iter()
        .fold(query, Statement::bind)
}

/// A verdict in the order of its columns.
fn verdict_cells(verdict: &Verdict) -> [Value; 8] {
    [
        verdict.outcome.status().word().into(),
        verdict.outcome.to_string().into(),
        verdict.exit_code.map(i64::from).into(),
        i64::from(verdict.oom_killed).into(),
        verdict.provenance.word().into(),
        verdict.started_at.map(time).into(),
        verdict.finished_at.map(time).into(),
        (&verdict.message).into(),
    ]
}

/// Runs a guarded statement; no row means that the report is stale.
pub(super) async fn one(
    db: &mut Connection,
    attempt: AttemptId,
    query: Statement,
) -> Result<Try, StoreError> {
    fetch(db, query).await?.ok_or(StoreError::Stale { attempt })
}

async fn fetch(db: &mut Connection, query: Statement) -> Result<Option<Try>, StoreError> {
    let Some(row) = query.fetch_optional(db).await? else {
        return Ok(None);
    };
    read_try(&Cells::new("attempts", &row)).map(Some)
}

fn read_try(cells: &Cells<'_>) -> Result<Try, StoreError> {
    Ok(Try {
        job: cells.parse("job_id")?,
        number: cells.number("number")?,
    })
}
