//! Workers that die in every phase, and replies that are lost: one container, one run, one verdict.

use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_core::log::Stream;
use longshore_core::outcome::{FailReason, JobStatus, Outcome};
use longshore_executor::mock::{Behaviour, Call, Mischief};

use crate::rig::{Rig, spec};

/// Kills the worker when this call is under way, and lets another finish.
async fn killed_during(call: Call, mischief: Mischief) {
    let rig = Rig::new(Behaviour::exits(7).runs_for(Duration::from_millis(300))).await;
    rig.mock.disturb(call, 1, mischief);
    let job = rig.submit(spec()).await;
    let worker = rig.worker();
    rig.quiet("the call", || rig.mock.calls_made(call) > 0)
        .await;
    rig.kill(worker).await;
    rig.mock.release(call);
    let _next = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Exit(7))));
    assert_eq!(rig.starts(job.id).await, 1);
    assert_eq!(rig.attempts(job.id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_the_create_loses_nothing() {
    killed_during(Call::Create, Mischief::HangBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_the_create_makes_no_second_container() {
    killed_during(Call::Create, Mischief::HangAfter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_the_start_starts_once() {
    killed_during(Call::Start, Mischief::HangBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_the_start_starts_once() {
    killed_during(Call::Start, Mischief::HangAfter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_the_removal_leaves_nothing_behind() {
    killed_during(Call::Remove, Mischief::HangBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_adopted_with_its_whole_log() {
    let half = Duration::from_millis(1500);
    let prints = Behaviour::exits(0)
        .runs_for(half * 2)
        .prints(Duration::ZERO, Stream::Stdout, "before\n")
        .prints(half, Stream::Stdout, "after\n");
    let rig = Rig::new(prints).await;
    let job = rig.submit(spec()).await;
    let worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.kill(worker).await;
    let _next = rig.worker();
    assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
    assert_eq!(rig.output(job).await, "before\nafter\n");
    assert_eq!(rig.starts(job).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ended_while_nobody_looked_is_harvested() {
    let prints = Behaviour::exits(5)
        .runs_for(Duration::from_millis(600))
        .prints(Duration::from_millis(500), Stream::Stdout, "last words");
    let rig = Rig::new(prints).await;
    let job = rig.submit(spec()).await;
    let worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.kill(worker).await;
    rig.quiet("the end", || rig.mock.running() == 0).await;
    let _next = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Exit(5))));
    assert_eq!(rig.output(job.id).await, "last words");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_never_makes_a_second_container_or_run() {
    for call in [Call::Create, Call::Start] {
        let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(100))).await;
        rig.mock
            .disturb(call, 1, Mischief::LoseReply(Fault::TimedOut));
        let job = rig.submit(spec()).await;
        let _worker = rig.worker();
        let job = rig.finished(job).await;
        assert_eq!(job.status, JobStatus::Completed);
        let attempts = rig.attempts(job.id).await;
        let counts = rig.mock.counts(attempts[0].id);
        assert_eq!(
            (attempts.len(), counts.creates, counts.starts),
            (1, 1, 1),
            "{call:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_leaves_costs_the_job_nothing() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(1500))).await;
    let job = rig.submit(spec()).await;
    let worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    worker.leave().await;
    assert_eq!(rig.mock.running(), 1, "the container runs on");
    let _next = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(
        (job.status, job.infra_retries_used),
        (JobStatus::Completed, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_worker_finishes_what_runs_and_claims_nothing() {
    let rig = Rig::with_slots(Behaviour::exits(0).runs_for(Duration::from_millis(700)), 1).await;
    let jobs = rig.submit_all(vec![spec(), spec()]).await;
    let mut worker = rig.worker();
    let claimed = rig.until("a claim", jobs[0], |job| job.status != JobStatus::Queued);
    claimed.await;
    worker.stop.drain.cancel();
    worker.ended().await;
    let statuses = [
        rig.store.job(jobs[0]).await.unwrap().status,
        rig.store.job(jobs[1]).await.unwrap().status,
    ];
    assert_eq!(statuses, [JobStatus::Completed, JobStatus::Queued]);
}
