//! The end of an attempt: its verdict stands, and its job is final or waits for the next try.

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::outcome::{CancelReason, JobStatus, Outcome, Verdict};
use longshore_core::retry::{Budget, Next};
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, Timestamp};

use super::{Answers, News, Report, Reports, Stage, Waiting, judged};
use crate::database::Connection;
use crate::error::StoreError;
use crate::logs::LogTotals;
use crate::rows::attempts::change::{self, Fenced, Left};
use crate::rows::events::describe;
use crate::rows::jobs::change::{self as job_change, Final, Retrial, Try, UnderWay};

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

/// What was seen of a container's run and not told before its attempt's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Untold {
    /// The container.
    pub handle: Handle,
    /// When it was started; `None` if that was told.
    pub started_at: Option<Timestamp>,
    /// When it was seen to have ended.
    pub exited_at: Timestamp,
}

/// The attempt is over.
pub(crate) struct Ended {
    pub(crate) fenced: Fenced,
    pub(crate) untold: Option<Untold>,
    pub(crate) end: End,
}

impl Report for Ended {
    type Answer = JobStatus;

    const STAGE: Stage = Stage::Ended;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.ended;

    fn attempt(&self) -> AttemptId {
        self.fenced.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<JobStatus>, StoreError> {
        let said = reports.iter().map(|report| {
            let (end, untold) = (&report.end, report.untold.as_ref());
            let handle = untold.map(|untold| &untold.handle);
            let left = Left {
                usage: end.usage.as_ref(),
                started_at: untold.and_then(|untold| untold.started_at),
                ended_at: untold.map_or(end.now, |untold| untold.exited_at),
            };
            ((report.fenced, handle, &end.verdict, end.now), left)
        });
        let moved = change::end(db, said).await?;
        let standings = job_change::standings(db, moved.values().copied()).await?;
        let mut jobs = JobMoves::default();
        let mut answers = Vec::with_capacity(reports.len());
        for report in reports {
            let Self { fenced, end, .. } = report;
            let Some(one) = moved.get(fenced).copied() else {
                answers.push(judged(said_before(db, *fenced, &end.verdict).await)?);
                continue;
            };
            let standing = standings.get(&one.job).copied();
            let (before, under_way) = standing.unwrap_or((JobStatus::Queued, UnderWay::No));
            report.tell(one, news);
            let status = jobs.follow(one, under_way, report, news);
            answers.push(Ok(status.unwrap_or(before)));
        }
        jobs.write(db).await?;
        Ok(answers)
    }
}

impl Ended {
    /// When the container was started, if that is news.
    fn started_at(&self) -> Option<Timestamp> {
        self.untold.as_ref().and_then(|untold| untold.started_at)
    }

    fn tell(&self, one: Try, news: &mut News) {
        let (now, outcome) = (self.end.now, describe(self.end.verdict.outcome));
        if let Some(untold) = &self.untold {
            if let Some(at) = untold.started_at {
                news.tell(one, EventKind::Started, None, at);
            }
            let detail = Some(outcome.clone());
            news.tell(one, EventKind::Exited, detail, untold.exited_at);
        }
        let log = self.end.log.to_string();
        news.tell(one, EventKind::LogComplete, Some(log), now);
        news.tell(one, EventKind::AttemptEnded, Some(outcome), now);
    }
}

/// The status of the job, if the same was said before.
async fn said_before(
    db: &mut Connection,
    fenced: Fenced,
    verdict: &Verdict,
) -> Result<JobStatus, StoreError> {
    let one = change::known(db, fenced, Phase::Ended, verdict).await?;
    job_change::status(db, one.job).await
}

/// How the jobs of attempts that end are moved.
#[derive(Default)]
struct JobMoves<'e> {
    finals: Vec<Final<'e>>,
    retrials: Vec<Retrial<'e>>,
}

impl<'e> JobMoves<'e> {
    /// Moves the job that the attempt belongs to, if it is still the current one; says where to.
    fn follow(
        &mut self,
        one: Try,
        under_way: UnderWay,
        ended: &'e Ended,
        news: &mut News,
    ) -> Option<JobStatus> {
        let end = &ended.end;
        let outcome = end.verdict.outcome;
        match (under_way, end.next) {
            (UnderWay::No, _) => None,
            (
                UnderWay::Wanted,
                Next::Retry {
                    after,
                    budget,
                    memory,
                },
            ) => {
                let with =
                    memory.map_or_else(String::new, |memory| format!(", with memory {memory}"));
                let detail = format!("in {after:.1?}, {}{with}", budget_word(budget));
                news.tell(one, EventKind::RetryScheduled, Some(detail), end.now);
                self.retrials.push(Retrial {
                    one,
                    verdict: &end.verdict,
                    started_at: ended.started_at(),
                    budget,
                    not_before: end.now.saturating_add(after).unwrap_or(Timestamp::MAX),
                    memory,
                });
                Some(JobStatus::Retrying)
            }
            (UnderWay::Wanted, Next::Final)
            | (UnderWay::OfService, Next::Final | Next::Retry { .. }) => {
                Some(self.finish(one, outcome, ended, news))
            }
            (UnderWay::Unwanted, Next::Final | Next::Retry { .. }) => {
                Some(self.finish(one, unwanted(outcome), ended, news))
            }
        }
    }

    fn finish(
        &mut self,
        one: Try,
        outcome: Outcome,
        ended: &'e Ended,
        news: &mut News,
    ) -> JobStatus {
        let now = ended.end.now;
        news.tell(one, EventKind::Finished, Some(describe(outcome)), now);
        news.finals.push((one.job, now));
        self.finals.push(Final {
            one,
            outcome,
            verdict: &ended.end.verdict,
            started_at: ended.started_at(),
            now,
        });
        outcome.status()
    }

    async fn write(self, db: &mut Connection) -> Result<(), StoreError> {
        job_change::retry(db, self.retrials.into_iter()).await?;
        job_change::finish(db, self.finals.into_iter()).await
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
