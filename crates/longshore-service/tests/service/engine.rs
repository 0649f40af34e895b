//! The outlines of the specification by their own names, against a real engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_core::fault::{Fault, PullFault};
use longshore_core::host::Host;
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_executor::{ContainerState, Force, Which};
use longshore_service::{Cleanup, LegacyContainers, PullWish, ServiceOptions};
use longshore_testkit::{
    DEMO_IMAGE, Engine, EngineOptions, Fault as Trouble, FaultProxy, Registry, RegistryKind, Rule,
    eventually_async, load_demo_image, shared_engine, unique_name,
};

use crate::rig::{PATIENCE, is_connection, is_execution};
use crate::scene::{Scene, forever, script};

#[tokio::test]
async fn create_container_success() {
    let scene = Scene::new().await;
    let job = scene.job(forever()).await;
    let id = scene.create(job).await.unwrap();
    assert_eq!(id.len(), 64);
    let shown = scene.inspected(job).await;
    assert_eq!(shown["Id"], id);
    assert_eq!(shown["State"]["Status"], "created");
    assert_eq!(scene.standing(job).await, "pending");
    assert_eq!(scene.create(job).await.unwrap(), id, "asked again");
    assert_eq!(scene.containers().len(), 1);
}

#[tokio::test]
async fn create_container_with_environment_variables() {
    let scene = Scene::new().await;
    let mut spec = script("env");
    for (name, value) in [("KEY1", "value1"), ("KEY2", "of the job")] {
        spec.env.insert(name.parse().unwrap(), value.into());
    }
    let job = scene.job(spec).await;
    let more = BTreeMap::from([("KEY2".parse().unwrap(), "value2".to_owned())]);
    scene.service.create_container(job, &more).await.unwrap();
    let shown = scene.inspected(job).await;
    let env = shown["Config"]["Env"].as_array().unwrap();
    assert!(env.iter().any(|pair| pair == "KEY1=value1"), "{env:?}");
    assert!(env.iter().any(|pair| pair == "KEY2=value2"), "{env:?}");
}

#[tokio::test]
async fn create_container_executor_error() {
    let scene = Scene::new().await;
    let mut spec = forever();
    spec.volumes = vec!["/no/such/folder:/inside".parse().unwrap()];
    let job = scene.job(spec).await;
    let error = is_execution(scene.create(job).await);
    assert_eq!(error.fault(), Some(Fault::Configuration));
    assert_eq!(scene.standing(job).await, "pending");
    assert!(scene.message(job).await.contains("/no/such/folder"));
    assert_eq!(scene.containers(), [""; 0], "no half container stays");
}

/// A registry with one image that the engine does not have under this name.
fn registry(scene: &Scene) -> (Registry, ImageReference) {
    let registry = Registry::start(&scene.engine, RegistryKind::Open).unwrap();
    let name = format!("{}:1", unique_name("team/app"));
    let image = registry.push(&scene.engine, DEMO_IMAGE, &name).unwrap();
    (registry, image.parse().unwrap())
}

#[tokio::test]
async fn pull_image_success() {
    // An engine of its own, that has none of the image's layers.
    let engine = Engine::start(&EngineOptions::default()).unwrap();
    let access = engine.access().clone();
    let address = access.docker_host().to_owned();
    let scene = Scene::at(access, &address, ServiceOptions::default()).await;
    let (_registry, image) = registry(&scene);
    scene.engine.docker(["image", "rm", DEMO_IMAGE]).unwrap();
    let layers = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&layers);
    let wish = PullWish {
        on_progress: Arc::new(move |progress| *seen.lock().unwrap() = progress.layers.len()),
        ..PullWish::default()
    };
    let pulled = scene.service.pull_image(&scene.host, &image, wish).await;
    assert!(pulled.unwrap());
    assert_eq!(*layers.lock().unwrap(), 1);
    let ours = scene.store.pulled_images(scene.host.id).await.unwrap();
    assert_eq!(ours[0].image, image.to_string());
    assert!(ours[0].digest.is_some());
}

#[tokio::test]
async fn pull_image_timeout() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy).await;
    let (_registry, image) = registry(&scene);
    proxy.add(Rule::every("/images/create", Trouble::Hang));
    let wish = PullWish {
        limit: Duration::from_millis(300),
        ..PullWish::default()
    };
    let began = Instant::now();
    let error = is_execution(scene.service.pull_image(&scene.host, &image, wish).await);
    assert_eq!(error.fault(), Some(Fault::ImagePull(PullFault::TimedOut)));
    assert!(began.elapsed() < PATIENCE / 4);
}

#[tokio::test]
async fn pull_image_not_found() {
    let scene = Scene::new().await;
    let (registry, _) = registry(&scene);
    let image = registry.reference("nonexistent:image").parse().unwrap();
    let wish = PullWish::default();
    let error = is_execution(scene.service.pull_image(&scene.host, &image, wish).await);
    assert_eq!(error.fault(), Some(Fault::ImageNotFound));
}

#[tokio::test]
async fn start_container_success() {
    let scene = Scene::new().await;
    let job = scene.created(forever()).await;
    assert!(scene.service.start_container(job).await.unwrap());
    assert!(scene.service.start_container(job).await.unwrap(), "twice");
    assert_eq!(scene.standing(job).await, "running");
    assert_eq!(scene.inspected(job).await["State"]["Status"], "running");
}

#[tokio::test]
async fn stop_container_success() {
    let scene = Scene::new().await;
    let job = scene.started(forever()).await;
    let stopped = scene.service.stop_container(job, Duration::from_secs(10));
    assert!(stopped.await.unwrap());
    let shown = scene.inspected(job).await;
    assert_eq!(shown["State"]["Status"], "exited");
    assert_eq!(shown["State"]["ExitCode"], 143);
    assert!(scene.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(scene.standing(job).await, "failed exit(143)");
}

#[tokio::test]
async fn remove_container_success() {
    let scene = Scene::keeping().await;
    let job = scene.started(script("echo kept")).await;
    scene.service.wait_for_container(job, None).await.unwrap();
    assert_eq!(scene.containers().len(), 1);
    let removed = scene.service.remove_container(job, Force::Never).await;
    assert!(removed.unwrap());
    assert_eq!(scene.containers(), [""; 0]);
    assert_eq!(scene.standing(job).await, "completed");
    assert_eq!(scene.log(job).await, "kept\n");
}

#[tokio::test]
async fn cleanup_container_not_found() {
    let scene = Scene::new().await;
    let job = scene.started(forever()).await;
    scene.docker(job, &["rm", "--force"]).await;
    let removed = scene.service.remove_container(job, Force::Never).await;
    assert!(!removed.unwrap());
    assert_eq!(scene.standing(job).await, "failed lost");
}

#[tokio::test]
async fn list_containers_success() {
    let scene = Scene::new().await;
    let running = scene.started(forever()).await;
    let stopped = scene.created(forever()).await;
    let (service, host) = (&scene.service, &scene.host);
    let all = service.list_containers(host, Which::All).await.unwrap();
    let of = |job: &longshore_core::JobId| {
        let job = job.to_string();
        let label = "io.longshore.job";
        all.iter()
            .find(|found| found.labels.get(label) == Some(&job))
            .unwrap()
    };
    assert_eq!(of(&running).state, ContainerState::Running);
    assert_eq!(of(&stopped).state, ContainerState::Created);
    let running_ones = service.list_containers(host, Which::Running).await.unwrap();
    let ids: Vec<&str> = running_ones.iter().map(|found| &*found.id).collect();
    assert!(ids.contains(&&*of(&running).id));
    assert!(!ids.contains(&&*of(&stopped).id));
}

#[tokio::test]
async fn cleanup_old_containers_success() {
    let scene = Scene::keeping().await;
    for _ in 0..3 {
        let job = scene.started(script("true")).await;
        scene.service.wait_for_container(job, None).await.unwrap();
    }
    scene.created(forever()).await;
    let cleanup = Cleanup {
        cutoff: Timestamp::now() + Duration::from_secs(1),
        legacy: LegacyContainers::OfKnownJobs,
    };
    let clean = || {
        scene
            .service
            .cleanup_old_containers_on(&scene.host, cleanup)
    };
    assert_eq!(clean().await.unwrap(), 3);
    assert_eq!(clean().await.unwrap(), 0);
    assert_eq!(scene.containers().len(), 1);
}

#[tokio::test]
async fn get_container_stats() {
    let scene = Scene::new().await;
    let job = scene.started(script("while :; do :; done")).await;
    let id = scene.attempt(job).await.handle.unwrap().content;
    // The first moments after a start have nothing to compare with.
    let stats = eventually_async("the container is seen at work", PATIENCE, || async {
        let stats = scene.service.container_stats(&scene.host, &id[..12]).await;
        stats.unwrap().filter(|stats| stats.cpu_percent > 10.0)
    })
    .await;
    assert!(stats.memory_usage > 0);
    assert!(stats.raw["precpu_stats"].is_object(), "{}", stats.raw);
    let of_job = scene.service.get_container_stats(job).await.unwrap();
    assert!(of_job.unwrap().memory_usage > 0);
    assert!(scene.attempt(job).await.usage.unwrap().peak_memory_bytes > 0);
}

#[tokio::test]
async fn health_check_healthy_host() {
    let scene = Scene::new().await;
    assert!(scene.service.health_check(&scene.host).await);
    assert!(scene.service.get_client(&scene.host).await.is_ok());
}

#[tokio::test]
async fn health_check_unhealthy_host() {
    let mut scene = Scene::new().await;
    scene.lose_host().await;
    assert!(!scene.service.health_check(&scene.host).await);
    let error = is_connection(scene.service.get_client(&scene.host).await.map(drop));
    assert_eq!(error.fault(), Some(Fault::Unreachable));
}

#[tokio::test]
async fn get_docker_version() {
    let scene = Scene::new().await;
    let version = scene.service.get_docker_version(&scene.host).await;
    let args = ["version", "--format", "{{.Server.Version}}"];
    assert_eq!(version.unwrap(), scene.engine.docker(args).unwrap());
}

#[tokio::test]
async fn executor_not_found_error() {
    let mut scene = Scene::new().await;
    scene.lose_host().await;
    let job = scene.job(forever()).await;
    is_connection(scene.create(job).await);
    assert_eq!(scene.standing(job).await, "pending");
    assert!(scene.message(job).await.contains("cannot connect"));
}

#[tokio::test]
async fn connection_retry_logic() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy).await;
    // Its first words are a ping, which is lost once.
    let lost = proxy.add(Rule::first("/", Trouble::LoseRequest));
    assert!(scene.service.health_check(&scene.host).await);
    assert_eq!(proxy.hits(lost), 1);
    // A create whose answer is lost is not done twice.
    let lost = proxy.add(Rule::first("/containers/create", Trouble::LoseReply));
    let job = scene.created(forever()).await;
    assert_eq!(proxy.hits(lost), 1);
    assert_eq!(scene.attempts(job).await.len(), 1);
    assert_eq!(scene.containers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_operations() {
    let other = Engine::start(&EngineOptions::default()).unwrap();
    load_demo_image(other.access()).unwrap();
    let proxy = FaultProxy::start(other.access()).unwrap();
    let scene = Scene::with(ServiceOptions::default()).await;
    let slow = scene.engine(&proxy.docker_host()).await;
    let on = |host: &Host| JobSpec {
        host: Some(host.name.clone()),
        ..forever()
    };
    let stuck = scene.started(on(&slow)).await;
    let free = scene.started(on(&scene.host)).await;
    proxy.add(Rule::every("/json", Trouble::Hang));
    let service = scene.service.clone();
    let tasks = tokio_util::task::TaskTracker::new();
    let ask = |job| {
        let service = service.clone();
        tasks.spawn(async move { service.check_container_status(job).await })
    };
    let began = Instant::now();
    let hung: Vec<_> = (0..32).map(|_| ask(stuck)).collect();
    let answered: Vec<_> = (0..32).map(|_| ask(free)).collect();
    for call in answered {
        assert_eq!(call.await.unwrap().unwrap().word(), "running");
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(hung.iter().all(|call| !call.is_finished()));
    assert_eq!((scene.opened(&slow), scene.opened(&scene.host)), (1, 1));
    // Each of those that hang has its deadline; a host that does not answer in it is an error.
    for call in hung {
        assert_eq!(call.await.unwrap().unwrap().word(), "error");
    }
    assert!(began.elapsed() < PATIENCE);
    assert_eq!(scene.standing(stuck).await, "running");
}
