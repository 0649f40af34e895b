//! What is wrong from the start: a clear error within its deadline, no panic, and a true record.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use longshore_core::JobId;
use longshore_core::fault::Fault;
use longshore_core::host::TlsFiles;
use longshore_core::with_causes;
use longshore_executor::Which;
use longshore_service::{ServiceError, Why};
use longshore_store::StoreError;
use longshore_testkit::{
    Door, Engine, EngineOptions, Fault as Trouble, FaultProxy, Pki, Rule, shared_engine, temp_dir,
};
use uuid::Uuid;

use crate::rig::{Rig, is_connection, is_execution};
use crate::scene::{Scene, forever, script};

/// Beyond the deadline of the call itself.
const SLACK: Duration = Duration::from_secs(15);

#[tokio::test]
async fn an_unknown_job_is_named() {
    let rig = Rig::new().await;
    let job = JobId::new(Uuid::now_v7());
    let service = &rig.service;
    let answers = [
        rig.create(job).await.map(drop),
        service.start_container(job).await.map(drop),
        service.harvest_completed_job(job).await.map(drop),
        service.check_container_status(job).await.map(drop),
        service.output_of_job(job).await.map(drop),
        rig.frames(job, longshore_service::LogWish::default())
            .await
            .map(drop),
    ];
    for answer in answers {
        let error = is_execution(answer);
        let is_not_found = matches!(error.why(), Some(Why::Store(StoreError::NotFound { .. })));
        assert!(is_not_found, "{error:?}");
        assert!(with_causes(&error).contains(&job.to_string()));
    }
}

#[tokio::test]
async fn a_container_id_that_never_existed_is_none() {
    let scene = Scene::new().await;
    let id = "0123456789abcdef".repeat(4);
    let stats = scene.service.container_stats(&scene.host, &id).await;
    assert_eq!(stats.unwrap(), None);
    let odd = scene
        .service
        .container_stats(&scene.host, "no/such?id")
        .await;
    assert!(matches!(odd, Ok(None)), "{odd:?}");
}

/// A host that cannot be spoken to: every operation says so in its way, and the record is true.
async fn check_unspeakable(scene: &Scene, fault: Fault, said: &str) {
    let began = Instant::now();
    let (service, host) = (&scene.service, &scene.host);
    assert!(!service.health_check(host).await, "{said}");
    let report = scene.store.facts(host.id).await.unwrap();
    assert!(report.is_some(), "{said}");
    let error = is_connection(service.get_docker_version(host).await);
    assert_eq!(
        error.fault(),
        Some(fault),
        "{said}: {}",
        with_causes(&error)
    );
    assert!(
        with_causes(&error).to_lowercase().contains(said),
        "{}",
        with_causes(&error)
    );
    is_connection(service.list_containers(host, Which::All).await);
    let discovered = service.discover_running_containers(host).await;
    assert_eq!(discovered.unwrap(), []);
    let job = scene.job(forever()).await;
    is_connection(scene.create(job).await);
    assert_eq!(scene.standing(job).await, "pending", "{said}");
    assert!(
        scene.message(job).await.contains("cannot connect"),
        "{said}"
    );
    assert!(!service.launch_job(job).await.unwrap());
    assert!(scene.standing(job).await.starts_with("failed"), "{said}");
    assert!(began.elapsed() < SLACK * 2, "{said}");
}

#[tokio::test]
async fn a_wrong_address_is_said_to_be_one() {
    let mut scene = Scene::new().await;
    for (address, fault, said) in [
        ("gopher://elsewhere", Fault::Configuration, "gopher"),
        ("unix:///nowhere/docker.sock", Fault::Unreachable, "nowhere"),
        ("tcp://127.0.0.1:1", Fault::Unreachable, "127.0.0.1:1"),
    ] {
        scene.host.endpoint.address = address.into();
        let mut host = scene.host.clone();
        scene.rig.update(&mut host).await;
        scene.host = host;
        check_unspeakable(&scene, fault, said).await;
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_said_to_be_one() {
    let (pki, stranger) = (Pki::new().unwrap(), Pki::new().unwrap());
    let engine = Engine::start(&EngineOptions {
        door: Door::Tls(&pki),
        ..EngineOptions::default()
    })
    .unwrap();
    let mut scene = Scene::new().await;
    let client = stranger.client();
    scene.host.endpoint.address = format!("tcp://{}", engine.tcp_address());
    scene.host.endpoint.tls = Some(TlsFiles {
        ca: Some(pki.authority().display().to_string()),
        cert: Some(client.certificate.display().to_string()),
        key: Some(client.key.display().to_string()),
        verify: true,
    });
    let mut host = scene.host.clone();
    scene.rig.update(&mut host).await;
    scene.host = host;
    check_unspeakable(&scene, Fault::Unreachable, "certificate").await;
}

#[tokio::test]
async fn a_socket_that_is_no_docker_is_said_to_be_none() {
    let folder = temp_dir();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 64]);
            let _ = std::io::Write::write_all(&mut stream, b"220 mail.example ready\r\n");
        }
    });
    let mut scene = Scene::new().await;
    let socket = folder.path().join("socket");
    scene.host.endpoint.address = format!("unix://{}", socket.display());
    let mut host = scene.host.clone();
    scene.rig.update(&mut host).await;
    scene.host = host;
    check_unspeakable(&scene, Fault::Unreachable, "no docker engine").await;
}

#[tokio::test]
async fn a_daemon_that_hangs_after_its_ping_ends_every_call_at_its_deadline() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy).await;
    scene.hurry(Duration::from_millis(700));
    let running = scene.started(forever()).await;
    let job = scene.job(script("true")).await;
    for path in ["/containers/", "/info", "/images/", "/events"] {
        proxy.add(Rule::every(path, Trouble::Hang));
    }
    let began = Instant::now();
    let (service, host) = (&scene.service, &scene.host);
    let is_late = |error: ServiceError| {
        let error = is_connection::<()>(Err(error));
        assert_eq!(error.fault(), Some(Fault::TimedOut), "{error}");
    };
    is_late(scene.create(job).await.unwrap_err());
    is_late(service.wait_for_container(running, None).await.unwrap_err());
    is_late(service.get_container_stats(running).await.unwrap_err());
    is_late(service.cancel_job(running).await.unwrap_err());
    let wish = longshore_service::LogWish::default();
    is_late(scene.frames(running, wish).await.unwrap_err());
    let listed = service.list_containers(host, Which::All).await;
    is_late(listed.unwrap_err());
    assert!(!service.health_check(host).await);
    let status = service.check_container_status(running).await.unwrap();
    assert_eq!(status.word(), "error");
    assert!(!service.harvest_completed_job(running).await.unwrap());
    let stopped = service.stop_container(running, Duration::ZERO).await;
    assert!(!stopped.unwrap());
    assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
    assert_eq!(scene.standing(running).await, "running");
    assert_eq!(scene.standing(job).await, "pending");
    proxy.clear();
    let status = service.check_container_status(running).await.unwrap();
    assert_eq!(status.word(), "running");
}
