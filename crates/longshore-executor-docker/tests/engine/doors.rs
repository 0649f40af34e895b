//! Every way to an engine, and every way not to reach one.

use std::time::{Duration, Instant};

use longshore_core::fault::Fault;
use longshore_core::host::{Endpoint, TlsFiles};
use longshore_executor::{Executor, ExecutorError};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_testkit::{
    Door, Engine, EngineOptions, FaultProxy, Pki, Rule, Sshd, shared_engine, temp_dir,
};

use crate::false_engine::FalseEngine;
use crate::scene::{Scene, executor, executor_with, impatient_executor};

fn engine_with(door: Door) -> Engine {
    Engine::start(&EngineOptions {
        door,
        ..EngineOptions::default()
    })
    .unwrap()
}

fn files(pki: &Pki) -> TlsFiles {
    let client = pki.client();
    TlsFiles {
        ca: Some(pki.authority().display().to_string()),
        cert: Some(client.certificate.display().to_string()),
        key: Some(client.key.display().to_string()),
        verify: true,
    }
}

fn by_tls(engine: &Engine, tls: TlsFiles) -> Result<DockerExecutor, ExecutorError> {
    let endpoint = Endpoint {
        address: format!("tcp://{}", engine.tcp_address()),
        tls: Some(tls),
    };
    DockerExecutor::new(&endpoint, DockerOptions::default())
}

#[tokio::test]
async fn a_job_runs_over_tls_with_client_certificates_and_strangers_are_kept_out() {
    let (pki, stranger) = (Pki::new().unwrap(), Pki::new().unwrap());
    let engine = engine_with(Door::Tls(&pki));
    let scene = Scene::by(engine.access(), by_tls(&engine, files(&pki)).unwrap());
    assert_eq!(scene.ran(&scene.script("exit 4")).await.1.code, 4);

    let (ours, theirs) = (files(&pki), files(&stranger));
    let other_client = TlsFiles {
        cert: theirs.cert.clone(),
        key: theirs.key.clone(),
        ..ours.clone()
    };
    let other_authority = TlsFiles {
        ca: theirs.ca.clone(),
        ..ours.clone()
    };
    let no_client = TlsFiles {
        cert: None,
        key: None,
        ..ours.clone()
    };
    for (wrong, tls) in [
        ("a client of another authority", other_client),
        ("a server of another authority", other_authority.clone()),
        ("no client certificate", no_client),
    ] {
        let error = by_tls(&engine, tls).unwrap().probe().await.unwrap_err();
        assert_eq!(error.fault(), Fault::Unreachable, "{wrong}: {error}");
        assert!(
            error.to_string().to_lowercase().contains("certificate"),
            "{wrong}: {error}"
        );
    }
    // Whoever wishes not to look at the server's certificate gets in.
    let unchecked = TlsFiles {
        verify: false,
        ..other_authority
    };
    by_tls(&engine, unchecked).unwrap().probe().await.unwrap();
    let plain = executor(&format!("tcp://{}", engine.tcp_address()));
    let error = plain.probe().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Unreachable, "plain: {error}");
}

fn refused(tls: TlsFiles) -> String {
    let endpoint = Endpoint {
        address: "tcp://127.0.0.1:1".to_owned(),
        tls: Some(tls),
    };
    let error = DockerExecutor::new(&endpoint, DockerOptions::default())
        .err()
        .unwrap();
    assert_eq!(error.fault(), Fault::Configuration);
    error.to_string()
}

#[test]
fn tls_that_is_half_set_is_refused_with_what_is_missing() {
    let pki = Pki::new().unwrap();
    let whole = files(&pki);
    let text = refused(TlsFiles {
        key: None,
        ..whole.clone()
    });
    assert!(
        text.contains("cert.pem), its private key is missing"),
        "{text}"
    );
    let text = refused(TlsFiles {
        cert: None,
        ..whole.clone()
    });
    assert!(
        text.contains("key.pem), its client certificate is missing"),
        "{text}"
    );
    for name in ["ca", "cert", "key"] {
        let mut tls = whole.clone();
        let path = Some(format!("/nonexistent/{name}.pem"));
        match name {
            "ca" => tls.ca = path,
            "cert" => tls.cert = path,
            _ => tls.key = path,
        }
        let text = refused(tls);
        assert!(
            text.contains(&format!("/nonexistent/{name}.pem cannot be read")),
            "{text}"
        );
    }
    let not_a_key = TlsFiles {
        key: whole.cert.clone(),
        ..whole
    };
    assert!(refused(not_a_key).contains("the private key"));
}

#[tokio::test]
async fn a_job_runs_over_plain_tcp() {
    let engine = engine_with(Door::Tcp);
    let by_tcp = executor(&format!("tcp://{}", engine.tcp_address()));
    let scene = Scene::by(engine.access(), by_tcp);
    assert_eq!(scene.ran(&scene.script("exit 4")).await.1.code, 4);
}

fn by_ssh(sshd: &Sshd) -> DockerExecutor {
    let ssh_program = sshd.path_dir().join("ssh");
    executor_with(
        &sshd.url(),
        DockerOptions {
            ssh_program,
            ..DockerOptions::default()
        },
    )
}

#[tokio::test]
async fn a_job_runs_over_ssh() {
    let engine = shared_engine();
    let sshd = Sshd::start(&engine).unwrap();
    let scene = Scene::by(&engine, by_ssh(&sshd));
    let (handle, exit) = scene.ran(&scene.script("echo far; exit 4")).await;
    assert_eq!(exit.code, 4);
    let frames = scene
        .frames(&handle, longshore_executor::LogRange::Follow)
        .await;
    assert_eq!(frames[0].bytes, "far\n");
}

#[tokio::test]
async fn twelve_followers_and_other_calls_share_an_ssh_host() {
    let engine = shared_engine();
    let sshd = Sshd::start(&engine).unwrap();
    let scene = Scene::by(&engine, by_ssh(&sshd));
    let handle = scene.started(&scene.script("echo x; sleep 60")).await;
    let follows = (0..12).map(|_| {
        scene
            .executor
            .logs(&handle, longshore_executor::LogRange::Follow)
    });
    let followed = futures::future::try_join_all(follows).await.unwrap();
    scene.executor.observe(&handle).await.unwrap();
    drop(followed);
}

#[tokio::test]
async fn an_ssh_server_that_is_gone_is_unreachable_in_its_own_words() {
    let mut sshd = Sshd::start(&shared_engine()).unwrap();
    let executor = by_ssh(&sshd);
    sshd.stop();
    let error = executor.probe().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Unreachable);
    assert!(
        error.to_string().contains("ssh: ") && error.to_string().contains("refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_that_is_down_is_unreachable_at_the_call_and_fine_once_it_is_up() {
    let mut engine = Engine::start(&EngineOptions::default()).unwrap();
    engine.stop().unwrap();
    let executor = executor(engine.docker_host());
    let error = executor.probe().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Unreachable);
    let text = error.to_string();
    assert!(
        text.contains("no connection to the engine at unix:///") && text.contains("docker.sock"),
        "{text}"
    );
    engine.start_again().unwrap();
    executor.probe().await.unwrap();
}

#[tokio::test]
async fn what_answers_but_is_no_engine_is_unreachable() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "",
    ] {
        let engine = FalseEngine::start(answer, String::new());
        let error = executor(&engine.address()).probe().await.unwrap_err();
        assert_eq!(error.fault(), Fault::Unreachable, "{answer}: {error}");
    }
    let folder = temp_dir();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let no_socket = format!("unix://{}", folder.path().join("file").display());
    let error = executor(&no_socket).probe().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Unreachable);
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_told_apart() {
    let ping = FalseEngine::PING.replace("1.41", "1.24");
    let engine = FalseEngine::start(&ping, String::new());
    let text = executor(&engine.address())
        .probe()
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("it speaks API 1.24"), "{text}");
}

#[tokio::test]
async fn every_call_to_an_engine_that_hangs_ends_at_its_deadline() {
    const LIMIT: Duration = Duration::from_millis(300);
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    proxy.add(Rule::every("/v1.", longshore_testkit::Fault::Hang));
    let executor = impatient_executor(&proxy.docker_host(), LIMIT);
    let scene = Scene::by(&shared_engine(), executor);
    let launch = scene.launch(&["true"]);
    let handle =
        serde_json::from_value(serde_json::json!({ "version": 1, "content": "abc" })).unwrap();
    let began = Instant::now();
    let faults = [
        scene.executor.probe().await.unwrap_err(),
        scene.executor.find(launch.attempt).await.unwrap_err(),
        scene.executor.create(&launch).await.unwrap_err(),
        scene.executor.start(&handle).await.unwrap_err(),
        scene.executor.observe(&handle).await.unwrap_err(),
        scene.executor.list_owned(scene.pool).await.unwrap_err(),
        scene.executor.events(scene.pool).await.err().unwrap(),
        scene
            .executor
            .logs(&handle, longshore_executor::LogRange::All)
            .await
            .err()
            .unwrap(),
        scene
            .executor
            .usage()
            .unwrap()
            .sample(&handle)
            .await
            .unwrap_err(),
    ]
    .map(|error| error.fault());
    assert_eq!(faults, [Fault::TimedOut; 9]);
    assert!(began.elapsed() < LIMIT * 30);
}
