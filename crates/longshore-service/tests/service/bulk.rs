//! Many jobs at once: a result for each, in order, none lost when some fail, no host held up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_core::JobId;
use longshore_core::fault::Fault;
use longshore_core::job::Driver;
use longshore_core::spec::JobSpec;
use longshore_executor::mock::{Behaviour, Call, Mischief};
use longshore_service::{ContainerStatus, Why};
use uuid::Uuid;

use crate::rig::{PATIENCE, Rig, is_execution};

fn spec() -> JobSpec {
    JobSpec::new("busybox:1".parse().unwrap())
}

#[tokio::test]
async fn ten_thousand_status_calls_answer_each_for_itself() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let begun = rig.jobs(vec![spec(); 300], Driver::Service).await;
    let created = rig.service.create_all(&begun, &BTreeMap::new()).await;
    assert!(created.unwrap().iter().all(|(_, result)| result.is_ok()));
    let unbegun = rig.jobs(vec![spec(); 200], Driver::Service).await;
    // 10,000 calls: for each container 31, for each job without one 3, and 100 for nothing at all.
    let mut jobs: Vec<JobId> = Vec::new();
    for _ in 0..31 {
        jobs.extend(&begun);
    }
    for _ in 0..3 {
        jobs.extend(&unbegun);
    }
    jobs.extend((0..100).map(|_| JobId::new(Uuid::now_v7())));
    assert_eq!(jobs.len(), 10_000);
    mock.disturb(Call::Observe, 50, Mischief::Fail(Fault::Internal));
    let answers = rig.service.status_all(&jobs).await.unwrap();
    let asked: Vec<JobId> = answers.iter().map(|(job, _)| *job).collect();
    assert_eq!(asked, jobs);
    let count = |wanted: ContainerStatus| {
        let those = answers.iter().filter(|(_, answer)| match answer {
            Ok(status) => *status == wanted,
            Err(_) => false,
        });
        those.count()
    };
    assert_eq!(count(ContainerStatus::Created), 31 * 300 - 50);
    assert_eq!(count(ContainerStatus::Error), 50);
    assert_eq!(count(ContainerStatus::NoContainer), 600);
    let failed = answers.iter().filter(|(_, answer)| answer.is_err());
    assert_eq!(failed.count(), 100);
}

#[tokio::test]
async fn more_jobs_than_one_call_takes_are_refused_as_a_whole() {
    let rig = Rig::new().await;
    let jobs = vec![JobId::new(Uuid::now_v7()); 10_001];
    let error = is_execution(rig.service.status_all(&jobs).await);
    assert!(matches!(error.why(), Some(Why::TooMany(10_001))), "{error}");
}

#[tokio::test]
async fn jobs_are_created_started_stopped_restarted_and_cancelled_together() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let jobs = rig.jobs(vec![spec(); 40], Driver::Service).await;
    mock.disturb(Call::Create, 3, Mischief::Fail(Fault::Configuration));
    let service = &rig.service;
    let created = service.create_all(&jobs, &BTreeMap::new()).await.unwrap();
    let failed: Vec<JobId> = created
        .iter()
        .filter(|(_, result)| result.is_err())
        .map(|(job, _)| *job)
        .collect();
    assert_eq!((created.len(), failed.len()), (40, 3));
    let yes = |results: &[(JobId, Result<bool, longshore_service::ServiceError>)]| {
        let done = results.iter().filter(|(_, result)| match result {
            Ok(is_done) => *is_done,
            Err(_) => false,
        });
        done.count()
    };
    let started = service.start_all(&jobs).await.unwrap();
    assert_eq!((yes(&started), mock.running()), (37, 37));
    let stopped = service.stop_all(&jobs[..20], Duration::ZERO).await.unwrap();
    let with_failed = jobs[..20].iter().filter(|job| failed.contains(job)).count();
    assert_eq!(yes(&stopped), 20 - with_failed);
    let restarted = service.restart_all(&jobs).await.unwrap();
    assert_eq!((yes(&restarted), mock.running()), (40, 40));
    let cancelled = service.cancel_all(&jobs).await.unwrap();
    assert_eq!((yes(&cancelled), mock.containers()), (40, 0));
}

#[tokio::test]
async fn a_host_that_hangs_holds_up_nobody_else() {
    let rig = Rig::new().await;
    let (slow, hanging) = rig.mock(Behaviour::forever()).await;
    let (quick, _) = rig.mock(Behaviour::forever()).await;
    let on = |name: &str| JobSpec {
        host: Some(name.to_owned()),
        ..spec()
    };
    let mut specs = vec![on(&slow.name); 50];
    specs.extend(vec![on(&quick.name); 50]);
    let jobs = rig.jobs(specs, Driver::Service).await;
    hanging.disturb(Call::Create, 50, Mischief::HangBefore);
    let service = rig.service.clone();
    let (all, quick_ones) = (jobs.clone(), jobs[50..].to_vec());
    let tasks = tokio_util::task::TaskTracker::new();
    let creating =
        tasks.spawn(async move { service.create_all(&all, &BTreeMap::new()).await.unwrap() });
    let began = Instant::now();
    longshore_testkit::eventually_async("those of the other host", PATIENCE, || async {
        let statuses = rig.service.status_all(&quick_ones).await.unwrap();
        statuses
            .iter()
            .all(|(_, status)| matches!(status, Ok(ContainerStatus::Created)))
    })
    .await;
    assert!(began.elapsed() < PATIENCE / 4);
    assert!(!creating.is_finished());
    hanging.release(Call::Create);
    let created = tokio::time::timeout(PATIENCE, creating).await;
    let created = created.unwrap().unwrap();
    assert!(created.iter().all(|(_, result)| result.is_ok()));
}
