//! The end of an attempt: its verdict stands, and its job is final or waits for the next try.

use longshore_core::Timestamp;
use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::outcome::{CancelReason, JobStatus, Outcome, Verdict};
use longshore_core::retry::{Budget, Next};
use longshore_core::usage::Usage;

use crate::database::Connection;
use crate::dependents;
use crate::error::StoreError;
use crate::logs::LogTotals;
use crate::rows::attempts::change::{self, Fenced};
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change::{self as job_change, NextTry, Try, UnderWay};
use crate::store::Store;
use crate::transitions::describe;

/// All that is known at the end of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// How it ended.
    pub verdict: Verdict,
    /// What follows, by the retry rules.
    pub next: Next,
    /// What it used.
    pub usage: Option<Usage>,
    /// Its log, which is complete.
    pub log: LogTotals,
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// Ends an attempt and moves its job: to `retrying` if another try follows and nobody wishes the
    /// job cancelled, else to the final status. A job that its caller drives is always final then:
    /// its caller tries again, or does not. Answers with the job's status. Said again with the same
    /// verdict, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn end(&self, fenced: Fenced, end: End) -> Result<JobStatus, StoreError> {
        self.report(move |db| Box::pin(async move { finish(db, fenced, &end).await }))
            .await
    }
}

async fn finish(db: &mut Connection, fenced: Fenced, end: &End) -> Result<JobStatus, StoreError> {
    let ended = change::end(db, fenced, &end.verdict, end.usage.as_ref(), end.now).await;
    if let Err(StoreError::Stale { .. }) = ended {
        let one = change::known(db, fenced, Phase::Ended, &end.verdict).await?;
        return job_change::status(db, one.job).await;
    }
    let one = ended?;
    let event = |kind| NewEvent::of_job(one.job, kind, end.now).in_attempt(one.number);
    let mut news = vec![
        event(EventKind::LogComplete).with(end.log.to_string()),
        event(EventKind::AttemptEnded).with(describe(end.verdict.outcome)),
    ];
    let moved = move_job(db, one, end).await?;
    news.extend(
        moved
            .as_ref()
            .map(|(kind, detail)| event(*kind).with(detail)),
    );
    events::insert_all(db, &news).await?;
    let status = job_change::status(db, one.job).await?;
    if moved.is_some() && status.is_final() {
        dependents::ended(db, &[one.job], end.now).await?;
    }
    Ok(status)
}

/// Moves the job that the attempt belongs to, if it is still the current one; says what happened.
async fn move_job(
    db: &mut Connection,
    one: Try,
    end: &End,
) -> Result<Option<(EventKind, String)>, StoreError> {
    let (verdict, now) = (&end.verdict, end.now);
    match (job_change::under_way(db, one).await?, end.next) {
        (UnderWay::No, _) => Ok(None),
        (
            UnderWay::Wanted,
            Next::Retry {
                after,
                budget,
                memory,
            },
        ) => {
            let next = NextTry {
                budget,
                not_before: now.saturating_add(after).unwrap_or(Timestamp::MAX),
                memory,
            };
            job_change::retry(db, one, verdict, next).await?;
            let memory =
                memory.map_or_else(String::new, |memory| format!(", with memory {memory}"));
            let detail = format!("in {after:.1?}, {}{memory}", budget_word(budget));
            Ok(Some((EventKind::RetryScheduled, detail)))
        }
        (UnderWay::Wanted, Next::Final)
        | (UnderWay::OfService, Next::Final | Next::Retry { .. }) => {
            job_change::finish(db, one, verdict.outcome, verdict, now).await?;
            Ok(Some((EventKind::Finished, describe(verdict.outcome))))
        }
        (UnderWay::Unwanted, Next::Final | Next::Retry { .. }) => {
            let outcome = unwanted(verdict.outcome);
            job_change::finish(db, one, outcome, verdict, now).await?;
            Ok(Some((EventKind::Finished, describe(outcome))))
        }
    }
}

/// How a job ends that somebody wished cancelled: only success came before the wish.
fn unwanted(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Completed | Outcome::Cancelled(_) => outcome,
        Outcome::Failed(_) | Outcome::TimedOut(_) => Outcome::Cancelled(CancelReason::User),
    }
}

fn budget_word(budget: Budget) -> &'static str {
    match budget {
        Budget::Job => "from the job's own budget",
        Budget::Infrastructure => "from the infrastructure budget",
        Budget::Free => "at no cost",
    }
}
