//! Private engines: started, stopped, killed and started again, with nothing left behind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;

use longshore_testkit::{DEMO_IMAGE, Door, Engine, EngineOptions, Pki, load_demo_image, run};

fn engine_with_image(options: &EngineOptions) -> Engine {
    let engine = Engine::start(options).unwrap();
    load_demo_image(&engine).unwrap();
    engine
}

#[test]
fn a_private_engine_runs_a_container() {
    let engine = engine_with_image(&EngineOptions::default());
    let said = engine
        .docker(["run", "--rm", DEMO_IMAGE, "printf", "%s", "ahoy"])
        .unwrap();
    assert_eq!(said, "ahoy");
}

#[test]
fn the_image_has_the_tools_that_tests_use() {
    let engine = engine_with_image(&EngineOptions::default());
    let script = "id -un; echo one two | wc -w; which nc sleep sh; touch /tmp/x; id -un demo";
    let said = engine
        .docker(["run", "--rm", DEMO_IMAGE, "sh", "-c", script])
        .unwrap();
    assert_eq!(said, "root\n2\n/bin/nc\n/bin/sleep\n/bin/sh\ndemo");
}

#[test]
fn a_stopped_engine_refuses_and_keeps_its_containers() {
    let mut engine = engine_with_image(&EngineOptions::default());
    engine
        .docker(["run", "--name", "kept", DEMO_IMAGE, "true"])
        .unwrap();
    engine.stop().unwrap();
    assert!(!engine.answers());
    engine.start_again().unwrap();
    let exit_code = engine
        .docker(["inspect", "--format", "{{.State.ExitCode}}", "kept"])
        .unwrap();
    assert_eq!(exit_code, "0");
}

#[test]
fn a_killed_engine_starts_again() {
    let mut engine = engine_with_image(&EngineOptions::default());
    engine
        .docker([
            "run", "-d", "--init", "--name", "orphan", DEMO_IMAGE, "sleep", "600",
        ])
        .unwrap();
    engine.kill9().unwrap();
    assert!(!engine.answers());
    engine.start_again().unwrap();
    let status = engine
        .docker(["inspect", "--format", "{{.State.Status}}", "orphan"])
        .unwrap();
    assert_eq!(status, "exited");
}

#[test]
fn with_live_restore_a_container_survives_the_engine() {
    let options = EngineOptions {
        live_restore: true,
        ..EngineOptions::default()
    };
    let mut engine = engine_with_image(&options);
    engine
        .docker([
            "run", "-d", "--name", "survivor", DEMO_IMAGE, "sleep", "600",
        ])
        .unwrap();
    engine.kill9().unwrap();
    engine.start_again().unwrap();
    let status = engine
        .docker(["inspect", "--format", "{{.State.Status}}", "survivor"])
        .unwrap();
    assert_eq!(status, "running");
}

#[test]
fn nothing_is_left_of_a_dropped_engine() {
    let engine = engine_with_image(&EngineOptions::default());
    engine
        .docker(["run", "-d", DEMO_IMAGE, "sleep", "600"])
        .unwrap();
    let folder = engine.socket().parent().unwrap().to_path_buf();
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    drop(engine);
    assert!(!folder.exists());
    let processes = run(Command::new("ps").args(["-eo", "args"])).unwrap();
    assert!(!processes.contains(&name), "{processes}");
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains(&name), "{mounts}");
    let groups = run(Command::new("find").args(["/sys/fs/cgroup", "-name", &name])).unwrap();
    assert_eq!(groups, "");
}

#[test]
fn containers_find_each_other_by_alias() {
    let engine = engine_with_image(&EngineOptions::default());
    engine.docker(["network", "create", "quay"]).unwrap();
    let stay = [
        "run",
        "-d",
        "--network",
        "quay",
        "--network-alias",
        "pier",
        DEMO_IMAGE,
    ];
    engine.docker(stay.iter().chain(&["sleep", "600"])).unwrap();
    let call = [
        "run",
        "--rm",
        "--network",
        "quay",
        DEMO_IMAGE,
        "ping",
        "-c",
        "1",
        "pier",
    ];
    let answer = engine.docker(call).unwrap();
    assert!(answer.contains("1 packets received"), "{answer}");
}

#[test]
fn a_tls_door_opens_only_for_a_client_with_a_certificate() {
    let pki = Pki::new().unwrap();
    let options = EngineOptions {
        door: Door::Tls(&pki),
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).unwrap();
    let host = format!("tcp://{}", engine.tcp_address());
    let ask = |certificates: Option<&std::path::Path>| {
        let mut docker = Command::new("docker");
        docker.args(["--host", &host, "--tls"]);
        if let Some(folder) = certificates {
            docker.args(["--tlsverify"]).env("DOCKER_CERT_PATH", folder);
        }
        run(docker.args(["version", "--format", "{{.Server.Os}}"]))
    };
    assert_eq!(ask(Some(pki.docker_cert_path())).unwrap(), "linux\n");
    assert!(ask(None).is_err());
}

#[test]
fn a_tcp_door_works_before_and_after_a_restart() {
    let options = EngineOptions {
        door: Door::Tcp,
        ..EngineOptions::default()
    };
    let mut engine = Engine::start(&options).unwrap();
    let host = format!("tcp://{}", engine.tcp_address());
    let ask = || run(Command::new("docker").args(["--host", &host, "version"]));
    ask().unwrap();
    engine.stop().unwrap();
    engine.start_again().unwrap();
    ask().unwrap();
}

#[test]
fn over_a_cable_an_engine_is_reached_while_it_is_plugged_in_and_works_on_while_it_is_not() {
    let options = EngineOptions {
        door: Door::Cable,
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).unwrap();
    let (cable, host) = engine.cable();
    let ask = || {
        let mut docker = Command::new("timeout");
        run(docker.args(["5", "docker", "--host", &host, "version"]))
    };
    ask().unwrap();
    cable.pull().unwrap();
    assert!(ask().is_err());
    assert!(engine.answers(), "its socket is another way");
    cable.plug_in().unwrap();
    ask().unwrap();
}
