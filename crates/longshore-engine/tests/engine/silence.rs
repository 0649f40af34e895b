//! A host that cannot be reached while a container runs there: the lost-policy says what becomes of it.

use std::time::Duration;

use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::job::Job;
use longshore_core::outcome::{FailReason, JobStatus, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::spec::{JobSpec, RetryStrategy};
use longshore_executor::mock::{Behaviour, Call, Mischief, Selector};
use longshore_store::{End, Fenced, LogTotals, StoreError};

use crate::rig::{Rig, RunningWorker, spec};

fn lost(policy: &str) -> JobSpec {
    let mut spec = spec();
    spec.lost = policy.parse().unwrap();
    spec.retry.strategy = RetryStrategy::HighPriority;
    spec
}

/// A job whose container runs when its host goes away.
async fn gone(policy: &str) -> (Rig, RunningWorker, JobId) {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(lost(policy)).await;
    let worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.cut();
    (rig, worker, job)
}

async fn unknown(rig: &Rig, job: JobId) {
    let is_unknown = async || rig.attempts(job).await[0].unknown_since.is_some();
    rig.eventually("the silence to be noted", is_unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_on_when_its_host_is_back() {
    let (rig, _worker, job) = gone("wait").await;
    unknown(&rig, job).await;
    rig.mock.heal();
    let is_known = async || rig.attempts(job).await[0].unknown_since.is_none();
    rig.eventually("the host to be seen", is_known).await;
    let attempt = &rig.attempts(job).await[0];
    rig.mock.kill(attempt.id, 9);
    rig.finished(job).await;
    assert_eq!(rig.starts(job).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_lost_and_its_container_goes_when_the_host_is_back() {
    let (rig, _worker, job) = gone("fail:1s").await;
    let ended = rig.status(job, JobStatus::Failed).await;
    assert_eq!(ended.outcome, Some(Outcome::Failed(FailReason::Lost)));
    assert_eq!(rig.mock.running(), 1);
    rig.mock.heal();
    rig.finished(job).await;
    assert_eq!(rig.attempts(job).await.len(), 1);
}

/// The end of a container, as somebody reports it who has not heard that its attempt was given up.
fn late_end(now: Timestamp) -> End {
    End {
        verdict: Verdict {
            exit_code: Some(0),
            ..Verdict::without_run(Outcome::Completed, Provenance::Event, None)
        },
        next: Next::Final,
        usage: None,
        log: LogTotals::default(),
        now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_live_copies_the_first_is_refused_and_counted_whatever_it_reports() {
    let (rig, _worker, job) = gone("replace:1s").await;
    rig.until("the first attempt to be given up", job, |job| {
        job.infra_retries_used == 1
    })
    .await;
    let first = rig.attempts(job).await[0].clone();
    // Its container lives on after its host is back.
    rig.mock.disturb(Call::Remove, 1, Mischief::HangBefore);
    rig.mock.heal();
    let runs_again = |job: &Job| job.status == JobStatus::Running && job.attempt > 1;
    rig.until("the second copy to run", job, runs_again).await;
    assert_eq!(rig.mock.running(), 2);

    let (fenced, now) = (Fenced::from(&first), Timestamp::now());
    let (handle, end) = (first.handle.unwrap(), late_end(now));
    let before = rig.store.last_event_sequence().await.unwrap();
    let reports = [
        rig.store.started(fenced, &handle, now).await,
        rig.store.exited(fenced, &handle, &end.verdict, now).await,
        rig.store.end(fenced, end).await.map(drop),
        rig.store.unknown_since(fenced, Some(now), now).await,
    ];
    for report in &reports {
        assert!(
            matches!(report, Err(StoreError::Stale { .. })),
            "{report:?}"
        );
    }
    assert_eq!(rig.store.stale_reports(), 4);
    assert_eq!(rig.store.last_event_sequence().await.unwrap(), before);

    let second = rig.attempts(job).await.pop().unwrap();
    rig.mock.kill(second.id, 9);
    rig.mock.release(Call::Remove);
    let ended = rig.finished(job).await;
    let verdicts = rig.attempts(job).await.into_iter();
    let outcomes: Vec<_> = verdicts
        .map(|attempt| attempt.verdict.map(|it| it.outcome))
        .collect();
    assert_eq!(outcomes[0], Some(Outcome::Failed(FailReason::Lost)));
    assert_eq!(
        (ended.status, outcomes.last()),
        (JobStatus::Failed, Some(&ended.outcome))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_has_the_verdict_of_the_second_attempt_alone() {
    let (rig, _worker, job) = gone("replace:1s").await;
    let moved_on = |job: &Job| job.infra_retries_used == 1;
    rig.until("the first attempt to be given up", job, moved_on)
        .await;
    let first = rig.attempts(job).await[0].clone();
    assert_eq!(rig.mock.counts(first.id).starts, 1);
    let quick = Behaviour::exits(0).runs_for(Duration::ZERO);
    rig.mock.tune(|knobs| knobs.behave(Selector::Any, quick));
    rig.mock.heal();
    let job = rig.finished(job).await;
    assert_eq!(job.status, JobStatus::Completed);
    let attempts = rig.attempts(job.id).await;
    let verdict = attempts[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.outcome, Outcome::Failed(FailReason::Lost));
    assert_eq!(job.attempt, u32::try_from(attempts.len()).unwrap());
}
