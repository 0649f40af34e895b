//! Several hosts: where jobs go, where they wait, and what becomes of a host that fails everything.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_core::fault::Fault;
use longshore_core::health::{Position, Showing};
use longshore_core::host::HostState;
use longshore_core::limits::BREAKER_STRIKES;
use longshore_core::outcome::{FailReason, JobStatus, Outcome};
use longshore_core::share::Share;
use longshore_core::spec::{JobSpec, RetryPolicy};
use longshore_executor::mock::{Behaviour, Call, Foreign, Mischief};

use crate::rig::{Rig, spec};

fn on(key: &str, value: &str) -> JobSpec {
    JobSpec {
        on: [(key.parse().unwrap(), value.to_owned())].into(),
        ..spec()
    }
}

fn large(memory: &str) -> JobSpec {
    JobSpec {
        memory: Some(memory.parse().unwrap()),
        ..spec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_a_host_with_its_label() {
    let mut rig = Rig::new(Behaviour::exits(0)).await;
    let jobs = rig.submit_all(vec![on("gpu", "yes"), spec()]).await;
    let _worker = rig.worker();
    rig.finished(jobs[1]).await;
    assert_eq!(
        rig.store.job(jobs[0]).await.unwrap().status,
        JobStatus::Queued
    );
    rig.host.labels.insert("gpu".into(), "yes".into());
    rig.store.update_host(&rig.host).await.unwrap();
    assert_eq!(rig.finished(jobs[0]).await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_no_host_takes_do_not_hold_up_those_behind_them() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let mut specs = vec![on("gpu", "yes"); 200];
    specs.push(spec());
    let jobs = rig.submit_all(specs).await;
    let _worker = rig.worker();
    assert_eq!(rig.finished(jobs[200]).await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_maintenance_gets_nothing_until_that_ends() {
    let mut rig = Rig::new(Behaviour::exits(0)).await;
    rig.host.maintenance = vec!["* * * * * for 10m".parse().unwrap()];
    rig.store.update_host(&rig.host).await.unwrap();
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.eventually("the host was looked at", async || {
        rig.mock.calls_made(Call::Probe) > 0
    })
    .await;
    assert_eq!(rig.store.job(job).await.unwrap().status, JobStatus::Queued);
    rig.host.maintenance.clear();
    rig.store.update_host(&rig.host).await.unwrap();
    assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_past_the_deadline_of_a_drain_is_tried_again_at_no_cost() {
    let mut rig = Rig::new(Behaviour::forever()).await;
    let stubborn = JobSpec {
        retry: RetryPolicy {
            infra_retries: 0,
            ..RetryPolicy::default()
        },
        ..spec()
    };
    let job = rig.submit(stubborn).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.host.state = HostState::CORDONED;
    rig.store.update_host(&rig.host).await.unwrap();
    rig.host.state = HostState::Draining {
        until: Some(Timestamp::now() + SignedDuration::from_millis(100)),
    };
    rig.store.update_host(&rig.host).await.unwrap();
    rig.status(job, JobStatus::Queued).await;
    let evicted = Outcome::Failed(FailReason::Evicted);
    let first = rig.attempts(job).await.remove(0).verdict.unwrap();
    assert_eq!(first.outcome, evicted);
    rig.host.state = HostState::Active;
    rig.store.update_host(&rig.host).await.unwrap();
    let running = rig
        .until("another attempt", job, |job| {
            job.attempt == 2 && job.status == JobStatus::Running
        })
        .await;
    assert_eq!((running.retries_used, running.infra_retries_used), (0, 0));
    let standing = rig
        .store
        .host_standings()
        .await
        .unwrap()
        .remove(&rig.host.id);
    assert_eq!(standing.unwrap().breaker.position(), Position::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_others_take_their_part_of_a_host() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let stranger = rig.mock.add_foreign(Foreign {
        name: "database".into(),
        image: "postgres:17".parse().unwrap(),
        labels: [].into(),
        limits: Share {
            cpu_nanos: 0,
            memory_bytes: 12 << 30,
        },
        created_at: Timestamp::now(),
        behaviour: Some(Behaviour::forever()),
    });
    let _worker = rig.worker();
    rig.eventually("the host was looked at", async || {
        let census = rig.store.census(rig.host.id).await.unwrap();
        census.is_some_and(|census| census.foreign.memory_bytes == 12 << 30)
    })
    .await;
    let jobs = rig.submit_all(vec![large("5g"), large("3g")]).await;
    assert_eq!(
        rig.until("the end", jobs[1], |job| job.status.is_final())
            .await
            .status,
        JobStatus::Completed
    );
    assert_eq!(
        rig.store.job(jobs[0]).await.unwrap().status,
        JobStatus::Queued
    );
    let executor: longshore_executor::SharedExecutor = std::sync::Arc::new(rig.mock.clone());
    executor
        .remove(&stranger, longshore_executor::Force::Kill)
        .await
        .unwrap();
    // Who waits for room has the host looked at again soon.
    let waited = rig.until("the end", jobs[0], |job| job.status.is_final());
    assert_eq!(waited.await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_memory_is_given_than_there_is() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::from_millis(50))).await;
    let _worker = rig.worker();
    rig.eventually("the host was probed", async || {
        rig.store.facts(rig.host.id).await.unwrap().is_some()
    })
    .await;
    let jobs = rig.submit_all(vec![large("6g"); 6]).await;
    for job in jobs {
        let ended = rig.until("the end", job, |job| job.status.is_final()).await;
        assert_eq!(ended.status, JobStatus::Completed);
    }
    assert!(rig.mock.max_running() <= 2, "16 GiB are twice 6 GiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_fails_everything_opens_its_breaker_and_keeps_the_rest_of_the_queue() {
    let rig = Rig::with_slots(Behaviour::exits(0), 1).await;
    rig.mock
        .disturb(Call::Create, 1000, Mischief::Fail(Fault::Resources));
    let hopeless = JobSpec {
        retry: RetryPolicy {
            infra_retries: 0,
            ..RetryPolicy::default()
        },
        ..spec()
    };
    let jobs = rig.submit_all(vec![hopeless; 9]).await;
    let _worker = rig.worker();
    rig.eventually("the breaker is open", async || {
        position(&rig).await == Position::Open
    })
    .await;
    let mut failed = 0;
    for job in &jobs {
        failed += u32::from(rig.store.job(*job).await.unwrap().status == JobStatus::Failed);
    }
    assert_eq!(failed, BREAKER_STRIKES);
    rig.mock.release(Call::Create);
    rig.store
        .host_showed(rig.host.id, Showing::Vouched, Timestamp::now())
        .await
        .unwrap();
    for job in &jobs {
        rig.until("the end", *job, |job| job.status.is_final())
            .await;
    }
    assert_eq!(position(&rig).await, Position::Closed);
}

async fn position(rig: &Rig) -> Position {
    let mut standings = rig.store.host_standings().await.unwrap();
    standings.remove(&rig.host.id).unwrap().breaker.position()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_comes_back_lets_jobs_go_there_again() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let image = spec().image;
    rig.mock.tune(|knobs| knobs.image(&image).on_host = true);
    // The strikes were long ago: a canary is due.
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
    for _ in 0..BREAKER_STRIKES {
        let strike = Showing::Failed("lost".into());
        rig.store
            .host_showed(rig.host.id, strike, long_ago)
            .await
            .unwrap();
    }
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    let job = rig.finished(job).await;
    assert_eq!(job.status, JobStatus::Completed);
    let creates: u32 = rig.mock.all_counts().values().map(|it| it.creates).sum();
    assert_eq!(creates, 2, "the canary and the job");
    rig.eventually("the breaker is closed", async || {
        position(&rig).await == Position::Closed
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_is_lost_keeps_jobs_away() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let image = spec().image;
    rig.mock.tune(|knobs| knobs.image(&image).on_host = true);
    rig.mock
        .disturb(Call::Create, 1000, Mischief::Fail(Fault::Internal));
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
    for _ in 0..BREAKER_STRIKES {
        let strike = Showing::Failed("lost".into());
        rig.store
            .host_showed(rig.host.id, strike, long_ago)
            .await
            .unwrap();
    }
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.eventually("a canary was lost", async || {
        rig.mock.calls_made(Call::Create) > 0
    })
    .await;
    rig.eventually("the next one is due later", async || {
        let standing = rig
            .store
            .host_standings()
            .await
            .unwrap()
            .remove(&rig.host.id);
        match standing.unwrap().breaker {
            longshore_core::health::Breaker::Open(trip) => trip.trips == 2,
            longshore_core::health::Breaker::Closed { .. }
            | longshore_core::health::Breaker::HalfOpen(_) => false,
        }
    })
    .await;
    assert_eq!(rig.store.job(job).await.unwrap().status, JobStatus::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_is_counted_as_such_and_seen_again() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    rig.mock.cut();
    let worker = rig.worker();
    rig.eventually("a probe failed", async || {
        let report = rig.store.facts(rig.host.id).await.unwrap();
        report.is_some_and(|report| report.failed_probes == 1 && report.failing_since.is_some())
    })
    .await;
    worker.leave().await;
    rig.mock.heal();
    let later = Timestamp::now() - SignedDuration::from_mins(5);
    let facts = longshore_executor::Executor::probe(&rig.mock)
        .await
        .unwrap();
    rig.store
        .save_facts(rig.host.id, Ok(&facts), later)
        .await
        .unwrap();
    let report = rig.store.facts(rig.host.id).await.unwrap().unwrap();
    assert_eq!((report.failed_probes, report.seen_at), (0, Some(later)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_a_probe_gets_nothing_though_its_events_seem_to_come() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let away = Mischief::Fail(Fault::Unreachable);
    rig.mock.disturb(Call::Probe, 1000, away);
    let _worker = rig.worker();
    rig.eventually("a probe failed", async || {
        let report = rig.store.facts(rig.host.id).await.unwrap();
        report.is_some_and(|report| report.failing_since.is_some())
    })
    .await;
    let job = rig.submit(spec()).await;
    rig.eventually("it was asked again", async || {
        rig.mock.calls_made(Call::Probe) > 1
    })
    .await;
    assert_eq!(rig.store.job(job).await.unwrap().status, JobStatus::Queued);
    rig.mock.release(Call::Probe);
    assert_eq!(rig.finished(job).await.status, JobStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_says_why_a_job_went_where_it_went() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.finished(job).await;
    let filter = longshore_store::EventFilter {
        job: Some(job),
        after: 0,
        limit: 100,
    };
    let events = rig.store.events(filter).await.unwrap();
    let claimed = events
        .iter()
        .find(|event| event.kind == longshore_core::event::EventKind::Claimed);
    let said = &claimed.unwrap().detail;
    assert!(
        said.starts_with("mock: ") && said.ends_with("10 of 10 slots free, weight 100"),
        "{said}"
    );
}
