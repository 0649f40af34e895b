//! Registries that limit pulls: attempts wait their turn, at no cost of a retry.

use std::time::Duration;

use longshore_core::event::EventKind;
use longshore_core::fault::{Fault, PullFault};
use longshore_core::outcome::{JobStatus, Limit, Outcome};
use longshore_core::spec::{JobSpec, RetryPolicy, TimeLimits};
use longshore_executor::mock::{Behaviour, Call, Registry};
use longshore_store::EventFilter;

use crate::rig::{Rig, spec};

const HUB: &str = "docker.io";

async fn limited_rig() -> Rig {
    let rig = Rig::new(Behaviour::exits(0)).await;
    rig.mock.tune(|knobs| {
        knobs.other_images.on_host = false;
        knobs.other_images.registry = Registry::Fails(Fault::ImagePull(PullFault::RateLimited));
    });
    rig
}

/// Without any budget for failures of host or registry.
fn without_infra_retries() -> JobSpec {
    let retry = RetryPolicy {
        infra_retries: 0,
        ..RetryPolicy::default()
    };
    JobSpec { retry, ..spec() }
}

async fn until_refused(rig: &Rig) {
    rig.eventually("the registry is known to limit pulls", async || {
        let now = jiff::Timestamp::now();
        rig.store.pace(HUB, now).await.unwrap().is_some()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_limited_waits_its_turn_and_costs_no_retry() {
    let rig = limited_rig().await;
    let job = rig.submit(without_infra_retries()).await;
    let _worker = rig.worker();
    until_refused(&rig).await;
    rig.mock
        .tune(|knobs| knobs.other_images.registry = Registry::Serves);
    let job = rig.finished(job).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Completed, 1));
    let filter = EventFilter {
        job: Some(job.id),
        ..EventFilter::default()
    };
    let events = rig.store.events(filter).await.unwrap();
    let is_told = |kind, detail: &str| {
        kind == EventKind::Pulling && detail.starts_with("registry docker.io limits pulls until ")
    };
    assert!(
        events
            .iter()
            .any(|event| is_told(event.kind, &event.detail)),
        "{events:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_of_several_workers_ask_a_limited_registry_no_more_often_than_its_pace() {
    let rig = limited_rig().await;
    let images = (0..20).map(|number| JobSpec {
        image: format!("app-{number}:1").parse().unwrap(),
        ..without_infra_retries()
    });
    let pulls = || rig.mock.calls_made(Call::Pull);
    rig.submit(without_infra_retries()).await;
    let _workers = [rig.worker(), rig.worker()];
    until_refused(&rig).await;
    let before = pulls();
    rig.submit_all(images.collect()).await;
    rig.eventually("the slots of the host are full", async || {
        rig.store.loads().await.unwrap()[&rig.host.id].busy == 10
    })
    .await;
    rig.quiet("another turn", || pulls() > before).await;
    // The first pause is two seconds, the second four.
    assert!(pulls() - before <= 2, "{} pulls", pulls() - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_stays_limited_ends_at_its_limit() {
    let rig = limited_rig().await;
    let timeouts = TimeLimits {
        pull: "1s".parse().unwrap(),
        ..TimeLimits::default()
    };
    let job = JobSpec {
        timeouts,
        ..without_infra_retries()
    };
    let job = rig.submit(job).await;
    let _worker = rig.worker();
    let began = std::time::Instant::now();
    let job = rig.finished(job).await;
    assert_eq!(job.outcome, Some(Outcome::TimedOut(Limit::Pull)));
    assert!(began.elapsed() < Duration::from_secs(20));
}
