//! The outlines of the specification by their own names, with the mock's knobs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_core::attempt::Phase;
use longshore_core::fault::{Fault, PullFault};
use longshore_core::outcome::JobStatus;
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_executor::mock::{Behaviour, Call, Foreign, Mischief, Registry};
use longshore_executor::{ContainerState, Force, Which};
use longshore_service::{Cleanup, LegacyContainers, PullWish};

use crate::rig::{PATIENCE, Rig, is_connection, is_execution};

fn spec() -> JobSpec {
    JobSpec::new(image())
}

fn image() -> ImageReference {
    "busybox:1".parse().unwrap()
}

fn stranger(name: &str, behaviour: Option<Behaviour>) -> Foreign {
    Foreign {
        name: name.into(),
        image: image(),
        labels: BTreeMap::new(),
        limits: longshore_core::share::Share::default(),
        created_at: Timestamp::now(),
        behaviour,
    }
}

#[tokio::test]
async fn create_container_success() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    let job = rig.job(spec()).await;
    let id = rig.create(job).await.unwrap();
    let listed = rig.service.list_containers(&host, Which::All).await;
    assert_eq!(listed.unwrap()[0].id, id);
    assert_eq!(rig.standing(job).await, "pending");
    let attempt = rig.attempt(job).await;
    assert_eq!(attempt.phase, Phase::Claimed);
    assert_eq!(mock.counts(attempt.id).creates, 1);
}

#[tokio::test]
async fn create_container_with_environment_variables() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    let mut spec = spec();
    spec.env.insert("KEY1".parse().unwrap(), "value1".into());
    let job = rig.job(spec).await;
    let more = BTreeMap::from([("KEY2".parse().unwrap(), "value2".to_owned())]);
    rig.service.create_container(job, &more).await.unwrap();
    assert_eq!(mock.calls_made(Call::Create), 1);
    // What the call adds is for this container alone; the job's own wish stays.
    assert_eq!(rig.read(job).await.spec.env.len(), 1);
    let listed = rig
        .service
        .list_containers(&host, Which::All)
        .await
        .unwrap();
    let label = &listed[0].labels["django.container_manager.job_id"];
    assert_eq!(*label, job.to_string());
}

#[tokio::test]
async fn create_container_executor_error() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::default()).await;
    mock.disturb(Call::Create, 1, Mischief::Fail(Fault::Configuration));
    let job = rig.job(spec()).await;
    let error = is_execution(rig.create(job).await);
    assert_eq!(error.fault(), Some(Fault::Configuration));
    assert_eq!(rig.standing(job).await, "pending");
    assert!(rig.message(job).await.contains("refuses the configuration"));
    assert_eq!(rig.attempt(job).await.phase, Phase::Ended);
    // It can be tried again, in an attempt of its own.
    rig.create(job).await.unwrap();
    assert_eq!(rig.attempts(job).await.len(), 2);
}

#[tokio::test]
async fn pull_image_success() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.tune(|knobs| knobs.image(&image()).on_host = false);
    let pulled = rig
        .service
        .pull_image(&host, &image(), PullWish::default())
        .await;
    assert!(pulled.unwrap());
    assert_eq!(mock.pulls_begun(&image()), 1);
    let ours = rig.store.pulled_images(host.id).await.unwrap();
    assert_eq!(ours[0].image, "busybox:1");
}

#[tokio::test]
async fn pull_image_timeout() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.tune(|knobs| {
        let image = knobs.image(&image());
        (image.on_host, image.registry) = (false, Registry::Stalls);
    });
    let wish = PullWish {
        idle: Duration::from_millis(50),
        ..PullWish::default()
    };
    let error = is_execution(rig.service.pull_image(&host, &image(), wish).await);
    assert_eq!(error.fault(), Some(Fault::ImagePull(PullFault::TimedOut)));
}

#[tokio::test]
async fn pull_image_not_found() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.tune(|knobs| {
        let image = knobs.image(&image());
        image.on_host = false;
        image.registry = Registry::Fails(Fault::ImageNotFound);
    });
    let wish = PullWish::default();
    let error = is_execution(rig.service.pull_image(&host, &image(), wish).await);
    assert_eq!(error.fault(), Some(Fault::ImageNotFound));
    assert_eq!(rig.store.pulled_images(host.id).await.unwrap(), []);
}

#[tokio::test]
async fn start_container_success() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    assert!(rig.service.start_container(job).await.unwrap());
    assert!(rig.service.start_container(job).await.unwrap(), "twice");
    assert_eq!(rig.standing(job).await, "running");
    assert_eq!(mock.counts(rig.attempt(job).await.id).starts, 1);
}

#[tokio::test]
async fn stop_container_success() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    let stopped = rig.service.stop_container(job, Duration::from_secs(10));
    assert!(stopped.await.unwrap());
    assert_eq!(mock.running(), 0);
    // How it ended is for the harvest to say.
    assert_eq!(rig.standing(job).await, "running");
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed exit(143)");
}

#[tokio::test]
async fn remove_container_success() {
    let rig = Rig::keeping().await;
    let (_, mock) = rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    assert!(
        rig.service
            .remove_container(job, Force::Never)
            .await
            .unwrap()
    );
    assert_eq!(mock.containers(), 0);
    // What ended is harvested before it goes.
    assert_eq!(rig.standing(job).await, "completed");
    assert!(rig.attempt(job).await.removed_at.is_some());
}

#[tokio::test]
async fn cleanup_container_not_found() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    mock.vanish(rig.attempt(job).await.id);
    let removed = rig.service.remove_container(job, Force::Never).await;
    assert!(!removed.unwrap());
    assert_eq!(rig.standing(job).await, "failed lost");
}

#[tokio::test]
async fn list_containers_success() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    rig.started(spec()).await;
    mock.add_foreign(stranger("stopped", Some(Behaviour::exits(3))));
    let all = rig
        .service
        .list_containers(&host, Which::All)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    let stopped = all.iter().find(|found| found.name == "stopped").unwrap();
    assert_eq!(stopped.state, ContainerState::Exited);
    let running = rig.service.list_containers(&host, Which::Running).await;
    assert_eq!(running.unwrap().len(), 1);
    assert_eq!(mock.calls_made(Call::Inventory), 2, "one call a list");
}

#[tokio::test]
async fn cleanup_old_containers_success() {
    let rig = Rig::keeping().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    for _ in 0..3 {
        let job = rig.started(spec()).await;
        assert!(rig.service.harvest_completed_job(job).await.unwrap());
    }
    mock.add_foreign(stranger("somebody's", Some(Behaviour::exits(0))));
    let cleanup = Cleanup {
        cutoff: Timestamp::now() + Duration::from_secs(1),
        legacy: LegacyContainers::OfKnownJobs,
    };
    let clean = || rig.service.cleanup_old_containers_on(&host, cleanup);
    assert_eq!(clean().await.unwrap(), 3);
    assert_eq!(clean().await.unwrap(), 0);
    assert_eq!(mock.containers(), 1);
}

#[tokio::test]
async fn get_container_stats() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    mock.add_foreign(stranger("busy", Some(Behaviour::forever())));
    let stats = rig.service.container_stats(&host, "busy").await;
    let stats = stats.unwrap().unwrap();
    assert!((stats.cpu_percent - 50.0).abs() < 1e-9);
    assert_eq!(stats.memory_usage, 16 << 20);
    assert_eq!(stats.raw["memory_stats"]["usage"], 16 << 20);
    let none = rig.service.container_stats(&host, "nobody").await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn health_check_healthy_host() {
    let rig = Rig::new().await;
    let (host, _) = rig.mock(Behaviour::default()).await;
    assert!(rig.service.health_check(&host).await);
    let report = rig.store.facts(host.id).await.unwrap();
    assert!(report.is_some());
}

#[tokio::test]
async fn health_check_unhealthy_host() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.cut();
    assert!(!rig.service.health_check(&host).await);
    assert_eq!(mock.calls_made(Call::Probe), 0, "a cut link counts nothing");
}

#[tokio::test]
async fn get_docker_version() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.tune(|knobs| knobs.facts.version = "20.10.7".into());
    let version = rig.service.get_docker_version(&host).await;
    assert_eq!(version.unwrap(), "20.10.7");
}

#[tokio::test]
async fn executor_not_found_error() {
    let rig = Rig::new().await;
    rig.mute().await;
    let job = rig.job(spec()).await;
    let error = is_connection(rig.create(job).await);
    assert!(
        error
            .to_string()
            .starts_with("cannot connect to Docker host")
    );
    assert_eq!(rig.standing(job).await, "pending");
}

#[tokio::test]
async fn connection_retry_logic() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    mock.disturb(Call::Probe, 1, Mischief::Fail(Fault::Unreachable));
    assert!(rig.service.health_check(&host).await);
    assert_eq!(mock.calls_made(Call::Probe), 2);
    // Bounded: three in a row are one too many.
    mock.disturb(Call::Probe, 3, Mischief::Fail(Fault::Unreachable));
    assert!(!rig.service.health_check(&host).await);
    assert_eq!(mock.calls_made(Call::Probe), 5);
    // A host that takes too long has had its time.
    mock.disturb(Call::Probe, 1, Mischief::Fail(Fault::TimedOut));
    assert!(!rig.service.health_check(&host).await);
    assert_eq!(mock.calls_made(Call::Probe), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_operations() {
    let rig = Rig::new().await;
    let (slow, hanging) = rig.mock(Behaviour::forever()).await;
    let (quick, _) = rig.mock(Behaviour::forever()).await;
    let on = |host: &longshore_core::host::Host| JobSpec {
        host: Some(host.name.clone()),
        ..spec()
    };
    let (stuck, free) = (rig.started(on(&slow)).await, rig.started(on(&quick)).await);
    hanging.disturb(Call::Observe, 32, Mischief::HangBefore);
    let service = Arc::new(rig.service.clone());
    let tasks = tokio_util::task::TaskTracker::new();
    let ask = |job| {
        let service = Arc::clone(&service);
        tasks.spawn(async move { service.check_container_status(job).await })
    };
    let began = Instant::now();
    let hung: Vec<_> = (0..32).map(|_| ask(stuck)).collect();
    let answered: Vec<_> = (0..32).map(|_| ask(free)).collect();
    for call in answered {
        assert_eq!(call.await.unwrap().unwrap().word(), "running");
    }
    assert!(began.elapsed() < PATIENCE / 4);
    assert!(hung.iter().all(|call| !call.is_finished()));
    // One executor a host, whoever asks.
    assert_eq!((rig.opened(&slow), rig.opened(&quick)), (1, 1));
    hanging.release(Call::Observe);
    for call in hung {
        assert_eq!(call.await.unwrap().unwrap().word(), "running");
    }
    assert_eq!(rig.read(stuck).await.status, JobStatus::Running);
}
