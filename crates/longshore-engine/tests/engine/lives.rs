//! Jobs that live and end by themselves.

use std::time::Duration;

use longshore_core::event::EventKind;
use longshore_core::log::Stream;
use longshore_core::outcome::{FailReason, JobStatus, Limit, Outcome};
use longshore_core::spec::{ByteSize, JobSpec, RetryPolicy, RetryStrategy, TimeLimit};
use longshore_executor::mock::{Behaviour, Selector};
use longshore_store::EventFilter;

use crate::rig::{Rig, spec};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_to_completion_and_its_log_is_kept() {
    let prints = Behaviour::exits(0)
        .runs_for(SHORT)
        .prints(SHORT / 3, Stream::Stdout, "hello\n");
    let rig = Rig::new(prints).await;
    let _worker = rig.worker();
    let job = rig.submit(spec()).await;
    let job = rig.finished(job).await;
    assert_eq!((job.status, job.exit_code), (JobStatus::Completed, Some(0)));
    assert_eq!(rig.output(job.id).await, "hello\n");
    assert_eq!(rig.starts(job.id).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_every_step_in_order() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(SHORT)).await;
    let _worker = rig.worker();
    let job = rig.submit(spec()).await;
    rig.finished(job).await;
    rig.until("the removal", job, |_| true).await;
    let filter = EventFilter {
        job: Some(job),
        ..EventFilter::default()
    };
    let events = rig.store.events(filter).await.unwrap();
    let kinds: Vec<EventKind> = events.into_iter().map(|event| event.kind).collect();
    let life = [
        EventKind::Submitted,
        EventKind::Queued,
        EventKind::Claimed,
        EventKind::ImageReady,
        EventKind::Created,
        EventKind::Started,
        EventKind::Exited,
        EventKind::LogComplete,
        EventKind::AttemptEnded,
        EventKind::Finished,
    ];
    assert_eq!(kinds[..life.len()], life);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_retried_until_it_succeeds() {
    let rig = Rig::new(Behaviour::exits(3)).await;
    let retry = RetryPolicy {
        retries: 5,
        ..RetryPolicy::default()
    };
    let job = rig
        .submit(longshore_core::spec::JobSpec { retry, ..spec() })
        .await;
    let _worker = rig.worker();
    rig.until("a first failure", job, |job| job.retries_used > 0)
        .await;
    rig.mock
        .tune(|knobs| knobs.behave(Selector::Any, Behaviour::exits(0)));
    let job = rig.finished(job).await;
    assert_eq!(job.status, JobStatus::Completed);
    let attempts = rig.attempts(job.id).await;
    let first = attempts[0].verdict.as_ref().unwrap();
    assert_eq!(first.outcome, Outcome::Failed(FailReason::Exit(3)));
    assert!(attempts.len() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_spent_leaves_the_last_failure() {
    let rig = Rig::new(Behaviour::exits(3)).await;
    let retry = RetryPolicy {
        retries: 1,
        ..RetryPolicy::default()
    };
    let job = rig
        .submit(longshore_core::spec::JobSpec { retry, ..spec() })
        .await;
    let _worker = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Exit(3))));
    assert_eq!(rig.attempts(job.id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_too_long_is_stopped() {
    let rig = Rig::new(Behaviour::forever()).await;
    let mut limited = spec();
    limited.timeouts.run = Some(TimeLimit::from_secs(1));
    let job = rig.submit(limited).await;
    let _worker = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::TimedOut(Limit::Run)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_refused_has_the_engines_code() {
    let rig = Rig::new(Behaviour::refuses_start(127, "no such file")).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Start(127))));
    assert!(job.message.unwrap().contains("no such file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn oom_is_the_reason_of_a_failure_but_not_of_a_success() {
    let rig = Rig::new(Behaviour::oom()).await;
    let survivor = Behaviour {
        oom_killed: true,
        ..Behaviour::exits(0)
    };
    let name = Selector::Name("survivor".into());
    rig.mock.tune(|knobs| knobs.behave(name, survivor));
    let mut named = spec();
    named.name = Some("survivor".parse().unwrap());
    let jobs = rig.submit_all(vec![spec(), named]).await;
    let _worker = rig.worker();
    let killed = rig.finished(jobs[0]).await;
    assert_eq!(killed.outcome, Some(Outcome::Failed(FailReason::Oom)));
    let survivor = rig.finished(jobs[1]).await;
    assert_eq!(survivor.status, JobStatus::Completed);
    let verdict = rig.attempts(survivor.id).await[0].verdict.clone().unwrap();
    assert!(verdict.oom_killed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_out_of_memory_gets_twice_as_much_until_it_has_enough() {
    let mib = ByteSize::from_mebibytes;
    let rig = Rig::new(Behaviour::exits(0).needs(mib(40).bytes())).await;
    let hungry = |most| JobSpec {
        memory: Some(mib(16)),
        retry: RetryPolicy {
            retries: 3,
            strategy: RetryStrategy::HighPriority,
            oom_up_to: Some(mib(most)),
            ..RetryPolicy::default()
        },
        ..spec()
    };
    let jobs = rig.submit_all(vec![hungry(1024), hungry(24)]).await;
    let _worker = rig.worker();
    let given = async |job| {
        let attempts = rig.attempts(job).await.into_iter();
        let memory = attempts.map(|attempt| attempt.given.memory_bytes >> 20);
        memory.collect::<Vec<_>>()
    };
    let fed = rig.finished(jobs[0]).await;
    assert_eq!((fed.status, fed.retries_used), (JobStatus::Completed, 2));
    assert_eq!(given(fed.id).await, [16, 32, 64]);
    assert_eq!(fed.spec.memory, Some(mib(64)));
    // At its most, it fails like any other job.
    let starved = rig.finished(jobs[1]).await;
    assert_eq!(starved.outcome, Some(Outcome::Failed(FailReason::Oom)));
    assert_eq!(given(starved.id).await, [16, 24, 24, 24]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_a_follower_loses_is_kept_all_the_same() {
    let prints = Behaviour::exits(0)
        .runs_for(SHORT)
        .prints(SHORT / 3, Stream::Stdout, "hello\n")
        .prints(SHORT / 2, Stream::Stdout, "world");
    let rig = Rig::new(prints).await;
    rig.mock.tune(|knobs| knobs.follow_loses_last_frame = true);
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.finished(job).await;
    assert_eq!(rig.output(job).await, "hello\nworld");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_measured_while_the_job_runs() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(700))).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.finished(job).await;
    let usage = rig.attempts(job).await[0]
        .usage
        .clone()
        .expect("a sample was taken");
    assert!(usage.peak_memory_bytes > 0 && usage.cpu_nanos > 0);
}
