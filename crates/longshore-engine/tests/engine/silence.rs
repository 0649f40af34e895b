//! A host that cannot be reached while a container runs there: the lost-policy says what becomes of it.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::outcome::{FailReason, JobStatus, Outcome};
use longshore_core::spec::{JobSpec, RetryStrategy};
use longshore_executor::mock::{Behaviour, Selector};

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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_has_the_verdict_of_the_second_attempt_alone() {
    let (rig, _worker, job) = gone("replace:1s").await;
    let moved_on = |job: &longshore_core::job::Job| job.infra_retries_used == 1;
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
