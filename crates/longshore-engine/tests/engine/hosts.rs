//! Hosts in trouble: engines that restart, hosts that are cut off, containers that vanish.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_core::fault::{Fault, PullFault};
use longshore_core::log::Stream;
use longshore_core::outcome::{FailReason, JobStatus, Outcome};
use longshore_core::spec::{JobSpec, PullPolicy, RetryPolicy};
use longshore_engine::{Doing, Keeping, sweep};
use longshore_executor::mock::{Behaviour, Call, Mischief, OnTerm, Registry, Restart};
use longshore_executor::{Executor, SharedExecutor};

use crate::rig::{Rig, spec};

const LOST: Option<Outcome> = Some(Outcome::Failed(FailReason::Lost));

fn without_infra_retries() -> JobSpec {
    JobSpec {
        retry: RetryPolicy {
            infra_retries: 0,
            ..RetryPolicy::default()
        },
        ..spec()
    }
}

async fn restarted(restart: Restart) {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(without_infra_retries()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.restart_engine(restart);
    assert_eq!(rig.finished(job).await.outcome, LOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_engine_was_stopped_is_lost_and_no_failure_of_its_own() {
    restarted(Restart::Orderly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_engine_crashed_is_lost() {
    restarted(Restart::Crash).await;
}

/// A real engine that is killed while it starts a container has no record of that afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_may_have_run_under_an_engine_that_fell_is_not_started() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    rig.mock.disturb(Call::Start, 1, Mischief::HangBefore);
    let job = rig.submit(without_infra_retries()).await;
    let _worker = rig.worker();
    rig.eventually("it is being started", async || {
        rig.mock.calls_made(Call::Start) > 0
    })
    .await;
    rig.mock.restart_engine(Restart::Crash);
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, LOST);
    assert!(job.message.unwrap().contains("may have run"));
    assert_eq!(rig.mock.calls_made(Call::Start), 1);
}

/// Its signals came before the worker that hears its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_adopted_while_its_engine_went_down_is_lost() {
    let obeys = Behaviour {
        on_term: OnTerm::Ends(Duration::from_secs(2), 0),
        ..Behaviour::forever()
    };
    let rig = Rig::new(obeys).await;
    let job = rig.submit(without_infra_retries()).await;
    let first = rig.worker();
    rig.status(job, JobStatus::Running).await;
    let handle = rig.attempts(job).await[0].handle.clone().unwrap();
    let (stopped, _second) = tokio::join!(rig.mock.stop(&handle, 10), async {
        rig.kill(first).await;
        rig.worker()
    });
    stopped.unwrap();
    let asked = || rig.mock.calls_made(Call::WasSignalled) > 0;
    rig.quiet("a question for signals", asked).await;
    rig.mock.restart_engine(Restart::LiveRestore);
    assert_eq!(rig.finished(job).await.outcome, LOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_job_is_tried_again_on_the_infrastructure_budget() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_secs(1))).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.restart_engine(Restart::Crash);
    let job = rig.finished(job).await;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((job.retries_used, job.infra_retries_used), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_survives_the_engines_restart_goes_on() {
    let prints = Behaviour::exits(4)
        .runs_for(Duration::from_millis(1200))
        .prints(Duration::ZERO, Stream::Stdout, "one\n")
        .prints(Duration::from_secs(1), Stream::Stdout, "two\n");
    let rig = Rig::new(prints).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.restart_engine(Restart::LiveRestore);
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Exit(4))));
    assert_eq!(rig.output(job.id).await, "one\ntwo\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_cut_off_decides_nothing() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(800))).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.cut();
    let mut changes = rig.store.changes();
    while rig.attempts(job).await[0].unknown_since.is_none() {
        changes.changed().await;
    }
    assert_eq!(rig.store.job(job).await.unwrap().status, JobStatus::Running);
    rig.mock.heal();
    assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
    assert_eq!(rig.attempts(job).await[0].unknown_since, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_that_no_event_tells_of_is_seen_all_the_same() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(200))).await;
    rig.mock.tune(|knobs| knobs.drops_events = true);
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_vanishes_is_lost_and_never_a_success() {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(without_infra_retries()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.vanish(rig.attempts(job).await[0].id);
    assert_eq!(rig.finished(job).await.outcome, LOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_by_hand_is_the_jobs_exit_code() {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(without_infra_retries()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.mock.kill(rig.attempts(job).await[0].id, 9);
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::Failed(FailReason::Exit(137))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_hangs_holds_neither_slot_nor_status() {
    let rig = Rig::with_slots(Behaviour::exits(0), 1).await;
    rig.mock.disturb(Call::Remove, 1, Mischief::HangBefore);
    let jobs = rig.submit_all(vec![spec(), spec()]).await;
    let _worker = rig.worker();
    for job in &jobs {
        rig.status(*job, JobStatus::Completed).await;
    }
    rig.mock.release(Call::Remove);
    rig.finished(jobs[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_of_a_pull_has_its_own_reason() {
    let cases = [
        (Fault::ImageNotFound, FailReason::ImageNotFound),
        (Fault::ImageDenied, FailReason::ImageDenied),
        (
            Fault::ImagePull(PullFault::RegistryDown),
            FailReason::ImagePull,
        ),
        (Fault::ImagePull(PullFault::DiskFull), FailReason::ImagePull),
    ];
    for (fault, reason) in cases {
        let rig = Rig::new(Behaviour::exits(0)).await;
        rig.mock.tune(|knobs| {
            knobs.other_images.on_host = false;
            knobs.other_images.registry = Registry::Fails(fault);
        });
        let job = rig.submit(without_infra_retries()).await;
        let _worker = rig.worker();
        let job = rig.finished(job).await;
        assert_eq!(job.outcome, Some(Outcome::Failed(reason)), "{fault:?}");
        assert!(job.message.unwrap().contains(fault.describe()), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_ours_only_if_a_worker_brought_it_to_a_host_that_did_not_have_it() {
    for (on_host, pull, ours) in [
        (false, PullPolicy::Missing, 1),
        (false, PullPolicy::Always, 1),
        (true, PullPolicy::Missing, 0),
        (true, PullPolicy::Always, 0),
    ] {
        let rig = Rig::new(Behaviour::exits(0)).await;
        rig.mock.tune(|knobs| knobs.other_images.on_host = on_host);
        let job = rig.submit(JobSpec { pull, ..spec() }).await;
        let _worker = rig.worker();
        assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
        let pulled = rig.store.pulled_images(rig.host.id).await.unwrap();
        assert_eq!(pulled.len(), ours, "{on_host} {pull:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_auto_pull_fails_a_job_whose_image_it_lacks() {
    let mut rig = Rig::new(Behaviour::exits(0)).await;
    rig.mock.tune(|knobs| knobs.other_images.on_host = false);
    rig.host.auto_pull = false;
    rig.store.update_host(&rig.host).await.unwrap();
    let image = spec().image;
    let [missing, always] =
        [PullPolicy::Missing, PullPolicy::Always].map(|pull| JobSpec { pull, ..spec() });
    let _worker = rig.worker();
    let missing = rig.submit(missing).await;
    let job = rig.finished(missing).await;
    let reason = Outcome::Failed(FailReason::ImageNotFound);
    assert_eq!(job.outcome, Some(reason));
    let text = format!("image `{image}` not found on host `mock` and auto-pull is disabled for it");
    assert!(job.message.as_ref().unwrap().contains(&text), "{job:?}");
    // Who asks for a pull by name gets it.
    let always = rig.submit(always).await;
    assert_eq!(rig.finished(always).await.status, JobStatus::Completed);
    assert_eq!(rig.mock.pulls_begun(&image), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_ours_and_over_may_be_swept() {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(spec()).await;
    let worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    worker.leave().await;
    let executor: SharedExecutor = std::sync::Arc::new(rig.mock.clone());
    let found = sweep(&rig.store, &executor, Timestamp::now(), Doing::Apply)
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|found| found.keeping).collect::<Vec<_>>(),
        [Keeping::InUse]
    );

    // Another pool knows nothing of it: not even an old container of ours is its business.
    let other = Rig::new(Behaviour::exits(0)).await;
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    assert!(
        sweep(&other.store, &executor, later, Doing::Apply)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(rig.mock.containers(), 1);

    // A container of our pool that nothing explains goes, but not while it is young.
    let stray = stray(&rig);
    rig.mock.create(&stray).await.unwrap();
    let keepings = |found: Vec<longshore_engine::Found>| {
        let mut keepings: Vec<String> = found
            .iter()
            .map(|found| format!("{:?}", found.keeping))
            .collect();
        keepings.sort();
        keepings
    };
    let young = sweep(&rig.store, &executor, Timestamp::now(), Doing::Apply)
        .await
        .unwrap();
    assert_eq!(keepings(young), ["InUse", "TooYoung"]);
    let old = sweep(&rig.store, &executor, later, Doing::Apply)
        .await
        .unwrap();
    assert_eq!(keepings(old), ["InUse", "Unknown"]);
    assert_eq!(rig.mock.containers(), 1);
}

/// A launch of our pool whose attempt the store does not know.
fn stray(rig: &Rig) -> longshore_core::launch::Launch {
    let spec = spec();
    longshore_core::launch::Launch {
        pool: rig.store.pool(),
        job: longshore_core::JobId::new(uuid::Uuid::now_v7()),
        attempt: longshore_core::AttemptId::new(uuid::Uuid::now_v7()),
        host: "mock".into(),
        image: spec.image.clone(),
        spec,
        legacy: None,
    }
}
