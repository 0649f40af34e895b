//! Pulls from real registries on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use longshore_core::fault::{Fault, PullFault};
use longshore_core::image::{Image, PullProgress};
use longshore_executor::{Executor, ExecutorError, Images, OnProgress, PullRequest, Removed};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_testkit::{
    DEMO_IMAGE, Engine, EngineAccess, EngineOptions, FaultProxy, Registry, RegistryKind, Rule,
    load_demo_image, shared_engine, unique_name,
};

use crate::scene::{PATIENCE, executor, executor_with};

fn request(image: &str) -> PullRequest {
    PullRequest {
        image: image.parse().unwrap(),
        platform: None,
        idle: PATIENCE,
        total: PATIENCE,
    }
}

fn unseen() -> OnProgress {
    Arc::new(|_| {})
}

fn images(executor: &DockerExecutor) -> &dyn Images {
    executor.images().unwrap()
}

async fn pull(executor: &DockerExecutor, image: &str) -> Result<Image, ExecutorError> {
    images(executor).pull(&request(image), unseen()).await
}

/// A registry with one image; its name there.
fn registry_with_image(engine: &EngineAccess, kind: RegistryKind) -> (Registry, String) {
    load_demo_image(engine).unwrap();
    let registry = Registry::start(engine, kind).unwrap();
    let name = format!("{}:1", unique_name("team/app"));
    let image = registry.push(engine, DEMO_IMAGE, &name).unwrap();
    (registry, image)
}

fn forget(engine: &EngineAccess, image: &str) {
    let _ = engine.docker(["image", "rm", "--no-prune", image]);
}

#[tokio::test]
async fn a_public_image_is_pulled_found_by_its_digest_and_removed() {
    let engine = shared_engine();
    let (_registry, image) = registry_with_image(&engine, RegistryKind::Open);
    let executor = executor(engine.docker_host());
    let reference = image.parse().unwrap();
    assert_eq!(images(&executor).image(&reference).await.unwrap(), None);
    let pulled = pull(&executor, &image).await.unwrap();
    assert!(
        pulled.tags.contains(&image) && pulled.size_bytes > 0,
        "{pulled:?}"
    );
    let repository = image.rsplit_once(':').unwrap().0;
    let digest = pulled
        .digests
        .iter()
        .find(|digest| digest.starts_with(repository))
        .unwrap();
    let by_digest = digest.parse().unwrap();
    assert_eq!(
        images(&executor)
            .image(&by_digest)
            .await
            .unwrap()
            .unwrap()
            .id,
        pulled.id
    );
    assert_eq!(pull(&executor, digest).await.unwrap().id, pulled.id);
    assert!(
        images(&executor)
            .list()
            .await
            .unwrap()
            .iter()
            .any(|listed| listed.id == pulled.id)
    );
    assert_eq!(
        images(&executor).remove(&reference).await.unwrap(),
        Removed::Gone
    );
    assert_eq!(
        images(&executor).remove(&reference).await.unwrap(),
        Removed::WasAbsent
    );
    forget(&engine, digest);
}

#[tokio::test]
async fn progress_tells_of_every_layer() {
    let engine = Engine::start(&EngineOptions::default()).unwrap();
    let (_registry, image) = registry_with_image(engine.access(), RegistryKind::Open);
    engine.docker(["image", "rm", DEMO_IMAGE]).unwrap();
    let executor = executor(engine.docker_host());
    let last = Arc::new(Mutex::new(PullProgress::default()));
    let seen = Arc::clone(&last);
    let on_progress: OnProgress =
        Arc::new(move |progress| *seen.lock().unwrap() = progress.clone());
    images(&executor)
        .pull(&request(&image), on_progress)
        .await
        .unwrap();
    let last = last.lock().unwrap();
    assert_eq!(last.layers.len(), 1, "{last:?}");
    assert!(last.layers[0].current_bytes > 0, "{last:?}");
}

#[tokio::test]
async fn a_private_image_needs_the_password_that_docker_keeps() {
    let engine = shared_engine();
    let (registry, image) = registry_with_image(&engine, RegistryKind::Password);
    let with = |folder: &std::path::Path| {
        let docker_config = Some(folder.to_owned());
        executor_with(
            engine.docker_host(),
            DockerOptions {
                docker_config,
                ..DockerOptions::default()
            },
        )
    };
    let error = pull(&executor(engine.docker_host()), &image)
        .await
        .unwrap_err();
    assert_eq!(error.fault(), Fault::ImageDenied, "{error}");
    let wrong = longshore_testkit::temp_dir();
    let auth = format!(
        r#"{{"auths":{{"{}":{{"auth":"c2FpbG9yOndyb25n"}}}}}}"#,
        registry.address()
    );
    std::fs::write(wrong.path().join("config.json"), auth).unwrap();
    let error = pull(&with(wrong.path()), &image).await.unwrap_err();
    assert_eq!(error.fault(), Fault::ImageDenied, "{error}");
    let right = registry.docker_config().unwrap();
    pull(&with(right.path()), &image).await.unwrap();
    forget(&engine, &image);
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_named_when_the_registry_denies() {
    let engine = shared_engine();
    let (registry, image) = registry_with_image(&engine, RegistryKind::Password);
    let folder = longshore_testkit::temp_dir();
    let config = format!(
        r#"{{"credHelpers":{{"{}":"longshore-none"}}}}"#,
        registry.address()
    );
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let docker_config = Some(folder.path().to_owned());
    let executor = executor_with(
        engine.docker_host(),
        DockerOptions {
            docker_config,
            ..DockerOptions::default()
        },
    );
    let error = pull(&executor, &image).await.unwrap_err();
    assert_eq!(error.fault(), Fault::ImageDenied);
    assert!(
        error.to_string().contains("config.json cannot be used"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_with_tls_is_used_when_the_engine_trusts_it() {
    let engine = shared_engine();
    let (_registry, image) = registry_with_image(&engine, RegistryKind::Tls);
    pull(&executor(engine.docker_host()), &image).await.unwrap();
    forget(&engine, &image);
}

async fn fault_of(engine: &EngineAccess, image: &str) -> (Fault, String) {
    let error = pull(&executor(engine.docker_host()), image)
        .await
        .unwrap_err();
    (error.fault(), error.to_string())
}

#[tokio::test]
async fn a_missing_tag_and_a_missing_repository_are_not_found() {
    let engine = shared_engine();
    let (registry, image) = registry_with_image(&engine, RegistryKind::Open);
    let other_tag = format!("{image}-other");
    let other_repository = registry.reference("nobody/nothing:1");
    for missing in [other_tag, other_repository] {
        let (fault, text) = fault_of(&engine, &missing).await;
        assert_eq!(fault, Fault::ImageNotFound, "{text}");
        assert!(
            text.starts_with(&format!("cannot pull {missing}: ")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_down() {
    let engine = shared_engine();
    let (mut registry, image) = registry_with_image(&engine, RegistryKind::Open);
    registry.stop();
    let (fault, text) = fault_of(&engine, &image).await;
    assert_eq!(fault, Fault::ImagePull(PullFault::RegistryDown), "{text}");
}

#[tokio::test]
async fn a_platform_that_the_image_lacks_is_told() {
    let engine = shared_engine();
    let (_registry, image) = registry_with_image(&engine, RegistryKind::Open);
    let executor = executor(engine.docker_host());
    let platform = Some("linux/s390x".parse().unwrap());
    let request = PullRequest {
        platform,
        ..request(&image)
    };
    let error = images(&executor)
        .pull(&request, unseen())
        .await
        .unwrap_err();
    assert_eq!(
        error.fault(),
        Fault::ImagePull(PullFault::WrongPlatform),
        "{error}"
    );
}

#[tokio::test]
async fn ten_pulls_at_once_are_one() {
    let engine = shared_engine();
    let (_registry, image) = registry_with_image(&engine, RegistryKind::Open);
    let proxy = FaultProxy::start(&engine).unwrap();
    let slow = proxy.add(Rule::every(
        "/images/create",
        longshore_testkit::Fault::Delay(Duration::from_millis(300)),
    ));
    let executor = executor(&proxy.docker_host());
    let told = Arc::new(AtomicUsize::new(0));
    let pulls = (0..10).map(|_| {
        let told = Arc::clone(&told);
        let on_progress: OnProgress = Arc::new(move |_| {
            told.fetch_add(1, Ordering::Relaxed);
        });
        let (images, request) = (images(&executor), request(&image));
        async move { images.pull(&request, on_progress).await }
    });
    let pulled = futures::future::try_join_all(pulls).await.unwrap();
    assert!(pulled.iter().all(|image| image.id == pulled[0].id));
    assert_eq!(proxy.hits(slow), 1);
    assert!(
        told.load(Ordering::Relaxed) >= 10,
        "everybody is told of the progress"
    );
    // One that is over is not joined: what is pulled next is a pull of its own.
    pull(&executor, &image).await.unwrap();
    assert_eq!(proxy.hits(slow), 2);
    forget(&engine, &image);
}

#[tokio::test]
async fn a_waiter_that_leaves_takes_nobody_elses_pull_along_and_the_last_one_cancels() {
    let engine = shared_engine();
    let (_registry, image) = registry_with_image(&engine, RegistryKind::Open);
    let proxy = FaultProxy::start(&engine).unwrap();
    let delay = longshore_testkit::Fault::Delay(Duration::from_millis(400));
    let asked = proxy.add(Rule::every("/images/create", delay));
    let executor = executor(&proxy.docker_host());
    let leave_early = tokio::time::timeout(Duration::from_millis(100), pull(&executor, &image));
    let (left, stayed) = tokio::join!(leave_early, pull(&executor, &image));
    assert!(left.is_err());
    stayed.unwrap();
    assert_eq!(proxy.hits(asked), 1);
    forget(&engine, &image);
    let alone = tokio::time::timeout(Duration::from_millis(100), pull(&executor, &image)).await;
    assert!(alone.is_err());
    pull(&executor, &image).await.unwrap();
    assert_eq!(proxy.hits(asked), 3, "the cancelled pull is not joined");
    forget(&engine, &image);
}

#[tokio::test]
async fn a_pull_in_which_nothing_happens_ends_at_its_limits() {
    let engine = shared_engine();
    let proxy = FaultProxy::start(&engine).unwrap();
    proxy.add(Rule::every(
        "/images/create",
        longshore_testkit::Fault::Hang,
    ));
    let executor = executor(&proxy.docker_host());
    let short = Duration::from_millis(200);
    for (idle, total, why) in [
        (short, PATIENCE, "nothing happened for 200ms"),
        (PATIENCE, short, "it was not done after 200ms"),
    ] {
        let request = PullRequest {
            idle,
            total,
            ..request("127.0.0.1:1/never:1")
        };
        let began = Instant::now();
        let error = images(&executor)
            .pull(&request, unseen())
            .await
            .unwrap_err();
        assert_eq!(error.fault(), Fault::ImagePull(PullFault::TimedOut));
        assert!(error.to_string().contains(why), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_registry_that_stops_half_way_is_down() {
    let arguments = vec!["--max-download-attempts=1".to_owned()];
    let options = EngineOptions {
        arguments,
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).unwrap();
    let (mut registry, image) = registry_with_image(engine.access(), RegistryKind::Open);
    let big = registry.reference("team/big:1");
    let build = "head -c 200000000 /dev/urandom >/big";
    engine
        .docker(["run", "--name", "big", DEMO_IMAGE, "sh", "-c", build])
        .unwrap();
    engine.docker(["commit", "big", "big"]).unwrap();
    registry.push(engine.access(), "big", "team/big:1").unwrap();
    engine.docker(["rm", "big"]).unwrap();
    engine.docker(["image", "rm", "big", DEMO_IMAGE]).unwrap();
    forget(engine.access(), &image);
    let executor = executor(engine.docker_host());
    let (sender, receiver) = std::sync::mpsc::channel();
    let on_progress: OnProgress = Arc::new(move |progress: &PullProgress| {
        let moves = progress
            .layers
            .iter()
            .any(|layer| layer.status == "Downloading");
        if moves {
            let _ = sender.send(());
        }
    });
    let stopper = std::thread::spawn(move || {
        receiver
            .recv_timeout(PATIENCE)
            .expect("the download has begun");
        registry.stop();
    });
    let error = images(&executor)
        .pull(&request(&big), on_progress)
        .await
        .unwrap_err();
    stopper.join().unwrap();
    assert_eq!(
        error.fault(),
        Fault::ImagePull(PullFault::RegistryDown),
        "{error}"
    );
}
